//! The value on the wire of an input that the server encrypts: base64 of nonce, ciphertext and tag of
//! AES-256-GCM under the beginning of a secret. Takes the nonce that it is given.

use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Key, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::secret::Secret;

/// The key is the beginning of the secret.
pub const KEY_BYTES: usize = 32;
/// Sixteen, not the usual twelve.
pub const NONCE_BYTES: usize = 16;
pub(super) const TAG_BYTES: usize = 16;

type Cipher = AesGcm<Aes256, U16>;

/// A secret of which no key can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret of at least {KEY_BYTES} bytes is needed: its beginning is the key")]
pub struct SecretTooShort;

/// Why a value cannot be opened. Shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// Not base64 of nonce, ciphertext and tag, or of no text.
    #[error("it is not an encrypted value")]
    Form,
    /// Encrypted under another secret, or changed.
    #[error("it opens with none of the secrets")]
    Key,
}

/// The value of `plain` for whoever has `secret`. No two values of one secret may share a `nonce`,
/// unless they are of the same text.
///
/// # Errors
/// Where no key can be made of the secret.
#[expect(
    clippy::expect_used,
    reason = "AES-GCM encrypts anything shorter than 64 GiB"
)]
pub fn encrypt(
    plain: &str,
    secret: &str,
    nonce: [u8; NONCE_BYTES],
) -> Result<String, SecretTooShort> {
    let cipher = cipher(secret).ok_or(SecretTooShort)?;
    let sealed = cipher
        .encrypt(&Nonce::<U16>::from(nonce), plain.as_bytes())
        .expect("bodies are far shorter than 64 GiB");
    Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
}

/// What the value `wire` holds, opened with the first of `secrets` that fits.
///
/// # Errors
/// Why it cannot be opened.
pub fn decrypt<'a>(
    wire: &str,
    secrets: impl IntoIterator<Item = &'a str>,
) -> Result<Secret<String>, Unopened> {
    let bytes = STANDARD.decode(wire).map_err(|_| Unopened::Form)?;
    let (nonce, sealed) = bytes
        .split_first_chunk::<NONCE_BYTES>()
        .filter(|(_, sealed)| sealed.len() >= TAG_BYTES)
        .ok_or(Unopened::Form)?;
    let nonce = Nonce::<U16>::from(*nonce);
    for secret in secrets {
        let opened = cipher(secret).and_then(|cipher| cipher.decrypt(&nonce, sealed).ok());
        if let Some(opened) = opened {
            let text = String::from_utf8(opened).map_err(|_| Unopened::Form)?;
            return Ok(Secret::new(text));
        }
    }
    Err(Unopened::Key)
}

fn cipher(secret: &str) -> Option<Cipher> {
    let key = secret.as_bytes().first_chunk::<KEY_BYTES>()?;
    Some(Cipher::new(&Key::<Cipher>::from(*key)))
}
