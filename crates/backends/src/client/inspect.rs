//! The way to a receiver step by step, as facts: what a call passes through before its first byte.
//!
//! Connects, and sends nothing beyond a TLS handshake.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::time::{Instant, timeout_at};

use super::connect::{Failure, encrypt, no_host, timed_out};
use super::exchange::NotSent;
use super::rules::AddressClass;
use super::tls::TlsIdentity;
use super::{CallProfile, Client, MAX_TOTAL_TIMEOUT, Reply};
use crate::target::{Scheme, Target};

/// The most certificates of a chain that are kept.
const MAX_CHAIN: usize = 10;

/// What stands between us and a receiver.
#[derive(Debug)]
pub struct Inspection {
    /// `host:port` of the egress proxy that calls go through.
    pub proxy: Option<String>,
    /// The addresses of the name; none through a proxy, which resolves it itself.
    pub addresses: Result<Vec<Judged>, NotSent>,
    /// How long it took to connect; else what a call would have come to.
    pub connected: Result<Duration, Reply>,
    /// The TLS handshake; `None` for plain HTTP, or where nothing was connected.
    pub handshake: Option<Handshake>,
}

/// An address, and whether it may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The address.
    pub address: IpAddr,
    /// Why it may not be called.
    pub forbidden: Option<AddressClass>,
}

/// A TLS handshake as far as it went.
#[derive(Debug)]
pub struct Handshake {
    /// The receiver's certificates (DER), its own first; empty where it sent none or we trust nobody.
    pub chain: Vec<CertificateDer<'static>>,
    /// Whether the receiver asked for a client certificate.
    pub asked_for_certificate: bool,
    /// Whether we have one to show.
    pub has_certificate: bool,
    /// The version, such as `TLSv1.3`; else why there is none.
    pub version: Result<String, NotSent>,
}

impl Client {
    /// Goes the way that a call to `target` would go, without the call.
    pub async fn inspect(&self, target: &Target, profile: &CallProfile) -> Inspection {
        let limit = profile.connect_timeout.min(MAX_TOTAL_TIMEOUT);
        let connector = &self.inner.connector;
        let proxy = connector.proxies.proxy_for(target);
        let deadline = Instant::now() + limit;
        let addresses = match (proxy, target.host()) {
            (Some(_), _) => Ok(Vec::new()),
            (None, None) => Err(no_host()),
            (None, Some(host)) => timeout_at(deadline, connector.addresses(&host, target.port()))
                .await
                .unwrap_or_else(|_| Err(timed_out(limit))),
        };
        let judged = |address: IpAddr| Judged {
            address,
            forbidden: connector.rules.check(address).err().map(|it| it.class),
        };
        let mut seen = Inspection {
            proxy: proxy.map(|proxy| format!("{}:{}", proxy.host, proxy.port)),
            addresses: addresses
                .map(|found| found.iter().map(|it| judged(it.ip())).collect::<Vec<_>>()),
            connected: Ok(Duration::ZERO),
            handshake: None,
        };
        let started = Instant::now();
        let deadline = started + limit;
        let tcp = match timeout_at(deadline, connector.tcp(target, deadline)).await {
            Ok(Ok(tcp)) => tcp,
            Ok(Err(failure)) => {
                seen.connected = Err(reply(failure));
                return seen;
            }
            Err(_) => {
                seen.connected = Err(Reply::NotSent(timed_out(limit)));
                return seen;
            }
        };
        seen.connected = Ok(started.elapsed());
        if target.scheme() == Scheme::Https {
            let identity = profile
                .tls
                .as_deref()
                .unwrap_or(&self.inner.default_identity);
            seen.handshake = Some(handshake(tcp, target, identity, limit).await);
        }
        seen
    }
}

fn reply(failure: Failure) -> Reply {
    match failure {
        Failure::Forbidden(fault) => Reply::Forbidden(fault),
        Failure::NotSent(failure) => Reply::NotSent(failure),
    }
}

async fn handshake(
    tcp: tokio::net::TcpStream,
    target: &Target,
    identity: &TlsIdentity,
    limit: Duration,
) -> Handshake {
    let witness = Arc::new(Witness::default());
    let mut config = ClientConfig::clone(&identity.config);
    if let Some(verifier) = &identity.verifier {
        let watched = WatchedVerifier {
            inner: Arc::clone(verifier) as Arc<dyn ServerCertVerifier>,
            witness: Arc::clone(&witness),
        };
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(watched));
    }
    let resolver = Arc::clone(&config.client_auth_cert_resolver);
    let has_certificate = resolver.has_certs();
    config.client_auth_cert_resolver = Arc::new(WatchedResolver {
        inner: resolver,
        witness: Arc::clone(&witness),
    });
    let config = Arc::new(config);
    let deadline = Instant::now() + limit;
    let version = match timeout_at(deadline, encrypt(tcp, target, &config)).await {
        Err(_) => Err(timed_out(limit)),
        Ok(Err(Failure::NotSent(failure))) => Err(failure),
        // What forbids an address was asked before.
        Ok(Err(Failure::Forbidden(_))) => Err(no_host()),
        Ok(Ok(stream)) => {
            let version = stream.get_ref().1.protocol_version();
            Ok(version
                .and_then(|version| version.as_str())
                .unwrap_or("TLS")
                .to_owned())
        }
    };
    let seen = witness.seen.lock().unwrap_or_else(PoisonError::into_inner);
    Handshake {
        chain: seen.chain.clone(),
        asked_for_certificate: seen.asked_for_certificate,
        has_certificate,
        version,
    }
}

#[derive(Debug, Default)]
struct Witness {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    chain: Vec<CertificateDer<'static>>,
    asked_for_certificate: bool,
}

/// Notes the chain, and lets the real verifier judge it: an expired chain shall be shown too.
#[derive(Debug)]
struct WatchedVerifier {
    inner: Arc<dyn ServerCertVerifier>,
    witness: Arc<Witness>,
}

impl ServerCertVerifier for WatchedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity)
            .chain(intermediates)
            .take(MAX_CHAIN)
            .map(|certificate| certificate.clone().into_owned())
            .collect();
        let mut seen = self
            .witness
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        seen.chain = chain;
        drop(seen);
        self.inner
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Notes that a certificate was asked for, and shows the one that there is.
#[derive(Debug)]
struct WatchedResolver {
    inner: Arc<dyn ResolvesClientCert>,
    witness: Arc<Witness>,
}

impl ResolvesClientCert for WatchedResolver {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let mut seen = self
            .witness
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        seen.asked_for_certificate = true;
        drop(seen);
        self.inner.resolve(root_hint_subjects, schemes)
    }

    fn has_certs(&self) -> bool {
        self.inner.has_certs()
    }
}
