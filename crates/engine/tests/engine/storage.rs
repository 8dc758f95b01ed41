//! Storage that cannot be written: dispatch stops, nothing is lost, and everything goes on
//! afterwards.

use std::sync::Arc;

use longshore_domain::delivery::State;
use longshore_emulators::Fault;
use longshore_engine::error::Error;
use serde_json::json;

use crate::support::{Kind, Moment, Process, Target, World, Write, new_id, seconds, sink};

fn stage(kind: Kind) -> (World, Target, Process) {
    let mut world = World::new();
    let target = Target::start(&mut world, kind);
    let process = world.boot();
    process.connect(&target.connection(&json!({"concurrency": 1})));
    process.define("act", &target.invocation(false));
    (world, target, process)
}

/// Waits until a write was refused.
fn wait_for_refusal(process: &Process, more_than: usize) {
    process.on(async {
        while process.seam.refused() <= more_than {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_run_that_cannot_be_stored_is_refused_and_nothing_leaves() {
    let (_world, target, process) = stage(Kind::Webhook);
    assert!(process.engine.is_ready());
    process.seam.break_down(true);
    let request = Process::request("act", "a name");
    let refused = process.on(process.engine.start_run(&Process::admin(), request));
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert!(
        !process.engine.is_ready(),
        "what cannot store takes no work"
    );
    process.seam.break_down(false);
    process.watch();
    assert!(process.engine.is_ready());
    assert_eq!(process.runs().len(), 0);
    assert_eq!(target.calls(), 0);
    let run = process.start("act");
    process.pump();
    assert_eq!(process.delivery(&run).state, State::Done);
}

#[test]
fn an_answer_is_kept_until_it_can_be_written() {
    for kind in [Kind::Webhook, Kind::Jenkins] {
        let (world, target, process) = stage(kind);
        let other = sink(&world);
        let elsewhere = json!({"type": "WEBHOOK", "url": format!("{}/x", other.base_url())});
        process.define("elsewhere", &elsewhere);
        other.faults().next(1, Fault::too_many_requests(60));
        let paused = process.start("elsewhere");
        process.pump();
        let held = process.seam.hold(Write::Settle, Moment::Before);
        let answered = process.start("act");
        process.on(held.reached());
        let waiting = process.start("act");
        process.seam.break_down(true);
        let refused = process.seam.refused();
        held.release();
        // The second refusal comes after the first one has stopped dispatch.
        wait_for_refusal(&process, refused + 1);
        assert!(!process.engine.is_ready(), "{kind:?}");
        world.clock.advance(seconds(60));
        process.dispatch();
        process.on(process.engine.watch_once()).expect("watched");
        assert!(!process.engine.is_ready(), "{kind:?}: it is still broken");
        assert_eq!(other.counts().requests, 1, "{kind:?}: dispatch has stopped");
        assert_eq!(target.calls(), 1, "{kind:?}: the slot stays taken");
        process.seam.break_down(false);
        process.watch();
        assert!(process.engine.is_ready(), "{kind:?}");
        process.pump();
        for run in [&answered, &waiting, &paused] {
            assert_eq!(process.delivery(run).state, State::Done, "{kind:?}");
        }
        assert_eq!(target.calls(), 2, "{kind:?}: nothing is sent twice");
    }
}

#[test]
fn an_answer_is_kept_until_the_run_that_moved_meanwhile_can_be_read() {
    for kind in [Kind::Jenkins, Kind::Azure] {
        let (_world, target, process) = stage(kind);
        let held = process.seam.hold(Write::Settle, Moment::Before);
        let run = process.start("act");
        process.on(held.reached());
        process.redeem(&run, 1, "a build").expect("redeemed");
        process.seam.blind(true);
        let refused = process.seam.refused();
        held.release();
        wait_for_refusal(&process, refused);
        process.seam.blind(false);
        process.pump();
        assert_eq!(process.delivery(&run).state, State::Done, "{kind:?}");
        assert_eq!(process.outcomes(&run), ["accepted"], "{kind:?}");
        assert_eq!(target.calls(), 1, "{kind:?}");
    }
}

#[test]
fn what_cannot_be_marked_as_started_does_not_leave() {
    let (_world, target, process) = stage(Kind::Jenkins);
    let settle = process.seam.hold(Write::Settle, Moment::Before);
    process.start("act");
    process.on(settle.reached());
    let waiting = process.start("act");
    let start = process.seam.hold(Write::Start, Moment::Before);
    settle.release();
    process.on(start.reached());
    process.seam.break_down(true);
    let refused = process.seam.refused();
    start.release();
    wait_for_refusal(&process, refused);
    assert_eq!(target.calls(), 1);
    process.seam.break_down(false);
    process.pump();
    assert_eq!(target.calls(), 2);
    assert_eq!(process.delivery(&waiting).state, State::Done);
}

#[test]
fn a_refused_run_gives_its_slot_to_the_one_behind_it() {
    let (_world, target, process) = stage(Kind::Webhook);
    let held = process.seam.hold(Write::Insert, Moment::Before);
    let refused = process.launch("act");
    process.on(held.reached());
    // The only slot is kept for the run whose commit hangs: the next one waits in memory.
    let behind = process.start("act");
    assert_eq!(process.delivery(&behind).state, State::Owned);
    process.seam.overload(true);
    held.release();
    let refused = process.on(refused).expect("it ends");
    assert_eq!(refused.err(), Some(Error::Overloaded));
    process.on(process.engine.settled());
    assert_eq!(process.delivery(&behind).state, State::Done);
    assert_eq!(target.calls(), 1);
}

#[test]
fn what_is_under_way_at_shutdown_is_settled_or_taken_back() {
    for (kind, fault, after) in [
        (Kind::Webhook, None, State::Done),
        (Kind::Jenkins, None, State::Done),
        (Kind::Webhook, Some(Moment::Before), State::Owned),
        (Kind::Jenkins, Some(Moment::Before), State::Started),
    ] {
        let (world, target, process) = stage(kind);
        target
            .faults()
            .next(1, Fault::delay(std::time::Duration::from_millis(100)));
        let held = fault.map(|moment| process.seam.hold(Write::Settle, moment));
        let run = process.start("act");
        target.wait_for_calls(&world, 1);
        if let Some(held) = &held {
            process.on(held.reached());
        }
        let engine = Arc::clone(&process.engine);
        let patience = if held.is_some() { 0 } else { 10 };
        let finished = process.on(async { engine.stop(seconds(patience)).await });
        assert_eq!(finished, held.is_none(), "{kind:?}");
        assert!(!process.engine.is_ready(), "{kind:?}");
        drop(engine);
        process.kill();
        assert_eq!(world.delivery_on_disk(&run).state, after, "{kind:?}");
    }
}

#[test]
fn a_caller_that_goes_away_during_the_commit_delays_nothing() {
    for kind in [Kind::Webhook, Kind::Jenkins] {
        for moment in [Moment::Before, Moment::After] {
            let (world, target, process) = stage(kind);
            let held = process.seam.hold(Write::Insert, moment);
            let request = process.launch("act");
            process.on(held.reached());
            request.abort();
            assert!(process.on(request).is_err_and(|error| error.is_cancelled()));
            held.release();
            process.pump();
            assert_eq!(target.calls(), 1, "{kind:?}: what is on disk is sent");
            let behind = process.start("act");
            process.pump();
            assert_eq!(process.delivery(&behind).state, State::Done, "{kind:?}");
            process.kill();
            let open = world
                .on_disk()
                .iter()
                .filter(|(_, found)| found.state != State::Done)
                .count();
            assert_eq!(open, 0, "{kind:?}");
        }
    }
}

#[test]
fn a_caller_that_goes_away_during_a_redelivery_delays_nothing() {
    let (_world, target, process) = stage(Kind::Webhook);
    let run = process.start("act");
    process.pump();
    let id = process.delivery(&run).id;
    let held = process.seam.hold(Write::Other, Moment::After);
    let engine = Arc::clone(&process.engine);
    let request = process.beside(async move { engine.redeliver(&Process::admin(), &id).await });
    process.on(held.reached());
    request.abort();
    assert!(process.on(request).is_err_and(|error| error.is_cancelled()));
    held.release();
    process.pump();
    assert_eq!(target.calls(), 2);
}

#[test]
fn a_repeated_request_gives_its_slot_back() {
    let (_world, target, process) = stage(Kind::Webhook);
    let request = || {
        let mut request = Process::request("act", "a name");
        request.idempotency_key = Some("once".into());
        request
    };
    let start = |request| process.on(process.engine.start_run(&Process::admin(), request));
    let first = start(request()).expect("accepted");
    process.pump();
    let held = process.seam.hold(Write::Insert, Moment::Before);
    let engine = Arc::clone(&process.engine);
    let (again, admin) = (request(), Process::admin());
    let again = process.beside(async move { engine.start_run(&admin, again).await });
    process.on(held.reached());
    let behind = process.start("act");
    held.release();
    let again = process.on(again).expect("it ends").expect("the same run");
    assert_eq!(new_id(&again), new_id(&first));
    process.on(process.engine.settled());
    assert_eq!(process.delivery(&behind).state, State::Done);
    assert_eq!(target.calls(), 2);
    let mut other = request();
    other.body_hash = [1; 32];
    assert_eq!(start(other).err(), Some(Error::IdempotencyConflict));
}

#[test]
fn retention_removes_ended_runs_by_count_and_age_and_never_open_ones() {
    let mut world = World::new();
    world.settings.retention.count = 2;
    world.settings.retention.age = seconds(3_600);
    world.settings.retention.batch = 2;
    let target = Target::start(&mut world, Kind::Webhook);
    let process = world.boot();
    process.define("open", &target.invocation(false));
    process.define("ends", &target.invocation(true));
    let open = process.start("open");
    let mut ended = Vec::new();
    for _ in 0..5 {
        ended.push(process.start("ends"));
        process.pump();
        world.clock.advance(seconds(1));
    }
    let prune = || {
        process.on(async {
            while process.engine.prune_once().await? {}
            Ok(())
        })
    };
    let pruned: Result<(), longshore_store::Error> = prune();
    pruned.expect("pruned");
    let left = |process: &Process| {
        let ids = process
            .runs()
            .iter()
            .map(crate::support::run_id)
            .collect::<Vec<_>>();
        ids.into_iter().rev().collect::<Vec<_>>()
    };
    assert_eq!(
        left(&process),
        [open.clone(), ended[3].clone(), ended[4].clone()]
    );
    world.clock.advance(seconds(3_600));
    prune().expect("pruned");
    assert_eq!(left(&process), std::slice::from_ref(&open));
    assert_eq!(process.delivery(&open).state, State::Done);
    assert_eq!(process.attempts(&open).len(), 1);
}
