//! What stands on the topic, and that it is signed as agents check it.

use insta::assert_snapshot;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::*;
use crate::action::InvocationKind::{self, Gitlab, Jenkins, Kafka, Webhook};
use crate::json::tests::{any_json, python};
use crate::signature::Mismatch;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const AT: i64 = 1_767_323_045;

fn message_of(payload: &Value) -> Value {
    let world = World::requested(AGENT);
    let message = Message::of_stored(&world.run, &world.documents);
    let action =
        json!({"identifier": "deploy", "invocationMethod": {"type": "WEBHOOK"}, "trigger": {}});
    agent_message(payload, &message, &action, "DAY-2")
}

fn wire(message: &Value, kind: InvocationKind) -> Vec<u8> {
    signed(message.clone(), kind, SECRET, AT).value
}

fn check(value: &[u8]) -> Result<Value, Unverified> {
    whole(verify(value, [SECRET], None))
}

fn whole(read: Result<ReadMessage, Unverified>) -> Result<Value, Unverified> {
    read.map(ReadMessage::into_tree)
}

fn payload(own: &Value) -> Value {
    let mut payload = json!({
        "type": "WEBHOOK",
        "url": "http://ci.internal/hook",
        "agent": "true",
        "synchronized": false,
        "method": "POST",
        "headers": {},
    });
    let own = own.as_object().unwrap().clone();
    payload.as_object_mut().unwrap().extend(own);
    payload
}

