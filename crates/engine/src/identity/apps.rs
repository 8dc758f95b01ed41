//! Managing credentials: making, renaming, rotating, naming the one that signs.

use std::time::Duration;

use longshore_domain::secret::Secret;
use longshore_domain::time::Timestamp;
use longshore_store::DocumentKind;

use super::credential::{Credential, KnownSecret, SecretPeriod, Stored};
use super::{Identity, may_sign, signer};
use crate::caller::Scope;
use crate::environment::random_text;
use crate::error::Error;

/// The shortest client secret: its first 32 bytes are an AES key (contract §7).
pub const SHORTEST_SECRET_BYTES: usize = 32;
/// The longest one.
const LONGEST_SECRET_BYTES: usize = 512;
/// How many credentials an organisation may have.
const CREDENTIALS_LIMIT: usize = 1_000;
const NAME_CHARS_LIMIT: usize = 200;
const LONGEST_OVERLAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A credential as it may be shown; `secret` only right after it was made.
#[derive(Clone, Debug)]
pub struct App {
    /// The client id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may be used for.
    pub scope: Scope,
    /// Whether it may be used.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Its newest secret, where it was just made.
    pub secret: Option<Secret<String>>,
}

impl Identity {
    /// Every credential, without its secrets.
    #[must_use]
    pub fn apps(&self) -> Vec<App> {
        self.known()
            .credentials
            .iter()
            .map(|credential| shown(credential, None))
            .collect()
    }

    /// Adds a credential; without `secret` one is made.
    ///
    /// # Errors
    /// Where the name or the secret breaks a rule, or there are too many.
    pub async fn create_app(
        &self,
        name: &str,
        scope: Scope,
        given: Option<(String, Secret<String>)>,
    ) -> Result<App, Error> {
        check_name(name)?;
        let _writing = self.writing.lock().await;
        if self.known().credentials.len() >= CREDENTIALS_LIMIT {
            return Err(Error::Conflict(format!(
                "an organization has at most {CREDENTIALS_LIMIT} credentials"
            )));
        }
        let now = self.environment.now();
        let (id, value) = match given {
            Some((id, value)) => (id, value),
            None => (random_text(&*self.environment, 32), self.fresh_secret()),
        };
        check_secret(&value)?;
        let secret = KnownSecret {
            id: random_text(&*self.environment, 12),
            value,
        };
        let credential = Credential {
            stored: Stored {
                id,
                name: name.to_owned(),
                scope,
                enabled: true,
                created_at: now,
                updated_at: now,
                signing: secret.id.clone(),
                secrets: vec![SecretPeriod {
                    id: secret.id.clone(),
                    expires_at: None,
                    token_issued_at: None,
                }],
            },
            secrets: vec![secret.clone()],
            version: 1,
        };
        let document = credential.document(&self.vault, &*self.environment);
        self.store
            .save_document(DocumentKind::Credential, document)
            .await?;
        let app = shown(&credential, Some(secret.value));
        self.known_mut(|known| known.credentials.push(credential));
        Ok(app)
    }

    /// Renames a credential, or switches it off or on.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where the signer would be switched off.
    pub async fn update_app(
        &self,
        id: &str,
        name: Option<&str>,
        enabled: Option<bool>,
    ) -> Result<App, Error> {
        if let Some(name) = name {
            check_name(name)?;
        }
        let now = self.environment.now();
        let ((), app) = self
            .change(id, |credential| {
                if enabled == Some(false) && self.is_signer(id) {
                    return Err(signer_conflict("disabled"));
                }
                if let Some(name) = name {
                    credential.stored.name = name.to_owned();
                }
                credential.stored.enabled = enabled.unwrap_or(credential.stored.enabled);
                credential.stored.updated_at = now;
                Ok(())
            })
            .await?;
        Ok(app)
    }

    /// Removes a credential; its tokens end with it.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for the signer.
    pub async fn delete_app(&self, id: &str) -> Result<(), Error> {
        let _writing = self.writing.lock().await;
        if !self
            .known()
            .credentials
            .iter()
            .any(|found| found.stored.id == id)
        {
            return Err(Error::not_found("credential", id));
        }
        if self.is_signer(id) {
            return Err(signer_conflict("deleted"));
        }
        self.store
            .remove_document(DocumentKind::Credential, id)
            .await?;
        self.known_mut(|known| known.credentials.retain(|found| found.stored.id != id));
        Ok(())
    }

