//! Whether what a person or a program sends fits an action's form.
//!
//! Compiled once per revision, used for each run. What it cannot check (expressions, patterns
//! without a linear-time engine) refuses the execution: nothing is let through unchecked.

mod check;
mod equality;
mod format;
mod pattern;
mod schema;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::action::shape::{Path, shown};
use crate::action::{Required, UserInputs, jq_query};
use crate::encryption::{EncryptedInput, Encryption, MAX_SEALED_BYTES};
use crate::violation::Violation;
use check::Check;
use schema::{Compiler, Schema};

pub use check::MAX_MATCH_WORK;
pub use pattern::MAX_PATTERN_PROGRAM_BYTES;

/// A compiled form.
#[derive(Debug)]
pub struct Form {
    inputs: Vec<Input>,
    places: BTreeMap<String, usize>,
    unsupported: Vec<Unsupported>,
    notes: Vec<Violation>,
}

#[derive(Debug)]
struct Input {
    name: String,
    schema: Schema,
    is_required: bool,
    encryption: Option<Encryption>,
    default: Option<Value>,
}

/// Something in a form that cannot be checked, so that executing it is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The input; empty where the whole form is meant.
    pub input: String,
    /// Where it stands in the action.
    pub path: String,
    /// What it is.
    pub message: String,
    /// Whether it is an expression (`{jqQuery}`) rather than a fault.
    pub is_expression: bool,
}

/// What [`Form::accept`] let through.
#[derive(Clone, PartialEq)]
pub struct Accepted {
    /// What was sent, in its order, then the defaults of what was not, in the form's order. What
    /// the server shall encrypt stands in it as plain text.
    pub properties: Map<String, Value>,
    /// What was sent, where there are defaults beside it.
    pub sent: Option<Map<String, Value>>,
    /// The encrypted inputs among them, in the form's order.
    pub encrypted: Vec<EncryptedInput>,
}

/// Shows no value.
impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted")
            .field("encrypted", &self.encrypted)
            .finish_non_exhaustive()
    }
}

impl Form {
    /// Compiles `inputs`; what cannot be checked is kept as [`Form::unsupported`].
    #[must_use]
    pub fn compile(inputs: &UserInputs) -> Self {
        let mut compiler = Compiler::default();
        let root = Path::ROOT;
        let trigger = root.key("trigger");
        let path = trigger.key("userInputs");
        let required = required_names(inputs, &path, &mut compiler);
        guarded_steps(inputs, &path, &mut compiler);
        let mut compiled = Vec::with_capacity(inputs.properties.len());
        let properties = path.key("properties");
        for (name, value) in &inputs.properties {
            compiler.enter(name);
            let path = properties.key(name);
            let encryption = compiler.encryption(value, &path);
            let schema = compiler.input(value, encryption, &path);
            compiled.push(Input {
                name: name.clone(),
                schema,
                is_required: required.contains(&name.as_str()),
                encryption,
                default: value
                    .get("default")
                    .filter(|default| jq_query(default).is_none())
                    .cloned(),
            });
        }
        let places = compiled
            .iter()
            .enumerate()
            .map(|(at, input)| (input.name.clone(), at));
        let places = places.collect();
        let (unsupported, notes) = compiler.finish();
        Self {
            inputs: compiled,
            places,
            unsupported,
            notes,
        }
    }

    /// What refuses every execution; empty where the form can be checked.
    #[must_use]
    pub fn unsupported(&self) -> &[Unsupported] {
        &self.unsupported
    }

    /// The inputs whose values nobody shall read but the receiver.
    pub fn encrypted(&self) -> impl Iterator<Item = EncryptedInput> {
        let inputs = self.inputs.iter();
        inputs.filter_map(|input| {
            let algorithm = input.encryption?.algorithm();
            Some(EncryptedInput {
                name: input.name.clone(),
                algorithm,
            })
        })
    }

    /// What the author should hear when the action is saved.
    #[must_use]
    pub fn warnings(&self) -> Vec<Violation> {
        let refusals = self.unsupported.iter().map(|problem| {
            let message = format!("{}; executing this action is refused", problem.message);
            Violation::new(problem.path.clone(), message)
        });
        refusals.chain(self.notes.iter().cloned()).collect()
    }

