//! The vendors' own rows, and calls that are refused before they leave.

use http::StatusCode;
use longshore_domain::delivery::State;
use longshore_domain::diagnosis::Reason;
use longshore_domain::id::RunId;
use longshore_emulators::azure_devops::IncomingWebhook;
use longshore_emulators::jenkins::Job;
use longshore_emulators::webhook_sink::Answer;
use longshore_emulators::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::support::{
    AZURE_SECRET, AZURE_WEBHOOK, JENKINS_SECRET, JENKINS_TOKEN, Process, Target, World, azure,
    azure_with, jenkins, job, job_with, seconds, sink,
};

fn reason(process: &Process, run: &RunId) -> Option<Reason> {
    process.delivery(run).diagnosis.map(|found| found.reason)
}

/// The run failed at once with this reason, and nothing is tried again.
fn assert_refused(process: &Process, run: &RunId, expected: Reason, case: &str) {
    assert_eq!(reason(process, run), Some(expected), "{case}");
    assert_eq!(process.delivery(run).state, State::Dead, "{case}");
    assert_eq!(process.outcomes(run), ["refused"], "{case}");
    let shown = process.run(run);
    assert_eq!(shown["status"], "FAILURE", "{case}");
    let found = process.delivery(run).diagnosis.expect("a diagnosis");
    let summary = shown["summary"].as_str().expect("a summary");
    assert!(
        summary.contains(&found.message) && summary.contains(&found.fix),
        "{case}"
    );
}

/// A Jenkins with these jobs that was called once.
fn call_jenkins(jobs: &[Job], alter: impl Fn(&mut Value)) -> (World, Process, Target, RunId) {
    call_jenkins_with(jobs, JENKINS_SECRET, alter)
}

fn call_jenkins_with(
    jobs: &[Job],
    secret: &str,
    alter: impl Fn(&mut Value),
) -> (World, Process, Target, RunId) {
    let world = World::new();
    let target = Target::Jenkins(jenkins(&world, jobs));
    let process = world.boot();
    process.connect(&target.connection(&json!({"signingSecret": secret})));
    let mut invocation = target.invocation(false);
    alter(&mut invocation);
    process.define("act", &invocation);
    let run = process.start_named("act", "orders");
    process.pump();
    (world, process, target, run)
}

#[test]
fn a_triggered_job_is_accepted_with_its_queue_id_and_page() {
    let (_world, process, target, run) = call_jenkins(&[job("deploy")], |_| {});
    let Target::Jenkins(jenkins) = &target else {
        panic!("a Jenkins")
    };
    let build = &jenkins.builds()[0];
    let shown = process.run(&run);
    assert_eq!(shown["status"], "IN_PROGRESS");
    assert_eq!(shown["externalRunId"], build.queue_id.to_string());
    let link = format!("{}/queue/item/{}/", jenkins.base_url(), build.queue_id);
    assert_eq!(shown["link"], json!([link]));
    assert_eq!(reason(&process, &run), None);
    assert_eq!(build.variables["name"], "orders");
}

#[test]
fn what_jenkins_accepts_with_a_warning() {
    let broken = json!({"genericHeaderVariables": [{"key": "token", "regexpFilter": "("}]});
    let silent = json!({"silentResponse": true});
    let table: [(&str, Vec<Job>, usize, Reason); 3] = [
        (
            "several",
            vec![job("a"), job("b")],
            2,
            Reason::JenkinsSeveralJobs,
        ),
        (
            "some failed",
            vec![job("a"), job_with("b", &broken)],
            1,
            Reason::JenkinsSomeJobsFailed,
        ),
        (
            "silent",
            vec![job_with("a", &silent)],
            1,
            Reason::JenkinsSilentAnswer,
        ),
    ];
    for (case, jobs, builds, warning) in table {
        let (_world, process, target, run) = call_jenkins(&jobs, |_| {});
        let Target::Jenkins(jenkins) = &target else {
            panic!("a Jenkins")
        };
        assert_eq!(jenkins.builds().len(), builds, "{case}");
        assert_eq!(reason(&process, &run), Some(warning), "{case}");
        assert_eq!(process.delivery(&run).state, State::Done, "{case}");
        assert_eq!(process.outcomes(&run), ["accepted"], "{case}");
        assert_eq!(process.run(&run)["status"], "IN_PROGRESS", "{case}");
    }
}

#[test]
fn a_job_that_started_counts_whatever_the_status() {
    let started = json!({
        "jobs": {"deploy": {"regexpFilterExpression": "", "triggered": true,
            "resolvedVariables": {}, "regexpFilterText": "", "id": 7, "url": "queue/item/7/"}},
        "message": "Triggered jobs.",
    });
    for status in [200, 404, 429, 500, 502, 503] {
        let world = World::new();
        let sink = sink(&world);
        let status = StatusCode::from_u16(status).expect("a status");
        sink.answers()
            .next(1, Answer::json(status, started.to_string()));
        let process = world.boot();
        let url = format!("{}/generic-webhook-trigger/invoke", sink.base_url());
        process.define("act", &json!({"type": "JENKINS", "url": url}));
        let run = process.start("act");
        process.pump();
        assert_eq!(process.outcomes(&run), ["accepted"], "{status}");
        assert_eq!(process.delivery(&run).state, State::Done, "{status}");
        assert_eq!(process.run(&run)["externalRunId"], "7", "{status}");
    }
}

