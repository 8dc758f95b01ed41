//! The whitelist: the first item that lets the caller in ends the check.

use super::hmac::{self, HmacFailure};
use super::model::{Credentials, Whitelist, WhitelistItem};
use super::request::GwtRequest;
use super::{Thrown, address};

/// Why an item does not let a caller in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemFailure {
    /// The caller's address, with the plugin's reason.
    Host(String),
    /// The credential of this id is not there.
    Credential(String),
    /// The signature.
    Hmac(HmacFailure),
}

/// Why a request does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No item lets it in, with the plugin's reason.
    Refused(String),
    /// An exception that nothing catches.
    Thrown(Thrown),
}

impl From<HmacFailure> for Refusal {
    fn from(failure: HmacFailure) -> Self {
        match failure.reason() {
            Ok(reason) => Self::Refused(reason),
            Err(thrown) => Self::Thrown(thrown),
        }
    }
}

/// What each item says that is looked at, in order; nothing where the whitelist is not looked at.
pub fn examine(
    whitelist: &Whitelist,
    credentials: &Credentials,
    request: &GwtRequest,
) -> Vec<Result<(), ItemFailure>> {
    let mut verdicts = Vec::new();
    for item in whitelist.items.iter().filter(|_| whitelist.enabled) {
        let verdict = check_item(item, credentials, request);
        let goes_on = match &verdict {
            Ok(()) | Err(ItemFailure::Hmac(HmacFailure::Thrown(_))) => false,
            Err(_) => true,
        };
        verdicts.push(verdict);
        if !goes_on {
            break;
        }
    }
    verdicts
}

/// Whether the request may go on, else the plugin's reason with one line for each item.
pub fn check(
    whitelist: &Whitelist,
    credentials: &Credentials,
    request: &GwtRequest,
) -> Result<(), Refusal> {
    let verdicts = examine(whitelist, credentials, request);
    if verdicts.is_empty() {
        return Ok(());
    }
    let mut message = "Did not find a matching whitelisted host:\n".to_owned();
    for (index, verdict) in verdicts.into_iter().enumerate() {
        let reason = match verdict {
            Ok(()) => return Ok(()),
            Err(ItemFailure::Host(reason)) => reason,
            Err(ItemFailure::Credential(id)) => {
                format!("Was unable to find secret text credential {id}")
            }
            Err(ItemFailure::Hmac(failure)) => failure.reason().map_err(Refusal::Thrown)?,
        };
        message.push_str(&format!("{}) {reason}\n", index + 1));
    }
    Err(Refusal::Refused(message))
}

fn check_item(
    item: &WhitelistItem,
    credentials: &Credentials,
    request: &GwtRequest,
) -> Result<(), ItemFailure> {
    address::admits(item.host.as_deref(), &request.remote_address).map_err(ItemFailure::Host)?;
    if !item.hmac_enabled {
        return Ok(());
    }
    let id = item.hmac_credential_id.as_deref().unwrap_or("null");
    let secret = credentials
        .get(id)
        .ok_or_else(|| ItemFailure::Credential(id.to_owned()))?;
    hmac::verify(
        &request.headers,
        &request.post_content,
        item.hmac_header.as_deref(),
        secret.expose(),
        item.hmac_algorithm.as_deref(),
    )
    .map_err(ItemFailure::Hmac)
}
