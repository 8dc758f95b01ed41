//! TLS: whom we trust, and the certificates with which we identify ourselves. Installs no
//! process-wide default.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::exchange::{NotSent, NotSentCause};
use super::pool::Pool;

/// The largest PEM text that is read.
pub const MAX_PEM_BYTES: usize = 1024 * 1024;

/// Why a PEM text or a certificate cannot be used. Shows none of its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// A text over [`MAX_PEM_BYTES`].
    #[error("{0}: the PEM text is longer than {MAX_PEM_BYTES} bytes")]
    TooLong(&'static str),
    /// Not PEM.
    #[error("{part}: not valid PEM ({detail})")]
    Pem {
        /// Which text.
        part: &'static str,
        /// What the reader says.
        detail: String,
    },
    /// PEM without what is needed.
    #[error("{0}: no certificate in the PEM text")]
    NoCertificate(&'static str),
    /// A certificate that cannot be a trust anchor.
    #[error("{part}: certificate {index} cannot be trusted as an authority ({detail})")]
    Authority {
        /// Which text.
        part: &'static str,
        /// Which certificate in it, from 1.
        index: usize,
        /// What the verifier says.
        detail: String,
    },
    /// A client certificate without key, or a key without certificate.
    #[error("a client certificate needs both its certificate and its key")]
    Unpaired,
    /// A key that does not belong to the certificate, or of a kind not known.
    #[error("client certificate: {0}")]
    ClientCertificate(String),
    /// The TLS library refused its own settings.
    #[error("TLS settings: {0}")]
    Settings(String),
}

/// A connection's own certificates, read from PEM and not yet joined to a client.
#[derive(Default)]
pub struct TlsParts {
    authorities: Vec<CertificateDer<'static>>,
    client: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl TlsParts {
    /// Reads a connection's certificates. With `authorities` only those are trusted for it,
    /// not the system's.
    ///
    /// # Errors
    /// Which text is wrong, and how.
    pub fn from_pem(
        authorities: Option<&[u8]>,
        client_certificate: Option<&[u8]>,
        client_key: Option<&[u8]>,
    ) -> Result<Self, TlsFault> {
        let authorities = match authorities {
            Some(pem) => certificates("certificate authority", pem)?,
            None => Vec::new(),
        };
        let client = match (client_certificate, client_key) {
            (Some(chain), Some(key)) => {
                let chain = certificates("client certificate", chain)?;
                Some((chain, private_key(key)?))
            }
            (None, None) => None,
            _ => return Err(TlsFault::Unpaired),
        };
        Ok(Self {
            authorities,
            client,
        })
    }
}

impl fmt::Debug for TlsParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsParts")
            .field("authorities", &self.authorities.len())
            .field("client", &self.client.is_some())
            .finish()
    }
}

/// A connection's TLS settings, made by [`super::Client::tls_identity`]. Keep and share it: it
/// owns the pooled connections that were made with it, and closes them when it is dropped.
pub struct TlsIdentity {
    pub(super) config: Arc<ClientConfig>,
    /// Who judges the receiver's certificate; `None` where nobody is trusted.
    pub(super) verifier: Option<Arc<WebPkiServerVerifier>>,
    pub(super) pool: Pool,
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsIdentity(..)")
    }
}

/// What every TLS configuration of one client starts from.
pub(super) struct TlsBase {
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
}

impl TlsBase {
    /// The system's authorities (if wanted) and those of `bundle`.
    pub(super) fn new(system_roots: bool, bundle: Option<&[u8]>) -> Result<Self, TlsFault> {
        let mut roots = RootCertStore::empty();
        if system_roots {
            let found = rustls_native_certs::load_native_certs();
            // Systems carry odd certificates; one that cannot be read is no reason not to start.
            let (added, ignored) = roots.add_parsable_certificates(found.certs);
            if added == 0 || ignored > 0 || !found.errors.is_empty() {
                let errors = found.errors.len();
                tracing::warn!(added, ignored, errors, "system certificate authorities");
            }
        }
        if let Some(pem) = bundle {
            let part = "certificate authority bundle";
            add_authorities(&mut roots, part, certificates(part, pem)?)?;
        }
        Ok(Self {
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            roots: Arc::new(roots),
        })
    }

    /// What a connection with `parts` is made with, speaking HTTP/1.1 only.
    pub(super) fn identity(&self, parts: &TlsParts, pool: Pool) -> Result<TlsIdentity, TlsFault> {
        let roots = if parts.authorities.is_empty() {
            Arc::clone(&self.roots)
        } else {
            let mut own = RootCertStore::empty();
            let authorities = parts.authorities.clone();
            add_authorities(&mut own, "certificate authority", authorities)?;
            Arc::new(own)
        };
        let settings = |error: rustls::Error| TlsFault::Settings(error.to_string());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(settings)?;
        let verifier = if roots.is_empty() {
            None
        } else {
            let made =
                WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&self.provider))
                    .build();
            Some(made.map_err(|error| TlsFault::Settings(error.to_string()))?)
        };
        let builder = match &verifier {
            // It refuses to be built without roots; plain HTTP must work without any.
            None => builder.with_root_certificates(RootCertStore::empty()),
            Some(verifier) => builder.with_webpki_verifier(Arc::clone(verifier)),
        };
        let mut config = match &parts.client {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| TlsFault::ClientCertificate(error.to_string()))?,
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsIdentity {
            config: Arc::new(config),
            verifier,
            pool,
        })
    }
}

fn add_authorities(
    roots: &mut RootCertStore,
    part: &'static str,
    authorities: Vec<CertificateDer<'static>>,
) -> Result<(), TlsFault> {
    for (index, authority) in authorities.into_iter().enumerate() {
        roots.add(authority).map_err(|error| TlsFault::Authority {
            part,
            index: index + 1,
            detail: error.to_string(),
        })?;
    }
    Ok(())
}

fn certificates(part: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    if pem.len() > MAX_PEM_BYTES {
        return Err(TlsFault::TooLong(part));
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| TlsFault::Pem {
        part,
        detail: error.to_string(),
    })?;
    if found.is_empty() {
        return Err(TlsFault::NoCertificate(part));
    }
    Ok(found)
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsFault> {
    let part = "client key";
    if pem.len() > MAX_PEM_BYTES {
        return Err(TlsFault::TooLong(part));
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| TlsFault::Pem {
        part,
        detail: "no unencrypted private key found".to_owned(),
    })
}

/// What a failed handshake means.
pub(super) fn handshake_failure(error: &io::Error) -> NotSent {
    let cause = match rustls_error(error) {
        Some(rustls::Error::InvalidCertificate(fault)) => match fault {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => NotSentCause::TlsExpired,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                NotSentCause::TlsName
            }
            _ => NotSentCause::TlsUntrusted,
        },
        Some(rustls::Error::AlertReceived(alert)) if about_client_certificate(*alert) => {
            NotSentCause::TlsClientCertificate
        }
        Some(_) => NotSentCause::Tls,
        None => NotSentCause::Closed,
    };
    NotSent::new(cause, error.to_string())
}

/// Whether a failure after the handshake was the receiver's refusal of our certificate.
///
/// In TLS 1.3 a client's handshake ends before the server has judged its certificate (RFC 8446
/// §4.4), so the refusal arrives while the request is under way; a server acts on no byte of
/// it before then.
pub(super) fn client_certificate_refused(error: &io::Error) -> bool {
    matches!(
        rustls_error(error),
        Some(rustls::Error::AlertReceived(alert)) if about_client_certificate(*alert)
    )
}

const fn about_client_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError
    )
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref::<rustls::Error>()
}
