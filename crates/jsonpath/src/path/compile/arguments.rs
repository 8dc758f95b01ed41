//! A function's arguments: JSON, which begins with `{`, `"`, `-` or a digit, or a path. What
//! begins otherwise is passed over, as Jayway does.

use super::super::ParseError;
use super::super::cursor::Cursor;
use super::super::function::Argument;
use super::{Compilation, compile_argument, is_white};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Path,
}

/// Brackets and quotes that are open.
#[derive(Debug)]
struct Open {
    parentheses: i32,
    brackets: i32,
    braces: i32,
    quotes: i32,
}

impl Open {
    fn only_parentheses(&self) -> bool {
        self.brackets == 0 && self.braces == 0
    }
}

/// From behind the opening parenthesis to behind the closing one.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    compilation: &mut Compilation,
) -> Result<Vec<Argument>, ParseError> {
    let mut open = Open {
        parentheses: 1,
        brackets: 0,
        braces: 0,
        quotes: 0,
    };
    let mut arguments = Vec::new();
    let mut text: Vec<char> = Vec::new();
    let mut kind = None;
    let mut before = '\0';
    while cursor.is_within(cursor.at) {
        let character = cursor.current()?;
        cursor.at += 1;
        if kind.is_none() {
            if is_white(character) {
                continue;
            }
            kind = match character {
                '{' | '0'..='9' | '"' | '-' => Some(Kind::Json),
                '$' | '@' => Some(Kind::Path),
                _ => None,
            };
        }
        let ends = bracket(cursor, &mut open, character, before)?;
        if character == ')' && (open.parentheses < 0 || before == '(') {
            text.push(character);
        }
        let separates = open.quotes == 0
            && open.only_parentheses()
            && (character == ',' && open.parentheses == 1
                || ends && matches!(open.parentheses, 0 | 1));
        if separates {
            match kind.take() {
                Some(Kind::Json) => arguments.push(Argument::Json(text.iter().collect())),
                Some(Kind::Path) => {
                    arguments.push(Argument::Path(compile_argument(&text, compilation)?));
                }
                None => {}
            }
            text.clear();
            if open.parentheses == 0 {
                return Ok(arguments);
            }
        }
        let is_comma = character == ',' && open.only_parentheses() && open.parentheses == 1;
        if kind.is_some() && !is_comma {
            text.push(character);
        }
        before = character;
    }
    if open.only_parentheses() && open.parentheses == 0 {
        return Ok(arguments);
    }
    cursor.expected("arguments that are closed")
}

/// Counts what opens and closes, and tells whether a parenthesis closes.
fn bracket(
    cursor: &Cursor<'_>,
    open: &mut Open,
    character: char,
    before: char,
) -> Result<bool, ParseError> {
    match character {
        '"' if before != '\\' && open.quotes > 0 => open.quotes -= 1,
        '"' => open.quotes += 1,
        '(' => open.parentheses += 1,
        '{' => open.braces += 1,
        '[' => open.brackets += 1,
        '}' if open.braces == 0 => return cursor.expected("no '}' that nothing opens"),
        ']' if open.brackets == 0 => return cursor.expected("no ']' that nothing opens"),
        '}' => open.braces -= 1,
        ']' => open.brackets -= 1,
        ')' => {
            open.parentheses -= 1;
            return Ok(true);
        }
        _ => {}
    }
    Ok(false)
}
