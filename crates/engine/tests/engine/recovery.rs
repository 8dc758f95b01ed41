//! Taking over from a process that died with many deliveries in its hands.

use longshore_domain::delivery::State;
use longshore_domain::id::RunId;
use longshore_emulators::{Fault, FaultKind};
use serde_json::json;

use crate::support::{Kind, Moment, Process, Target, World, Write};

fn stage(kind: Kind, concurrency: u32) -> (World, Target, Process) {
    let mut world = World::new();
    let target = Target::start(&mut world, kind);
    let process = world.boot();
    process.connect(&target.connection(&json!({"concurrency": concurrency})));
    process.define("act", &target.invocation(false));
    (world, target, process)
}

fn in_state(world: &World, state: State) -> usize {
    world
        .on_disk()
        .iter()
        .filter(|(_, delivery)| delivery.state == state)
        .count()
}

#[test]
fn at_most_a_destinations_concurrency_is_unconfirmed_and_each_is_seen_once() {
    for kind in [Kind::Jenkins, Kind::Azure] {
        let (world, target, process) = stage(kind, 4);
        target
            .faults()
            .always(Fault::new(FaultKind::NeverAnswer).after_processing());
        let runs: Vec<RunId> = (0..20).map(|_| process.start("act")).collect();
        target.wait_for_calls(&world, 4);
        process.kill();
        target.faults().clear();
        let process = world.boot();
        process.pump();
        let count = |state: State| {
            runs.iter()
                .filter(|run| process.delivery(run).state == state)
                .count()
        };
        assert_eq!(count(State::Unconfirmed), 4, "{kind:?}");
        assert_eq!(count(State::Done), 16, "{kind:?}");
        let mut ids: Vec<_> = target
            .seen()
            .into_iter()
            .map(|seen| seen.delivery)
            .collect();
        assert_eq!(ids.len(), 20, "{kind:?}");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 20, "{kind:?}: each is seen once");
    }
}

#[test]
fn more_than_one_batch_is_taken_back_and_no_webhook_is_lost() {
    let (mut world, target, process) = stage(Kind::Webhook, 2);
    process.kill();
    world.settings.window.count = 2_000;
    let process = world.boot();
    target.faults().always(Fault::new(FaultKind::NeverAnswer));
    for _ in 0..1_200 {
        process.start("act");
    }
    target.wait_for_calls(&world, 2);
    process.kill();
    assert_eq!(
        in_state(&world, State::Owned),
        1_000,
        "as many as one page shows"
    );
    target.faults().clear();
    let process = world.boot();
    process.pump();
    let Target::Webhook(sink) = &target else {
        panic!("a sink")
    };
    assert_eq!(sink.counts().distinct_deliveries, 1_200);
    assert_eq!(target.calls(), 1_202);
}

#[test]
fn a_process_that_dies_while_it_takes_over_is_taken_over_itself() {
    for kind in [Kind::Webhook, Kind::Jenkins] {
        for write in [(Moment::Before), (Moment::After)] {
            let (world, target, process) = stage(kind, 1);
            target
                .faults()
                .always(Fault::new(FaultKind::NeverAnswer).after_processing());
            let held_by_receiver = process.start("act");
            target.wait_for_calls(&world, 1);
            let waiting = process.start("act");
            process.kill();
            target.faults().clear();

            let dying = world.open();
            let held = [Write::Settle, Write::Other].map(|kind| dying.seam.hold(kind, write));
            let engine = std::sync::Arc::clone(&dying.engine);
            let taking_over = dying.beside(async move { engine.take_over().await });
            dying.on(held[1].reached());
            assert!(!taking_over.is_finished());
            drop(taking_over);
            dying.kill();

            let process = world.boot();
            process.pump();
            assert_eq!(
                process.delivery(&waiting).state,
                State::Done,
                "{kind:?} {write:?}"
            );
            let (state, calls) = match kind {
                Kind::Webhook => (State::Done, 3),
                _ => (State::Unconfirmed, 2),
            };
            assert_eq!(
                process.delivery(&held_by_receiver).state,
                state,
                "{kind:?} {write:?}"
            );
            assert_eq!(target.calls(), calls, "{kind:?} {write:?}");
            assert_eq!(
                process.attempts(&held_by_receiver).len(),
                1,
                "{kind:?} {write:?}"
            );
        }
    }
}

#[test]
fn a_webhook_whose_process_dies_again_and_again_arrives_under_one_id() {
    let (world, target, mut process) = stage(Kind::Webhook, 4);
    let run = process.start("act");
    process.pump();
    target.faults().always(Fault::new(FaultKind::NeverAnswer));
    let unlucky = process.start("act");
    for deaths in 1..=5 {
        target.wait_for_calls(&world, 1 + deaths);
        process.kill();
        process = world.boot();
    }
    process.kill();
    target.faults().clear();
    let process = world.boot();
    process.pump();
    let delivery = process.delivery(&unlucky);
    assert_eq!(
        (delivery.state, delivery.attempt),
        (State::Done, 1),
        "deaths cost no attempt"
    );
    let own = target
        .seen()
        .iter()
        .filter(|seen| seen.delivery.as_deref() == Some(delivery.id.as_str()))
        .count();
    assert!((6..=7).contains(&own), "{own}");
    assert_eq!(process.outcomes(&run), ["accepted"]);
}
