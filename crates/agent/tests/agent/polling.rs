//! Runs by polling, from claim to settlement.

use std::time::Duration;

use http::StatusCode;
use longshore_emulators::azure_devops::{self, AzureDevOps, IncomingWebhook, Pipeline};
use longshore_emulators::jenkins::{self, Jenkins, Job};
use longshore_emulators::webhook_sink::{Answer, Config, WebhookSink};
use longshore_emulators::{Fault, FaultKind, Script, Secret};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fake::{Fake, SOON};
use crate::working::{SECRET, Setup, message};

async fn sink() -> WebhookSink {
    sink_with(SECRET).await
}

async fn sink_with(secret: &str) -> WebhookSink {
    let config = Config {
        secret: Some(Secret::new(secret)),
        ..Config::default()
    };
    WebhookSink::start(config).await.unwrap()
}

#[tokio::test]
async fn a_run_is_claimed_started_called_signed_and_settled() {
    let (fake, sink) = (Fake::start(SECRET).await, sink().await);
    let working = Setup::new(&fake).work().await;
    let run = fake.add(1, &message(&sink.base_url()));
    let settled = fake.settled(1).await;
    working.end().await;
    let [call] = &sink.deliveries()[..] else {
        panic!("{:?}", sink.deliveries());
    };
    assert_eq!(call.run_id.as_deref(), Some(run.as_str()));
    assert_eq!(sink.counts().invalid_signatures, 0);
    assert_eq!(settled[0]["delivery"], "d_0000000000000001");
    assert_eq!(settled[0]["attempt"], 1);
    assert_eq!(settled[0]["outcome"]["kind"], "accepted");
    assert_eq!(settled[0]["status"], 200);
    let logs = settled[0]["logs"].to_string();
    assert!(logs.contains("Agent tests calls POST"), "{logs}");
    fake.with(|held| {
        assert_eq!(held.started, ["d_0000000000000001"]);
        let (_, last) = held.calls.last().unwrap();
        assert_eq!(last["leaving"], true);
        let claim = held
            .calls
            .iter()
            .find(|(path, _)| path.ends_with("claim-pending"));
        let (_, claim) = claim.unwrap();
        assert_eq!(claim["installationId"], "_PORT_EXEC_AGENT");
        assert_eq!(claim["waitSeconds"], 20);
        assert_eq!(claim["agent"], "tests");
        assert_eq!(held.tokens, 1, "one token serves every call");
    });
}

#[tokio::test]
async fn what_must_not_be_started_is_not_called() {
    let (fake, sink) = (Fake::start(SECRET).await, sink().await);
    fake.with(|held| held.superseded.push("d_0000000000000001".to_owned()));
    fake.add(1, &message(&sink.base_url()));
    fake.add(2, &message(&sink.base_url()));
    let working = Setup::new(&fake).work().await;
    let settled = fake.settled(1).await;
    working.end().await;
    assert_eq!(settled[0]["delivery"], "d_0000000000000002");
    assert_eq!(sink.deliveries().len(), 1);
}

#[tokio::test]
async fn a_slow_receiver_delays_no_other() {
    let (fake, slow, quick) = (Fake::start(SECRET).await, sink().await, sink().await);
    slow.faults().always(Fault::new(FaultKind::NeverAnswer));
    let mut setup = Setup::new(&fake);
    setup.add("[calls]\nconcurrency_repeat_allowed = 4\nconcurrency = 8\nruns_limit = 20\nwaiting_limit = 5\nshutdown_grace_ms = 0\n");
    let working = setup.work().await;
    for number in 0..20 {
        fake.add(number, &message(&slow.base_url()));
    }
    for number in 20..60 {
        fake.add(number, &message(&quick.base_url()));
    }
    fake.settled(40).await;
    assert_eq!(quick.deliveries().len(), 40);
    fake.with(|held| assert_eq!(held.started.len(), 44, "{:?}", held.started));
    working.end().await;
}

#[tokio::test]
async fn a_server_that_fails_for_a_while_loses_nothing_and_nothing_is_called_twice() {
    let (fake, sink) = (Fake::start(SECRET).await, sink().await);
    fake.with(|held| {
        held.faults = vec![
            ("/claim-pending", 503),
            ("/deliveries/start", 500),
            ("/deliveries/settle", 502),
            ("/access_token", 429),
        ];
    });
    fake.add(1, &message(&sink.base_url()));
    let working = Setup::new(&fake).work().await;
    fake.settled(1).await;
    working.end().await;
    assert_eq!(sink.deliveries().len(), 1);
    fake.with(|held| {
        assert_eq!(held.settled.len(), 1);
        assert_eq!(held.count("/deliveries/start"), 2);
        assert_eq!(held.count("/deliveries/settle"), 2);
    });
}

