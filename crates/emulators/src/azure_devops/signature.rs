//! The signature of an incoming webhook: HMAC-SHA1 over the exact body, 40 hex digits.

use http::HeaderMap;
use subtle::ConstantTimeEq;

use crate::secret::Secret;
use crate::signature::{hex, hmac_sha1};

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// The configured header is absent.
    #[error("RequiredHeaderSignatureNotFound")]
    Missing,
    /// The header stands there more than once, or does not hold the body's signature.
    #[error("the signature does not match the body")]
    Wrong,
}

/// Checks the signature of `body` in the header called `name`: hex digits in either case, an
/// optional `sha1=` before them.
pub fn verify(
    secret: &Secret,
    name: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), SignatureFault> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(SignatureFault::Missing)?;
    if values.next().is_some() {
        return Err(SignatureFault::Wrong);
    }
    let given = value
        .to_str()
        .map_err(|_| SignatureFault::Wrong)?
        .to_ascii_lowercase();
    let given = given.strip_prefix("sha1=").unwrap_or(&given);
    let expected = hmac_sha1(secret.expose().as_bytes(), body).ok_or(SignatureFault::Wrong)?;
    if bool::from(hex(&expected).as_bytes().ct_eq(given.as_bytes())) {
        Ok(())
    } else {
        Err(SignatureFault::Wrong)
    }
}
