//! The broker's certificate, its authority, and one that it does not come from.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

pub(super) fn authority(home: &Path) -> PathBuf {
    home.join("authority.pem")
}

pub(super) fn other_authority(home: &Path) -> PathBuf {
    home.join("other-authority.pem")
}

/// Certificate and key in one file, as Kafka reads them.
pub(super) fn keystore(home: &Path) -> PathBuf {
    home.join("broker.pem")
}

pub(super) fn write(home: &Path) {
    let (issuer, pem) = signer("The broker's authority");
    std::fs::write(authority(home), pem).unwrap();
    let (_, pem) = signer("Another authority");
    std::fs::write(other_authority(home), pem).unwrap();
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let pem = key.serialize_pem() + &certificate.pem();
    std::fs::write(keystore(home), pem).unwrap();
}

fn signer(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}
