//! The HMAC check of a whitelist item. It accepts more spellings than a sender should use.

use ::hmac::Hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::Thrown;
use super::request::{Values, header_text};
use crate::secret::Secret;
use crate::signature::{hex, mac};

/// Why a signature did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HmacFailure {
    /// The header is not there exactly once.
    Header {
        /// Its configured name.
        name: String,
        /// How many values it has.
        count: usize,
        /// All headers, as the plugin echoes them.
        headers: Secret,
    },
    /// The signature is another one.
    Mismatch {
        /// The header's configured name.
        name: String,
        /// The signature without its prefix.
        value: Secret,
        /// The configured algorithm.
        algorithm: String,
    },
    /// An exception that nothing catches: Jenkins' own error page.
    Thrown(Thrown),
}

impl HmacFailure {
    /// The plugin's reason, or the exception.
    pub fn reason(&self) -> Result<String, Thrown> {
        match self {
            Self::Header { name, headers, .. } => Ok(format!(
                "Was unable to find header with name \"{name}\" among {}",
                headers.expose()
            )),
            Self::Mismatch {
                name,
                value,
                algorithm,
            } => Ok(format!(
                "HMAC verification failed with \"{name}\" as \"{}\" and algorithm {algorithm}",
                value.expose()
            )),
            Self::Thrown(thrown) => Err(thrown.clone()),
        }
    }
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
    let values = values(headers, name);
    let [value] = values[..] else {
        return Err(HmacFailure::Header {
            name: name.to_owned(),
            count: values.len(),
            headers: Secret::new(header_text(headers)),
        });
    };
    let value = without_prefix(value);
    let digest = digest(algorithm, secret, content.as_bytes()).map_err(HmacFailure::Thrown)?;
    if spellings(&digest)
        .iter()
        .any(|spelling| spelling.eq_ignore_ascii_case(value))
    {
        return Ok(());
    }
    Err(HmacFailure::Mismatch {
        name: name.to_owned(),
        value: Secret::new(value),
        algorithm: algorithm.unwrap_or("null").to_owned(),
    })
}

/// The spellings of a digest that pass, in any case.
pub(crate) fn spellings(digest: &[u8]) -> [String; 3] {
    [
        hex(digest),
        STANDARD.encode(hex(digest).to_ascii_uppercase()),
        STANDARD.encode(digest),
    ]
}

/// All values of the header, whatever the case of its name.
pub(crate) fn values<'a>(headers: &'a Values, name: &str) -> Vec<&'a str> {
    headers
        .iter()
        .filter(|(given, _)| given.eq_ignore_ascii_case(name))
        .flat_map(|(_, values)| values)
        .map(String::as_str)
        .collect()
}

/// One prefix goes, whatever algorithm is configured.
fn without_prefix(value: &str) -> &str {
    ["md5=", "sha1=", "sha256="]
        .iter()
        .find_map(|prefix| value.strip_prefix(prefix))
        .or_else(|| value.strip_prefix("HMAC ").map(str::trim))
        .unwrap_or(value)
}

/// The digest under an algorithm of this JCE name.
pub(crate) fn digest(
    algorithm: Option<&str>,
    secret: &str,
    content: &[u8],
) -> Result<Vec<u8>, Thrown> {
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
    compute(secret.as_bytes(), content).ok_or_else(unknown)
}
