//! The `port-v1` signature for the programs that Longshore is compared with; code of their own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key, ready to sign.
#[derive(Clone)]
pub(crate) struct Signer(Hmac<Sha256>);

impl Signer {
    pub(crate) fn new(secret: &str) -> anyhow::Result<Self> {
        Ok(Self(Hmac::new_from_slice(secret.as_bytes())?))
    }

    /// The value of `X-Port-Signature`.
    pub(crate) fn sign(&self, unix_seconds: u64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(unix_seconds.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        let mut value = "v1,".to_owned();
        STANDARD.encode_string(mac.finalize().into_bytes(), &mut value);
        value
    }
}
