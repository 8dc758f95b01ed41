//! From answer to outcome: every row of the two tables, and the diagnoses.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share fails like a test"
)]

use std::time::Duration;

use Receiver::{AzurePipelines, Jenkins, Webhook};
use Repeat::{Allowed, Harm};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use longshore_backends::client::{
    AddressClass, AddressFault, Answer, BodyEnd, NotSent, NotSentCause, Reply, Unanswered,
    UnansweredCause,
};
use longshore_backends::outcome::Asked;
use longshore_backends::receiver;
use longshore_backends::scrub::Scrubber;
use longshore_backends::target::Target;
use longshore_domain::delivery::Receiver;
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::outcome::{Acceptance, Outcome, Repeat};
use longshore_domain::time::Timestamp;

const ALL: [Receiver; 3] = [Jenkins, AzurePipelines, Webhook];
const BOTH: [Repeat; 2] = [Allowed, Harm];

fn url(receiver: Receiver) -> &'static str {
    match receiver {
        Jenkins => "https://ci.example/jenkins/generic-webhook-trigger/invoke?token=S3CR3T",
        AzurePipelines => "https://dev.azure.com/o/_apis/public/distributedtask/webhooks/w",
        _ => "https://hooks.example/x?token=S3CR3T",
    }
}

fn judge(receiver: Receiver, reply: &Reply, repeat: Repeat, synchronized: bool) -> Outcome {
    let target = Target::parse(url(receiver)).unwrap();
    let asked = Asked {
        target: &target,
        repeat,
        synchronized,
        now: Timestamp::from_micros(784_111_777_000_000),
    };
    let outcome = receiver::outcome(receiver, reply, &asked);
    let shown = format!("{outcome:?}");
    assert!(!shown.contains("S3CR3T"), "{shown}");
    if let Some(found) = diagnosis_of(&outcome) {
        assert!(!found.message.is_empty() && !found.fix.is_empty());
        assert!(found.message.len() < 8_000, "{}", found.message.len());
    }
    outcome
}

fn diagnosis_of(outcome: &Outcome) -> Option<&Diagnosis> {
    match outcome {
        Outcome::Accepted(accepted) => accepted.warning.as_ref(),
        Outcome::Retry(retry) => Some(&retry.diagnosis),
        Outcome::Unknown(found) | Outcome::Refused(found) => Some(found),
    }
}

/// The kind of an outcome, and the reason it tells.
fn kind(outcome: &Outcome) -> (&'static str, Option<Reason>) {
    let kind = match outcome {
        Outcome::Accepted(_) => "accepted",
        Outcome::Retry(retry) if retry.uses_attempt => "retry",
        Outcome::Retry(_) => "wait",
        Outcome::Unknown(_) => "unknown",
        Outcome::Refused(_) => "refused",
    };
    (kind, diagnosis_of(outcome).map(|found| found.reason))
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    Reply::Answered(Answer::new(status, headers, Bytes::from(body.to_owned())))
}

fn accepted(outcome: Outcome) -> Acceptance {
    match outcome {
        Outcome::Accepted(accepted) => accepted,
        other => panic!("not accepted: {other:?}"),
    }
}

