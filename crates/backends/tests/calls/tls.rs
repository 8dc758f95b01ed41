//! TLS: whom the client trusts, and how it shows itself.

use std::sync::Arc;

use longshore_backends::client::{
    CallProfile, Client, ClientConfig, NotSentCause, Reply, TlsFault, TlsParts,
};
use longshore_domain::outcome::Repeat;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::support::{OK, Peer, answered, config, not_sent, post, profile};

pub(crate) struct Authority {
    pub(crate) pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

pub(crate) struct Certificate {
    pem: String,
    key_pem: String,
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

pub(crate) fn authority(name: &str) -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    Authority {
        pem: certificate.pem(),
        der: certificate.der().clone(),
        issuer: Issuer::new(params, key),
    }
}

impl Authority {
    pub(crate) fn issue(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Certificate {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }
}

/// A receiver with `own`, which asks callers for a certificate of `callers` where given.
pub(crate) async fn receiver(own: &Certificate, callers: Option<&Authority>) -> Peer {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match callers {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder
        .with_single_cert(vec![own.der.clone()], own.key.clone_key())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Peer::start(move |line| {
        let acceptor = acceptor.clone();
        async move {
            let (tcp, line) = line.over(());
            if let Ok(stream) = acceptor.accept(tcp).await {
                let (_, mut line) = line.over(stream);
                while line.exchange(OK).await {}
            }
        }
    })
    .await
}

pub(crate) fn trusting(authority: &Authority) -> Client {
    let ca_bundle = Some(authority.pem.clone().into_bytes());
    Client::new(ClientConfig {
        ca_bundle,
        ..config()
    })
    .unwrap()
}

pub(crate) fn url(peer: &Peer) -> String {
    format!("https://receiver.test:{}/", peer.address.port())
}

#[tokio::test]
async fn a_certificate_counts_when_a_trusted_authority_issued_it_for_this_name_and_time() {
    let ours = authority("ours");
    let theirs = authority("theirs");
    let expired = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
    };
    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(4000, 1, 1);
    let table = [
        (ours.issue("receiver.test", |_| {}), None),
        (
            theirs.issue("receiver.test", |_| {}),
            Some(NotSentCause::TlsUntrusted),
        ),
        (
            ours.issue("other.test", |_| {}),
            Some(NotSentCause::TlsName),
        ),
        (
            ours.issue("receiver.test", expired),
            Some(NotSentCause::TlsExpired),
        ),
        (
            ours.issue("receiver.test", early),
            Some(NotSentCause::TlsExpired),
        ),
    ];
    let client = trusting(&ours);
    for (index, (certificate, cause)) in table.iter().enumerate() {
        let peer = receiver(certificate, None).await;
        let exchange = client
            .send(post(&url(&peer), "x"), &profile(Repeat::Harm))
            .await;
        match cause {
            None => assert_eq!(answered(exchange).status, 200),
            Some(cause) => {
                let failure = not_sent(exchange);
                assert_eq!(failure.cause, *cause, "row {index}: {failure:?}");
                assert!(peer.heard().is_empty());
            }
        }
    }
}

#[tokio::test]
async fn without_any_authority_no_receiver_is_trusted() {
    let peer = receiver(&authority("ours").issue("receiver.test", |_| {}), None).await;
    let client = Client::new(config()).unwrap();
    let exchange = client
        .send(post(&url(&peer), "x"), &profile(Repeat::Harm))
        .await;
    assert_eq!(not_sent(exchange).cause, NotSentCause::TlsUntrusted);
}

#[tokio::test]
async fn a_port_without_tls_is_a_failed_handshake() {
    let peer = Peer::start(|mut line| async move {
        line.say("SSH-2.0-OpenSSH_9.9\r\n").await;
    })
    .await;
    let client = trusting(&authority("ours"));
    let failure = not_sent(
        client
            .send(post(&url(&peer), "x"), &profile(Repeat::Harm))
            .await,
    );
    assert_eq!(failure.cause, NotSentCause::Tls, "{failure:?}");
    let peer = Peer::start(|line| async move { drop(line) }).await;
    let failure = not_sent(
        client
            .send(post(&url(&peer), "x"), &profile(Repeat::Harm))
            .await,
    );
    assert_eq!(failure.cause, NotSentCause::Closed, "{failure:?}");
}

#[tokio::test]
async fn a_client_certificate_opens_what_is_closed_without_it() {
    let ours = authority("ours");
    let callers = authority("callers");
    let peer = receiver(&ours.issue("receiver.test", |_| {}), Some(&callers)).await;
    let client = trusting(&ours);
    let call = post(&url(&peer), "x");
    let failure = not_sent(client.send(call.clone(), &profile(Repeat::Harm)).await);
    assert_eq!(
        failure.cause,
        NotSentCause::TlsClientCertificate,
        "{failure:?}"
    );

    for of_others in [authority("ours"), authority("callers")] {
        let refused = with_certificate(&client, &of_others.issue("caller", |_| {}));
        let failure = not_sent(client.send(call.clone(), &refused).await);
        assert_eq!(
            failure.cause,
            NotSentCause::TlsClientCertificate,
            "{failure:?}"
        );
    }

    let accepted = with_certificate(&client, &callers.issue("caller", |_| {}));
    for line in [3, 3] {
        assert_eq!(
            answered(client.send(call.clone(), &accepted).await).status,
            200
        );
        assert_eq!(peer.lines_used().last(), Some(&line));
    }
    // A connection made with one certificate never serves calls of another.
    let reply = client
        .send(call.clone(), &profile(Repeat::Allowed))
        .await
        .reply;
    assert!(matches!(reply, Reply::NotSent(_)), "{reply:?}");
}

fn with_certificate(client: &Client, certificate: &Certificate) -> CallProfile {
    let (pem, key) = (certificate.pem.as_bytes(), certificate.key_pem.as_bytes());
    let parts = TlsParts::from_pem(None, Some(pem), Some(key)).unwrap();
    CallProfile {
        tls: Some(client.tls_identity(&parts).unwrap()),
        ..profile(Repeat::Harm)
    }
}

#[tokio::test]
async fn a_connections_own_authority_takes_the_place_of_the_others() {
    let ours = authority("ours");
    let own = authority("own");
    let client = trusting(&ours);
    let parts = TlsParts::from_pem(Some(own.pem.as_bytes()), None, None).unwrap();
    let pinned = CallProfile {
        tls: Some(client.tls_identity(&parts).unwrap()),
        ..profile(Repeat::Harm)
    };
    let of_own = receiver(&own.issue("receiver.test", |_| {}), None).await;
    assert_eq!(
        answered(client.send(post(&url(&of_own), "x"), &pinned).await).status,
        200
    );
    let of_ours = receiver(&ours.issue("receiver.test", |_| {}), None).await;
    let failure = not_sent(client.send(post(&url(&of_ours), "x"), &pinned).await);
    assert_eq!(failure.cause, NotSentCause::TlsUntrusted);
}

#[test]
fn what_is_wrong_with_certificates_is_told_when_they_are_read() {
    let ours = authority("ours");
    let leaf = ours.issue("caller", |_| {});
    let other = ours.issue("other", |_| {});
    let (pem, key) = (leaf.pem.as_bytes(), leaf.key_pem.as_bytes());
    let read = |ca, certificate, key| TlsParts::from_pem(ca, certificate, key).map(|_| ());
    assert_eq!(read(None, Some(pem), None), Err(TlsFault::Unpaired));
    assert_eq!(read(None, None, Some(key)), Err(TlsFault::Unpaired));
    assert_eq!(
        read(Some(b"hello"), None, None),
        Err(TlsFault::NoCertificate("certificate authority"))
    );
    let huge = vec![b'x'; 2 * 1024 * 1024];
    assert!(matches!(
        read(Some(&huge), None, None),
        Err(TlsFault::TooLong(_))
    ));
    let broken = leaf.pem.replace("-----END", "!!!\n-----END");
    assert!(matches!(
        read(Some(broken.as_bytes()), None, None),
        Err(TlsFault::Pem { .. })
    ));
    let fault = read(None, Some(pem), Some(b"S3CR3T")).unwrap_err();
    assert!(!fault.to_string().contains("S3CR3T"));
    let client = Client::new(config()).unwrap();
    let parts = TlsParts::from_pem(None, Some(pem), Some(other.key_pem.as_bytes())).unwrap();
    let fault = client.tls_identity(&parts).unwrap_err();
    assert!(matches!(fault, TlsFault::ClientCertificate(_)), "{fault}");
    assert_eq!(
        format!("{parts:?}"),
        "TlsParts { authorities: 0, client: true }"
    );
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let bad_bundle = ClientConfig {
        ca_bundle: Some(garbage.into()),
        ..config()
    };
    let fault = Client::new(bad_bundle).err().unwrap();
    assert!(
        matches!(fault, TlsFault::Authority { index: 1, .. }),
        "{fault}"
    );
}