#[test]
fn a_filter_that_does_not_match_is_told_with_both_texts() {
    let filter = json!({
        "regexpFilterText": "$name",
        "regexpFilterExpression": "^payments$",
    });
    let (_world, process, _target, run) = call_jenkins(&[job_with("deploy", &filter)], |_| {});
    assert_refused(&process, &run, Reason::JenkinsFilterMismatch, "filter");
    let summary = process.run(&run)["summary"]
        .as_str()
        .expect("a summary")
        .to_owned();
    assert!(
        summary.contains("^payments$") && summary.contains("\"orders\""),
        "{summary}"
    );
}

#[test]
fn what_jenkins_turns_away_started_nothing() {
    type Alter = fn(&mut Value);
    let disabled = Job {
        disabled: true,
        ..job("deploy")
    };
    let plain = job("deploy");
    let table: [(&str, Job, &str, Alter, Reason); 5] = [
        (
            "another token",
            plain.clone(),
            JENKINS_SECRET,
            |call| call["headers"]["token"] = "nobody's".into(),
            Reason::JenkinsNoJobForToken,
        ),
        (
            "no token",
            plain.clone(),
            JENKINS_SECRET,
            |call| call["headers"] = json!({}),
            Reason::JenkinsTokenMissing,
        ),
        (
            "disabled",
            disabled,
            JENKINS_SECRET,
            |_| {},
            Reason::JenkinsJobNotBuildable,
        ),
        (
            "another secret",
            plain.clone(),
            "not-the-signing-secret-0123456789abcdef",
            |_| {},
            Reason::JenkinsSignatureMismatch,
        ),
        (
            "wrong path",
            plain,
            JENKINS_SECRET,
            |call| {
                let url = call["url"]
                    .as_str()
                    .expect("a url")
                    .replace("/invoke", "/invok");
                call["url"] = url.into();
            },
            Reason::JenkinsWrongPath,
        ),
    ];
    for (case, job, secret, alter, expected) in table {
        let (_world, process, target, run) = call_jenkins_with(&[job], secret, alter);
        assert_refused(&process, &run, expected, case);
        let Target::Jenkins(jenkins) = &target else {
            panic!("a Jenkins")
        };
        assert_eq!(jenkins.builds().len(), 0, "{case}");
        let text = format!("{:?}", process.delivery(&run).diagnosis);
        assert!(
            !text.contains(secret) && !text.contains(JENKINS_TOKEN),
            "{case}: {text}"
        );
    }
}

#[test]
fn an_empty_answer_is_accepted_with_a_warning_also_where_every_job_failed() {
    let broken = json!({"genericHeaderVariables": [{"key": "token", "regexpFilter": "("}]});
    let (world, process, target, run) = call_jenkins(&[job_with("deploy", &broken)], |_| {});
    assert_eq!(reason(&process, &run), Some(Reason::JenkinsSilentAnswer));
    assert_eq!(process.delivery(&run).state, State::Done);
    world.clock.advance(seconds(3_600));
    process.pump();
    assert_eq!(target.calls(), 1);
}

/// What an Azure DevOps with this webhook answers to one call.
fn call_azure(
    webhook: IncomingWebhook,
    fault: Option<Fault>,
    name: &str,
) -> (World, Process, Target, RunId) {
    let mut world = World::new();
    let target = Target::Azure(azure_with(&mut world, webhook));
    if let Some(fault) = fault {
        target.faults().next(1, fault);
    }
    let process = world.boot();
    process.connect(&target.connection(&json!({})));
    let mut invocation = target.invocation(false);
    invocation["webhook"] = name.into();
    process.define("act", &invocation);
    let run = process.start("act");
    process.pump();
    (world, process, target, run)
}

#[test]
fn azure_tells_nothing_of_what_it_accepted() {
    let mut world = World::new();
    let target = Target::Azure(azure(&mut world));
    let process = world.boot();
    process.connect(&target.connection(&json!({})));
    process.define("act", &target.invocation(false));
    let run = process.start("act");
    process.pump();
    let shown = process.run(&run);
    assert_eq!(shown["status"], "IN_PROGRESS");
    assert_eq!(shown.get("externalRunId"), None);
    assert_eq!(shown["link"], json!([]));
    let Target::Azure(azure) = &target else {
        panic!("an Azure DevOps")
    };
    assert_eq!(azure.builds().len(), 1);
}