fn refused(outcome: Outcome) -> Diagnosis {
    match outcome {
        Outcome::Refused(found) => found,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn what_failed_before_the_first_byte_is_tried_again_by_everybody() {
    let table = [
        (NotSentCause::Dns, Reason::DnsFailed),
        (NotSentCause::Refused, Reason::ConnectionRefused),
        (NotSentCause::Unreachable, Reason::HostUnreachable),
        (NotSentCause::ConnectTimeout, Reason::ConnectTimeout),
        (NotSentCause::Closed, Reason::ConnectionClosed),
        (NotSentCause::Local, Reason::LocalNetworkFailed),
        (NotSentCause::Proxy, Reason::ProxyFailed),
        (NotSentCause::TlsUntrusted, Reason::TlsUntrusted),
        (NotSentCause::TlsName, Reason::TlsNameMismatch),
        (NotSentCause::TlsExpired, Reason::TlsExpired),
        (
            NotSentCause::TlsClientCertificate,
            Reason::TlsClientCertificate,
        ),
        (NotSentCause::Tls, Reason::TlsFailed),
    ];
    for (cause, reason) in table {
        let reply = Reply::NotSent(NotSent {
            cause,
            detail: "os error".to_owned(),
        });
        for receiver in ALL {
            for repeat in BOTH {
                let outcome = judge(receiver, &reply, repeat, false);
                assert_eq!(kind(&outcome), ("retry", Some(reason)));
            }
        }
    }
}

#[test]
fn a_forbidden_address_is_refused_and_an_answer_that_never_came_is_unknown() {
    for receiver in ALL {
        for repeat in BOTH {
            let fault = AddressFault {
                address: "10.0.0.1".parse().unwrap(),
                class: AddressClass::Private,
            };
            let outcome = judge(receiver, &Reply::Forbidden(fault), repeat, false);
            assert_eq!(kind(&outcome), ("refused", Some(Reason::AddressForbidden)));
            assert!(refused(outcome).fix.contains("network.allow"));
            for (cause, reason) in [
                (UnansweredCause::Timeout, Reason::AnswerTimeout),
                (UnansweredCause::Reset, Reason::AnswerLost),
                (UnansweredCause::Garbage, Reason::AnswerInvalid),
            ] {
                let reply = Reply::Unanswered(Unanswered {
                    cause,
                    detail: String::new(),
                });
                let outcome = judge(receiver, &reply, repeat, false);
                assert_eq!(kind(&outcome), ("unknown", Some(reason)));
            }
        }
    }
}

/// Status, headers, and the outcomes where a repeat is allowed and where it is harm.
type StatusRow = (
    u16,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
);

#[test]
fn statuses_follow_the_common_rows_for_every_receiver() {
    const WAIT: &[(&str, &str)] = &[("Retry-After", "120")];
    let table: &[StatusRow] = &[
        (201, &[], "accepted", "accepted"),
        (202, WAIT, "accepted", "accepted"),
        (204, &[], "accepted", "accepted"),
        (429, &[], "wait", "wait"),
        (429, WAIT, "wait", "wait"),
        (503, WAIT, "wait", "wait"),
        (503, &[("Retry-After", "soon")], "retry", "unknown"),
        (503, &[], "retry", "unknown"),
        (408, &[], "retry", "unknown"),
        (502, WAIT, "retry", "unknown"),
        (504, &[], "retry", "unknown"),
        (500, &[], "retry", "unknown"),
        (501, &[], "retry", "unknown"),
        (599, &[], "retry", "unknown"),
        (300, &[], "refused", "refused"),
        (301, &[], "refused", "refused"),
        (
            302,
            &[("Location", "https://x.example/?S3CR3T")],
            "refused",
            "refused",
        ),
        (307, &[], "refused", "refused"),
        (400, &[], "refused", "refused"),
        (401, &[], "refused", "refused"),
        (403, &[], "refused", "refused"),
        (404, &[], "refused", "refused"),
        (407, &[], "refused", "refused"),
        (409, &[], "refused", "refused"),
        (410, &[], "refused", "refused"),
        (413, &[], "refused", "refused"),
        (422, WAIT, "refused", "refused"),
    ];
    for (status, headers, allowed, harm) in table {
        for receiver in ALL {
            let reply = answer(*status, headers, "");
            for (repeat, expected) in [(Allowed, allowed), (Harm, harm)] {
                let outcome = judge(receiver, &reply, repeat, false);
                assert_eq!(
                    kind(&outcome).0,
                    *expected,
                    "{status} {receiver:?} {repeat:?}"
                );
                if let Outcome::Retry(retry) = outcome {
                    let asked_for = headers.iter().any(|header| header == &WAIT[0]);
                    let expected = asked_for.then_some(Duration::from_secs(120));
                    assert_eq!(retry.retry_after, expected, "{status}");
                }
            }
        }
    }
}

#[test]
fn a_body_that_did_not_end_well_is_accepted_with_a_warning_where_somebody_waits_for_it() {
    let table = [
        (BodyEnd::Cut, true, Some(Reason::AnswerIncomplete)),
        (BodyEnd::Cut, false, Some(Reason::AnswerIncomplete)),
        (BodyEnd::TimedOut, false, Some(Reason::AnswerIncomplete)),
        (BodyEnd::TooLong, true, Some(Reason::AnswerTooLong)),
        (BodyEnd::TooLong, false, None),
        (BodyEnd::OverBudget, true, Some(Reason::AnswerTooLong)),
        (BodyEnd::OverBudget, false, None),
        (BodyEnd::Complete, true, None),
    ];
    for (end, synchronized, reason) in table {
        for repeat in BOTH {
            let body = Bytes::from_static(b"part");
            let reply = Answer::new(StatusCode::OK, HeaderMap::new(), body).ended(end);
            let outcome = judge(Webhook, &Reply::Answered(reply), repeat, synchronized);
            assert_eq!(
                kind(&outcome),
                ("accepted", reason),
                "{end:?} {synchronized}"
            );
        }
    }
}

fn job(name: &str, triggered: bool, expression: &str, text: &str, id: u64) -> String {
    let url = if triggered {
        format!("queue/item/{id}/")
    } else {
        String::new()
    };
    format!(
        r#""{name}":{{"regexpFilterExpression":"{expression}","triggered":{triggered},"resolvedVariables":{{"v":"S3CR3T"}},"regexpFilterText":"{text}","id":{id},"url":"{url}"}}"#
    )
}

fn jobs(jobs: &[impl AsRef<str>], message: &str) -> String {
    format!(
        r#"{{"jobs":{{{}}},"message":"{message}"}}"#,
        jobs.iter()
            .map(AsRef::as_ref)
            .collect::<Vec<&str>>()
            .join(",")
    )
}

const EXCEPTION: &str = r#""bad":"Exception occurred (class java.util.regex.PatternSyntaxException: Unclosed group near index 1\n(), full stack trace in Jenkins server log. Thrown in: java.util.regex.Pattern:2028""#;

#[test]
fn jenkins_tells_what_it_started() {
    let started = job("f/a", true, "", "", 17);
    let body = jobs(&[started], "Triggered jobs.");
    let acceptance = accepted(judge(Jenkins, &answer(200, &[], &body), Harm, false));
    assert_eq!(acceptance.external_run_id.as_deref(), Some("17"));
    assert_eq!(
        acceptance.links,
        ["https://ci.example/jenkins/queue/item/17/"]
    );
    assert_eq!(acceptance.warning, None);
}

#[test]
fn a_started_job_is_accepted_whatever_the_status_and_says_who_else_answered() {
    let a = job("a", true, "", "", 1);
    let b = job("b", true, "", "", 2);
    let no = job("c", false, "^x$", "y", 0);
    let several = Some(Reason::JenkinsSeveralJobs);
    let failed = Some(Reason::JenkinsSomeJobsFailed);
    let table: [(u16, &[&str], Option<Reason>, usize); 6] = [
        (200, &[&a], None, 1),
        (200, &[&a, &b], several, 2),
        (200, &[&no, &a], several, 1),
        (500, &[EXCEPTION, &a], failed, 1),
        (502, &[&a], None, 1),
        (404, &[&a], None, 1),
    ];
    for (status, entries, reason, links) in table {
        for repeat in BOTH {
            let body = jobs(entries, "x");
            let outcome = judge(Jenkins, &answer(status, &[], &body), repeat, false);
            assert_eq!(kind(&outcome), ("accepted", reason), "{status}");
            assert_eq!(accepted(outcome).links.len(), links);
        }
    }
    // A dry run starts nothing that could be followed; its link is absolute.
    let dry = r#"{"jobs":{"a":{"triggered":true,"id":0,"url":"https://ci/job/a/"}}}"#;
    let acceptance = accepted(judge(Jenkins, &answer(200, &[], dry), Harm, false));
    assert_eq!(acceptance.external_run_id, None);
    assert_eq!(acceptance.links, ["https://ci/job/a/"]);
    let evil = r#"{"jobs":{"a":{"triggered":true,"id":3,"url":"javascript:alert(1)"}}}"#;
    let acceptance = accepted(judge(Jenkins, &answer(200, &[], evil), Harm, false));
    assert!(acceptance.links.is_empty());
    let before_1_66 = r#"{"status":"ok","data":{"triggerResults":{"a":{"triggered":true,"id":9,"url":"queue/item/9/"}}}}"#;
    let acceptance = accepted(judge(Jenkins, &answer(200, &[], before_1_66), Harm, false));
    assert_eq!(acceptance.external_run_id.as_deref(), Some("9"));
}

#[test]
fn a_filter_that_did_not_match_is_refused_with_both_of_its_texts() {
    let entries = [
        job("a", false, "^refs/heads/x$", "refs/heads/main", 0),
        job("b", false, "", "", 0),
    ];
    let body = jobs(&entries, "Triggered jobs.");
    let found = refused(judge(Jenkins, &answer(200, &[], &body), Harm, false));
    assert_eq!(found.reason, Reason::JenkinsFilterMismatch);
    assert!(
        found.message.contains("\"^refs/heads/x$\""),
        "{}",
        found.message
    );
    assert!(
        found.message.contains("\"refs/heads/main\""),
        "{}",
        found.message
    );
    assert!(!found.fix.contains("$name"));
    let body = jobs(&[job("a", false, "^x$", "$ref", 0)], "Triggered jobs.");
    let found = refused(judge(Jenkins, &answer(200, &[], &body), Harm, false));
    assert!(found.fix.contains("not resolved"), "{}", found.fix);
    let body = jobs(&[job("b", false, "", "", 0)], "Triggered jobs.");
    let found = refused(judge(Jenkins, &answer(200, &[], &body), Harm, false));
    assert_eq!(found.reason, Reason::JenkinsJobNotBuildable);
}

/// Each answer is refused, whether a repeat is harm or not, with this reason and fix.
fn check_refusals(receiver: Receiver, table: &[(Reply, Reason, &str)]) {
    for (reply, reason, fix) in table {
        for repeat in BOTH {
            let found = refused(judge(receiver, reply, repeat, false));
            assert_eq!(found.reason, *reason, "{found:?}");
            assert!(found.fix.contains(fix), "{fix:?} is not in {:?}", found.fix);
        }
    }
}

#[test]
fn a_token_without_a_job_is_told_from_a_missing_token() {
    let no_job = "Did not find any jobs with GenericTrigger configured!";
    let said = |message: &str| format!(r#"{{"jobs":null,"message":"{no_job}{message}"}}"#);
    let given = said(r"\nA token was supplied.\n");
    let missing = said(r"\nNo token was supplied.\nIf you are using a token, you need to");
    let one_line = said(" If you are using a token, you need to pass it like ...invoke?token=T");
    let old = format!(r#"{{"status":"ok","data":{{"triggerResults":{{"ANY":"{no_job}"}}}}}}"#);
    let table = [
        (
            answer(404, &[], &given),
            Reason::JenkinsNoJobForToken,
            "run it once by hand",
        ),
        (
            answer(404, &[], &missing),
            Reason::JenkinsTokenMissing,
            "header `token`",
        ),
        (
            answer(404, &[], &one_line),
            Reason::JenkinsNoJobForToken,
            "run once",
        ),
        (
            answer(200, &[], &old),
            Reason::JenkinsNoJobForToken,
            "run once",
        ),
    ];
    check_refusals(Jenkins, &table);
}

#[test]
fn the_allow_lists_reasons_name_the_setting_to_change() {
    let refusal = |reasons: &str| {
        let body = format!(
            r#"{{"jobs":null,"message":"Sender, 9.9.9.9, with headers {{token=[S3CR3T], x=[}} did not pass whitelist]}} did not pass whitelist.\nDid not find a matching whitelisted host:\n{reasons}"}}"#
        );
        answer(403, &[], &body)
    };
    let host = r"1) 9.9.9.9 did not match statically defined Ipv4.\n";
    let hmac =
        r#") HMAC verification failed with \"X-Port-Signature\" as \"S3CR3T\" and algorithm "#;
    let mismatch = format!(r"{host}2{hmac}HmacSHA1\n");
    let sha256 = format!(r"1{hmac}HmacSHA256\n");
    let missing = |name: &str| {
        format!(r#"1) Was unable to find header with name \"{name}\" among {{token=[S3CR3T]}}\n"#)
    };
    let other = missing("X-Hub-Signature");
    let ours = missing("x-port-signature");
    let credential = r"1) Was unable to find secret text credential ID\n";
    let table = [
        (
            refusal(host),
            Reason::JenkinsSenderNotAllowed,
            "add 9.9.9.9",
        ),
        (
            refusal(&mismatch),
            Reason::JenkinsSignatureMismatch,
            "secret text credential",
        ),
        (
            refusal(&sha256),
            Reason::JenkinsSignatureMismatch,
            "it is HmacSHA256",
        ),
        (
            refusal(&other),
            Reason::JenkinsSignatureHeaderMissing,
            "header to X-Port-Signature",
        ),
        (
            refusal(&ours),
            Reason::JenkinsSignatureHeaderMissing,
            "proxy",
        ),
        (
            refusal(credential),
            Reason::JenkinsHmacCredentialMissing,
            "Secret text",
        ),
        (refusal(""), Reason::JenkinsSenderNotAllowed, "add 9.9.9.9"),
    ];
    check_refusals(Jenkins, &table);
}

#[test]
fn pages_that_are_not_the_plugins_are_told_apart() {
    let page = |status: u16, title: &str| {
        answer(status, &[], &format!("<html><head><title>{title}</title>"))
    };
    let crumb = page(403, "Error 403 No valid crumb was included in the request");
    let sign_in = answer(403, &[("X-Jenkins", "2.500")], "<html><title>Sign in");
    let login = answer(302, &[("Location", "/jenkins/login?from=S3CR3T")], "");
    let moved = answer(301, &[("Location", "https://ci.example/x")], "");
    let table = [
        (crumb, Reason::JenkinsWrongPath, "crumb"),
        (sign_in, Reason::JenkinsWrongPath, "needs no login"),
        (
            page(403, "Blocked"),
            Reason::RequestRefused,
            "egress addresses",
        ),
        (
            page(401, "Error 401"),
            Reason::CredentialsRefused,
            "API token",
        ),
        (
            page(404, "Not Found"),
            Reason::JenkinsWrongPath,
            "/generic-webhook-trigger/invoke",
        ),
        (login, Reason::Redirected, "sign in"),
        (moved, Reason::Redirected, "http to https"),
    ];
    check_refusals(Jenkins, &table);
}

#[test]
fn what_jenkins_accepted_without_saying_so_is_accepted_with_a_warning() {
    let table: &[(u16, &str, Option<Reason>)] = &[
        (200, "", Some(Reason::JenkinsSilentAnswer)),
        (200, " \r\n", Some(Reason::JenkinsSilentAnswer)),
        (
            200,
            r#"{"jobs":{},"message":"Triggered jobs."}"#,
            Some(Reason::JenkinsSilentAnswer),
        ),
        (
            200,
            "<html><title>Sign in [Jenkins]</title>",
            Some(Reason::JenkinsUnexpectedAnswer),
        ),
        (200, "OK", Some(Reason::JenkinsUnexpectedAnswer)),
        (200, r#"{"ok":true}"#, Some(Reason::JenkinsUnexpectedAnswer)),
        (
            200,
            r#"{"jobs":{"a":{"trig"#,
            Some(Reason::JenkinsUnexpectedAnswer),
        ),
        (204, "", None),
    ];
    for (status, body, reason) in table {
        let outcome = judge(Jenkins, &answer(*status, &[], body), Harm, false);
        assert_eq!(kind(&outcome), ("accepted", *reason), "{body}");
    }
    let location = [("Location", "https://ci.example/jenkins/queue/item/5/")];
    let acceptance = accepted(judge(Jenkins, &answer(201, &location, ""), Harm, false));
    assert_eq!(acceptance.external_run_id.as_deref(), Some("5"));
}

#[test]
fn jenkins_failures_are_retried_only_where_nothing_started() {
    let all_failed = format!(
        r#"{{"jobs":{{{EXCEPTION}}},"message":"There were errors when triggering jobs."}}"#
    );
    let unreadable = r#"{"jobs":null,"message":"Unable to read inputstream: closed"}"#;
    let starting =
        "<html><title>Jenkins</title>Please wait while Jenkins is getting ready to work ...";
    let table = [
        (500, all_failed.as_str(), "retry", Reason::JenkinsJobsFailed),
        (500, unreadable, "retry", Reason::ReceiverFailed),
        (503, starting, "retry", Reason::JenkinsStarting),
        (503, "<html>", "unknown", Reason::ReceiverUnavailable),
        (
            500,
            "<html><title>Oops!</title>",
            "unknown",
            Reason::ReceiverFailed,
        ),
        (500, "", "unknown", Reason::ReceiverFailed),
        (504, "<html>", "unknown", Reason::GatewayFailed),
    ];
    for (status, body, expected, reason) in table {
        let outcome = judge(Jenkins, &answer(status, &[], body), Harm, false);
        assert_eq!(kind(&outcome), (expected, Some(reason)), "{body}");
        let outcome = judge(Jenkins, &answer(status, &[], body), Allowed, false);
        assert_eq!(kind(&outcome), ("retry", Some(reason)), "{body}");
    }
}

/// Azure DevOps' error envelope.
fn envelope(message: &str, key: &str) -> String {
    format!(
        r#"{{"$id":"1","innerException":null,"message":"{message}","typeName":"Microsoft.X, {key}","typeKey":"{key}","errorCode":0,"eventId":3000}}"#
    )
}

#[test]
fn azure_asks_to_sign_in_in_many_ways() {
    let html = [("Content-Type", "text/html; charset=utf-8")];
    let page = "<!DOCTYPE html><title>Azure DevOps Services | Sign In</title>";
    let signin = [(
        "Location",
        "https://spsprodweu3.vssps.visualstudio.com/_signin?x=S3CR3T",
    )];
    let replies = [
        answer(203, &html, page),
        answer(203, &[], ""),
        answer(302, &signin, ""),
        answer(200, &html, page),
        answer(200, &[], page),
        answer(401, &[], ""),
        answer(403, &[], ""),
    ];
    let table = replies.map(|reply| (reply, Reason::AzureCredentialsRefused, "organization"));
    check_refusals(AzurePipelines, &table);
}

#[test]
fn azure_hides_permanent_faults_behind_500() {
    let unknown = "Cannot find webhook for the given webHookId w. Try enabling CD trigger.";
    let unknown = envelope(unknown, "WebHookException");
    let required = envelope("x", "RequiredHeaderSignatureNotFound");
    let mismatch = envelope("The signature does not match.", "X");
    let checksum = envelope("The checksum is wrong.", "X");
    let bad = envelope("bad body", "X");
    let bare = "RequiredHeaderSignatureNotFound";
    let run_once = "run the pipeline once by hand";
    let table = [
        (
            answer(500, &[], &unknown),
            Reason::AzureWebhookUnknown,
            run_once,
        ),
        (
            answer(404, &[], &unknown),
            Reason::AzureWebhookUnknown,
            run_once,
        ),
        (
            answer(500, &[], &required),
            Reason::AzureSignatureHeaderMissing,
            "X-Port-Signature",
        ),
        (
            answer(500, &[], bare),
            Reason::AzureSignatureHeaderMissing,
            "X-Port-Signature",
        ),
        (
            answer(500, &[], &mismatch),
            Reason::AzureSignatureMismatch,
            "Secret",
        ),
        (
            answer(400, &[], &checksum),
            Reason::AzureSignatureMismatch,
            "Secret",
        ),
        (answer(404, &[], ""), Reason::AzureWrongPath, "organization"),
        (answer(400, &[], &bad), Reason::RequestRefused, "body"),
    ];
    check_refusals(AzurePipelines, &table);
}

#[test]
fn azure_asks_to_wait_only_where_it_did_not_accept() {
    let later = [("Retry-After", "30")];
    let outcome = judge(AzurePipelines, &answer(200, &later, "{}"), Harm, false);
    assert_eq!(outcome, Outcome::Accepted(Acceptance::default()));
    let body = envelope("TF400733: The request has been canceled", "X");
    let outcome = judge(AzurePipelines, &answer(429, &later, &body), Harm, false);
    assert_eq!(kind(&outcome), ("wait", Some(Reason::RateLimited)));
}

#[test]
fn a_path_without_public_is_named() {
    let target = Target::parse("https://dev.azure.com/o/_apis/distributedtask/webhooks/w").unwrap();
    let now = Timestamp::from_micros(0);
    let asked = Asked {
        target: &target,
        repeat: Harm,
        synchronized: false,
        now,
    };
    let found = refused(receiver::outcome(
        AzurePipelines,
        &answer(404, &[], ""),
        &asked,
    ));
    assert!(found.fix.contains("/public/"), "{}", found.fix);
}

#[test]
fn an_outcome_is_scrubbed_in_every_text() {
    let scrubber = Scrubber::new(["my-secret"]);
    let body = jobs(&[job("a", false, "^x$", "my-secret", 0)], "Triggered jobs.");
    let outcome = judge(Jenkins, &answer(200, &[], &body), Harm, false);
    let scrubbed = format!("{:?}", scrubber.scrub_outcome(outcome));
    assert!(!scrubbed.contains("my-secret"), "{scrubbed}");
    let body = jobs(
        &[job("my-secret", true, "", "", 1), job("b", true, "", "", 2)],
        "x",
    );
    let outcome = judge(Jenkins, &answer(200, &[], &body), Harm, false);
    let scrubbed = format!("{:?}", scrubber.scrub_outcome(outcome));
    assert!(!scrubbed.contains("my-secret"), "{scrubbed}");
}

proptest::proptest! {
    #[test]
    fn any_answer_has_an_outcome(status in 200_u16..600, body: Vec<u8>, text in "[{}\\[\\]\":,a-z<>0-9 ]{0,200}") {
        for body in [body, text.into_bytes(), vec![b'['; 10_000]] {
            let status = StatusCode::from_u16(status).unwrap();
            let reply = Reply::Answered(Answer::new(status, HeaderMap::new(), Bytes::from(body)));
            for receiver in ALL {
                for repeat in BOTH {
                    judge(receiver, &reply, repeat, true);
                }
            }
        }
    }
}
