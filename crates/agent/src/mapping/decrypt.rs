//! Opens encrypted inputs: AES-256-GCM under the client secret (contract §7).

use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Key, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longshore_domain::secret::Secret;
use serde_json::Value;

use crate::config::Secrets;

/// The key is the beginning of the client secret.
const KEY_BYTES: usize = 32;
/// Sixteen, not the usual twelve.
const NONCE_BYTES: usize = 16;
const TAG_BYTES: usize = 16;

/// Why a field cannot be opened. Shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecryptable {
    /// Not a text.
    #[error("the field is not a text")]
    Type,
    /// Not base64 of nonce, ciphertext and tag.
    #[error("the field is not an encrypted value")]
    Form,
    /// Encrypted under another secret, or changed.
    #[error(
        "the field opens neither with the client secret nor with the previous one: the \
         organization signs with another credential"
    )]
    Key,
}

/// What `text` holds, opened with the first of `secrets` that fits.
///
/// # Errors
/// Why it cannot be opened.
pub fn decrypt<'a>(
    text: &str,
    secrets: impl Iterator<Item = &'a str>,
) -> Result<Secret<String>, Undecryptable> {
    let bytes = STANDARD.decode(text).map_err(|_| Undecryptable::Form)?;
    if bytes.len() < NONCE_BYTES + TAG_BYTES {
        return Err(Undecryptable::Form);
    }
    let (nonce, sealed) = bytes.split_at(NONCE_BYTES);
    let nonce: Nonce<U16> = nonce.try_into().map_err(|_| Undecryptable::Form)?;
    for secret in secrets {
        let Some(key) = secret.as_bytes().first_chunk::<KEY_BYTES>() else {
            continue;
        };
        let cipher = AesGcm::<Aes256, U16>::new(&Key::<AesGcm<Aes256, U16>>::from(*key));
        if let Ok(opened) = cipher.decrypt(&nonce, sealed) {
            let opened = String::from_utf8(opened).map_err(|_| Undecryptable::Form)?;
            return Ok(Secret::new(opened));
        }
    }
    Err(Undecryptable::Key)
}

/// Opens the field at the dotted `path` of `message` in its place; none where nothing is there.
pub(super) fn field(
    message: &mut Value,
    path: &str,
    secrets: &Secrets,
) -> Result<Option<Secret<String>>, Undecryptable> {
    let mut place = message;
    for step in path.split('.') {
        let next = match place {
            Value::Object(members) => members.get_mut(step),
            Value::Array(items) => step.parse().ok().and_then(|at: usize| items.get_mut(at)),
            _ => None,
        };
        let Some(next) = next else {
            return Ok(None);
        };
        place = next;
    }
    let opened = match place {
        Value::Null => return Ok(None),
        Value::String(text) => decrypt(text, secrets.all())?,
        _ => return Err(Undecryptable::Type),
    };
    *place = Value::String(opened.expose().clone());
    Ok(Some(opened))
}
