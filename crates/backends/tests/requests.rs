//! The requests of each receiver: what an action may set, what only the engine sets.

use bytes::Bytes;
use longshore_backends::azure_pipelines::{
    self, DEFAULT_API_VERSION, DEFAULT_BASE_URL, IncomingWebhook,
};
use longshore_backends::client::Call;
use longshore_backends::request::{Envelope, MAX_ACTION_HEADERS, SignatureHeader, read_url};
use longshore_backends::webhook::{self, Webhook};
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::time::Timestamp;

const URL: &str = "https://ci.example/jenkins/generic-webhook-trigger/invoke?token=t1";

fn envelope() -> Envelope<'static> {
    Envelope {
        run_id: "r_1",
        delivery_id: "d_1",
        attempt: 3,
        timestamp: Timestamp::from_micros(1_700_000_000_999_999),
        signature: SignatureHeader::usual("v1,c2ln"),
    }
}

fn build(
    url: &str,
    method: Option<&str>,
    headers: &[(&str, &str)],
    body: &'static str,
    envelope: &Envelope<'_>,
) -> Result<Call, Diagnosis> {
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let body = Bytes::from_static(body.as_bytes());
    let webhook = Webhook {
        method,
        headers: &headers,
        body: &body,
    };
    webhook::request(read_url(url)?, &webhook, envelope)
}

/// A call as text, its headers sorted.
fn shown(call: &Call) -> String {
    let mut lines: Vec<String> = call
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    lines.sort();
    let body = String::from_utf8_lossy(&call.body).into_owned();
    let target = &call.target;
    format!(
        "{} {}{}\n{}\n\n{body}",
        call.method,
        target.origin(),
        target.path_and_query(),
        lines.join("\n")
    )
}

#[test]
fn a_webhook_carries_the_actions_parts_and_ours() {
    let headers = [("X-Custom", "ä b"), ("Authorization", "Bearer x")];
    let call = build(URL, None, &headers, "{\"a\":1}", &envelope()).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "POST https://ci.example:443/jenkins/generic-webhook-trigger/invoke?token=t1\n\
         accept: application/json, */*;q=0.8\n\
         authorization: Bearer x\n\
         content-type: application/json\n\
         user-agent: longshore/{version}\n\
         x-custom: ä b\n\
         x-longshore-attempt: 3\n\
         x-longshore-delivery-id: d_1\n\
         x-longshore-run-id: r_1\n\
         x-port-signature: v1,c2ln\n\
         x-port-timestamp: 1700000000\n\n\
         {{\"a\":1}}"
    );
    assert_eq!(shown(&call), expected);
}

#[test]
fn what_only_the_engine_sets_is_left_out_of_the_actions_headers() {
    let plain = build(URL, None, &[], "{}", &envelope()).unwrap();
    for name in [
        "X-Port-Signature",
        "x-port-timestamp",
        "X-PORT-Anything",
        "X-Longshore-Run-Id",
        "x-longshore-delivery-id",
        "X-Longshore-Attempt",
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Proxy-Authorization",
        "Accept-Encoding",
    ] {
        let call = build(URL, None, &[(name, "evil")], "{}", &envelope()).unwrap();
        assert_eq!(shown(&call), shown(&plain), "{name}");
    }
    let replaced = [
        ("content-type", "text/plain"),
        ("User-Agent", "me"),
        ("Accept", "*/*"),
    ];
    let call = build(URL, None, &replaced, "{}", &envelope()).unwrap();
    for line in [
        "content-type: text/plain\n",
        "user-agent: me\n",
        "accept: */*\n",
    ] {
        assert!(shown(&call).contains(line), "{line}");
    }
}

#[test]
fn methods_are_those_five() {
    let table = [
        (None, Some("POST")),
        (Some(""), Some("POST")),
        (Some("post"), Some("POST")),
        (Some(" Put "), Some("PUT")),
        (Some("PATCH"), Some("PATCH")),
        (Some("get"), Some("GET")),
        (Some("DELETE"), Some("DELETE")),
        (Some("HEAD"), None),
        (Some("CONNECT"), None),
        (Some("POST x"), None),
        (Some("P\r\nOST"), None),
    ];
    for (method, expected) in table {
        let built = build(URL, method, &[], "", &envelope());
        match expected {
            Some(expected) => assert_eq!(built.unwrap().method, expected),
            None => assert_eq!(
                built.unwrap_err().reason,
                Reason::MethodInvalid,
                "{method:?}"
            ),
        }
    }
    for (method, body, has_type) in [("GET", "", false), ("GET", "{}", true), ("POST", "", true)] {
        let call = build(URL, Some(method), &[], body, &envelope()).unwrap();
        assert_eq!(
            call.headers.contains_key("content-type"),
            has_type,
            "{method} {body}"
        );
        assert_eq!(call.body, body);
    }
}

