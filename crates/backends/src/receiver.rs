//! Which receiver's ways an answer is read in.

use std::borrow::Cow;

use longshore_domain::outcome::Outcome;

use crate::client::Reply;
use crate::outcome::Asked;
use crate::target::Target;
use crate::{azure_pipelines, jenkins, webhook};

/// A kind of receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Receiver {
    /// Jenkins with the Generic Webhook Trigger plugin.
    Jenkins,
    /// Azure DevOps' incoming webhook.
    AzurePipelines,
    /// Any other.
    Webhook,
}

impl Receiver {
    /// The receiver that the path of a plain webhook's URL shows.
    #[must_use]
    pub fn of(target: &Target) -> Self {
        if jenkins::is_trigger_path(target.path()) {
            Self::Jenkins
        } else if target.path().contains(azure_pipelines::WEBHOOKS_PATH) {
            Self::AzurePipelines
        } else {
            Self::Webhook
        }
    }

    /// What a call came to.
    #[must_use]
    pub fn outcome(self, reply: &Reply, asked: &Asked<'_>) -> Outcome {
        match self {
            Self::Jenkins => jenkins::outcome(reply, asked),
            Self::AzurePipelines => azure_pipelines::outcome(reply, asked),
            Self::Webhook => webhook::outcome(reply, asked),
        }
    }

    /// How much of an answer must be kept so that it can be read.
    #[must_use]
    pub const fn keep_answer_bytes(self) -> usize {
        match self {
            Self::Jenkins => jenkins::KEEP_ANSWER_BYTES,
            Self::AzurePipelines => azure_pipelines::KEEP_ANSWER_BYTES,
            Self::Webhook => crate::client::EXCERPT_BYTES,
        }
    }

    /// An answer's body without what the receiver echoes of the request's secrets.
    #[must_use]
    pub fn redact(self, body: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Jenkins => jenkins::redact(body),
            Self::AzurePipelines | Self::Webhook => Cow::Borrowed(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_webhook_is_read_in_the_way_of_the_receiver_behind_its_path() {
        let table = [
            (
                "https://h/generic-webhook-trigger/invoke?token=a",
                Receiver::Jenkins,
            ),
            (
                "https://h/ci/generic-webhook-trigger/invoke",
                Receiver::Jenkins,
            ),
            (
                "https://h/ci/generic-webhook-trigger/invoke/",
                Receiver::Jenkins,
            ),
            (
                "https://h/x?y=/generic-webhook-trigger/invoke",
                Receiver::Webhook,
            ),
            (
                "https://dev.azure.com/o/_apis/public/distributedtask/webhooks/w?api-version=7.1",
                Receiver::AzurePipelines,
            ),
            ("https://h/hooks/1", Receiver::Webhook),
        ];
        for (url, receiver) in table {
            assert_eq!(
                Receiver::of(&Target::parse(url).unwrap()),
                receiver,
                "{url}"
            );
        }
    }
}
