//! What agents have started, where they die at an awkward moment.

use longshore_domain::agent::{
    AttemptRef, Claim, EXECUTION_AGENT, Heartbeat, Session, Start, StartItem, StartRefusal,
    StartVerdict, Streamer,
};
use longshore_domain::delivery::{PUBLICATION_CHECK, State, Way};
use longshore_domain::diagnosis::Reason;
use longshore_domain::id::RunId;
use longshore_domain::run::AGENT_DESTINATION;
use longshore_engine::agents::Claimed;
use longshore_engine::environment::Environment;
use longshore_engine::error::Error;
use longshore_store::Outbox;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{Held, Moment, Process, World, Write};

fn session(name: &str) -> Session {
    Session {
        agent: "dock".into(),
        session: name.into(),
    }
}

fn claim(by: Session) -> Claim {
    Claim {
        installation_id: EXECUTION_AGENT.into(),
        limit: 10,
        invocation_method: None,
        exclude: Vec::new(),
        by: Some(by),
        wait_seconds: None,
    }
}

/// A run whose repeat is harm, and which waits for an agent.
fn start_jenkins_inside(process: &Process) -> RunId {
    process.define(
        "inside",
        &json!({"type": "JENKINS", "agent": true,
            "url": "https://ci.internal/generic-webhook-trigger/invoke?token=t"}),
    );
    process.start("inside")
}

#[test]
fn a_start_is_finished_though_its_agent_died_and_came_back_before_it_was_written() {
    let world = World::new();
    let process = world.boot();
    let run = start_jenkins_inside(&process);
    let claimed = process.on(process
        .engine
        .claim(&Process::admin(), claim(session("s1")), None));
    let item = StartItem {
        attempt: claimed.expect("claimed").deliveries[0].attempt.clone(),
        run: Some(run.clone()),
        repeat_unknown: None,
    };
    let held = process.seam.hold(Write::Start, Moment::Before);
    let engine = process.engine.clone();
    let start = Start {
        by: session("s1"),
        items: vec![item],
    };
    let asked =
        process.beside(async move { engine.start_deliveries(&Process::admin(), start).await });
    process.on(held.reached());
    // The agent dies, and with it its question; its next life is there before the start is written.
    asked.abort();
    let admin = Process::admin();
    let next = claim(session("s2"));
    let next = process.engine.claim(&admin, next, None);
    process.on(next).expect("claimed");
    held.release();
    process.watch();
    // Whether the dead agent was told and has called, nobody knows.
    assert_eq!(process.delivery(&run).state, State::Unconfirmed);
    let attempts = process.attempts(&run);
    let reasons: Vec<_> = attempts
        .iter()
        .map(|made| made.diagnosis.as_ref().map(|found| found.reason))
        .collect();
    assert_eq!(reasons, [Some(Reason::AgentLost)]);
}

#[test]
fn what_a_session_had_started_is_lost_though_its_successor_goes_away_as_well() {
    let world = World::new();
    let process = world.boot();
    let run = start_jenkins_inside(&process);
    let admin = Process::admin();
    let claimed = process.engine.claim(&admin, claim(session("s1")), None);
    let item = StartItem {
        attempt: process.on(claimed).expect("claimed").deliveries[0]
            .attempt
            .clone(),
        run: Some(run.clone()),
        repeat_unknown: None,
    };
    let start = Start {
        by: session("s1"),
        items: vec![item],
    };
    let started = process.engine.start_deliveries(&admin, start);
    process.on(started).expect("started");
    let held = process.seam.hold(Write::Settle, Moment::Before);
    let engine = process.engine.clone();
    let next = process.beside(async move {
        let admin = Process::admin();
        engine.claim(&admin, claim(session("s2")), None).await
    });
    process.on(held.reached());
    // It dies while the server looks at what the one before it left.
    next.abort();
    assert!(process.on(next).is_err(), "it was cut off");
    held.release();
    process.pump();
    assert_eq!(process.delivery(&run).state, State::Unconfirmed);
}

/// A process whose action `inside` agents call, and a run of it that waits.
fn with_a_run_that_waits(world: &World) -> (Process, RunId) {
    let process = world.boot();
    process.define(
        "inside",
        &json!({"type": "WEBHOOK", "agent": true, "url": "https://hooks.internal/deploy"}),
    );
    let run = process.start("inside");
    (process, run)
}

/// Lets a claim of the session `s1` take what waits, and holds it before it is answered.
fn held_claim(process: &Process) -> (Held, JoinHandle<Result<Claimed, Error>>) {
    // The second place that it looks at: what it took at the first one it has by then.
    process.seam.hold(Write::Publish, Moment::Before).release();
    let held = process.seam.hold(Write::Publish, Moment::Before);
    let engine = process.engine.clone();
    let claiming = process.beside(async move {
        let admin = Process::admin();
        engine.claim(&admin, claim(session("s1")), None).await
    });
    process.on(held.reached());
    (held, claiming)
}

#[test]
fn what_a_claim_took_whose_caller_went_away_is_due_again_at_once() {
    let world = World::new();
    let (process, run) = with_a_run_that_waits(&world);
    let (held, claiming) = held_claim(&process);
    assert_eq!(process.delivery(&run).state, State::Published);
    claiming.abort();
    assert!(process.on(claiming).is_err(), "it was cut off");
    held.release();
    process.pump();
    assert_eq!(process.delivery(&run).state, State::Due);
    let admin = Process::admin();
    let next = process.engine.claim(&admin, claim(session("s1")), None);
    let next = process.on(next).expect("claimed");
    assert_eq!(next.deliveries[0].attempt.attempt, 2);
}