#[test]
fn without_a_body_it_is_the_standard_message() {
    let sent = message_of(&payload(&json!({"method": "GET"})));
    assert_snapshot!(serde_json::to_string_pretty(&sent).unwrap(), @r#"
    {
      "action": "deploy",
      "resourceType": "run",
      "status": "TRIGGERED",
      "trigger": {
        "by": {
          "userId": "caller"
        },
        "origin": "API",
        "at": "2026-01-02T03:04:05.000Z"
      },
      "context": {
        "entity": "billing",
        "blueprint": "service",
        "runId": "r_0V76xO7E00000001"
      },
      "payload": {
        "entity": {
          "identifier": "billing"
        },
        "action": {
          "identifier": "deploy",
          "invocationMethod": {
            "type": "WEBHOOK",
            "agent": true,
            "url": "http://ci.internal/hook",
            "synchronized": false,
            "method": "GET",
            "headers": {}
          },
          "trigger": "DAY-2"
        },
        "properties": {
          "version": "1.4.0"
        },
        "censoredProperties": []
      },
      "headers": {}
    }
    "#);
}

#[test]
fn a_body_keeps_all_that_agents_do_not_need() {
    let body = json!({
        "headers": {"X-Port-Signature": "forged", "kept": "1", "Accept": "a"},
        "image": {"tag": "1.4.0"},
        "payload": {"action": {"invocationMethod": {"type": "GITLAB", "extra": 1}}, "own": true},
        "context": "in the way",
    });
    let sent = message_of(&payload(
        &json!({"body": body, "headers": {"Accept": "b", "é": "ü"}}),
    ));
    assert_snapshot!(serde_json::to_string_pretty(&sent).unwrap(), @r#"
    {
      "image": {
        "tag": "1.4.0"
      },
      "payload": {
        "action": {
          "invocationMethod": {
            "type": "WEBHOOK",
            "extra": 1,
            "agent": true,
            "url": "http://ci.internal/hook",
            "synchronized": false,
            "method": "POST",
            "headers": {
              "Accept": "b",
              "é": "ü"
            }
          }
        },
        "own": true
      },
      "context": {
        "runId": "r_0V76xO7E00000001"
      },
      "headers": {
        "kept": "1",
        "Accept": "b",
        "é": "ü"
      }
    }
    "#);
}

#[test]
fn agents_make_the_message_themselves_where_nothing_is_in_their_way() {
    for (body, has_room) in [
        (json!({}), true),
        (json!({"own": [1], "headers": null}), true),
        (json!({"context": {}, "payload": {}}), true),
        (
            json!({"payload": {"action": {"invocationMethod": {"type": "X"}}}}),
            true,
        ),
        (json!({"payload": {"entity": null}}), true),
        (json!([]), false),
        (json!(null), false),
        (json!({"context": null}), false),
        (json!({"payload": "text"}), false),
        (json!({"payload": {"action": "deploy"}}), false),
        (
            json!({"payload": {"action": {"invocationMethod": [1]}}}),
            false,
        ),
    ] {
        let payload = json!({"type": "WEBHOOK", "body": body});
        assert_eq!(has_room_for_message(&payload), has_room, "{body}");
    }
    assert!(!has_room_for_message(&json!({"type": "WEBHOOK"})));
}

#[test]
fn a_list_stands_beside_the_standard_message() {
    let sent = message_of(&payload(&json!({"body": [1, 2]})));
    assert_eq!(sent["body"], json!([1, 2]));
    assert_eq!(sent["resourceType"], "run");
    let invocation = &sent["payload"]["action"]["invocationMethod"];
    assert_eq!(
        (&invocation["agent"], &invocation["body"]),
        (&json!(true), &Value::Null)
    );
}

#[test]
fn gitlab_reads_its_variables_from_the_inputs_and_signs_no_headers() {
    let mut payload = json!({
        "type": "GITLAB", "projectName": "p", "groupName": "g/h", "defaultRef": "main",
        "pipelineVariables": {"STAGE": "live", "ref": "next"},
    });
    let sent = message_of(&payload);
    assert_eq!(sent["payload"]["properties"], payload["pipelineVariables"]);
    let invocation = &sent["payload"]["action"]["invocationMethod"];
    assert_eq!(
        (&invocation["agent"], &invocation["groupName"]),
        (&json!(true), &json!("g/h"))
    );
    assert_eq!(sent.get("headers"), None);
    let wire = wire(&sent, Gitlab);
    let read: Value = serde_json::from_slice(&wire).unwrap();
    assert_eq!(read["headers"].as_object().unwrap().len(), 2);
    assert_eq!(check(&wire), Ok(sent));

    payload["pipelineVariables"] = json!({});
    let inputs = json!({"version": "1.4.0"});
    assert_eq!(message_of(&payload)["payload"]["properties"], inputs);
}

#[test]
fn what_an_action_sends_to_the_topic_is_sent_as_it_is() {
    for own in [json!({"headers": "mine", "b": 1.0}), json!([1, 1e20])] {
        let sent = message_of(&json!({"type": "KAFKA", "payload": own}));
        assert_eq!(sent, own);
        let made = signed(sent, Kafka, SECRET, AT);
        assert_eq!(made.value, crate::json::python_compact(&own).as_bytes());
        let names: Vec<_> = made.record_headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["X-Port-Signature", "X-Port-Timestamp"]);
        assert!(check(&made.value).is_err());
    }
    assert_eq!(message_of(&json!({"type": "KAFKA"})), json!({}));
}

#[test]
fn the_agents_own_vector_in_both_directions() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/kafka-signature.json");
    let vector: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = vector["signed_json"].as_str().unwrap();
    let secret = vector["secret"].as_str().unwrap().as_bytes();
    let at = vector["timestamp"].as_i64().unwrap();
    let message: Value = serde_json::from_str(text).unwrap();
    let signature = vector["signature"].as_str().unwrap();
    let expected = text.replace(
        r#""headers":{}"#,
        &format!(r#""headers":{{"X-Port-Signature":"{signature}","X-Port-Timestamp":"{at}"}}"#),
    );
    let made = signed(message.clone(), Webhook, secret, at);
    assert_eq!(String::from_utf8(made.value).unwrap(), expected);
    assert_eq!(
        whole(verify(expected.as_bytes(), [secret], None)),
        Ok(message)
    );
}

#[test]
fn a_message_that_was_printed_anew_is_printed_again_before_it_is_checked() {
    let sent = message_of(&payload(&json!({"body": {"service": "checkout"}})));
    let wire = wire(&sent, Webhook);
    let parsed: Value = serde_json::from_slice(&wire).unwrap();
    let spaced = serde_json::to_vec_pretty(&parsed).unwrap();
    assert_ne!(spaced, wire);
    assert_eq!(check(&spaced), Ok(sent.clone()));
    assert_eq!(check(&wire), Ok(sent));
}

/// What an agent sends on, whichever way it reads the message.
fn sent_on(read: &ReadMessage) -> String {
    match read {
        ReadMessage::Text(message) => message.text().to_owned(),
        ReadMessage::Tree(message) => crate::json::stringify(message),
    }
}

#[test]
fn what_would_be_sent_as_it_came_is_not_read_whole() {
    let own = json!({
        "method": "PUT", "synchronized": true, "body": {"service": "é\n\"", "count": 3},
    });
    let sent = message_of(&payload(&own));
    let Ok(ReadMessage::Text(read)) = verify(&wire(&sent, Webhook), [SECRET], None) else {
        panic!("it was read whole");
    };
    assert_eq!(read.text(), crate::json::stringify(&sent));
    let expected = CallOutline {
        kind: Webhook,
        url: "http://ci.internal/hook".to_owned(),
        method: Some("PUT".to_owned()),
        synchronized: true,
    };
    assert_eq!(read.call, expected);
    let read = ReadMessage::Text(read);
    assert_eq!(read.run(), sent["context"]["runId"].as_str());
    assert!(read.is_for_agents());
    assert_eq!(read.into_tree(), sent);
}

#[test]
fn what_would_be_sent_otherwise_or_is_unusual_is_read_whole() {
    for own in [
        json!({"type": "GITLAB"}),
        json!({"type": "OTHER"}),
        json!({"url": ""}),
        json!({"url": null}),
        json!({"url": "http://h/\"a"}),
        json!({"method": 1}),
        json!({"synchronized": "true"}),
        json!({"body": {"a": 1.0}}),
        json!({"body": {"a": "\u{1}"}}),
        json!({"body": {"b": 1, "1": 2}}),
    ] {
        let sent = message_of(&payload(&own));
        let kind = match own["type"].as_str() {
            Some("GITLAB") => Gitlab,
            _ => Webhook,
        };
        let read = verify(&wire(&sent, kind), [SECRET], None).unwrap();
        assert!(matches!(read, ReadMessage::Tree(_)), "{own}");
        assert_eq!(read.into_tree(), sent, "{own}");
    }
    let described = json!({"payload": {"action": {"invocationMethod": {
        "type": "WEBHOOK", "url": "u", "agent": " True "}}}});
    let read = ReadMessage::read(&described.to_string()).unwrap();
    assert!(read.is_for_agents());
    assert_eq!(read.run(), None);
    assert_eq!(read.into_tree(), described);
    assert!(ReadMessage::read("{").is_err());
}

#[test]
fn each_of_several_secrets_is_tried_and_age_matters_only_where_it_is_asked() {
    let sent = message_of(&payload(&json!({})));
    let wire = wire(&sent, Jenkins);
    let other: &[u8] = b"another secret";
    assert_eq!(
        whole(verify(&wire, [other, SECRET], None)),
        Ok(sent.clone())
    );
    assert_eq!(verify(&wire, [other], None), Err(Mismatch::Digest.into()));
    assert_eq!(verify(&wire, [], None), Err(Mismatch::Digest.into()));
    for (now, age_seconds) in [(AT + 61, 61), (AT - 61, -61)] {
        let freshness = |tolerance| Freshness {
            now_seconds: now,
            tolerance: std::time::Duration::from_secs(tolerance),
        };
        let old = verify(&wire, [SECRET, other], Some(freshness(60)));
        assert_eq!(old, Err(Mismatch::Stale { age_seconds }.into()));
        assert_eq!(
            whole(verify(&wire, [other, SECRET], Some(freshness(61)))),
            Ok(sent.clone())
        );
    }
}

#[test]
fn what_cannot_be_verified_says_why() {
    let table = [
        ("", "the message is not JSON: "),
        ("\u{feff}{}", "the message is not JSON: "),
        ("[]", "the message is not an object with headers"),
        ("{}", "the message is not an object with headers"),
        (
            r#"{"headers":[]}"#,
            "the message is not an object with headers",
        ),
        (
            r#"{"headers":{}}"#,
            "the message has no header X-Port-Signature",
        ),
        (
            r#"{"headers":{"X-Port-Signature":"v1,","X-Port-Timestamp":1}}"#,
            "the message has no header X-Port-Timestamp",
        ),
        (
            r#"{"headers":{"X-Port-Signature":"v1,","X-Port-Timestamp":"1"}}"#,
            "the signature has not the form of this preset: ",
        ),
    ];
    for (value, expected) in table {
        let told = check(value.as_bytes()).unwrap_err().to_string();
        assert!(told.starts_with(expected), "{value}: {told}");
    }
    let wire = wire(&message_of(&payload(&json!({}))), Webhook);
    let text = String::from_utf8(wire).unwrap();
    for (what, tampered) in [
        ("the time", text.replace("1767323045", "1767323046")),
        ("the URL", text.replace("ci.internal", "ci.interna1")),
        ("the kind", text.replace("\"WEBHOOK\"", "\"GITLAB\"")),
        ("the run", text.replace("r_0V", "r_1V")),
        ("the order", text.replacen("{", "{\"headers\":1,", 1)),
    ] {
        assert_ne!(tampered, text, "{what}");
        assert_eq!(
            check(tampered.as_bytes()),
            Err(Mismatch::Digest.into()),
            "{what}"
        );
    }
    assert!(
        check(text.replace(":", " : ").as_bytes()).is_err(),
        "times and addresses change too"
    );
    assert!(
        check(text.replace(",\"", ", \n\"").as_bytes()).is_ok(),
        "blanks between mean nothing"
    );
}

/// An object such as an action's body could be, with all that a message needs.
fn any_message() -> impl Strategy<Value = (Value, InvocationKind)> {
    let kind = prop_oneof![Just(Webhook), Just(Jenkins), Just(Gitlab)];
    (
        proptest::collection::vec((any::<String>(), any_json()), 0..6),
        any_json(),
        kind,
    )
        .prop_map(|(entries, headers, kind)| {
            let mut body: serde_json::Map<_, _> = entries.into_iter().collect();
            body.insert("headers".to_owned(), headers);
            let payload = json!({
                "type": kind.as_str(), "url": "u", "body": body, "pipelineVariables": body,
            });
            (message_of(&payload), kind)
        })
}

/// Changes one thing of what a message means, chosen by `at`.
fn change(value: &mut Value, at: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let at = at % map.len();
            let rest = at / map.len();
            if let Some(inner) = map.values_mut().nth(at) {
                change(inner, rest);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = at % items.len();
            change(&mut items[at], at);
        }
        Value::Null => *value = json!(false),
        _ => *value = Value::Null,
    }
}

