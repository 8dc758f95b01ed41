//! When the next attempt is made, what delays a whole destination, and when it is given up.

use std::time::Duration;

use longshore_domain::delivery::State;
use longshore_domain::diagnosis::Reason;
use longshore_domain::id::RunId;
use longshore_emulators::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::support::{Kind, Process, Target, World, seconds};

fn stage(kind: Kind, more: &Value) -> (World, Target, Process) {
    stage_of(World::new(), kind, more)
}

fn stage_of(mut world: World, kind: Kind, more: &Value) -> (World, Target, Process) {
    let target = Target::start(&mut world, kind);
    let process = world.boot();
    process.connect(&target.connection(more));
    process.define("act", &target.invocation(false));
    (world, target, process)
}

/// How long from now until the delivery is due.
fn wait(world: &World, process: &Process, run: &RunId) -> Duration {
    use longshore_engine::environment::Environment;
    let due_at = process.delivery(run).due_at.expect("it waits");
    due_at.since(world.clock.now())
}

#[test]
fn the_next_attempt_is_made_at_its_time_and_not_before() {
    let (world, target, process) = stage(Kind::Webhook, &json!({"retrySchedule": [60, 600]}));
    target.faults().next(2, Fault::status(502));
    let run = process.start("act");
    process.pump();
    for (attempt, planned) in [(1, 60), (2, 600)] {
        assert_eq!(target.calls(), attempt);
        let wait = wait(&world, &process, &run);
        let (least, most) = (seconds(planned * 9 / 10), seconds(planned * 11 / 10));
        assert!(
            (least..=most).contains(&wait),
            "{wait:?} after attempt {attempt}"
        );
        world.clock.advance(wait - Duration::from_millis(1));
        process.pump();
        assert_eq!(target.calls(), attempt, "not before its time");
        world.clock.advance(Duration::from_millis(1));
        process.pump();
    }
    assert_eq!(process.outcomes(&run), ["retry", "retry", "accepted"]);
    let numbers: Vec<_> = target
        .seen()
        .into_iter()
        .filter_map(|seen| seen.attempt)
        .collect();
    assert_eq!(numbers, ["1", "2", "3"]);
    assert_eq!(process.run(&run)["statusLabel"], Value::Null);
    assert_eq!(process.delivery(&run).attempts_used, 2);
}

#[test]
fn a_retry_keeps_its_time_over_a_restart() {
    let (world, target, process) = stage(Kind::Webhook, &json!({"retrySchedule": [600]}));
    target.faults().next(1, Fault::status(500));
    let run = process.start("act");
    process.pump();
    let wait = wait(&world, &process, &run);
    process.kill();
    let process = world.boot();
    world.clock.advance(wait - Duration::from_millis(1));
    process.pump();
    assert_eq!(target.calls(), 1);
    world.clock.advance(Duration::from_millis(1));
    process.pump();
    assert_eq!(target.calls(), 2);
    assert_eq!(process.delivery(&run).state, State::Done);
}

#[test]
fn after_the_last_attempt_of_the_default_schedule_the_run_fails() {
    for kind in [Kind::Webhook, Kind::Jenkins] {
        let (world, target, process) = stage(kind, &json!({"repeatUnknown": true}));
        target.faults().always(Fault::status(500));
        let run = process.start("act");
        process.pump();
        let mut total = Duration::ZERO;
        while process.delivery(&run).state == State::Due {
            let wait = wait(&world, &process, &run);
            total += wait;
            assert!(total < seconds(40 * 3_600), "{kind:?}: it never ends");
            world.clock.advance(wait);
            process.pump();
        }
        let delivery = process.delivery(&run);
        assert_eq!(delivery.state, State::Dead, "{kind:?}");
        assert_eq!(target.calls(), 10, "{kind:?}");
        assert_eq!(process.attempts(&run).len(), 10, "{kind:?}");
        let about_a_day = seconds(20 * 3_600)..seconds(27 * 3_600);
        assert!(about_a_day.contains(&total), "{kind:?}: {total:?}");
        let found = delivery.diagnosis.expect("a diagnosis");
        assert_eq!(found.reason, Reason::AttemptsExhausted, "{kind:?}");
        assert!(found.message.contains("10 attempts"), "{}", found.message);
        assert!(found.message.contains("500"), "{}", found.message);
        let shown = process.run(&run);
        assert_eq!(shown["status"], "FAILURE", "{kind:?}");
        assert!(
            shown["summary"]
                .as_str()
                .is_some_and(|text| text.contains(&found.message))
        );
    }
}

