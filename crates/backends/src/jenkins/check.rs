//! What Jenkins says to a call that can start nothing: the plugin judges address and signature
//! before the token, and no job has a random one. On request also to a real call, dry-run.

use std::collections::BTreeMap;

use bytes::Bytes;
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::outcome::Outcome;
use longshore_domain::signature::Preset;
use serde_json::Value;

use super::answer::{JobState, Said, read};
use super::{INVOKE_PATH, KEEP_ANSWER_BYTES, VERSION_HEADER, is_trigger_path, outcome, whitelist};
use crate::check::{CheckedJob, Finding, Report, Signer, Step, Subject, told};
use crate::client::{Client, Reply};
use crate::outcome::diagnosis;
use crate::quote::quote;
use crate::scrub::Scrubber;
use crate::target::Target;

/// The header that carries a job's token.
const TOKEN_HEADER: &str = "token";
/// The header by which the plugin only says what it would do (since 2.0).
const DRY_RUN_HEADER: &str = "gwt-dry-run";
/// How many jobs of a dry run are told.
const MAX_CHECKED_JOBS: usize = 20;
/// How many variables of a job are told.
const MAX_CHECKED_VARIABLES: usize = 100;

/// What a call with a random token came to.
enum Probe {
    /// Let in: no job has the token.
    LetIn { version: Option<String> },
    /// The plugin's allow-list refused it.
    NotAllowed(Diagnosis),
    /// Not the plugin's answer, or none.
    Foreign(Diagnosis),
    /// Jobs answered a token that was made up a moment ago.
    Started(Vec<String>),
}

/// Adds what the plugin says.
pub(crate) async fn check(client: &Client, subject: &Subject<'_>, report: &mut Report) {
    let called = match trigger(&subject.target) {
        Ok(called) => called,
        Err(found) => return report.push(Finding::failed(Step::Receiver, found)),
    };
    let signer = subject.signer;
    let first = probe(client, subject, &called, signer.as_ref()).await;
    let let_in = match first {
        Probe::Foreign(found) => {
            return report.push(Finding::failed(Step::Receiver, found));
        }
        Probe::Started(jobs) => {
            report.push(is_there(None));
            return report.push(Finding::failed(Step::Receiver, started_by_chance(&jobs)));
        }
        Probe::NotAllowed(found) => {
            report.push(is_there(None));
            refused(found, signer.is_some(), report);
            false
        }
        Probe::LetIn { version } => {
            report.push(is_there(version.as_deref()));
            report.push(Finding::ok(Step::Sender, "Jenkins lets our address in."));
            let unsigned = match signer {
                Some(_) => Some(probe(client, subject, &called, None).await),
                None => None,
            };
            report.push(signature(unsigned.as_ref()));
            true
        }
    };
    if let_in {
        dry_run(client, subject, &called, report).await;
    }
}

/// What stands before a job's name in its path.
const JOB_PATH: &str = "/job/";

/// The trigger's address: the given one, or that of the Jenkins that it names. A job's own address
/// is left at the job: Jenkins lets further segments follow what starts it.
fn trigger(target: &Target) -> Result<Target, Diagnosis> {
    if is_trigger_path(target.path()) {
        return Ok(target.clone());
    }
    let path = target.path();
    let root = path.split_once(JOB_PATH).map_or(path, |(root, _)| root);
    let root = root.trim_end_matches('/');
    crate::request::read_url(&format!("{}{root}{INVOKE_PATH}", target.origin()))
}

/// `called` without its query, where a token may stand.
fn without_query(called: &Target) -> Result<Target, Diagnosis> {
    crate::request::read_url(&format!("{}{}", called.origin(), called.path()))
}

async fn probe(
    client: &Client,
    subject: &Subject<'_>,
    called: &Target,
    signer: Option<&Signer<'_>>,
) -> Probe {
    let token = [(TOKEN_HEADER.to_owned(), subject.probe_name.to_owned())];
    let signed = signer.map(|signer| (signer, Preset::Jenkins));
    let call = without_query(called)
        .and_then(|target| subject.call(target, &token, &Bytes::from_static(b"{}"), signed));
    let call = match call {
        Ok(call) => call,
        Err(found) => return Probe::Foreign(found),
    };
    let profile = subject.probe_profile(KEEP_ANSWER_BYTES);
    let reply = client.send(call, &profile).await.reply;
    let Reply::Answered(answer) = &reply else {
        return Probe::Foreign(foreign(&reply, called, subject));
    };
    match read(&answer.body) {
        Said::NoJob { .. } => Probe::LetIn {
            version: answer
                .headers
                .get(VERSION_HEADER)
                .map(|value| quote(&String::from_utf8_lossy(value.as_bytes()))),
        },
        Said::NotAllowed { message } => Probe::NotAllowed(whitelist::refused(&message)),
        Said::Jobs(jobs) => Probe::Started(jobs.iter().map(|job| quote(&job.name)).collect()),
        Said::BodyUnreadable | Said::Empty | Said::Other => {
            Probe::Foreign(foreign(&reply, called, subject))
        }
    }
}

