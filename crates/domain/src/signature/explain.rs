//! Why a signature does not hold, in words a person can act on.
//!
//! A digest tells only yes or no, so this signs what people usually end up with (another preset,
//! a rewritten body, a secret with a line break) and says which of it fits.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use super::finding::Finding;
use super::preset::{V1_PREFIX, v1_digest};
use super::rewriting::rewritings;
use super::{Mismatch, Preset, TIMESTAMP_HEADER, mac, verify};
use crate::json;

/// A call as its receiver saw it, and what it is checked with.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The form that the receiver expects.
    pub preset: Preset,
    /// The shared secret.
    pub secret: &'a [u8],
    /// Every header received, repeated ones as often as they came.
    pub headers: &'a [(String, String)],
    /// The header that carries the signature.
    pub signature_header: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// The receiver's clock, in Unix seconds.
    pub now_seconds: i64,
    /// How old or how far ahead a timestamp may be.
    pub tolerance: Duration,
}

/// The result of [`explain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// The signature holds.
    Valid,
    /// It does not, for these reasons together.
    Invalid(Vec<Finding>),
}

/// Checks a signature and, where it does not hold, finds out why.
#[must_use]
pub fn explain(evidence: &Evidence<'_>) -> Explanation {
    let mut findings = Vec::new();
    let signature = single(evidence, evidence.signature_header, &mut findings);
    let timestamp = match evidence.preset.binds_timestamp() {
        true => single(evidence, TIMESTAMP_HEADER, &mut findings),
        false => values(evidence, TIMESTAMP_HEADER).next(),
    };
    let Some(signature) = signature else {
        return Explanation::Invalid(findings);
    };
    if findings.is_empty() {
        let Evidence {
            preset,
            secret,
            body,
            now_seconds,
            tolerance,
            ..
        } = *evidence;
        match verify(
            preset,
            secret,
            signature,
            timestamp,
            body,
            now_seconds,
            tolerance,
        ) {
            Ok(()) => return Explanation::Valid,
            Err(Mismatch::Stale { age_seconds }) => {
                findings.push(stale(evidence, age_seconds));
                return Explanation::Invalid(findings);
            }
            Err(Mismatch::Timestamp) => findings.push(Finding::MalformedTimestamp),
            Err(Mismatch::Form(_) | Mismatch::MissingTimestamp | Mismatch::Digest) => {}
        }
    }
    search(evidence, signature, timestamp, &mut findings);
    Explanation::Invalid(findings)
}

fn values<'a>(evidence: &Evidence<'a>, name: &str) -> impl Iterator<Item = &'a str> {
    let headers = evidence.headers.iter();
    headers
        .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// The header that must have come exactly once.
fn single<'a>(evidence: &Evidence<'a>, name: &str, findings: &mut Vec<Finding>) -> Option<&'a str> {
    let found: Vec<&str> = values(evidence, name).collect();
    match found.as_slice() {
        [value] => Some(value),
        [] => {
            let word = name.rsplit('-').next().unwrap_or(name).to_ascii_lowercase();
            let similar = evidence.headers.iter().map(|(found, _)| found);
            let mut similar = similar.filter(|found| found.to_ascii_lowercase().contains(&word));
            let similar = similar.next().cloned();
            findings.push(Finding::MissingHeader {
                name: name.to_owned(),
                similar,
            });
            None
        }
        [first, ..] => {
            let count = found.len();
            findings.push(Finding::RepeatedHeader {
                name: name.to_owned(),
                count,
            });
            found.iter().all(|value| value == first).then_some(first)
        }
    }
}

fn stale(evidence: &Evidence<'_>, age_seconds: i64) -> Finding {
    Finding::Stale {
        age_seconds,
        tolerance_seconds: evidence.tolerance.as_secs(),
    }
}

/// A digest as it was written.
struct Written {
    digest: Vec<u8>,
    is_hex: bool,
    prefix: &'static str,
}

fn read_signature(text: &str) -> Option<Written> {
    const PREFIXES: [&str; 5] = [V1_PREFIX, "sha1=", "sha256=", "md5=", "HMAC "];
    let text = text.trim_matches(['"', '\'', ' ']);
    let (prefix, text) = PREFIXES
        .into_iter()
        .find_map(|prefix| text.strip_prefix(prefix).map(|rest| (prefix, rest.trim())))
        .unwrap_or(("", text));
    let hex = mac::unhex(text).map(|digest| (digest, true));
    let read = hex.or_else(|| STANDARD.decode(text).ok().map(|digest| (digest, false)));
    let (digest, is_hex) = read.filter(|(digest, _)| matches!(digest.len(), 20 | 32))?;
    Some(Written {
        digest,
        is_hex,
        prefix,
    })
}

/// What may have been signed: the body alone, or with the timestamp before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Sha1Plain,
    Sha1Timed,
    Sha256Plain,
    Sha256Timed,
}

