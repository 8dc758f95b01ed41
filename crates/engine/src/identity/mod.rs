//! Who there is: credentials, their tokens, and the one that signs.
//!
//! Everything is kept in memory and written through, so that asking for a token before every
//! call, as agents do, costs a look-up.

mod credential;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, RwLock, RwLockReadGuard};
use std::time::Duration;

use longshore_domain::id::RunId;
use longshore_domain::secret::Secret;
use longshore_domain::time::Timestamp;
use longshore_store::{DocumentKind, Store};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

use crate::caller::{Caller, Scope};
use crate::environment::{Environment, random_text};
use crate::error::Error;
use crate::vault::Vault;
use credential::{Credential, KnownSecret, SecretPeriod, Stored};

pub use token::ACCESS_TOKEN_LIFETIME;

/// The shortest client secret: its first 32 bytes are an AES key (contract §7).
pub const SHORTEST_SECRET_BYTES: usize = 32;
/// The longest one.
const LONGEST_SECRET_BYTES: usize = 512;
/// How many credentials an organisation may have.
const CREDENTIALS_LIMIT: usize = 1_000;
const NAME_CHARS_LIMIT: usize = 200;
const LONGEST_OVERLAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Verified tokens that are remembered, so that one HMAC serves many calls.
const TOKEN_CACHE_LIMIT: usize = 10_000;

/// A token as it is handed out.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The JWT.
    pub token: Secret<String>,
    /// How long it still holds.
    pub expires_in: Duration,
}

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

/// The secret that signs an attempt.
#[derive(Clone, Debug)]
pub struct SigningSecret {
    /// Names it in attempts.
    pub id: String,
    /// The secret.
    pub value: Secret<String>,
}

/// Credentials, tokens and the signer.
pub struct Identity {
    store: Arc<dyn Store>,
    environment: Arc<dyn Environment>,
    vault: Arc<Vault>,
    organization: String,
    known: RwLock<Known>,
    tokens: RwLock<HashMap<String, (Caller, String, i64)>>,
    writing: Mutex<()>,
}

#[derive(Default)]
struct Known {
    /// Oldest first.
    credentials: Vec<Credential>,
    /// The client id named as signer, if one was.
    signer: Option<String>,
}

impl Identity {
    /// Reads what is stored.
    ///
    /// # Errors
    /// Where storage cannot be read, or was written under another master key.
    pub async fn load(
        store: Arc<dyn Store>,
        environment: Arc<dyn Environment>,
        vault: Arc<Vault>,
        organization: String,
        signer: Option<String>,
    ) -> Result<Self, Error> {
        let mut credentials = Vec::new();
        for document in store.documents(DocumentKind::Credential).await? {
            credentials.push(Credential::open(&document, &vault)?);
        }
        credentials.sort_by_key(|credential| credential.stored.created_at);
        Ok(Self {
            store,
            environment,
            vault,
            organization,
            known: RwLock::new(Known { credentials, signer }),
            tokens: RwLock::default(),
            writing: Mutex::new(()),
        })
    }

