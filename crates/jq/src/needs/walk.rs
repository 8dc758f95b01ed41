//! The walk through an expression's terms with what is known of where each value came from.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::{Part, Path};

use super::{MAX_DEPTH, MAX_KEYS, Needs};
use crate::interpreter::syntax;

type Text<'t> = Term<&'t str>;

/// What the expression `term` needs of its input.
pub(crate) fn needs(term: &Text<'_>) -> Needs {
    let mut walk = Walk {
        needs: Needs::default(),
        keys: 0,
        gave_up: false,
        variables: Vec::new(),
    };
    let output = walk.term(term, &Origin::Input(Vec::new()));
    walk.use_whole(&output);
    if walk.gave_up {
        return Needs::whole();
    }
    walk.needs
}

/// Where a value came from.
#[derive(Clone, Debug)]
enum Origin<'t> {
    /// It stands at this path of the input, or fails where that leads through what is no object.
    Input(Vec<&'t str>),
    /// It was made, or is a part of what is needed whole.
    Elsewhere,
}

struct Walk<'t> {
    needs: Needs,
    keys: usize,
    /// What the expression says is not followed.
    gave_up: bool,
    /// The innermost last.
    variables: Vec<(&'t str, Origin<'t>)>,
}

impl<'t> Walk<'t> {
    /// What `term` gives for an input of this origin, as far as it is one value's; all else that it
    /// looks at is needed.
    fn term(&mut self, term: &Text<'t>, input: &Origin<'t>) -> Origin<'t> {
        match term {
            Term::Id => return input.clone(),
            Term::Num(_) | Term::Break(_) => {}
            Term::Recurse => self.use_whole(input),
            Term::Str(None, parts) => {
                for part in parts {
                    if let StrPart::Term(term) = part {
                        self.consume(term, input);
                    }
                }
            }
            Term::Arr(inside) => {
                if let Some(inside) = inside {
                    self.consume(inside, input);
                }
            }
            Term::Obj(entries) => {
                for (key, value) in entries {
                    self.consume(key, input);
                    match value {
                        Some(value) => self.consume(value, input),
                        None => self.gave_up = true,
                    }
                }
            }
            Term::Neg(inside) => self.consume(inside, input),
            Term::BinOp(left, op, right) => return self.operation(left, op, right, input),
            Term::Label(_, inside) => self.consume(inside, input),
            Term::Fold(_, over, pattern, arguments) => {
                self.fold(over, pattern, arguments, input);
            }
            Term::TryCatch(tried, None) => return self.term(tried, input),
            Term::TryCatch(tried, Some(caught)) => {
                self.consume(tried, input);
                self.consume(caught, &Origin::Elsewhere);
            }
            Term::IfThenElse(branches, otherwise) => {
                for (condition, then) in branches {
                    self.consume(condition, input);
                    self.consume(then, input);
                }
                match otherwise {
                    Some(otherwise) => self.consume(otherwise, input),
                    None => self.use_whole(input),
                }
            }
            Term::Call(name, arguments) => return self.call(name, arguments, input),
            Term::Var(name) => return self.variable(name),
            Term::Path(base, Path(parts)) => {
                let base = self.term(base, input);
                return self.path(base, parts.iter().map(|(part, _)| part), input);
            }
            // its own functions may be called from anywhere, by names of the language's
            Term::Def(..) | Term::Str(Some(_), _) => self.gave_up = true,
        }
        Origin::Elsewhere
    }

    fn consume(&mut self, term: &Text<'t>, input: &Origin<'t>) {
        let output = self.term(term, input);
        self.use_whole(&output);
    }

    fn operation(
        &mut self,
        left: &Text<'t>,
        op: &BinaryOp<&'t str>,
        right: &Text<'t>,
        input: &Origin<'t>,
    ) -> Origin<'t> {
        match op {
            BinaryOp::Pipe(None) => {
                let left = self.term(left, input);
                return self.term(right, &left);
            }
            BinaryOp::Pipe(Some(pattern)) => {
                let value = self.term(left, input);
                let outer = self.variables.len();
                self.bind(pattern, value, input);
                let output = self.term(right, input);
                self.variables.truncate(outer);
                return output;
            }
            BinaryOp::Comma
            | BinaryOp::Alt
            | BinaryOp::Or
            | BinaryOp::And
            | BinaryOp::Math(_)
            | BinaryOp::Cmp(_) => {
                self.consume(left, input);
                self.consume(right, input);
            }
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                self.gave_up = true;
            }
        }
        Origin::Elsewhere
    }

    fn fold(
        &mut self,
        over: &Text<'t>,
        pattern: &Pattern<&'t str>,
        arguments: &[Text<'t>],
        input: &Origin<'t>,
    ) {
        self.consume(over, input);
        let outer = self.variables.len();
        self.bind(pattern, Origin::Elsewhere, input);
        for (at, argument) in arguments.iter().enumerate() {
            let meets = if at == 0 { input } else { &Origin::Elsewhere };
            self.consume(argument, meets);
        }
        self.variables.truncate(outer);
    }

    fn bind(&mut self, pattern: &Pattern<&'t str>, value: Origin<'t>, input: &Origin<'t>) {
        match pattern {
            Pattern::Var(name) => self.variables.push((name, value)),
            Pattern::Arr(inside) => {
                self.use_whole(&value);
                for pattern in inside {
                    self.bind(pattern, Origin::Elsewhere, input);
                }
            }
            Pattern::Obj(entries) => {
                self.use_whole(&value);
                for (key, pattern) in entries {
                    self.consume(key, input);
                    self.bind(pattern, Origin::Elsewhere, input);
                }
            }
        }
    }

    /// What a function does with its input is not followed. Its arguments meet that, or what comes
    /// of it.
    fn call(&mut self, name: &str, arguments: &[Text<'t>], input: &Origin<'t>) -> Origin<'t> {
        if is_blind(name, arguments.len()) {
            for argument in arguments {
                self.consume(argument, input);
            }
            return Origin::Elsewhere;
        }
        self.use_whole(input);
        for argument in arguments {
            self.consume(argument, &Origin::Elsewhere);
        }
        Origin::Elsewhere
    }

    fn variable(&self, name: &str) -> Origin<'t> {
        let found = self.variables.iter().rfind(|(known, _)| *known == name);
        found.map_or(Origin::Elsewhere, |(_, value)| value.clone())
    }

    /// Indexes stand in the expression's own input, not in what they index.
    fn path<'p>(
        &mut self,
        base: Origin<'t>,
        parts: impl Iterator<Item = &'p Part<Text<'t>>>,
        input: &Origin<'t>,
    ) -> Origin<'t>
    where
        't: 'p,
    {
        let mut reached = base;
        for part in parts {
            reached = match part {
                Part::Index(index) => match syntax::written(index) {
                    Some(name) => self.member(reached, name),
                    None => {
                        self.use_whole(&reached);
                        self.consume(index, input);
                        Origin::Elsewhere
                    }
                },
                Part::Range(from, to) => {
                    self.use_whole(&reached);
                    for bound in [from, to].into_iter().flatten() {
                        self.consume(bound, input);
                    }
                    Origin::Elsewhere
                }
            };
        }
        reached
    }

    fn member(&mut self, value: Origin<'t>, name: &'t str) -> Origin<'t> {
        let Origin::Input(mut path) = value else {
            return Origin::Elsewhere;
        };
        if path.len() >= MAX_DEPTH {
            self.use_whole(&Origin::Input(path));
            return Origin::Elsewhere;
        }
        path.push(name);
        // whether there is such a member, or a mistake on the way, may be all that is asked
        self.at(&path);
        Origin::Input(path)
    }

    fn use_whole(&mut self, value: &Origin<'t>) {
        if let Origin::Input(path) = value
            && let Some(needs) = self.at(path)
        {
            needs.need_whole();
        }
    }

    /// What is needed at `path`; nothing where all is.
    fn at(&mut self, path: &[&'t str]) -> Option<&mut Needs> {
        self.keys += path.len();
        if self.keys > MAX_KEYS {
            self.gave_up = true;
            return None;
        }
        let mut needs = &mut self.needs;
        for name in path {
            needs = needs.member((*name).into())?;
        }
        Some(needs)
    }
}

