//! Secrets reach the wire and nothing else: not the database, not what the API shows, whatever
//! receivers echo.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::StatusCode;
use longshore_domain::delivery::State;
use longshore_domain::encryption::decrypt;
use longshore_domain::id::RunId;
use longshore_domain::run::{Decision, Redemption, Report};
use longshore_domain::secret::Secret;
use longshore_emulators::Fault;
use longshore_emulators::webhook_sink::Answer;
use longshore_engine::deliveries::attempt_json;
use longshore_engine::secrets::SecretPatch;
use longshore_engine::{DeliveryFilter, RunFilter};
use longshore_store::Runs as _;
use serde_json::{Value, json};

use crate::support::{
    CLIENT_SECRET, JENKINS_SECRET, Kind, Process, Target, World, jenkins, job_with, seconds, sink,
};

const API_KEY: &str = "k3y/with+odd&chars=\"quoted\"<x>%41";
const URL_TOKEN: &str = "url-t0ken-4711-abcdef";
const OWN_SECRET: &str = "the-connections-own-secret-0123456789ab";

/// The forms in which a secret may come back or be written down.
fn forms(secret: &str) -> [(&'static str, String); 10] {
    let bytes = secret.as_bytes();
    let mut hex = String::new();
    let mut percent = String::new();
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
        if byte.is_ascii_alphanumeric() {
            percent.push(char::from(*byte));
        } else {
            let _ = write!(percent, "%{byte:02X}");
        }
    }
    let form: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let json = serde_json::to_string(secret).expect("JSON");
    let upper = hex.to_ascii_uppercase();
    [
        ("raw", secret.to_owned()),
        ("JSON", json.trim_matches('"').to_owned()),
        ("percent", percent.clone()),
        ("percent, lower", percent.to_ascii_lowercase()),
        ("form", form),
        ("base64", STANDARD_NO_PAD.encode(bytes)),
        ("base64url", URL_SAFE_NO_PAD.encode(bytes)),
        (
            "base64 after a user",
            STANDARD.encode(format!("user:{secret}")),
        ),
        ("hex", hex),
        ("HEX", upper),
    ]
}

/// Everything that the API shows of every run.
fn shown(process: &Process) -> String {
    let engine = Arc::clone(&process.engine);
    process.on(async move {
        let admin = Process::admin();
        let mut text = String::new();
        for v1 in [false, true] {
            let filter = RunFilter {
                limit: 100,
                ..RunFilter::default()
            };
            for run in engine.runs(&admin, filter, v1).await.expect("runs").runs {
                let id = RunId::parse(run["id"].as_str().expect("an id")).expect("an id");
                let timeline = engine.timeline(&admin, &id).await.expect("a timeline");
                let lines = engine.log_lines(&admin, &id, 0, 100).await.expect("lines");
                let _ = write!(text, "{run}{}{lines:?}", json!(timeline));
            }
        }
        let filter = DeliveryFilter {
            limit: 100,
            ..DeliveryFilter::default()
        };
        for delivery in engine
            .deliveries(&admin, filter)
            .await
            .expect("deliveries")
            .items
        {
            let attempts = engine
                .attempts(&admin, &delivery.id)
                .await
                .expect("attempts");
            let attempts: Vec<Value> = attempts.iter().map(attempt_json).collect();
            let _ = write!(
                text,
                "{}{}",
                engine.shown_delivery(&delivery),
                json!(attempts)
            );
        }
        for connection in engine.connections.list() {
            let _ = write!(text, "{}{connection:?}", connection.json());
        }
        let actions = engine.actions(&admin).await.expect("actions");
        let _ = write!(text, "{}{:?}", json!(actions), engine.secrets.list());
        text + &engine.metrics_text().await
    })
}

