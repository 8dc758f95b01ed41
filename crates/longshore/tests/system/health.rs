//! What operators watch: health, and metrics on a listener of their own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use longshore_emulators::Fault;
use tokio::time::{interval, timeout};

use crate::api::Api;
use crate::receivers::{CONCURRENCY, JENKINS, Receivers, WEBHOOK};
use crate::server::{Home, SOON, Server};

/// Longer than a test takes: what is called stays under way.
const HELD: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// The names and types that dashboards are built on.
const FAMILIES: [(&str, &str); 6] = [
    ("longshore_accept_seconds", "histogram"),
    ("longshore_deliveries", "gauge"),
    ("longshore_deliveries_total", "counter"),
    ("longshore_delivery_oldest_seconds", "gauge"),
    ("longshore_delivery_seconds", "histogram"),
    ("longshore_runs_total", "counter"),
];

/// A page of metrics.
struct Page(String);

impl Page {
    async fn read(address: SocketAddr) -> Self {
        let answer = Api::anonymous(address)
            .call(Method::GET, "/metrics", None)
            .await;
        assert_eq!(answer.status, 200);
        let kind = answer.headers["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/plain"), "{kind}");
        Self(answer.text)
    }

    /// Names and types as they are described, each once and before its samples.
    fn families(&self) -> Vec<(&str, &str)> {
        let described = self
            .0
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "));
        let mut families: Vec<_> = described
            .map(|line| line.split_once(' ').unwrap())
            .collect();
        families.sort_unstable();
        families
    }

    fn samples(&self) -> BTreeMap<&str, f64> {
        let samples = self.0.lines().filter(|line| !line.starts_with('#'));
        samples
            .map(|line| {
                let (name, value) = line.rsplit_once(' ').unwrap();
                (name, value.parse().unwrap())
            })
            .collect()
    }

    fn value(&self, sample: &str) -> f64 {
        self.samples().get(sample).copied().unwrap_or(0.0)
    }
}

async fn metrics_of(server: &mut Server) -> SocketAddr {
    let address = |line: &serde_json::Value| {
        let told = line["message"] == "metrics are served";
        let address = line["address"].as_str().filter(|_| told)?;
        address.parse().ok()
    };
    server.logged(address).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_have_the_agreed_names_and_move() {
    let mut home = Home::new();
    home.set("METRICS__LISTEN", "127.0.0.1:0");
    let receivers = Receivers::start().await;
    let mut server = home.serve().await;
    let metrics = metrics_of(&mut server).await;
    let api = server.api().await;
    receivers.introduce(&api).await;
    receivers.sink.faults().next(1, Fault::status(404));
    for _ in 0..3 {
        api.execute(WEBHOOK).await;
        api.execute(JENKINS).await;
    }
    api.drained(SOON).await;

    let page = Page::read(metrics).await;
    assert_eq!(page.families(), FAMILIES);
    let expected = [
        (r#"longshore_runs_total{status="IN_PROGRESS"}"#, 6.0),
        (r#"longshore_runs_total{status="FAILURE"}"#, 1.0),
        (
            r#"longshore_deliveries_total{destination="jenkins",outcome="accepted"}"#,
            3.0,
        ),
        (
            r#"longshore_deliveries_total{destination="other",outcome="accepted"}"#,
            2.0,
        ),
        (
            r#"longshore_deliveries_total{destination="other",outcome="refused"}"#,
            1.0,
        ),
        ("longshore_accept_seconds_count", 6.0),
        (r#"longshore_accept_seconds_bucket{le="+Inf"}"#, 6.0),
        ("longshore_delivery_seconds_count", 6.0),
    ];
    for (sample, value) in expected {
        assert_eq!(page.value(sample), value, "{sample}\n{}", page.0);
    }
    for sample in [
        "longshore_accept_seconds_sum",
        "longshore_delivery_seconds_sum",
    ] {
        assert!(page.value(sample) > 0.0, "{sample}\n{}", page.0);
    }
    let samples = page.samples();
    let mut open = samples
        .iter()
        .filter(|(name, _)| name.starts_with("longshore_deliveries{"));
    assert!(open.all(|(_, value)| *value == 0.0), "{}", page.0);
    // The API's listener does not show them.
    let hidden = api.call(Method::GET, "/metrics", None).await;
    assert_eq!(hidden.status, 404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gauges_tell_what_waits_also_after_a_crash() {
    const RUNS: u64 = 12;
    let mut home = Home::new();
    home.set("METRICS__LISTEN", "127.0.0.1:0");
    home.set("DELIVERY__WINDOW_COUNT", "1");
    let receivers = Receivers::start().await;
    let mut server = home.serve().await;
    let metrics = metrics_of(&mut server).await;
    let api = server.api().await;
    receivers.introduce(&api).await;
    receivers.jenkins.faults().always(Fault::delay(HELD));
    for _ in 0..RUNS {
        api.execute(JENKINS).await;
    }
    let open = |page: &Page, state: &str| {
        page.value(&format!(
            r#"longshore_deliveries{{destination="jenkins",state="{state}"}}"#
        ))
    };
    let waiting = |page: &Page, started: u64| {
        let total: f64 = ["due", "owned", "started"]
            .iter()
            .map(|state| open(page, state))
            .sum();
        let oldest = page.value(r#"longshore_delivery_oldest_seconds{destination="jenkins"}"#);
        open(page, "started") == started as f64 && total == RUNS as f64 && oldest > 0.0
    };
    wait_for(metrics, |page| waiting(page, CONCURRENCY)).await;
    server.kill().await;

    // What was under way is unconfirmed now, and others have taken its slots.
    let mut server = home.serve().await;
    let metrics = metrics_of(&mut server).await;
    wait_for(metrics, |page| {
        open(page, "unconfirmed") == CONCURRENCY as f64
            && open(page, "started") == CONCURRENCY as f64
            && open(page, "due") + open(page, "owned") == (RUNS - 2 * CONCURRENCY) as f64
    })
    .await;
    server.kill().await;
}

async fn wait_for(metrics: SocketAddr, holds: impl Fn(&Page) -> bool) {
    let mut looks = interval(LOOK_EVERY);
    let mut last = String::new();
    let held = async {
        loop {
            looks.tick().await;
            let page = Page::read(metrics).await;
            if holds(&page) {
                return;
            }
            last = page.0;
        }
    };
    let held = timeout(SOON, held).await;
    assert!(held.is_ok(), "{last}");
}

#[tokio::test]
async fn metrics_are_not_served_where_nobody_asked_for_them() {
    let home = Home::new();
    let server = home.serve().await;
    let lines = server.stop().await.join("\n");
    assert!(!lines.contains("metrics"), "{lines}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_nobody_set_may_be_taken_and_one_that_was_set_may_not() {
    // Whoever has the default address already, one of two servers has not.
    let mut home = Home::new();
    home.unset("METRICS__LISTEN");
    let first = home.serve().await;
    let mut other = Home::new();
    other.unset("METRICS__LISTEN");
    let mut second = other.serve().await;
    let told = |line: &serde_json::Value| {
        let said = line["message"].as_str()?;
        said.starts_with("no metrics are served").then_some(())
    };
    second.logged(told).await;
    let mut third = Home::new();
    third.set("METRICS__LISTEN", &first.address.to_string());
    let refused = third.refused().await;
    assert!(refused.contains("metrics cannot listen"), "{refused}");
}
