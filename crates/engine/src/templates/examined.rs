//! A template's expressions, compiled and read, beside every place where they stand.

use std::collections::HashMap;

use longshore_domain::action::{DeadEnd, Scope, ValueKind};
use longshore_domain::template::Survey;
use longshore_jq::reads::{Kind, Reads, Step, Yields, reads};
use serde_json::Value;

use crate::render::{Compiled, CompiledTemplate, Mistake, characters};

/// Characters of an expression that a message shows.
const SHOWN_CHARS: usize = 64;

/// A template that was looked through.
pub(super) struct Examined {
    pub(super) survey: Survey,
    /// For each expression.
    mistakes: Vec<Option<Mistake>>,
    reads: Vec<Reads>,
}

/// Something wrong with an expression, wherever it stands.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    /// In characters of the expression, from 0.
    pub(super) position: usize,
}

impl Examined {
    /// Looks through `value`; what `template`, made of it, compiled already is not compiled again.
    pub(super) fn of(value: &Value, template: &CompiledTemplate) -> Self {
        let survey = Survey::of(value);
        let known: HashMap<&str, &Compiled> = template.compiled().collect();
        let mistake = |text: &str| match known.get(text) {
            Some(Compiled::Program(_)) => None,
            Some(Compiled::Mistake(mistake)) => Some(mistake.clone()),
            Some(Compiled::Deferred) | None => mistake_of(text),
        };
        let texts: Vec<&str> = survey
            .expressions()
            .iter()
            .map(|expression| expression.text.as_str())
            .collect();
        let mistakes = texts.iter().map(|text| mistake(text)).collect();
        let reads = reads(&texts);
        Self {
            survey,
            mistakes,
            reads,
        }
    }

    /// What is wrong with each expression, where it sees `scope`.
    pub(super) fn faults(&self, scope: &Scope) -> Vec<Vec<Fault>> {
        let expressions = self.survey.expressions().iter();
        let compiled = expressions.zip(&self.mistakes).zip(&self.reads);
        compiled
            .map(|((expression, mistake), reads)| {
                faults(&expression.text, mistake.as_ref(), reads, scope)
            })
            .collect()
    }

    /// The kind of what an expression gives, where that is certain.
    pub(super) fn kind(&self, index: usize, scope: &Scope) -> Option<ValueKind> {
        match &self.reads.get(index)?.yields {
            Yields::Path(steps) => scope.kind(keys(steps)),
            Yields::Kind(kind) => Some(match kind {
                Kind::Boolean => ValueKind::Boolean,
                Kind::Number => ValueKind::Number,
                Kind::String => ValueKind::String,
                Kind::Array => ValueKind::Array,
                Kind::Object => ValueKind::Object,
            }),
            Yields::Unknown => None,
        }
    }

    /// The secrets that expressions certainly name.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let paths = self.reads.iter().flat_map(|reads| &reads.paths);
        paths.filter_map(|steps| match steps.as_slice() {
            [root, name, ..] if root.key == "secrets" => Some(name.key.as_str()),
            _ => None,
        })
    }
}

/// The mistake of the expression `text`, where it has one.
pub(super) fn mistake_of(text: &str) -> Option<Mistake> {
    match Compiled::of(text) {
        Compiled::Mistake(mistake) => Some(mistake),
        Compiled::Program(_) | Compiled::Deferred => None,
    }
}

/// What is wrong with one expression that sees `scope`: it does not compile, or reads what is not
/// there.
pub(super) fn faults(
    text: &str,
    mistake: Option<&Mistake>,
    reads: &Reads,
    scope: &Scope,
) -> Vec<Fault> {
    if let Some(mistake) = mistake {
        return vec![Fault {
            message: format!(
                "does not compile and gives null: {}{}",
                mistake.message,
                hint(text, mistake, scope)
            ),
            position: mistake.position,
        }];
    }
    let mut faults: Vec<Fault> = Vec::new();
    for steps in &reads.paths {
        let Some(DeadEnd { step, message }) = scope.dead_end(keys(steps)) else {
            continue;
        };
        let byte = steps.get(step).map_or(0, |step| step.position);
        let position = characters(text, byte);
        // a longer path ends where its beginning did
        if faults.iter().all(|known| known.position != position) {
            faults.push(Fault { message, position });
        }
    }
    faults
}

/// What the author of a text that does not compile may have meant.
fn hint(text: &str, mistake: &Mistake, scope: &Scope) -> String {
    if text.contains("spreadValue") {
        return "; spreadValue() can only be the whole key of an object".to_owned();
    }
    if !mistake.message.ends_with("is not defined") {
        return String::new();
    }
    let rest: String = text.chars().skip(mistake.position).collect();
    let end = rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    let word = &rest[..end.unwrap_or(rest.len())];
    let meant = scope.root_called(word);
    meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"))
}

/// `fault` with its place in the expression `text`.
pub(super) fn told(fault: &Fault, text: &str) -> String {
    format!(
        "{} (character {} of `{}`)",
        fault.message,
        fault.position,
        shown(text)
    )
}

/// An expression's text, shortened for a message.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn keys(steps: &[Step]) -> impl Iterator<Item = &str> {
    steps.iter().map(|step| step.key.as_str())
}
