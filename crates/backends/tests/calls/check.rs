//! The way to a receiver as a check tells it: proxy, handshake, certificate.

use std::time::Duration;

use longshore_backends::check::{Disclosure, Report, Step, Subject, Verdict};
use longshore_backends::client::{Client, ClientConfig, ProxyRules};
use longshore_backends::receiver::check;
use longshore_backends::target::Target;
use longshore_domain::delivery::Receiver;
use longshore_domain::diagnosis::Reason;
use longshore_domain::outcome::Repeat;
use longshore_domain::time::Timestamp;
use rcgen::date_time_ymd;

use crate::support::{OK, Peer, config, profile};
use crate::tls::{authority, receiver, trusting, url};

/// 2030-01-02: what it is compared with stands in the certificates alone.
const NOW_MICROS: i64 = 1_893_542_400_000_000;

async fn checked(client: &Client, url: &str) -> Report {
    let subject = Subject {
        target: Target::parse(url).unwrap(),
        // Nothing is sent to it, so only the way is looked at.
        receiver: Some(Receiver::Webhook),
        profile: profile(Repeat::Allowed),
        signer: None,
        now: Timestamp::from_micros(NOW_MICROS),
        probe_name: "nobody",
        disclosure: Disclosure::Operator,
        dry_run: None,
    };
    check(client, subject).await
}

fn steps(report: &Report) -> Vec<(Step, Verdict)> {
    let findings = report.findings.iter();
    findings.map(|it| (it.step, it.verdict)).collect()
}

fn behind(proxy: &Peer) -> Client {
    let url = format!("http://{}", proxy.address);
    let proxies = ProxyRules::parse(Some(&url), Some(&url), None).unwrap();
    Client::new(ClientConfig {
        proxies,
        ..config()
    })
    .unwrap()
}

#[tokio::test]
async fn a_proxy_is_named_and_resolves_the_name_itself() {
    let proxy = Peer::answering(OK).await;
    let report = checked(&behind(&proxy), "http://only-the-proxy-knows.test/x").await;
    let expected = [
        (Step::Proxy, Verdict::Ok),
        (Step::Connection, Verdict::Ok),
        (Step::Tls, Verdict::Ok),
        (Step::Receiver, Verdict::Unknown),
    ];
    assert_eq!(steps(&report), expected);
    assert!(
        report.findings[0]
            .message
            .contains(&proxy.address.to_string())
    );
    assert!(proxy.heard().is_empty(), "nothing is sent");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_where_it_ends() {
    let proxy = Peer::answering("HTTP/1.1 403 Forbidden\r\n\r\n").await;
    let report = checked(&behind(&proxy), "https://only-the-proxy-knows.test/").await;
    let last = report.findings.last().unwrap();
    assert_eq!((last.step, last.verdict), (Step::Proxy, Verdict::Failed));
    assert_eq!(last.code, Some(Reason::ProxyFailed));
}

#[tokio::test]
async fn a_certificate_is_told_with_its_names_and_its_end() {
    let ours = authority("ours");
    let table = [
        // It ends a year later, ten days later, a day before.
        ((2031, 1, 2), Verdict::Ok, "good from"),
        ((2030, 1, 12), Verdict::Warning, "It ends in 10 days."),
        ((2030, 1, 1), Verdict::Failed, "good from"),
    ];
    for ((year, month, day), verdict, words) in table {
        let own = ours.issue("receiver.test", |params| {
            params.not_after = date_time_ymd(year, month, day);
        });
        let peer = receiver(&own, None).await;
        let report = checked(&trusting(&ours), &url(&peer)).await;
        let mut told = report.findings.iter();
        let told = told.find(|it| it.step == Step::Certificate).unwrap();
        assert_eq!(told.verdict, verdict, "{told:?}");
        for part in ["For receiver.test; issued by CN=ours;", words] {
            assert!(told.message.contains(part), "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_chain_that_does_not_hold_is_told_with_its_certificate() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let own = theirs.issue("receiver.test", |_| {});
    let peer = receiver(&own, None).await;
    let report = checked(&trusting(&ours), &url(&peer)).await;
    let (last, before) = report.findings.split_last().unwrap();
    assert_eq!(last.step, Step::Certificate);
    assert!(last.message.contains("issued by CN=theirs"), "{last:?}");
    let failed = before.last().unwrap();
    assert_eq!(
        (failed.step, failed.code),
        (Step::Tls, Some(Reason::TlsUntrusted))
    );
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_certificate_is_told_of() {
    let ours = authority("ours");
    let own = ours.issue("receiver.test", |_| {});
    let peer = receiver(&own, Some(&ours)).await;
    let report = checked(&trusting(&ours), &url(&peer)).await;
    let mut told = report.findings.iter();
    let told = told.find(|it| it.step == Step::ClientCertificate).unwrap();
    assert_eq!(told.verdict, Verdict::Warning);
    assert_eq!(told.code, Some(Reason::TlsClientCertificate));
}

#[tokio::test]
async fn a_receiver_that_says_nothing_ends_the_check_in_time() {
    let peer = Peer::start(|line| async move {
        let _held = line;
        std::future::pending::<()>().await;
    })
    .await;
    let ours = authority("ours");
    let mut hasty = profile(Repeat::Allowed);
    hasty.connect_timeout = Duration::from_millis(200);
    let subject = Subject {
        target: Target::parse(&url(&peer)).unwrap(),
        receiver: None,
        profile: hasty,
        signer: None,
        now: Timestamp::from_micros(NOW_MICROS),
        probe_name: "nobody",
        disclosure: Disclosure::Api,
        dry_run: None,
    };
    let report = check(&trusting(&ours), subject).await;
    let last = report.findings.last().unwrap();
    assert_eq!(last.code, Some(Reason::ConnectTimeout), "{report}");
}
