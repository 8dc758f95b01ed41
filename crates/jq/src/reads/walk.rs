//! The walk through an expression's terms with what is known of the value that each one meets.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};

use super::functions;
use super::{Kind, MAX_READ_STEPS, MAX_READS, Reads, Step, Yields};
use crate::interpreter::syntax;

type Text<'t> = Term<&'t str>;
type Parts<'t> = [StrPart<&'t str, Text<'t>>];

pub(super) struct Walk<'t> {
    text: &'t str,
    paths: Vec<Vec<Step>>,
    /// The variables in scope, the innermost last.
    variables: Vec<(&'t str, Yields)>,
    /// Functions that the expression defines itself, with their number of arguments.
    defined: Vec<(&'t str, usize)>,
}

impl<'t> Walk<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self {
            text,
            paths: Vec::new(),
            variables: Vec::new(),
            defined: Vec::new(),
        }
    }

    pub(super) fn read(mut self, term: &Text<'t>) -> Reads {
        let yields = self.term(term, &Yields::Path(Vec::new()));
        let mut paths = self.paths;
        // what is evaluated first may be written last, and what is written once be evaluated twice
        paths.sort_by_key(|path| path.last().map_or(0, |step| step.position));
        paths.dedup();
        Reads { paths, yields }
    }

    /// What `term` yields for an input that is `input`.
    fn term(&mut self, term: &Text<'t>, input: &Yields) -> Yields {
        match term {
            Term::Id => input.clone(),
            Term::Recurse | Term::Break(_) => Yields::Unknown,
            Term::Num(_) => Yields::Kind(Kind::Number),
            Term::Str(_, parts) => {
                self.interpolated(parts, input);
                Yields::Kind(Kind::String)
            }
            Term::Arr(inside) => {
                if let Some(inside) = inside {
                    self.term(inside, input);
                }
                Yields::Kind(Kind::Array)
            }
            Term::Obj(entries) => {
                for (key, value) in entries {
                    self.entry(key, value.as_ref(), input);
                }
                Yields::Kind(Kind::Object)
            }
            Term::Neg(inside) => {
                self.term(inside, input);
                Yields::Kind(Kind::Number)
            }
            Term::BinOp(left, op, right) => self.operation(left, op, right, input),
            Term::Label(_, inside) => self.term(inside, input),
            Term::Fold(_, over, pattern, arguments) => self.fold(over, pattern, arguments, input),
            Term::TryCatch(tried, caught) => {
                let tried = self.term(tried, input);
                match caught {
                    None => tried,
                    Some(caught) => {
                        self.term(caught, &Yields::Unknown);
                        Yields::Unknown
                    }
                }
            }
            Term::IfThenElse(branches, otherwise) => {
                for (condition, then) in branches {
                    self.term(condition, input);
                    self.term(then, input);
                }
                if let Some(otherwise) = otherwise {
                    self.term(otherwise, input);
                }
                Yields::Unknown
            }
            Term::Def(definitions, inside) => self.definitions(definitions, inside, input),
            Term::Call(name, arguments) => self.call(name, arguments, input),
            Term::Var(name) => self.variable(name),
            Term::Path(base, Path(parts)) => {
                let base = self.term(base, input);
                let parts = parts.iter().map(|(part, _)| part);
                self.path(base, parts, input)
            }
        }
    }

    fn interpolated(&mut self, parts: &Parts<'t>, input: &Yields) {
        for part in parts {
            if let StrPart::Term(term) = part {
                self.term(term, input);
            }
        }
    }

    fn entry(&mut self, key: &Text<'t>, value: Option<&Text<'t>>, input: &Yields) {
        match (value, self.literal(key)) {
            (Some(value), Some(_)) => drop(self.term(value, input)),
            (value, _) => {
                self.term(key, input);
                if let Some(value) = value {
                    self.term(value, input);
                }
            }
        }
    }

    fn operation(
        &mut self,
        left: &Text<'t>,
        op: &BinaryOp<&'t str>,
        right: &Text<'t>,
        input: &Yields,
    ) -> Yields {
        match op {
            BinaryOp::Pipe(None) => {
                let left = self.term(left, input);
                self.term(right, &left)
            }
            // what is written need not be there before
            BinaryOp::Pipe(Some(pattern)) if syntax::is_compound(pattern, right) => {
                self.term(left, input);
                Yields::Unknown
            }
            BinaryOp::Pipe(Some(pattern)) => {
                let left = self.term(left, input);
                let outer = self.variables.len();
                self.bind(pattern, left, input);
                let yields = self.term(right, input);
                self.variables.truncate(outer);
                yields
            }
            // the grammar makes calls of these
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateAlt | BinaryOp::UpdateMath(_) => {
                Yields::Unknown
            }
            BinaryOp::Or | BinaryOp::And | BinaryOp::Cmp(_) => {
                self.term(left, input);
                self.term(right, input);
                Yields::Kind(Kind::Boolean)
            }
            BinaryOp::Comma | BinaryOp::Alt | BinaryOp::Math(_) => {
                let left = self.term(left, input);
                let right = self.term(right, input);
                let kept = match op {
                    BinaryOp::Math(Math::Add) => left != Yields::Kind(Kind::Boolean),
                    BinaryOp::Math(_) => false,
                    _ => true,
                };
                if kept && matches!(left, Yields::Kind(_)) && left == right {
                    left
                } else {
                    Yields::Unknown
                }
            }
        }
    }

    fn fold(
        &mut self,
        over: &Text<'t>,
        pattern: &Pattern<&'t str>,
        arguments: &[Text<'t>],
        input: &Yields,
    ) -> Yields {
        self.term(over, input);
        let outer = self.variables.len();
        self.bind(pattern, Yields::Unknown, input);
        for (at, argument) in arguments.iter().enumerate() {
            let meets = if at == 0 { input } else { &Yields::Unknown };
            self.term(argument, meets);
        }
        self.variables.truncate(outer);
        Yields::Unknown
    }

    fn bind(&mut self, pattern: &Pattern<&'t str>, value: Yields, input: &Yields) {
        match pattern {
            Pattern::Var(name) => self.variables.push((name, value)),
            Pattern::Arr(inside) => {
                for pattern in inside {
                    self.bind(pattern, Yields::Unknown, input);
                }
            }
            Pattern::Obj(entries) => {
                for (key, pattern) in entries {
                    let member = match self.literal(key) {
                        Some(step) => self.member(value.clone(), step),
                        None => {
                            self.term(key, input);
                            Yields::Unknown
                        }
                    };
                    self.bind(pattern, member, input);
                }
            }
        }
    }

    fn definitions(
        &mut self,
        definitions: &[Def<&'t str>],
        inside: &Text<'t>,
        input: &Yields,
    ) -> Yields {
        let outer = self.defined.len();
        for definition in definitions {
            self.defined.push((definition.name, definition.args.len()));
            let (functions, variables) = (self.defined.len(), self.variables.len());
            for argument in &definition.args {
                if argument.starts_with('$') {
                    self.variables.push((argument, Yields::Unknown));
                }
                self.defined.push((argument.trim_start_matches('$'), 0));
            }
            self.term(&definition.body, &Yields::Unknown);
            self.defined.truncate(functions);
            self.variables.truncate(variables);
        }
        let yields = self.term(inside, input);
        self.defined.truncate(outer);
        yields
    }

    fn call(&mut self, name: &'t str, arguments: &[Text<'t>], input: &Yields) -> Yields {
        match (name, arguments) {
            ("_assign", [_, value]) => {
                self.term(value, input);
                return Yields::Unknown;
            }
            ("_modify", [paths, update]) => {
                let old = self.term(paths, input);
                self.term(update, &old);
                return Yields::Unknown;
            }
            ("_alternative", [left, right]) => {
                return self.operation(left, &BinaryOp::Alt, right, input);
            }
            _ => {}
        }
        let arity = arguments.len();
        let is_ours = self.defined.contains(&(name, arity));
        for (at, argument) in arguments.iter().enumerate() {
            let sees = !is_ours && functions::sees_input(name, arity, at);
            self.term(argument, if sees { input } else { &Yields::Unknown });
        }
        if is_ours {
            Yields::Unknown
        } else if functions::gives_input(name, arity) {
            input.clone()
        } else {
            functions::kind(name, arity).map_or(Yields::Unknown, Yields::Kind)
        }
    }

    fn variable(&self, name: &str) -> Yields {
        let found = self.variables.iter().rfind(|(known, _)| *known == name);
        found.map_or(Yields::Unknown, |(_, value)| value.clone())
    }

    /// Indexes stand in the expression's own input, not in what they index.
    fn path<'p>(
        &mut self,
        base: Yields,
        parts: impl Iterator<Item = &'p Part<Text<'t>>>,
        input: &Yields,
    ) -> Yields
    where
        't: 'p,
    {
        let mut reached = base;
        let mut unrecorded = false;
        for part in parts {
            let step = match part {
                Part::Index(index) => self.literal(index),
                Part::Range(..) => None,
            };
            match (step, &mut reached) {
                (Some(step), Yields::Path(steps)) if steps.len() < MAX_READ_STEPS => {
                    steps.push(step);
                    unrecorded = true;
                }
                (Some(_), _) => reached = Yields::Unknown,
                (None, _) => {
                    self.record(&reached, unrecorded);
                    (reached, unrecorded) = (Yields::Unknown, false);
                    match part {
                        Part::Index(index) => drop(self.term(index, input)),
                        Part::Range(from, to) => {
                            for bound in [from, to].into_iter().flatten() {
                                self.term(bound, input);
                            }
                        }
                    }
                }
            }
        }
        self.record(&reached, unrecorded);
        reached
    }

    fn member(&mut self, value: Yields, step: Step) -> Yields {
        let Yields::Path(mut steps) = value else {
            return Yields::Unknown;
        };
        if steps.len() >= MAX_READ_STEPS {
            return Yields::Unknown;
        }
        steps.push(step);
        let member = Yields::Path(steps);
        self.record(&member, true);
        member
    }

    fn record(&mut self, reached: &Yields, unrecorded: bool) {
        if let Yields::Path(steps) = reached
            && unrecorded
            && self.paths.len() < MAX_READS
        {
            self.paths.push(steps.clone());
        }
    }

    /// A string without interpolations.
    fn literal(&self, term: &Text<'t>) -> Option<Step> {
        let Term::Str(None, parts) = term else {
            return None;
        };
        let mut key = String::new();
        let mut position = None;
        for part in parts {
            match part {
                StrPart::Str(text) => {
                    let start = text.as_ptr().addr().checked_sub(self.text.as_ptr().addr());
                    position = position.or(start);
                    key.push_str(text);
                }
                StrPart::Char(character) => key.push(*character),
                StrPart::Term(_) => return None,
            }
        }
        let position = position.unwrap_or_default().min(self.text.len());
        Some(Step { key, position })
    }
}
