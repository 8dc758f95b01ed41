//! What bounds a destination: concurrency, rate, window, order; and the queue of new runs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use longshore_domain::delivery::State;
use longshore_domain::id::RunId;
use longshore_emulators::{Fault, FaultKind};
use longshore_engine::error::Error;
use serde_json::{Value, json};

use crate::support::{Kind, Process, SOON, Target, World, new_id, seconds, sink};

fn stage(mut world: World, kind: Kind, more: &Value) -> (World, Target, Process) {
    let target = Target::start(&mut world, kind);
    let process = world.boot();
    process.connect(&target.connection(more));
    process.define("act", &target.invocation(false));
    (world, target, process)
}

/// Starts so many runs, some at once, in the order of their names.
fn start_many(process: &Process, action: &str, count: usize) -> Vec<RunId> {
    let mut runs = Vec::new();
    let names: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    for names in names.chunks(100) {
        let started = names.iter().map(|name| {
            let engine = Arc::clone(&process.engine);
            let request = Process::request(action, name);
            async move { engine.start_run(&Process::admin(), request).await }
        });
        for run in process.on(join_all(started)) {
            runs.push(new_id(&run.expect("accepted")));
        }
    }
    runs
}

/// Calls that were answered so late after they had been read that any `limit` + 1 of them within
/// that time were under way together.
#[test]
fn no_more_calls_are_under_way_than_the_destination_allows() {
    const ANSWERED_AFTER: Duration = Duration::from_millis(40);
    let limits = [
        (Kind::Webhook, json!({"concurrency": 1}), 1),
        (Kind::Webhook, json!({"concurrency": 3}), 3),
        (
            Kind::Webhook,
            json!({"concurrency": 3, "repeatUnknown": false}),
            3,
        ),
        (Kind::Jenkins, json!({}), 8),
        (Kind::Azure, json!({}), 8),
    ];
    for (kind, more, limit) in limits {
        let (_world, target, process) = stage(World::new(), kind, &more);
        target.faults().always(Fault::delay(ANSWERED_AFTER));
        let runs = start_many(&process, "act", 40);
        process.pump();
        for run in &runs {
            assert_eq!(process.delivery(run).state, State::Done, "{kind:?} {more}");
        }
        let mut arrived = target.arrivals();
        arrived.sort_unstable();
        assert_eq!(arrived.len(), 40, "{kind:?} {more}");
        for together in arrived.windows(limit + 1) {
            let apart = together[limit].duration_since(together[0]);
            assert!(apart >= ANSWERED_AFTER, "{kind:?} {more}: {apart:?}");
        }
    }
}

#[test]
fn a_destination_that_hangs_gets_its_share_and_no_more() {
    let (world, target, process) = stage(World::new(), Kind::Webhook, &json!({"concurrency": 3}));
    let other = sink(&world);
    let elsewhere = json!({"type": "WEBHOOK", "url": format!("{}/x", other.base_url())});
    process.define("elsewhere", &elsewhere);
    target.faults().always(Fault::new(FaultKind::NeverAnswer));
    start_many(&process, "act", 40);
    target.wait_for_calls(&world, 3);
    start_many(&process, "elsewhere", 40);
    let served = world.on(other.wait_for(|seen| seen.counts().accepted == 40, SOON));
    served.expect("the other destination is served");
    assert_eq!(target.calls(), 3);
    process.kill();
}

#[test]
fn no_more_calls_are_started_a_second_than_the_destination_allows() {
    let (world, target, process) = stage(World::new(), Kind::Webhook, &json!({"ratePerSecond": 5}));
    start_many(&process, "act", 14);
    process.pump();
    assert_eq!(target.calls(), 5);
    for (millis, calls) in [(100, 5), (100, 6), (200, 7), (1_000, 12), (1_000, 14)] {
        world.clock.advance(Duration::from_millis(millis));
        process.pump();
        assert_eq!(target.calls(), calls);
    }
}