impl Scheme {
    const ALL: [Self; 4] = [
        Self::Sha1Plain,
        Self::Sha256Timed,
        Self::Sha256Plain,
        Self::Sha1Timed,
    ];

    fn fits(self, digest: &[u8], secret: &[u8], timestamp: Option<&str>, body: &[u8]) -> bool {
        let dotted = |timestamp: &str| [timestamp.as_bytes(), b".", body].concat();
        let made = match (self, timestamp) {
            (Self::Sha1Plain, _) => mac::sha1(secret, body).to_vec(),
            (Self::Sha256Plain, _) => mac::sha256(secret, &[body]).to_vec(),
            (Self::Sha256Timed, Some(at)) => v1_digest(secret, at, body).to_vec(),
            (Self::Sha1Timed, Some(at)) => mac::sha1(secret, &dotted(at)).to_vec(),
            (Self::Sha256Timed | Self::Sha1Timed, None) => return false,
        };
        made.ct_eq(digest).into()
    }

    const fn digest_bytes(self) -> usize {
        match self {
            Self::Sha1Plain | Self::Sha1Timed => 20,
            Self::Sha256Plain | Self::Sha256Timed => 32,
        }
    }

    /// How this differs from what `expected` signs.
    const fn finding(self, expected: Preset) -> Option<Finding> {
        match (self, expected) {
            (Self::Sha1Plain, Preset::Jenkins | Preset::AzureDevops)
            | (Self::Sha256Timed, Preset::PortV1) => None,
            (Self::Sha1Plain, Preset::PortV1) => Some(Finding::OtherPreset {
                expected,
                found: Preset::Jenkins,
            }),
            (Self::Sha256Timed, _) => Some(Finding::OtherPreset {
                expected,
                found: Preset::PortV1,
            }),
            (Self::Sha256Plain, _) => Some(Finding::OtherAlgorithm {
                expected,
                found: "HMAC-SHA256 of the body alone",
            }),
            (Self::Sha1Timed, _) => Some(Finding::OtherAlgorithm {
                expected,
                found: "HMAC-SHA1 of timestamp.body",
            }),
        }
    }
}

fn search(
    evidence: &Evidence<'_>,
    signature: &str,
    timestamp: Option<&str>,
    findings: &mut Vec<Finding>,
) {
    let Some(written) = read_signature(signature) else {
        return findings.push(Finding::Malformed(evidence.preset));
    };
    let mut bodies = vec![(None, evidence.body.to_vec())];
    bodies.extend(
        rewritings(evidence.body)
            .into_iter()
            .map(|(how, body)| (Some(how), body)),
    );
    let trimmed = evidence.secret.trim_ascii_end();
    let broken = [evidence.secret, b"\n"].concat();
    for secret in [evidence.secret, trimmed, &broken] {
        for (rewriting, body) in &bodies {
            let schemes = Scheme::ALL.into_iter();
            let scheme = schemes
                .filter(|scheme| scheme.digest_bytes() == written.digest.len())
                .find(|scheme| scheme.fits(&written.digest, secret, timestamp, body));
            let Some(scheme) = scheme else { continue };
            match scheme.finding(evidence.preset) {
                Some(finding) => findings.push(finding),
                None if !has_form(&written, evidence.preset) => {
                    findings.push(Finding::OtherForm(evidence.preset));
                }
                None => findings.extend(age(evidence, timestamp)),
            }
            findings.extend(rewriting.map(Finding::RewrittenBody));
            if secret != evidence.secret {
                findings.push(Finding::SecretLineBreak);
            }
            return;
        }
    }
    findings.push(unmatched(evidence));
}

fn has_form(written: &Written, preset: Preset) -> bool {
    match preset {
        Preset::Jenkins | Preset::AzureDevops => {
            written.is_hex && matches!(written.prefix, "" | "sha1=")
        }
        Preset::PortV1 => !written.is_hex && written.prefix == V1_PREFIX,
    }
}

/// Whether the timestamp is too old as well, where it is signed.
fn age(evidence: &Evidence<'_>, timestamp: Option<&str>) -> Option<Finding> {
    let sent_at: i64 = timestamp
        .filter(|_| evidence.preset.binds_timestamp())?
        .parse()
        .ok()?;
    let age_seconds = evidence.now_seconds.saturating_sub(sent_at);
    let is_stale = age_seconds.unsigned_abs() > evidence.tolerance.as_secs();
    is_stale.then(|| stale(evidence, age_seconds))
}

fn unmatched(evidence: &Evidence<'_>) -> Finding {
    let found = evidence.body.len();
    let declared = values(evidence, "Content-Length").next();
    if let Some(declared) = declared.and_then(|text| text.parse().ok())
        && declared != found
    {
        return Finding::BodyLength { declared, found };
    }
    let body_as_written = match serde_json::from_slice(evidence.body) {
        Ok(value) => json::stringify(&value).as_bytes() == evidence.body,
        Err(_) => evidence.body.is_empty(),
    };
    Finding::Unmatched { body_as_written }
}
