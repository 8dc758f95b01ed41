//! The signature of an incoming webhook: HMAC-SHA1 over the exact body, 40 hex digits; and of what
//! does not hold, what it probably is.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use http::HeaderMap;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::secret::Secret;
use crate::signature::{hex, hmac_sha1, mac};

use super::IncomingWebhook;

/// The longest body for which a wrong signature is explained: each guess reads all of it.
const GUESSED_BODY_BYTES: usize = 1 << 20;
/// How many other connections' secrets are tried.
const GUESSED_SECRETS: usize = 16;
/// How many other headers are looked at for the signature.
const GUESSED_HEADERS: usize = 64;

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

/// What was found of a call's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureFinding {
    /// It was not looked at, since the call was refused before.
    NotReached,
    /// The connection has no secret.
    NotAsked,
    /// It holds.
    Holds {
        /// The configured header.
        header: String,
        /// How it was written, for example `40 hex digits behind sha1=`.
        form: String,
    },
    /// The configured header is absent.
    Missing {
        /// The configured header.
        header: String,
        /// Another header that holds a good signature.
        instead: Option<String>,
    },
    /// The configured header stands there more than once.
    Repeated {
        /// The configured header.
        header: String,
        /// How often.
        count: usize,
    },
    /// It does not hold.
    Wrong {
        /// The configured header.
        header: String,
        /// How it is written, for example `64 hex digits, as of SHA-256`.
        form: String,
        /// What would have to differ for it to hold.
        guess: Option<SignatureGuess>,
    },
}

impl SignatureFinding {
    /// Why the call is refused for it, if it is.
    pub fn fault(&self) -> Option<SignatureFault> {
        match self {
            Self::NotReached | Self::NotAsked | Self::Holds { .. } => None,
            Self::Missing { .. } => Some(SignatureFault::Missing),
            Self::Repeated { .. } | Self::Wrong { .. } => Some(SignatureFault::Wrong),
        }
    }
}

/// How a signature that does not hold was probably made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureGuess {
    /// Algorithm and writing.
    pub digest: &'static str,
    /// What was signed in the place of the body, if something else was.
    pub message: Option<&'static str>,
    /// What was taken for the secret, if something else was.
    pub secret: Option<String>,
}

impl fmt::Display for SignatureGuess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.digest)?;
        if let Some(message) = self.message {
            write!(formatter, " over {message}")?;
        }
        if let Some(secret) = &self.secret {
            write!(formatter, " with {secret}")?;
        }
        Ok(())
    }
}

/// Checks the signature of `body` in the header called `name`: hex digits in either case, an
/// optional `sha1=` before them.
///
/// # Errors
/// Where it does not hold.
pub fn verify(
    secret: &Secret,
    name: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), SignatureFault> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(SignatureFault::Missing)?;
    match values.next().is_none() && holds(secret, value.as_bytes(), body) {
        true => Ok(()),
        false => Err(SignatureFault::Wrong),
    }
}

/// Checks the signature of a call of `webhook`, and explains it; `others` are all connections.
pub(super) fn examine(
    webhook: &IncomingWebhook,
    others: &[IncomingWebhook],
    headers: &HeaderMap,
    body: &[u8],
) -> SignatureFinding {
    let Some(secret) = &webhook.secret else {
        return SignatureFinding::NotAsked;
    };
    let header = webhook.header.clone();
    let fault = verify(secret, &header, headers, body);
    let count = headers.get_all(&header).iter().count();
    let value = headers.get(&header).map(|value| value.as_bytes());
    match (fault, value) {
        (Ok(()), value) => SignatureFinding::Holds {
            header,
            form: form(value.unwrap_or_default()),
        },
        (Err(_), None) => SignatureFinding::Missing {
            instead: headers
                .iter()
                .take(GUESSED_HEADERS)
                .find(|(_, value)| {
                    body.len() <= GUESSED_BODY_BYTES && holds(secret, value.as_bytes(), body)
                })
                .map(|(name, _)| name.to_string()),
            header,
        },
        (Err(_), Some(_)) if count > 1 => SignatureFinding::Repeated { header, count },
        (Err(_), Some(value)) => SignatureFinding::Wrong {
            header,
            form: form(value),
            guess: guess(secret, webhook, others, value, body),
        },
    }
}

fn holds(secret: &Secret, value: &[u8], body: &[u8]) -> bool {
    let given = value.to_ascii_lowercase();
    let given = given.strip_prefix(b"sha1=").unwrap_or(&given);
    // Whatever has another length is no signature, and costs none.
    given.len() == 40
        && hmac_sha1(secret.expose().as_bytes(), body)
            .is_some_and(|expected| hex(&expected).as_bytes().ct_eq(given).into())
}

