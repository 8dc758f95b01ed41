//! A pipeline's YAML: which webhooks start it, and what it reads from their payloads.
//!
//! Only resources and expressions are understood; stages, jobs, steps, variables and templates are
//! let by. Limits: the file's size, its depth and parts, and how many expressions it holds.

mod document;
mod expressions;
mod resources;
mod substitution;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::WebhookResource;
use super::path::Path;
use document::{Content, Node};
use expressions::Expression;
use substitution::Harmless;

pub use document::{Place, YamlFault};
pub(super) use substitution::{Substituted, Unreadable};

/// How many expressions a pipeline may hold.
const EXPRESSIONS: usize = 2_000;
/// Tasks and shortcuts whose value is a script.
const SCRIPTS: [&str; 6] = [
    "script",
    "bash",
    "pwsh",
    "powershell",
    "inlineScript",
    "arguments",
];

/// A pipeline's YAML, read.
#[derive(Debug, Clone)]
pub struct Definition {
    file: String,
    text: String,
    webhooks: Vec<WebhookResource>,
    parameters: Vec<Parameter>,
    warnings: Vec<Warning>,
    harmless: Arc<Option<Harmless>>,
}

/// A reading of a webhook's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The alias of the webhook.
    pub alias: String,
    /// The place in the payload.
    pub path: Path,
    /// Where its expression stands in the YAML.
    pub place: Place,
    /// Whether the value takes the place of the whole expression. Elsewhere, as in conditions, the
    /// expression is not evaluated here.
    pub bare: bool,
    /// Bytes of the text that its expression takes.
    range: std::ops::Range<usize>,
}

impl fmt::Display for Parameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.alias)?;
        let path = self.path.to_string();
        match path.is_empty() || path.starts_with('[') {
            true => formatter.write_str(&path),
            false => write!(formatter, ".{path}"),
        }
    }
}

/// Something about a pipeline's YAML that works otherwise than it looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The line of the YAML.
    pub line: usize,
    /// What it is.
    pub message: String,
}

/// A pipeline's YAML cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}:{}: {fault}", .place.line, .place.column)]
pub struct DefinitionError {
    /// The file, as it was named.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub fault: DefinitionFault,
}

/// What is wrong with a pipeline's YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionFault {
    /// It is no YAML that Azure Pipelines takes.
    #[error(transparent)]
    Yaml(YamlFault),
    /// A part is of the wrong kind.
    #[error("{what} is expected to be {expected}, but is {found}")]
    Kind {
        /// The part.
        what: String,
        /// Its kind as it should be.
        expected: &'static str,
        /// Its kind as it is.
        found: &'static str,
    },
    /// No webhook starts it.
    #[error(
        "the pipeline has no resources.webhooks; expected at least one entry with `webhook` (an alias) and \
         `connection` (the name of an Incoming WebHook service connection). Templates and conditional parts are not read"
    )]
    NoWebhook,
    /// A key that must be there, with a value.
    #[error("{owner} needs `{key}`: {what}")]
    Missing {
        /// Whose key it is.
        owner: &'static str,
        /// The key.
        key: &'static str,
        /// What it holds.
        what: &'static str,
    },
    /// A key that is not known there.
    #[error("{what} has the unknown key {key:?}; expected {expected}")]
    UnknownKey {
        /// Whose key it is.
        what: String,
        /// The key.
        key: String,
        /// The keys that are known.
        expected: String,
    },
    /// An alias that cannot be one.
    #[error("the alias {0:?} may hold letters, digits, `-` and `_` only")]
    Alias(String),
    /// Two webhooks with one alias.
    #[error("the alias {0:?} is already in use")]
    RepeatedAlias(String),
    /// Too many parts of a kind.
    #[error("{what} may hold at most {most}")]
    Many {
        /// What holds them.
        what: &'static str,
        /// How many it may hold.
        most: usize,
    },
}

impl Definition {
    /// Reads a pipeline's YAML; `file` is its name in messages.
    ///
    /// # Errors
    /// With the place of the first mistake.
    pub fn read(file: &str, text: &str) -> Result<Self, DefinitionError> {
        let error = |(place, fault)| DefinitionError {
            file: file.to_owned(),
            place,
            fault,
        };
        // The parser keeps a leading byte order mark out of lines and columns, but not out of the
        // offsets that expressions are found by.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let root = document::read(text)
            .map_err(|misread| error((misread.place, DefinitionFault::Yaml(misread.fault))))?;
        let (webhooks, mut warnings) = resources::webhooks(&root).map_err(error)?;
        let found = expressions::find(text, EXPRESSIONS + 1);
        if found.len() > EXPRESSIONS {
            let what = "a pipeline's expressions `${{ … }}`";
            let most = EXPRESSIONS;
            return Err(error((Place::START, DefinitionFault::Many { what, most })));
        }
        let own = own_parameters(&root);
        let mut parameters = Vec::new();
        for (expression, place, script) in in_scalars(text, &root, found) {
            let context = Reading {
                place,
                script,
                webhooks: &webhooks,
                own: &own,
            };
            context.note(expression, &mut parameters, &mut warnings);
        }
        warnings.sort_by_key(|warning| warning.line);
        Ok(Self {
            file: file.to_owned(),
            text: text.to_owned(),
            webhooks,
            harmless: Arc::new(Harmless::of(text, &parameters)),
            parameters,
            warnings,
        })
    }

