//! The client against real sockets on loopback: what leaves, who is reached, what is read.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{
    Names, OK, Peer, answered, client, config, not_sent, post, profile, unanswered,
};
use http::{HeaderValue, Method};
use longshore_backends::client::{
    AddressClass, BodyEnd, CallProfile, Client, ClientConfig, DRAIN_BYTES, MAX_ANSWER_BYTES,
    MAX_ANSWER_HEADERS, NotSentCause, Reply, UnansweredCause,
};
use longshore_domain::outcome::Repeat;
use tokio::net::TcpListener;
use tokio::time::advance;

#[tokio::test]
async fn a_call_leaves_as_it_was_made_and_its_answer_comes_back() {
    let peer = Peer::answering(OK).await;
    let mut call = post(&peer.url("/a/b?c=d%20e"), "{\"x\":1}");
    call.headers
        .insert("x-port-signature", HeaderValue::from_static("abc"));
    let exchange = client().send(call.clone(), &profile(Repeat::Harm)).await;
    assert!(exchange.timings.connect.is_some());
    assert!(exchange.timings.total >= exchange.timings.connect.unwrap());
    let answer = answered(exchange);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, "ok");
    assert_eq!(answer.body_end, BodyEnd::Complete);
    assert!(!answer.truncated);
    let address = peer.address;
    let expected = format!(
        "POST /a/b?c=d%20e HTTP/1.1\r\nHost: {address}\r\nX-Port-Signature: abc\r\n\
         Content-Length: 7\r\n\r\n{{\"x\":1}}"
    );
    assert_eq!(peer.heard(), [(0, expected)]);
}

#[tokio::test]
async fn a_call_without_body_says_so_where_the_method_takes_one() {
    let peer = Peer::answering(OK).await;
    let client = client();
    for (method, says_so) in [
        (Method::POST, true),
        (Method::PUT, true),
        (Method::PATCH, true),
        (Method::GET, false),
        (Method::DELETE, false),
    ] {
        let mut call = post(&peer.url("/"), "");
        call.method = method.clone();
        answered(client.send(call.clone(), &profile(Repeat::Allowed)).await);
        let (_, request) = peer.heard().pop().unwrap();
        assert!(request.starts_with(&format!("{method} / HTTP/1.1\r\n")));
        assert_eq!(
            request.contains("Content-Length: 0\r\n"),
            says_so,
            "{request}"
        );
        assert!(!request.contains("Transfer-Encoding"), "{request}");
    }
}