/// Every byte of the database, its log included, and what runs' documents say, which may be packed there; what is no text
/// does not matter.
fn stored(world: &World, process: &Process) -> String {
    let seam = Arc::clone(&process.seam);
    let runs = process.on(async move {
        let filter = RunFilter {
            limit: 100,
            ..RunFilter::default()
        };
        seam.runs(filter).await.expect("runs").items
    });
    let mut bytes = format!("{runs:?}").into_bytes();
    for entry in std::fs::read_dir(world.directory()).expect("the directory") {
        bytes.extend(std::fs::read(entry.expect("an entry").path()).expect("a file"));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// None of these secrets stands anywhere, in any form.
fn assert_nowhere(world: &World, process: &Process, secrets: &[&str], case: &str) {
    let shown = shown(process);
    let stored = stored(world, process);
    assert!(stored.len() > 10_000, "{case}: the database was read");
    for secret in secrets {
        for (form, text) in forms(secret) {
            assert!(
                !stored.contains(&text),
                "{case}: {secret} ({form}) is stored"
            );
            assert!(!shown.contains(&text), "{case}: {secret} ({form}) is shown");
        }
    }
}

fn keep_secrets(process: &Process, secrets: &[(&str, &str)]) {
    for (name, value) in secrets {
        let made = process
            .engine
            .secrets
            .create(name, Secret::new((*value).to_owned()), None);
        process.on(made).expect("a secret");
    }
}

fn body_of(target: &Target, number: usize) -> Value {
    let Target::Webhook(sink) = target else {
        panic!("a sink")
    };
    serde_json::from_slice(&sink.deliveries()[number].body).expect("JSON")
}

/// A webhook whose URL, header and body name secrets.
fn stage(synchronized: bool) -> (World, Target, Process) {
    let world = World::new();
    let target = Target::Webhook(sink(&world));
    let process = world.boot();
    keep_secrets(&process, &[("API_KEY", API_KEY), ("URL_TOKEN", URL_TOKEN)]);
    process.connect(&target.connection(&json!({"signingSecret": OWN_SECRET})));
    process.define(
        "act",
        &json!({
            "type": "WEBHOOK",
            "url": format!("{}/hook/{{{{ .secrets.URL_TOKEN }}}}", target.base_url()),
            "headers": {"X-Api-Key": "{{ .secrets.API_KEY }}"},
            "synchronized": synchronized,
            "body": {
                "whole": "{{ .secrets.API_KEY }}",
                "part": "key {{ .secrets[\"API_KEY\"] }}, name {{ .inputs.name }}",
                "token": "{{ .run.token }}",
                "name": "{{ .inputs.name }}",
            },
        }),
    );
    (world, target, process)
}

#[test]
fn secrets_reach_the_wire_and_nothing_else() {
    let (world, target, process) = stage(false);
    let run = process.start_named("act", "orders");
    process.pump();
    assert_eq!(process.delivery(&run).state, State::Done);
    let token = process.engine.identity.run_token(&run, 1);
    let body = body_of(&target, 0);
    assert_eq!(body["whole"], API_KEY);
    assert_eq!(body["part"], format!("key {API_KEY}, name orders"));
    assert_eq!(body["token"], token.expose().as_str());
    let Target::Webhook(sink) = &target else {
        panic!("a sink")
    };
    let call = &sink.deliveries()[0];
    assert_eq!(call.headers["x-api-key"], API_KEY);
    assert_eq!(call.uri.path(), format!("/hook/{URL_TOKEN}"));
    let signature = call.headers["x-port-signature"]
        .to_str()
        .expect("text")
        .to_owned();
    let secrets = [
        API_KEY,
        URL_TOKEN,
        OWN_SECRET,
        CLIENT_SECRET,
        token.expose(),
        signature.as_str(),
    ];
    assert_nowhere(&world, &process, &secrets, "live");
    assert!(stored(&world, &process).contains("orders") && shown(&process).contains("orders"));
    let payload = process.run(&run)["payload"].clone();
    assert_eq!(
        payload["body"]["whole"], "{{ .secrets.API_KEY }}",
        "it stands as written"
    );
    assert_eq!(payload["body"]["name"], "orders");
    process.kill();
    let process = world.boot();
    assert_nowhere(&world, &process, &secrets, "after a restart");
}

#[test]
fn what_a_receiver_echoes_is_scrubbed_in_every_form() {
    for synchronized in [false, true] {
        for status in [200, 400, 401, 500, 502] {
            let case = format!("{status}, {synchronized}");
            let (world, target, process) = stage(synchronized);
            let Target::Webhook(sink) = &target else {
                panic!("a sink")
            };
            sink.answers().next(1, Answer::json(StatusCode::OK, "{}"));
            let probe = process.start("act");
            process.pump();
            let call = sink.deliveries()[0].clone();
            let header =
                |name: &str| String::from_utf8_lossy(call.headers[name].as_bytes()).into_owned();
            let signature = header("x-port-signature");
            let mut echo = serde_json::Map::new();
            let first_token = process.engine.identity.run_token(&probe, 1);
            for (place, secret) in [API_KEY, URL_TOKEN, OWN_SECRET].into_iter().enumerate() {
                for (form, text) in forms(secret) {
                    echo.insert(format!("{place} {form}"), text.into());
                }
            }
            let message = format!("bad key {API_KEY} at {URL_TOKEN}");
            echo.insert("error".into(), message.clone().into());
            echo.insert("message".into(), message.into());
            let status = StatusCode::from_u16(status).expect("a status");
            sink.answers()
                .next(1, Answer::json(status, Value::Object(echo).to_string()));
            let run = process.start("act");
            process.pump();
            assert_eq!(
                process.attempts(&run)[0].status,
                Some(status.as_u16()),
                "{case}"
            );
            let token = process.engine.identity.run_token(&run, 1);
            let secrets = [
                API_KEY,
                URL_TOKEN,
                OWN_SECRET,
                signature.as_str(),
                token.expose(),
                first_token.expose(),
            ];
            assert_nowhere(&world, &process, &secrets, &case);
            let text = shown(&process);
            assert!(
                text.contains("<secret>"),
                "{case}: the rest of the answer is kept"
            );
        }
    }
}

#[test]
fn an_echo_of_the_whole_request_is_scrubbed_too() {
    let (world, target, process) = stage(true);
    let Target::Webhook(sink) = &target else {
        panic!("a sink")
    };
    let first = process.start("act");
    process.pump();
    // The token and signature of the next attempt of the same run can be told in advance.
    let id = process.delivery(&first).id;
    assert!(id.as_str().starts_with("d_"));
    sink.faults().next(1, Fault::too_many_requests(60));
    let run = process.start("act");
    process.pump();
    let token = process.engine.identity.run_token(&run, 2);
    let request = sink.deliveries().last().expect("a call").clone();
    let mut echo = String::from_utf8_lossy(&request.body).into_owned();
    echo.push_str(token.expose());
    sink.answers()
        .next(1, Answer::json(StatusCode::BAD_REQUEST, echo));
    world.clock.advance(seconds(60));
    process.pump();
    assert_eq!(process.attempts(&run).len(), 2);
    assert_nowhere(
        &world,
        &process,
        &[API_KEY, URL_TOKEN, token.expose()],
        "echo",
    );
}

#[test]
fn what_jenkins_echoes_of_its_variables_is_not_kept() {
    let world = World::new();
    let more = json!({
        "genericVariables": [
            {"key": "apikey", "value": "$.apikey"},
            {"key": "token", "value": "$.token"},
        ],
        "genericHeaderVariables": [{"key": "X-Api-Key"}],
        "regexpFilterText": "$apikey $token",
        "regexpFilterExpression": "^nothing like it$",
    });
    let target = Target::Jenkins(jenkins(&world, &[job_with("deploy", &more)]));
    let process = world.boot();
    keep_secrets(&process, &[("API_KEY", API_KEY)]);
    process.connect(&target.connection(&json!({})));
    let mut invocation = target.invocation(false);
    invocation["headers"]["X-Api-Key"] = "{{ .secrets.API_KEY }}".into();
    invocation["body"]["apikey"] = "{{ .secrets.API_KEY }}".into();
    process.define("act", &invocation);
    let run = process.start("act");
    process.pump();
    assert_eq!(process.delivery(&run).state, State::Dead);
    let summary = process.run(&run)["summary"]
        .as_str()
        .expect("a summary")
        .to_owned();
    assert!(summary.contains("^nothing like it$"), "{summary}");
    let token = process.engine.identity.run_token(&run, 1);
    assert_nowhere(
        &world,
        &process,
        &[API_KEY, token.expose(), JENKINS_SECRET],
        "jenkins",
    );
}

#[test]
fn an_input_that_looks_like_a_template_is_not_evaluated() {
    let (world, target, process) = stage(false);
    let table = [
        "{{ .secrets.API_KEY }}",
        "{{ .run.token }}",
        "{{.secrets[\"API_KEY\"]}}",
        "{{ \"{{ .secrets.API_KEY }}\" }}",
        "}} {{ .secrets.API_KEY }} {{",
    ];
    for (number, name) in table.into_iter().enumerate() {
        let run = process.start_named("act", name);
        process.pump();
        assert_eq!(process.delivery(&run).state, State::Done, "{name}");
        let body = body_of(&target, number);
        assert_eq!(body["name"], name);
        assert_eq!(body["part"], format!("key {API_KEY}, name {name}"));
    }
    // The same after a retry, when everything comes from storage.
    target.faults().next(1, Fault::status(500));
    let run = process.start_named("act", table[0]);
    process.pump();
    process.kill();
    let process = world.boot();
    world.clock.advance(seconds(10));
    process.pump();
    assert_eq!(process.delivery(&run).attempt, 2);
    let body = body_of(&target, table.len() + 1);
    assert_eq!(body["name"], table[0]);
    assert_eq!(body["part"], format!("key {API_KEY}, name {}", table[0]));
    assert_eq!(body["whole"], API_KEY);
}

#[test]
fn each_attempt_carries_the_secrets_value_and_the_token_of_its_own() {
    let (world, target, process) = stage(false);
    target.faults().next(1, Fault::status(500));
    let run = process.start("act");
    process.pump();
    let patch = SecretPatch {
        value: Some(Secret::new("another-value-0815".into())),
        description: None,
    };
    process
        .on(process.engine.secrets.update("API_KEY", patch))
        .expect("updated");
    world.clock.advance(seconds(10));
    process.pump();
    assert_eq!(body_of(&target, 0)["whole"], API_KEY);
    assert_eq!(body_of(&target, 1)["whole"], "another-value-0815");
    let tokens = [
        body_of(&target, 0)["token"].clone(),
        body_of(&target, 1)["token"].clone(),
    ];
    assert_ne!(tokens[0], tokens[1]);
    let caller = process
        .engine
        .identity
        .authenticate(tokens[1].as_str().expect("a token"));
    let caller = caller.expect("it holds");
    let redeemed = process.engine.redeem(&caller, &run, Some("build".into()));
    assert_eq!(process.on(redeemed), Ok(true));
    process.kill();
    let redemption = world.on_disk().remove(0).0.redemption;
    let expected = Redemption {
        attempt: Some(2),
        by: Some("build".into()),
    };
    assert_eq!(redemption, Some(expected));
}

#[test]
fn a_url_that_names_a_secret_waits_where_it_leads_and_moves_when_it_changes() {
    for repeat_unknown in [true, false] {
        let world = World::new();
        let (here, there) = (Target::Webhook(sink(&world)), Target::Webhook(sink(&world)));
        let process = world.boot();
        let url = |target: &Target| format!("{}/hooks/t0p-s3cr3t-path", target.base_url());
        keep_secrets(&process, &[("TARGET", &url(&here))]);
        let first = process.connect(&here.connection(&json!({
            "name": "here", "repeatUnknown": repeat_unknown,
        })));
        let second = process.connect(&there.connection(&json!({
            "name": "there", "repeatUnknown": repeat_unknown,
        })));
        let invocation = json!({"type": "WEBHOOK", "url": "{{ .secrets.TARGET }}"});
        process.define("act", &invocation);
        here.faults().next(1, Fault::too_many_requests(60));
        let run = process.start("act");
        process.pump();
        assert_eq!(process.delivery(&run).destination, first);
        let patch = SecretPatch {
            value: Some(Secret::new(url(&there))),
            description: None,
        };
        process
            .on(process.engine.secrets.update("TARGET", patch))
            .expect("updated");
        world.clock.advance(seconds(60));
        process.pump();
        let delivery = process.delivery(&run);
        assert_eq!(delivery.state, State::Done, "{repeat_unknown}");
        assert_eq!(delivery.destination, second, "{repeat_unknown}");
        let connection = delivery.connection.map(|id| id.as_str().to_owned());
        assert_eq!(connection, Some(second), "{repeat_unknown}");
        assert_eq!(delivery.attempts_used, 0, "{repeat_unknown}");
        assert_eq!((here.calls(), there.calls()), (1, 1), "{repeat_unknown}");
        assert_eq!(
            process.outcomes(&run),
            ["retry", "accepted"],
            "{repeat_unknown}"
        );
        assert_nowhere(&world, &process, &["t0p-s3cr3t-path"], "the path");
    }
}

#[test]
fn a_pipelines_report_cannot_be_made_with_a_token_that_was_altered() {
    let (_world, _target, process) = stage(false);
    let run = process.start("act");
    process.pump();
    let token = process.engine.identity.run_token(&run, 1);
    let altered = token.expose().replace(".1.", ".2.");
    assert!(process.engine.identity.authenticate(&altered).is_err());
    let caller = process
        .engine
        .identity
        .authenticate(token.expose())
        .expect("it holds");
    let report = Report {
        summary: Some("done".into()),
        ..Report::default()
    };
    assert!(
        process
            .on(process.engine.report(&caller, &run, report))
            .is_ok()
    );
}

/// What is wire for whoever has the client secret.
fn opened(wire: &Value) -> String {
    let wire = wire.as_str().expect("a text");
    let opened = decrypt(wire, [CLIENT_SECRET]).expect("it opens");
    opened.expose().clone()
}

#[test]
fn an_encrypted_input_is_kept_nowhere_and_survives_a_crash() {
    let world = World::new();
    let target = Target::Webhook(sink(&world));
    let process = world.boot();
    let mut action = json!({
        "identifier": "act",
        "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {
            "name": {"type": "string", "encryption": "aes256-gcm"},
        }}},
        "invocationMethod": {
            "type": "WEBHOOK", "url": format!("{}/hook", target.base_url()),
            "body": {"key": "{{ .inputs.name }}"},
        },
    });
    let caller = Process::admin();
    let make = |process: &Process, action: &Value| {
        let made = process.engine.create_action(&caller, action);
        process.on(made).expect("an action");
    };
    make(&process, &action);
    action["identifier"] = "approved".into();
    action["requiredApproval"] = true.into();
    make(&process, &action);
    target.faults().next(1, Fault::status(500));
    let run = process.start_named("act", API_KEY);
    process.pump();
    let waiting = process.start_named("approved", API_KEY);
    assert_nowhere(&world, &process, &[API_KEY], "live");
    process.kill();

    let process = world.boot();
    world.clock.advance(seconds(10));
    process.pump();
    assert_eq!(process.outcomes(&run), ["retry", "accepted"]);
    let approved = process
        .engine
        .approve(&caller, &waiting, Decision::Approve, None);
    process.on(approved).expect("approved");
    process.pump();
    let sent: Vec<Value> = (0..3)
        .map(|at| body_of(&target, at)["key"].clone())
        .collect();
    for (at, wire) in sent.iter().enumerate() {
        assert_eq!(opened(wire), API_KEY);
        assert!(!sent[..at].contains(wire), "each attempt has its own");
    }
    let wires = sent.iter().filter_map(Value::as_str);
    let secrets: Vec<&str> = wires.chain([API_KEY]).collect();
    assert_nowhere(&world, &process, &secrets, "after a restart");
}