#[tokio::test]
async fn a_refused_report_goes_in_its_shortest_form() {
    let (fake, sink) = (Fake::start(SECRET).await, sink().await);
    fake.with(|held| {
        held.faults = vec![("/deliveries/settle", 422), ("/deliveries/settle", 413)];
    });
    fake.add(1, &message(&sink.base_url()));
    let working = Setup::new(&fake).work().await;
    let settled = fake.settled(1).await;
    working.end().await;
    assert_eq!(settled[0]["outcome"]["kind"], "accepted");
    assert_eq!(settled[0].get("logs"), None);
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_and_a_rotated_secret_still_obtains_one() {
    let (fake, sink) = (
        Fake::start("the secret before the rotation, long").await,
        sink().await,
    );
    let mut setup = Setup::new(&fake);
    setup.set(
        "PORT_CLIENT_SECRET_PREVIOUS",
        "the secret before the rotation, long",
    );
    let working = setup.work().await;
    fake.add(1, &message(&sink.base_url()));
    fake.settled(1).await;
    fake.with(|held| {
        held.secrets = vec![SECRET.to_owned()];
        // Nobody holds this one, so the agent's own is refused from now on.
        held.tokens += 1;
    });
    fake.add(2, &message(&sink.base_url()));
    fake.settled(2).await;
    working.end().await;
    assert_eq!(sink.counts().invalid_signatures, 0);
}

#[tokio::test]
async fn a_mapping_without_a_call_is_refused_and_another_agents_run_is_left_alone() {
    let (fake, sink) = (Fake::start(SECRET).await, sink().await);
    let mut setup = Setup::new(&fake);
    setup.mapping(&json!([
        {"enabled": ".action == \"deploy\"", "url": ".payload.url", "method": "\"POST\""},
    ]));
    let working = setup.work().await;
    let mut other = message(&sink.base_url());
    other["action"] = "another".into();
    fake.add(1, &other);
    fake.add(2, &message(&sink.base_url()));
    let settled = fake.settled(1).await;
    working.end().await;
    assert_eq!(settled[0]["outcome"]["kind"], "refused");
    assert_eq!(
        settled[0]["outcome"]["diagnosis"]["reason"],
        "mapping_failed"
    );
    assert_eq!(settled[0]["delivery"], "d_0000000000000002");
    fake.with(|held| assert_eq!(held.started, ["d_0000000000000002"]));
    assert!(sink.deliveries().is_empty());
}

#[tokio::test]
async fn a_synchronous_answer_comes_whole_and_without_secrets() {
    let (fake, sink) = (Fake::start(SECRET).await, sink().await);
    let mut setup = Setup::new(&fake);
    setup.set("RECEIVER_TOKEN", "token-of-the-receiver");
    setup.mapping(&json!([{
        "headers": {"Authorization": "\"Bearer \" + env.RECEIVER_TOKEN"},
        "report": {"summary": ".response.json.heard", "link": ".response.json.link"},
    }]));
    let working = setup.work().await;
    let answer = json!({"heard": "token-of-the-receiver", "link": "https://ci/1", "n": 1});
    let answer = Answer::json(StatusCode::CREATED, answer.to_string());
    sink.answers().next(1, answer);
    let mut message = message(&sink.base_url());
    message["payload"]["action"]["invocationMethod"]["synchronized"] = true.into();
    fake.add(1, &message);
    let settled = fake.settled(1).await;
    working.end().await;
    let calls = sink.deliveries();
    let sent = calls[0].headers.get("authorization");
    assert_eq!(sent.unwrap(), "Bearer token-of-the-receiver");
    let response = json!({"heard": "<secret>", "link": "https://ci/1", "n": 1});
    assert_eq!(settled[0]["response"], response);
    assert_eq!(settled[0]["report"]["summary"], "<secret>");
    assert_eq!(settled[0]["report"]["link"], "https://ci/1");
    assert!(!settled[0].to_string().contains("token-of-the-receiver"));
}

#[tokio::test]
async fn a_connection_decides_how_its_receiver_is_called() {
    let own = "the signing secret of one receiver";
    let (fake, sink) = (Fake::start(SECRET).await, sink_with(own).await);
    let mut setup = Setup::new(&fake);
    setup.add(&format!(
        "[[connection]]\nname = \"sink\"\nurl = \"{}/hooks\"\nsigningSecret = \"{own}\"\n",
        sink.base_url()
    ));
    let working = setup.work().await;
    fake.add(1, &message(&format!("{}/hooks/1", sink.base_url())));
    let settled = fake.settled(1).await;
    working.end().await;
    assert_eq!(settled[0]["status"], 200, "{settled:#?}");
    assert_eq!(sink.counts().invalid_signatures, 0);
}

#[tokio::test]
async fn an_address_that_is_not_open_is_refused() {
    let fake = Fake::start(SECRET).await;
    let working = Setup::new(&fake).work().await;
    fake.add(1, &message("http://169.254.169.254/latest"));
    let settled = fake.settled(1).await;
    working.end().await;
    assert_eq!(settled[0]["outcome"]["kind"], "refused");
    assert_eq!(
        settled[0]["outcome"]["diagnosis"]["reason"],
        "address_forbidden"
    );
}

#[tokio::test]
async fn a_stopping_agent_finishes_what_it_started_and_claims_no_more() {
    let (fake, sink) = (Fake::start(SECRET).await, sink().await);
    let slow = Fault::delay(Duration::from_millis(300));
    sink.faults().next(1, slow);
    let working = Setup::new(&fake).work().await;
    fake.add(1, &message(&sink.base_url()));
    fake.wait_for(|held| (!held.started.is_empty()).then_some(()))
        .await;
    working.stop();
    fake.settled(1).await;
    working.ended().await;
    fake.add(2, &message(&sink.base_url()));
    let left = fake.with(|held| (held.pending.len(), held.settled.clone()));
    assert_eq!(left.0, 1);
    assert_eq!(left.1[0]["outcome"]["kind"], "accepted");
}

#[tokio::test]
async fn a_stopping_agent_says_at_once_that_it_takes_no_more() {
    let (fake, sink) = (Fake::start(SECRET).await, sink().await);
    sink.faults().next(1, Fault::new(FaultKind::NeverAnswer));
    let mut setup = Setup::new(&fake);
    setup.add("[calls]\nconcurrency = 1\nshutdown_grace_ms = 30000\n");
    let working = setup.work().await;
    fake.add(1, &message(&sink.base_url()));
    fake.wait_for(|held| (!held.started.is_empty()).then_some(()))
        .await;
    fake.add(2, &message(&sink.base_url()));
    fake.wait_for(|held| held.pending.is_empty().then_some(()))
        .await;
    working.stop();
    // While the first call goes on, and long before the next heartbeat were due.
    let told = fake
        .wait_for(|held| {
            let mut heartbeats = held.calls.iter().map(|(_, body)| body);
            heartbeats.find(|body| body["draining"] == true).cloned()
        })
        .await;
    assert_eq!(
        (&told["leaving"], &told["inFlight"]),
        (&json!(false), &json!(1))
    );
    fake.with(|held| assert_eq!(held.started, ["d_0000000000000001"]));
}

#[tokio::test]
async fn health_and_metrics_are_served() {
    let (fake, sink) = (Fake::start(SECRET).await, sink().await);
    let mut setup = Setup::new(&fake);
    setup.listen("127.0.0.1:0");
    let working = setup.work().await;
    fake.add(1, &message(&sink.base_url()));
    fake.settled(1).await;
    let address = working.address.unwrap();
    let health = page(address, "/healthz").await;
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    let body: Value = serde_json::from_str(health.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["ok"], true);
    let metrics = page(address, "/metrics").await;
    assert!(
        metrics.contains("longshore_agent_calls_total{outcome=\"accepted\"} 1"),
        "{metrics}"
    );
    let other = page(address, "/").await;
    assert!(other.starts_with("HTTP/1.1 404"), "{other}");
    working.end().await;
}

async fn page(address: std::net::SocketAddr, path: &str) -> String {
    let asked = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    timeout(SOON, asked).await.unwrap()
}

#[tokio::test]
async fn jenkins_and_azure_check_the_signatures_of_their_own_form() {
    let fake = Fake::start(SECRET).await;
    let trigger = json!({"token": "deploy",
        "genericVariables": [{"key": "action", "value": "$.action"}]});
    let hmac = json!({"enabled": true, "items": [{"host": "127.0.0.1", "hmacEnabled": true,
        "hmacHeader": "X-Port-Signature", "hmacCredentialId": "signing",
        "hmacAlgorithm": "HmacSHA1"}]});
    let mut config = jenkins::Config {
        jobs: vec![Job {
            name: "deploy".to_owned(),
            trigger: serde_json::from_value(trigger).unwrap(),
            ..Job::default()
        }],
        whitelist: serde_json::from_value(hmac).unwrap(),
        ..jenkins::Config::default()
    };
    let signing = Secret::new(SECRET);
    config.credentials.insert("signing".to_owned(), signing);
    let jenkins = Jenkins::start(config).await.unwrap();
    let script = Script::default();
    let azure = AzureDevOps::start(azure_devops::Config {
        webhooks: vec![IncomingWebhook::signed("deploy", SECRET)],
        pipelines: vec![Pipeline::new("deploy", "deploy", script)],
        ..azure_devops::Config::default()
    })
    .await
    .unwrap();
    let working = Setup::new(&fake).work().await;
    fake.add(
        1,
        &message(&format!("{}?token=deploy", jenkins.invoke_url())),
    );
    fake.add(2, &message(&azure.webhook_url("deploy")));
    let settled = fake.settled(2).await;
    working.end().await;
    for settlement in &settled {
        assert_eq!(settlement["outcome"]["kind"], "accepted", "{settled:#?}");
    }
    assert_eq!(jenkins.builds().len(), 1);
    assert_eq!(azure.builds().len(), 1);
}

/// The one item that was asked to be started.
fn start_asked(fake: &Fake) -> Value {
    fake.with(|held| {
        let mut asked = held.calls.iter();
        let (_, start) = asked
            .find(|(path, _)| path.ends_with("/deliveries/start"))
            .unwrap();
        start["items"][0].clone()
    })
}

#[tokio::test]
async fn a_start_says_that_a_repeat_is_harm_where_a_mapping_leads_to_jenkins() {
    let trigger = json!({"token": "deploy"});
    let jenkins = Jenkins::start(jenkins::Config {
        jobs: vec![Job {
            name: "deploy".to_owned(),
            trigger: serde_json::from_value(trigger).unwrap(),
            ..Job::default()
        }],
        ..jenkins::Config::default()
    })
    .await
    .unwrap();
    // The job starts, and its answer is lost.
    let lost = Fault::new(FaultKind::CutAnswer(0)).after_processing();
    jenkins.faults().next(1, lost);
    let fake = Fake::start(SECRET).await;
    let mut setup = Setup::new(&fake);
    let url = format!("{}?token=deploy", jenkins.invoke_url());
    setup.set("CI_URL", &url);
    setup.mapping(&json!([{"url": "env.CI_URL"}]));
    let working = setup.work().await;
    fake.add(1, &message("https://hooks.example.com/deploy"));
    let settled = fake.settled(1).await;
    working.end().await;
    assert_eq!(jenkins.builds().len(), 1);
    assert_eq!(start_asked(&fake)["repeatUnknown"], false);
    assert_eq!(settled[0]["outcome"]["kind"], "unknown", "{settled:#?}");
}

#[tokio::test]
async fn a_start_says_of_a_repeat_only_what_the_server_may_not_know() {
    let elsewhere = json!([{"url": ".payload.action.invocationMethod.url + \"/\""}]);
    let to_jenkins = "generic-webhook-trigger/invoke?token=t";
    let harm = "repeatUnknown = false";
    for (path, mapping, connection, said) in [
        ("hooks/1", None, None, Value::Null),
        ("hooks/1", Some(&elsewhere), None, Value::Null),
        ("hooks/1", None, Some(harm), json!(false)),
        // The server has judged this very URL, maybe by a connection of its own.
        (to_jenkins, None, None, Value::Null),
        (to_jenkins, None, Some(harm), json!(false)),
        (to_jenkins, Some(&elsewhere), None, json!(false)),
        (
            to_jenkins,
            Some(&elsewhere),
            Some("repeatUnknown = true"),
            Value::Null,
        ),
    ] {
        let (fake, sink) = (Fake::start(SECRET).await, sink().await);
        let mut setup = Setup::new(&fake);
        let base = sink.base_url();
        if let Some(connection) = connection {
            setup.add(&format!(
                "[[connection]]\nname = \"ci\"\nurl = \"{base}\"\n{connection}\n"
            ));
        }
        if let Some(mapping) = mapping {
            setup.mapping(mapping);
        }
        let working = setup.work().await;
        fake.add(1, &message(&format!("{base}/{path}")));
        fake.settled(1).await;
        working.end().await;
        let asked = start_asked(&fake);
        assert_eq!(
            asked["repeatUnknown"], said,
            "{path}, {mapping:?}, {connection:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_is_read_by_what_a_repeat_is_for_the_server() {
    let (fake, sink) = (Fake::start(SECRET).await, sink().await);
    fake.with(|held| held.harm.push("d_0000000000000001".to_owned()));
    // A proxy that may have passed the call on.
    sink.faults().next(2, Fault::new(FaultKind::ProxyPage(502)));
    let working = Setup::new(&fake).work().await;
    fake.add(1, &message(&sink.base_url()));
    fake.settled(1).await;
    fake.add(2, &message(&sink.base_url()));
    let settled = fake.settled(2).await;
    working.end().await;
    let kinds: Vec<_> = settled.iter().map(|it| &it["outcome"]["kind"]).collect();
    assert_eq!(kinds, ["unknown", "retry"]);
}