/// How a value is written; never the value.
fn form(value: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(value) else {
        return "no text".to_owned();
    };
    if text.is_empty() {
        return "nothing".to_owned();
    }
    if text.starts_with("v1,") {
        return "`v1,` and a digest, the form of Port's own signatures".to_owned();
    }
    let (prefix, digits) = match text.split_once('=') {
        Some((prefix, digits)) if prefix.to_ascii_lowercase().starts_with("sha") => {
            (prefix, digits)
        }
        _ => ("", text),
    };
    let behind = match prefix.to_ascii_lowercase().as_str() {
        "" => "",
        "sha1" => " behind sha1=",
        "sha256" => " behind sha256=",
        _ => " behind the name of another algorithm",
    };
    let count = digits.chars().count();
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let of = match count {
            64 => ", as of SHA-256",
            _ => "",
        };
        return format!("{count} hex digits{behind}{of}");
    }
    match STANDARD.decode(digits).map(|bytes| bytes.len()) {
        Ok(20) => format!("Base64{behind}, as of SHA-1"),
        Ok(32) => format!("Base64{behind}, as of SHA-256"),
        _ => format!("{count} characters{behind}, not hex digits alone"),
    }
}

/// Tries what senders usually get wrong: one thing beside algorithm and writing.
fn guess(
    secret: &Secret,
    webhook: &IncomingWebhook,
    others: &[IncomingWebhook],
    value: &[u8],
    body: &[u8],
) -> Option<SignatureGuess> {
    if body.len() > GUESSED_BODY_BYTES {
        return None;
    }
    let value = std::str::from_utf8(value).ok()?;
    let found = |digest, message, secret| SignatureGuess {
        digest,
        message,
        secret,
    };
    let key = secret.expose().as_bytes();
    if let Some(digest) = digest_of(key, body, value) {
        return Some(found(digest, None, None));
    }
    for (message, bytes) in messages(body) {
        if let Some(digest) = digest_of(key, &bytes, value) {
            return Some(found(digest, Some(message), None));
        }
    }
    let ended = format!("{}\n", secret.expose());
    if let Some(digest) = digest_of(ended.as_bytes(), body, value) {
        let with = "the secret and a line end behind it".to_owned();
        return Some(found(digest, None, Some(with)));
    }
    others
        .iter()
        .filter(|other| other.name != webhook.name)
        .take(GUESSED_SECRETS)
        .find_map(|other| {
            let key = other.secret.as_ref()?.expose().as_bytes();
            let digest = digest_of(key, body, value)?;
            let with = format!("the secret of the connection {:?}", other.connection);
            Some(found(digest, None, Some(with)))
        })
}

/// What a sender may have signed in the place of the body.
fn messages(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut messages = vec![(
        "the body and a line end behind it, which was not sent",
        [body, b"\n"].concat(),
    )];
    if let Some(shorter) = body.strip_suffix(b"\n") {
        let shorter = shorter.strip_suffix(b"\r").unwrap_or(shorter);
        messages.push(("the body without the line end at its end", shorter.to_vec()));
    }
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) {
        for (what, text) in [
            ("the body written without spaces", Some(value.to_string())),
            (
                "the body written with indents",
                serde_json::to_string_pretty(&value).ok(),
            ),
        ] {
            let text = text.map(String::into_bytes);
            messages.extend(text.filter(|text| text != body).map(|text| (what, text)));
        }
    }
    messages
}

/// The algorithm and writing with which `value` would be the signature.
fn digest_of(key: &[u8], message: &[u8], value: &str) -> Option<&'static str> {
    let lower = value.to_ascii_lowercase();
    let bare = |prefix: &str| {
        let cut = lower.starts_with(prefix).then(|| value.get(prefix.len()..));
        cut.flatten().unwrap_or(value)
    };
    let sha1 = hmac_sha1(key, message)?;
    let sha256 = mac::<Hmac<Sha256>>(key, message)?;
    let candidates = [
        (
            "HMAC-SHA1 in hex",
            hex(&sha1),
            bare("sha1=").to_ascii_lowercase(),
        ),
        (
            "HMAC-SHA1 in Base64",
            STANDARD.encode(&sha1),
            bare("sha1=").to_owned(),
        ),
        (
            "HMAC-SHA256 in hex",
            hex(&sha256),
            bare("sha256=").to_ascii_lowercase(),
        ),
        (
            "HMAC-SHA256 in Base64",
            STANDARD.encode(&sha256),
            bare("sha256=").to_owned(),
        ),
    ];
    candidates
        .into_iter()
        .find(|(_, expected, given)| expected.as_bytes().ct_eq(given.as_bytes()).into())
        .map(|(digest, ..)| digest)
}
