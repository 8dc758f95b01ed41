//! What Azure DevOps says to a call of a webhook that does not exist: whether organization and path
//! are right. A call of the real one may start pipelines, so the rest stays unknown.

use bytes::Bytes;
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::signature::Preset;

use super::{
    DEFAULT_API_VERSION, HEADER_FIX, IncomingWebhook, KEEP_ANSWER_BYTES, REGISTER_FIX, SECRET_FIX,
    WEBHOOKS_PATH, outcome, url,
};
use crate::check::{Finding, Report, Step, Subject, told};
use crate::client::{Client, Reply};
use crate::outcome::diagnosis;
use crate::request::read_url;
use crate::target::Target;

/// Adds what Azure DevOps says.
pub(crate) async fn check(client: &Client, subject: &Subject<'_>, report: &mut Report) {
    let called = match unknown_webhook(&subject.target, subject.probe_name) {
        Ok(called) => called,
        Err(found) => return report.push(Finding::failed(Step::Receiver, found)),
    };
    let signer = subject.signer;
    let signed = signer.as_ref().map(|signer| (signer, Preset::AzureDevops));
    let call = match subject.call(called.clone(), &[], &Bytes::from_static(b"{}"), signed) {
        Ok(call) => call,
        Err(found) => return report.push(Finding::failed(Step::Receiver, found)),
    };
    let profile = subject.probe_profile(KEEP_ANSWER_BYTES);
    let reply = client.send(call, &profile).await.reply;
    let found = told(outcome(&reply, &subject.asked(&called)));
    match found {
        Some(found) if found.reason == Reason::AzureWebhookUnknown => {
            report.push(Finding::ok(
                Step::Receiver,
                "Azure DevOps answers for this organization, and knows no webhook of a random \
                 name: organization and path are right.",
            ));
            for finding in unknown() {
                report.push(finding);
            }
        }
        Some(found) => {
            let found = subject.of_stranger(found, &reply);
            report.push(Finding::failed(Step::Receiver, found));
        }
        None => report.push(Finding::failed(Step::Receiver, stranger(&reply, subject))),
    }
}

/// The address of a webhook that nobody has, in the organization that `target` names.
fn unknown_webhook(target: &Target, name: &str) -> Result<Target, Diagnosis> {
    let path = target.path();
    let (before, _) = path.split_once(WEBHOOKS_PATH).unwrap_or((path, ""));
    let (base, organization) = before
        .trim_end_matches('/')
        .rsplit_once('/')
        .unwrap_or_default();
    let organization = percent_encoding::percent_decode_str(organization).decode_utf8_lossy();
    let base_url = format!("{}{base}", target.origin());
    let called = url(&IncomingWebhook {
        base_url: &base_url,
        api_version: DEFAULT_API_VERSION,
        org: &organization,
        webhook: name,
    })?;
    read_url(&called)
}

/// What only a real call would show, each with what to do if it fails.
fn unknown() -> [Finding; 3] {
    [
        Finding::unknown_but(
            Step::Webhook,
            diagnosis(
                Reason::AzureWebhookUnknown,
                "Whether the action's webhook is registered cannot be known without a call that \
                 may start pipelines.",
                REGISTER_FIX,
            ),
        ),
        Finding::unknown_but(
            Step::Signature,
            diagnosis(
                Reason::AzureSignatureHeaderMissing,
                "Which header the service connection reads cannot be known without a \
                 call that may start pipelines.",
                HEADER_FIX,
            ),
        ),
        Finding::unknown_but(
            Step::Signature,
            diagnosis(
                Reason::AzureSignatureMismatch,
                "Whether the service connection's secret is the one that signs cannot be known \
                 without a call that may start pipelines.",
                SECRET_FIX,
            ),
        ),
    ]
}

fn stranger(reply: &Reply, subject: &Subject<'_>) -> Diagnosis {
    subject.of_stranger(
        diagnosis(
            Reason::AzureWrongPath,
            "It took a call of a webhook that does not exist, so it is not Azure DevOps.",
            "Check the host and the organization's name in the URL.",
        ),
        reply,
    )
}
