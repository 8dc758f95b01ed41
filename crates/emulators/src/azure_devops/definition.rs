//! A pipeline's YAML: which webhooks start it, and what it reads from their payloads.
//!
//! Only resources and expressions are understood; stages, jobs, steps, variables and templates are
//! let by. Limits: the file's size, its depth and parts, and how many expressions it holds.

mod document;
mod expressions;
mod fault;
mod parameters;
mod resources;
mod substitution;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::WebhookResource;
use substitution::Harmless;

pub use document::{Place, YamlFault};
pub use fault::{DefinitionError, DefinitionFault};
pub use parameters::Parameter;
pub(super) use substitution::{Substituted, Unreadable};

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

/// Something about a pipeline's YAML that works otherwise than it looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The line of the YAML.
    pub line: usize,
    /// What it is.
    pub message: String,
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
        let parameters = parameters::read(text, &root, &webhooks, &mut warnings)
            .map_err(|fault| error((Place::START, fault)))?;
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
