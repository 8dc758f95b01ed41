use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::action::InvocationKind;
use crate::json;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_767_323_045;
const TOLERANCE: Duration = DEFAULT_TOLERANCE;

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn sha1_presets_agree_with_the_vendors_vector() {
    for vector in vectors("azure-signature.json").as_array().unwrap() {
        let secret = vector["secret"].as_str().unwrap().as_bytes();
        let body = vector["body_utf8"].as_str().unwrap().as_bytes();
        let expected = vector["hmac_sha1_hex_lower"].as_str().unwrap();
        for preset in [Preset::Jenkins, Preset::AzureDevops] {
            assert_eq!(sign(preset, secret, NOW, body), expected);
            let documented = vector["doc_header_value"].as_str().unwrap_or(expected);
            for value in [expected, documented, &format!("sha1={expected}")] {
                assert_eq!(
                    verify(preset, secret, value, None, body, NOW, TOLERANCE),
                    Ok(())
                );
            }
        }
    }
}

#[test]
fn port_v1_agrees_with_the_agents_and_the_webhooks_vector() {
    let kafka = vectors("kafka-signature.json");
    let message: Value = serde_json::from_str(kafka["signed_json"].as_str().unwrap()).unwrap();
    let webhook = &vectors("crypto.json")["webhook-signature"];
    let table = [
        (
            kafka["secret"].as_str(),
            kafka["timestamp"].as_i64(),
            json::python_compact(&message),
            kafka["signature"].as_str(),
        ),
        (
            webhook["secret"].as_str(),
            webhook["timestamp"]
                .as_str()
                .and_then(|text| text.parse().ok()),
            webhook["raw_body"].as_str().unwrap().to_owned(),
            webhook["x-port-signature"].as_str(),
        ),
    ];
    for (secret, at, body, expected) in table {
        let (secret, at, expected) = (secret.unwrap(), at.unwrap(), expected.unwrap());
        let made = sign(Preset::PortV1, secret.as_bytes(), at, body.as_bytes());
        assert_eq!(made, expected);
        let timestamp = at.to_string();
        let verified = verify(
            Preset::PortV1,
            secret.as_bytes(),
            expected,
            Some(&timestamp),
            body.as_bytes(),
            at,
            TOLERANCE,
        );
        assert_eq!(verified, Ok(()));
    }
}

