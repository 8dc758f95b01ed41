//! Rust text split into code and comments, so that rules do not trip over texts that only look like code.
//!
//! Literals keep their quotes and lose their content. Lines that only tests compile are marked.

/// A line of a Rust file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Without comments, and with emptied literals.
    pub(super) code: String,
    /// The text of its comments, with their marks.
    pub(super) comment: String,
    /// Compiled for tests only.
    pub(super) test: bool,
}

/// A Rust file.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) lines: Vec<Line>,
}

impl Source {
    pub(super) fn scan(path: &str, text: &str) -> Self {
        let mut lines = Scanner::new(text).run();
        let whole =
            is_test_file(path) || lines.iter().any(|line| line.code.contains("#![cfg(test)]"));
        if whole {
            lines.iter_mut().for_each(|line| line.test = true);
        } else {
            mark_tests(&mut lines);
        }
        Self { lines }
    }

    /// Numbered lines, from 1.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines
            .iter()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }
}

pub(super) fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// What the scanner is within.
enum Within {
    Code,
    LineComment,
    BlockComment(usize),
    Text,
    RawText(usize),
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    within: Within,
    lines: Vec<Line>,
    line: Line,
}

impl Scanner {
    fn new(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
            within: Within::Code,
            lines: Vec::new(),
            line: Line::default(),
        }
    }

    fn run(mut self) -> Vec<Line> {
        while let Some(c) = self.peek(0) {
            if c == '\n' {
                self.lines.push(std::mem::take(&mut self.line));
                if matches!(self.within, Within::LineComment) {
                    self.within = Within::Code;
                }
                self.at += 1;
                continue;
            }
            match self.within {
                Within::Code => self.code(c),
                Within::LineComment => self.comment(1),
                Within::BlockComment(depth) => self.block(depth),
                Within::Text => self.text(c),
                Within::RawText(hashes) => self.raw_text(c, hashes),
            }
        }
        if self.line != Line::default() {
            self.lines.push(self.line);
        }
        self.lines
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn is_next(&self, text: &str) -> bool {
        text.chars()
            .enumerate()
            .all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    fn comment(&mut self, count: usize) {
        let end = (self.at + count).min(self.chars.len());
        self.line.comment.extend(&self.chars[self.at..end]);
        self.at = end;
    }

    fn keep(&mut self, c: char) {
        self.line.code.push(c);
        self.at += 1;
    }

    fn code(&mut self, c: char) {
        if self.is_next("//") {
            self.within = Within::LineComment;
            self.comment(2);
        } else if self.is_next("/*") {
            self.within = Within::BlockComment(1);
            self.comment(2);
        } else if c == '"' {
            self.within = Within::Text;
            self.keep(c);
        } else if let Some(hashes) = self.raw_start(c) {
            self.within = Within::RawText(hashes);
            self.line.code.push('"');
            self.at += hashes + 2;
        } else if c == '\'' {
            self.character();
        } else {
            self.keep(c);
        }
    }

    /// How many `#` a raw text beginning here has.
    fn raw_start(&self, c: char) -> Option<usize> {
        let mut before = self.line.code.chars().rev();
        let attached = match before.next() {
            Some('b' | 'c') => before.next().is_some_and(is_word),
            Some(other) => is_word(other),
            None => false,
        };
        if c != 'r' || attached {
            return None;
        }
        let rest = self.chars.get(self.at + 1..)?;
        let hashes = rest.iter().take_while(|c| **c == '#').count();
        (rest.get(hashes) == Some(&'"')).then_some(hashes)
    }

    /// A character literal loses its content; a lifetime stays.
    fn character(&mut self) {
        let content = match (self.peek(1), self.peek(2)) {
            (Some('\\'), _) => {
                let rest = self.chars.iter().skip(self.at + 3);
                rest.take_while(|c| !matches!(**c, '\'' | '\n')).count() + 2
            }
            (Some(_), Some('\'')) => 1,
            _ => return self.keep('\''),
        };
        self.line.code.push_str("''");
        self.at += content + 2;
    }

    fn block(&mut self, depth: usize) {
        if self.is_next("*/") {
            self.within = match depth {
                1 => Within::Code,
                deeper => Within::BlockComment(deeper - 1),
            };
            self.comment(2);
        } else if self.is_next("/*") {
            self.within = Within::BlockComment(depth + 1);
            self.comment(2);
        } else {
            self.comment(1);
        }
    }

    fn text(&mut self, c: char) {
        match c {
            '\\' if self.peek(1) != Some('\n') => self.at += 2,
            '"' => {
                self.within = Within::Code;
                self.keep(c);
            }
            _ => self.at += 1,
        }
    }

    fn raw_text(&mut self, c: char, hashes: usize) {
        let closes = c == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#'));
        if closes {
            self.within = Within::Code;
            self.line.code.push('"');
            self.at += hashes + 1;
        } else {
            self.at += 1;
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Marks what follows each `#[cfg(test)]`, to the end of the item, field or statement.
fn mark_tests(lines: &mut [Line]) {
    let mut next = 0;
    while let Some(line) = lines.get(next) {
        let code = &line.code;
        let attribute = ["#[cfg(test)]", "#[cfg(all(test"]
            .iter()
            .find_map(|mark| Some(code.find(mark)? + mark.len()));
        let Some(column) = attribute else {
            next += 1;
            continue;
        };
        let last = item_end(lines, next, column);
        for line in &mut lines[next..=last] {
            line.test = true;
        }
        next = last + 1;
    }
}

const ITEM_WORDS: [&str; 11] = [
    "fn", "mod", "impl", "use", "struct", "enum", "trait", "const", "static", "type", "let",
];

/// The line that ends what begins on line `first` after `column`.
fn item_end(lines: &[Line], first: usize, column: usize) -> usize {
    let mut depth = 0_i32;
    let mut is_item = false;
    let mut word = String::new();
    for (at, line) in lines.iter().enumerate().skip(first) {
        let start = if at == first { column } else { 0 };
        for c in line
            .code
            .get(start..)
            .unwrap_or_default()
            .chars()
            .chain([' '])
        {
            if is_word(c) {
                word.push(c);
                continue;
            }
            is_item |= ITEM_WORDS.contains(&word.as_str());
            word.clear();
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' => depth -= 1,
                '}' if depth <= 1 => return at,
                '}' => depth -= 1,
                ';' if depth <= 0 => return at,
                ',' if depth <= 0 && !is_item => return at,
                _ => {}
            }
        }
    }
    lines.len().saturating_sub(1).max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Vec<Line> {
        Source::scan("crates/a/src/b.rs", text).lines
    }

    #[test]
    fn literals_are_emptied_and_comments_set_apart() {
        for (text, code, comment) in [
            ("let a = 1; // TODO", "let a = 1; ", "// TODO"),
            (r#"f("// no \" comment")"#, r#"f("")"#, ""),
            (r##"f(r#"a "quoted" // b"#, 1)"##, r#"f("", 1)"#, ""),
            (r#"f(br"\")"#, r#"f(b"")"#, ""),
            ("let c = '\"'; // x", "let c = ''; ", "// x"),
            (r"let c = '\''; g()", "let c = ''; g()", ""),
            (r"let c = '\u{1F600}';", "let c = '';", ""),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}", ""),
            ("a /* b /* c */ d */ e", "a  e", "/* b /* c */ d */"),
            ("for r in 0..2 {}", "for r in 0..2 {}", ""),
        ] {
            let lines = scan(text);
            assert_eq!(
                (lines[0].code.as_str(), lines[0].comment.as_str()),
                (code, comment)
            );
        }
    }

    #[test]
    fn literals_and_comments_may_span_lines() {
        let lines = scan("let a = \"one // \\\n two\"; // three\n/* four\nfive */ six");
        let code: Vec<&str> = lines.iter().map(|line| line.code.as_str()).collect();
        assert_eq!(code, ["let a = \"", "\"; ", "", " six"]);
        assert_eq!(lines[3].comment, "five */");
    }

    #[test]
    fn what_only_tests_compile_is_marked() {
        let text = "\
fn product() {}
#[cfg(test)]
mod tests {
    fn inner() { let _ = \"}\"; }
}
fn more() {}
#[cfg(test)]
use a::{b, c};
struct S {
    #[cfg(test)]
    field: u8,
    other: u8,
}
#[cfg(test)]
fn two<A, B>() {
}
#[cfg(not(test))]
fn last() {}";
        let marked: Vec<usize> = scan(text)
            .iter()
            .enumerate()
            .filter(|(_, line)| line.test)
            .map(|(at, _)| at + 1)
            .collect();
        assert_eq!(marked, [2, 3, 4, 5, 7, 8, 10, 11, 14, 15, 16]);
        let whole = Source::scan("crates/a/tests/b.rs", "fn a() {}\nfn b() {}");
        assert!(whole.lines.iter().all(|line| line.test));
    }
}
