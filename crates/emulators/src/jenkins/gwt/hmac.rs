//! The HMAC check of a whitelist item. It accepts more spellings than a sender should use.

use ::hmac::Hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::Thrown;
use super::request::{Values, header_text};
use crate::signature::{hex, mac};

/// Why a signature did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HmacFailure {
    /// Refused, with the plugin's reason.
    Refused(String),
    /// An exception that nothing catches: Jenkins' own error page.
    Thrown(Thrown),
}

/// Checks the signature of `content` in the header called `header`.
pub fn verify(
    headers: &Values,
    content: &str,
    header: Option<&str>,
    secret: &str,
    algorithm: Option<&str>,
) -> Result<(), HmacFailure> {
    let name = header.unwrap_or("null");
    let value = single_value(headers, name).ok_or_else(|| {
        HmacFailure::Refused(format!(
            "Was unable to find header with name \"{name}\" among {}",
            header_text(headers)
        ))
    })?;
    let value = without_prefix(value);
    let digest = digest(algorithm, secret, content).map_err(HmacFailure::Thrown)?;
    let spellings = [
        hex(&digest),
        STANDARD.encode(hex(&digest).to_ascii_uppercase()),
        STANDARD.encode(&digest),
    ];
    if spellings
        .iter()
        .any(|spelling| spelling.eq_ignore_ascii_case(value))
    {
        return Ok(());
    }
    let algorithm = algorithm.unwrap_or("null");
    Err(HmacFailure::Refused(format!(
        "HMAC verification failed with \"{name}\" as \"{value}\" and algorithm {algorithm}"
    )))
}

fn single_value<'a>(headers: &'a Values, name: &str) -> Option<&'a str> {
    let mut values = headers
        .iter()
        .filter(|(given, _)| given.eq_ignore_ascii_case(name))
        .flat_map(|(_, values)| values);
    let first = values.next()?;
    values.next().is_none().then_some(first.as_str())
}

/// One prefix goes, whatever algorithm is configured.
fn without_prefix(value: &str) -> &str {
    ["md5=", "sha1=", "sha256="]
        .iter()
        .find_map(|prefix| value.strip_prefix(prefix))
        .or_else(|| value.strip_prefix("HMAC ").map(str::trim))
        .unwrap_or(value)
}

fn digest(algorithm: Option<&str>, secret: &str, content: &str) -> Result<Vec<u8>, Thrown> {
    let algorithm = algorithm.ok_or_else(|| {
        Thrown::new(
            "java.lang.NullPointerException",
            "null algorithm name",
            "javax.crypto.Mac:170",
        )
    })?;
    let unknown = || {
        Thrown::new(
            "java.lang.RuntimeException",
            format!("java.security.NoSuchAlgorithmException: Algorithm {algorithm} not available"),
            "org.jenkinsci.plugins.gwt.whitelist.HMACVerifier:78",
        )
    };
    let compute = match algorithm.to_ascii_lowercase().as_str() {
        "hmacmd5" => mac::<Hmac<Md5>>,
        "hmacsha1" => mac::<Hmac<Sha1>>,
        "hmacsha224" => mac::<Hmac<Sha224>>,
        "hmacsha256" => mac::<Hmac<Sha256>>,
        "hmacsha384" => mac::<Hmac<Sha384>>,
        "hmacsha512" => mac::<Hmac<Sha512>>,
        _ => return Err(unknown()),
    };
    if secret.is_empty() {
        return Err(Thrown::new(
            "java.lang.IllegalArgumentException",
            "Empty key",
            "javax.crypto.spec.SecretKeySpec:97",
        ));
    }
    compute(secret.as_bytes(), content.as_bytes()).ok_or_else(unknown)
}