#[test]
fn being_asked_to_wait_uses_up_no_attempt() {
    for fault in [
        Fault::too_many_requests(30),
        Fault::unavailable(30),
        Fault::status(429),
    ] {
        let (world, target, process) = stage(Kind::Jenkins, &json!({"retrySchedule": [60, 600]}));
        target.faults().next(2, fault.clone());
        let run = process.start("act");
        process.pump();
        for _ in 0..2 {
            assert_eq!(process.delivery(&run).attempts_used, 0, "{fault:?}");
            world.clock.advance(wait(&world, &process, &run));
            process.pump();
        }
        assert_eq!(process.delivery(&run).state, State::Done, "{fault:?}");
        assert_eq!(
            process.outcomes(&run),
            ["retry", "retry", "accepted"],
            "{fault:?}"
        );
        assert_eq!(process.delivery(&run).attempts_used, 0, "{fault:?}");
    }
}

#[test]
fn who_asks_to_wait_for_longer_than_the_schedule_lasts_is_given_up() {
    let (world, target, process) = stage(Kind::Webhook, &json!({"retrySchedule": [60, 60]}));
    target.faults().always(Fault::too_many_requests(50));
    let run = process.start("act");
    process.pump();
    for _ in 0..5 {
        if process.delivery(&run).state == State::Due {
            world.clock.advance(wait(&world, &process, &run));
            process.pump();
        }
    }
    assert_eq!(process.delivery(&run).state, State::Dead);
    assert_eq!(process.run(&run)["status"], "FAILURE");
}

#[test]
fn retry_after_pauses_the_whole_destination_and_survives_a_restart() {
    let (world, target, process) = stage(Kind::Webhook, &json!({}));
    let mut other = World::new();
    other.clock = world.clock.clone();
    let elsewhere = Target::start(&mut other, Kind::Webhook);
    process.define("elsewhere", &elsewhere.invocation(false));
    target.faults().next(1, Fault::unavailable(300));
    let first = process.start("act");
    process.pump();
    let second = process.start("act");
    let unpaused = process.start("elsewhere");
    process.pump();
    assert_eq!(target.calls(), 1, "the second one waits too");
    assert_eq!(process.delivery(&unpaused).state, State::Done);
    world.clock.advance(seconds(200));
    process.pump();
    assert_eq!(target.calls(), 1);
    process.kill();
    let process = world.boot();
    process.pump();
    let third = process.start("act");
    world.clock.advance(seconds(99));
    process.pump();
    assert_eq!(target.calls(), 1, "the pause is remembered");
    world.clock.advance(seconds(1));
    process.pump();
    for run in [&first, &second, &third] {
        assert_eq!(process.delivery(run).state, State::Done);
    }
    assert_eq!(target.calls(), 4);
}

#[test]
fn nobody_pauses_a_destination_for_more_than_a_day() {
    let (world, target, process) = stage(Kind::Webhook, &json!({}));
    target
        .faults()
        .next(1, Fault::too_many_requests(99_999_999));
    let run = process.start("act");
    process.pump();
    assert_eq!(wait(&world, &process, &run), seconds(24 * 3_600));
    world.clock.advance(seconds(24 * 3_600));
    process.pump();
    assert_eq!(process.delivery(&run).state, State::Done);
}

#[test]
fn a_failing_destination_gets_one_probe_at_a_time() {
    let mut world = World::new();
    world.settings.breaker_failures = 4;
    let more = json!({"concurrency": 6, "retrySchedule": [86_400, 86_400]});
    let (world, target, process) = stage_of(world, Kind::Webhook, &more);
    target.faults().always(Fault::status(500));
    let runs: Vec<RunId> = (0..30).map(|_| process.start("act")).collect();
    process.pump();
    let mut calls = target.calls();
    assert!(
        (4..=9).contains(&calls),
        "{calls}: it is left alone after 4 failures"
    );
    for rest in [1, 2, 4, 8, 16, 32, 60, 60] {
        world
            .clock
            .advance(seconds(rest) - Duration::from_millis(1));
        process.pump();
        assert_eq!(target.calls(), calls, "it rests for {rest} s");
        world.clock.advance(Duration::from_millis(1));
        process.pump();
        calls += 1;
        assert_eq!(target.calls(), calls, "one probe after {rest} s");
    }
    target.faults().clear();
    world.clock.advance(seconds(60));
    process.pump();
    let done = |run: &&RunId| process.delivery(run).state == State::Done;
    assert_eq!(
        target.calls(),
        30,
        "the probe that succeeds lets all others go"
    );
    assert_eq!(runs.iter().filter(done).count(), 30 - calls);
}

