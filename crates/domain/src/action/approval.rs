//! Whether an action waits for approval, by how many, and how they hear of it.

use serde_json::Value;
use url::Url;

use super::shape::{Faults, Fields, Path};

/// The most approvals that a quorum can ask for.
pub const MAX_QUORUM: u32 = 1_000;

/// Whose approval a run needs before anything is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approval {
    /// Nobody's.
    #[default]
    NotRequired,
    /// One approver's.
    Any,
    /// That of every approver.
    All,
    /// That of so many approvers.
    Quorum(u32),
}

impl Approval {
    /// Whether a run has to wait.
    #[must_use]
    pub const fn is_required(self) -> bool {
        !matches!(self, Self::NotRequired)
    }
}

/// How approvers hear of a waiting run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ApprovalNotification {
    /// By e-mail.
    #[default]
    Email,
    /// By a call to `url`.
    Webhook {
        /// Where to.
        url: String,
        /// What the call carries.
        format: NotificationFormat,
    },
}

/// What a notification carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotificationFormat {
    /// A JSON object of ours.
    #[default]
    Json,
    /// A message that a chat's incoming webhook shows.
    Slack,
}

pub(super) fn read(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Approval> {
    match value {
        Value::Bool(true) => Some(Approval::Any),
        Value::Bool(false) => Some(Approval::NotRequired),
        Value::Object(map) => {
            let fields = Fields { map, path };
            match fields.required_choice("type", &["ANY", "ALL", "QUORUM"], faults)? {
                "QUORUM" => {
                    fields.close(&["type", "count"], faults);
                    quorum(&fields, faults)
                }
                kind => {
                    fields.close(&["type"], faults);
                    Some(if kind == "ALL" {
                        Approval::All
                    } else {
                        Approval::Any
                    })
                }
            }
        }
        _ => {
            faults.expected(path, "true, false or an object with a type", value);
            None
        }
    }
}

fn quorum(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<Approval> {
    let value = fields.required("count", faults)?;
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    match count {
        Some(count @ 1..=MAX_QUORUM) => Some(Approval::Quorum(count)),
        _ => {
            let message = format!("expected a whole number from 1 to {MAX_QUORUM}");
            faults.push(&fields.path.key("count"), message);
            None
        }
    }
}

pub(super) fn read_notification(
    value: &Value,
    path: &Path<'_>,
    faults: &mut Faults,
) -> Option<ApprovalNotification> {
    let fields = Fields::of(value, path, faults)?;
    if fields.required_choice("type", &["email", "webhook"], faults)? == "email" {
        fields.close(&["type"], faults);
        return Some(ApprovalNotification::Email);
    }
    fields.close(&["type", "url", "format"], faults);
    let format = match fields.choice("format", &["json", "slack"], faults) {
        Some("slack") => NotificationFormat::Slack,
        _ => NotificationFormat::Json,
    };
    let url = fields.required_string("url", faults)?;
    if Url::parse(url).is_err() && !url.contains("{{") {
        faults.push(&path.key("url"), "expected an absolute URL");
    }
    Some(ApprovalNotification::Webhook {
        url: url.to_owned(),
        format,
    })
}
