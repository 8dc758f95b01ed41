//! The one organisation of this server: its name and settings.

use std::sync::{Arc, PoisonError, RwLock};

use longshore_domain::agent::Streamer;
use longshore_domain::id::OrganizationId;
use longshore_domain::violation::Violation;
use longshore_store::{Document, DocumentKind, Store};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::Engine;
use crate::environment::Environment;
use crate::error::Error;
use crate::vault::{Unsealable, Vault};

const NAME_CHARS_LIMIT: usize = 200;
/// What the master key has sealed, so that another key is noticed before anything else is opened.
const KEY_CHECK: &[u8] = b"longshore master key check";
const KEY_CHECK_PLACE: &str = "organization:key-check";
const STREAMERS: [&str; 2] = ["KAFKA", "POLLING"];

/// Why a server must not start on this data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another master key.
    #[error("the data was written under another master key")]
    MasterKey,
    /// Another organisation.
    #[error(
        "the data belongs to organization {stored}, but org_id is set to {configured}; an \
         organization's id is fixed at its first start"
    )]
    Organization {
        /// The id in the data.
        stored: String,
        /// The id in the configuration.
        configured: String,
    },
    /// Storage failed.
    #[error("{0}")]
    Storage(String),
}

/// The organisation's document, kept in memory and written through.
pub struct Organization {
    store: Arc<dyn Store>,
    egress: Vec<String>,
    id: String,
    sealed: Option<Vec<u8>>,
    current: RwLock<Current>,
    writing: Mutex<()>,
}

#[derive(Clone)]
struct Current {
    body: Map<String, Value>,
    version: u32,
}

impl Organization {
    /// Reads the organisation, or makes it at the first start.
    ///
    /// # Errors
    /// Where the data belongs to another organisation or another master key.
    pub async fn open(
        store: Arc<dyn Store>,
        environment: &dyn Environment,
        vault: &Vault,
        configured: Option<&str>,
        egress: Vec<String>,
    ) -> Result<Self, OpenError> {
        let storage = |error: longshore_store::Error| OpenError::Storage(error.to_string());
        let found = store
            .documents(DocumentKind::Organization)
            .await
            .map_err(storage)?;
        let document = match found.into_iter().next() {
            Some(document) => document,
            None => {
                let document = first_document(environment, vault, configured);
                store
                    .save_document(DocumentKind::Organization, document.clone())
                    .await
                    .map_err(storage)?;
                document
            }
        };
        let opened = vault.open(
            KEY_CHECK_PLACE,
            document.sealed.as_deref().unwrap_or_default(),
        );
        if !matches!(opened, Ok(ref text) if text.expose() == KEY_CHECK) {
            return Err(OpenError::MasterKey);
        }
        if let Some(configured) = configured.filter(|id| *id != document.key) {
            return Err(OpenError::Organization {
                stored: document.key,
                configured: configured.to_owned(),
            });
        }
        let body = serde_json::from_str(&document.body)
            .map_err(|error| OpenError::Storage(error.to_string()))?;
        Ok(Self {
            store,
            egress,
            id: document.key,
            sealed: document.sealed,
            current: RwLock::new(Current {
                body,
                version: document.version,
            }),
            writing: Mutex::new(()),
        })
    }

    /// The organisation's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The credential that the settings name as signer.
    #[must_use]
    pub fn signing_credential(&self) -> Option<String> {
        let current = self.current();
        current
            .body
            .get("settings")?
            .get("signingCredential")?
            .as_str()
            .map(str::to_owned)
    }

    /// How the settings say that agents get their work.
    #[must_use]
    pub fn streamer(&self) -> Option<Streamer> {
        let current = self.current();
        let name = current.body.get("settings")?.get("portAgentStreamerName")?;
        Streamer::deserialize(name).ok()
    }

    /// The organisation as the API shows it.
    #[must_use]
    pub fn json(&self) -> Value {
        let current = self.current();
        let mut settings = current
            .body
            .get("settings")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        settings.insert("egressAddresses".into(), json!(self.egress));
        let mut shown = Map::new();
        shown.insert("id".into(), self.id.clone().into());
        for (key, value) in &current.body {
            shown.insert(key.clone(), value.clone());
        }
        shown.insert("featureFlags".into(), Value::Array(Vec::new()));
        shown.insert("settings".into(), Value::Object(settings));
        Value::Object(shown)
    }