#[test]
fn what_azure_refuses() {
    let signed = |secret: &str| IncomingWebhook::signed(AZURE_WEBHOOK, secret);
    let good = signed(AZURE_SECRET);
    let other_header = IncomingWebhook {
        header: "X-Other".into(),
        ..good.clone()
    };
    let unregistered = IncomingWebhook {
        registered: false,
        ..good.clone()
    };
    let redirect = Fault::new(FaultKind::Redirect("https://login.example.com/".into()));
    let table = [
        (
            "unknown",
            good.clone(),
            None,
            "nobody",
            Reason::AzureWebhookUnknown,
        ),
        (
            "unregistered",
            unregistered,
            None,
            AZURE_WEBHOOK,
            Reason::AzureWebhookUnknown,
        ),
        (
            "header",
            other_header,
            None,
            AZURE_WEBHOOK,
            Reason::AzureSignatureHeaderMissing,
        ),
        (
            "secret",
            signed("another-secret"),
            None,
            AZURE_WEBHOOK,
            Reason::AzureSignatureMismatch,
        ),
        (
            "203",
            good.clone(),
            Some(Fault::status(203)),
            AZURE_WEBHOOK,
            Reason::AzureCredentialsRefused,
        ),
        (
            "302",
            good,
            Some(redirect),
            AZURE_WEBHOOK,
            Reason::AzureCredentialsRefused,
        ),
    ];
    for (case, webhook, fault, name, expected) in table {
        let (_world, process, target, run) = call_azure(webhook, fault, name);
        assert_refused(&process, &run, expected, case);
        let Target::Azure(azure) = &target else {
            panic!("an Azure DevOps")
        };
        assert_eq!(azure.builds().len(), 0, "{case}");
    }
}

#[test]
fn an_address_that_must_not_be_called_is_refused_and_not_connected_to() {
    let mut world = World::new();
    world.allow = Vec::new();
    let sink = sink(&world);
    let process = world.boot();
    let port = sink.address().port();
    let table = [
        (
            format!("http://127.0.0.1:{port}/x"),
            Reason::AddressForbidden,
        ),
        (format!("http://127.1:{port}/x"), Reason::AddressForbidden),
        (
            format!("http://2130706433:{port}/x"),
            Reason::AddressForbidden,
        ),
        (
            format!("http://[::ffff:127.0.0.1]:{port}/x"),
            Reason::AddressForbidden,
        ),
        (
            format!("http://localhost:{port}/x"),
            Reason::AddressForbidden,
        ),
        (
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            Reason::AddressForbidden,
        ),
        (
            "http://[fd00:ec2::254]/latest/".to_owned(),
            Reason::AddressForbidden,
        ),
        ("http://10.0.0.1/x".to_owned(), Reason::AddressForbidden),
        ("http://0.0.0.0/x".to_owned(), Reason::AddressForbidden),
        ("ftp://example.com/x".to_owned(), Reason::UrlInvalid),
        (
            "http://user:password@example.com/x".to_owned(),
            Reason::UrlInvalid,
        ),
        ("{{ .inputs.nothing }}".to_owned(), Reason::UrlInvalid),
    ];
    for (number, (url, expected)) in table.iter().enumerate() {
        for synchronized in [false, true] {
            let action = format!("act-{number}-{synchronized}");
            let invocation = json!({"type": "WEBHOOK", "url": url, "synchronized": synchronized});
            process.define(&action, &invocation);
            let run = process.start(&action);
            process.pump();
            assert_refused(&process, &run, *expected, url);
            assert!(!process.delivery(&run).left, "{url}");
            assert_eq!(process.attempts(&run)[0].status, None, "{url}");
        }
    }
    assert_eq!(sink.counts().requests, 0);
}

#[test]
fn metadata_is_refused_also_where_everything_private_is_allowed() {
    let mut world = World::new();
    world.allow = vec!["0.0.0.0/0", "::/0"];
    let process = world.boot();
    for (number, address) in ["169.254.169.254", "100.100.100.200", "[fd00:ec2::254]"]
        .into_iter()
        .enumerate()
    {
        let action = format!("act-{number}");
        let url = format!("http://{address}/latest/meta-data/");
        process.define(&action, &json!({"type": "WEBHOOK", "url": url}));
        let run = process.start(&action);
        process.pump();
        assert_refused(&process, &run, Reason::AddressForbidden, address);
    }
}

#[test]
fn a_header_that_cannot_be_sent_is_refused() {
    let world = World::new();
    let target = Target::Webhook(sink(&world));
    let process = world.boot();
    let mut invocation = target.invocation(false);
    invocation["headers"] = json!({"X-Name": "{{ .inputs.name }}"});
    process.define("act", &invocation);
    let run = process.start_named("act", "a\r\nX-Injected: b");
    process.pump();
    assert_refused(&process, &run, Reason::HeaderInvalid, "header");
    assert_eq!(target.calls(), 0);
}
