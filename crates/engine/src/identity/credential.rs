//! Organisation credentials: what is stored of them, and which of their secrets counts when.

use std::time::Duration;

use longshore_domain::secret::Secret;
use longshore_domain::time::Timestamp;
use longshore_store::Document;
use serde::{Deserialize, Serialize};

use crate::caller::Scope;
use crate::error::Error;
use crate::vault::Vault;

/// A credential with its secrets, opened.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) stored: Stored,
    pub(crate) secrets: Vec<KnownSecret>,
    pub(crate) version: u32,
}

/// A client secret that still counts or once did.
#[derive(Clone, Debug)]
pub(crate) struct KnownSecret {
    pub(crate) id: String,
    pub(crate) value: Secret<String>,
}

/// The stored JSON of a credential; its secrets are sealed beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scope: Scope,
    pub(crate) enabled: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Oldest first; at most two.
    pub(crate) secrets: Vec<SecretPeriod>,
    /// The secret that signs, until it ends.
    pub(crate) signing: String,
}

/// When a secret counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretPeriod {
    pub(crate) id: String,
    pub(crate) expires_at: Option<Timestamp>,
    /// When the live token of this secret was issued.
    pub(crate) token_issued_at: Option<Timestamp>,
}

impl SecretPeriod {
    pub(crate) fn counts_at(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

impl Credential {
    /// The place that its secrets are sealed for.
    fn place(id: &str) -> String {
        format!("credential:{id}")
    }

    /// Reads what is stored.
    pub(crate) fn open(document: &Document, vault: &Vault) -> Result<Self, Error> {
        let corrupt =
            |problem: String| Error::Corrupt(format!("credential {}: {problem}", document.key));
        let stored: Stored =
            serde_json::from_str(&document.body).map_err(|error| corrupt(error.to_string()))?;
        let sealed = document.sealed.as_deref().unwrap_or_default();
        let opened = vault
            .open(&Self::place(&document.key), sealed)
            .map_err(|error| corrupt(error.to_string()))?;
        let pairs: Vec<(String, String)> = serde_json::from_slice(opened.expose())
            .map_err(|_| corrupt("its secrets are unreadable".into()))?;
        let secrets = pairs
            .into_iter()
            .map(|(id, value)| KnownSecret {
                id,
                value: Secret::new(value),
            })
            .collect();
        Ok(Self {
            stored,
            secrets,
            version: document.version,
        })
    }

    /// What is stored, as the successor of the version that was read.
    pub(crate) fn document(
        &self,
        vault: &Vault,
        environment: &dyn crate::environment::Environment,
    ) -> Document {
        let pairs: Vec<(&str, &str)> = self
            .secrets
            .iter()
            .map(|secret| (secret.id.as_str(), secret.value.expose().as_str()))
            .collect();
        let plain = Secret::new(serde_json::to_vec(&pairs).unwrap_or_default());
        Document {
            key: self.stored.id.clone(),
            body: serde_json::to_string(&self.stored).unwrap_or_default(),
            sealed: Some(vault.seal(environment, &Self::place(&self.stored.id), plain.expose())),
            version: self.version,
        }
    }

    /// The secret that signs at `now`: the one named, else the newest that counts.
    pub(crate) fn signing_secret(&self, now: Timestamp) -> Option<&KnownSecret> {
        let named = self
            .stored
            .secrets
            .iter()
            .find(|period| period.id == self.stored.signing && period.counts_at(now));
        let period = named.or_else(|| {
            self.stored
                .secrets
                .iter()
                .rev()
                .find(|period| period.counts_at(now))
        })?;
        self.secrets.iter().find(|secret| secret.id == period.id)
    }

    /// Whether two secrets count at `now`.
    pub(crate) fn in_overlap(&self, now: Timestamp) -> bool {
        self.stored
            .secrets
            .iter()
            .filter(|period| period.counts_at(now))
            .count()
            > 1
    }

    /// Puts `fresh` beside the present secret, which ends after `overlap`.
    pub(crate) fn rotate(&mut self, fresh: KnownSecret, now: Timestamp, overlap: Duration) {
        let live: Vec<String> = self
            .stored
            .secrets
            .iter()
            .filter(|period| period.counts_at(now))
            .map(|period| period.id.clone())
            .collect();
        self.stored
            .secrets
            .retain(|period| live.contains(&period.id));
        self.secrets.retain(|secret| live.contains(&secret.id));
        for period in &mut self.stored.secrets {
            period.expires_at = Some(now.plus(overlap));
        }
        if let Some(present) = self.stored.secrets.last() {
            self.stored.signing = present.id.clone();
        }
        self.stored.secrets.push(SecretPeriod {
            id: fresh.id.clone(),
            expires_at: None,
            token_issued_at: None,
        });
        self.secrets.push(fresh);
        self.stored.updated_at = now;
    }

    /// Lets the newest secret sign from now on.
    pub(crate) fn activate(&mut self, now: Timestamp) {
        if let Some(newest) = self.stored.secrets.last() {
            self.stored.signing = newest.id.clone();
            self.stored.updated_at = now;
        }
    }
}
