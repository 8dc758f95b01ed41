//! Which secret signs, that receivers can check it, and that the attempt says which it was.

use std::pin::pin;

use futures_util::FutureExt as _;
use longshore_domain::delivery::State;
use longshore_domain::id::RunId;
use longshore_domain::secret::Secret;
use longshore_emulators::azure_devops::IncomingWebhook;
use longshore_emulators::webhook_sink::{Config, Delivery, SignatureVerdict, verify};
use longshore_engine::caller::Scope;
use longshore_engine::error::Error;
use serde_json::{Map, Value, json};

use crate::support::{
    AZURE_WEBHOOK, CLIENT, CLIENT_SECRET, Kind, Moment, Process, Target, World, Write, azure_with,
    seconds, sink, sink_with,
};

const OWN_SECRET: &str = "the-connections-own-secret-0123456789ab";

/// Whether the call's signature was made with this secret.
fn holds(call: &Delivery, secret: &str) -> bool {
    verify(&secret.into(), &call.headers, &call.body, None) == SignatureVerdict::Valid
}

fn signed_with(process: &Process, run: &RunId) -> String {
    let attempts = process.attempts(run);
    let newest = attempts.last().expect("an attempt");
    newest.signed_with.clone().expect("it was signed")
}

fn signer(process: &Process) -> String {
    process
        .engine
        .identity
        .signing_secret()
        .expect("a signer")
        .id
}

fn naming(signer: &str) -> Map<String, Value> {
    let settings = json!({"signingCredential": signer});
    Map::from_iter([("settings".to_owned(), settings)])
}

fn send(process: &Process) -> RunId {
    let run = process.start("act");
    process.pump();
    run
}

#[test]
fn the_client_secret_signs_where_no_connection_has_one_of_its_own() {
    let world = World::new();
    let checks = Config {
        secret: Some(CLIENT_SECRET.into()),
        ..Config::default()
    };
    let target = Target::Webhook(sink_with(&world, checks));
    let process = world.boot();
    process.define("act", &target.invocation(true));
    let run = send(&process);
    assert_eq!(process.run(&run)["status"], "SUCCESS");
    assert_eq!(signed_with(&process, &run), signer(&process));
    let connection = process.connect(&target.connection(&json!({})));
    let run = send(&process);
    assert_eq!(
        process.run(&run)["status"],
        "SUCCESS",
        "a connection without a secret"
    );
    assert_eq!(signed_with(&process, &run), signer(&process));
    let own = target.connection(&json!({"signingSecret": OWN_SECRET}));
    process
        .on(process
            .engine
            .replace_connection(&Process::admin(), &connection, &own))
        .expect("replaced");
    let run = send(&process);
    assert_eq!(
        process.run(&run)["status"],
        "FAILURE",
        "the sink checks with the other one"
    );
    assert_eq!(signed_with(&process, &run), connection);
}

#[test]
fn the_connections_own_secret_signs_and_survives_a_restart() {
    let world = World::new();
    let checks = Config {
        secret: Some(OWN_SECRET.into()),
        ..Config::default()
    };
    let target = Target::Webhook(sink_with(&world, checks));
    let process = world.boot();
    let connection = process.connect(&target.connection(&json!({"signingSecret": OWN_SECRET})));
    process.define("act", &target.invocation(true));
    let run = send(&process);
    assert_eq!(process.run(&run)["status"], "SUCCESS");
    process.kill();
    let process = world.boot();
    let run = send(&process);
    assert_eq!(process.run(&run)["status"], "SUCCESS");
    assert_eq!(signed_with(&process, &run), connection);
}

#[test]
fn azure_checks_the_client_secret_where_no_connection_has_one_of_its_own() {
    let mut world = World::new();
    let webhook = IncomingWebhook::signed(AZURE_WEBHOOK, CLIENT_SECRET);
    let target = Target::Azure(azure_with(&mut world, webhook));
    let process = world.boot();
    process.define("act", &target.invocation(false));
    let run = send(&process);
    assert_eq!(process.outcomes(&run), ["accepted"]);
    assert_eq!(signed_with(&process, &run), signer(&process));
}

#[test]
fn a_rotated_secret_signs_once_it_is_activated_or_the_old_one_has_ended() {
    for activated in [true, false] {
        let world = World::new();
        let target = Target::Webhook(sink(&world));
        let process = world.boot();
        process.define("act", &target.invocation(true));
        let first = signer(&process);
        let rotated = process.on(process
            .engine
            .identity
            .rotate_secret(CLIENT, seconds(3_600)));
        let fresh = rotated.expect("rotated").secret.expect("its new secret");
        let during = send(&process);
        assert_eq!(
            signed_with(&process, &during),
            first,
            "receivers know the old one still"
        );
        if activated {
            process
                .on(process.engine.identity.activate_secret(CLIENT))
                .expect("activated");
        } else {
            world.clock.advance(seconds(3_600));
        }
        let after = send(&process);
        assert_ne!(signed_with(&process, &after), first);
        process.kill();
        let process = world.boot();
        let restarted = send(&process);
        assert_eq!(
            signed_with(&process, &restarted),
            signed_with(&process, &after)
        );
        let Target::Webhook(sink) = &target else {
            panic!("a sink")
        };
        let calls = sink.deliveries();
        assert!(holds(&calls[0], CLIENT_SECRET) && !holds(&calls[0], fresh.expose()));
        for call in &calls[1..] {
            assert!(holds(call, fresh.expose()) && !holds(call, CLIENT_SECRET));
        }
    }
}