fn foreign(reply: &Reply, called: &Target, subject: &Subject<'_>) -> Diagnosis {
    let found = told(outcome(reply, &subject.asked(called))).unwrap_or_else(|| {
        diagnosis(
            Reason::JenkinsUnexpectedAnswer,
            "It answered, but not as the Generic Webhook Trigger does.",
            "Check that the action's URL ends in /generic-webhook-trigger/invoke.",
        )
    });
    subject.of_stranger(found, reply)
}

fn is_there(version: Option<&str>) -> Finding {
    let jenkins = version.map_or_else(String::new, |version| format!(" of Jenkins {version}"));
    Finding::ok(
        Step::Receiver,
        format!("The Generic Webhook Trigger{jenkins} answers at this address."),
    )
}

fn started_by_chance(jobs: &[String]) -> Diagnosis {
    diagnosis(
        Reason::JenkinsUnexpectedAnswer,
        format!(
            "Jobs answered a token that nobody has: {}.",
            jobs.join(", ")
        ),
        "Look into Jenkins' log and at these jobs' builds; something between changes the token.",
    )
}

/// An entry of the list whose host matched says something about the signature as well.
fn refused(found: Diagnosis, signed: bool, report: &mut Report) {
    if found.reason == Reason::JenkinsSenderNotAllowed {
        report.push(Finding::failed(Step::Sender, found));
        report.push(Finding::unknown(
            Step::Signature,
            "Jenkins judges the signature only of a sender that it lets in.",
        ));
        return;
    }
    report.push(Finding::ok(Step::Sender, "Jenkins lets our address in."));
    if signed {
        report.push(Finding::failed(Step::Signature, found));
    } else {
        report.push(Finding::unknown(
            Step::Signature,
            "Jenkins asks for a signature; without the signing secret ours cannot be judged.",
        ));
    }
}

/// What a second call, without a signature, shows about the first; `None` where there was none.
fn signature(unsigned: Option<&Probe>) -> Finding {
    match unsigned {
        None => Finding::warning(Step::Signature, not_asked_for()),
        Some(Probe::NotAllowed(_)) => Finding::ok(
            Step::Signature,
            "Jenkins computes the same signature, and refuses a call without one.",
        ),
        Some(Probe::LetIn { .. }) => Finding::warning(Step::Signature, not_asked_for()),
        Some(Probe::Foreign(_) | Probe::Started(_)) => Finding::unknown(
            Step::Signature,
            "A second call, without a signature, was not answered, so it is not known whether \
             Jenkins asks for one.",
        ),
    }
}

fn not_asked_for() -> Diagnosis {
    diagnosis(
        Reason::JenkinsSignatureNotRequired,
        "Jenkins takes a call without a signature as well: whoever knows a job's token can start \
         it.",
        "In Jenkins, Manage Jenkins → System → Generic Webhook Trigger: enable the whitelist, and \
         give every entry HMAC with the header X-Port-Signature, HmacSHA1 and the signing secret. \
         An entry without HMAC lets every call from its host in.",
    )
}