    /// Changes what `patch` names; `settings` are merged key by key.
    ///
    /// # Errors
    /// Where a key is unknown or breaks a rule.
    async fn update(&self, patch: &Map<String, Value>) -> Result<(), Error> {
        let violations = check(patch);
        if !violations.is_empty() {
            return Err(Error::Invalid(violations));
        }
        let _writing = self.writing.lock().await;
        let mut next = self.current();
        for (key, value) in patch {
            match (key.as_str(), value) {
                ("settings", Value::Object(given)) => {
                    let settings = next
                        .body
                        .entry("settings")
                        .or_insert_with(|| Value::Object(Map::new()));
                    if let Value::Object(settings) = settings {
                        settings.extend(given.clone());
                    }
                }
                _ => {
                    next.body.insert(key.clone(), value.clone());
                }
            }
        }
        next.version += 1;
        let document = Document {
            key: self.id.clone(),
            body: Value::Object(next.body.clone()).to_string(),
            sealed: self.sealed.clone(),
            version: next.version,
        };
        self.store
            .save_document(DocumentKind::Organization, document)
            .await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    fn current(&self) -> Current {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Engine {
    /// Changes what `patch` names of the organisation; `settings` are merged key by key.
    ///
    /// # Errors
    /// Where a key is unknown or breaks a rule, or the signer that it names may not sign.
    pub async fn change_organization(&self, patch: &Map<String, Value>) -> Result<(), Error> {
        let updated = self.organization.update(patch);
        let settings = patch.get("settings");
        match settings.and_then(|settings| settings.get("signingCredential")) {
            Some(signer) => self.identity.name_signer(signer.as_str(), updated).await,
            None => updated.await,
        }
    }
}

impl From<Unsealable> for OpenError {
    fn from(_: Unsealable) -> Self {
        Self::MasterKey
    }
}

fn first_document(
    environment: &dyn Environment,
    vault: &Vault,
    configured: Option<&str>,
) -> Document {
    let made = OrganizationId::mint(environment.now(), environment.random_u64());
    Document {
        key: configured.map_or_else(|| made.as_str().to_owned(), str::to_owned),
        body: json!({"name": "Longshore"}).to_string(),
        sealed: Some(vault.seal(environment, KEY_CHECK_PLACE, KEY_CHECK)),
        version: 1,
    }
}

/// The keys and their rules, from the published schema; `portAgentStreamerName` and
/// `signingCredential` are the ones that the engine reads.
fn check(patch: &Map<String, Value>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (key, value) in patch {
        match key.as_str() {
            "name" => {
                let fits = value
                    .as_str()
                    .is_some_and(|name| (1..=NAME_CHARS_LIMIT).contains(&name.chars().count()));
                if !fits {
                    let expected = format!("expected a text of 1 to {NAME_CHARS_LIMIT} characters");
                    found.push(Violation::new("name", expected));
                }
            }
            "settings" => check_settings(value, &mut found),
            "isOnboarded" if value.is_boolean() => {}
            "isOnboarded" => found.push(Violation::new("isOnboarded", "expected a boolean")),
            "announcement" | "toolSelectionProvisioning" if value.is_object() => {}
            "announcement" | "toolSelectionProvisioning" => {
                found.push(Violation::new(key.as_str(), "expected an object"));
            }
            _ => found.push(Violation::new(
                key.as_str(),
                "unknown key; expected name, settings, isOnboarded, announcement or \
                 toolSelectionProvisioning",
            )),
        }
    }
    found
}

fn check_settings(settings: &Value, found: &mut Vec<Violation>) {
    let Value::Object(settings) = settings else {
        found.push(Violation::new("settings", "expected an object"));
        return;
    };
    for (key, value) in settings {
        let path = format!("settings.{key}");
        let expected = match key.as_str() {
            "egressAddresses" => Some("read-only: it comes from the configuration"),
            "portAgentStreamerName" => {
                let known = value.as_str().is_some_and(|name| STREAMERS.contains(&name));
                (!known).then_some("expected KAFKA or POLLING")
            }
            "signingCredential" => (!value.is_string() && !value.is_null())
                .then_some("expected a credential's client id, or null for the first one"),
            "portalTitle" => {
                let fits = value
                    .as_str()
                    .is_some_and(|title| title.chars().count() <= 30);
                (!fits).then_some("expected a text of at most 30 characters")
            }
            "portalIcon" | "supportUserPermission" | "supportUserTTL" | "supportUserExpiresAt" => {
                (!value.is_string()).then_some("expected a text")
            }
            "federatedLogout" => (!value.is_boolean()).then_some("expected a boolean"),
            "hiddenBlueprints" => {
                let texts = value
                    .as_array()
                    .is_some_and(|list| list.iter().all(Value::is_string));
                (!texts).then_some("expected a list of texts")
            }
            _ => Some("unknown setting"),
        };
        if let Some(expected) = expected {
            found.push(Violation::new(path, expected));
        }
    }
}
