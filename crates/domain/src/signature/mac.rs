//! HMAC over parts of a message, as bytes.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The block size of SHA-1 and SHA-256: RFC 2104 hashes longer keys and pads shorter ones.
const BLOCK_BYTES: usize = 64;

fn block_key<D: Digest>(secret: &[u8]) -> Zeroizing<[u8; BLOCK_BYTES]> {
    let mut block = Zeroizing::new([0; BLOCK_BYTES]);
    if secret.len() > BLOCK_BYTES {
        let hash = D::digest(secret);
        block[..hash.len()].copy_from_slice(&hash);
    } else {
        block[..secret.len()].copy_from_slice(secret);
    }
    block
}

pub(super) fn sha1(secret: &[u8], message: &[u8]) -> [u8; 20] {
    let key = block_key::<Sha1>(secret);
    let mut mac = Hmac::<Sha1>::new((&*key).into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

pub(super) fn sha256(secret: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let key = block_key::<Sha256>(secret);
    let mut mac = Hmac::<Sha256>::new((&*key).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// `bytes` in lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0xF)]));
    }
    text
}

/// The bytes that `text` writes in hex of either case.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}
