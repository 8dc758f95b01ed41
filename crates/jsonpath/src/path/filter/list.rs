//! Arrays as filters look into them: their strings are read once more, as paths, JSON or escapes.

use std::borrow::Cow;

use super::super::compile::{Compilation, compile};
use super::super::evaluate::Evaluation;
use super::super::unescape::unescape;
use super::super::{EvaluationError, PATH_LENGTH_LIMIT};
use super::value::Value;
use crate::json::{self, Node};
use crate::numbers::Decimal;

/// Units of work for each character of a string that may be a path.
const PATH_CHECK_COST: usize = 16;

impl Evaluation {
    /// The elements of an array; `None` for what is none.
    pub(super) fn list<'v>(
        &mut self,
        value: &'v Value<'_>,
    ) -> Result<Option<Vec<Value<'v>>>, EvaluationError> {
        match value.node()? {
            Some(Node::Array(elements)) => elements
                .iter()
                .map(|element| self.list_element(element))
                .collect::<Result<_, _>>()
                .map(Some),
            _ => Ok(None),
        }
    }

    fn list_element<'v>(&mut self, element: &'v Node) -> Result<Value<'v>, EvaluationError> {
        self.spend(1)?;
        Ok(match element {
            Node::Null => Value::Null,
            Node::Bool(truth) => Value::Bool(*truth),
            Node::Number(digits) => {
                self.spend_text(digits.len())?;
                match Decimal::parse(digits) {
                    Some(number) => Value::Number(Cow::Owned(number)),
                    None => Value::Undefined,
                }
            }
            Node::Text(text) => self.list_text(text)?,
            Node::Array(_) | Node::Object(_) | Node::Keys(_) | Node::NotFinite => {
                return Err(EvaluationError::Refused {
                    reason: "a list that holds lists, objects or NaN cannot be compared",
                });
            }
        })
    }

    fn list_text<'v>(&mut self, text: &'v str) -> Result<Value<'v>, EvaluationError> {
        self.spend_text(text.len())?;
        let trimmed = text.trim_matches(|character| character <= ' ');
        if trimmed.starts_with(['$', '@']) && trimmed.len() <= PATH_LENGTH_LIMIT {
            self.spend(trimmed.len() * PATH_CHECK_COST)?;
            if compile(trimmed, &mut Compilation::of_checks()).is_ok() {
                return Ok(Value::LikePath);
            }
        }
        let enclosed = trimmed.len() > 1
            && (trimmed.starts_with('[') && trimmed.ends_with(']')
                || trimmed.starts_with('{') && trimmed.ends_with('}'));
        if enclosed && json::read(trimmed).is_ok() {
            return Ok(Value::LikeJson(text));
        }
        let unquoted = ['\'', '"'].into_iter().find_map(|quote| {
            text.strip_prefix(quote)
                .and_then(|rest| rest.strip_suffix(quote))
        });
        if text.encode_utf16().nth(1).is_none() {
            return Ok(Value::Text(Cow::Borrowed(text)));
        }
        match unescape(unquoted.unwrap_or(text)) {
            Some(text) => Ok(Value::Text(Cow::Owned(text))),
            None => Err(EvaluationError::Refused {
                reason: "a string of a list has a bad escape",
            }),
        }
    }
}