#[test]
fn five_thousand_deliveries_to_a_dead_destination_cost_one_window() {
    const COUNT: usize = 5_000;
    let mut world = World::new();
    world.settings.window.count = 100;
    let (world, target, process) = stage(world, Kind::Webhook, &json!({"concurrency": 2}));
    let other = sink(&world);
    let elsewhere = json!({"type": "WEBHOOK", "url": format!("{}/x", other.base_url())});
    process.define("elsewhere", &elsewhere);
    target.faults().always(Fault::new(FaultKind::NeverAnswer));
    start_many(&process, "act", COUNT);
    target.wait_for_calls(&world, 2);
    start_many(&process, "elsewhere", 20);
    let served = world.on(other.wait_for(|seen| seen.counts().accepted == 20, SOON));
    served.expect("the other destination is served");
    let text = process.on(process.engine.metrics_text());
    let gauge = |state: &str| {
        let name = format!("longshore_deliveries{{destination=\"receiver\",state=\"{state}\"}}");
        let line = text
            .lines()
            .find(|line| line.starts_with(&name))
            .expect("a gauge");
        line[name.len()..]
            .trim()
            .parse::<usize>()
            .expect("a number")
    };
    assert_eq!(gauge("owned"), 102, "the window, and what is under way");
    assert_eq!(gauge("due"), COUNT - 102);
    process.kill();
    target.faults().clear();
    let process = world.boot();
    process.pump();
    let Target::Webhook(sink) = &target else {
        panic!("a sink")
    };
    assert_eq!(
        sink.counts().distinct_deliveries,
        COUNT as u64,
        "none is lost"
    );
    assert_eq!(
        target.calls(),
        COUNT + 2,
        "only the two under way were sent again"
    );
    process.pump();
    let text = process.on(process.engine.metrics_text());
    assert!(text.contains("longshore_deliveries{destination=\"receiver\",state=\"due\"} 0"));
}

#[test]
fn what_waits_for_one_destination_leaves_in_the_order_of_its_requests() {
    let mut world = World::new();
    world.settings.window.count = 20;
    let (world, target, process) = stage(world, Kind::Webhook, &json!({"concurrency": 1}));
    target.faults().next(1, Fault::too_many_requests(60));
    process.start_named("act", "first");
    process.pump();
    let names: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    for name in &names {
        process.start_named("act", name);
        world.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(target.calls(), 1);
    world.clock.advance(seconds(60));
    process.pump();
    let Target::Webhook(sink) = &target else {
        panic!("a sink")
    };
    let served: Vec<String> = sink
        .deliveries()
        .iter()
        .map(|seen| {
            let body: Value = serde_json::from_slice(&seen.body).expect("JSON");
            body["name"].as_str().expect("a name").to_owned()
        })
        .filter(|name| name != "first")
        .collect();
    assert_eq!(served, names);
}

#[test]
fn the_bytes_in_memory_are_bounded_over_all_destinations() {
    let mut world = World::new();
    world.settings.memory_bytes = 40_000;
    let (world, target, process) = stage(world, Kind::Webhook, &json!({"concurrency": 1}));
    let large = "x".repeat(10_000);
    for round in 0..3 {
        target.faults().next(1, Fault::too_many_requests(60));
        process.start("act");
        process.pump();
        let runs: Vec<RunId> = (0..10)
            .map(|_| process.start_named("act", &large))
            .collect();
        let in_memory = runs
            .iter()
            .filter(|run| process.delivery(run).state == State::Owned)
            .count();
        assert_eq!(
            in_memory, 3,
            "round {round}: three of 10 kB, and what the other parts take"
        );
        world.clock.advance(seconds(60));
        process.pump();
        for run in &runs {
            assert_eq!(process.delivery(run).state, State::Done, "round {round}");
        }
    }
}

#[test]
fn a_run_that_the_writer_has_no_room_for_is_refused_and_keeps_no_slot() {
    for kind in [Kind::Webhook, Kind::Jenkins] {
        let (_world, target, process) = stage(World::new(), kind, &json!({"concurrency": 1}));
        process.seam.overload(true);
        for _ in 0..5 {
            let request = Process::request("act", "a name");
            let refused = process.on(process.engine.start_run(&Process::admin(), request));
            assert_eq!(refused.err(), Some(Error::Overloaded), "{kind:?}");
        }
        assert_eq!(process.runs().len(), 0, "{kind:?}");
        process.seam.overload(false);
        let run = process.start("act");
        process.pump();
        assert_eq!(process.delivery(&run).state, State::Done, "{kind:?}");
        assert_eq!(target.calls(), 1, "{kind:?}");
    }
}
