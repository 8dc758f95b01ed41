//! Certificates of connections, read once for each version of a connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_backends::client::{TlsFault, TlsIdentity, TlsParts};
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::time::Timestamp;

use crate::Engine;
use crate::connections::KnownConnection;
use crate::routing::Route;

/// How many connections' certificates are remembered.
const IDENTITIES_LIMIT: usize = 1_000;

/// Certificates by connection, each with the instant of the version that it was read from.
#[derive(Default)]
pub(crate) struct TlsIdentities {
    known: Mutex<HashMap<String, (Timestamp, Arc<TlsIdentity>)>>,
}

impl Engine {
    /// The certificates of a route's connection; none where it has none of its own.
    pub(crate) fn tls_of(&self, route: &Route) -> Result<Option<Arc<TlsIdentity>>, Diagnosis> {
        match &route.connection {
            Some(connection) => self.tls_for(connection),
            None => Ok(None),
        }
    }

    /// The certificates of a connection; none where it has none of its own.
    pub(crate) fn tls_for(
        &self,
        connection: &KnownConnection,
    ) -> Result<Option<Arc<TlsIdentity>>, Diagnosis> {
        let settings = &connection.settings;
        if settings.ca_certificate.is_none() && settings.client_certificate.is_none() {
            return Ok(None);
        }
        let mut known = self
            .tls
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((version, identity)) = known.get(connection.id.as_str())
            && *version == connection.updated_at
        {
            return Ok(Some(Arc::clone(identity)));
        }
        let identity = self.check_tls(connection).map_err(|fault| Diagnosis {
            reason: Reason::TlsConfiguration,
            message: format!("the certificates of connection {}: {fault}", settings.name),
            fix: "Correct caCertificate, clientCertificate and clientKey of the connection.".into(),
        })?;
        if known.len() >= IDENTITIES_LIMIT {
            known.clear();
        }
        let entry = (connection.updated_at, Arc::clone(&identity));
        known.insert(connection.id.as_str().to_owned(), entry);
        Ok(Some(identity))
    }

    /// Reads a connection's certificates.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check_tls(&self, connection: &KnownConnection) -> Result<Arc<TlsIdentity>, TlsFault> {
        let bytes = |text: &'_ Option<String>| text.as_ref().map(|text| text.clone().into_bytes());
        let authorities = bytes(&connection.settings.ca_certificate);
        let certificate = bytes(&connection.settings.client_certificate);
        let key = connection
            .client_key
            .as_ref()
            .map(|key| key.expose().as_bytes());
        let parts = TlsParts::from_pem(authorities.as_deref(), certificate.as_deref(), key)?;
        self.client.tls_identity(&parts)
    }
}
