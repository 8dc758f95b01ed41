//! Each receiver's ways: how its answers are read, and what of them may be kept.

use std::borrow::Cow;

use longshore_domain::delivery::Receiver;
use longshore_domain::outcome::Outcome;

use crate::client::{EXCERPT_BYTES, Reply};
use crate::outcome::Asked;
use crate::target::Target;
use crate::{azure_pipelines, jenkins, webhook};

/// The receiver that the path of a plain webhook's URL shows.
#[must_use]
pub fn of(target: &Target) -> Receiver {
    if jenkins::is_trigger_path(target.path()) {
        Receiver::Jenkins
    } else if target.path().contains(azure_pipelines::WEBHOOKS_PATH) {
        Receiver::AzurePipelines
    } else {
        Receiver::Webhook
    }
}

/// What a call came to. An agent's own calls are read like any webhook's.
#[must_use]
pub fn outcome(receiver: Receiver, reply: &Reply, asked: &Asked<'_>) -> Outcome {
    match receiver {
        Receiver::Jenkins => jenkins::outcome(reply, asked),
        Receiver::AzurePipelines => azure_pipelines::outcome(reply, asked),
        Receiver::Webhook | Receiver::Agent | Receiver::Kafka => webhook::outcome(reply, asked),
    }
}

/// How much of an answer must be kept so that it can be read.
#[must_use]
pub const fn keep_answer_bytes(receiver: Receiver) -> usize {
    match receiver {
        Receiver::Jenkins => jenkins::KEEP_ANSWER_BYTES,
        Receiver::AzurePipelines => azure_pipelines::KEEP_ANSWER_BYTES,
        Receiver::Webhook | Receiver::Agent | Receiver::Kafka => EXCERPT_BYTES,
    }
}

/// An answer's body without what the receiver echoes of the request's secrets.
#[must_use]
pub fn redact(receiver: Receiver, body: &[u8]) -> Cow<'_, [u8]> {
    match receiver {
        Receiver::Jenkins => jenkins::redact(body),
        Receiver::AzurePipelines | Receiver::Webhook | Receiver::Agent | Receiver::Kafka => {
            Cow::Borrowed(body)
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
            assert_eq!(of(&Target::parse(url).unwrap()), receiver, "{url}");
        }
    }
}