    /// Checks `properties` and fills in defaults.
    ///
    /// # Errors
    ///
    /// Every input that does not fit, at `properties.…`; values are never part of a message.
    pub fn accept(&self, properties: Value) -> Result<Accepted, Vec<Violation>> {
        if !self.unsupported.is_empty() {
            return Err(self.unsupported.iter().map(refusal).collect());
        }
        let mut check = Check::default();
        let root = Path::ROOT;
        let path = root.key("properties");
        if check.bounded_object(&properties, &path).is_none() {
            return Err(check.into_violations());
        }
        let Value::Object(mut properties) = properties else {
            return Err(check.into_violations());
        };
        for (name, value) in &properties {
            match self.places.get(name) {
                Some(&at) => self.inputs[at].check(value, &path.key(name), &mut check),
                None => check.push(
                    &path.key(name),
                    "unknown input; this action has no such input",
                ),
            }
        }
        let mut sent = None;
        for input in &self.inputs {
            if properties.contains_key(&input.name) {
                continue;
            }
            if let Some(default) = &input.default {
                input.check(default, &path.key(&input.name), &mut check);
                sent.get_or_insert_with(|| properties.clone());
                properties.insert(input.name.clone(), default.clone());
            } else if input.is_required {
                check.push(&path.key(&input.name), "is required");
            }
        }
        let encrypted: Vec<EncryptedInput> = self
            .encrypted()
            .filter(|input| properties.contains_key(&input.name))
            .collect();
        let sealed = encrypted.iter().filter(|input| input.is_sealed());
        let sealed = sealed.filter_map(|input| properties.get(&input.name));
        if sealed.map(bytes_of).sum::<usize>() > MAX_SEALED_BYTES {
            let limit = format!("at most {MAX_SEALED_BYTES} bytes are encrypted for one run");
            check.push(&path, limit);
        }
        let violations = check.into_violations();
        if !violations.is_empty() {
            return Err(violations);
        }
        Ok(Accepted {
            properties,
            sent,
            encrypted,
        })
    }
}

impl Input {
    fn check(&self, value: &Value, path: &Path<'_>, check: &mut Check) {
        match self.encryption {
            None => check.value(&self.schema, value, path),
            Some(Encryption::Aes256Gcm) => check.confidential(&self.schema, value, path),
            Some(Encryption::ClientSide(layout)) => match value {
                Value::String(text) if layout.fits(text) => {}
                Value::String(_) => check.push(
                    path,
                    format!("is not encrypted for this input's key: expected {layout}"),
                ),
                other => check.expected(path, &format!("a string, {layout}"), other),
            },
        }
    }
}

/// What a value takes once it is written.
fn bytes_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        other => other.to_string().len(),
    }
}

fn refusal(problem: &Unsupported) -> Violation {
    let path = match problem.input.as_str() {
        "" => "properties".to_owned(),
        name => format!("properties.{}", shown(name)),
    };
    Violation::new(
        path,
        format!("cannot be checked: {} {}", problem.path, problem.message),
    )
}

fn required_names<'f>(
    inputs: &'f UserInputs,
    path: &Path<'_>,
    compiler: &mut Compiler,
) -> Vec<&'f str> {
    let path = path.key("required");
    match &inputs.required {
        Required::Query(_) => {
            compiler.expression(&path);
            Vec::new()
        }
        Required::Inputs(names) => {
            for (at, name) in names.iter().enumerate() {
                if !inputs.properties.contains_key(name) {
                    compiler.refuse(&path.index(at), "names an input that does not exist");
                }
            }
            names.iter().map(String::as_str).collect()
        }
    }
}

/// A page that an expression hides guards the inputs on it.
fn guarded_steps(inputs: &UserInputs, path: &Path<'_>, compiler: &mut Compiler) {
    let steps = path.key("steps");
    for (at, step) in inputs.steps.iter().enumerate() {
        let guarded = step
            .visible
            .as_ref()
            .is_some_and(|visible| jq_query(visible).is_some());
        if guarded && !step.order.is_empty() {
            compiler.expression(&steps.index(at).key("visible"));
        }
    }
}

#[cfg(test)]
mod tests;
