//! Scripted faults, seen from the other end of the connection; the same server carries all three
//! emulators, so most cases speak to the sink and one to each vendor.

use std::time::Duration;

use crate::support::{SOON, exchange, parse, post_json, request};
use bytes::Bytes;
use longshore_emulators::azure_devops::{self, AzureDevOps, IncomingWebhook, Pipeline};
use longshore_emulators::jenkins::gwt::model::Trigger;
use longshore_emulators::jenkins::{self, Jenkins, Job};
use longshore_emulators::webhook_sink::{Config, WebhookSink};
use longshore_emulators::{Fault, FaultKind, Listen, Script, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

async fn sink() -> WebhookSink {
    WebhookSink::start(Config::default()).await.unwrap()
}

async fn raw(sink: &WebhookSink) -> Vec<u8> {
    exchange(sink.address(), &request("POST", "/", &[], "{}")).await
}

#[tokio::test]
async fn faults_serve_their_number_of_requests_and_then_end() {
    let sink = sink().await;
    sink.faults().next(2, Fault::status(500));
    sink.faults().next(1, Fault::too_many_requests(7));
    sink.faults().next(1, Fault::unavailable(3));
    let mut seen = Vec::new();
    for _ in 0..5 {
        let answer = post_json(sink.address(), "/", "{}").await;
        seen.push((
            answer.status,
            answer.header("retry-after").map(str::to_owned),
        ));
    }
    let after = |seconds: &str| Some(seconds.to_owned());
    let expected = [
        (500, None),
        (500, None),
        (429, after("7")),
        (503, after("3")),
        (200, None),
    ];
    assert_eq!(seen, expected);
    assert_eq!((sink.counts().requests, sink.counts().accepted), (5, 1));
    sink.faults().always(Fault::status(502));
    for _ in 0..3 {
        assert_eq!(post_json(sink.address(), "/", "{}").await.status, 502);
    }
    sink.faults().clear();
    assert_eq!(post_json(sink.address(), "/", "{}").await.status, 200);
}

#[tokio::test]
async fn connections_are_dropped_where_the_script_says() {
    let sink = sink().await;
    for (kind, processed) in [
        (FaultKind::DropBeforeReading, false),
        (FaultKind::DropAfterReading, false),
        (FaultKind::DropAfterReading, true),
        (FaultKind::CutAnswer(0), true),
        (FaultKind::Garbage(Bytes::new()), false),
    ] {
        let before = sink.counts();
        sink.faults().next(
            1,
            Fault {
                kind: kind.clone(),
                processed,
            },
        );
        assert_eq!(raw(&sink).await, b"", "{kind:?}");
        let after = sink.counts();
        assert_eq!(after.requests - before.requests, 1, "{kind:?}");
        assert_eq!(
            after.accepted - before.accepted,
            u64::from(processed),
            "{kind:?}"
        );
        assert_eq!(sink.faults().pending(), 0);
    }
    let bodies: Vec<_> = sink
        .deliveries()
        .iter()
        .map(|call| call.body.len())
        .collect();
    assert_eq!(bodies, [0, 2, 2, 2, 2]);
    assert!(sink.deliveries().iter().all(|call| call.status.is_none()
        || call.fault.as_ref().unwrap().kind == FaultKind::CutAnswer(0)));
}

#[tokio::test]
async fn a_kept_alive_connection_is_dropped_before_its_next_body_is_read() {
    let sink = sink().await;
    let mut stream = TcpStream::connect(sink.address()).await.unwrap();
    let first = b"POST / HTTP/1.1\r\nHost: e\r\nContent-Length: 2\r\n\r\n{}";
    stream.write_all(first).await.unwrap();
    let mut answer = vec![0; 1024];
    let length = stream.read(&mut answer).await.unwrap();
    assert_eq!(parse(&answer[..length]).unwrap().status, 200);
    sink.faults()
        .next(1, Fault::new(FaultKind::DropBeforeReading));
    stream.write_all(first).await.unwrap();
    assert!(matches!(stream.read(&mut answer).await, Ok(0) | Err(_)));
    assert_eq!((sink.counts().requests, sink.counts().accepted), (2, 1));
}

#[tokio::test]
async fn an_answer_is_cut_after_its_bytes() {
    let sink = sink().await;
    let whole = raw(&sink).await;
    for count in [1, 15, whole.len() - 1] {
        sink.faults()
            .next(1, Fault::new(FaultKind::CutAnswer(count)));
        let cut = raw(&sink).await;
        // The date may differ; the length does not.
        assert_eq!(cut.len(), count);
        assert_eq!(cut[..count.min(15)], whole[..count.min(15)]);
    }
    assert_eq!(sink.counts().accepted, 4);
}

#[tokio::test]
async fn garbage_stands_where_an_answer_should() {
    let sink = sink().await;
    let garbage = Bytes::from(vec![0xff; 300_000]);
    sink.faults()
        .next(1, Fault::new(FaultKind::Garbage(garbage.clone())));
    assert_eq!(raw(&sink).await, garbage);
}

#[tokio::test]
async fn a_proxy_page_and_a_redirect() {
    let sink = sink().await;
    sink.faults().next(1, Fault::new(FaultKind::ProxyPage(502)));
    let answer = post_json(sink.address(), "/", "{}").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (502, Some("text/html"))
    );
    assert!(answer.body.contains("Bad Gateway"));
    sink.faults().next(
        1,
        Fault::new(FaultKind::Redirect("http://169.254.169.254/".to_owned())),
    );
    let answer = post_json(sink.address(), "/", "{}").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, Some("http://169.254.169.254/"))
    );
}

