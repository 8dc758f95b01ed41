//! Signatures of outgoing calls: how each kind of receiver can check them.
//!
//! Bytes are signed as they are sent; who makes those bytes is not decided here.

mod explain;
mod finding;
mod header;
mod mac;
mod preset;
mod rewriting;

pub use explain::{Evidence, Explanation, explain};
pub use finding::Finding;
pub use header::{
    ATTEMPT_HEADER, DELIVERY_ID_HEADER, HeaderFault, MAX_HEADER_NAME_BYTES, MAX_HEADER_VALUE_BYTES,
    RUN_ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, check_header, is_reserved,
};
pub use preset::{DEFAULT_TOLERANCE, Mismatch, Preset, UnknownPreset, sign, verify};
pub use rewriting::Rewriting;

#[cfg(test)]
mod tests;