/// Asks which jobs a real call would start, and with which variables.
async fn dry_run(client: &Client, subject: &Subject<'_>, called: &Target, report: &mut Report) {
    let Some(asked) = subject.dry_run else {
        return report.push(Finding::unknown(
            Step::DryRun,
            "Whether a job has the action's token, and its filter matches, only a dry run tells.",
        ));
    };
    let mut headers = asked.headers.to_vec();
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case(DRY_RUN_HEADER));
    headers.push((DRY_RUN_HEADER.to_owned(), "true".to_owned()));
    let signed = subject
        .signer
        .as_ref()
        .map(|signer| (signer, Preset::Jenkins));
    let call = match subject.call(called.clone(), &headers, asked.body, signed) {
        Ok(call) => call,
        Err(found) => return report.push(Finding::failed(Step::DryRun, found)),
    };
    let profile = subject.probe_profile(KEEP_ANSWER_BYTES);
    let reply = client.send(call, &profile).await.reply;
    let secrets = asked
        .headers
        .iter()
        .map(|(_, value)| value.as_str())
        .chain(asked.secrets.iter().copied())
        .chain(subject.signer.iter().map(|signer| signer.secret));
    let scrubber = Scrubber::new(secrets);
    let made = scrubber.scrub_outcome(outcome(&reply, &subject.asked(called)));
    if let Reply::Answered(answer) = &reply
        && let Said::Jobs(jobs) = read(&answer.body)
    {
        let variables = variables(&answer.body);
        report.jobs = jobs
            .iter()
            .take(MAX_CHECKED_JOBS)
            .map(|job| checked(job, &variables, &scrubber))
            .collect();
        let really: Vec<String> = jobs
            .iter()
            .filter(|job| matches!(job.state, JobState::Started { id, .. } if id > 0))
            .map(|job| quote(&job.name))
            .collect();
        if !really.is_empty() {
            return report.push(Finding::failed(Step::DryRun, started_for_real(&really)));
        }
    }
    report.push(match made {
        Outcome::Accepted(acceptance) => match acceptance.warning {
            Some(found) => Finding::warning(Step::DryRun, subject.of_jobs(found, &reply)),
            None => Finding::ok(Step::DryRun, "The call would start the job below."),
        },
        Outcome::Retry(retry) => {
            Finding::failed(Step::DryRun, subject.of_jobs(retry.diagnosis, &reply))
        }
        Outcome::Unknown(found) | Outcome::Refused(found) => {
            Finding::failed(Step::DryRun, subject.of_jobs(found, &reply))
        }
    });
}

fn started_for_real(jobs: &[String]) -> Diagnosis {
    diagnosis(
        Reason::JenkinsUnexpectedAnswer,
        format!(
            "This plugin knows no dry run, and has started {}.",
            jobs.join(", ")
        ),
        "Update the Generic Webhook Trigger plugin, and do not ask for a dry run until then.",
    )
}

impl Subject<'_> {
    /// What the plugin itself says is told in full.
    fn of_jobs(&self, found: Diagnosis, reply: &Reply) -> Diagnosis {
        let own = matches!(reply, Reply::Answered(answer)
            if !matches!(read(&answer.body), Said::Empty | Said::Other));
        if own {
            found
        } else {
            self.of_stranger(found, reply)
        }
    }
}

type Variables = BTreeMap<String, BTreeMap<String, String>>;

/// The variables of each job of an answer.
fn variables(body: &[u8]) -> Variables {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Variables::new();
    };
    let jobs = answer
        .get("jobs")
        .or_else(|| answer.pointer("/data/triggerResults"))
        .and_then(Value::as_object);
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let of_job = |result: &Value| {
        let resolved = result.get("resolvedVariables").and_then(Value::as_object);
        let pairs = resolved.into_iter().flatten().take(MAX_CHECKED_VARIABLES);
        pairs
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    };
    jobs.into_iter()
        .flatten()
        .map(|(name, result)| (name.clone(), of_job(result)))
        .collect()
}

fn checked(job: &super::answer::Job, variables: &Variables, scrubber: &Scrubber) -> CheckedJob {
    let (triggered, expression, text) = match &job.state {
        JobState::Started { .. } => (true, "", ""),
        JobState::NotStarted { expression, text } => (false, expression.as_str(), text.as_str()),
        JobState::Failed(_) => (false, "", ""),
    };
    let told = |text: &str| quote(&scrubber.scrub_text(text));
    CheckedJob {
        name: told(&job.name),
        triggered,
        filter_expression: told(expression),
        filter_text: told(text),
        variables: variables
            .get(&job.name)
            .into_iter()
            .flatten()
            .map(|(name, value)| (told(name), told(value)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trigger_is_that_of_the_jenkins_and_never_a_jobs_own_address() {
        let invoke = "https://ci/jenkins/generic-webhook-trigger/invoke";
        for (given, called) in [
            ("https://ci/jenkins", invoke),
            ("https://ci/jenkins/", invoke),
            (
                "https://ci/jenkins/job/a/buildWithParameters?token=x",
                invoke,
            ),
            ("https://ci/jenkins/job/f/job/a/build", invoke),
            ("https://ci", "https://ci/generic-webhook-trigger/invoke"),
            ("https://ci/jenkins/generic-webhook-trigger/invoke", invoke),
        ] {
            let called_here = trigger(&Target::parse(given).unwrap()).unwrap();
            let expected = Target::parse(called).unwrap();
            assert_eq!(called_here.path(), expected.path(), "{given}");
        }
    }
}