#[tokio::test]
async fn an_endless_body_never_ends() {
    let sink = sink().await;
    for every in [Duration::ZERO, Duration::from_millis(1)] {
        sink.faults()
            .next(1, Fault::new(FaultKind::EndlessBody { chunk: 4096, every }));
        let mut stream = TcpStream::connect(sink.address()).await.unwrap();
        stream
            .write_all(&request("POST", "/", &[], "{}"))
            .await
            .unwrap();
        let mut bytes = vec![0; 64 * 1024];
        tokio::time::timeout(SOON, stream.read_exact(&mut bytes))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(parse(&bytes).unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_silent_receiver_reads_and_says_nothing() {
    let sink = sink().await;
    sink.faults()
        .next(1, Fault::new(FaultKind::NeverAnswer).after_processing());
    let mut stream = TcpStream::connect(sink.address()).await.unwrap();
    stream
        .write_all(&request("POST", "/", &[], "{}"))
        .await
        .unwrap();
    sink.wait_for(|seen| seen.counts().accepted == 1, SOON)
        .await
        .unwrap();
    let nothing = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
    assert!(nothing.is_err());
    assert!(
        sink.wait_for(|seen| seen.counts().requests == 2, Duration::from_millis(1))
            .await
            .is_err()
    );
    // Shutting down cuts what is still open.
    sink.shutdown().await;
    assert!(stream.read_u8().await.is_err());
}

#[tokio::test]
async fn a_delay_holds_back_the_answer_or_the_work() {
    let sink = sink().await;
    let delay = Duration::from_millis(60);
    for fault in [Fault::delay(delay), Fault::new(FaultKind::Delay(delay))] {
        sink.faults().next(1, fault);
        let before = Instant::now();
        assert_eq!(post_json(sink.address(), "/", "{}").await.status, 200);
        assert!(before.elapsed() >= delay);
    }
    assert_eq!(sink.counts().accepted, 2);
}

#[tokio::test]
async fn jenkins_may_have_started_a_build_when_its_answer_is_lost() {
    let trigger = Trigger {
        token: Some("t".into()),
        ..Trigger::default()
    };
    let job = Job {
        name: "a".to_owned(),
        trigger,
        ..Job::default()
    };
    let jenkins = Jenkins::start(jenkins::Config {
        jobs: vec![job],
        ..jenkins::Config::default()
    })
    .await
    .unwrap();
    let wire = request("POST", "/generic-webhook-trigger/invoke?token=t", &[], "{}");
    let cases = [
        (Fault::status(502), 0, Verdict::NotReached),
        (Fault::status(502).after_processing(), 1, Verdict::Accepted),
        (
            Fault::new(FaultKind::DropAfterReading),
            1,
            Verdict::NotReached,
        ),
        (
            Fault::new(FaultKind::DropAfterReading).after_processing(),
            2,
            Verdict::Accepted,
        ),
        (Fault::new(FaultKind::CutAnswer(40)), 3, Verdict::Accepted),
    ];
    for (fault, builds, verdict) in cases {
        jenkins.faults().next(1, fault.clone());
        exchange(jenkins.address(), &wire).await;
        assert_eq!(jenkins.builds().len(), builds, "{fault:?}");
        let call = jenkins.calls().pop().unwrap();
        assert_eq!((call.verdict, call.fault), (verdict, Some(fault)));
    }
}

#[tokio::test]
async fn azure_takes_the_same_faults() {
    let azure = AzureDevOps::start(azure_devops::Config {
        webhooks: vec![IncomingWebhook {
            secret: None,
            ..IncomingWebhook::signed("portal", "")
        }],
        pipelines: vec![Pipeline::new("deploy", "portal", Script::default())],
        ..azure_devops::Config::default()
    })
    .await
    .unwrap();
    let url = azure.webhook_url("portal");
    let target = url.strip_prefix(&azure.base_url()).unwrap();
    azure
        .faults()
        .next(1, Fault::new(FaultKind::Redirect("/_signin".to_owned())));
    assert_eq!(post_json(azure.address(), target, "{}").await.status, 302);
    assert_eq!(azure.builds().len(), 0);
    azure
        .faults()
        .next(1, Fault::status(503).after_processing());
    assert_eq!(post_json(azure.address(), target, "{}").await.status, 503);
    assert_eq!(azure.builds().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_was_killed_can_come_back_at_its_address() {
    let first = sink().await;
    let address = first.address();
    assert_eq!(post_json(address, "/", "{}").await.status, 200);
    first.shutdown().await;
    assert!(TcpStream::connect(address).await.is_err());
    let listen = Listen {
        address,
        ..Listen::default()
    };
    let second = WebhookSink::start(Config {
        listen,
        ..Config::default()
    })
    .await
    .unwrap();
    assert_eq!(post_json(address, "/", "{}").await.status, 200);
    assert_eq!(second.counts().requests, 1);
    let listen = Listen {
        address,
        ..Listen::default()
    };
    assert!(
        WebhookSink::start(Config {
            listen,
            ..Config::default()
        })
        .await
        .is_err()
    );
}
