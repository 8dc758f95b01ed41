//! `longshore verify` against signatures that Python's hmac made.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::server::{Ended, PROGRAM};

const SECRET: &str = "a shared secret";
const BODY: &str = r#"{"name":"billing","tags":["a","b"],"count":2}"#;
const PRESETS: [&str; 3] = ["jenkins", "azure-devops", "port-v1"];

/// A signature with its timestamp.
struct Signed {
    timestamp: String,
    signature: String,
}

fn sign(preset: &str, secret: &str, seconds_ago: i64, body: &str) -> Signed {
    let script = include_str!("signatures.py");
    let mut python = Command::new("python3");
    python.args(["-c", script, preset, secret, &seconds_ago.to_string()]);
    let output = fed(python, body);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (timestamp, signature) = text.trim().split_once('\n').unwrap();
    Signed {
        timestamp: timestamp.to_owned(),
        signature: signature.trim().to_owned(),
    }
}

fn fed(mut command: Command, body: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(body.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// Runs `longshore verify` on a body, with a secret of its own file.
fn verify(preset: &str, secret: &str, headers: &[String], body: &str) -> Ended {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(secret.as_bytes()).unwrap();
    let mut program = Command::new(PROGRAM);
    program.args(["verify", "--preset", preset, "--secret-file"]);
    program.arg(file.path());
    for header in headers {
        program.args(["--header", header]);
    }
    Ended::of(fed(program, body))
}

fn headers(signed: &Signed) -> Vec<String> {
    vec![
        format!("X-Port-Timestamp: {}", signed.timestamp),
        format!("x-port-signature:{}", signed.signature),
        "Content-Type: application/json".to_owned(),
    ]
}

#[test]
fn signatures_of_every_preset_hold() {
    for preset in PRESETS {
        for body in [BODY, "", "not JSON: \u{2028}ü\n"] {
            let signed = sign(preset, SECRET, 0, body);
            for secret in [
                SECRET.to_owned(),
                format!("{SECRET}\n"),
                format!("{SECRET}\r\n"),
            ] {
                let ended = verify(preset, &secret, &headers(&signed), body);
                assert_eq!(ended.status.code(), Some(0), "{preset} {body:?}: {ended:?}");
                assert_eq!(ended.stdout, "the signature holds\n");
            }
        }
    }
}

#[test]
fn a_mismatch_is_explained() {
    let changed = BODY.replace("billing", "payroll");
    let rewritten = r#"{"name": "billing", "tags": ["a", "b"], "count": 2}"#;
    for preset in PRESETS {
        let signed = sign(preset, SECRET, 0, BODY);
        let of_rewritten = sign(preset, SECRET, 0, rewritten);
        let cases = [
            (
                "another secret",
                "some other secret",
                &signed,
                BODY,
                "wrong secret",
            ),
            (
                "a changed body",
                SECRET,
                &signed,
                changed.as_str(),
                "changed body",
            ),
            (
                "re-serialised JSON",
                SECRET,
                &signed,
                rewritten,
                "re-serialised body",
            ),
            (
                "signed otherwise",
                SECRET,
                &of_rewritten,
                BODY,
                "re-serialised body",
            ),
        ];
        for (case, secret, signed, body, expected) in cases {
            let ended = verify(preset, secret, &headers(signed), body);
            assert_eq!(ended.status.code(), Some(1), "{preset}, {case}: {ended:?}");
            assert!(
                ended.stdout.starts_with("the signature does not hold:\n- "),
                "{ended:?}"
            );
            assert!(
                ended.stdout.contains(expected),
                "{preset}, {case}: {ended:?}"
            );
            assert!(
                !ended.stdout.contains(secret),
                "{preset}, {case}: {ended:?}"
            );
        }
    }
}

#[test]
fn a_stale_timestamp_is_told_where_it_is_signed() {
    for (age, expected) in [(3600, "made 3600 s ago"), (-3600, "s ahead")] {
        let signed = sign("port-v1", SECRET, age, BODY);
        let ended = verify("port-v1", SECRET, &headers(&signed), BODY);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(ended.stdout.contains("stale timestamp"), "{ended:?}");
        let told = ended.stdout.replace("3601", "3600");
        assert!(told.contains(expected), "{ended:?}");
    }
    // The SHA-1 presets sign the body alone.
    let signed = sign("jenkins", SECRET, 3600, BODY);
    let ended = verify("jenkins", SECRET, &headers(&signed), BODY);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[test]
fn signatures_of_other_presets_and_missing_headers_are_named() {
    let sha1 = sign("jenkins", SECRET, 0, BODY);
    let ended = verify("port-v1", SECRET, &headers(&sha1), BODY);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        ended
            .stdout
            .contains("wrong preset: this is a valid jenkins"),
        "{ended:?}"
    );
    let ended = verify("port-v1", SECRET, &[], BODY);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        ended.stdout.contains("missing header: X-Port-Signature"),
        "{ended:?}"
    );
}

#[test]
fn what_cannot_be_checked_ends_with_2() {
    let cases: [&[&str]; 3] = [
        &["verify", "--secret-file", "/no/such/file"],
        &[
            "verify",
            "--preset",
            "md5",
            "--secret-file",
            "/no/such/file",
        ],
        &["verify"],
    ];
    for arguments in cases {
        let mut program = Command::new(PROGRAM);
        program.args(arguments);
        let ended = Ended::of(fed(program, ""));
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {ended:?}");
        assert!(
            !ended.stderr.is_empty() && ended.stdout.is_empty(),
            "{ended:?}"
        );
    }
}
