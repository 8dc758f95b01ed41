//! Message authentication codes and their spellings, for checking what a sender signed.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The MAC of `message` under `key`; `None` only where the algorithm refuses the key.
pub(crate) fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().to_vec())
}

pub(crate) fn hmac_sha1(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    mac::<Hmac<Sha1>>(key, message)
}

/// Lower-case hex digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}
