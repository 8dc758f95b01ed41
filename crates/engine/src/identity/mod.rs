//! Who there is: credentials, their tokens, and the one that signs.
//!
//! Everything is kept in memory and written through, so that asking for a token before every
//! call, as agents do, costs a look-up.

mod apps;
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
use crate::environment::Environment;
use crate::error::Error;
use crate::vault::Vault;
use credential::Credential;

pub use apps::{App, SHORTEST_SECRET_BYTES};
pub use token::ACCESS_TOKEN_LIFETIME;

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
            known: RwLock::new(Known {
                credentials,
                signer,
            }),
            tokens: RwLock::default(),
            writing: Mutex::new(()),
        })
    }

    /// Whether the organisation has no credentials yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known().credentials.is_empty()
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
            let credential = known
                .credentials
                .iter()
                .find(|found| found.stored.id == client);
            credential.and_then(|credential| {
                let id = matching_secret(credential, secret, now)?;
                let usable = credential.stored.enabled && credential.stored.scope != Scope::Sign;
                let period = credential
                    .stored
                    .secrets
                    .iter()
                    .find(|found| found.id == id)?;
                usable.then_some((id, period.token_issued_at))
            })
        };
        let Some((secret_id, issued_at)) = found else {
            return Err(REFUSED);
        };
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
            let tokens = self
                .tokens
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            tokens.get(token).cloned()
        };
        let (caller, secret, expires) = match remembered {
            Some(remembered) => remembered,
            None => {
                let claims = token::read(token, &self.vault, now).ok_or(REFUSED)?;
                let scope = self.scope_of(&claims.sub).ok_or(REFUSED)?;
                let caller = match scope {
                    Scope::Full => Caller::Machine {
                        credential: claims.sub,
                    },
                    Scope::Report => Caller::ReportCredential {
                        credential: claims.sub,
                    },
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
        let mut tokens = self
            .tokens
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
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
        Some(SigningSecret {
            id: secret.id.clone(),
            value: secret.value.clone(),
        })
    }

    /// Every secret of the credential that signs: one of them has signed what was sent lately.
    #[must_use]
    pub fn signer_secrets(&self) -> Vec<Secret<String>> {
        let known = self.known();
        let secrets = signer(&known).into_iter().flat_map(|it| &it.secrets);
        secrets.map(|secret| secret.value.clone()).collect()
    }

    /// The token with which the pipeline of one attempt reports.
    #[must_use]
    pub fn run_token(&self, run: &RunId, attempt: u32) -> Secret<String> {
        Secret::new(token::run_token(run, attempt, &self.vault))
    }

    /// Whether a text of `bytes` bytes has room for a token of `run`, without making one.
    pub(crate) fn may_hold_run_token(bytes: usize, run: &RunId) -> bool {
        bytes >= token::run_token_bytes(run)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn known_mut(&self, alter: impl FnOnce(&mut Known)) {
        alter(
            &mut self
                .known
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
    }
}

fn matching_secret(credential: &Credential, given: &str, now: Timestamp) -> Option<String> {
    let mut found = None;
    for period in credential
        .stored
        .secrets
        .iter()
        .filter(|period| period.counts_at(now))
    {
        let known = credential
            .secrets
            .iter()
            .find(|secret| secret.id == period.id)?;
        if bool::from(known.value.expose().as_bytes().ct_eq(given.as_bytes())) {
            found = Some(period.id.clone());
        }
    }
    found
}

fn signer(known: &Known) -> Option<&Credential> {
    let named = known.signer.as_ref().and_then(|id| {
        known
            .credentials
            .iter()
            .find(|found| &found.stored.id == id && may_sign(found))
    });
    named.or_else(|| known.credentials.iter().find(|found| may_sign(found)))
}

fn may_sign(credential: &Credential) -> bool {
    credential.stored.enabled && credential.stored.scope != Scope::Report
}
