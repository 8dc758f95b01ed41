//! The samples of `docs/signatures.md`, run against real deliveries: each holds, and does not hold
//! once a byte of the body, the signature, the timestamp or the secret is another one. That of
//! `docs/templates.md` opens the contract's vector.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use longshore_domain::signature::{self, Preset};
use longshore_emulators::webhook_sink::{Config, Recording, WebhookSink};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::server::{CLIENT_SECRET, Home, SOON};

/// What a receiver got, and the verdict that it must come to.
struct Received {
    name: &'static str,
    sha1: bool,
    secret: String,
    signature: String,
    timestamp: String,
    body: Vec<u8>,
    holds: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sample_accepts_what_was_sent_and_nothing_else() {
    let (home, received) = received().await;
    for language in [
        Language {
            name: "python",
            driver: PYTHON,
            run: python,
        },
        Language {
            name: "js",
            driver: NODE,
            run: node,
        },
        Language {
            name: "go",
            driver: GO,
            run: go,
        },
        Language {
            name: "bash",
            driver: BASH,
            run: bash,
        },
    ] {
        let program = home.path(&format!("sample-{}", language.name));
        let text = language.driver.replace("SAMPLE\n", &sample(language.name));
        std::fs::write(&program, text).unwrap();
        for one in &received {
            let said = (language.run)(&home, &program, one);
            let said = run(said, one).await;
            let expected = if one.holds { "holds" } else { "does not hold" };
            assert_eq!(said, expected, "{}: {}", language.name, one.name);
        }
    }
}

#[tokio::test]
async fn the_sample_opens_an_encrypted_input() {
    let vectors = include_str!("../../../domain/vectors/crypto.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let vector = &vectors["aes256-gcm"];
    let (wire, secret) = (&vector["wire"], &vector["client_secret"]);
    let page = include_str!("../../../../docs/templates.md");
    let (_, rest) = page.split_once("```js\n").unwrap();
    let (sample, _) = rest.split_once("```").unwrap();
    let program = format!("{sample}\nprocess.stdout.write(opened({wire}, {secret}));");
    let mut node = Command::new("node");
    let output = timeout(SOON, node.args(["-e", &program]).output()).await;
    let output = output.unwrap().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said,
        vector["plaintext"].as_str().unwrap(),
        "{:?}",
        output.stderr
    );
}

struct Language {
    name: &'static str,
    /// A program around the sample: reads one case as JSON, or as arguments, and says the verdict.
    driver: &'static str,
    run: fn(&Home, &Path, &Received) -> Command,
}

const PYTHON: &str = r#"
import sys, json
SAMPLE
case = json.load(sys.stdin)
headers = {"X-Port-Signature": case["signature"], "X-Port-Timestamp": case["timestamp"]}
body = bytes.fromhex(case["body"])
check = verify_sha1 if case["sha1"] else verify
print("holds" if check(case["secret"], headers, body) else "does not hold")
"#;

const NODE: &str = r#"
SAMPLE
const given = JSON.parse(require("node:fs").readFileSync(0));
const headers = { "x-port-signature": given.signature, "x-port-timestamp": given.timestamp };
const check = given.sha1 ? verifySha1 : verify;
console.log(check(given.secret, headers, Buffer.from(given.body, "hex")) ? "holds" : "does not hold");
"#;

const GO: &str = r#"package main

import (
	"encoding/json"
	"fmt"
	"os"
)

SAMPLE
func main() {
	var given struct {
		Secret, Signature, Timestamp, Body string
		Sha1                               bool
	}
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	body, err := hex.DecodeString(given.Body)
	if err != nil {
		panic(err)
	}
	holds := verify(given.Secret, given.Signature, given.Timestamp, body, 5*time.Minute)
	if given.Sha1 {
		holds = verifySha1(given.Secret, given.Signature, body)
	}
	fmt.Println(map[bool]string{true: "holds", false: "does not hold"}[holds])
}
"#;

const BASH: &str = r#"set -u
SAMPLE
if [[ $1 == sha1 ]]; then
  verify_sha1 secret "$2" body && echo holds || echo "does not hold"
else
  verify secret "$2" "$3" body && echo holds || echo "does not hold"
fi
"#;

fn python(_: &Home, program: &Path, _: &Received) -> Command {
    let mut command = Command::new("python3");
    command.arg(program);
    command
}

fn node(_: &Home, program: &Path, _: &Received) -> Command {
    let mut command = Command::new("node");
    command.arg(program);
    command
}

fn go(home: &Home, program: &Path, _: &Received) -> Command {
    let source = program.with_extension("go");
    let built = home.path("go-sample");
    if !built.exists() {
        std::fs::copy(program, &source).unwrap();
        let mut build = std::process::Command::new("go");
        build.arg("build").arg("-o").arg(&built).arg(&source);
        // Only the standard library is needed; what was built stays for the next time.
        build
            .env(
                "GOCACHE",
                PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("go"),
            )
            .env("GOPROXY", "off")
            .env("GOFLAGS", "-mod=mod");
        let output = build.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    Command::new(built)
}

fn bash(home: &Home, program: &Path, received: &Received) -> Command {
    std::fs::write(home.path("secret"), &received.secret).unwrap();
    std::fs::write(home.path("body"), &received.body).unwrap();
    let mut command = Command::new("bash");
    let kind = if received.sha1 { "sha1" } else { "port-v1" };
    command
        .arg(program)
        .args([kind, &received.signature, &received.timestamp]);
    command.current_dir(program.parent().unwrap());
    command
}

/// What the program says of `received`.
async fn run(mut command: Command, received: &Received) -> String {
    let body: String = received
        .body
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let case = json!({
        "sha1": received.sha1, "secret": received.secret, "signature": received.signature,
        "timestamp": received.timestamp, "body": body,
    });
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{command:?}: {error}; CONTRIBUTING.md says what is needed")
        });
    let mut input = child.stdin.take().unwrap();
    // A program that reads only its arguments may have ended before.
    let _written = input.write_all(case.to_string().as_bytes()).await;
    drop(input);
    let output = timeout(SOON, child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The code of the page in `language`.
fn sample(language: &str) -> String {
    let page = include_str!("../../../../docs/signatures.md");
    let blocks = page.split("```").skip(1).step_by(2);
    let code = blocks
        .filter_map(|block| block.split_once('\n'))
        .find(|(name, _)| *name == language);
    code.unwrap_or_else(|| panic!("no sample in {language}"))
        .1
        .to_owned()
}

/// Two deliveries as they arrived, and what becomes of them when something is changed.
async fn received() -> (Home, Vec<Received>) {
    let sink = WebhookSink::start(Config {
        recording: Recording::Full,
        refuse_unverified: false,
        ..Config::default()
    });
    let (sink, home) = (sink.await.unwrap(), Home::new());
    let server = home.serve().await;
    let api = server.api().await;
    for (action, path) in [
        ("plain", "/hook"),
        ("jenkins", "/generic-webhook-trigger/invoke"),
    ] {
        let stored = json!({
            "identifier": action,
            "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {}}},
            "invocationMethod": {"type": "WEBHOOK", "url": format!("{}{path}", sink.base_url()),
                "body": {"text": "Grüße 🚢 'quoted' \"and\" \\", "list": [1, 2.5, null]}},
        });
        api.post("/v1/actions", &stored).await;
        api.execute(action).await;
    }
    api.drained(SOON).await;
    server.stop().await;
    let mut cases = Vec::new();
    for delivery in sink.deliveries() {
        let header = |name: &str| delivery.headers[name].to_str().unwrap().to_owned();
        let sha1 = delivery.uri.path().ends_with("invoke");
        let sound = || Received {
            name: "as it was sent",
            sha1,
            secret: CLIENT_SECRET.to_owned(),
            signature: header("x-port-signature"),
            timestamp: header("x-port-timestamp"),
            body: delivery.body.to_vec(),
            holds: true,
        };
        cases.push(sound());
        cases.extend(tampered(sha1, sound));
    }
    assert_eq!(cases.len(), 16);
    (home, cases)
}

fn tampered(sha1: bool, sound: impl Fn() -> Received) -> Vec<Received> {
    type Change = fn(&mut Received);
    let mut changes: Vec<(&'static str, Change)> = vec![
        ("another byte in the body", |it| it.body[3] ^= 1),
        ("a line break after the body", |it| it.body.push(b'\n')),
        ("another secret", |it| it.secret.push('x')),
        ("a signature that ends earlier", |it| {
            it.signature.truncate(it.signature.len() - 1);
        }),
        ("no signature", |it| it.signature.clear()),
        ("another kind of signature", |it| it.sha1 = !it.sha1),
    ];
    if !sha1 {
        changes.push(("another timestamp", |it| {
            let seconds: i64 = it.timestamp.parse().unwrap();
            it.timestamp = (seconds - 1).to_string();
        }));
    }
    let mut cases: Vec<Received> = changes
        .into_iter()
        .map(|(name, change)| {
            let mut case = sound();
            change(&mut case);
            Received {
                name,
                holds: false,
                ..case
            }
        })
        .collect();
    if !sha1 {
        let mut stale = sound();
        let sent: i64 = stale.timestamp.parse().unwrap();
        let before = sent - 301;
        let secret = CLIENT_SECRET.as_bytes();
        stale.signature = signature::sign(Preset::PortV1, secret, before, &stale.body);
        stale.timestamp = before.to_string();
        let (name, holds) = ("signed five minutes ago", false);
        cases.push(Received {
            name,
            holds,
            ..stale
        });
    }
    cases
}
