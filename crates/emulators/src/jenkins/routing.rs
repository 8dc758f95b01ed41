//! Whom a request is for, before the plugin sees it: context path, login, the trigger or a page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, header};
use subtle::ConstantTimeEq;

use super::Config;

/// Path of the trigger below the context path.
pub(super) const INVOKE_PATH: &str = "/generic-webhook-trigger/invoke";
/// POSTs below it need no crumb.
const PLUGIN_PATH: &str = "/generic-webhook-trigger/";

/// Whom a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// It is not below the context path.
    Outside,
    /// `Authorization: Basic` names no user with that token.
    BadCredentials,
    /// `OPTIONS` of the trigger, which is answered without a look.
    Options,
    /// The trigger.
    Trigger { logged_in: bool },
    /// A POST to a page, without a crumb.
    NoCrumb,
    /// A page, by its path below the context path.
    Page(&'a str),
}

pub(super) fn route<'a>(
    config: &Config,
    method: &Method,
    path: &'a str,
    headers: &HeaderMap,
) -> Route<'a> {
    let inside = path
        .strip_prefix(config.context_path.as_str())
        .filter(|inside| inside.starts_with('/'));
    let Some(inside) = inside else {
        return Route::Outside;
    };
    let Some(logged_in) = login(config, headers) else {
        return Route::BadCredentials;
    };
    let rest = inside.strip_prefix(INVOKE_PATH);
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return match *method {
            Method::OPTIONS => Route::Options,
            _ => Route::Trigger { logged_in },
        };
    }
    // The crumb filter looks at POST alone; names that merely begin alike are not exempt.
    if *method == Method::POST && !inside.starts_with(PLUGIN_PATH) && !logged_in {
        return Route::NoCrumb;
    }
    Route::Page(inside)
}

/// Whether a user is logged in; nothing where the credentials are wrong. Anything but `Basic` is
/// none of Jenkins' business here.
fn login(config: &Config, headers: &HeaderMap) -> Option<bool> {
    let basic = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Basic "));
    let Some(encoded) = basic else {
        return Some(false);
    };
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, token) = text.split_once(':')?;
    let known = config.users.get(user)?;
    bool::from(known.expose().as_bytes().ct_eq(token.as_bytes())).then_some(true)
}
