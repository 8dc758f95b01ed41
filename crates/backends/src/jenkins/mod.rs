//! Jenkins through its Generic Webhook Trigger plugin: how it is called, and what it answers.

mod answer;
mod check;
mod outcome;
mod redact;
mod whitelist;

use crate::client::MAX_ANSWER_BYTES;

pub(crate) use check::check;
pub use outcome::outcome;
pub use redact::{REDACTED, redact};

/// How much of an answer is kept: one that is cut cannot be read, and a job's variables make
/// it long.
pub const KEEP_ANSWER_BYTES: usize = MAX_ANSWER_BYTES;

/// What the plugin's path begins with, below Jenkins' own URL.
const TRIGGER_PATH: &str = "/generic-webhook-trigger/";
/// The trigger itself.
const INVOKE_PATH: &str = "/generic-webhook-trigger/invoke";
/// The page at which people sign in, below Jenkins' own URL.
pub(crate) const LOGIN_PATH: &str = "/login";
/// The header in which Jenkins tells its version, on every page.
pub(crate) const VERSION_HEADER: &str = "x-jenkins";

/// Whether `path` is that of the plugin, whose name Jenkins lets further segments follow.
#[must_use]
pub fn is_trigger_path(path: &str) -> bool {
    path.rsplit_once(TRIGGER_PATH)
        .is_some_and(|(_, rest)| rest == "invoke" || rest.starts_with("invoke/"))
}
