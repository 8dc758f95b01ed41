//! Why a signature does not hold: with which algorithm, body, key or spelling it would.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::super::gwt::hmac::{HmacFailure, digest, spellings};
use super::super::gwt::request::GwtRequest;
use super::ItemVerdict;
use crate::secret::Secret;
use crate::signature::hex;

/// Longest body that is signed in other ways than the configured.
const TRIED_BODY_BYTES: usize = 1 << 20;
/// Most headers that are told of.
const ALIKE_LIMIT: usize = 8;

const ALGORITHMS: [&str; 6] = [
    "HmacSHA1",
    "HmacSHA256",
    "HmacMD5",
    "HmacSHA512",
    "HmacSHA384",
    "HmacSHA224",
];

/// What a signature was made with, where it is not what the item expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureHint {
    /// JCE name of its algorithm.
    pub algorithm: &'static str,
    /// The body that was signed.
    pub body: Body,
    /// The key.
    pub key: Key,
    /// How the digest is written.
    pub spelling: Spelling,
}

/// A form of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// What the plugin signs.
    PostContent,
    /// The bytes of the body, where the plugin makes JSON of a form or replaces bytes.
    Raw,
    /// With a line end more at its end.
    LineEndMore,
    /// Without the line end at its end.
    LineEndLess,
    /// Nothing at all.
    Empty,
}

/// A form of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The credential.
    Credential,
    /// The credential without white space around.
    Trimmed,
    /// The credential with a line end behind.
    WithLineEnd,
}

/// How a digest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// As the plugin reads it.
    Accepted,
    /// With a prefix that the plugin does not take off.
    Prefixed,
    /// As Base64 of the lower-case digits.
    LowerCaseInBase64,
    /// As Base64 without padding.
    Unpadded,
}

pub(super) fn verdict(
    failure: &HmacFailure,
    secret: Option<&Secret>,
    request: &GwtRequest,
    body: &[u8],
) -> ItemVerdict {
    match failure {
        HmacFailure::Thrown(thrown) => ItemVerdict::Threw(thrown.job_message()),
        HmacFailure::Header { name, count, .. } => {
            let alike = request
                .headers
                .keys()
                .filter(|header| header.contains("signature") && !header.eq_ignore_ascii_case(name))
                .take(ALIKE_LIMIT);
            ItemVerdict::Header(*count, alike.cloned().collect())
        }
        HmacFailure::Mismatch { value, .. } => {
            let secret = secret.map_or("", Secret::expose);
            ItemVerdict::Signature(would_hold(value.expose(), secret, request, body))
        }
    }
}

/// The first way, the likeliest before, in which the signature holds.
fn would_hold(
    value: &str,
    secret: &str,
    request: &GwtRequest,
    body: &[u8],
) -> Option<SignatureHint> {
    let content = request.post_content.as_bytes();
    let may_try = content.len().max(body.len()) <= TRIED_BODY_BYTES;
    let longer = [body, b"\n"].concat();
    let mut bodies = vec![(Body::PostContent, content)];
    if may_try {
        bodies.push((Body::LineEndMore, &longer));
        bodies.extend(
            body.strip_suffix(b"\n")
                .map(|less| (Body::LineEndLess, less)),
        );
        bodies.push((Body::Empty, b""));
        if body != content {
            bodies.push((Body::Raw, body));
        }
    }
    let with_line_end = format!("{secret}\n");
    let mut keys = vec![
        (Key::Credential, secret),
        (Key::WithLineEnd, &with_line_end),
    ];
    if secret.trim() != secret {
        keys.push((Key::Trimmed, secret.trim()));
    }
    for (key, secret) in keys {
        for (body, bytes) in &bodies {
            for algorithm in ALGORITHMS {
                let Ok(digest) = digest(Some(algorithm), secret, bytes) else {
                    continue;
                };
                if let Some(spelling) = spelling(value, &digest) {
                    return Some(SignatureHint {
                        algorithm,
                        body: *body,
                        key,
                        spelling,
                    });
                }
            }
        }
    }
    None
}

fn spelling(value: &str, digest: &[u8]) -> Option<Spelling> {
    let accepted = spellings(digest);
    let is = |text: &str| {
        accepted
            .iter()
            .any(|known| known.eq_ignore_ascii_case(text))
    };
    if is(value) {
        return Some(Spelling::Accepted);
    }
    let behind_prefix = value
        .split_once(['=', ' ', ':'])
        .map(|(_, rest)| rest.trim());
    if behind_prefix.is_some_and(is) || is(value.trim()) {
        return Some(Spelling::Prefixed);
    }
    if value == STANDARD.encode(hex(digest)) {
        return Some(Spelling::LowerCaseInBase64);
    }
    (value == STANDARD_NO_PAD.encode(digest)).then_some(Spelling::Unpadded)
}
