//! Looks at a receiver beforehand: the way to it, its certificate, and what a check is made of. What
//! a receiver says to a call that cannot start anything stands in its own module.

mod certificate;
mod finding;
mod network;
mod text;

use bytes::Bytes;
use longshore_domain::delivery::Receiver;
use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::outcome::{Outcome, Repeat};
use longshore_domain::signature::{Preset, sign};
use longshore_domain::time::Timestamp;

use crate::client::{Answer, Call, CallProfile, Client, Reply};
use crate::outcome::Asked;
use crate::quote::quote;
use crate::request::{Envelope, SignatureHeader};
use crate::target::Target;
use crate::webhook::{self, Webhook};

pub use finding::{CheckedJob, Finding, Report, Step, Verdict};

/// What a check is about, and with what it is made.
pub struct Subject<'a> {
    /// The receiver's address, or that of the server that it is part of.
    pub target: Target,
    /// What it is, where that is known; else the address, and then the server itself, tell.
    pub receiver: Option<Receiver>,
    /// How calls to it are made.
    pub profile: CallProfile,
    /// What signs its calls; without it no signature is judged.
    pub signer: Option<Signer<'a>>,
    /// The instant.
    pub now: Timestamp,
    /// A random name that nothing at the receiver has: its token, or its webhook. URL-safe.
    pub probe_name: &'a str,
    /// How much of the network and of strangers' answers may be told.
    pub disclosure: Disclosure,
    /// A real call of which Jenkins shall only say what it would start.
    pub dry_run: Option<DryRun<'a>>,
}

/// What signs the calls to a receiver.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The form; `None` for that of the receiver.
    pub preset: Option<Preset>,
    /// The secret.
    pub secret: &'a str,
    /// The header that carries the signature.
    pub header: &'a str,
    /// What stands before it.
    pub prefix: &'a str,
}

/// A call as an action would make it.
#[derive(Clone, Copy)]
pub struct DryRun<'a> {
    /// The action's headers, the job's token among them.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a Bytes,
    /// What must not be told of either; the headers' values are not in any case.
    pub secrets: &'a [&'a str],
}

/// Who reads the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// Whoever runs the program on its machine: everything.
    Operator,
    /// Whoever holds an API credential: no address that the network rules forbid, and of answers
    /// that are not the receiver's own their status and content type alone.
    Api,
}

/// A report of the way to the receiver, and whether a call would arrive.
pub(crate) async fn on_the_way(client: &Client, subject: &Subject<'_>) -> (Report, bool) {
    let mut report = Report::new(&subject.target);
    let arrives = network::check(client, subject, &mut report).await;
    (report, arrives)
}

impl Subject<'_> {
    /// A call of the check, signed where `signed` says so and there is something to sign with.
    pub(crate) fn call(
        &self,
        target: Target,
        headers: &[(String, String)],
        body: &Bytes,
        signed: Option<(&Signer<'_>, Preset)>,
    ) -> Result<Call, Diagnosis> {
        let value = signed.map(|(signer, own)| {
            let preset = signer.preset.unwrap_or(own);
            sign(
                preset,
                signer.secret.as_bytes(),
                self.now.as_seconds(),
                body,
            )
        });
        let header = match (signed, &value) {
            (Some((signer, _)), Some(value)) => SignatureHeader {
                name: signer.header,
                prefix: signer.prefix,
                value,
            },
            _ => SignatureHeader::usual(""),
        };
        let envelope = Envelope {
            // The receiver's log shows by these that it was no run.
            run_id: CHECK_NAME,
            delivery_id: CHECK_NAME,
            attempt: 1,
            timestamp: self.now,
            signature: header,
        };
        let webhook = Webhook {
            method: None,
            headers,
            body,
        };
        let mut call = webhook::request(target, &webhook, &envelope)?;
        if value.is_none() {
            call.headers.remove(header.name);
        }
        Ok(call)
    }

    /// The profile of the check's calls: a repeat does no harm, the answer is read to its end.
    pub(crate) fn probe_profile(&self, keep_answer_bytes: usize) -> CallProfile {
        CallProfile {
            repeat: Repeat::Allowed,
            keep_answer_bytes,
            ..self.profile.clone()
        }
    }

    pub(crate) fn asked<'t>(&self, target: &'t Target) -> Asked<'t> {
        Asked {
            target,
            repeat: Repeat::Allowed,
            synchronized: false,
            now: self.now,
        }
    }

    /// `found`, with no more of a stranger's answer than may be told.
    pub(crate) fn of_stranger(&self, found: Diagnosis, reply: &Reply) -> Diagnosis {
        match (self.disclosure, reply) {
            (Disclosure::Api, Reply::Answered(answer)) => Diagnosis {
                message: format!("It answered {}.", status_and_type(answer)),
                ..found
            },
            (Disclosure::Api, Reply::Forbidden(_)) => network::withheld(&self.target),
            _ => found,
        }
    }
}

/// What stands in the place of a run's and a delivery's id.
const CHECK_NAME: &str = "check";

fn status_and_type(answer: &Answer) -> String {
    let kind = answer
        .headers
        .get(http::header::CONTENT_TYPE)
        .map_or("no content type".to_owned(), |value| {
            quote(&String::from_utf8_lossy(value.as_bytes()))
        });
    format!("{} ({kind})", answer.status)
}

/// What an outcome tells, if it tells anything.
pub(crate) fn told(outcome: Outcome) -> Option<Diagnosis> {
    match outcome {
        Outcome::Accepted(acceptance) => acceptance.warning,
        Outcome::Retry(retry) => Some(retry.diagnosis),
        Outcome::Unknown(found) | Outcome::Refused(found) => Some(found),
    }
}
