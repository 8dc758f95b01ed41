//! The words of an expression, without its grammar.

/// A word. What stands in an interpolation `\(…)` follows as if it stood in parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `.name`.
    Field(String),
    /// `.` before anything but a name.
    Dot,
    Word(String),
    Variable(String),
    /// A string, its escapes resolved; nothing where it has interpolations, which came before it.
    Text(Option<String>),
    Number,
    Open(char),
    Close,
    Colon,
    /// `?`.
    Optional,
    Operator,
}

/// What is open while reading: brackets, and strings with what was read of them.
enum Open {
    Bracket,
    Interpolation,
}

/// The words of `text`; nothing where a string does not end.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut reader = Reader {
        rest: text,
        tokens: Vec::new(),
        open: Vec::new(),
    };
    while reader.step()? {}
    let unfinished = reader
        .open
        .iter()
        .any(|open| matches!(open, Open::Interpolation));
    (!unfinished).then_some(reader.tokens)
}

struct Reader<'t> {
    rest: &'t str,
    tokens: Vec<Token>,
    open: Vec<Open>,
}

impl<'t> Reader<'t> {
    /// Reads one word; false at the end.
    fn step(&mut self) -> Option<bool> {
        self.rest = self.rest.trim_start();
        let Some(first) = self.rest.chars().next() else {
            return Some(false);
        };
        self.rest = &self.rest[first.len_utf8()..];
        let token = match first {
            '"' => {
                self.string(String::new())?;
                return Some(true);
            }
            '.' => match self.name() {
                "" => Token::Dot,
                name => Token::Field(name.to_owned()),
            },
            '$' => Token::Variable(format!("${}", self.name())),
            '#' => {
                self.comment();
                return Some(true);
            }
            '(' | '[' | '{' => {
                self.open.push(Open::Bracket);
                Token::Open(first)
            }
            ')' | ']' | '}' => {
                if let Some(Open::Interpolation) = self.open.pop() {
                    self.tokens.push(Token::Close);
                    self.rest_of_string()?;
                    return Some(true);
                }
                Token::Close
            }
            ':' => Token::Colon,
            '?' => Token::Optional,
            first if first.is_ascii_digit() => {
                self.name();
                Token::Number
            }
            first if is_name(first) => {
                let name = self.name();
                Token::Word(format!("{first}{name}"))
            }
            _ => Token::Operator,
        };
        self.tokens.push(token);
        Some(true)
    }

    fn name(&mut self) -> &'t str {
        let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name
    }

    /// To the end of the line, unless that is escaped.
    fn comment(&mut self) {
        loop {
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            let line = line.strip_suffix('\r').unwrap_or(line);
            let backslashes = line.len() - line.trim_end_matches('\\').len();
            if backslashes % 2 == 0 || rest.is_empty() {
                return;
            }
        }
    }

    fn string(&mut self, mut text: String) -> Option<()> {
        loop {
            let end = self.rest.find(['"', '\\'])?;
            text.push_str(&self.rest[..end]);
            let quote = self.rest[end..].starts_with('"');
            self.rest = &self.rest[end + 1..];
            if quote {
                self.tokens.push(Token::Text(Some(text)));
                return Some(());
            }
            let escape = self.rest.chars().next()?;
            self.rest = &self.rest[escape.len_utf8()..];
            match escape {
                '(' => {
                    self.open.push(Open::Interpolation);
                    self.tokens.push(Token::Open('('));
                    return Some(());
                }
                'u' => {
                    let digits = self.rest.get(..4)?;
                    text.extend(
                        u32::from_str_radix(digits, 16)
                            .ok()
                            .and_then(char::from_u32),
                    );
                    self.rest = &self.rest[4..];
                }
                escape => text.push(escape),
            }
        }
    }

    /// What follows an interpolation, to the string's end or its next interpolation.
    fn rest_of_string(&mut self) -> Option<()> {
        self.string(String::new())?;
        if let Some(Token::Text(text)) = self.tokens.last_mut() {
            *text = None;
        }
        Some(())
    }
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}
