//! Pipelines and what starts them; reading them from YAML is `definition`'s.

use crate::pipeline::Script;

use super::definition::{Definition, DefinitionError};

/// The branch that pipelines stand on, and are read from, unless told otherwise.
const BRANCH: &str = "main";

/// A pipeline with webhook resources.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// The project that it belongs to.
    pub project: String,
    /// Its YAML.
    pub definition: Definition,
    /// The branch that the YAML stands on.
    pub branch: String,
    /// The repository's default branch: webhook resources of others start nothing.
    pub default_branch: String,
    /// What a run of it does.
    pub script: Script,
}

impl Pipeline {
    /// A pipeline that every call of a connection's webhook starts.
    pub fn new(name: &str, connection: &str, script: Script) -> Self {
        Self::with(name, Definition::of_connection(connection), script)
    }

    /// A pipeline from YAML; `file` is its name in messages, and without folders and `.yml` the
    /// pipeline's.
    ///
    /// # Errors
    /// With the place of the first mistake in the YAML.
    pub fn from_yaml(file: &str, text: &str, script: Script) -> Result<Self, DefinitionError> {
        let definition = Definition::read(file, text)?;
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let name = [".yml", ".yaml"]
            .iter()
            .find_map(|ending| name.strip_suffix(ending))
            .unwrap_or(name);
        Ok(Self::with(name, definition, script))
    }

    fn with(name: &str, definition: Definition, script: Script) -> Self {
        Self {
            name: name.to_owned(),
            project: "portal".to_owned(),
            definition,
            branch: BRANCH.to_owned(),
            default_branch: BRANCH.to_owned(),
            script,
        }
    }
}

/// A webhook that starts a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookResource {
    /// What the pipeline's expressions call it.
    pub alias: String,
    /// The name of the service connection, which is not the one in addresses.
    pub connection: String,
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Its line in the YAML.
    pub line: usize,
}

/// A filter of a webhook resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Path into the payload.
    pub path: String,
    /// The text that must stand there.
    pub value: String,
}
