//! What the plugin's answers mean. Its own rows go first, whatever the status; the common ones
//! hold for the rest.

use http::StatusCode;
use http::header::LOCATION;
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::outcome::{Acceptance, Outcome};

use super::answer::{Job, JobState, Said, read};
use super::whitelist;
use super::{TRIGGER_PATH, VERSION_HEADER};
use crate::client::{Answer, Reply};
use crate::outcome::{
    Asked, body_warning, by_common_rows, by_failure_status, by_status, diagnosis, retry, said,
};
use crate::quote::{is_html, quote};
use crate::target::Target;

/// How many jobs a message tells about.
const MAX_TOLD_JOBS: usize = 5;
/// How many links a run keeps of one answer.
const MAX_LINKS: usize = 20;
/// The longest link that is kept.
const MAX_LINK_BYTES: usize = 2048;

/// What a call came to.
#[must_use]
pub fn outcome(reply: &Reply, asked: &Asked<'_>) -> Outcome {
    let Reply::Answered(answer) = reply else {
        return by_common_rows(reply, asked);
    };
    match read(&answer.body) {
        Said::Jobs(jobs) => by_jobs(&jobs, answer, asked),
        Said::NoJob { message } => Outcome::Refused(no_job(&message, asked)),
        Said::NotAllowed { message } => Outcome::Refused(whitelist::refused(&message)),
        Said::BodyUnreadable if !answer.status.is_success() => retry(failed(answer, asked)),
        Said::Empty if answer.status == StatusCode::OK => accepted_silently(answer, asked),
        Said::Empty | Said::Other | Said::BodyUnreadable => by_foreign_answer(answer, asked),
    }
}

fn by_jobs(jobs: &[Job], answer: &Answer, asked: &Asked<'_>) -> Outcome {
    let started: Vec<&Job> = jobs
        .iter()
        .filter(|job| matches!(job.state, JobState::Started { .. }))
        .collect();
    let failed: Vec<&Job> = jobs
        .iter()
        .filter(|job| matches!(job.state, JobState::Failed(_)))
        .collect();
    if !started.is_empty() {
        let warning = if !failed.is_empty() {
            Some(some_failed(&started, &failed))
        } else if jobs.len() > 1 {
            Some(several(&started, jobs))
        } else {
            body_warning(answer, asked)
        };
        return Outcome::Accepted(Acceptance {
            warning,
            external_run_id: started.iter().find_map(|job| queue_id(job)),
            links: links(&started, asked.target),
        });
    }
    if failed.is_empty() {
        return Outcome::Refused(none_matched(jobs));
    }
    // No job that the answer names was started, so a repeat does no harm.
    retry(all_failed(&failed))
}

fn queue_id(job: &Job) -> Option<String> {
    match job.state {
        JobState::Started { id, .. } if id > 0 => Some(id.to_string()),
        _ => None,
    }
}

/// The pages of what was started, made absolute by Jenkins' URL as it was called.
fn links(started: &[&Job], target: &Target) -> Vec<String> {
    let mut root = target.url().clone();
    root.set_query(None);
    root.set_fragment(None);
    let context = target
        .path()
        .rsplit_once(TRIGGER_PATH)
        .map_or("", |(context, _)| context);
    root.set_path(&format!("{context}/"));
    started
        .iter()
        .filter_map(|job| match &job.state {
            JobState::Started { url, .. } if !url.is_empty() => root.join(url).ok(),
            _ => None,
        })
        .filter(|link| matches!(link.scheme(), "http" | "https"))
        .filter(|link| link.username().is_empty() && link.password().is_none())
        .map(String::from)
        .filter(|link| link.len() <= MAX_LINK_BYTES)
        .take(MAX_LINKS)
        .collect()
}

fn names(jobs: &[&Job]) -> String {
    let told: Vec<String> = jobs
        .iter()
        .take(MAX_TOLD_JOBS)
        .map(|job| format!("\"{}\"", quote(&job.name)))
        .collect();
    let more = jobs.len().saturating_sub(MAX_TOLD_JOBS);
    match more {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
    }
}

fn several(started: &[&Job], jobs: &[Job]) -> Diagnosis {
    let all: Vec<&Job> = jobs.iter().collect();
    let count = jobs.len();
    diagnosis(
        Reason::JenkinsSeveralJobs,
        format!(
            "{count} Jenkins jobs answer this token: {}. Started: {}.",
            names(&all),
            names(started)
        ),
        "A token starts every job that has it. Give each job a token of its own, unless this is \
         meant; only one of them can report on this run.",
    )
}

fn some_failed(started: &[&Job], failed: &[&Job]) -> Diagnosis {
    diagnosis(
        Reason::JenkinsSomeJobsFailed,
        format!("Started: {}. Failed: {}", names(started), failures(failed)),
        FAILED_FIX,
    )
}

fn all_failed(failed: &[&Job]) -> Diagnosis {
    diagnosis(
        Reason::JenkinsJobsFailed,
        format!("No Jenkins job was started. {}", failures(failed)),
        FAILED_FIX,
    )
}