#[test]
fn agents_and_other_kinds_see_no_more_than_they_are_sent() {
    for kind in [Kind::Jenkins, Kind::Azure] {
        let mut world = World::new();
        let target = Target::start(&mut world, kind);
        let process = world.boot();
        keep_secrets(&process, &[("API_KEY", API_KEY), ("UNUSED", URL_TOKEN)]);
        process.connect(&target.connection(&json!({})));
        let mut invocation = target.invocation(false);
        let body = if kind == Kind::Azure {
            "payload"
        } else {
            "body"
        };
        invocation[body]["key"] = "{{ .secrets.API_KEY }}".into();
        process.define("act", &invocation);
        let run = process.start("act");
        process.pump();
        assert_eq!(process.outcomes(&run), ["accepted"], "{kind:?}");
        let sent = match &target {
            Target::Jenkins(jenkins) => jenkins.calls()[0].body.clone(),
            Target::Azure(azure) => azure.calls()[0].body.clone(),
            Target::Webhook(_) => panic!("not here"),
        };
        let sent: Value = serde_json::from_slice(&sent).expect("JSON");
        assert_eq!(sent["key"], API_KEY, "{kind:?}");
        assert!(!sent.to_string().contains(URL_TOKEN), "{kind:?}");
        let token = process.engine.identity.run_token(&run, 1);
        let secrets = [API_KEY, URL_TOKEN, token.expose()];
        assert_nowhere(&world, &process, &secrets, "other kinds");
    }
}
