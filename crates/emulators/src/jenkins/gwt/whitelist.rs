//! The whitelist: the first item that lets the caller in ends the check.

use super::address;
use super::hmac::{self, HmacFailure};
use super::model::{Credentials, Whitelist, WhitelistItem};
use super::request::GwtRequest;

/// Whether the request may go on, else the plugin's reason with one line for each item.
pub fn check(
    whitelist: &Whitelist,
    credentials: &Credentials,
    request: &GwtRequest,
) -> Result<(), HmacFailure> {
    if !whitelist.enabled || whitelist.items.is_empty() {
        return Ok(());
    }
    let mut message = "Did not find a matching whitelisted host:\n".to_owned();
    for (index, item) in whitelist.items.iter().enumerate() {
        match check_item(item, credentials, request) {
            Ok(()) => return Ok(()),
            Err(HmacFailure::Refused(reason)) => {
                message.push_str(&format!("{}) {reason}\n", index + 1));
            }
            Err(thrown) => return Err(thrown),
        }
    }
    Err(HmacFailure::Refused(message))
}

fn check_item(
    item: &WhitelistItem,
    credentials: &Credentials,
    request: &GwtRequest,
) -> Result<(), HmacFailure> {
    address::admits(item.host.as_deref(), &request.remote_address).map_err(HmacFailure::Refused)?;
    if !item.hmac_enabled {
        return Ok(());
    }
    let id = item.hmac_credential_id.as_deref().unwrap_or("null");
    let secret = credentials.get(id).ok_or_else(|| {
        HmacFailure::Refused(format!("Was unable to find secret text credential {id}"))
    })?;
    hmac::verify(
        &request.headers,
        &request.post_content,
        item.hmac_header.as_deref(),
        secret.expose(),
        item.hmac_algorithm.as_deref(),
    )
}
