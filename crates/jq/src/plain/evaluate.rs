//! Evaluates plain expressions with jq 1.8's meaning; borrows from the input as long as it can.

use std::borrow::Cow;

use jaq_core::ops::Cmp;
use serde_json::{Map, Value};

use super::compare::compare;
use super::{Expression, Key, Path, Piece, Step};
use crate::bounds::{MAX_OUTPUT_BYTES, MAX_OUTPUT_DEPTH, MAX_PLAIN_WORK_BYTES};
use crate::input::Input;
use crate::value;

/// Why there is no output.
#[derive(Debug)]
pub(crate) enum Fault {
    /// What jq calls an error.
    Error(String),
    /// The values met ask for more than is known or allowed here: an index by array or object, or a
    /// look at large ones as a whole.
    Beyond,
}

type Output<'v> = Result<Option<Cow<'v, Value>>, Fault>;

/// The only output of `expression` on `input`, if any.
pub(crate) fn evaluate(expression: &Expression, input: Input<'_>) -> Result<Option<Value>, Fault> {
    let mut work = Work {
        left: MAX_PLAIN_WORK_BYTES,
    };
    let Some(output) = work.evaluate(expression, input)? else {
        return Ok(None);
    };
    let mut left = MAX_OUTPUT_BYTES;
    measure(&output, &mut left, MAX_OUTPUT_DEPTH).map_err(too_large)?;
    Ok(Some(output.into_owned()))
}

/// What an evaluation may still copy or measure.
struct Work {
    left: usize,
}

impl Work {
    fn evaluate<'v>(&mut self, expression: &'v Expression, input: Input<'v>) -> Output<'v> {
        match expression {
            Expression::Identity => Ok(Some(input.whole())),
            Expression::Literal(value) => Ok(Some(Cow::Borrowed(value))),
            Expression::Path(path) => self.path(path, input),
            Expression::Try(tried) => match self.evaluate(tried, input) {
                Err(Fault::Error(_)) => Ok(None),
                other => other,
            },
            Expression::Alternatives(choices) => self.alternatives(choices, input),
            Expression::Pipeline(stages) => self.pipeline(stages, input),
            Expression::Array(None) => Ok(Some(Cow::Owned(Value::Array(Vec::new())))),
            Expression::Array(Some(inside)) => {
                let element = self.evaluate(inside, input)?;
                let elements = element.map(|element| self.own(element)).transpose()?;
                Ok(Some(Cow::Owned(Value::Array(
                    elements.into_iter().collect(),
                ))))
            }
            Expression::Object(entries) => self.object(entries, input),
            Expression::Text(pieces) => self.text(pieces, input),
            Expression::Comparison(sides) => self.comparison(sides, input),
            Expression::All(operands) => self.logic(operands, false, input),
            Expression::Any(operands) => self.logic(operands, true, input),
            Expression::Not => Ok(truth(match input {
                Input::Value(value) => !is_true(value),
                Input::Object(_) => false,
            })),
            Expression::If(branches, otherwise) => {
                for (condition, then) in branches {
                    match self.evaluate(condition, input)? {
                        None => return Ok(None),
                        Some(condition) if is_true(&condition) => {
                            return self.evaluate(then, input);
                        }
                        Some(_) => {}
                    }
                }
                match otherwise {
                    Some(otherwise) => self.evaluate(otherwise, input),
                    None => Ok(Some(input.whole())),
                }
            }
        }
    }

