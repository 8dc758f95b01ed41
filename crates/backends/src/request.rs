//! What every call carries, and what an action may add to it.

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
        let text =
            |value: &str| HeaderValue::from_str(value).map_err(|_| unusable("Our own header"));
        insert(headers, RUN_ID_HEADER, text(self.run_id)?);
        insert(headers, DELIVERY_ID_HEADER, text(self.delivery_id)?);
        insert(headers, ATTEMPT_HEADER, HeaderValue::from(self.attempt));
        let seconds = HeaderValue::from(self.timestamp.as_seconds());
        insert(headers, TIMESTAMP_HEADER, seconds);
        let SignatureHeader {
            name,
            prefix,
            value,
        } = self.signature;
        let what = "The connection's signature header";
        let usual = name.eq_ignore_ascii_case(SIGNATURE_HEADER);
        if !usual && (is_reserved(name) || is_client_header(name)) {
            return Err(unusable(what));
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable(what))?;
        let mut value = if prefix.is_empty() {
            HeaderValue::from_str(value)
        } else {
            HeaderValue::try_from(format!("{prefix}{value}"))
        }
        .map_err(|_| unusable(what))?;
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

fn insert(headers: &mut HeaderMap, name: &str, value: HeaderValue) {
    if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
        headers.insert(name, value);
    }
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