    /// Whether the organisation has no credentials yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known().credentials.is_empty()
    }

    /// Every credential, without its secrets.
    #[must_use]
    pub fn apps(&self) -> Vec<App> {
        self.known().credentials.iter().map(|credential| shown(credential, None)).collect()
    }

    /// Exchanges a client secret for the token that is live now, or a new one.
    ///
    /// # Errors
    /// `Unauthorized`, the same for whatever did not hold.
    pub async fn access_token(&self, client: &str, secret: &str) -> Result<AccessToken, Error> {
        const REFUSED: Error = Error::Unauthorized("the client id or client secret is wrong");
        let now = self.environment.now();
        let found = {
            let known = self.known();
            let credential = known.credentials.iter().find(|found| found.stored.id == client);
            credential.and_then(|credential| {
                let id = matching_secret(credential, secret, now)?;
                let usable = credential.stored.enabled && credential.stored.scope != Scope::Sign;
                let period = credential.stored.secrets.iter().find(|found| found.id == id)?;
                usable.then(|| (id, period.token_issued_at))
            })
        };
        let Some((secret_id, issued_at)) = found else { return Err(REFUSED) };
        let live = issued_at.filter(|at| now < at.plus(ACCESS_TOKEN_LIFETIME));
        let issued_at = match live {
            Some(at) => at,
            None => self.issue(client, &secret_id, now).await?,
        };
        let claims = token::Claims {
            iss: "longshore".into(),
            organization: self.organization.clone(),
            sub: client.to_owned(),
            jti: secret_id,
            iat: issued_at.as_seconds(),
            exp: issued_at.plus(ACCESS_TOKEN_LIFETIME).as_seconds(),
            is_machine: true,
        };
        let left = u64::try_from(claims.exp - now.as_seconds()).unwrap_or_default();
        Ok(AccessToken {
            token: Secret::new(token::write(&claims, &self.vault)),
            expires_in: Duration::from_secs(left),
        })
    }

    async fn issue(
        &self,
        client: &str,
        secret_id: &str,
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        self.change(client, |credential| {
            let period = credential
                .stored
                .secrets
                .iter_mut()
                .find(|period| period.id == secret_id)
                .ok_or(Error::Unauthorized("the client secret has ended"))?;
            match period.token_issued_at {
                Some(at) if now < at.plus(ACCESS_TOKEN_LIFETIME) => Ok(at),
                _ => {
                    period.token_issued_at = Some(now);
                    Ok(now)
                }
            }
        })
        .await
        .map(|(issued_at, _)| issued_at)
    }

    /// Who holds `token`.
    ///
    /// # Errors
    /// `Unauthorized` where it is not a token that holds now.
    pub fn authenticate(&self, token: &str) -> Result<Caller, Error> {
        const REFUSED: Error = Error::Unauthorized("the access token is missing, wrong or expired");
        let now = self.environment.now();
        if let Some((run, attempt)) = token::read_run_token(token, &self.vault) {
            return Ok(Caller::RunToken { run, attempt });
        }
        let remembered = {
            let tokens = self.tokens.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            tokens.get(token).cloned()
        };
        let (caller, secret, expires) = match remembered {
            Some(remembered) => remembered,
            None => {
                let claims = token::read(token, &self.vault, now).ok_or(REFUSED)?;
                let scope = self.scope_of(&claims.sub).ok_or(REFUSED)?;
                let caller = match scope {
                    Scope::Full => Caller::Machine { credential: claims.sub },
                    Scope::Report => Caller::ReportCredential { credential: claims.sub },
                    Scope::Sign => return Err(REFUSED),
                };
                self.remember(token, (caller.clone(), claims.jti.clone(), claims.exp));
                (caller, claims.jti, claims.exp)
            }
        };
        let credential = match &caller {
            Caller::Machine { credential } | Caller::ReportCredential { credential } => credential,
            Caller::RunToken { .. } => return Err(REFUSED),
        };
        let holds = now.as_seconds() < expires && self.secret_counts(credential, &secret, now);
        if holds { Ok(caller) } else { Err(REFUSED) }
    }

    fn remember(&self, token: &str, entry: (Caller, String, i64)) {
        let mut tokens = self.tokens.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if tokens.len() >= TOKEN_CACHE_LIMIT {
            tokens.clear();
        }
        tokens.insert(token.to_owned(), entry);
    }

    fn scope_of(&self, client: &str) -> Option<Scope> {
        let known = self.known();
        known
            .credentials
            .iter()
            .find(|found| found.stored.id == client)
            .map(|found| found.stored.scope)
    }

    fn secret_counts(&self, client: &str, secret: &str, now: Timestamp) -> bool {
        self.known().credentials.iter().any(|found| {
            found.stored.id == client
                && found.stored.enabled
                && found
                    .stored
                    .secrets
                    .iter()
                    .any(|period| period.id == secret && period.counts_at(now))
        })
    }

    /// The secret that signs now; none while no enabled credential may sign.
    #[must_use]
    pub fn signing_secret(&self) -> Option<SigningSecret> {
        let now = self.environment.now();
        let known = self.known();
        let secret = signer(&known)?.signing_secret(now)?;
        Some(SigningSecret { id: secret.id.clone(), value: secret.value.clone() })
    }

    /// The token with which the pipeline of one attempt reports.
    #[must_use]
    pub fn run_token(&self, run: &RunId, attempt: u32) -> Secret<String> {
        Secret::new(token::run_token(run, attempt, &self.vault))
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
        let secret = KnownSecret { id: random_text(&*self.environment, 12), value };
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
        self.store.save_document(DocumentKind::Credential, document).await?;
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
        if enabled == Some(false) && self.is_signer(id) {
            return Err(signer_conflict("disabled"));
        }
        let now = self.environment.now();
        let ((), app) = self
            .change(id, |credential| {
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
        if !self.known().credentials.iter().any(|found| found.stored.id == id) {
            return Err(Error::not_found("credential", id));
        }
        if self.is_signer(id) {
            return Err(signer_conflict("deleted"));
        }
        self.store.remove_document(DocumentKind::Credential, id).await?;
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
        let fresh =
            KnownSecret { id: random_text(&*self.environment, 12), value: value.clone() };
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

    /// Names the credential that signs; the organisation's settings keep the choice.
    ///
    /// # Errors
    /// `Invalid` where it is unknown, off, or may not sign.
    pub fn name_signer(&self, id: Option<&str>) -> Result<(), Error> {
        self.check_signer(id)?;
        self.known_mut(|known| known.signer = id.map(str::to_owned));
        Ok(())
    }

    /// Whether `id` could be named as signer.
    ///
    /// # Errors
    /// `Invalid` where it is unknown, off, or may not sign.
    pub fn check_signer(&self, id: Option<&str>) -> Result<(), Error> {
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

    async fn change<T>(
        &self,
        id: &str,
        alter: impl FnOnce(&mut Credential) -> Result<T, Error>,
    ) -> Result<(T, App), Error> {
        let _writing = self.writing.lock().await;
        let found = self.known().credentials.iter().find(|found| found.stored.id == id).cloned();
        let mut credential = found.ok_or_else(|| Error::not_found("credential", id))?;
        let altered = alter(&mut credential)?;
        credential.version += 1;
        let document = credential.document(&self.vault, &*self.environment);
        self.store.save_document(DocumentKind::Credential, document).await?;
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

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn known_mut(&self, alter: impl FnOnce(&mut Known)) {
        alter(&mut self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

fn matching_secret(credential: &Credential, given: &str, now: Timestamp) -> Option<String> {
    let mut found = None;
    for period in credential.stored.secrets.iter().filter(|period| period.counts_at(now)) {
        let known = credential.secrets.iter().find(|secret| secret.id == period.id)?;
        if bool::from(known.value.expose().as_bytes().ct_eq(given.as_bytes())) {
            found = Some(period.id.clone());
        }
    }
    found
}

fn signer(known: &Known) -> Option<&Credential> {
    let named = known.signer.as_ref().and_then(|id| {
        known.credentials.iter().find(|found| &found.stored.id == id && may_sign(found))
    });
    named.or_else(|| known.credentials.iter().find(|found| may_sign(found)))
}

fn may_sign(credential: &Credential) -> bool {
    credential.stored.enabled && credential.stored.scope != Scope::Report
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
        Err(Error::invalid("name", format!("expected 1 to {NAME_CHARS_LIMIT} characters")))
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