const FAILED_FIX: &str = "Jenkins' own log has the full stack trace. An invalid regular \
    expression in the trigger's header or request variables, or in its filter, is the usual cause: \
    correct it in the job's configuration or Jenkinsfile.";

fn failures(failed: &[&Job]) -> String {
    let told: Vec<String> = failed
        .iter()
        .take(MAX_TOLD_JOBS)
        .map(|job| match &job.state {
            JobState::Failed(text) => format!("\"{}\": {}", quote(&job.name), quote(text)),
            _ => format!("\"{}\"", quote(&job.name)),
        })
        .collect();
    told.join("; ")
}

fn none_matched(jobs: &[Job]) -> Diagnosis {
    let mut filtered = Vec::new();
    let mut unfiltered = Vec::new();
    let mut unresolved = false;
    for job in jobs {
        match &job.state {
            JobState::NotStarted { expression, text }
                if !expression.is_empty() || !text.is_empty() =>
            {
                unresolved |= holds_variable(text);
                filtered.push((&job.name, expression, text));
            }
            _ => unfiltered.push(job),
        }
    }
    if filtered.is_empty() {
        return diagnosis(
            Reason::JenkinsJobNotBuildable,
            format!(
                "Jenkins started nothing: {} cannot be built now.",
                names(&unfiltered)
            ),
            "Enable the job in Jenkins; a disabled job, or one that the queue refuses, is \
             answered this way.",
        );
    }
    let told: Vec<String> = filtered
        .iter()
        .take(MAX_TOLD_JOBS)
        .map(|(name, expression, text)| {
            let (name, expression, text) = (quote(name), quote(expression), quote(text));
            format!("job \"{name}\": the filter \"{expression}\" does not match \"{text}\"")
        })
        .collect();
    let mut fix = "Compare the trigger's regexpFilterExpression (a regular expression) with its \
        regexpFilterText (the text it is looked for in) and with the payload that the action \
        sends; if they match, the job is disabled."
        .to_owned();
    if unresolved {
        fix.push_str(
            " The text still holds a $name: that variable was not resolved. Check its JSONPath; \
             its key is written without the $.",
        );
    }
    diagnosis(
        Reason::JenkinsFilterMismatch,
        format!("Jenkins started nothing: {}.", told.join("; ")),
        fix,
    )
}

fn holds_variable(text: &str) -> bool {
    text.split('$')
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '{'))
}

fn no_job(message: &str, asked: &Asked<'_>) -> Diagnosis {
    let host = asked.target.host_and_port();
    if message.contains("No token was supplied") {
        return diagnosis(
            Reason::JenkinsTokenMissing,
            format!("{host}: no token was sent, and no job without a token may be started."),
            "Send the job's token in the header `token` of the action (or as `Authorization: Bearer \
             TOKEN`, with a capital B and one blank). An empty ?token= in the URL hides a token in a \
             header: remove it.",
        );
    }
    diagnosis(
        Reason::JenkinsNoJobForToken,
        format!("{host}: no Jenkins job with this token has the Generic Webhook Trigger."),
        "A trigger declared in a Jenkinsfile exists only after the pipeline has run once (in a \
         multibranch project: each branch's): run it once by hand. Then compare the token with \
         the job's configuration page, letter by letter; save the job once if it was made by \
         API, CLI or Job DSL.",
    )
}

fn accepted_silently(answer: &Answer, asked: &Asked<'_>) -> Outcome {
    let host = asked.target.host_and_port();
    let warning = body_warning(answer, asked).unwrap_or_else(|| {
        diagnosis(
            Reason::JenkinsSilentAnswer,
            format!("{host} answered 200 without a body: a silent job, or every job failed."),
            "If no build appears, look into Jenkins' log. Switch off \"silent response\" in the \
             job's trigger to see what becomes of each call.",
        )
    });
    Outcome::Accepted(Acceptance {
        warning: Some(warning),
        ..Acceptance::default()
    })
}

/// An answer that is not the plugin's: Jenkins' own pages, a proxy's, or a cut one.
fn by_foreign_answer(answer: &Answer, asked: &Asked<'_>) -> Outcome {
    let status = answer.status;
    match status.as_u16() {
        200..=299 => accepted_by_stranger(answer, asked),
        401 => Outcome::Refused(unauthorized(answer, asked)),
        403 => Outcome::Refused(forbidden(answer, asked)),
        404 => Outcome::Refused(wrong_path(answer, asked)),
        300..=399 => by_failure_status(answer, asked, redirected(answer, asked)),
        503 if is_starting(answer) => retry(starting(answer, asked)),
        500 => by_failure_status(answer, asked, failed(answer, asked)),
        _ => by_status(answer, asked),
    }
}

