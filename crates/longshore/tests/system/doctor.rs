//! `longshore doctor` and `longshore agent doctor` against an emulated Jenkins.

use serde_json::json;
use tokio::process::Command;

use crate::agents::{REPORTING, jenkins_that_checks};
use crate::server::{CLIENT_ID, CLIENT_SECRET, Ended, Home, PROGRAM};

const SOUND: &str = "\
http://ci.example.com:8080/
ok      name                127.0.0.1 leads to 127.0.0.1.
ok      address             The network rules let it be called.
ok      connection          Connected to ci.example.com:8080 in N ms.
ok      TLS                 Plain HTTP: whoever is on the way can read tokens and payloads.
ok      receiver            The Generic Webhook Trigger answers at this address.
ok      sender              Jenkins lets our address in.
ok      signature           Jenkins computes the same signature, and refuses a call without one.
?       dry run             Whether a job has the action's token, and its filter matches, only a dry run tells.";

#[tokio::test(flavor = "multi_thread")]
async fn a_jenkins_is_checked_from_here_and_starts_nothing() {
    let (jenkins, home) = (jenkins_that_checks().await, Home::new());
    let secret = home.path("secret");
    std::fs::write(&secret, format!("{CLIENT_SECRET}\n")).unwrap();
    let secret = secret.to_str().unwrap();
    let url = jenkins.base_url();
    let checked = home.run(&["doctor", &url, "--secret-file", secret]).await;
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(stable(&checked.stdout, &url), SOUND);

    let other = home.path("other");
    std::fs::write(&other, "another secret").unwrap();
    let arguments = ["doctor", &url, "--secret-file", other.to_str().unwrap()];
    let wrong = home.run(&arguments).await;
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    assert!(
        wrong.stdout.contains("[jenkins_signature_mismatch]"),
        "{}",
        wrong.stdout
    );
    assert!(!wrong.stdout.contains("another secret"));

    // This job is called as its token is, and a token is not told.
    let token = format!("token: {REPORTING}");
    let trial = home.path("body.json");
    std::fs::write(&trial, r#"{"port":{"run_id":"r_1"}}"#).unwrap();
    let trial = trial.to_str().unwrap();
    let mut arguments = vec!["doctor", &url, "--secret-file", secret];
    arguments.extend(["--dry-run", "--header", &token, "--body", trial]);
    let dry = home.run(&arguments).await;
    assert!(
        dry.stdout
            .contains("job \"<secret>\" would start\n  port = {\"run_id\":\"r_1\"}"),
        "{dry:?}"
    );
    assert!(
        dry.stderr
            .contains("a plugin from before that feature starts it")
    );
    assert!(jenkins.builds().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_checked_by_the_server() {
    let (jenkins, home) = (jenkins_that_checks().await, Home::new());
    let server = home.serve().await;
    let api = server.api().await;
    let connection = json!({"name": "ci", "url": jenkins.base_url()});
    api.post("/v1/connections", &connection).await;
    let secret = home.path("secret");
    std::fs::write(&secret, CLIENT_SECRET).unwrap();
    let base = format!("http://{}", server.address);
    let by_server = [
        "--server",
        &base,
        "--client-id",
        CLIENT_ID,
        "--client-secret-file",
    ];
    let mut arguments = vec!["doctor", "ci"];
    arguments.extend(by_server);
    arguments.push(secret.to_str().unwrap());
    let checked = home.run(&arguments).await;
    assert!(checked.status.success(), "{checked:?}");
    let verified = "Jenkins computes the same signature, and refuses a call without one.";
    assert!(checked.stdout.contains(verified), "{}", checked.stdout);
    arguments[1] = "elsewhere";
    let unknown = home.run(&arguments).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        unknown.stderr.contains("knows no connection \"elsewhere\""),
        "{unknown:?}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_checks_what_only_it_sees() {
    let (jenkins, home) = (jenkins_that_checks().await, Home::new());
    let file = home.path("agent.toml");
    std::fs::write(&file, "[network]\nallow = [\"127.0.0.0/8\"]\n").unwrap();
    let mut command = Command::new(PROGRAM);
    home.place(&mut command);
    command
        .args(["agent", "doctor", &jenkins.base_url(), "--config"])
        .arg(&file)
        .env("STREAMER_NAME", "POLLING")
        .env("PORT_API_BASE_URL", "http://127.0.0.1:1")
        .env("PORT_CLIENT_ID", CLIENT_ID)
        .env("PORT_CLIENT_SECRET", CLIENT_SECRET);
    let checked = Ended::of(command.output().await.unwrap());
    assert!(checked.status.success(), "{checked:?}");
    let verified = "Jenkins computes the same signature, and refuses a call without one.";
    assert!(checked.stdout.contains(verified), "{}", checked.stdout);
    assert!(jenkins.builds().is_empty());
}

/// What differs from one test run to the next, named.
fn stable(text: &str, url: &str) -> String {
    let host = url.trim_start_matches("http://");
    let text = text.replace(host, "ci.example.com:8080");
    let lines = text.lines().map(|line| match line.split_once(" in ") {
        Some((before, _)) if line.contains("Connected") => format!("{before} in N ms."),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
