//! What can be wrong about a signature, each told with its cause and what to look at.

use std::fmt;

use super::Preset;
use super::rewriting::Rewriting;

/// One reason why a signature does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No such header came.
    MissingHeader {
        /// Its name.
        name: String,
        /// A header that came and looks like it.
        similar: Option<String>,
    },
    /// The header came more than once.
    RepeatedHeader {
        /// Its name.
        name: String,
        /// How often.
        count: usize,
    },
    /// The value is no signature of any form known here.
    Malformed(Preset),
    /// The digest is right, but written in another form (prefix, hex for base64).
    OtherForm(Preset),
    /// The signature is right for another preset.
    OtherPreset {
        /// The preset that was expected.
        expected: Preset,
        /// The preset that it was made with.
        found: Preset,
    },
    /// The digest is right for another algorithm or other parts of the call.
    OtherAlgorithm {
        /// The preset that was expected.
        expected: Preset,
        /// What was signed, and how.
        found: &'static str,
    },
    /// The timestamp is no whole number of seconds.
    MalformedTimestamp,
    /// The timestamp is too old, or too far ahead where the age is negative.
    Stale {
        /// Seconds since the timestamp.
        age_seconds: i64,
        /// How many seconds are tolerated.
        tolerance_seconds: u64,
    },
    /// The signature holds for the same body written another way.
    RewrittenBody(Rewriting),
    /// The signature holds for the secret without, or with, a line break at its end.
    SecretLineBreak,
    /// The body is not as long as its header says.
    BodyLength {
        /// What `Content-Length` says.
        declared: usize,
        /// What came.
        found: usize,
    },
    /// Nothing tried here fits: another secret, or a changed body.
    Unmatched {
        /// Whether the body is JSON as Longshore writes it, so that the secret is suspected.
        body_as_written: bool,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingHeader {
                name,
                similar: None,
            } => {
                write!(
                    f,
                    "missing header: {name} did not arrive; a proxy may have removed it"
                )
            }
            Self::MissingHeader {
                name,
                similar: Some(similar),
            } => {
                write!(
                    f,
                    "missing header: {name} did not arrive, but {similar} did"
                )
            }
            Self::RepeatedHeader { name, count } => {
                write!(
                    f,
                    "repeated header: {name} arrived {count} times; exactly one is accepted"
                )
            }
            Self::Malformed(preset) => {
                write!(f, "malformed signature: expected {}", preset.form())
            }
            Self::OtherForm(preset) => {
                write!(f, "wrong form: the digest is right, but {preset} expects ")?;
                f.write_str(preset.form())
            }
            Self::OtherPreset { expected, found } => {
                write!(f, "wrong preset: this is a valid {found} signature; ")?;
                write!(f, "{expected} was expected")
            }
            Self::OtherAlgorithm { expected, found } => {
                write!(f, "wrong algorithm: this is {found}; {expected} expects ")?;
                f.write_str(expected.form())
            }
            Self::MalformedTimestamp => f.write_str(MALFORMED_TIMESTAMP),
            Self::Stale {
                age_seconds,
                tolerance_seconds,
            } => stale(*age_seconds, *tolerance_seconds, f),
            Self::RewrittenBody(rewriting) => {
                write!(
                    f,
                    "re-serialised body: the signature holds for {rewriting}; "
                )?;
                f.write_str("check the raw bytes of the request before anything parses them")
            }
            Self::SecretLineBreak => f.write_str(SECRET_LINE_BREAK),
            Self::BodyLength { declared, found } => {
                write!(
                    f,
                    "changed body: Content-Length says {declared} bytes, here are {found}"
                )
            }
            Self::Unmatched {
                body_as_written: true,
            } => f.write_str(SUSPECT_SECRET),
            Self::Unmatched {
                body_as_written: false,
            } => f.write_str(SUSPECT_BODY),
        }
    }
}

const MALFORMED_TIMESTAMP: &str = "malformed timestamp: expected Unix seconds in X-Port-Timestamp";
const SECRET_LINE_BREAK: &str = "wrong secret: the signature holds when a line break at the \
    secret's end is removed or added";
const SUSPECT_SECRET: &str = "wrong secret or changed body: no usual rewriting of the body fits; \
    it is written as Longshore writes bodies, so suspect the secret first";
const SUSPECT_BODY: &str = "changed body or wrong secret: no usual rewriting of the body fits; \
    it is not written as Longshore writes bodies, so suspect the body first";

fn stale(age_seconds: i64, tolerance_seconds: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let distance = age_seconds.unsigned_abs();
    if age_seconds < 0 {
        write!(
            f,
            "stale timestamp: it lies {distance} s ahead, at most {tolerance_seconds} s are "
        )?;
        f.write_str("accepted; one of the clocks is wrong")
    } else {
        write!(
            f,
            "stale timestamp: made {distance} s ago, at most {tolerance_seconds} s are "
        )?;
        f.write_str("accepted; a replay, a late delivery or a wrong clock")
    }
}
