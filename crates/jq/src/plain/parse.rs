//! Recognises plain expressions. Answers nothing, never a mistake, for all others.

use jaq_core::ops::Cmp;
use serde_json::Value;

use super::{Expression, Key, Path, Piece, Step};
use crate::bounds::MAX_PLAIN_DEPTH;
use crate::value::{json, read_number};

/// `text` as a plain expression, where it is one.
pub(crate) fn parse(text: &str) -> Option<Expression> {
    let mut parser = Parser {
        rest: text,
        depth: 0,
        tries: 0,
    };
    let expression = parser.pipeline()?;
    parser.space();
    parser.rest.is_empty().then_some(expression)
}

struct Parser<'t> {
    rest: &'t str,
    depth: usize,
    /// `??` wraps what stands before it, so their number bounds a tree's depth as well.
    tries: usize,
}

impl<'t> Parser<'t> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn peek(&mut self) -> Option<char> {
        self.space();
        self.rest.chars().next()
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn name(&mut self) -> Option<&'t str> {
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !self.rest.starts_with(first) {
            return None;
        }
        let other = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let end = self.rest.find(other).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        // `a::b` names something in a module
        (!rest.starts_with("::")).then(|| {
            self.rest = rest;
            name
        })
    }

    /// `a // b | c`.
    fn pipeline(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > MAX_PLAIN_DEPTH {
            return None;
        }
        let mut stages = vec![self.alternatives()?];
        while self.peek() == Some('|') && !self.rest.starts_with("|=") {
            self.rest = &self.rest[1..];
            stages.push(self.alternatives()?);
        }
        self.depth -= 1;
        Some(one_or(stages, Expression::Pipeline))
    }

    fn alternatives(&mut self) -> Option<Expression> {
        let mut choices = vec![self.disjunction()?];
        loop {
            self.space();
            if self.rest.starts_with("//") && !self.rest.starts_with("//=") {
                self.rest = &self.rest[2..];
                choices.push(self.disjunction()?);
            } else {
                return Some(one_or(choices, Expression::Alternatives));
            }
        }
    }

    /// `a and b or c`
    fn disjunction(&mut self) -> Option<Expression> {
        let mut operands = vec![self.conjunction()?];
        while self.take_word("or") {
            operands.push(self.conjunction()?);
        }
        Some(one_or(operands, Expression::Any))
    }

    fn conjunction(&mut self) -> Option<Expression> {
        let mut operands = vec![self.comparison()?];
        while self.take_word("and") {
            operands.push(self.comparison()?);
        }
        Some(one_or(operands, Expression::All))
    }

    fn comparison(&mut self) -> Option<Expression> {
        let left = self.postfix()?;
        self.space();
        let (op, length) = match self.rest.as_bytes() {
            [b'=', b'=', ..] => (Cmp::Eq, 2),
            [b'!', b'=', ..] => (Cmp::Ne, 2),
            [b'<', b'=', ..] => (Cmp::Le, 2),
            [b'>', b'=', ..] => (Cmp::Ge, 2),
            [b'<', ..] => (Cmp::Lt, 1),
            [b'>', ..] => (Cmp::Gt, 1),
            _ => return Some(left),
        };
        self.rest = &self.rest[length..];
        let right = self.postfix()?;
        Some(Expression::Comparison(Box::new((left, op, right))))
    }

    /// A word that no letter follows.
    fn take_word(&mut self, word: &str) -> bool {
        self.space();
        let before = self.rest;
        if self.name() == Some(word) {
            return true;
        }
        self.rest = before;
        false
    }

    fn postfix(&mut self) -> Option<Expression> {
        let mut base = match self.peek()? {
            '-' | '0'..='9' => return self.number(),
            '.' => self.leading_dot()?,
            '"' => self.text()?,
            '(' => self.bracketed("(", ")", |p| p.pipeline())?,
            '[' => self.array()?,
            '{' => self.object()?,
            _ => match self.name()? {
                "null" => Expression::Literal(Value::Null),
                "true" => Expression::Literal(Value::Bool(true)),
                "false" => Expression::Literal(Value::Bool(false)),
                "not" => Expression::Not,
                "if" => self.conditional()?,
                _ => return None,
            },
        };
        loop {
            match self.peek() {
                Some('.') => {
                    self.rest = &self.rest[1..];
                    let key = self.after_dot()?;
                    base = self.indexed(base, key)?;
                }
                Some('[') => {
                    let key = self.index()?;
                    base = self.indexed(base, key)?;
                }
                // `?//` is a token of its own in jq
                Some('?') if !self.rest.starts_with("?//") => {
                    self.rest = &self.rest[1..];
                    base = self.tried(base)?;
                }
                Some('?') => return None,
                _ => return Some(base),
            }
        }
    }

    fn conditional(&mut self) -> Option<Expression> {
        let mut branches = Vec::new();
        loop {
            let condition = self.pipeline()?;
            self.take_word("then").then_some(())?;
            branches.push((condition, self.pipeline()?));
            if self.take_word("elif") {
                continue;
            }
            let otherwise = if self.take_word("else") {
                Some(Box::new(self.pipeline()?))
            } else {
                None
            };
            self.take_word("end").then_some(())?;
            return Some(Expression::If(branches, otherwise));
        }
    }

    fn leading_dot(&mut self) -> Option<Expression> {
        self.rest = &self.rest[1..];
        if self
            .rest
            .starts_with(|c: char| c == '.' || c.is_ascii_digit())
        {
            return None;
        }
        // `.name` is one token; `. name` is not in the language
        if let Some(name) = self.name() {
            return self.indexed(Expression::Identity, Key::Name(name.to_owned()));
        }
        match self.peek() {
            Some('"') => {
                let name = self.string()?;
                self.indexed(Expression::Identity, Key::Name(name))
            }
            _ => Some(Expression::Identity),
        }
    }

    fn after_dot(&mut self) -> Option<Key> {
        if let Some(name) = self.name() {
            return Some(Key::Name(name.to_owned()));
        }
        match self.peek()? {
            '"' => self.string().map(Key::Name),
            '[' => self.index(),
            _ => None,
        }
    }

    fn index(&mut self) -> Option<Key> {
        let key = self.bracketed("[", "]", |p| p.pipeline())?;
        Some(match key {
            Expression::Literal(Value::String(name)) => Key::Name(name),
            key => Key::Computed(key),
        })
    }

    fn indexed(&mut self, base: Expression, key: Key) -> Option<Expression> {
        self.space();
        if self.rest.starts_with("?//") {
            return None;
        }
        let step = Step {
            key,
            optional: self.take("?"),
        };
        Some(Expression::Path(Box::new(match base {
            Expression::Path(mut path) => {
                path.steps.push(step);
                return Some(Expression::Path(path));
            }
            base => Path {
                base,
                steps: vec![step],
            },
        })))
    }

    fn tried(&mut self, base: Expression) -> Option<Expression> {
        if matches!(base, Expression::Try(_)) {
            return Some(base);
        }
        self.tries += 1;
        (self.tries <= MAX_PLAIN_DEPTH).then(|| Expression::Try(Box::new(base)))
    }

    fn bracketed<T>(
        &mut self,
        open: &str,
        close: &str,
        inside: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        (self.take(open)).then_some(())?;
        let inside = inside(self)?;
        self.take(close).then_some(inside)
    }

    fn array(&mut self) -> Option<Expression> {
        self.bracketed("[", "]", |p| match p.peek()? {
            ']' => Some(Expression::Array(None)),
            _ => Some(Expression::Array(Some(Box::new(p.pipeline()?)))),
        })
    }

    fn object(&mut self) -> Option<Expression> {
        self.bracketed("{", "}", |p| {
            let mut entries = Vec::new();
            while p.peek()? != '}' {
                entries.push(p.entry()?);
                if !p.take(",") {
                    break;
                }
            }
            Some(Expression::Object(entries))
        })
    }

    fn entry(&mut self) -> Option<(Expression, Expression)> {
        let name = match self.peek()? {
            '(' => {
                let key = self.bracketed("(", ")", |p| p.pipeline())?;
                self.take(":").then_some(())?;
                return Some((key, self.pipeline()?));
            }
            '"' => self.string()?,
            _ => self.name()?.to_owned(),
        };
        let key = Expression::Literal(Value::String(name.clone()));
        if self.take(":") {
            return Some((key, self.pipeline()?));
        }
        let step = Step {
            key: Key::Name(name),
            optional: false,
        };
        let path = Path {
            base: Expression::Identity,
            steps: vec![step],
        };
        Some((key, Expression::Path(Box::new(path))))
    }

    fn number(&mut self) -> Option<Expression> {
        let negative = self.take("-");
        self.space();
        let digits = |p: &mut Self| {
            let before = p.rest.len();
            p.rest = p.rest.trim_start_matches(|c: char| c.is_ascii_digit());
            before != p.rest.len()
        };
        let start = self.rest;
        digits(self).then_some(())?;
        if let Some(rest) = self.rest.strip_prefix('.') {
            self.rest = rest;
            digits(self).then_some(())?;
        }
        if let Some(rest) = self.rest.strip_prefix(['e', 'E']) {
            self.rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
            digits(self).then_some(())?;
        }
        if self
            .rest
            .starts_with(|c: char| c.is_ascii_alphanumeric() || "_.[?".contains(c))
        {
            return None;
        }
        let digits = &start[..start.len() - self.rest.len()];
        number_value(digits, negative).map(Expression::Literal)
    }

    /// A string without interpolation.
    fn string(&mut self) -> Option<String> {
        match self.text()? {
            Expression::Literal(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<Expression> {
        self.take("\"").then_some(())?;
        let mut pieces = Vec::new();
        let mut text = String::new();
        loop {
            let plain = self.rest.find(['"', '\\'])?;
            text.push_str(&self.rest[..plain]);
            let quote = self.rest[plain..].starts_with('"');
            self.rest = &self.rest[plain + 1..];
            if quote && pieces.is_empty() {
                return Some(Expression::Literal(Value::String(text)));
            }
            if quote {
                pieces.push(Piece::Written(text));
                return Some(Expression::Text(pieces));
            }
            if self.rest.starts_with('(') {
                pieces.push(Piece::Written(std::mem::take(&mut text)));
                let inside = self.bracketed("(", ")", |p| p.pipeline())?;
                pieces.push(Piece::Interpolated(inside));
            } else {
                text.push(self.escape()?);
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let escape = chars.next()?;
        self.rest = chars.as_str();
        Some(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.code_unit()?;
                match char::from_u32(unit) {
                    Some(c) => c,
                    None => {
                        self.rest = self.rest.strip_prefix("\\u")?;
                        let pair = [
                            u16::try_from(unit).ok()?,
                            u16::try_from(self.code_unit()?).ok()?,
                        ];
                        let mut decoded = char::decode_utf16(pair);
                        let c = decoded.next()?.ok()?;
                        decoded.next().is_none().then_some(c)?
                    }
                }
            }
            _ => return None,
        })
    }

    fn code_unit(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.rest = &self.rest[4..];
        u32::from_str_radix(digits, 16).ok()
    }
}

fn one_or(mut list: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match list.pop() {
        Some(only) if list.is_empty() => only,
        Some(last) => {
            list.push(last);
            many(list)
        }
        None => many(list),
    }
}

/// Integers as such, all else as a double, where jq would show that double as it is written. The full
/// language keeps how a number is written.
fn number_value(digits: &str, negative: bool) -> Option<Value> {
    if let Ok(integer) = digits.parse::<u64>() {
        if !negative {
            return Some(Value::from(integer));
        }
        if let Ok(integer) = i64::try_from(integer) {
            // a zero that is written has no sign
            return Some(Value::from(-integer));
        }
    }
    let double = Value::from(digits.parse::<f64>().ok()?);
    let shown = |text: &str| read_number(text).map(|number| json(&number));
    if shown(digits)? != shown(&double.to_string())? {
        return None;
    }
    match double.as_f64() {
        Some(double) if negative => Some(Value::from(-double)),
        _ => Some(double),
    }
}
