//! From tokens to an expression.

use super::functions::Function;
use super::syntax::{Axis, Expression, Operator, Path, Start, Step, Test};
use super::tokens::{SyntaxError, Token, split};

/// Most parentheses around parts of an expression; the JDK's own limit.
const GROUP_LIMIT: usize = 10;

/// Reads an expression.
pub(super) fn parse(expression: &str) -> Result<Expression, SyntaxError> {
    let mut parser = Parser {
        tokens: split(expression)?,
        place: 0,
        end: expression.chars().count() + 1,
        groups: 0,
    };
    let parsed = parser.expression(0)?;
    match parser.peek() {
        None => Ok(parsed),
        Some(_) => parser.unexpected("the end of the expression"),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    place: usize,
    end: usize,
    groups: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.place).map(|(_, token)| token)
    }

    fn take_if(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.place += usize::from(found);
        found
    }

    fn unexpected<T>(&self, expected: &'static str) -> Result<T, SyntaxError> {
        let at = self.tokens.get(self.place).map_or(self.end, |(at, _)| *at);
        Err(SyntaxError::Unexpected { at, expected })
    }

    fn expect(&mut self, token: &Token, expected: &'static str) -> Result<(), SyntaxError> {
        if self.take_if(token) {
            return Ok(());
        }
        self.unexpected(expected)
    }

    /// Operators that bind at least as tightly as `least`; all of XPath's bind to the left.
    fn expression(&mut self, least: u8) -> Result<Expression, SyntaxError> {
        let mut left = self.negated()?;
        while let Some(Token::Operator(operator)) = self.peek() {
            let operator = *operator;
            let strength = strength(operator);
            if strength < least {
                break;
            }
            self.place += 1;
            let right = self.expression(strength + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn negated(&mut self) -> Result<Expression, SyntaxError> {
        if self.take_if(&Token::Operator(Operator::Subtract)) {
            // Java takes one sign, not several.
            return Ok(Expression::Negative(Box::new(self.united()?)));
        }
        self.united()
    }

    fn united(&mut self) -> Result<Expression, SyntaxError> {
        let mut left = self.path()?;
        while self.take_if(&Token::Pipe) {
            left = Expression::Union(Box::new(left), Box::new(self.path()?));
        }
        Ok(left)
    }

    fn path(&mut self) -> Result<Expression, SyntaxError> {
        if let Some(primary) = self.primary()? {
            let predicates = self.predicates()?;
            let goes_on = matches!(self.peek(), Some(Token::Slash | Token::DoubleSlash));
            if predicates.is_empty() && !goes_on {
                return Ok(primary);
            }
            let start = Start::Nodes(Box::new(primary), predicates);
            return self.steps_behind(start);
        }
        match self.peek() {
            Some(Token::Slash) => {
                self.place += 1;
                if !self.begins_step() {
                    // Java wants no step behind the root alone, but something else that may follow.
                    return Ok(Expression::Path(Path {
                        start: Start::Root,
                        steps: Vec::new(),
                    }));
                }
                self.steps(Start::Root, Vec::new())
            }
            Some(Token::DoubleSlash) => {
                self.place += 1;
                self.steps(Start::Root, vec![Step::any(Axis::DescendantOrSelf)])
            }
            _ => self.steps(Start::Context, Vec::new()),
        }
    }

    fn begins_step(&self) -> bool {
        match self.peek() {
            Some(Token::Function(name)) => is_node_type(name),
            Some(
                Token::Dot
                | Token::DoubleDot
                | Token::At
                | Token::Star
                | Token::Axis(_)
                | Token::Name(_)
                | Token::PrefixedName,
            ) => true,
            _ => false,
        }
    }

    fn steps_behind(&mut self, start: Start) -> Result<Expression, SyntaxError> {
        if self.take_if(&Token::Slash) {
            return self.steps(start, Vec::new());
        }
        if self.take_if(&Token::DoubleSlash) {
            return self.steps(start, vec![Step::any(Axis::DescendantOrSelf)]);
        }
        let steps = Vec::new();
        Ok(Expression::Path(Path { start, steps }))
    }

    fn steps(&mut self, start: Start, mut steps: Vec<Step>) -> Result<Expression, SyntaxError> {
        loop {
            steps.push(self.step()?);
            if self.take_if(&Token::DoubleSlash) {
                steps.push(Step::any(Axis::DescendantOrSelf));
            } else if !self.take_if(&Token::Slash) {
                return Ok(Expression::Path(Path { start, steps }));
            }
        }
    }

    fn step(&mut self) -> Result<Step, SyntaxError> {
        if self.take_if(&Token::Dot) {
            return Ok(Step::any(Axis::Itself));
        }
        if self.take_if(&Token::DoubleDot) {
            return Ok(Step::any(Axis::Parent));
        }
        let axis = if self.take_if(&Token::At) {
            Axis::Attribute
        } else if let Some(Token::Axis(name)) = self.peek() {
            let axis = axis(name);
            match axis {
                Some(axis) => {
                    self.place += 1;
                    axis
                }
                None if name == "namespace" => {
                    return Err(SyntaxError::Unsupported("the axis namespace"));
                }
                None => return self.unexpected("the name of an axis"),
            }
        } else {
            Axis::Child
        };
        let test = self.test()?;
        let predicates = self.predicates()?;
        Ok(Step {
            axis,
            test,
            predicates,
        })
    }

    fn test(&mut self) -> Result<Test, SyntaxError> {
        let test = match self.peek() {
            Some(Token::Star) => Test::Star,
            Some(Token::Name(name)) => Test::Name(name.clone()),
            Some(Token::PrefixedName) => Test::Prefixed,
            Some(Token::Function(name)) => match name.as_str() {
                "node" => Test::Node,
                "text" => Test::Text,
                "comment" => Test::Comment,
                "processing-instruction" => Test::Instruction(None),
                _ => return self.unexpected("a step"),
            },
            _ => return self.unexpected("a step"),
        };
        let in_parentheses = matches!(self.peek(), Some(Token::Function(_)));
        self.place += 1;
        if !in_parentheses {
            return Ok(test);
        }
        let mut test = test;
        if let (Test::Instruction(target), Some(Token::Literal(name))) = (&mut test, self.peek()) {
            *target = Some(name.clone());
            self.place += 1;
        }
        self.expect(&Token::Close, "`)`")?;
        Ok(test)
    }

    fn predicates(&mut self) -> Result<Vec<Expression>, SyntaxError> {
        let mut predicates = Vec::new();
        while self.take_if(&Token::OpenBracket) {
            predicates.push(self.expression(0)?);
            self.expect(&Token::CloseBracket, "`]`")?;
        }
        Ok(predicates)
    }

    /// What is not a path; nothing where a path begins.
    fn primary(&mut self) -> Result<Option<Expression>, SyntaxError> {
        let primary = match self.peek() {
            Some(Token::Open) => {
                self.place += 1;
                self.groups += 1;
                if self.groups > GROUP_LIMIT {
                    return Err(SyntaxError::TooMuch {
                        what: "parentheses",
                        limit: GROUP_LIMIT,
                    });
                }
                let inner = self.expression(0)?;
                self.expect(&Token::Close, "`)`")?;
                return Ok(Some(inner));
            }
            Some(Token::Literal(text)) => Expression::Literal(text.clone()),
            Some(Token::Number(number)) => Expression::Number(*number),
            Some(Token::Variable(name)) => Expression::Variable(name.clone()),
            Some(Token::Function(name)) if !is_node_type(name) => {
                let function = Function::named(name)
                    .ok_or_else(|| SyntaxError::UnknownFunction(name.clone()))?;
                self.place += 1;
                let arguments = self.arguments()?;
                function.check_arguments(arguments.len())?;
                return Ok(Some(Expression::Call(function, arguments)));
            }
            _ => return Ok(None),
        };
        self.place += 1;
        Ok(Some(primary))
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, SyntaxError> {
        let mut arguments = Vec::new();
        if self.take_if(&Token::Close) {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(0)?);
            if self.take_if(&Token::Close) {
                return Ok(arguments);
            }
            self.expect(&Token::Comma, "`,` or `)`")?;
        }
    }
}

fn strength(operator: Operator) -> u8 {
    match operator {
        Operator::Or => 0,
        Operator::And => 1,
        Operator::Equal | Operator::Unequal => 2,
        Operator::Less | Operator::AtMost | Operator::Greater | Operator::AtLeast => 3,
        Operator::Add | Operator::Subtract => 4,
        Operator::Multiply | Operator::Divide | Operator::Remainder => 5,
    }
}

fn is_node_type(name: &str) -> bool {
    matches!(name, "node" | "text" | "comment" | "processing-instruction")
}

fn axis(name: &str) -> Option<Axis> {
    Some(match name {
        "child" => Axis::Child,
        "descendant" => Axis::Descendant,
        "descendant-or-self" => Axis::DescendantOrSelf,
        "self" => Axis::Itself,
        "parent" => Axis::Parent,
        "ancestor" => Axis::Ancestor,
        "ancestor-or-self" => Axis::AncestorOrSelf,
        "following" => Axis::Following,
        "following-sibling" => Axis::FollowingSibling,
        "preceding" => Axis::Preceding,
        "preceding-sibling" => Axis::PrecedingSibling,
        "attribute" => Axis::Attribute,
        _ => return None,
    })
}
