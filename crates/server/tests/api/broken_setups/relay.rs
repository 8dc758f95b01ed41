//! What stands between: a relay that changes a request's head, or that speaks TLS to its callers.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::SOON;

/// A relay to a receiver.
pub(super) struct Relay {
    pub(super) address: SocketAddr,
    _tasks: JoinSet<()>,
}

type Change = Arc<dyn Fn(String) -> String + Send + Sync>;

/// Writes every header called `name` twice.
pub(super) fn doubling(name: &'static str) -> Change {
    Arc::new(move |head: String| {
        let doubled = head.split_inclusive("\r\n").flat_map(|line| {
            let same = line
                .split_once(':')
                .is_some_and(|(given, _)| given.eq_ignore_ascii_case(name));
            std::iter::repeat_n(line, if same { 2 } else { 1 })
        });
        doubled.collect()
    })
}

/// Issues certificates.
pub(super) struct Authority {
    pub(super) pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
pub(super) struct Certificate {
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    pub(super) fn issue(&self, name: &str, expired: bool) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if expired {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Certificate {
            der: certificate.der().clone(),
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }
}

impl Relay {
    pub(super) async fn start(to: SocketAddr, change: Change) -> Self {
        Self::serve(move |caller| relay(caller, to, Arc::clone(&change))).await
    }

    /// One that speaks TLS, and asks for a certificate of `callers` where given.
    pub(super) async fn over_tls(
        to: SocketAddr,
        own: &Certificate,
        callers: Option<&Authority>,
    ) -> Self {
        let acceptor = acceptor(own, callers);
        Self::serve(move |caller| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(Ok(stream)) = timeout(SOON, acceptor.accept(caller)).await {
                    relay(stream, to, Arc::new(|head| head)).await;
                }
            }
        })
        .await
    }

    async fn serve<F, R>(handle: F) -> Self
    where
        F: Fn(TcpStream) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut callers = JoinSet::new();
            while let Ok((caller, _)) = listener.accept().await {
                callers.spawn(handle(caller));
            }
        });
        Self {
            address,
            _tasks: tasks,
        }
    }
}

/// Changes the head of the first request; the connection is used for no second one.
async fn relay<S: AsyncRead + AsyncWrite + Unpin>(mut caller: S, to: SocketAddr, change: Change) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match caller.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = change(String::from_utf8_lossy(&head).into_owned());
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let Ok(mut receiver) = TcpStream::connect(to).await else {
        return;
    };
    if receiver.write_all(head.as_bytes()).await.is_ok() {
        let _ended = copy_bidirectional(&mut caller, &mut receiver).await;
    }
}

fn acceptor(own: &Certificate, callers: Option<&Authority>) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match callers {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let config = builder.with_single_cert(vec![own.der.clone()], own.key.clone_key());
    TlsAcceptor::from(Arc::new(config.unwrap()))
}
