//! Connections: stored, matched against rendered URLs, their secrets sealed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use longshore_domain::connection::{Connection, Place};
use longshore_domain::id::ConnectionId;
use longshore_domain::secret::Secret;
use longshore_domain::time::Timestamp;
use longshore_store::{Document, DocumentKind, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::Engine;
use crate::caller::Caller;
use crate::environment::Environment;
use crate::error::Error;
use crate::identity::SHORTEST_SECRET_BYTES;
use crate::vault::Vault;

const CONNECTIONS_LIMIT: usize = 10_000;
const SECRET_BYTES_LIMIT: usize = 64 * 1024;
/// The keys of a connection that are written and never read.
const SECRET_KEYS: [&str; 2] = ["signingSecret", "clientKey"];

/// A connection with its secrets, opened.
#[derive(Clone, Debug)]
pub struct KnownConnection {
    /// Its id.
    pub id: ConnectionId,
    /// How the server is called.
    pub settings: Connection,
    /// The signing secret of its own.
    pub signing_secret: Option<Secret<String>>,
    /// The private key (PEM) of its client certificate.
    pub client_key: Option<Secret<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    place: Place,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    settings: Connection,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Default, Serialize, Deserialize)]
struct Sealed {
    signing_secret: Option<String>,
    client_key: Option<String>,
}

impl KnownConnection {
    /// Whether calls to `place` are this connection's.
    pub(crate) fn covers(&self, place: &Place) -> bool {
        self.place.covers(place)
    }

    /// As the API shows it: whether there are secrets, never which.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut shown = Map::new();
        shown.insert("id".into(), self.id.as_str().into());
        if let Ok(Value::Object(settings)) = serde_json::to_value(&self.settings) {
            shown.extend(settings);
        }
        shown.insert(
            "hasSigningSecret".into(),
            self.signing_secret.is_some().into(),
        );
        shown.insert("hasClientKey".into(), self.client_key.is_some().into());
        shown.insert("createdAt".into(), self.created_at.to_string().into());
        shown.insert("updatedAt".into(), self.updated_at.to_string().into());
        Value::Object(shown)
    }
}

/// The organisation's connections.
pub struct Connections {
    store: Arc<dyn Store>,
    environment: Arc<dyn Environment>,
    vault: Arc<Vault>,
    known: RwLock<Vec<Arc<KnownConnection>>>,
    writing: Mutex<()>,
    generation: AtomicU64,
}

impl Connections {
    /// Reads what is stored.
    ///
    /// # Errors
    /// Where storage cannot be read, or a secret does not open.
    pub async fn load(
        store: Arc<dyn Store>,
        environment: Arc<dyn Environment>,
        vault: Arc<Vault>,
    ) -> Result<Self, Error> {
        let mut known = Vec::new();
        for document in store.documents(DocumentKind::Connection).await? {
            known.push(Arc::new(open(&document, &vault)?));
        }
        Ok(Self {
            store,
            environment,
            vault,
            known: RwLock::new(known),
            writing: Mutex::new(()),
            generation: AtomicU64::new(0),
        })
    }