/// Whether the function does not look at its own input, and gives that to its arguments.
fn is_blind(name: &str, arity: usize) -> bool {
    matches!(
        (name, arity),
        ("empty" | "false" | "now" | "null" | "true", 0)
            | ("_alternative", 2)
            | (
                "_last" | "error" | "first" | "last" | "isempty" | "range",
                1
            )
            | ("limit" | "range" | "skip" | "pow", 2)
            | ("range", 3)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Needs;
    use crate::program::Program;

    fn needed(text: &str) -> Value {
        let input = json!({
            "inputs": {"name": "svc", "labels": ["a"], "deep": {"x": 1, "y": 2}},
            "run": {"id": "r_1"},
        });
        let program = Program::compile(text).unwrap();
        let mut part = Vec::new();
        let needs = Needs::union([program.needs()].into_iter());
        needs.write(&input, &mut part).unwrap();
        serde_json::from_slice(&part).unwrap()
    }

    #[test]
    fn what_is_not_looked_at_is_left_out() {
        let labels = json!({"inputs": {"labels": ["a"]}});
        for (text, part) in [
            ("now", json!({})),
            (".inputs.labels | join(\",\")", labels.clone()),
            (
                ".inputs | .labels | map(select(. != \"b\")) | length",
                labels.clone(),
            ),
            (
                ".inputs as $i | $i.labels[0] | ascii_upcase",
                labels.clone(),
            ),
            ("[.inputs.labels[] as $l | {l: $l}]", labels),
            (
                ".inputs.name + \"-\\(.run.id)\"",
                json!({"inputs": {"name": "svc"}, "run": {"id": "r_1"}}),
            ),
            (
                "\"\\(.inputs.deep.x * 2)\" | test(\"2\")",
                json!({"inputs": {"deep": {"x": 1}}}),
            ),
            ("[limit(1; .run.id)]", json!({"run": {"id": "r_1"}})),
            (".missing.name | not | tojson", json!({})),
            (".run.id.x? | tojson", json!({"run": {"id": "r_1"}})),
        ] {
            assert_eq!(needed(text), part, "{text}");
        }
    }

    #[test]
    fn in_doubt_all_is_needed() {
        let all = needed(".");
        for text in [
            "tojson",
            ".. | numbers",
            "def f: .inputs; f | tojson",
            ".inputs.name = 1 | .run",
            "map_values(.name?)",
            "if .run then . else 1 end | tojson",
            ". as {inputs: $i} | $i | tojson",
        ] {
            assert_eq!(needed(text), all, "{text}");
        }
        let long = format!("{} | tojson", vec![".run.id"; 600].join(" + "));
        assert_eq!(needed(&long), all);
    }

    fn may_read(text: &str) -> bool {
        let paths: [&[&str]; 2] = [&["inputs", "key"], &["inputs", "a b"]];
        Program::compile(text).unwrap().may_read(&paths)
    }

    #[test]
    fn what_may_read_a_path_is_found_however_it_gets_there() {
        for text in [
            ".inputs.key",
            ".inputs[\"key\"]",
            ".[\"inputs\"].key",
            ".[\"in\" + \"puts\"].key",
            ".inputs[\"k\" + \"ey\"]",
            ".inputs[.inputs.name]",
            ".inputs[\"a b\"]",
            ".inputs.key.inside",
            ".inputs.key?",
            ".inputs.key // \"none\"",
            ".inputs",
            ".",
            ".inputs | .key",
            ".inputs as $i | $i.key",
            "{inputs}",
            "{a: .inputs}",
            "\"\\(.inputs)\"",
            "if .inputs.key then 1 else 2 end",
            ".inputs.name == .inputs.key",
            ".inputs | has(\"key\")",
            ".inputs | keys",
            "getpath([\"inputs\", \"key\"])",
            "..",
            "[.[] | .key?]",
            "to_entries",
            "tojson",
            "def f: .inputs; f.key",
            ".inputs.name as $n | .inputs[$n]",
            "paths",
            ". as {inputs: {key: $k}} | $k",
            "try error(.inputs) catch .",
            "reduce .inputs[] as $i (0; . + 1)",
            "path(.inputs.key)",
            ".inputs.key = 1 | .run.id",
            "[limit(1; .inputs.key)]",
            "input",
        ] {
            assert!(may_read(text), "{text}");
        }
    }

    #[test]
    fn what_reads_other_paths_alone_does_not() {
        for text in [
            "1",
            "now",
            "\"the key is .inputs.key\"",
            ".inputs.name",
            ".inputs[\"name\"]",
            ".inputs.other.key",
            ".run.id",
            ".inputs.name // .trigger.at",
            "\"\\(.inputs.name)-\\(.run.id)\"",
            "{a: .inputs.name, key: .run.id}",
            ".inputs.name | ascii_upcase",
            ".inputs as $i | $i.name",
            "if .inputs.name == \"key\" then .run else .trigger end",
            ".inputs.labels | map(select(. != \"key\")) | join(\",\")",
            ".inputs.name[\"key\"]?",
        ] {
            assert!(!may_read(text), "{text}");
        }
    }
}
