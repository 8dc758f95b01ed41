//! The `port-v1` signature, from its published description:
//! `v1,` + base64(HMAC-SHA256(secret, timestamp + "." + body)).

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::secret::Secret;

const TIMESTAMP: &str = "x-port-timestamp";
const SIGNATURE: &str = "x-port-signature";

/// What a signature was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureVerdict {
    /// It holds, and its timestamp is within the tolerance.
    Valid,
    /// No secret is configured.
    NotChecked,
    /// This header is absent, or there more than once.
    NotOnce(&'static str),
    /// This header's value has not the form that it must have.
    Malformed(&'static str),
    /// It holds, but was made too long ago, or is dated in the future.
    Stale {
        /// How many seconds the timestamp lies before now.
        age_s: i64,
    },
    /// It was made with another secret, timestamp or body.
    Mismatch,
}

impl SignatureVerdict {
    /// Whether a receiver lets the request in.
    pub fn passes(self) -> bool {
        matches!(self, Self::Valid | Self::NotChecked)
    }
}

impl fmt::Display for SignatureVerdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid => formatter.write_str("signature valid"),
            Self::NotChecked => formatter.write_str("signature not checked"),
            Self::NotOnce(name) => write!(formatter, "expected header {name} exactly once"),
            Self::Malformed(name) => write!(formatter, "header {name} is malformed"),
            Self::Stale { age_s } => write!(formatter, "timestamp is {age_s} s old"),
            Self::Mismatch => formatter.write_str("signature does not match"),
        }
    }
}

/// Checks a request's signature; `window` is now (since the Unix epoch) and how far the timestamp
/// may be from it, either way.
pub fn verify(
    secret: &Secret,
    headers: &HeaderMap,
    body: &[u8],
    window: Option<(Duration, Duration)>,
) -> SignatureVerdict {
    let timestamp = match single(headers, TIMESTAMP) {
        Ok(value) => value,
        Err(verdict) => return verdict,
    };
    let signature = match single(headers, SIGNATURE) {
        Ok(value) => value,
        Err(verdict) => return verdict,
    };
    let digits = !timestamp.is_empty() && timestamp.iter().all(u8::is_ascii_digit);
    let Some(signed_at_s) = digits
        .then(|| std::str::from_utf8(timestamp).ok()?.parse::<i64>().ok())
        .flatten()
    else {
        return SignatureVerdict::Malformed(TIMESTAMP);
    };
    let Some(given) = signature
        .strip_prefix(b"v1,")
        .and_then(|encoded| STANDARD.decode(encoded).ok())
    else {
        return SignatureVerdict::Malformed(SIGNATURE);
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        return SignatureVerdict::Mismatch;
    };
    mac.update(timestamp);
    mac.update(b".");
    mac.update(body);
    if !bool::from(mac.finalize().into_bytes().ct_eq(given.as_slice())) {
        return SignatureVerdict::Mismatch;
    }
    let Some((now, tolerance)) = window else {
        return SignatureVerdict::Valid;
    };
    let now_s = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let age_s = now_s.saturating_sub(signed_at_s);
    if age_s.unsigned_abs() > tolerance.as_secs() {
        return SignatureVerdict::Stale { age_s };
    }
    SignatureVerdict::Valid
}

fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a [u8], SignatureVerdict> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        _ => Err(SignatureVerdict::NotOnce(name)),
    }
}
