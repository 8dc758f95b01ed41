//! The forms of a signature, one per kind of receiver: `sign` makes it, `verify` checks it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use thiserror::Error;
use url::Url;

use super::mac;
use crate::action::InvocationKind;

/// How old or how far ahead a timestamp may be where the receiver chose no other span.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Jenkins' Generic Webhook Trigger answers under this path, below any context path; what follows
/// `invoke` as further segments is ignored there.
const JENKINS_PATH: &str = "/generic-webhook-trigger/";
/// Azure DevOps' incoming webhooks answer under this path, below the organisation.
const AZURE_DEVOPS_PATH: &str = "/_apis/public/distributedtask/webhooks/";
/// What both SHA-1 receivers strip from a value.
const SHA1_PREFIX: &str = "sha1=";
pub(super) const V1_PREFIX: &str = "v1,";

/// The form of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Lower-case hex of HMAC-SHA1 over the body.
    Jenkins,
    /// The same; named apart because other things differ.
    AzureDevops,
    /// `v1,` and base64 of HMAC-SHA256 over timestamp, `.` and body.
    PortV1,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Jenkins, Self::AzureDevops, Self::PortV1];

    /// The preset that the receiver of an invocation can check; `url` is rendered.
    #[must_use]
    pub fn for_invocation(kind: InvocationKind, url: &str) -> Self {
        match kind {
            InvocationKind::Jenkins => Self::Jenkins,
            InvocationKind::AzureDevops => Self::AzureDevops,
            InvocationKind::Webhook => Self::for_url(url),
            _ => Self::PortV1,
        }
    }

    fn for_url(url: &str) -> Self {
        let Ok(url) = Url::parse(url) else {
            return Self::PortV1;
        };
        let invoked = |(_, rest): (&str, &str)| rest == "invoke" || rest.starts_with("invoke/");
        if url.path().rsplit_once(JENKINS_PATH).is_some_and(invoked) {
            Self::Jenkins
        } else if url.path().contains(AZURE_DEVOPS_PATH) {
            Self::AzureDevops
        } else {
            Self::PortV1
        }
    }

    /// The name in the API and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jenkins => "jenkins",
            Self::AzureDevops => "azure-devops",
            Self::PortV1 => "port-v1",
        }
    }

    /// Whether the timestamp is signed, so that receivers can refuse old calls.
    #[must_use]
    pub const fn binds_timestamp(self) -> bool {
        matches!(self, Self::PortV1)
    }

    /// What a value of this form looks like, for a person.
    #[must_use]
    pub const fn form(self) -> &'static str {
        match self {
            Self::Jenkins | Self::AzureDevops => "40 hex digits (HMAC-SHA1 of the body)",
            Self::PortV1 => "v1, and 44 characters of base64 (HMAC-SHA256 of timestamp.body)",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No preset has this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected one of: jenkins, azure-devops, port-v1")]
pub struct UnknownPreset;

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.as_str() == text)
            .ok_or(UnknownPreset)
    }
}

/// The signature header's value for these bytes at that instant.
#[must_use]
pub fn sign(preset: Preset, secret: &[u8], timestamp_seconds: i64, body: &[u8]) -> String {
    match preset {
        Preset::Jenkins | Preset::AzureDevops => mac::hex(&mac::sha1(secret, body)),
        Preset::PortV1 => {
            let digest = v1_digest(secret, &timestamp_seconds.to_string(), body);
            let mut value = V1_PREFIX.to_owned();
            STANDARD.encode_string(digest, &mut value);
            value
        }
    }
}

pub(super) fn v1_digest(secret: &[u8], timestamp: &str, body: &[u8]) -> [u8; 32] {
    mac::sha256(secret, &[timestamp.as_bytes(), b".", body])
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// The value has not the preset's form.
    #[error("the signature has not the form of this preset: {}", .0.form())]
    Form(Preset),
    /// The preset signs a timestamp, and there is none.
    #[error("the timestamp header is missing")]
    MissingTimestamp,
    /// The timestamp is no whole number of seconds.
    #[error("the timestamp is not a whole number of Unix seconds")]
    Timestamp,
    /// The signature is right but too old, or too far ahead where negative.
    #[error("the timestamp is {age_seconds} s old")]
    Stale {
        /// Seconds since the timestamp.
        age_seconds: i64,
    },
    /// Another secret, or other bytes.
    #[error("the signature does not match")]
    Digest,
}

/// Checks a signature in constant time, then the timestamp's age where the preset signs one.
///
/// # Errors
///
/// Why it does not hold.
pub fn verify(
    preset: Preset,
    secret: &[u8],
    header_value: &str,
    timestamp_header: Option<&str>,
    body: &[u8],
    now_seconds: i64,
    tolerance: Duration,
) -> Result<(), Mismatch> {
    match preset {
        Preset::Jenkins | Preset::AzureDevops => {
            let text = header_value
                .strip_prefix(SHA1_PREFIX)
                .unwrap_or(header_value);
            let given = mac::unhex(text).filter(|digest| digest.len() == 20);
            let given = given.ok_or(Mismatch::Form(preset))?;
            equal(&given, &mac::sha1(secret, body))
        }
        Preset::PortV1 => {
            let text = header_value.strip_prefix(V1_PREFIX);
            let given = text.and_then(|text| STANDARD.decode(text).ok());
            let given = given.filter(|digest| digest.len() == 32);
            let given = given.ok_or(Mismatch::Form(preset))?;
            let timestamp = timestamp_header.ok_or(Mismatch::MissingTimestamp)?;
            let sent_at: i64 = timestamp.parse().map_err(|_| Mismatch::Timestamp)?;
            equal(&given, &v1_digest(secret, timestamp, body))?;
            let age_seconds = now_seconds.saturating_sub(sent_at);
            if age_seconds.unsigned_abs() > tolerance.as_secs() {
                return Err(Mismatch::Stale { age_seconds });
            }
            Ok(())
        }
    }
}

fn equal(given: &[u8], expected: &[u8]) -> Result<(), Mismatch> {
    if given.ct_eq(expected).into() {
        Ok(())
    } else {
        Err(Mismatch::Digest)
    }
}
