//! Whether an action waits for approval, by how many, and how they hear of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::shape::{Faults, Fields, Path};

/// The most approvals that a quorum can ask for.
pub const MAX_QUORUM: u32 = 1_000;

/// What an action demands before its runs are executed, in the JSON form of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequiredApproval {
    /// `true` or `false`; `true` means one approval.
    Plain(bool),
    /// `{"type": …}`.
    Typed(ApprovalType),
}

/// How many have to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "UPPERCASE", deny_unknown_fields)]
pub enum ApprovalType {
    /// One of the approvers.
    Any,
    /// Every approver that was named when the run was requested.
    All,
    /// This many of the approvers; an extension.
    Quorum {
        /// How many.
        count: u32,
    },
}

impl Default for RequiredApproval {
    fn default() -> Self {
        Self::Plain(false)
    }
}

impl RequiredApproval {
    /// Whether a run waits at all.
    #[must_use]
    pub const fn is_required(self) -> bool {
        !matches!(self, Self::Plain(false))
    }

    /// How many different approvers have to agree. Persons who could be named one by one are not
    /// known yet, so `ALL` asks for the one approval that machine credentials, as Admin, can give.
    #[must_use]
    pub(crate) const fn approvals_needed(self) -> usize {
        match self {
            Self::Plain(false) => 0,
            Self::Plain(true) | Self::Typed(ApprovalType::Any | ApprovalType::All) => 1,
            Self::Typed(ApprovalType::Quorum { count }) => count as usize,
        }
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

pub(super) fn read(
    value: &Value,
    path: &Path<'_>,
    faults: &mut Faults,
) -> Option<RequiredApproval> {
    match value {
        Value::Bool(required) => Some(RequiredApproval::Plain(*required)),
        Value::Object(map) => {
            let fields = Fields { map, path };
            match fields.required_choice("type", &["ANY", "ALL", "QUORUM"], faults)? {
                "QUORUM" => {
                    fields.close(&["type", "count"], faults);
                    quorum(&fields, faults)
                }
                kind => {
                    fields.close(&["type"], faults);
                    {
                        let kind = if kind == "ALL" {
                            ApprovalType::All
                        } else {
                            ApprovalType::Any
                        };
                        Some(RequiredApproval::Typed(kind))
                    }
                }
            }
        }
        _ => {
            faults.expected(path, "true, false or an object with a type", value);
            None
        }
    }
}

fn quorum(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<RequiredApproval> {
    let value = fields.required("count", faults)?;
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    match count {
        Some(count @ 1..=MAX_QUORUM) => {
            Some(RequiredApproval::Typed(ApprovalType::Quorum { count }))
        }
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