    /// Both sides, the right one first, as jq does.
    fn comparison<'v>(
        &mut self,
        (left, op, right): &'v (Expression, Cmp, Expression),
        input: Input<'v>,
    ) -> Output<'v> {
        let Some(right) = self.evaluate(right, input)? else {
            return Ok(None);
        };
        let Some(left) = self.evaluate(left, input)? else {
            return Ok(None);
        };
        self.look_at(&left)?;
        self.look_at(&right)?;
        let order = compare(&left, &right);
        Ok(truth(match op {
            Cmp::Eq => order.is_eq(),
            Cmp::Ne => order.is_ne(),
            Cmp::Lt => order.is_lt(),
            Cmp::Le => order.is_le(),
            Cmp::Gt => order.is_gt(),
            Cmp::Ge => order.is_ge(),
        }))
    }

    /// Operands up to the first that is as `stop` says.
    fn logic<'v>(
        &mut self,
        operands: &'v [Expression],
        stop: bool,
        input: Input<'v>,
    ) -> Output<'v> {
        for operand in operands {
            match self.evaluate(operand, input)? {
                None => return Ok(None),
                Some(value) if is_true(&value) == stop => return Ok(truth(stop)),
                Some(_) => {}
            }
        }
        Ok(truth(!stop))
    }

    /// The values of the last piece first, as jq does.
    fn text<'v>(&mut self, pieces: &'v [Piece], input: Input<'v>) -> Output<'v> {
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces.iter().rev() {
            parts.push(match piece {
                Piece::Written(text) => Cow::Borrowed(text.as_str()),
                Piece::Interpolated(expression) => match self.evaluate(expression, input)? {
                    None => return Ok(None),
                    Some(value) => self.shown(value)?,
                },
            });
        }
        let length = parts.iter().map(|part| part.len()).sum();
        self.spend_or_leave(length)?;
        let mut text = String::with_capacity(length);
        parts.iter().rev().for_each(|part| text.push_str(part));
        Ok(Some(Cow::Owned(Value::String(text))))
    }

    /// A string as it is, all else as the JSON that jq prints.
    fn shown<'v>(&mut self, value: Cow<'v, Value>) -> Result<Cow<'v, str>, Fault> {
        match value {
            Cow::Borrowed(Value::String(text)) => Ok(Cow::Borrowed(text)),
            Cow::Owned(Value::String(text)) => Ok(Cow::Owned(text)),
            value => {
                self.look_at(&value)?;
                let text = value.to_string();
                let value = value::Value::parse(text.as_bytes()).map_err(|_| Fault::Beyond)?;
                Ok(Cow::Owned(value::json(&value)))
            }
        }
    }

    /// Takes the size of a value that is looked at as a whole from what may still be.
    fn look_at(&mut self, value: &Value) -> Result<(), Fault> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
            value => measure(value, &mut self.left, MAX_OUTPUT_DEPTH).map_err(|_| Fault::Beyond),
        }
    }

    fn spend_or_leave(&mut self, bytes: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(bytes).ok_or(Fault::Beyond)?;
        Ok(())
    }

    /// The first that is neither null nor false, else the last. An error ends it: jq 1.8 hides
    /// none of them here.
    fn alternatives<'v>(&mut self, choices: &'v [Expression], input: Input<'v>) -> Output<'v> {
        let Some((last, choices)) = choices.split_last() else {
            return Ok(None);
        };
        for choice in choices {
            let output = self.evaluate(choice, input)?;
            if let Some(value) = output
                && is_true(&value)
            {
                return Ok(Some(value));
            }
        }
        self.evaluate(last, input)
    }

    fn pipeline<'v>(&mut self, stages: &'v [Expression], input: Input<'v>) -> Output<'v> {
        let Some((first, stages)) = stages.split_first() else {
            return Ok(Some(input.whole()));
        };
        let Some(mut value) = self.evaluate(first, input)? else {
            return Ok(None);
        };
        for stage in stages {
            let output = match value {
                Cow::Borrowed(input) => self.evaluate(stage, Input::Value(input))?,
                Cow::Owned(input) => match self.evaluate(stage, Input::Value(&input))? {
                    Some(output) => Some(Cow::Owned(self.own(output)?)),
                    None => None,
                },
            };
            match output {
                Some(output) => value = output,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    fn object<'v>(
        &mut self,
        entries: &'v [(Expression, Expression)],
        input: Input<'v>,
    ) -> Output<'v> {
        let mut object = Map::new();
        for (key, value) in entries {
            let Some(key) = self.evaluate(key, input)? else {
                return Ok(None);
            };
            let Some(value) = self.evaluate(value, input)? else {
                return Ok(None);
            };
            let Value::String(key) = &*key else {
                return Err(Fault::Error(format!(
                    "Cannot use {} as object key",
                    shown(&key)
                )));
            };
            self.spend(key.len())?;
            object.insert(key.clone(), self.own(value)?);
        }
        Ok(Some(Cow::Owned(Value::Object(object))))
    }

    fn path<'v>(&mut self, path: &'v Path, input: Input<'v>) -> Output<'v> {
        // jq evaluates the indexes first, the last one foremost
        let mut computed = Vec::new();
        for step in path.steps.iter().rev() {
            if let Key::Computed(key) = &step.key {
                match self.evaluate(key, input)? {
                    Some(key) => computed.push(key),
                    None => return Ok(None),
                }
            }
        }
        let mut steps = path.steps.as_slice();
        let mut value = match (&path.base, input, steps.split_first()) {
            (
                Expression::Identity,
                Input::Object(members),
                Some((
                    Step {
                        key: Key::Name(name),
                        ..
                    },
                    rest,
                )),
            ) => {
                steps = rest;
                members.member(name).unwrap_or(Cow::Owned(Value::Null))
            }
            (base, ..) => match self.evaluate(base, input)? {
                Some(value) => value,
                None => return Ok(None),
            },
        };
        for step in steps {
            let next = match &step.key {
                Key::Name(name) => member(value, name),
                Key::Computed(_) => match computed.pop() {
                    Some(key) => element(value, &key),
                    None => return Err(Fault::Beyond),
                },
            };
            value = match (next, step) {
                (Ok(value), _) => value,
                (Err(Fault::Error(_)), Step { optional: true, .. }) => return Ok(None),
                (Err(fault), _) => return Err(fault),
            };
        }
        Ok(Some(value))
    }

    fn own(&mut self, value: Cow<'_, Value>) -> Result<Value, Fault> {
        measure(&value, &mut self.left, MAX_OUTPUT_DEPTH).map_err(too_large)?;
        Ok(value.into_owned())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return Err(too_large(Excess::Bytes)),
        }
        Ok(())
    }
}

fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

fn truth<'v>(value: bool) -> Option<Cow<'v, Value>> {
    Some(Cow::Owned(Value::Bool(value)))
}

fn member<'v>(value: Cow<'v, Value>, name: &str) -> Result<Cow<'v, Value>, Fault> {
    const NULL: Value = Value::Null;
    match value {
        Cow::Borrowed(Value::Object(object)) => {
            Ok(object.get(name).map_or(Cow::Owned(NULL), Cow::Borrowed))
        }
        Cow::Owned(Value::Object(mut object)) => {
            Ok(Cow::Owned(object.swap_remove(name).unwrap_or(NULL)))
        }
        value if value.is_null() => Ok(Cow::Owned(NULL)),
        value => Err(Fault::Error(format!(
            "Cannot index {} with string ({name:?})",
            kind(&value)
        ))),
    }
}

fn element<'v>(value: Cow<'v, Value>, key: &Value) -> Result<Cow<'v, Value>, Fault> {
    match (&*value, key) {
        (_, Value::String(name)) => member(value, name),
        (Value::Null, Value::Number(_)) => Ok(Cow::Owned(Value::Null)),
        (Value::Array(array), Value::Number(number)) => {
            let place = place(number.as_f64().unwrap_or(f64::MAX), array.len());
            let Some(place) = place else {
                return Ok(Cow::Owned(Value::Null));
            };
            Ok(match value {
                Cow::Borrowed(array) => array
                    .get(place)
                    .map_or(Cow::Owned(Value::Null), Cow::Borrowed),
                Cow::Owned(mut array) => {
                    Cow::Owned(array.get_mut(place).map_or(Value::Null, Value::take))
                }
            })
        }
        (_, Value::Array(_) | Value::Object(_)) => Err(Fault::Beyond),
        (value, key) => Err(Fault::Error(format!(
            "Cannot index {} with {}",
            kind(value),
            shown(key)
        ))),
    }
}

/// jq cuts an index's fraction off, towards zero, before it counts from the end.
fn place(index: f64, length: usize) -> Option<usize> {
    let index = index.trunc();
    let index = if index < 0.0 {
        index + length as f64
    } else {
        index
    };
    (0.0..length as f64)
        .contains(&index)
        .then_some(index as usize)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn shown(value: &Value) -> String {
    format!("{} ({value})", kind(value))
}

#[derive(Clone, Copy)]
enum Excess {
    Bytes,
    Depth,
}

fn too_large(excess: Excess) -> Fault {
    Fault::Error(match excess {
        Excess::Bytes => format!("the output is larger than {MAX_OUTPUT_BYTES} bytes"),
        Excess::Depth => format!("the output is nested deeper than {MAX_OUTPUT_DEPTH}"),
    })
}

/// Takes about the length of `value`'s JSON from `left`.
fn measure(value: &Value, left: &mut usize, depth: usize) -> Result<(), Excess> {
    let own = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
        Value::String(text) => text.len() + 2,
        Value::Array(array) => array.len() + 2,
        Value::Object(object) => object.keys().map(|key| key.len() + 4).sum::<usize>() + 2,
    };
    *left = left.checked_sub(own).ok_or(Excess::Bytes)?;
    let inner = || depth.checked_sub(1).ok_or(Excess::Depth);
    match value {
        Value::Array(array) => {
            let depth = inner()?;
            array
                .iter()
                .try_for_each(|value| measure(value, left, depth))
        }
        Value::Object(object) => {
            let depth = inner()?;
            object
                .values()
                .try_for_each(|value| measure(value, left, depth))
        }
        _ => Ok(()),
    }
}
