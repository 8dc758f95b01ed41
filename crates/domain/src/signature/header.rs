//! Headers that every outgoing call carries, and what an action's own headers may be.

use thiserror::Error;

/// Carries the signature, unless the connection names another header.
pub const SIGNATURE_HEADER: &str = "X-Port-Signature";
/// Carries the instant of the attempt in Unix seconds.
pub const TIMESTAMP_HEADER: &str = "X-Port-Timestamp";
/// Carries the run's id.
pub const RUN_ID_HEADER: &str = "X-Longshore-Run-Id";
/// Carries the delivery's id, the same for each of its attempts.
pub const DELIVERY_ID_HEADER: &str = "X-Longshore-Delivery-Id";
/// Carries the attempt's number, from 1.
pub const ATTEMPT_HEADER: &str = "X-Longshore-Attempt";

/// Bytes of a header's name.
pub const MAX_HEADER_NAME_BYTES: usize = 256;
/// Bytes of a header's value.
pub const MAX_HEADER_VALUE_BYTES: usize = 16 * 1024;

const RESERVED_PREFIX: &str = "x-port-";
const RESERVED: [&str; 7] = [
    RUN_ID_HEADER,
    DELIVERY_ID_HEADER,
    ATTEMPT_HEADER,
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
];

/// Why a header of an action cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HeaderFault {
    /// The name is not a token of HTTP.
    #[error("a header's name has 1 to {MAX_HEADER_NAME_BYTES} letters, digits and !#$%&'*+-.^_`|~")]
    Name,
    /// The name is set by the engine alone.
    #[error("this header is set by Longshore and cannot be set by an action")]
    Reserved,
    /// The value holds a control character (a line break above all) or outer blanks.
    #[error("a header's value has no line breaks, other control characters or outer blanks")]
    Value,
    /// The value is too long.
    #[error("a header's value has at most {MAX_HEADER_VALUE_BYTES} bytes")]
    TooLong,
}

/// Whether only the engine sets the header `name`.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED
        .iter()
        .any(|reserved| reserved.eq_ignore_ascii_case(name))
        || name
            .get(..RESERVED_PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX))
}

/// Whether an action may send this header.
///
/// # Errors
///
/// Why it cannot be sent.
pub fn check_header(name: &str, value: &str) -> Result<(), HeaderFault> {
    // RFC 9110, 5.6.2: token.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > MAX_HEADER_NAME_BYTES || !name.bytes().all(is_token) {
        return Err(HeaderFault::Name);
    }
    if is_reserved(name) {
        return Err(HeaderFault::Reserved);
    }
    if value.len() > MAX_HEADER_VALUE_BYTES {
        return Err(HeaderFault::TooLong);
    }
    // RFC 9110, 5.5: field-value, with UTF-8 as obs-text.
    let is_outer_blank = value.starts_with([' ', '\t']) || value.ends_with([' ', '\t']);
    if is_outer_blank
        || value
            .bytes()
            .any(|byte| byte.is_ascii_control() && byte != b'\t')
    {
        return Err(HeaderFault::Value);
    }
    Ok(())
}
