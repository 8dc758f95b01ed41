//! What every call carries, and what an action may add to it.

use bytes::Bytes;
use http::header::{ACCEPT, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::signature::{
    ATTEMPT_HEADER, DELIVERY_ID_HEADER, HeaderFault, RUN_ID_HEADER, SIGNATURE_HEADER,
    TIMESTAMP_HEADER, check_header, is_reserved,
};
use longshore_domain::time::Timestamp;

use crate::outcome::diagnosis;
use crate::quote::quote;
use crate::target::Target;

/// The most headers that an action adds.
pub const MAX_ACTION_HEADERS: usize = 64;
/// The most bytes of all headers that an action adds.
pub const MAX_ACTION_HEADER_BYTES: usize = 32 * 1024;

/// Headers that belong to one hop or to the client, and so are not an action's to set; those
/// that [`is_reserved`] names come on top.
const CLIENT_HEADERS: [&str; 9] = [
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "http2-settings",
    // Answers are kept as they come, so they must come unpacked.
    "accept-encoding",
];

/// The name `header` as it is kept: in lower case, and not copied with each call.
const fn name_of(header: &str, lower: &'static str) -> HeaderName {
    assert!(header.eq_ignore_ascii_case(lower), "another header's name");
    HeaderName::from_static(lower)
}

static RUN_ID: HeaderName = name_of(RUN_ID_HEADER, "x-longshore-run-id");
static DELIVERY_ID: HeaderName = name_of(DELIVERY_ID_HEADER, "x-longshore-delivery-id");
static ATTEMPT: HeaderName = name_of(ATTEMPT_HEADER, "x-longshore-attempt");
static TIMESTAMP: HeaderName = name_of(TIMESTAMP_HEADER, "x-port-timestamp");
static SIGNATURE: HeaderName = name_of(SIGNATURE_HEADER, "x-port-signature");

/// What one attempt's call carries besides the action's own parts.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The run's public id.
    pub run_id: &'a str,
    /// The delivery's public id, the same for every attempt.
    pub delivery_id: &'a str,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The instant that the signature names.
    pub timestamp: Timestamp,
    /// The signature.
    pub signature: SignatureHeader<'a>,
}

/// A signature and the header that carries it.
#[derive(Clone, Copy)]
pub struct SignatureHeader<'a> {
    /// The header's name.
    pub name: &'a str,
    /// What stands before the value.
    pub prefix: &'a str,
    /// The value.
    pub value: &'a str,
}

impl<'a> SignatureHeader<'a> {
    /// `value` in the usual header, with no prefix.
    #[must_use]
    pub const fn usual(value: &'a str) -> Self {
        Self {
            name: SIGNATURE_HEADER,
            prefix: "",
            value,
        }
    }
}

/// The value is left out: where neither URL nor time is signed, it can be used again.
impl std::fmt::Debug for SignatureHeader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignatureHeader({})", self.name)
    }
}

impl Envelope<'_> {
    /// Headers that an action may replace.
    pub(crate) fn add_defaults(&self, headers: &mut HeaderMap) {
        let agent = concat!("longshore/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        // Some receivers send a page for people to whoever does not ask for JSON.
        let accept = HeaderValue::from_static("application/json, */*;q=0.8");
        headers.insert(ACCEPT, accept);
    }

    /// Headers that nobody replaces.
    pub(crate) fn add_own(&self, headers: &mut HeaderMap) -> Result<(), Diagnosis> {
        let SignatureHeader {
            name,
            prefix,
            value,
        } = self.signature;
        let (attempt, seconds) = (
            self.attempt.to_string(),
            self.timestamp.as_seconds().to_string(),
        );
        let [run, delivery, attempt, seconds, signature] = values([
            [self.run_id, ""],
            [self.delivery_id, ""],
            [&attempt, ""],
            [&seconds, ""],
            [prefix, value],
        ]);
        for (name, value) in [
            (&RUN_ID, run),
            (&DELIVERY_ID, delivery),
            (&ATTEMPT, attempt),
            (&TIMESTAMP, seconds),
        ] {
            let value = HeaderValue::from_maybe_shared(value);
            headers.insert(name, value.map_err(|_| unusable("Our own header"))?);
        }
        let what = "The connection's signature header";
        let usual = name.eq_ignore_ascii_case(SIGNATURE_HEADER);
        if !usual && (is_reserved(name) || is_client_header(name)) {
            return Err(unusable(what));
        }
        let name = match usual {
            true => SIGNATURE.clone(),
            false => HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable(what))?,
        };
        let mut value = HeaderValue::from_maybe_shared(signature).map_err(|_| unusable(what))?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }
}

fn unusable(what: &str) -> Diagnosis {
    diagnosis(
        Reason::HeaderInvalid,
        format!("{what} cannot be sent: its name or value is not a valid header."),
        "Set the connection's signature header to a plain name such as X-Port-Signature, and \
         its prefix to printable characters.",
    )
}

/// Each pair's text, all of them in one block: headers are copied with every call.
fn values<const N: usize>(pairs: [[&str; 2]; N]) -> [Bytes; N] {
    let all: String = pairs.iter().flatten().copied().collect();
    let mut rest = Bytes::from(all);
    pairs.map(|[prefix, value]| rest.split_to(prefix.len() + value.len()))
}

fn is_client_header(name: &str) -> bool {
    CLIENT_HEADERS
        .iter()
        .any(|header| header.eq_ignore_ascii_case(name))
}

/// Reads a rendered URL.
///
/// # Errors
/// What is wrong with it, which no repeat changes.
pub fn read_url(url: &str) -> Result<Target, Diagnosis> {
    Target::parse(url).map_err(|fault| {
        diagnosis(
            Reason::UrlInvalid,
            format!("The URL cannot be called: {fault}."),
            "Correct the URL in the action; where it is a template, look at the values that the \
             run put into it.",
        )
    })
}

/// Adds the action's headers, but those that only the engine sets.
pub(crate) fn add_action_headers(
    headers: &mut HeaderMap,
    from_action: &[(String, String)],
) -> Result<(), Diagnosis> {
    let bytes: usize = from_action
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if from_action.len() > MAX_ACTION_HEADERS || bytes > MAX_ACTION_HEADER_BYTES {
        return Err(diagnosis(
            Reason::HeaderInvalid,
            format!(
                "The action has {} headers of {bytes} bytes.",
                from_action.len()
            ),
            format!(
                "Use at most {MAX_ACTION_HEADERS} headers of {MAX_ACTION_HEADER_BYTES} bytes; \
                 put the rest into the body."
            ),
        ));
    }
    for (name, value) in from_action {
        match check_header(name, value) {
            Ok(()) if is_client_header(name) => {}
            Err(HeaderFault::Reserved) => {}
            Ok(()) => add_checked(headers, name, value)?,
            Err(fault) => return Err(header_diagnosis(name, &fault.to_string())),
        }
    }
    Ok(())
}

fn add_checked(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Diagnosis> {
    let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
    let value = HeaderValue::from_bytes(value.as_bytes()).ok();
    match (parsed, value) {
        (Some(name), Some(value)) => {
            headers.insert(name, value);
            Ok(())
        }
        _ => Err(header_diagnosis(name, "not a valid HTTP header")),
    }
}

fn header_diagnosis(name: &str, what: &str) -> Diagnosis {
    diagnosis(
        Reason::HeaderInvalid,
        format!("The header \"{}\" cannot be sent: {what}.", quote(name)),
        "Correct it in the action's invocationMethod.headers; where it is a template, look at \
         the value that the run put into it (a line break at the end of a secret is common).",
    )
}
