//! What a value looks like that a browser encrypted for an RSA key: base64 of the nonce, the wrapped
//! AES key, and ciphertext with tag. Whether it opens only the holder of the private key can tell.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::wire::TAG_BYTES;

/// The longest key that is read; of the largest size it takes less than 4 KiB.
pub const MAX_KEY_PEM_BYTES: usize = 16 * 1024;
/// The sizes of RSA keys that values may be encrypted for; shorter ones hide nothing any more.
pub const MIN_RSA_BITS: usize = 2048;
/// The largest of them.
pub const MAX_RSA_BITS: usize = 16 * 1024;
const NONCE_BYTES: usize = 12;
const LABEL: &str = "PUBLIC KEY";

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Not one PEM block of this kind.
    #[error(
        "has a key that is no PEM of a public key: expected one block that begins with \
         -----BEGIN PUBLIC KEY-----"
    )]
    Pem,
    /// Longer than any key is.
    #[error("has a key of {0} bytes; allowed are {MAX_KEY_PEM_BYTES}")]
    TooLong(usize),
    /// Its block holds no RSA key.
    #[error("has a key that is no RSA key in the form SubjectPublicKeyInfo")]
    NotRsa,
    /// Too short or too long to be used.
    #[error("has an RSA key of {0} bits; expected {MIN_RSA_BITS} to {MAX_RSA_BITS}")]
    Size(usize),
}

/// The layout of values that are encrypted for one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    wrapped_key_bytes: usize,
}

impl Layout {
    /// The layout for the public key that `pem` holds.
    ///
    /// # Errors
    /// Why it is no such key.
    pub fn of_key(pem: &str) -> Result<Self, KeyFault> {
        if pem.len() > MAX_KEY_PEM_BYTES {
            return Err(KeyFault::TooLong(pem.len()));
        }
        let (rest, block) = parse_x509_pem(pem.as_bytes()).map_err(|_| KeyFault::Pem)?;
        if block.label != LABEL || !rest.trim_ascii().is_empty() {
            return Err(KeyFault::Pem);
        }
        let (rest, key) =
            SubjectPublicKeyInfo::from_der(&block.contents).map_err(|_| KeyFault::NotRsa)?;
        match key.parsed() {
            Ok(PublicKey::RSA(rsa)) if rest.is_empty() => Self::of_modulus(rsa.modulus),
            _ => Err(KeyFault::NotRsa),
        }
    }

    /// What RSA wraps is as long as the modulus.
    fn of_modulus(modulus: &[u8]) -> Result<Self, KeyFault> {
        let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
        let digits = &modulus[zeros..];
        let idle_bits = digits.first().map_or(0, |first| first.leading_zeros());
        let bits = digits.len() * 8 - idle_bits as usize;
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(KeyFault::Size(bits));
        }
        Ok(Self {
            wrapped_key_bytes: digits.len(),
        })
    }

    /// Whether `value` may have been encrypted for the key; no plain text of a person is.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        let least = NONCE_BYTES + self.wrapped_key_bytes + TAG_BYTES;
        STANDARD
            .decode(value)
            .is_ok_and(|bytes| bytes.len() >= least)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "base64 of an IV of {NONCE_BYTES} bytes, the AES key wrapped by RSA-OAEP in {} bytes, and \
             the ciphertext with its tag of {TAG_BYTES} bytes",
            self.wrapped_key_bytes
        )
    }
}
