//! `longshore emulate jenkins`: calls are answered and told, mistakes refused.

use std::process::Command as Program;

use tempfile::TempDir;

use crate::emulator::Emulator;
use crate::server::{Ended, PROGRAM};

const JOB: &str = "<?xml version='1.1' encoding='UTF-8'?>
<flow-definition plugin=\"workflow-job\">
  <properties>
    <org.jenkinsci.plugins.workflow.job.properties.PipelineTriggersJobProperty>
      <triggers>
        <org.jenkinsci.plugins.gwt.GenericTrigger plugin=\"generic-webhook-trigger@2.4.1\">
          <genericVariables>
            <org.jenkinsci.plugins.gwt.GenericVariable>
              <key>SERVICE</key>
              <value>$.service</value>
              <defaultValue></defaultValue>
            </org.jenkinsci.plugins.gwt.GenericVariable>
          </genericVariables>
          <tokenCredentialId>deploy-token</tokenCredentialId>
        </org.jenkinsci.plugins.gwt.GenericTrigger>
      </triggers>
    </org.jenkinsci.plugins.workflow.job.properties.PipelineTriggersJobProperty>
  </properties>
</flow-definition>
";

const WHITELIST: &str = "<?xml version='1.1' encoding='UTF-8'?>
<org.jenkinsci.plugins.gwt.global.Whitelist>
  <enabled>true</enabled>
  <whitelistItems>
    <org.jenkinsci.plugins.gwt.global.WhitelistItem>
      <host></host>
      <hmacEnabled>true</hmacEnabled>
      <hmacHeader>X-Port-Signature</hmacHeader>
      <hmacCredentialId>port-secret</hmacCredentialId>
      <hmacAlgorithm>HmacSHA1</hmacAlgorithm>
    </org.jenkinsci.plugins.gwt.global.WhitelistItem>
  </whitelistItems>
</org.jenkinsci.plugins.gwt.global.Whitelist>
";

/// A body, and its signature with the secret `secret`.
const BODY: &str = r#"{"service":"cart"}"#;
const SIGNATURE: &str = "sha1=1a2071add871b0539654880b3a4a4995c5b059cf";
const TOKEN: &str = "a-token-of-the-job";

/// A directory as Jenkins' home, with a job, the whitelist and two secrets.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let job = directory.path().join("jobs/shop/jobs/deploy");
    std::fs::create_dir_all(&job).unwrap();
    std::fs::write(job.join("config.xml"), JOB).unwrap();
    for (name, content) in [
        ("whitelist.xml", WHITELIST),
        ("secret", "secret\n"),
        ("token", TOKEN),
    ] {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

const USUAL: [&str; 10] = [
    "--job",
    "jobs/shop/jobs/deploy/config.xml",
    "--whitelist",
    "whitelist.xml",
    "--credential",
    "port-secret=secret",
    "--credential",
    "deploy-token=token",
    "--context-path",
    "/jenkins",
];

/// Where the job's trigger stands.
const PATH: &str = "/jenkins/generic-webhook-trigger/invoke";

/// The block without the sender's port, which is another one each time.
fn without_port(told: &str) -> String {
    let (before, behind) = told.split_once("127.0.0.1:").unwrap();
    let (_, behind) = behind.split_once(',').unwrap();
    format!("{before}127.0.0.1,{behind}")
}

#[tokio::test]
async fn each_call_is_told_as_it_happens() {
    let directory = directory();
    let (mut emulator, told) = Emulator::start("jenkins", &directory, &USUAL).await;
    let trigger = format!(
        "  trigger: http://{}/jenkins/generic-webhook-trigger/invoke",
        emulator.address
    );
    assert_eq!(told[1..3], [trigger, "  job shop/deploy".to_owned()]);

    let json = ("content-type", "application/json");
    let signed = ("X-Port-Signature", SIGNATURE);
    let (status, told) = emulator
        .post(PATH, &[json, ("token", TOKEN), signed], BODY)
        .await;
    assert_eq!(status, "200");
    let expected = r#"
1. POST /jenkins/generic-webhook-trigger/invoke from 127.0.0.1, application/json, 18 bytes
  whitelist  1) any host, HmacSHA1 in X-Port-Signature: lets the call in
  token      in the header token, 18 characters
  job        shop/deploy: called, its token was given (credential deploy-token)
    SERVICE = cart  JSONPath $.service
    filter      none: every call passes
    cause       Generic Cause
    build       queued, after the job's own quiet period
  answer     200 {"jobs":{"shop/deploy":{"regexpFilterExpression":"","triggered":true,"resolvedVariables":{"SERVICE":"cart"},"regexpFilterText":"","id":1,"url":"queue/item/1/"}},"message":"Triggered jobs."}"#;
    assert_eq!(without_port(&told), expected);

    let (status, told) = emulator.post(PATH, &[json, ("token", TOKEN)], BODY).await;
    assert_eq!(status, "403");
    let expected = r#"
2. POST /jenkins/generic-webhook-trigger/invoke from 127.0.0.1, application/json, 18 bytes
  whitelist  1) any host, HmacSHA1 in X-Port-Signature: the header is missing
  answer     403 "#;
    assert!(without_port(&told).starts_with(expected), "{told}");
    assert!(!told.contains(TOKEN), "{told}");
    emulator.interrupt().await;
}

