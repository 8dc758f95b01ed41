//! Each receiver's ways: how its answers are read, what of them may be kept, and how it is checked.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, Method};
use longshore_domain::delivery::Receiver;
use longshore_domain::outcome::Outcome;

use crate::check::{self, Finding, Report, Step, Subject};
use crate::client::{Call, Client, EXCERPT_BYTES, Reply};
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

/// Checks the receiver. Makes at most five calls, one after another.
pub async fn check(client: &Client, subject: Subject<'_>) -> Report {
    let (mut report, arrives) = check::on_the_way(client, &subject).await;
    if !arrives {
        return report;
    }
    let receiver = match subject.receiver.or_else(|| known_by_url(&subject.target)) {
        Some(receiver) => receiver,
        None => recognize(client, &subject).await,
    };
    report.receiver = Some(receiver);
    match receiver {
        Receiver::Jenkins => jenkins::check(client, &subject, &mut report).await,
        Receiver::AzurePipelines => {
            azure_pipelines::check(client, &subject, &mut report).await;
        }
        Receiver::Webhook | Receiver::Agent | Receiver::Kafka => report.push(Finding::unknown(
            Step::Receiver,
            "Not called: any call to this receiver may start something.",
        )),
    }
    report
}

fn known_by_url(target: &Target) -> Option<Receiver> {
    match of(target) {
        Receiver::Webhook if azure_pipelines::is_service(target) => Some(Receiver::AzurePipelines),
        Receiver::Webhook => None,
        known => Some(known),
    }
}

/// Asks for the login page that a Jenkins would have there. Never for the address itself: a webhook
/// may take a GET as a call, and a token may stand in its query.
async fn recognize(client: &Client, subject: &Subject<'_>) -> Receiver {
    let path = subject.target.path().trim_end_matches('/');
    let login = format!("{}{path}{}", subject.target.origin(), jenkins::LOGIN_PATH);
    let Ok(target) = Target::parse(&login) else {
        return Receiver::Webhook;
    };
    let call = Call {
        method: Method::GET,
        target,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    };
    match client.send(call, &subject.profile).await.reply {
        Reply::Answered(answer) if answer.headers.contains_key(jenkins::VERSION_HEADER) => {
            Receiver::Jenkins
        }
        _ => Receiver::Webhook,
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
