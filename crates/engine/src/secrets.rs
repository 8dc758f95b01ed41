//! Organisation secrets: named values that templates may use on the way out, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use longshore_domain::secret::Secret;
use longshore_domain::time::Timestamp;
use longshore_store::{Document, DocumentKind, Store};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::environment::Environment;
use crate::error::Error;
use crate::vault::Vault;

const NAME_LIMIT: usize = 100;
const DESCRIPTION_CHARS_LIMIT: usize = 200;
/// The longest value; a key or a certificate fits.
const VALUE_BYTES_LIMIT: usize = 64 * 1024;
const SECRETS_LIMIT: usize = 10_000;

/// A secret without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationSecret {
    /// Its name, as templates use it: `.secrets.NAME`.
    pub secret_name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// What a change of a secret replaces.
#[derive(Clone, Debug, Default)]
pub struct SecretPatch {
    /// The new value.
    pub value: Option<Secret<String>>,
    /// The new description; empty clears it.
    pub description: Option<String>,
}

struct Known {
    shown: OrganizationSecret,
    value: Secret<String>,
    version: u32,
}

/// The organisation's secrets, opened in memory, sealed in storage.
pub struct Secrets {
    store: Arc<dyn Store>,
    environment: Arc<dyn Environment>,
    vault: Arc<Vault>,
    known: RwLock<BTreeMap<String, Known>>,
    writing: Mutex<()>,
}

impl Secrets {
    /// Reads what is stored.
    ///
    /// # Errors
    /// Where storage cannot be read, or a secret does not open.
    pub async fn load(
        store: Arc<dyn Store>,
        environment: Arc<dyn Environment>,
        vault: Arc<Vault>,
    ) -> Result<Self, Error> {
        let mut known = BTreeMap::new();
        for document in store.documents(DocumentKind::Secret).await? {
            let corrupt =
                |problem: &str| Error::Corrupt(format!("secret {}: {problem}", document.key));
            let shown: OrganizationSecret = serde_json::from_str(&document.body)
                .map_err(|error| corrupt(&error.to_string()))?;
            let sealed = document.sealed.as_deref().unwrap_or_default();
            let opened = vault
                .open(&place(&document.key), sealed)
                .map_err(|error| corrupt(&error.to_string()))?;
            let value = String::from_utf8(opened.expose().clone())
                .map_err(|_| corrupt("its value is not text"))?;
            let version = document.version;
            known.insert(
                document.key,
                Known {
                    shown,
                    value: Secret::new(value),
                    version,
                },
            );
        }
        Ok(Self {
            store,
            environment,
            vault,
            known: RwLock::new(known),
            writing: Mutex::new(()),
        })
    }

    /// All secrets, by name, without their values.
    #[must_use]
    pub fn list(&self) -> Vec<OrganizationSecret> {
        self.known()
            .values()
            .map(|known| known.shown.clone())
            .collect()
    }

    /// One secret without its value.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn find(&self, name: &str) -> Result<OrganizationSecret, Error> {
        let known = self.known();
        known
            .get(name)
            .map(|known| known.shown.clone())
            .ok_or_else(|| missing(name))
    }

    /// Names and values, for one attempt's templates.
    #[must_use]
    pub fn values(&self) -> Vec<(String, Secret<String>)> {
        let known = self.known();
        known
            .iter()
            .map(|(name, known)| (name.clone(), known.value.clone()))
            .collect()
    }

    /// Adds a secret.
    ///
    /// # Errors
    /// Where a rule is broken, or the name is taken.
    pub async fn create(
        &self,
        name: &str,
        value: Secret<String>,
        description: Option<String>,
    ) -> Result<OrganizationSecret, Error> {
        check_name(name)?;
        check_description(description.as_deref())?;
        check_value(&value)?;
        let _writing = self.writing.lock().await;
        if self.known().len() >= SECRETS_LIMIT {
            return Err(Error::Conflict(format!(
                "at most {SECRETS_LIMIT} secrets are kept"
            )));
        }
        if self.known().contains_key(name) {
            return Err(Error::Conflict(format!("secret {name:?} exists already")));
        }
        let now = self.environment.now();
        let shown = OrganizationSecret {
            secret_name: name.to_owned(),
            description,
            created_at: now,
            updated_at: now,
        };
        self.write(Known {
            shown,
            value,
            version: 1,
        })
        .await
    }

    /// Replaces a secret's value or description.
    ///
    /// # Errors
    /// `NotFound`, or where a rule is broken.
    pub async fn update(
        &self,
        name: &str,
        patch: SecretPatch,
    ) -> Result<OrganizationSecret, Error> {
        check_description(patch.description.as_deref())?;
        if let Some(value) = &patch.value {
            check_value(value)?;
        }
        let _writing = self.writing.lock().await;
        let next = {
            let known = self.known();
            let found = known.get(name).ok_or_else(|| missing(name))?;
            let mut shown = found.shown.clone();
            if let Some(description) = patch.description {
                shown.description = Some(description).filter(|text| !text.is_empty());
            }
            shown.updated_at = self.environment.now();
            let value = patch.value.unwrap_or_else(|| found.value.clone());
            Known {
                shown,
                value,
                version: found.version + 1,
            }
        };
        self.write(next).await
    }

    /// Removes a secret.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let _writing = self.writing.lock().await;
        if !self.known().contains_key(name) {
            return Err(missing(name));
        }
        self.store
            .remove_document(DocumentKind::Secret, name)
            .await?;
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        Ok(())
    }

    async fn write(&self, next: Known) -> Result<OrganizationSecret, Error> {
        let name = next.shown.secret_name.clone();
        let document = Document {
            key: name.clone(),
            body: serde_json::to_string(&next.shown).unwrap_or_default(),
            sealed: Some(self.vault.seal(
                &*self.environment,
                &place(&name),
                next.value.expose().as_bytes(),
            )),
            version: next.version,
        };
        self.store
            .save_document(DocumentKind::Secret, document)
            .await?;
        let shown = next.shown.clone();
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, next);
        Ok(shown)
    }

    fn known(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(name: &str) -> String {
    format!("secret:{name}")
}

fn missing(name: &str) -> Error {
    Error::not_found("secret", name)
}

fn check_name(name: &str) -> Result<(), Error> {
    let letters = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if letters && (1..=NAME_LIMIT).contains(&name.len()) {
        Ok(())
    } else {
        Err(Error::invalid(
            "secretName",
            format!("expected 1 to {NAME_LIMIT} letters, digits, - or _"),
        ))
    }
}

fn check_description(description: Option<&str>) -> Result<(), Error> {
    if description.is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_LIMIT) {
        return Err(Error::invalid(
            "description",
            format!("expected at most {DESCRIPTION_CHARS_LIMIT} characters"),
        ));
    }
    Ok(())
}

fn check_value(value: &Secret<String>) -> Result<(), Error> {
    if value.expose().len() > VALUE_BYTES_LIMIT {
        return Err(Error::invalid(
            "secretValue",
            format!("expected at most {VALUE_BYTES_LIMIT} bytes"),
        ));
    }
    Ok(())
}