/// Signs with Python's `hmac`, which shares no line with ours. Each line of the input is
/// `[secret, timestamp, body]` in hex, each line of the answer the two signatures.
fn python_signatures(cases: &[(Vec<u8>, i64, Vec<u8>)]) -> Vec<(String, String)> {
    const PROGRAM: &str = "
import base64, hashlib, hmac, sys
for line in sys.stdin:
    secret, at, body = line.split(',')
    secret, body = bytes.fromhex(secret), bytes.fromhex(body.strip())
    sha1 = hmac.new(secret, body, hashlib.sha1).hexdigest()
    v1 = hmac.new(secret, at.encode() + b'.' + body, hashlib.sha256).digest()
    print(sha1, 'v1,' + base64.b64encode(v1).decode())
";
    let mut child = Command::new("python3")
        .args(["-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed to check signatures against independent code");
    let mut input = String::new();
    for (secret, at, body) in cases {
        input.push_str(&format!("{},{at},{}\n", mac::hex(secret), mac::hex(body)));
    }
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let pair = |line: &str| {
        let (sha1, v1) = line.split_once(' ').unwrap();
        (sha1.to_owned(), v1.to_owned())
    };
    text.lines().map(pair).collect()
}

#[test]
fn every_preset_agrees_with_pythons_hmac() {
    let mut cases = Vec::new();
    for secret_bytes in [1, 31, 32, 63, 64, 65, 128, 1_000] {
        for body in [
            &b""[..],
            b"{}",
            "{\"é\":\"🚀\"}".as_bytes(),
            &[0, 255, 10],
            &[b'x'; 10_000],
        ] {
            let secret = (0..secret_bytes).map(|at| (at * 7 % 256) as u8).collect();
            cases.push((secret, NOW, body.to_vec()));
        }
    }
    cases.push((SECRET.to_vec(), 0, b"[]".to_vec()));
    cases.push((SECRET.to_vec(), -1, b"[]".to_vec()));
    let theirs = python_signatures(&cases);
    assert_eq!(theirs.len(), cases.len());
    for ((secret, at, body), (sha1, v1)) in cases.iter().zip(theirs) {
        assert_eq!(sign(Preset::Jenkins, secret, *at, body), sha1);
        assert_eq!(sign(Preset::AzureDevops, secret, *at, body), sha1);
        assert_eq!(sign(Preset::PortV1, secret, *at, body), v1);
    }
}

#[test]
fn the_receiver_chooses_the_preset() {
    use InvocationKind::{AzureDevops, Jenkins, Kafka, Webhook};
    let azure = "https://dev.azure.com/acme/_apis/public/distributedtask/webhooks/portal?api-version=6.0-preview";
    let table = [
        (
            Webhook,
            "https://ci.example/generic-webhook-trigger/invoke",
            Preset::Jenkins,
        ),
        (
            Webhook,
            "https://ci.example/jenkins/generic-webhook-trigger/invoke?token=a",
            Preset::Jenkins,
        ),
        (
            Webhook,
            "https://ci.example/generic-webhook-trigger/invoke/x",
            Preset::Jenkins,
        ),
        (
            Webhook,
            "https://ci.example/?p=/generic-webhook-trigger/invoke",
            Preset::PortV1,
        ),
        (
            Webhook,
            "https://ci.example/#/generic-webhook-trigger/invoke",
            Preset::PortV1,
        ),
        (Webhook, azure, Preset::AzureDevops),
        (
            Webhook,
            "https://example.com/?to=/_apis/public/distributedtask/webhooks/",
            Preset::PortV1,
        ),
        (Webhook, "https://example.com/hook", Preset::PortV1),
        (Webhook, "not a url", Preset::PortV1),
        (Jenkins, "https://example.com/anything", Preset::Jenkins),
        (AzureDevops, "", Preset::AzureDevops),
        (Kafka, "", Preset::PortV1),
    ];
    for (kind, url, preset) in table {
        assert_eq!(Preset::for_invocation(kind, url), preset, "{kind:?} {url}");
    }
}

#[test]
fn presets_have_names() {
    for preset in Preset::ALL {
        assert_eq!(preset.as_str().parse(), Ok(preset));
        assert_eq!(serde_json::to_value(preset).unwrap(), preset.as_str());
    }
    assert_eq!("v1".parse::<Preset>(), Err(UnknownPreset));
}

#[test]
fn verify_refuses_what_differs() {
    let body = br#"{"a":1}"#;
    let v1 = sign(Preset::PortV1, SECRET, NOW, body);
    let sha1 = sign(Preset::Jenkins, SECRET, NOW, body);
    let at = NOW.to_string();
    let form = |preset| Err(Mismatch::Form(preset));
    let check = |preset, value: &str, timestamp: Option<&str>, now| {
        verify(preset, SECRET, value, timestamp, body, now, TOLERANCE)
    };
    let (port, jenkins) = (Preset::PortV1, Preset::Jenkins);
    let table = [
        (check(port, &v1, Some(&at), NOW + 300), Ok(())),
        (check(port, &v1, Some(&at), NOW - 300), Ok(())),
        (
            check(port, &v1, Some(&at), NOW + 301),
            Err(Mismatch::Stale { age_seconds: 301 }),
        ),
        (
            check(port, &v1, Some(&at), NOW - 301),
            Err(Mismatch::Stale { age_seconds: -301 }),
        ),
        (check(port, &v1, None, NOW), Err(Mismatch::MissingTimestamp)),
        (
            check(port, &v1, Some("soon"), NOW),
            Err(Mismatch::Timestamp),
        ),
        (check(port, &v1, Some("1"), NOW), Err(Mismatch::Digest)),
        (
            check(port, &v1, Some(&format!(" {at}")), NOW),
            Err(Mismatch::Timestamp),
        ),
        (check(port, &v1[3..], Some(&at), NOW), form(port)),
        (check(port, &sha1, Some(&at), NOW), form(port)),
        (check(port, "v1,", Some(&at), NOW), form(port)),
        (check(port, "", Some(&at), NOW), form(port)),
        (check(jenkins, &sha1, None, i64::MAX), Ok(())),
        (check(jenkins, &sha1[1..], None, NOW), form(jenkins)),
        (
            check(jenkins, &format!("{sha1}00"), None, NOW),
            form(jenkins),
        ),
        (
            check(jenkins, &sha1.replace(&sha1[..1], "g"), None, NOW),
            form(jenkins),
        ),
        (check(jenkins, &v1, None, NOW), form(jenkins)),
        (check(jenkins, &"é".repeat(20), None, NOW), form(jenkins)),
        (
            check(jenkins, &"0".repeat(40), None, NOW),
            Err(Mismatch::Digest),
        ),
    ];
    for (row, (result, expected)) in table.into_iter().enumerate() {
        assert_eq!(result, expected, "row {row}");
    }
}

struct Call {
    preset: Preset,
    secret: Vec<u8>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    now_seconds: i64,
}

/// A call that verifies.
fn call(preset: Preset, body: &str) -> Call {
    let signature = sign(preset, SECRET, NOW, body.as_bytes());
    Call {
        preset,
        secret: SECRET.to_vec(),
        headers: vec![
            ("Content-Type".into(), "application/json".into()),
            ("x-port-signature".into(), signature),
            ("x-port-timestamp".into(), NOW.to_string()),
        ],
        body: body.into(),
        now_seconds: NOW,
    }
}

impl Call {
    fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn signed_by(self, value: String) -> Self {
        self.but(|call| call.headers[1].1 = value)
    }

    fn explained(&self) -> Explanation {
        explain(&Evidence {
            preset: self.preset,
            secret: &self.secret,
            headers: &self.headers,
            signature_header: SIGNATURE_HEADER,
            body: &self.body,
            now_seconds: self.now_seconds,
            tolerance: TOLERANCE,
        })
    }
}

const BODY: &str = r#"{"name":"Zoë","n":1.5,"tags":["a","b"],"b":{"a":null}}"#;

#[test]
fn a_valid_call_is_valid() {
    for preset in Preset::ALL {
        assert_eq!(call(preset, BODY).explained(), Explanation::Valid);
        assert_eq!(call(preset, "").explained(), Explanation::Valid);
    }
}

#[test]
fn explains_headers_and_time() {
    let (jenkins, port) = (Preset::Jenkins, Preset::PortV1);
    let missing = |name: &str, similar: Option<&str>| Finding::MissingHeader {
        name: name.into(),
        similar: similar.map(str::to_owned),
    };
    let stale = |age_seconds| Finding::Stale {
        age_seconds,
        tolerance_seconds: 300,
    };
    let table = [
        (
            call(port, BODY).but(|c| c.headers.clear()),
            vec![
                missing(SIGNATURE_HEADER, None),
                missing(TIMESTAMP_HEADER, None),
            ],
        ),
        (
            call(jenkins, BODY).but(|c| c.headers[1].0 = "X-Hub-Signature".into()),
            vec![missing(SIGNATURE_HEADER, Some("X-Hub-Signature"))],
        ),
        (
            call(jenkins, BODY).but(|c| c.headers.push(c.headers[1].clone())),
            vec![Finding::RepeatedHeader {
                name: SIGNATURE_HEADER.into(),
                count: 2,
            }],
        ),
        (
            call(port, BODY).but(|c| c.now_seconds += 3_600),
            vec![stale(3_600)],
        ),
        (
            call(port, BODY).but(|c| c.now_seconds -= 3_600),
            vec![stale(-3_600)],
        ),
    ];
    for (row, (call, expected)) in table.into_iter().enumerate() {
        let Explanation::Invalid(findings) = call.explained() else {
            panic!("row {row}")
        };
        assert_eq!(findings[..expected.len()], expected, "row {row}");
    }
    assert_eq!(
        call(jenkins, BODY)
            .but(|c| c.now_seconds += 3_600)
            .explained(),
        Explanation::Valid
    );
}

#[test]
fn explains_forms_and_algorithms() {
    let (jenkins, azure, port) = (Preset::Jenkins, Preset::AzureDevops, Preset::PortV1);
    let v1 = sign(port, SECRET, NOW, BODY.as_bytes());
    let sha1 = sign(jenkins, SECRET, NOW, BODY.as_bytes());
    let base64 =
        |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    let sha256 = mac::hex(&mac::sha256(SECRET, &[BODY.as_bytes()]));
    let other = |expected, found| Finding::OtherPreset { expected, found };
    let algorithm = |expected| Finding::OtherAlgorithm {
        expected,
        found: "HMAC-SHA256 of the body alone",
    };
    let table = [
        (
            call(jenkins, BODY).signed_by(v1.clone()),
            other(jenkins, port),
        ),
        (
            call(port, BODY).signed_by(sha1.clone()),
            other(port, jenkins),
        ),
        (
            call(azure, BODY).signed_by(format!("sha256={sha256}")),
            algorithm(azure),
        ),
        (call(port, BODY).signed_by(sha256), algorithm(port)),
        (
            call(port, BODY).signed_by(v1[3..].to_owned()),
            Finding::OtherForm(port),
        ),
        (
            call(jenkins, BODY).signed_by(base64(&mac::sha1(SECRET, BODY.as_bytes()))),
            Finding::OtherForm(jenkins),
        ),
        (
            call(azure, BODY).signed_by(format!("HMAC {sha1}")),
            Finding::OtherForm(azure),
        ),
        (
            call(jenkins, BODY).signed_by("hello".into()),
            Finding::Malformed(jenkins),
        ),
        (
            call(port, BODY).signed_by(String::new()),
            Finding::Malformed(port),
        ),
    ];
    for (row, (call, expected)) in table.into_iter().enumerate() {
        assert_eq!(
            call.explained(),
            Explanation::Invalid(vec![expected]),
            "row {row}"
        );
    }
}

#[test]
fn explains_rewritten_bodies() {
    let value: Value = serde_json::from_str(BODY).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let table = [
        // What a person pasted, and how the signed bytes were written.
        (pretty.as_str(), BODY, Rewriting::Stringify),
        (BODY, pretty.as_str(), Rewriting::Indented(2)),
        (
            BODY,
            &json::python_default(&value),
            Rewriting::PythonDefault,
        ),
        (
            BODY,
            &json::python_compact_ascii(&value),
            Rewriting::PythonCompactAscii,
        ),
        (
            BODY,
            r#"{"b":{"a":null},"n":1.5,"name":"Zoë","tags":["a","b"]}"#,
            Rewriting::SortedKeys,
        ),
        (r#"{"n":1}"#, "{\"n\":1}\n", Rewriting::WithFinalLineBreak),
        (
            "{\"n\":1}\r\n",
            r#"{"n":1}"#,
            Rewriting::WithoutFinalLineBreak,
        ),
        ("a\r\nb", "a\nb", Rewriting::UnixLineBreaks),
        ("a\nb", "a\r\nb", Rewriting::WindowsLineBreaks),
        (
            "\u{feff}{\"n\":1}",
            r#"{"n":1}"#,
            Rewriting::WithoutByteOrderMark,
        ),
        (r#"{"n":1.0}"#, r#"{"n":1}"#, Rewriting::Stringify),
        (
            r#"{"n":1E0}"#,
            r#"{"n":1.0}"#,
            Rewriting::PythonCompactAscii,
        ),
    ];
    for preset in Preset::ALL {
        for (row, (seen, signed, rewriting)) in table.iter().enumerate() {
            let call = call(preset, signed).but(|call| call.body = seen.as_bytes().to_vec());
            let expected = Explanation::Invalid(vec![Finding::RewrittenBody(*rewriting)]);
            assert_eq!(call.explained(), expected, "{preset} row {row}");
        }
    }
    let late = call(Preset::PortV1, BODY).but(|call| {
        call.body = pretty.clone().into();
        call.now_seconds += 1_000;
    });
    let Explanation::Invalid(findings) = late.explained() else {
        panic!("not valid")
    };
    assert!(matches!(
        findings[..],
        [Finding::Stale { .. }, Finding::RewrittenBody(_)]
    ));
}

#[test]
fn explains_secrets_and_changed_bodies() {
    for preset in Preset::ALL {
        let wrong = call(preset, BODY).but(|call| call.secret = vec![b'x'; 32]);
        let suspect_secret = Explanation::Invalid(vec![Finding::Unmatched {
            body_as_written: true,
        }]);
        assert_eq!(wrong.explained(), suspect_secret);

        let file = call(preset, BODY).but(|call| call.secret.extend(b"\r\n"));
        assert_eq!(
            file.explained(),
            Explanation::Invalid(vec![Finding::SecretLineBreak])
        );

        let changed = call(preset, BODY).but(|call| call.body = b"{\"name\": \"Eve\"}".to_vec());
        let suspect_body = Explanation::Invalid(vec![Finding::Unmatched {
            body_as_written: false,
        }]);
        assert_eq!(changed.explained(), suspect_body);

        let cut = changed.but(|call| call.headers.push(("content-length".into(), "58".into())));
        let length = Finding::BodyLength {
            declared: 58,
            found: 15,
        };
        assert_eq!(cut.explained(), Explanation::Invalid(vec![length]));
    }
}

#[test]
fn explanations_name_the_cause_and_no_secret() {
    let wrong = call(Preset::PortV1, BODY).but(|call| call.secret = vec![b'x'; 32]);
    let Explanation::Invalid(findings) = wrong.explained() else {
        panic!("not valid")
    };
    let text = findings[0].to_string();
    assert!(text.starts_with("wrong secret or changed body"), "{text}");
    assert!(!text.contains("xxxx"));
    let stale = call(Preset::PortV1, BODY).but(|call| call.now_seconds += 600);
    let Explanation::Invalid(findings) = stale.explained() else {
        panic!("not valid")
    };
    assert!(
        findings[0]
            .to_string()
            .starts_with("stale timestamp: made 600 s ago")
    );
}

#[test]
fn headers_of_actions_are_checked() {
    let long = "v".repeat(MAX_HEADER_VALUE_BYTES + 1);
    let table = [
        ("Authorization", "Bearer é", Ok(())),
        ("X-My-Header", "", Ok(())),
        ("X-Portal", "a\tb", Ok(())),
        ("X-Longshore-Note", "1", Ok(())),
        ("X-Port-Signature", "1", Err(HeaderFault::Reserved)),
        ("x-PORT-anything", "1", Err(HeaderFault::Reserved)),
        ("x-longshore-run-id", "1", Err(HeaderFault::Reserved)),
        ("HOST", "a", Err(HeaderFault::Reserved)),
        ("content-length", "0", Err(HeaderFault::Reserved)),
        ("Transfer-Encoding", "chunked", Err(HeaderFault::Reserved)),
        ("connection", "close", Err(HeaderFault::Reserved)),
        ("", "a", Err(HeaderFault::Name)),
        ("A B", "a", Err(HeaderFault::Name)),
        ("A:", "a", Err(HeaderFault::Name)),
        ("Ä", "a", Err(HeaderFault::Name)),
        ("A\r\nB", "a", Err(HeaderFault::Name)),
        ("X-A", "a\r\nX-Port-Signature: b", Err(HeaderFault::Value)),
        ("X-A", "a\nb", Err(HeaderFault::Value)),
        ("X-A", "a\0b", Err(HeaderFault::Value)),
        ("X-A", " a", Err(HeaderFault::Value)),
        ("X-A", "a\u{7f}", Err(HeaderFault::Value)),
        ("X-A", &long, Err(HeaderFault::TooLong)),
    ];
    for (name, value, expected) in table {
        assert_eq!(check_header(name, value), expected, "{name:?}: {value:?}");
    }
}