    /// Gives a credential a second secret; the first one ends after `overlap`.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` while an overlap lasts.
    pub async fn rotate_secret(&self, id: &str, overlap: Duration) -> Result<App, Error> {
        if overlap > LONGEST_OVERLAP {
            return Err(Error::invalid(
                "overlapHours",
                format!("expected at most {}", LONGEST_OVERLAP.as_secs() / 3_600),
            ));
        }
        let now = self.environment.now();
        let value = self.fresh_secret();
        let fresh = KnownSecret {
            id: random_text(&*self.environment, 12),
            value: value.clone(),
        };
        let ((), mut app) = self
            .change(id, |credential| {
                if credential.in_overlap(now) {
                    return Err(Error::Conflict(
                        "the secret is being rotated; wait until the overlap ends".into(),
                    ));
                }
                credential.rotate(fresh.clone(), now, overlap);
                Ok(())
            })
            .await?;
        app.secret = Some(value);
        Ok(app)
    }

    /// Lets the newest secret of a credential sign before the overlap ends.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn activate_secret(&self, id: &str) -> Result<App, Error> {
        let now = self.environment.now();
        let ((), app) = self
            .change(id, |credential| {
                credential.activate(now);
                Ok(())
            })
            .await?;
        Ok(app)
    }

    /// Names the credential that signs, and has `keep` store the choice. Meanwhile no credential is
    /// changed, so that whoever is named is there, and who was named last is who is stored.
    ///
    /// # Errors
    /// `Invalid` where it is unknown, off, or may not sign; those of `keep`.
    pub(crate) async fn name_signer(
        &self,
        id: Option<&str>,
        keep: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Error> {
        let _writing = self.writing.lock().await;
        self.check_signer(id)?;
        keep.await?;
        self.known_mut(|known| known.signer = id.map(str::to_owned));
        Ok(())
    }

    fn check_signer(&self, id: Option<&str>) -> Result<(), Error> {
        let Some(id) = id else { return Ok(()) };
        let usable = self
            .known()
            .credentials
            .iter()
            .any(|found| found.stored.id == id && may_sign(found));
        if usable {
            Ok(())
        } else {
            Err(Error::invalid(
                "settings.signingCredential",
                "expected the client id of an enabled credential that may sign",
            ))
        }
    }

    fn is_signer(&self, id: &str) -> bool {
        signer(&self.known()).is_some_and(|found| found.stored.id == id)
    }

    fn fresh_secret(&self) -> Secret<String> {
        Secret::new(random_text(&*self.environment, 64))
    }

    pub(super) async fn change<T>(
        &self,
        id: &str,
        alter: impl FnOnce(&mut Credential) -> Result<T, Error>,
    ) -> Result<(T, App), Error> {
        let _writing = self.writing.lock().await;
        let found = self
            .known()
            .credentials
            .iter()
            .find(|found| found.stored.id == id)
            .cloned();
        let mut credential = found.ok_or_else(|| Error::not_found("credential", id))?;
        let altered = alter(&mut credential)?;
        credential.version += 1;
        let document = credential.document(&self.vault, &*self.environment);
        self.store
            .save_document(DocumentKind::Credential, document)
            .await?;
        let app = shown(&credential, None);
        self.known_mut(|known| {
            for slot in &mut known.credentials {
                if slot.stored.id == id {
                    *slot = credential.clone();
                }
            }
        });
        Ok((altered, app))
    }
}

fn signer_conflict(verb: &str) -> Error {
    Error::Conflict(format!(
        "this credential signs the organization's calls and cannot be {verb}; name another one \
         in settings.signingCredential first"
    ))
}

fn shown(credential: &Credential, secret: Option<Secret<String>>) -> App {
    App {
        id: credential.stored.id.clone(),
        name: credential.stored.name.clone(),
        scope: credential.stored.scope,
        enabled: credential.stored.enabled,
        created_at: credential.stored.created_at,
        updated_at: credential.stored.updated_at,
        secret,
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if (1..=NAME_CHARS_LIMIT).contains(&name.chars().count()) {
        Ok(())
    } else {
        Err(Error::invalid(
            "name",
            format!("expected 1 to {NAME_CHARS_LIMIT} characters"),
        ))
    }
}

fn check_secret(secret: &Secret<String>) -> Result<(), Error> {
    if (SHORTEST_SECRET_BYTES..=LONGEST_SECRET_BYTES).contains(&secret.expose().len()) {
        Ok(())
    } else {
        Err(Error::invalid(
            "client_secret",
            format!("expected {SHORTEST_SECRET_BYTES} to {LONGEST_SECRET_BYTES} bytes"),
        ))
    }
}