    /// What a pipeline amounts to that every call of a connection's webhook starts.
    pub(super) fn of_connection(connection: &str) -> Self {
        Self {
            file: String::new(),
            text: String::new(),
            webhooks: vec![WebhookResource {
                alias: "webhook".to_owned(),
                connection: connection.to_owned(),
                filters: Vec::new(),
                line: 1,
            }],
            parameters: Vec::new(),
            warnings: Vec::new(),
            harmless: Arc::new(None),
        }
    }

    /// The name of its file, as it was read; empty where there is none.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Its webhooks, in order.
    pub fn webhooks(&self) -> &[WebhookResource] {
        &self.webhooks
    }

    /// What it reads from payloads, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// What works otherwise than it looks, whatever the payload.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// The names of the pipeline's own parameters, which `${{ parameters.<name> }}` reads as well.
fn own_parameters(root: &Node) -> HashSet<String> {
    let lower = |node: &Node| node.text().map(str::to_ascii_lowercase);
    match root.value("parameters").map(|node| &node.content) {
        Some(Content::Sequence(entries)) => entries
            .iter()
            .filter_map(|entry| lower(entry.value("name")?))
            .collect(),
        Some(Content::Mapping(entries)) => {
            entries.iter().filter_map(|(key, _)| lower(key)).collect()
        }
        Some(Content::Scalar { .. }) | None => HashSet::new(),
    }
}

/// What one expression is looked at with.
struct Reading<'a> {
    place: Place,
    script: bool,
    webhooks: &'a [WebhookResource],
    own: &'a HashSet<String>,
}

impl Reading<'_> {
    fn note(
        &self,
        expression: Expression,
        parameters: &mut Vec<Parameter>,
        warnings: &mut Vec<Warning>,
    ) {
        let mut warn = |message: String| {
            warnings.push(Warning {
                line: self.place.line,
                message,
            });
        };
        if !expression.closed {
            warn("`${{` has no `}}` that ends it".to_owned());
        }
        let count = parameters.len();
        for reference in expression.references {
            let named =
                |webhook: &&WebhookResource| webhook.alias.eq_ignore_ascii_case(&reference.name);
            let Some(webhook) = self.webhooks.iter().find(named) else {
                if !self.own.contains(&reference.name.to_ascii_lowercase()) {
                    warn(self.stranger(&reference.name));
                }
                continue;
            };
            parameters.push(Parameter {
                alias: webhook.alias.clone(),
                path: reference.path,
                place: self.place,
                bare: expression.bare,
                range: expression.range.clone(),
            });
        }
        if self.script && parameters.len() > count {
            warn(
                "a value of the payload is put into a script, where it can be more than a text; \
                 pass it through `env`"
                    .to_owned(),
            );
        }
    }

    fn stranger(&self, name: &str) -> String {
        let known: Vec<_> = self
            .webhooks
            .iter()
            .map(|webhook| webhook.alias.as_str())
            .collect();
        format!(
            "`parameters.{name}` is neither a webhook's alias ({}) nor a parameter of the pipeline",
            known.join(", ")
        )
    }
}

/// The expressions that stand in scalars, each with its place and whether that is a script; those
/// of comments are not read by anybody.
fn in_scalars(
    text: &str,
    root: &Node,
    expressions: Vec<Expression>,
) -> Vec<(Expression, Place, bool)> {
    let mut scalars = Vec::new();
    collect(root, false, &mut scalars);
    let mut scalars = scalars.into_iter().peekable();
    let mut kept = Vec::new();
    let (mut byte, mut offset, mut line_start, mut line) = (0, 0, 0, 1);
    let mut taken = 0;
    for expression in expressions {
        for character in text[byte..expression.range.start].chars() {
            offset += 1;
            if character == '\n' {
                (line, line_start) = (line + 1, offset);
            }
        }
        byte = expression.range.start;
        while scalars
            .next_if(|scalar| scalar.node.span.end <= offset)
            .is_some()
        {
            taken = 0;
        }
        // What stands in quotes is said to end behind its closing one, where a comment may be.
        let Some(scalar) = scalars
            .peek()
            .filter(|scalar| scalar.node.span.start <= offset && taken < scalar.expressions)
        else {
            continue;
        };
        taken += 1;
        let column = offset - line_start + 1;
        kept.push((expression, Place { line, column }, scalar.script));
    }
    kept
}

/// A scalar that holds expressions.
struct Scalar<'a> {
    node: &'a Node,
    expressions: usize,
    script: bool,
}

/// Documents are at most as deep as [`document::read`] lets them be.
fn collect<'a>(node: &'a Node, script: bool, scalars: &mut Vec<Scalar<'a>>) {
    match &node.content {
        Content::Scalar { text, .. } => {
            let expressions = text.matches("${{").count();
            if expressions > 0 {
                scalars.push(Scalar {
                    node,
                    expressions,
                    script,
                });
            }
        }
        Content::Sequence(entries) => {
            for entry in entries {
                collect(entry, false, scalars);
            }
        }
        Content::Mapping(entries) => {
            for (key, value) in entries {
                collect(key, false, scalars);
                let script = key.text().is_some_and(|name| SCRIPTS.contains(&name));
                collect(value, script, scalars);
            }
        }
    }
}
