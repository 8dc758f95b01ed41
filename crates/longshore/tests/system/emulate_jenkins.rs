//! `longshore emulate jenkins`: calls are answered and told, mistakes refused.

use std::net::SocketAddr;
use std::process::{Command as Program, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::server::{Ended, PROGRAM, SOON};

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

/// The running emulator.
struct Emulator {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Emulator {
    async fn start(directory: &TempDir, arguments: &[&str]) -> (Self, Vec<String>) {
        let mut child = Command::new(PROGRAM)
            .args(["emulate", "jenkins", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env_clear()
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut emulator = Self {
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            address: ([0; 4], 0).into(),
        };
        let told = emulator.told("Ctrl-C").await;
        let (_, url) = told[0].rsplit_once("http://").unwrap();
        emulator.address = url.split('/').next().unwrap().parse().unwrap();
        (emulator, told)
    }

    /// The next lines, to the one that begins so.
    async fn told(&mut self, last: &str) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let line = timeout(SOON, self.lines.next_line()).await.unwrap();
            let line = line
                .unwrap()
                .unwrap_or_else(|| panic!("it ended after {told:#?}"));
            let is_last = line.starts_with(last);
            told.push(line);
            if is_last {
                return told;
            }
        }
    }

    /// Calls the trigger; gives the answer's status, and the block that is printed.
    async fn call(&mut self, headers: &[(&str, &str)], body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let request = format!(
            "POST /jenkins/generic-webhook-trigger/invoke HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            self.address,
            body.len(),
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(SOON, stream.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        let status = answer.split(' ').nth(1).unwrap().to_owned();
        let told = self.told("  answer").await.join("\n");
        (status, told)
    }

    /// Ends it as Ctrl-C does.
    async fn interrupt(mut self) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::INT).unwrap();
        let status = timeout(SOON, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// The block without the sender's port, which is another one each time.
fn without_port(told: &str) -> String {
    let (before, behind) = told.split_once("127.0.0.1:").unwrap();
    let (_, behind) = behind.split_once(',').unwrap();
    format!("{before}127.0.0.1,{behind}")
}

#[tokio::test]
async fn each_call_is_told_as_it_happens() {
    let directory = directory();
    let (mut emulator, told) = Emulator::start(&directory, &USUAL).await;
    let trigger = format!(
        "  trigger: http://{}/jenkins/generic-webhook-trigger/invoke",
        emulator.address
    );
    assert_eq!(told[1..3], [trigger, "  job shop/deploy".to_owned()]);

    let json = ("content-type", "application/json");
    let signed = ("X-Port-Signature", SIGNATURE);
    let (status, told) = emulator.call(&[json, ("token", TOKEN), signed], BODY).await;
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

    let (status, told) = emulator.call(&[json, ("token", TOKEN)], BODY).await;
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
    let (emulator, told) = Emulator::start(&directory, &USUAL[..2]).await;
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