#[tokio::test]
async fn a_credential_that_is_not_given_is_warned_of() {
    let directory = directory();
    let (emulator, told) = Emulator::start("jenkins", &directory, &USUAL[..2]).await;
    let warning = "  warning: job shop/deploy names the credential deploy-token, which is not given \
                   (--credential deploy-token=FILE)";
    assert_eq!(told[3], warning);
    emulator.interrupt().await;
}

#[test]
fn mistakes_are_refused_with_their_place() {
    let directory = directory();
    std::fs::write(directory.path().join("empty.xml"), "<project/>").unwrap();
    std::fs::write(directory.path().join("broken.xml"), "<project>\n</projekt>").unwrap();
    let job = USUAL[1];
    let cases = [
        (
            vec!["--job", job, "--listen", "0.0.0.0:0"],
            "--listen 0.0.0.0:0: expected a loopback address",
        ),
        (
            vec!["--job", "gone.xml"],
            "gone.xml cannot be read: No such file",
        ),
        (
            vec!["--job", "empty.xml"],
            "empty.xml has no Generic Webhook Trigger here; a Jenkinsfile that declares it must have run once",
        ),
        (
            vec!["--job", "broken.xml"],
            "broken.xml, line 2: not well-formed",
        ),
        (
            vec!["--job", job, "--job", job],
            "there is a job \"shop/deploy\" already; name one of them",
        ),
        (
            vec!["--job", job, "--whitelist", job],
            "expected the stored whitelist",
        ),
        (vec!["--job", job, "--credential", "a"], "expected ID=FILE"),
        (
            vec![
                "--job",
                job,
                "--credential",
                "a=token",
                "--credential",
                "a=token",
            ],
            "--credential a: this id is given twice",
        ),
        (
            vec!["--job", job, "--context-path", "jenkins"],
            "expected nothing, or a path like /jenkins",
        ),
        (
            vec!["--whitelist", "whitelist.xml"],
            "--job: expected the config.xml of a job",
        ),
    ];
    for (arguments, expected) in cases {
        let output = Program::new(PROGRAM)
            .args(["emulate", "jenkins"])
            .args(&arguments)
            .env_clear()
            .current_dir(directory.path())
            .output()
            .unwrap();
        let ended = Ended::of(output);
        assert!(!ended.status.success(), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{arguments:?}: {ended:?}");
    }
}

/// The page that shows how a configuration is tried.
const PAGE: &str = include_str!("../../../../docs/backends/jenkins.md");

/// What stands on the page between two texts.
fn on_the_page(from: &str, to: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(from).unwrap();
    rest.split_once(to).unwrap().0
}

#[tokio::test]
async fn the_example_of_the_page_is_what_is_printed() {
    let directory = directory();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/jenkins");
    let job = format!("{examples}/create-service/config.xml");
    let whitelist = format!("{examples}/org.jenkinsci.plugins.gwt.global.Whitelist.xml");
    let arguments = [
        "--job",
        &job,
        "--whitelist",
        &whitelist,
        "--credential",
        "longshore-signing-secret=secret",
        "--credential",
        "create-service-token=token",
    ];
    let (mut emulator, _) = Emulator::start("jenkins", &directory, &arguments).await;
    let body = on_the_page("BODY='", "'\n");
    let headers = [
        ("content-type", "application/json"),
        ("token", TOKEN),
        // By `openssl dgst`, as on the page, with the secret `secret`.
        (
            "x-port-signature",
            "sha1=4de9450fedc4f1b7c66d342bbc10fee02e2099c6",
        ),
    ];
    let called = emulator.post("/generic-webhook-trigger/invoke", &headers, body);
    let (status, told) = called.await;
    assert_eq!(status, "200");
    let page = without_port(on_the_page("```text\n", "\n```"));
    assert_eq!(without_port(told.trim_start()), page);
    emulator.interrupt().await;
}