    /// All connections, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<KnownConnection>> {
        self.known().clone()
    }

    /// Grows with every change.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// One connection.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn find(&self, id: &str) -> Result<Arc<KnownConnection>, Error> {
        self.of_destination(id)
            .ok_or_else(|| Error::not_found("connection", id))
    }

    /// The connection that a destination is named after; most are named after their origin.
    pub(crate) fn of_destination(&self, name: &str) -> Option<Arc<KnownConnection>> {
        ConnectionId::parse(name)?;
        let known = self.known();
        known
            .iter()
            .find(|known| known.id.as_str() == name)
            .cloned()
    }

    /// The connection whose place covers `place`; the longest path counts.
    #[must_use]
    pub fn matching(&self, place: &Place) -> Option<Arc<KnownConnection>> {
        self.known()
            .iter()
            .filter(|known| known.place.covers(place))
            .max_by_key(|known| known.place.depth())
            .cloned()
    }

    async fn create(
        &self,
        body: &Value,
        usable: impl FnOnce(&KnownConnection) -> Result<(), Error>,
    ) -> Result<Arc<KnownConnection>, Error> {
        let _writing = self.writing.lock().await;
        if self.known().len() >= CONNECTIONS_LIMIT {
            return Err(Error::Conflict(format!(
                "at most {CONNECTIONS_LIMIT} are kept"
            )));
        }
        let now = self.environment.now();
        let (settings, secrets) = read(body, None)?;
        let next = KnownConnection {
            id: ConnectionId::mint(now, self.environment.random_u64()),
            place: place_of(&settings)?,
            settings,
            signing_secret: secrets.signing_secret.map(Secret::new),
            client_key: secrets.client_key.map(Secret::new),
            created_at: now,
            updated_at: now,
            version: 1,
        };
        usable(&next)?;
        self.write(next).await
    }

    /// A secret that is absent stays, `null` removes it.
    async fn replace(
        &self,
        id: &str,
        body: &Value,
        usable: impl FnOnce(&KnownConnection) -> Result<(), Error>,
    ) -> Result<Arc<KnownConnection>, Error> {
        let _writing = self.writing.lock().await;
        let before = self.find(id)?;
        let (settings, secrets) = read(body, Some(&before))?;
        let next = KnownConnection {
            id: before.id.clone(),
            place: place_of(&settings)?,
            settings,
            signing_secret: secrets.signing_secret.map(Secret::new),
            client_key: secrets.client_key.map(Secret::new),
            created_at: before.created_at,
            updated_at: self.environment.now(),
            version: before.version + 1,
        };
        usable(&next)?;
        self.write(next).await
    }

    /// Removes a connection; its deliveries go on with the defaults.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        let _writing = self.writing.lock().await;
        self.find(id)?;
        self.store
            .remove_document(DocumentKind::Connection, id)
            .await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|known| known.id.as_str() != id);
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    async fn write(&self, next: KnownConnection) -> Result<Arc<KnownConnection>, Error> {
        for other in self.known().iter().filter(|other| other.id != next.id) {
            if other.settings.name == next.settings.name {
                return Err(Error::Conflict(format!(
                    "a connection called {:?} exists already",
                    next.settings.name
                )));
            }
            if other.place == next.place {
                return Err(Error::Conflict(format!(
                    "connection {:?} has this url already",
                    other.settings.name
                )));
            }
        }
        self.store
            .save_document(DocumentKind::Connection, self.document(&next))
            .await?;
        let next = Arc::new(next);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match known.iter_mut().find(|known| known.id == next.id) {
            Some(slot) => *slot = Arc::clone(&next),
            None => known.push(Arc::clone(&next)),
        }
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(next)
    }

    fn document(&self, next: &KnownConnection) -> Document {
        let expose =
            |secret: &Option<Secret<String>>| secret.as_ref().map(|secret| secret.expose().clone());
        let sealed = Sealed {
            signing_secret: expose(&next.signing_secret),
            client_key: expose(&next.client_key),
        };
        let plain = Secret::new(serde_json::to_vec(&sealed).unwrap_or_default());
        let stored = Stored {
            settings: next.settings.clone(),
            created_at: next.created_at,
            updated_at: next.updated_at,
        };
        Document {
            key: next.id.as_str().to_owned(),
            body: serde_json::to_string(&stored).unwrap_or_default(),
            sealed: Some(self.vault.seal(
                &*self.environment,
                &place_in_vault(next.id.as_str()),
                plain.expose(),
            )),
            version: next.version,
        }
    }

    fn known(&self) -> std::sync::RwLockReadGuard<'_, Vec<Arc<KnownConnection>>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Adds a connection, its certificates read first.
    ///
    /// # Errors
    /// Where the caller may not, a rule is broken, or name or URL is taken.
    pub async fn create_connection(
        &self,
        caller: &Caller,
        body: &Value,
    ) -> Result<Arc<KnownConnection>, Error> {
        caller.admin()?;
        self.connections
            .create(body, |next| self.usable(next))
            .await
    }

    /// Replaces a connection, its certificates read first.
    ///
    /// # Errors
    /// Where the caller may not, there is no such connection, a rule is broken, or name or URL is
    /// taken.
    pub async fn replace_connection(
        &self,
        caller: &Caller,
        id: &str,
        body: &Value,
    ) -> Result<Arc<KnownConnection>, Error> {
        caller.admin()?;
        self.connections
            .replace(id, body, |next| self.usable(next))
            .await
    }

    fn usable(&self, next: &KnownConnection) -> Result<(), Error> {
        let checked = self.check_tls(next).map(|_| ());
        checked.map_err(|fault| Error::invalid("clientCertificate", fault.to_string()))
    }
}

