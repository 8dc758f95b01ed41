//! Which expressions name `.secrets` or `.run.token`. In doubt they do: then they are evaluated per
//! attempt, which costs time but is never wrong, while others meet no secret at all.

mod token;

use token::{Token, tokens};

/// What an invocation's templates see at their root, but for what this module is about.
const OTHER_ROOTS: [&str; 7] = [
    "action", "entity", "event", "inputs", "trigger", "user", "form",
];

/// Words that are no values, so that what follows starts anew.
const KEYWORDS: [&str; 14] = [
    "and", "as", "catch", "def", "elif", "else", "end", "foreach", "if", "label", "or", "reduce",
    "then", "try",
];

/// True where `expression` names a secret, or may.
pub(super) fn names_secret(expression: &str) -> bool {
    // most expressions are settled by not holding the words at all
    let escapes = expression.contains("\\u");
    let may = |word: &str| escapes || expression.contains(word);
    if !may("secrets") && !may("token") && !expression.contains("$__") {
        return false;
    }
    match tokens(expression) {
        Some(tokens) => Reader::default().read(&tokens),
        None => true,
    }
}

/// What stands directly before a name, as far as it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Nothing that could be indexed: a name here starts at the root, or at whatever was piped in.
    #[default]
    Start,
    /// `.run`.
    Run,
    /// Something under a root where no secret is.
    Elsewhere,
    /// A value of unknown origin.
    Unknown,
}

#[derive(Default)]
struct Reader {
    place: Place,
    /// Places outside the brackets that are open.
    outer: Vec<Place>,
    found: bool,
    run: bool,
    token: bool,
}

impl Reader {
    fn read(mut self, tokens: &[Token]) -> bool {
        let mut rest = tokens;
        while let Some((token, mut after)) = rest.split_first() {
            match token {
                Token::Field(name) => self.field(name),
                Token::Dot => match after {
                    [Token::Text(Some(name)), further @ ..] => {
                        self.field(name);
                        after = further;
                    }
                    [Token::Open('['), ..] | [Token::Text(None), ..] => {}
                    _ => self.place = self.place_of_dot(),
                },
                Token::Open('[') => match after {
                    [Token::Text(Some(name)), Token::Close, further @ ..] => {
                        // `["name"]` alone is an array; it looks like an index of the root
                        self.field(name);
                        after = further;
                    }
                    _ => {
                        let indexes = self.place != Place::Start;
                        self.open(if indexes { self.place } else { Place::Unknown });
                    }
                },
                Token::Open(_) => self.open(Place::Unknown),
                Token::Close => self.place = self.outer.pop().unwrap_or(Place::Unknown),
                Token::Word(word) if KEYWORDS.contains(&word.as_str()) => self.place = Place::Start,
                // the key of an object, not a name of anything
                Token::Word(_) | Token::Text(Some(_)) if after.first() == Some(&Token::Colon) => {}
                Token::Word(name) | Token::Text(Some(name)) => {
                    self.mention(name);
                    self.place = Place::Unknown;
                }
                Token::Variable(name) => {
                    self.found |= name.starts_with("$__");
                    self.place = Place::Unknown;
                }
                Token::Text(None) | Token::Number => self.place = Place::Unknown,
                Token::Optional => {}
                Token::Colon | Token::Operator => self.place = Place::Start,
            }
            rest = after;
        }
        self.found || (self.run && self.token)
    }

    fn place_of_dot(&self) -> Place {
        if self.place == Place::Start {
            Place::Start
        } else {
            Place::Unknown
        }
    }

    fn open(&mut self, outside: Place) {
        self.outer.push(outside);
        self.place = Place::Start;
    }

    fn field(&mut self, name: &str) {
        let place = self.place;
        self.place = match (place, name) {
            (Place::Start, "run") => Place::Run,
            (Place::Start, name) if OTHER_ROOTS.contains(&name) => Place::Elsewhere,
            (Place::Start | Place::Unknown, _) => Place::Unknown,
            (Place::Run | Place::Elsewhere, _) => Place::Elsewhere,
        };
        match place {
            Place::Elsewhere => self.run |= name == "run",
            Place::Run => self.found |= name == "token",
            Place::Start | Place::Unknown => self.mention(name),
        }
    }

    fn mention(&mut self, name: &str) {
        self.found |= name == "secrets";
        self.run |= name == "run";
        self.token |= name == "token";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_name_a_secret() {
        for expression in [
            ".secrets",
            ".secrets.KEY",
            ".secrets[\"my-key\"]",
            ".[\"secrets\"]",
            ". [ \"secrets\" ]",
            ".\"secrets\"",
            ". \"secrets\"",
            ".\"\\u0073ecrets\"",
            ".inputs.name, .secrets.KEY",
            "\"Bearer \\(.secrets.KEY)\"",
            "@base64 \"u:\\(.inputs.x + (.secrets | .KEY))\"",
            "\"a\\(\"b\\(.secrets.KEY)\")\"",
            "{secrets}",
            "{a: .secrets}",
            "{(.secrets.K): 1}",
            "if .inputs.x then .secrets.A else null end",
            ". as $x | $x.secrets.KEY",
            "map(.secrets)",
            ".inputs | .secrets",
            "getpath([\"secrets\", \"KEY\"])",
            ".[\"secrets\", \"inputs\"]",
            "to_entries[] | select(.key == \"secrets\")",
            ".run.token",
            ".run[\"token\"]",
            ".run.\"token\"",
            ".[\"run\"].token",
            ".[\"run\"][\"token\"]",
            ".run | .token",
            ".run as $r | $r.token",
            ".run?.token?",
            "getpath([\"run\", \"token\"])",
            "{token: .run.token}",
            ".inputs.x[.secrets.KEY]",
            ".inputs[.secrets]",
            "# it's \"\n.secrets.KEY",
            ".secrets.KEY # }",
            "$__prog",
            "\"unterminated .secrets",
            "(.).secrets",
            "..|.secrets?",
            "path(.secrets)",
            "{inputs: .secrets}.inputs",
        ] {
            assert!(names_secret(expression), "{expression}");
        }
    }

    #[test]
    fn these_do_not() {
        for expression in [
            "",
            ".",
            ".inputs",
            ".inputs.secrets",
            ".inputs[\"secrets\"]",
            ".inputs.\"secrets\"",
            ".inputs.a[0].secrets.b",
            ".inputs[.inputs.k].secrets",
            ".event.diff.after.run.token",
            ".inputs.run.token",
            ".inputs[\"run\"][\"token\"]",
            ".inputs.token",
            ".trigger.by.token",
            ".run.id",
            ".run.x.token",
            "\"the secrets are .secrets\"",
            "\"secrets: \\(.inputs.secrets)\"",
            "{secrets: .inputs.a}",
            "{\"secrets\": 1, token: .run.id}",
            ".inputs.name # .secrets",
            ".inputs.secretsmanager",
            "\".run.token\"",
            "if .inputs.secrets then .inputs.run.token else 1 end",
            "tojson",
        ] {
            assert!(!names_secret(expression), "{expression}");
        }
    }
}