#[test]
fn what_a_claim_takes_after_its_caller_went_away_is_due_again_at_once() {
    for moment in [Moment::Before, Moment::After] {
        let world = World::new();
        let (process, run) = with_a_run_that_waits(&world);
        let held = process.seam.hold(Write::Publish, moment);
        let engine = process.engine.clone();
        let claiming = process.beside(async move {
            let admin = Process::admin();
            engine.claim(&admin, claim(session("s1")), None).await
        });
        process.on(held.reached());
        claiming.abort();
        assert!(process.on(claiming).is_err(), "it was cut off");
        held.release();
        process.pump();
        assert_eq!(process.delivery(&run).state, State::Due, "{moment:?}");
        assert_eq!(process.delivery(&run).attempt, 1, "{moment:?}");
    }
}

#[test]
fn what_a_claim_took_for_a_session_that_ended_meanwhile_is_due_again_at_once() {
    for (leaving, draining) in [(true, false), (false, true)] {
        let world = World::new();
        let (process, run) = with_a_run_that_waits(&world);
        let (held, claiming) = held_claim(&process);
        let heartbeat = Heartbeat {
            by: session("s1"),
            version: "1".into(),
            streamer: Streamer::Polling,
            in_flight: 0,
            group: None,
            partitions: Vec::new(),
            draining,
            leaving,
        };
        let admin = Process::admin();
        let told = process.engine.heartbeat(&admin, heartbeat);
        process.on(told).expect("heard");
        held.release();
        let claimed = process.on(claiming).expect("it ends").expect("answered");
        assert!(claimed.runs.is_empty() && claimed.deliveries.is_empty());
        process.pump();
        assert_eq!(process.delivery(&run).state, State::Due);
    }
}

/// Writes what waits to the topic, as the process did that had Kafka.
fn publish_to_topic(world: &World, process: &Process) {
    let now = world.clock.now();
    let publication = (Way::Topic(None), now.plus(PUBLICATION_CHECK));
    let published =
        process
            .seam
            .publish_due(AGENT_DESTINATION, publication, now, (10, u64::MAX), &[]);
    assert_eq!(process.on(published).expect("published").0.len(), 1);
}

fn look_after_a_check(world: &World, process: &Process) {
    world.clock.advance(PUBLICATION_CHECK);
    process.watch();
}

/// The last entry of a run's timeline: why it waits.
fn waits_for(process: &Process, run: &RunId) -> serde_json::Value {
    let admin = Process::admin();
    let timeline = process.engine.timeline(&admin, run);
    let timeline = process.on(timeline).expect("read");
    timeline.last().expect("an entry").detail["diagnosis"].clone()
}

#[test]
fn what_is_left_on_the_topic_when_agents_turn_to_polling_is_handed_out_where_a_repeat_is_allowed() {
    let world = World::new();
    let (process, run) = with_a_run_that_waits(&world);
    publish_to_topic(&world, &process);
    look_after_a_check(&world, &process);
    assert_eq!(process.delivery(&run).state, State::Published);
    let found = waits_for(&process, &run);
    assert_eq!(found["reason"], "left_on_topic");
    let message = found["message"].as_str().expect("a text");
    assert!(message.contains("handed out by polling"), "{message}");
    look_after_a_check(&world, &process);
    let admin = Process::admin();
    let claimed = process.engine.claim(&admin, claim(session("s1")), None);
    let claimed = process.on(claimed).expect("claimed");
    let attempt = claimed.deliveries[0].attempt.clone();
    assert_eq!(attempt.attempt, 2);
    // An agent that still comes to the message is told not to call.
    let ask = |by: Session, attempt: AttemptRef| {
        let start = Start {
            by,
            items: vec![StartItem {
                attempt,
                run: Some(run.clone()),
                repeat_unknown: None,
            }],
        };
        let answers = process.engine.start_deliveries(&admin, start);
        process.on(answers).expect("answered")[0].clone()
    };
    let late = AttemptRef {
        attempt: 1,
        ..attempt.clone()
    };
    let other = Session {
        agent: "pier".into(),
        session: "p1".into(),
    };
    assert_eq!(ask(other, late).reason, Some(StartRefusal::Superseded));
    let started = ask(session("s1"), attempt);
    assert_eq!(started.answer, StartVerdict::Started);
    assert_eq!(process.delivery(&run).diagnosis, None);
}

#[test]
fn what_is_left_on_the_topic_waits_for_a_person_where_a_repeat_is_harm() {
    let world = World::new();
    let process = world.boot();
    let run = start_jenkins_inside(&process);
    publish_to_topic(&world, &process);
    let id = process.delivery(&run).id;
    let admin = Process::admin();
    let redeliver = || process.on(process.engine.redeliver(&admin, &id));
    assert!(
        redeliver().is_err(),
        "nothing tells yet that nobody takes it"
    );
    for _ in 0..20 {
        look_after_a_check(&world, &process);
        assert_eq!(process.delivery(&run).state, State::Published);
    }
    let found = waits_for(&process, &run);
    assert_eq!(found["reason"], "left_on_topic");
    let message = found["message"].as_str().expect("a text");
    assert!(message.contains("for 100 minutes"), "{message}");
    assert_eq!(redeliver().expect("sent again").state, State::Due);
    let claimed = process.engine.claim(&admin, claim(session("s1")), None);
    let claimed = process.on(claimed).expect("claimed");
    assert_eq!(claimed.deliveries[0].attempt.attempt, 2);
}
