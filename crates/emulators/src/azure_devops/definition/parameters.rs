//! What a pipeline reads from payloads: expressions in its scalars that name a webhook's alias.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use super::document::{Content, Node, Place};
use super::expressions::{self, Expression};
use super::{DefinitionFault, Warning};
use crate::azure_devops::WebhookResource;
use crate::azure_devops::path::Path;

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
    pub(super) range: Range<usize>,
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

/// What the pipeline reads from the payloads of its webhooks, in order.
pub(super) fn read(
    text: &str,
    root: &Node,
    webhooks: &[WebhookResource],
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Parameter>, DefinitionFault> {
    let found = expressions::find(text, EXPRESSIONS + 1);
    if found.len() > EXPRESSIONS {
        return Err(DefinitionFault::Many {
            what: "a pipeline's expressions `${{ … }}`",
            most: EXPRESSIONS,
        });
    }
    let own = own_parameters(root);
    let mut parameters = Vec::new();
    for (expression, place, script) in in_scalars(text, root, found) {
        let reading = Reading {
            place,
            script,
            webhooks,
            own: &own,
        };
        reading.note(expression, &mut parameters, warnings);
    }
    Ok(parameters)
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