fn accepted_by_stranger(answer: &Answer, asked: &Asked<'_>) -> Outcome {
    let started = (answer.status == StatusCode::CREATED).then(|| queue_item(answer, asked.target));
    if let Some((id, link)) = started.flatten() {
        return Outcome::Accepted(Acceptance {
            warning: body_warning(answer, asked),
            external_run_id: Some(id),
            links: vec![link],
        });
    }
    let page = is_html(&answer.headers, &answer.body);
    let warning = body_warning(answer, asked)
        .or_else(|| (page || !answer.body.is_empty()).then(|| unexpected(answer, asked, page)));
    Outcome::Accepted(Acceptance {
        warning,
        ..Acceptance::default()
    })
}

/// What `buildWithParameters` answers: 201, and the queue item in `Location`.
fn queue_item(answer: &Answer, target: &Target) -> Option<(String, String)> {
    let location = answer.headers.get(LOCATION)?.to_str().ok()?;
    let link = target.url().join(location).ok()?;
    let (_, rest) = link.path().rsplit_once("/queue/item/")?;
    let id: u64 = rest.trim_end_matches('/').parse().ok()?;
    let shown = matches!(link.scheme(), "http" | "https") && location.len() <= MAX_LINK_BYTES;
    shown.then(|| (id.to_string(), String::from(link)))
}

fn unexpected(answer: &Answer, asked: &Asked<'_>, page: bool) -> Diagnosis {
    let fix = if page {
        "This looks like a sign-in page or a proxy's page, so nothing may have started. The \
         action's URL must be Jenkins' own URL followed by /generic-webhook-trigger/invoke, and \
         a proxy before it must let the call pass."
    } else {
        "Check that the action's URL ends in /generic-webhook-trigger/invoke."
    };
    diagnosis(
        Reason::JenkinsUnexpectedAnswer,
        format!(
            "{} This is not an answer of the Generic Webhook Trigger.",
            said(answer, asked)
        ),
        fix,
    )
}

fn unauthorized(answer: &Answer, asked: &Asked<'_>) -> Diagnosis {
    diagnosis(
        Reason::CredentialsRefused,
        said(answer, asked),
        "Jenkins, or a proxy before it, refused the Authorization header. With a token the \
         trigger needs no login: remove the header from the action, or correct user and API \
         token.",
    )
}

fn forbidden(answer: &Answer, asked: &Asked<'_>) -> Diagnosis {
    let page = String::from_utf8_lossy(&answer.body);
    let told = said(answer, asked);
    if page.contains("No valid crumb") {
        return diagnosis(
            Reason::JenkinsWrongPath,
            told,
            "The path is wrong, or the Generic Webhook Trigger plugin is not installed: Jenkins \
             asks for a crumb everywhere but at /generic-webhook-trigger/invoke, below its own \
             URL (with its prefix, such as /jenkins).",
        );
    }
    if answer.headers.contains_key(VERSION_HEADER) {
        return diagnosis(
            Reason::JenkinsWrongPath,
            told,
            "Jenkins' login refused this path. The trigger at /generic-webhook-trigger/invoke \
             needs no login: check the URL, and that the plugin is installed.",
        );
    }
    diagnosis(
        Reason::RequestRefused,
        told,
        "This page is not from Jenkins: a proxy or firewall before it refused the call. Let \
         Longshore's egress addresses pass.",
    )
}

fn wrong_path(answer: &Answer, asked: &Asked<'_>) -> Diagnosis {
    diagnosis(
        Reason::JenkinsWrongPath,
        said(answer, asked),
        "Nothing is at this path: the URL must be Jenkins' own URL (with its prefix, such as \
         /jenkins) followed by /generic-webhook-trigger/invoke, and the Generic Webhook Trigger \
         plugin must be installed.",
    )
}

fn redirected(answer: &Answer, asked: &Asked<'_>) -> Diagnosis {
    let place = crate::outcome::location(answer, asked.target).unwrap_or_default();
    let host = asked.target.host_and_port();
    let fix = if place.contains("login") || place.contains("securityRealm") {
        "Jenkins asks to sign in, so this is not the trigger's path: the URL must end in \
         /generic-webhook-trigger/invoke, and the plugin must be installed."
    } else {
        "Redirects are never followed. Put the final URL into the action; a redirect from http \
         to https is the usual cause."
    };
    diagnosis(
        Reason::Redirected,
        format!("{host} answered {} and points to {place}.", answer.status),
        fix,
    )
}

/// Jenkins' pages while it cannot take calls.
fn is_starting(answer: &Answer) -> bool {
    let page = String::from_utf8_lossy(&answer.body);
    [
        "getting ready to work",
        "is restarting",
        "Jenkins is going to shut down",
    ]
    .iter()
    .any(|text| page.contains(text))
}

fn starting(answer: &Answer, asked: &Asked<'_>) -> Diagnosis {
    diagnosis(
        Reason::JenkinsStarting,
        said(answer, asked),
        "Nothing to do: it is sent again when Jenkins is up.",
    )
}

fn failed(answer: &Answer, asked: &Asked<'_>) -> Diagnosis {
    diagnosis(
        Reason::ReceiverFailed,
        said(answer, asked),
        "Jenkins' own log tells more. Known causes: an HMAC credential that is empty, an unknown \
         HMAC algorithm, a variable of the trigger named \"null\".",
    )
}