fn open(document: &Document, vault: &Vault) -> Result<KnownConnection, Error> {
    let corrupt =
        |problem: String| Error::Corrupt(format!("connection {}: {problem}", document.key));
    let stored: Stored =
        serde_json::from_str(&document.body).map_err(|error| corrupt(error.to_string()))?;
    let sealed = document.sealed.as_deref().unwrap_or_default();
    let opened = vault
        .open(&place_in_vault(&document.key), sealed)
        .map_err(|error| corrupt(error.to_string()))?;
    let secrets: Sealed = serde_json::from_slice(opened.expose())
        .map_err(|_| corrupt("its secrets are unreadable".into()))?;
    Ok(KnownConnection {
        id: ConnectionId::parse(&document.key).ok_or_else(|| corrupt("bad id".into()))?,
        place: place_of(&stored.settings)?,
        settings: stored.settings,
        signing_secret: secrets.signing_secret.map(Secret::new),
        client_key: secrets.client_key.map(Secret::new),
        created_at: stored.created_at,
        updated_at: stored.updated_at,
        version: document.version,
    })
}

/// Splits a request into what may be shown and what may not.
fn read(body: &Value, before: Option<&KnownConnection>) -> Result<(Connection, Sealed), Error> {
    let Value::Object(given) = body else {
        return Err(Error::invalid("", "expected an object"));
    };
    let mut settings = given.clone();
    let mut secret = |key: &str, before: Option<&Secret<String>>| match settings.remove(key) {
        None => Ok(before.map(|secret| secret.expose().clone())),
        Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= SECRET_BYTES_LIMIT => Ok(Some(text)),
        Some(_) => Err(Error::invalid(
            key,
            format!("expected a text of at most {SECRET_BYTES_LIMIT} bytes, or null"),
        )),
    };
    let [signing, client] = SECRET_KEYS;
    let sealed = Sealed {
        signing_secret: secret(
            signing,
            before.and_then(|known| known.signing_secret.as_ref()),
        )?,
        client_key: secret(client, before.and_then(|known| known.client_key.as_ref()))?,
    };
    if sealed
        .signing_secret
        .as_ref()
        .is_some_and(|text| text.len() < SHORTEST_SECRET_BYTES)
    {
        return Err(Error::invalid(
            signing,
            format!("expected at least {SHORTEST_SECRET_BYTES} bytes"),
        ));
    }
    let settings = Connection::parse(&Value::Object(settings)).map_err(Error::Invalid)?;
    if settings.client_certificate.is_some() != sealed.client_key.is_some() {
        return Err(Error::invalid(
            "clientCertificate",
            "expected clientCertificate and clientKey together",
        ));
    }
    Ok((settings, sealed))
}

fn place_of(settings: &Connection) -> Result<Place, Error> {
    Place::parse(&settings.url).map_err(|error| Error::invalid("url", error.to_string()))
}

fn place_in_vault(id: &str) -> String {
    format!("connection:{id}")
}