#[test]
fn what_cannot_be_sent_is_refused_without_showing_it() {
    let many = vec![("X-A", "b"); MAX_ACTION_HEADERS + 1];
    let long = "x".repeat(40_000);
    let header_rows: [(&[(&str, &str)], &str); 7] = [
        (&[("X-A", "S3CR3T\r\nX-B: c")], "X-A"),
        (&[("X-A", "S3CR3T\n")], "X-A"),
        (&[("X-A", "S3CR3T\0")], "X-A"),
        (&[("X A", "S3CR3T")], "X A"),
        (&[("", "S3CR3T")], "\"\""),
        (&many, "65 headers"),
        (&[("X-A", &long)], "40003 bytes"),
    ];
    for (headers, named) in header_rows {
        let refused = build(URL, None, headers, "{}", &envelope()).unwrap_err();
        assert_eq!(refused.reason, Reason::HeaderInvalid);
        assert!(refused.message.contains(named), "{}", refused.message);
        assert!(!refused.message.contains("S3CR3T"), "{}", refused.message);
    }
    for url in [
        "https://S3CR3T:x@h/",
        "https://h/../S3CR3T",
        "S3CR3T",
        "https://h\\S3CR3T",
    ] {
        let refused = build(url, None, &[], "{}", &envelope()).unwrap_err();
        assert_eq!(refused.reason, Reason::UrlInvalid, "{url}");
        assert!(!refused.message.contains("S3CR3T"), "{}", refused.message);
    }
}

#[test]
fn a_connection_chooses_header_and_prefix_of_the_signature() {
    let with = |name: &'static str, prefix: &'static str| Envelope {
        signature: SignatureHeader {
            name,
            prefix,
            value: "abcd",
        },
        ..envelope()
    };
    let envelope = with("X-Hub-Signature", "sha1=");
    let evil = [("x-hub-signature", "evil")];
    let call = build(URL, None, &evil, "{}", &envelope).unwrap();
    assert_eq!(call.headers["x-hub-signature"], "sha1=abcd");
    assert!(!call.headers.contains_key("x-port-signature"));
    assert!(!format!("{envelope:?}").contains("abcd"));
    for (name, prefix) in [
        ("X Y", ""),
        ("", ""),
        ("Host", ""),
        ("Connection", ""),
        ("X-Port-Timestamp", ""),
        ("X-Hub-Signature", "a\r\nb"),
    ] {
        let refused = build(URL, None, &[], "{}", &with(name, prefix)).unwrap_err();
        assert_eq!(refused.reason, Reason::HeaderInvalid, "{name:?} {prefix:?}");
    }
}

#[test]
fn azure_asks_for_organization_and_webhook_alone() {
    let table = [
        (
            DEFAULT_BASE_URL,
            "org",
            "hook",
            "https://dev.azure.com:443/org/_apis/public/distributedtask/webhooks/hook?api-version=6.0-preview",
        ),
        (
            "https://tfs.example/tfs/",
            "My Org",
            "a/b?c#d%e",
            "https://tfs.example:443/tfs/My%20Org/_apis/public/distributedtask/webhooks/a%2Fb%3Fc%23d%25e?api-version=6.0-preview",
        ),
        (
            "http://127.0.0.1:8080",
            "ö",
            "x..y",
            "http://127.0.0.1:8080/%C3%B6/_apis/public/distributedtask/webhooks/x..y?api-version=6.0-preview",
        ),
    ];
    for (base_url, org, webhook, url) in table {
        let incoming = IncomingWebhook {
            base_url,
            api_version: DEFAULT_API_VERSION,
            org,
            webhook,
        };
        let called = azure_pipelines::url(&incoming).unwrap();
        let call = build(&called, None, &[], "{}", &envelope()).unwrap();
        assert_eq!(
            format!("{}{}", call.target.origin(), call.target.path_and_query()),
            url
        );
        assert_eq!(call.method, "POST");
        assert_eq!(call.headers["content-type"], "application/json");
        assert_eq!(call.headers["x-port-signature"], "v1,c2ln");
    }
    for (base_url, org, webhook) in [
        (DEFAULT_BASE_URL, "", "hook"),
        (DEFAULT_BASE_URL, "org", "  "),
        (DEFAULT_BASE_URL, "..", "hook"),
        (DEFAULT_BASE_URL, "org", "../x"),
        ("https://h?x=", "org", "hook"),
        ("dev.azure.com", "org", "hook"),
        ("https://u:p@h", "org", "hook"),
    ] {
        let incoming = IncomingWebhook {
            base_url,
            api_version: DEFAULT_API_VERSION,
            org,
            webhook,
        };
        let refused = azure_pipelines::url(&incoming)
            .and_then(|called| build(&called, None, &[], "{}", &envelope()))
            .unwrap_err();
        assert_eq!(
            refused.reason,
            Reason::UrlInvalid,
            "{base_url} {org} {webhook}"
        );
    }
}