#[tokio::test]
async fn connections_are_used_again() {
    let peer = Peer::answering(OK).await;
    let client = client();
    let call = post(&peer.url("/"), "x");
    for _ in 0..3 {
        answered(client.send(call.clone(), &profile(Repeat::Harm)).await);
    }
    assert_eq!(peer.lines_used(), [0, 0, 0]);
    let exchange = client.send(call.clone(), &profile(Repeat::Allowed)).await;
    assert_eq!(exchange.timings.connect, None);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_idled_over_a_second_is_not_used_where_a_repeat_is_harm() {
    let peer = Peer::answering(OK).await;
    let client = client();
    let call = post(&peer.url("/"), "x");
    let waits = [
        (0, Repeat::Harm, 0),
        (900, Repeat::Harm, 0),
        (1_100, Repeat::Allowed, 0),
        (1_100, Repeat::Harm, 1),
        (20_000, Repeat::Allowed, 1),
        (31_000, Repeat::Allowed, 2),
    ];
    for (millis, repeat, line) in waits {
        advance(Duration::from_millis(millis)).await;
        answered(client.send(call.clone(), &profile(repeat)).await);
        assert_eq!(
            peer.lines_used().last(),
            Some(&line),
            "{millis} ms, {repeat:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn unused_connections_are_closed_without_a_further_call() {
    let (ended, mut end) = tokio::sync::mpsc::channel(1);
    let peer = Peer::start(move |mut line| {
        let ended = ended.clone();
        async move {
            line.exchange(OK).await;
            line.wait_for_end().await;
            ended.send(line.index).await.unwrap();
        }
    })
    .await;
    let client = client();
    answered(
        client
            .send(post(&peer.url("/"), "x"), &profile(Repeat::Allowed))
            .await,
    );
    assert_eq!(end.recv().await, Some(0));
    drop(client);
}

#[tokio::test]
async fn a_pooled_connection_that_the_receiver_closed_costs_nothing() {
    let peer = Peer::start(|mut line| async move {
        line.exchange(OK).await;
        // Hangs up after one answer, without having said so.
    })
    .await;
    let client = client();
    let call = post(&peer.url("/"), "x");
    for line in 0..20 {
        let answer = answered(client.send(call.clone(), &profile(Repeat::Harm)).await);
        assert_eq!(answer.status, 200);
        assert_eq!(peer.lines_used().last(), Some(&line));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_closing_answer_ends_its_connection() {
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let peer = Peer::answering(closing).await;
    let client = client();
    let call = post(&peer.url("/"), "x");
    for _ in 0..2 {
        answered(client.send(call.clone(), &profile(Repeat::Allowed)).await);
    }
    assert_eq!(peer.lines_used(), [0, 1]);
}

#[tokio::test]
async fn without_a_range_no_way_to_write_loopback_reaches_it() {
    let peer = Peer::answering(OK).await;
    let port = peer.address.port();
    let resolver = Names(vec![
        ("receiver.test", vec!["127.0.0.1".parse().unwrap()]),
        ("mapped.test", vec!["::ffff:127.0.0.1".parse().unwrap()]),
        ("localhost", vec!["127.0.0.1".parse().unwrap()]),
    ]);
    let config = ClientConfig {
        rules: Default::default(),
        resolver: Arc::new(resolver),
        ..config()
    };
    let client = Client::new(config).unwrap();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0",
        "0.0.0.0",
        "[::]",
        "localhost",
        "receiver.test",
        "mapped.test",
    ] {
        let call = post(&format!("http://{host}:{port}/"), "x");
        let exchange = client.send(call.clone(), &profile(Repeat::Allowed)).await;
        let Reply::Forbidden(fault) = exchange.reply else {
            panic!("{host}: {:?}", exchange.reply)
        };
        let expected = [AddressClass::Loopback, AddressClass::Unspecified];
        assert!(expected.contains(&fault.class), "{host}: {fault:?}");
    }
    assert!(peer.heard().is_empty());
}

#[tokio::test]
async fn of_several_addresses_only_permitted_ones_are_reached() {
    let peer = Peer::answering(OK).await;
    let addresses: Vec<IpAddr> = ["169.254.169.254", "10.0.0.1", "127.0.0.1"]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    let resolver = Names(vec![
        ("mixed.test", addresses.clone()),
        ("bad.test", addresses[..2].to_vec()),
    ]);
    let config = ClientConfig {
        resolver: Arc::new(resolver),
        ..config()
    };
    let client = Client::new(config).unwrap();
    let port = peer.address.port();
    let call = post(&format!("http://mixed.test:{port}/"), "x");
    answered(client.send(call.clone(), &profile(Repeat::Harm)).await);
    let call = post(&format!("http://bad.test:{port}/"), "x");
    let exchange = client.send(call.clone(), &profile(Repeat::Harm)).await;
    let Reply::Forbidden(fault) = exchange.reply else {
        panic!()
    };
    assert_eq!(fault.address, addresses[0]);
    assert_eq!(fault.class, AddressClass::Metadata);
}

#[tokio::test]
async fn an_address_that_refuses_leaves_the_next_one_its_chance() {
    let peer = Peer::answering(OK).await;
    let addresses = ["127.0.0.9", "127.0.0.1"].map(|text| text.parse().unwrap());
    let resolver = Names(vec![("two.test", addresses.to_vec())]);
    let config = ClientConfig {
        resolver: Arc::new(resolver),
        ..config()
    };
    let url = format!("http://two.test:{}/", peer.address.port());
    let client = Client::new(config).unwrap();
    answered(client.send(post(&url, "x"), &profile(Repeat::Harm)).await);
}

#[tokio::test]
async fn redirects_are_answers() {
    let elsewhere = Peer::answering(OK).await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
        elsewhere.url("/")
    );
    let peer = Peer::answering(&answer).await;
    let exchange = client()
        .send(post(&peer.url("/"), "x"), &profile(Repeat::Allowed))
        .await;
    assert_eq!(answered(exchange).status, 307);
    assert!(elsewhere.heard().is_empty());
}

#[tokio::test]
async fn calls_are_made_from_the_address_that_is_set() {
    let (seen, mut peers) = tokio::sync::mpsc::channel(1);
    let peer = Peer::start(move |mut line| {
        let seen = seen.clone();
        async move {
            seen.send(line.peer.ip()).await.unwrap();
            line.exchange(OK).await;
        }
    })
    .await;
    let bound: IpAddr = "127.0.0.7".parse().unwrap();
    let config_v4 = ClientConfig {
        bind: vec![bound],
        ..config()
    };
    let call = post(&peer.url("/"), "x");
    answered(
        Client::new(config_v4)
            .unwrap()
            .send(call.clone(), &profile(Repeat::Harm))
            .await,
    );
    assert_eq!(peers.recv().await, Some(bound));
    let config_v6 = ClientConfig {
        bind: vec!["::1".parse().unwrap()],
        ..config()
    };
    let exchange = Client::new(config_v6)
        .unwrap()
        .send(call.clone(), &profile(Repeat::Harm))
        .await;
    assert_eq!(not_sent(exchange).cause, NotSentCause::Local);
}

#[tokio::test]
async fn what_fails_before_the_first_byte_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let config = ClientConfig {
        resolver: Arc::new(Names(vec![("empty.test", vec![])])),
        ..config()
    };
    let client = Client::new(config).unwrap();
    let table = [
        (format!("http://{closed}/"), NotSentCause::Refused),
        ("http://unknown.test/".to_owned(), NotSentCause::Dns),
        ("http://empty.test/".to_owned(), NotSentCause::Dns),
    ];
    for (url, cause) in table {
        let failure = not_sent(client.send(post(&url, "x"), &profile(Repeat::Harm)).await);
        assert_eq!(failure.cause, cause, "{url}: {failure:?}");
    }
}

struct Silent;

impl longshore_backends::client::Resolve for Silent {
    fn resolve<'a>(
        &'a self,
        _host: &'a str,
        _port: u16,
    ) -> futures_util::future::BoxFuture<'a, std::io::Result<Vec<std::net::SocketAddr>>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn not_being_connected_in_time_is_not_sent_whichever_limit_ends_it() {
    let config = ClientConfig {
        resolver: Arc::new(Silent),
        ..config()
    };
    let client = Client::new(config).unwrap();
    for (connect, total, expected) in [(2, 20, 2), (20, 3, 3), (u64::MAX, 4, 4)] {
        let profile = CallProfile {
            connect_timeout: Duration::from_secs(connect),
            total_timeout: Duration::from_secs(total),
            ..CallProfile::new(Repeat::Harm)
        };
        let exchange = client.send(post("http://slow.test/", "x"), &profile).await;
        assert_eq!(exchange.timings.total.as_secs(), expected);
        assert_eq!(not_sent(exchange).cause, NotSentCause::ConnectTimeout);
    }
}

#[tokio::test(start_paused = true)]
async fn silence_after_the_request_is_a_timeout() {
    let peer = Peer::start(|mut line| async move {
        line.hear().await;
        line.wait_for_end().await;
    })
    .await;
    let exchange = client()
        .send(post(&peer.url("/"), "x"), &profile(Repeat::Harm))
        .await;
    assert_eq!(exchange.timings.total.as_secs(), 20);
    assert_eq!(unanswered(exchange).cause, UnansweredCause::Timeout);
    assert_eq!(peer.heard().len(), 1);
}

/// A receiver that hears the request, says `answer` and hangs up.
async fn saying(answer: impl Into<String>) -> Peer {
    let answer = answer.into();
    Peer::start(move |mut line| {
        let answer = answer.clone();
        async move {
            line.exchange(&answer).await;
        }
    })
    .await
}

#[tokio::test]
async fn what_is_no_answer_is_told_apart_from_none() {
    let many = "X: y\r\n".repeat(MAX_ANSWER_HEADERS + 1);
    let large = format!("X: {}\r\n", "y".repeat(70_000));
    let table = [
        ("nothing", String::new(), UnansweredCause::Reset),
        (
            "half a status line",
            "HTTP/1.1 2".to_owned(),
            UnansweredCause::Reset,
        ),
        (
            "half the headers",
            "HTTP/1.1 200 OK\r\nX: y".to_owned(),
            UnansweredCause::Reset,
        ),
        (
            "another protocol",
            "SSH-2.0-OpenSSH_9.9\r\n\r\n".to_owned(),
            UnansweredCause::Garbage,
        ),
        (
            "no number",
            "HTTP/1.1 abc OK\r\n\r\n".to_owned(),
            UnansweredCause::Garbage,
        ),
        (
            "a status of nobody",
            "HTTP/1.1 700 X\r\nContent-Length: 0\r\n\r\n".to_owned(),
            UnansweredCause::Garbage,
        ),
        (
            "an upgrade",
            "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n".to_owned(),
            UnansweredCause::Garbage,
        ),
        (
            "a bad length",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_owned(),
            UnansweredCause::Garbage,
        ),
        (
            "two lengths",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(),
            UnansweredCause::Garbage,
        ),
        (
            "too many headers",
            format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
            UnansweredCause::Garbage,
        ),
        (
            "too large headers",
            format!("HTTP/1.1 200 OK\r\n{large}\r\n"),
            UnansweredCause::Garbage,
        ),
    ];
    for (name, answer, cause) in table {
        let peer = saying(answer).await;
        let exchange = client()
            .send(post(&peer.url("/"), "x"), &profile(Repeat::Harm))
            .await;
        let Reply::Unanswered(failure) = exchange.reply else {
            panic!("{name}: {:?}", exchange.reply)
        };
        assert_eq!(failure.cause, cause, "{name}: {failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_that_never_end_are_no_answer() {
    let peer = Peer::start(|mut line| async move {
        line.hear().await;
        line.say("HTTP/1.1 200 OK\r\n").await;
        while line
            .say("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")
            .await
        {}
    })
    .await;
    let exchange = client()
        .send(post(&peer.url("/"), "x"), &profile(Repeat::Harm))
        .await;
    assert_eq!(unanswered(exchange).cause, UnansweredCause::Garbage);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_answer() {
    let table = [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\nzz\r\n",
    ];
    for answer in table {
        let peer = saying(answer).await;
        let exchange = client()
            .send(post(&peer.url("/"), "x"), &profile(Repeat::Harm))
            .await;
        let answer = answered(exchange);
        assert_eq!(answer.body, "0123456789");
        assert_eq!(answer.body_end, BodyEnd::Cut);
        assert!(answer.truncated);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_an_answer_when_the_time_is_up() {
    let peer = Peer::start(|mut line| async move {
        line.exchange("HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n01234")
            .await;
        line.wait_for_end().await;
    })
    .await;
    let exchange = client()
        .send(post(&peer.url("/"), "x"), &profile(Repeat::Harm))
        .await;
    assert_eq!(exchange.timings.total.as_secs(), 20);
    let answer = answered(exchange);
    assert_eq!(answer.status, 202);
    assert_eq!(answer.body, "01234");
    assert_eq!(answer.body_end, BodyEnd::TimedOut);
}

async fn endless() -> Peer {
    Peer::start(|mut line| async move {
        line.exchange("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        while line.say(&chunk).await {}
    })
    .await
}

#[tokio::test]
async fn an_endless_body_is_read_to_the_limit() {
    let peer = endless().await;
    let client = client();
    for (keep, kept) in [(0, 0), (10, 10), (usize::MAX, MAX_ANSWER_BYTES)] {
        let profile = CallProfile {
            keep_answer_bytes: keep,
            ..profile(Repeat::Harm)
        };
        let answer = answered(client.send(post(&peer.url("/"), "x"), &profile).await);
        assert_eq!(answer.body.len(), kept);
        assert_eq!(answer.body_end, BodyEnd::TooLong);
        assert!(answer.truncated);
    }
    assert_eq!(peer.lines_used(), [0, 1, 2]);
}

#[tokio::test]
async fn what_is_not_kept_is_still_read_so_that_the_connection_serves_again() {
    let long = "x".repeat(DRAIN_BYTES);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {DRAIN_BYTES}\r\n\r\n{long}");
    let peer = Peer::answering(&answer).await;
    let client = client();
    let profile = CallProfile {
        keep_answer_bytes: 8,
        ..profile(Repeat::Harm)
    };
    for _ in 0..2 {
        let answer = answered(client.send(post(&peer.url("/"), "x"), &profile).await);
        assert_eq!(answer.body, "xxxxxxxx");
        assert_eq!(answer.body_end, BodyEnd::Complete);
        assert!(answer.truncated);
    }
    assert_eq!(peer.lines_used(), [0, 0]);
}

#[tokio::test]
async fn all_answers_share_one_budget() {
    let peer = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678").await;
    let config = ClientConfig {
        answer_budget_bytes: 12,
        ..config()
    };
    let client = Client::new(config).unwrap();
    let call = post(&peer.url("/"), "x");
    let first = answered(client.send(call.clone(), &profile(Repeat::Harm)).await);
    assert_eq!(client.answer_budget().free_bytes(), 4);
    let second = answered(client.send(call.clone(), &profile(Repeat::Harm)).await);
    assert_eq!(second.status, 200);
    assert_eq!(second.body_end, BodyEnd::OverBudget);
    drop((first, second));
    assert_eq!(client.answer_budget().free_bytes(), 12);
    let third = answered(client.send(call.clone(), &profile(Repeat::Harm)).await);
    assert_eq!(third.body_end, BodyEnd::Complete);
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    let peer = Peer::answering(&format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n{OK}"
    ))
    .await;
    let exchange = client()
        .send(post(&peer.url("/"), "x"), &profile(Repeat::Harm))
        .await;
    assert_eq!(answered(exchange).status, 200);
}

#[tokio::test]
async fn debug_shows_no_secret_of_a_call_or_an_answer() {
    let peer =
        Peer::answering("HTTP/1.1 200 OK\r\nX-Echo: S3CR3T\r\nContent-Length: 6\r\n\r\nS3CR3T")
            .await;
    let mut call = post(&peer.url("/hooks/S3CR3T?token=S3CR3T"), "S3CR3T");
    call.headers
        .insert("authorization", HeaderValue::from_static("Bearer S3CR3T"));
    let exchange = client().send(call.clone(), &profile(Repeat::Harm)).await;
    let shown = format!("{call:?} {exchange:?}");
    assert!(!shown.contains("S3CR3T"), "{shown}");
}
