//! Splits an expression's text into tokens, on demand: inside strings the parser reads itself.

/// A piece of an expression's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'s> {
    /// `1.5e3`
    Number(&'s str),
    /// `name`, `module::name`
    Name(&'s str),
    Keyword(&'s str),
    /// `.name`, without the dot
    Field(&'s str),
    /// `$name`
    Variable(&'s str),
    /// `@name`
    Format(&'s str),
    /// The quote that opens a string
    Quote,
    Symbol(&'static str),
    End,
    Invalid,
}

const KEYWORDS: [&str; 18] = [
    "__loc__", "and", "as", "catch", "def", "elif", "else", "end", "foreach", "if", "import",
    "include", "label", "module", "or", "reduce", "then", "try",
];

/// Longer ones first.
const SYMBOLS: [&str; 36] = [
    "?//", "//=", "!=", "==", "//", "|=", "+=", "-=", "*=", "/=", "%=", "<=", ">=", "..", ".", "?",
    "=", ";", ":", ",", "|", "+", "-", "*", "/", "%", "<", ">", "(", ")", "[", "]", "{", "}", "$",
    "!",
];

impl Token<'_> {
    /// What jq calls it in a message.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Number(_) => "LITERAL".to_owned(),
            Self::Name(_) => "IDENT".to_owned(),
            Self::Field(_) => "FIELD".to_owned(),
            Self::Variable(_) => "BINDING".to_owned(),
            Self::Format(_) => "FORMAT".to_owned(),
            Self::Quote => "QQSTRING_START".to_owned(),
            Self::Keyword(word) => (*word).to_owned(),
            Self::Symbol("!") | Self::Invalid => "INVALID_CHARACTER".to_owned(),
            Self::Symbol(symbol) if symbol.len() == 1 => format!("'{symbol}'"),
            Self::Symbol(symbol) => (*symbol).to_owned(),
            Self::End => "end of file".to_owned(),
        }
    }
}

/// The token at or behind `position` of `text`, with where it starts and ends.
pub(super) fn token(text: &str, position: usize) -> (Token<'_>, usize, usize) {
    let start = position + blank(&text[position..]);
    let rest = &text[start..];
    let found = |token, length| (token, start, start + length);
    let Some(first) = rest.chars().next() else {
        return found(Token::End, 0);
    };
    let second = rest.as_bytes().get(1).copied().unwrap_or_default();
    match first {
        '"' => found(Token::Quote, 1),
        '0'..='9' => {
            let length = number(rest);
            found(Token::Number(&rest[..length]), length)
        }
        '.' if second.is_ascii_digit() => {
            let length = number(rest);
            found(Token::Number(&rest[..length]), length)
        }
        '.' if starts_name(second) => {
            let length = 1 + name(&rest[1..]);
            found(Token::Field(&rest[1..length]), length)
        }
        '$' if starts_name(second) => {
            let length = 1 + name(&rest[1..]);
            found(Token::Variable(&rest[..length]), length)
        }
        '@' if second.is_ascii_alphanumeric() || second == b'_' => {
            let length = 1 + name(&rest[1..]);
            found(Token::Format(&rest[..length]), length)
        }
        first if first.is_ascii_alphabetic() || first == '_' => {
            let length = qualified(rest);
            let word = &rest[..length];
            if KEYWORDS.contains(&word) {
                found(Token::Keyword(word), length)
            } else {
                found(Token::Name(word), length)
            }
        }
        first => match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            Some(symbol) => found(Token::Symbol(symbol), symbol.len()),
            None => found(Token::Invalid, first.len_utf8()),
        },
    }
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn name(text: &str) -> usize {
    let ends = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    text.find(ends).unwrap_or(text.len())
}

fn qualified(text: &str) -> usize {
    let mut length = name(text);
    while let Some(rest) = text[length..].strip_prefix("::")
        && starts_name(rest.as_bytes().first().copied().unwrap_or_default())
    {
        length += 2 + name(rest);
    }
    length
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn number(text: &str) -> usize {
    let mut length = digits(text);
    if text[length..].starts_with('.') {
        length += 1 + digits(&text[length + 1..]);
    }
    if let Some(exponent) = text[length..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        match digits(&exponent[sign..]) {
            0 => {}
            count => length += 1 + sign + count,
        }
    }
    length
}

/// The length of white space and comments; a comment goes on behind an odd number of backslashes.
fn blank(text: &str) -> usize {
    let mut position = 0;
    loop {
        let rest = &text[position..];
        let space = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        position += space;
        if !text[position..].starts_with('#') {
            return position;
        }
        loop {
            let rest = &text[position..];
            let line = rest.find('\n').unwrap_or(rest.len());
            position = (position + line + 1).min(text.len());
            let comment = rest[..line].trim_end_matches('\r');
            let backslashes = comment.len() - comment.trim_end_matches('\\').len();
            if backslashes.is_multiple_of(2) || position == text.len() {
                break;
            }
        }
    }
}
