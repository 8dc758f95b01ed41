//! The webhook sink over HTTP: signatures, counting, scripted answers.

use std::time::Duration;

use crate::support::{SOON, post_json, send};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use longshore_emulators::webhook_sink::{
    Answer, Config, Recording, SignatureVerdict, WebhookSink, verify,
};

/// Computed with Python's `hmac` over `1700000000.{"a":1}` and the key `whsec-0123456789`.
const SIGNATURE: &str = "z43qV2FQG3J7EMURFTPdHOmV8UUgqAaeLbaf8BCQaHw=";
const NOW: Duration = Duration::from_secs(1_700_000_000);
const TOLERANCE: Duration = Duration::from_secs(300);

fn check(timestamp: &[&str], signature: &[&str], body: &str, now: Duration) -> SignatureVerdict {
    let mut headers = HeaderMap::new();
    for value in timestamp {
        headers.append("x-port-timestamp", value.parse().unwrap());
    }
    for value in signature {
        headers.append("x-port-signature", value.parse().unwrap());
    }
    let secret = "whsec-0123456789".into();
    verify(&secret, &headers, body.as_bytes(), Some((now, TOLERANCE)))
}

#[test]
fn port_v1_signatures_hold_in_one_form_only() {
    let good = format!("v1,{SIGNATURE}");
    let at = ["1700000000"];
    let body = r#"{"a":1}"#;
    let (timestamp, signature) = ("x-port-timestamp", "x-port-signature");
    assert_eq!(check(&at, &[&good], body, NOW), SignatureVerdict::Valid);
    let cases: [(&[&str], &[&str], &str, SignatureVerdict); 10] = [
        (&at, &[&good], r#"{"a": 1}"#, SignatureVerdict::Mismatch),
        (&["1700000001"], &[&good], body, SignatureVerdict::Mismatch),
        (
            &at,
            &[SIGNATURE],
            body,
            SignatureVerdict::Malformed(signature),
        ),
        (
            &at,
            &["v1,%%"],
            body,
            SignatureVerdict::Malformed(signature),
        ),
        (&at, &["v1,"], body, SignatureVerdict::Mismatch),
        (&at, &[], body, SignatureVerdict::NotOnce(signature)),
        (
            &at,
            &[&good, &good],
            body,
            SignatureVerdict::NotOnce(signature),
        ),
        (&[], &[&good], body, SignatureVerdict::NotOnce(timestamp)),
        (
            &["+1700000000"],
            &[&good],
            body,
            SignatureVerdict::Malformed(timestamp),
        ),
        (
            &["99999999999999999999"],
            &[&good],
            body,
            SignatureVerdict::Malformed(timestamp),
        ),
    ];
    for (timestamp, signature, body, expected) in cases {
        let verdict = check(timestamp, signature, body, NOW);
        assert_eq!(verdict, expected, "{timestamp:?} {signature:?}");
    }
    let late = NOW + TOLERANCE;
    let stale = |age_s| SignatureVerdict::Stale { age_s };
    assert_eq!(check(&at, &[&good], body, late), SignatureVerdict::Valid);
    assert_eq!(
        check(&at, &[&good], body, late + Duration::from_secs(1)),
        stale(301)
    );
    assert_eq!(
        check(&at, &[&good], body, NOW - Duration::from_secs(301)),
        stale(-301)
    );
}

fn delivery(id: &str, attempt: &str) -> [(String, String); 3] {
    [
        ("X-Longshore-Run-Id".to_owned(), "r_1".to_owned()),
        ("X-Longshore-Delivery-Id".to_owned(), id.to_owned()),
        ("X-Longshore-Attempt".to_owned(), attempt.to_owned()),
    ]
}

#[tokio::test]
async fn deliveries_are_counted_by_their_ids() {
    let sink = WebhookSink::start(Config::default()).await.unwrap();
    for (id, attempt) in [("d1", "1"), ("d2", "1"), ("d1", "2")] {
        let headers = delivery(id, attempt);
        let headers: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let answer = send(sink.address(), "POST", "/hook?x=1", &headers, "{}").await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"ok":true}"#)
        );
    }
    post_json(sink.address(), "/", "{}").await;
    let counts = sink.counts();
    assert_eq!((counts.requests, counts.accepted), (4, 4));
    assert_eq!((counts.distinct_deliveries, counts.repeated), (2, 1));
    assert_eq!(counts.without_delivery_id, 1);
    sink.wait_for(|seen| seen.times_seen("d1") == 2, SOON)
        .await
        .unwrap();
    let third = &sink.deliveries()[2];
    assert_eq!(
        (third.run_id.as_deref(), third.attempt),
        (Some("r_1"), Some(2))
    );
    assert_eq!((third.uri.path(), &third.body[..]), ("/hook", &b"{}"[..]));
    assert_eq!(third.signature, Some(SignatureVerdict::NotChecked));
}

#[tokio::test]
async fn an_unsigned_request_is_refused_where_a_secret_is_set() {
    let sink = WebhookSink::start(Config {
        secret: Some("whsec-0123456789".into()),
        tolerance: None,
        ..Config::default()
    })
    .await
    .unwrap();
    let answer = post_json(sink.address(), "/", "{}").await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.json()["error"],
        "expected header x-port-timestamp exactly once"
    );
    let signature = format!("v1,{SIGNATURE}");
    let headers = [
        ("X-Port-Timestamp", "1700000000"),
        ("X-Port-Signature", signature.as_str()),
    ];
    let answer = send(sink.address(), "POST", "/", &headers, r#"{"a":1}"#).await;
    assert_eq!(answer.status, 200);
    let counts = sink.counts();
    assert_eq!(
        (
            counts.valid_signatures,
            counts.invalid_signatures,
            counts.accepted
        ),
        (1, 1, 1)
    );
    assert!(!format!("{:?}", sink.deliveries()).contains(SIGNATURE));
    assert_eq!(STANDARD.decode(SIGNATURE).unwrap().len(), 32);
}

#[tokio::test]
async fn answers_are_scripted() {
    let sink = WebhookSink::start(Config::default()).await.unwrap();
    sink.answers()
        .next(2, Answer::json(StatusCode::CREATED, r#"{"n":1}"#));
    sink.answers()
        .always(Answer::json(StatusCode::CONFLICT, "{}"));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(post_json(sink.address(), "/", "{}").await.status);
    }
    assert_eq!(statuses, [201, 201, 409, 409]);
    sink.answers().clear();
    assert_eq!(post_json(sink.address(), "/", "{}").await.status, 200);
}

#[tokio::test]
async fn recording_can_be_reduced_to_arrivals_or_counts() {
    for (recording, kept) in [
        (Recording::Full, 1),
        (Recording::Arrivals, 1),
        (Recording::CountsOnly, 0),
    ] {
        let config = Config {
            recording,
            ..Config::default()
        };
        let sink = WebhookSink::start(config).await.unwrap();
        post_json(sink.address(), "/", "{}").await;
        let deliveries = sink.deliveries();
        assert_eq!(
            (deliveries.len(), sink.counts().requests),
            (kept, 1),
            "{recording:?}"
        );
        if let Some(delivery) = deliveries.first() {
            assert_eq!(delivery.body.is_empty(), recording == Recording::Arrivals);
            assert!(delivery.arrived_at_unix > NOW);
        }
    }
}