#[test]
fn a_probe_that_hangs_is_the_only_one() {
    let mut world = World::new();
    world.settings.breaker_failures = 2;
    let more = json!({"concurrency": 2, "retrySchedule": [86_400]});
    let (world, target, process) = stage_of(world, Kind::Webhook, &more);
    target.faults().always(Fault::status(500));
    for _ in 0..6 {
        process.start("act");
    }
    process.pump();
    let calls = target.calls();
    assert!(calls <= 3, "{calls}");
    target.faults().always(Fault::new(FaultKind::NeverAnswer));
    for round in 0..5 {
        world.clock.advance(seconds(60));
        process.dispatch();
        target.wait_for_calls(&world, calls + 1);
        assert_eq!(target.calls(), calls + 1, "round {round}");
    }
    process.kill();
}

#[test]
fn what_waits_for_a_dead_destination_is_given_up_in_batches() {
    let mut world = World::new();
    world.settings.window.count = 10;
    world.settings.breaker_failures = 2;
    let more = json!({"concurrency": 2, "retrySchedule": [600, 600]});
    let (world, target, process) = stage_of(world, Kind::Webhook, &more);
    target.faults().always(Fault::unavailable(86_400));
    let runs: Vec<RunId> = (0..1_120).map(|_| process.start("act")).collect();
    process.pump();
    let dead = |process: &Process| {
        runs.iter()
            .map(|run| process.delivery(run))
            .filter(|delivery| delivery.state == State::Dead)
            .inspect(|delivery| {
                let reason = delivery.diagnosis.as_ref().map(|found| found.reason);
                assert_eq!(reason, Some(Reason::DestinationDown));
            })
            .count()
    };
    world.clock.advance(seconds(1_200));
    process.watch();
    assert_eq!(dead(&process), 0, "not before the schedule's span is over");
    world.clock.advance(seconds(1));
    process.watch();
    assert_eq!(dead(&process), 500, "one batch at a time");
    process.watch();
    assert_eq!(dead(&process), 1_000);
    process.watch();
    let (all, shown) = (dead(&process), process.run(runs.last().expect("a run")));
    assert!((1_100..=1_120).contains(&all), "{all}");
    assert_eq!(shown["status"], "FAILURE");
    assert!(
        shown["summary"]
            .as_str()
            .is_some_and(|text| text.contains("accepted nothing"))
    );
}

#[test]
fn what_waits_for_a_destination_that_accepts_something_is_kept() {
    let (world, target, process) = stage(Kind::Webhook, &json!({"retrySchedule": [600, 600]}));
    target.faults().next(1, Fault::too_many_requests(1_190));
    let waiting = process.start("act");
    process.pump();
    world.clock.advance(seconds(1_190));
    target.faults().next(1, Fault::unavailable(600));
    process.pump();
    assert_eq!(process.delivery(&waiting).state, State::Due);
    // Somebody else's delivery was accepted by it in the meantime, as another process noted.
    let destination = process.delivery(&waiting).destination;
    process.kill();
    let store = world.store();
    let record = longshore_store::DestinationRecord {
        destination,
        paused_until: None,
        last_accepted_at: process_now(&world),
    };
    world
        .on(longshore_store::Outbox::save_destination(&store, record))
        .expect("saved");
    drop(store);
    let process = world.boot();
    world.clock.advance(seconds(599));
    process.watch();
    assert_eq!(process.delivery(&waiting).state, State::Due);
    world.clock.advance(seconds(1));
    process.pump();
    assert_eq!(process.delivery(&waiting).state, State::Done);
}

fn process_now(world: &World) -> Option<longshore_domain::time::Timestamp> {
    use longshore_engine::environment::Environment;
    Some(world.clock.now())
}