#[test]
fn a_rotation_between_two_attempts_signs_the_second_one_anew() {
    let world = World::new();
    let target = Target::Webhook(sink(&world));
    target
        .faults()
        .next(1, longshore_emulators::Fault::too_many_requests(60));
    let process = world.boot();
    process.define("act", &target.invocation(false));
    let run = send(&process);
    let rotated = process.on(process
        .engine
        .identity
        .rotate_secret(CLIENT, seconds(3_600)));
    let fresh = rotated.expect("rotated").secret.expect("its new secret");
    process
        .on(process.engine.identity.activate_secret(CLIENT))
        .expect("activated");
    world.clock.advance(seconds(60));
    process.pump();
    assert_eq!(process.delivery(&run).state, State::Done);
    let Target::Webhook(sink) = &target else {
        panic!("a sink")
    };
    let calls = sink.deliveries();
    assert!(holds(&calls[0], CLIENT_SECRET));
    assert!(holds(&calls[1], fresh.expose()));
    let signers: Vec<_> = process
        .attempts(&run)
        .into_iter()
        .map(|attempt| attempt.signed_with)
        .collect();
    assert_ne!(signers[0], signers[1]);
    let stamp = |call: &Delivery| call.headers["x-port-timestamp"].clone();
    assert_ne!(
        stamp(&calls[0]),
        stamp(&calls[1]),
        "each attempt has its own time"
    );
}

#[test]
fn the_named_credential_signs() {
    const SIGNING_SECRET: &str = "a-credential-that-only-signs-0123456789";
    let world = World::new();
    let target = Target::Webhook(sink(&world));
    let process = world.boot();
    process.define("act", &target.invocation(true));
    let identity = &process.engine.identity;
    let pair = ("signer".to_owned(), Secret::new(SIGNING_SECRET.to_owned()));
    process
        .on(identity.create_app("Signer", Scope::Sign, Some(pair)))
        .expect("a credential");
    let before = send(&process);
    let named = naming("signer");
    process
        .on(process.engine.change_organization(&named))
        .expect("it may sign");
    let after = send(&process);
    let Target::Webhook(sink) = &target else {
        panic!("a sink")
    };
    let calls = sink.deliveries();
    assert!(holds(&calls[0], CLIENT_SECRET));
    assert!(holds(&calls[1], SIGNING_SECRET));
    assert_ne!(
        signed_with(&process, &before),
        signed_with(&process, &after)
    );
}

#[test]
fn a_credential_that_is_being_named_as_signer_cannot_be_deleted() {
    let world = World::new();
    let process = world.boot();
    let identity = &process.engine.identity;
    let pair = ("signer".to_owned(), Secret::new("s".repeat(32)));
    process
        .on(identity.create_app("Signer", Scope::Sign, Some(pair)))
        .expect("a credential");
    let held = process.seam.hold(Write::Document, Moment::Before);
    let engine = process.engine.clone();
    let choice = process.beside(async move { engine.change_organization(&naming("signer")).await });
    let deleted = process.on(async {
        held.reached().await;
        let mut deleting = pin!(identity.delete_app("signer"));
        assert!((&mut deleting).now_or_never().is_none(), "it waits");
        held.release();
        deleting.await
    });
    assert!(matches!(deleted, Err(Error::Conflict(_))), "{deleted:?}");
    process
        .on(choice)
        .expect("it goes on")
        .expect("it may sign");
    let secret = identity.signing_secret().expect("a signer").value;
    assert_eq!(secret.expose(), &"s".repeat(32));
}

#[test]
fn the_connection_says_where_the_signature_stands_and_what_form_it_has() {
    let world = World::new();
    let target = Target::Webhook(sink(&world));
    let process = world.boot();
    process.connect(&target.connection(&json!({
        "preset": "jenkins",
        "signatureHeader": "X-Hub-Signature",
        "signaturePrefix": "sha1=",
        "signingSecret": OWN_SECRET,
    })));
    process.define("act", &target.invocation(true));
    send(&process);
    let Target::Webhook(sink) = &target else {
        panic!("a sink")
    };
    let call = &sink.deliveries()[0];
    let value = call.headers["x-hub-signature"].to_str().expect("text");
    let digest = value.strip_prefix("sha1=").expect("the prefix");
    assert_eq!(digest.len(), 40);
    assert!(digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(!call.headers.contains_key("x-port-signature"));
}

#[test]
fn every_kind_names_run_delivery_and_attempt() {
    for kind in [Kind::Webhook, Kind::Jenkins, Kind::Azure] {
        let mut world = World::new();
        let target = Target::start(&mut world, kind);
        let process = world.boot();
        process.connect(&target.connection(&json!({})));
        process.define("act", &target.invocation(false));
        let run = send(&process);
        let delivery = process.delivery(&run);
        let seen = &target.seen()[0];
        assert_eq!(
            seen.delivery.as_deref(),
            Some(delivery.id.as_str()),
            "{kind:?}"
        );
        assert_eq!(seen.attempt.as_deref(), Some("1"), "{kind:?}");
        let shown: Value = process.engine.shown_delivery(&delivery);
        assert_eq!(shown["runId"], run.as_str(), "{kind:?}");
    }
}
