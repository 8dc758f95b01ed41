//! `longshore emulate azure`: calls are answered and told, mistakes refused.

use std::process::Command as Program;

use tempfile::TempDir;

use crate::emulator::Emulator;
use crate::server::{Ended, PROGRAM};

const PIPELINE: &str = "\
trigger: none
resources:
  webhooks:
    - webhook: call
      connection: longshore
      filters:
        - path: a
          value: 1
steps:
  - bash: ./deploy.sh
    env:
      B: ${{ parameters.call.b }}
      TOKEN: ${{ parameters.call.run.token }}
";

/// A body, and its signature with the secret `secret`.
const BODY: &str = r#"{"a":1,"b":2}"#;
const SIGNATURE: &str = "183e96873d4ba50aae99f8ba4eaa403457c26f14";

/// A directory with a pipeline and a secret.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("deploy.yml"), PIPELINE).unwrap();
    std::fs::write(directory.path().join("secret"), "secret\n").unwrap();
    directory
}

/// The path of the webhook `name`.
fn path(name: &str) -> String {
    format!("/contoso/_apis/public/distributedtask/webhooks/{name}?api-version=6.0-preview")
}

/// The header with a signature.
fn signed(value: &str) -> [(&'static str, &str); 1] {
    [("X-Port-Signature", value)]
}

const USUAL: [&str; 4] = [
    "--pipeline",
    "deploy.yml",
    "--connection",
    "longshore:deploy:secret",
];

#[tokio::test]
async fn each_call_is_told_as_it_happens() {
    let directory = directory();
    let (mut emulator, told) = Emulator::start("azure", &directory, &USUAL).await;
    let url = format!(
        "http://{}/contoso/_apis/public/distributedtask/webhooks/deploy?api-version=6.0-preview",
        emulator.address
    );
    assert_eq!(told[1], format!("  connection longshore: POST {url}"));
    assert_eq!(
        told[2],
        "  pipeline deploy waits for the connection longshore"
    );
    let signature = format!("sha1={SIGNATURE}");
    let (status, told) = emulator
        .post(&path("deploy"), &signed(&signature), BODY)
        .await;
    assert_eq!(status, "200");
    let expected = "
1. POST /contoso/_apis/public/distributedtask/webhooks/deploy
  webhook    \"deploy\" of connection \"longshore\", registered
  signature  X-Port-Signature holds: 40 hex digits behind sha1=
  body       13 bytes
  pipeline   deploy (deploy.yml): starts
    webhook    call (line 4), all filters match
    filter     a = \"1\": matches
    parameter  call.b (line 12) = \"2\"
    parameter  call.run.token (line 13) = nothing
  answer     200, which tells nothing of runs";
    assert_eq!(told, expected);
    let (status, told) = emulator.post(&path("deploy"), &[], BODY).await;
    assert_eq!(status, "500");
    let expected = "
2. POST /contoso/_apis/public/distributedtask/webhooks/deploy
  webhook    \"deploy\" of connection \"longshore\", registered
  signature  the header X-Port-Signature is missing; expected HMAC-SHA1 of the body as 40 hex digits
  body       13 bytes
  answer     500 RequiredHeaderSignatureNotFound";
    assert_eq!(told, expected);
    let (status, told) = emulator
        .post(&path("deploy"), &signed(&signature), "{}")
        .await;
    let lines = told.lines().count();
    assert_eq!((status.as_str(), lines), ("401", 6), "{told}");
    emulator.interrupt().await;
}

/// The page that shows how a configuration is tried.
const PAGE: &str = include_str!("../../../../docs/backends/azure_pipelines.md");

/// What stands on the page between two texts.
fn on_the_page(from: &str, to: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(from).unwrap();
    rest.split_once(to).unwrap().0
}

#[tokio::test]
async fn the_example_of_the_page_is_what_is_printed() {
    let directory = directory();
    let yaml = on_the_page("```yaml\n", "```");
    std::fs::write(directory.path().join("azure-pipelines.yml"), yaml).unwrap();
    let arguments = [
        "--pipeline",
        "azure-pipelines.yml",
        "--connection",
        "longshore-create-storage-account:create_storage_account:secret",
    ];
    let (mut emulator, _) = Emulator::start("azure", &directory, &arguments).await;
    let body = on_the_page("BODY='", "'\n");
    // By `openssl dgst`, as on the page, with the secret `secret`.
    let signature = "45cef1fae16683b0cae8f99bb38a4c8bbccecb17";
    let (status, told) = emulator
        .post(&path("create_storage_account"), &signed(signature), body)
        .await;
    assert_eq!(status, "200");
    assert_eq!(told.trim_start(), on_the_page("```text\n", "\n```"));
    emulator.interrupt().await;
}

#[tokio::test]
async fn what_keeps_a_pipeline_from_starting_is_told() {
    let directory = directory();
    let unsigned = [
        "--pipeline",
        "deploy.yml",
        "--connection",
        "longshore:deploy",
    ];
    let cases: [(&[&str], &str, &str); 4] = [
        (
            &[],
            r#"{"a":1,"b":{}}"#,
            "trigger issue: line 12: call.b is an object",
        ),
        (&[], r#"{"a":2}"#, "does not match, found \"2\""),
        (&["--branch", "feature"], BODY, "its YAML is on \"feature\""),
        (
            &["--unregistered", "deploy"],
            BODY,
            "Cannot find webhook for the given webHookId deploy.",
        ),
    ];
    for (more, body, expected) in cases {
        let arguments = [&unsigned, more].concat();
        let (mut emulator, _) = Emulator::start("azure", &directory, &arguments).await;
        let (_, told) = emulator.post(&path("deploy"), &[], body).await;
        assert!(told.contains(expected), "{told}");
        emulator.interrupt().await;
    }
}

#[test]
fn mistakes_are_refused_with_their_place() {
    let directory = directory();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("empty", "\n");
    write("none.yml", "steps: []\n");
    write(
        "broken.yml",
        "resources:\n  webhooks:\n    - webhook: call\n",
    );
    let connection = |text: &'static str| vec!["--pipeline", "deploy.yml", "--connection", text];
    let pipeline = |file: &'static str| vec!["--pipeline", file, "--connection", "a:b"];
    let with = |more: &[&'static str]| [&USUAL, more].concat();
    let cases = [
        (
            with(&["--listen", "0.0.0.0:0"]),
            "expected a loopback address",
        ),
        (
            with(&["--listen", "192.0.2.1:80"]),
            "expected a loopback address",
        ),
        (
            with(&["--unregistered", "x"]),
            "no --connection has this WebHook Name",
        ),
        (with(&["--connection", "Longshore:x"]), "is given twice"),
        (with(&["--connection", "x:Deploy"]), "is given twice"),
        (
            with(&["--header", "a b"]),
            "expected the name of an HTTP header",
        ),
        (with(&["--organization", "a/b"]), "expected letters, digits"),
        (connection("longshore"), "expected NAME:WEBHOOK"),
        (connection("a:b/c"), "expected letters, digits"),
        (connection("a:b:nowhere"), "nowhere cannot be read"),
        (
            connection("a:b:empty"),
            "expected a secret, but it is empty",
        ),
        (pipeline("nowhere.yml"), "nowhere.yml cannot be read"),
        (
            pipeline("none.yml"),
            "none.yml:1:1: the pipeline has no resources.webhooks",
        ),
        (
            pipeline("broken.yml"),
            "broken.yml:3:7: a webhook needs `connection`",
        ),
        (
            vec!["--connection", "a:b"],
            "--pipeline: expected the YAML of a pipeline",
        ),
    ];
    for (arguments, expected) in cases {
        let output = Program::new(PROGRAM)
            .args(["emulate", "azure"])
            .args(&arguments)
            .env_clear()
            .current_dir(directory.path())
            .output()
            .unwrap();
        let ended = Ended::of(output);
        assert!(!ended.status.success(), "{arguments:?}");
        assert!(ended.stderr.contains(expected), "{arguments:?}: {ended:?}");
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
}