/// Checks messages as the existing agent does, of which this shares no line with ours.
const AGENT_S_CHECK: &str = "
import base64, hashlib, hmac, json, sys
for line in sys.stdin:
    message = json.loads(line)
    headers = message['headers']
    signature, at = headers.pop('X-Port-Signature'), headers.pop('X-Port-Timestamp')
    if message['payload']['action']['invocationMethod']['type'] == 'GITLAB':
        del message['headers']
    text = json.dumps(message, separators=(',', ':'), ensure_ascii=False)
    mac = hmac.new(b'0123456789abcdef0123456789abcdef', f'{at}.{text}'.encode(), hashlib.sha256)
    print('v1,' + base64.b64encode(mac.digest()).decode() == signature)
";

#[test]
fn python_s_json_and_hmac_agree() {
    let mut lines = String::new();
    let mut messages = 0;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..300 {
        let (message, kind) = any_message().new_tree(&mut runner).unwrap().current();
        lines.push_str(std::str::from_utf8(&wire(&message, kind)).unwrap());
        lines.push('\n');
        messages += 1;
    }
    // What Python takes for the end of a line within a text is none to it in a stream.
    let answers = python(AGENT_S_CHECK, &lines);
    assert_eq!(answers, "True\n".repeat(messages));
}

proptest! {
    #[test]
    fn what_is_signed_is_verified_and_nothing_else((message, kind) in any_message(), at in any::<usize>()) {
        let wire = wire(&message, kind);
        let read = verify(&wire, [SECRET], None).unwrap();
        prop_assert_eq!(sent_on(&read), crate::json::stringify(&message));
        prop_assert_eq!(read.into_tree(), message);
        let mut other: Value = serde_json::from_slice(&wire).unwrap();
        change(&mut other, at);
        prop_assert!(check(&serde_json::to_vec(&other).unwrap()).is_err());
    }
}
