//! The egress proxy: tunnels, absolute-form requests, exceptions, refusals.

use longshore_backends::client::{Client, ClientConfig, NotSentCause, ProxyRules, Reply};
use longshore_domain::outcome::Repeat;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

use crate::support::{OK, Peer, answered, config, not_sent, post, profile};

/// A client whose rules allow nothing, behind `proxy`, which stands on loopback.
fn behind(proxy: &Peer, no_proxy: &str) -> Client {
    let url = format!("http://user:p%40ss@{}", proxy.address);
    let proxies = ProxyRules::parse(Some(&url), Some(&url), Some(no_proxy)).unwrap();
    let rules = Default::default();
    Client::new(ClientConfig {
        rules,
        proxies,
        ..config()
    })
    .unwrap()
}

#[tokio::test]
async fn plain_http_goes_to_the_proxy_in_absolute_form() {
    let proxy = Peer::answering(OK).await;
    let client = behind(&proxy, "");
    let call = post("http://only-the-proxy-knows.test:8080/a?b=c", "x");
    for _ in 0..2 {
        answered(client.send(call.clone(), &profile(Repeat::Harm)).await);
    }
    assert_eq!(proxy.lines_used(), [0, 0]);
    let (_, request) = proxy.heard().remove(0);
    let start = "POST http://only-the-proxy-knows.test:8080/a?b=c HTTP/1.1\r\n\
                 Host: only-the-proxy-knows.test:8080\r\n";
    assert!(request.starts_with(start), "{request}");
    assert!(
        request.contains("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"),
        "{request}"
    );
}

#[tokio::test]
async fn https_goes_through_a_tunnel_that_carries_no_request_of_ours() {
    let receiver = Peer::start(|mut line| async move {
        // Not TLS: the client must not get past its handshake.
        line.say("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let to = receiver.address;
    let proxy = Peer::start(move |mut line| async move {
        line.hear().await;
        let mut onward = TcpStream::connect(to).await.unwrap();
        line.say("HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n")
            .await;
        let _ended = copy_bidirectional(&mut line.stream, &mut onward).await;
    })
    .await;
    let call = post("https://only-the-proxy-knows.test/a?token=S3CR3T", "x");
    let failure = not_sent(
        behind(&proxy, "")
            .send(call.clone(), &profile(Repeat::Harm))
            .await,
    );
    assert_eq!(failure.cause, NotSentCause::Tls, "{failure:?}");
    let expected = "CONNECT only-the-proxy-knows.test:443 HTTP/1.1\r\n\
                    Host: only-the-proxy-knows.test:443\r\n\
                    Proxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n";
    assert_eq!(proxy.heard(), [(0, expected.to_owned())]);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_as_the_cause() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(9_000));
    for answer in [
        "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\n\r\n",
        "hello\r\n\r\n",
        "",
        "HTTP/1.1 200",
        long.as_str(),
    ] {
        let answer = answer.to_owned();
        let proxy = Peer::start(move |mut line| {
            let answer = answer.clone();
            async move {
                line.exchange(&answer).await;
            }
        })
        .await;
        let call = post("https://receiver.test/", "x");
        let failure = not_sent(
            behind(&proxy, "")
                .send(call.clone(), &profile(Repeat::Harm))
                .await,
        );
        assert_eq!(failure.cause, NotSentCause::Proxy, "{failure:?}");
        assert!(!failure.detail.contains("p@ss"), "{failure:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_as_the_cause() {
    let proxies = ProxyRules::parse(Some("http://nowhere.test:1"), None, None).unwrap();
    let client = Client::new(ClientConfig {
        proxies,
        ..config()
    })
    .unwrap();
    let call = post("http://receiver.test/", "x");
    let failure = not_sent(client.send(call.clone(), &profile(Repeat::Harm)).await);
    assert_eq!(failure.cause, NotSentCause::Proxy);
}

#[tokio::test]
async fn exceptions_are_called_directly_and_under_the_rules() {
    let proxy = Peer::answering(OK).await;
    let client = behind(&proxy, "receiver.test");
    let call = post("http://receiver.test:9/", "x");
    let reply = client
        .send(call.clone(), &profile(Repeat::Harm))
        .await
        .reply;
    assert!(matches!(reply, Reply::Forbidden(_)), "{reply:?}");
    assert!(proxy.heard().is_empty());
}

#[tokio::test]
async fn a_proxy_is_not_asked_for_what_is_plainly_forbidden() {
    let proxy = Peer::answering(OK).await;
    let client = behind(&proxy, "");
    for url in [
        "http://169.254.169.254/",
        "http://0x7f.1/",
        "http://localhost/",
    ] {
        let reply = client
            .send(post(url, "x"), &profile(Repeat::Harm))
            .await
            .reply;
        assert!(matches!(reply, Reply::Forbidden(_)), "{url}: {reply:?}");
    }
    assert!(proxy.heard().is_empty());
}
