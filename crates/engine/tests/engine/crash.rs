//! Every row of the table "Killed": a process is ended exactly there, a new one takes over, and
//! what the receiver saw is counted.

use longshore_domain::delivery::{Delivery, State};
use longshore_domain::diagnosis::Reason;
use longshore_domain::id::RunId;
use longshore_emulators::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::support::{Kind, Moment, Process, Target, World, Write};

/// A receiver as an action calls it, and whether a second call does harm.
#[derive(Clone, Copy, Debug)]
struct Case {
    kind: Kind,
    synchronized: bool,
    repeat_unknown: bool,
}

const fn case(kind: Kind, synchronized: bool, repeat_unknown: bool) -> Case {
    Case {
        kind,
        synchronized,
        repeat_unknown,
    }
}

const CASES: [Case; 8] = [
    case(Kind::Webhook, false, true),
    case(Kind::Webhook, true, true),
    case(Kind::Webhook, false, false),
    case(Kind::Webhook, true, false),
    case(Kind::Jenkins, false, true),
    case(Kind::Jenkins, false, false),
    case(Kind::Azure, false, true),
    case(Kind::Azure, false, false),
];

/// One case, set up: an action, a connection with one slot, a process.
struct Stage {
    world: World,
    target: Target,
    case: Case,
}

impl Stage {
    fn new(case: Case) -> (Self, Process) {
        let mut world = World::new();
        let target = Target::start(&mut world, case.kind);
        let process = world.boot();
        // The default for the kind must do the same as the setting.
        let default = case.repeat_unknown == (case.kind == Kind::Webhook);
        let mut more = json!({"concurrency": 1});
        if !default {
            more["repeatUnknown"] = case.repeat_unknown.into();
        }
        process.connect(&target.connection(&more));
        process.define("act", &target.invocation(case.synchronized));
        (
            Self {
                world,
                target,
                case,
            },
            process,
        )
    }

    /// Starts anew where the process before ended, and lets everything happen.
    fn restart(&self) -> Process {
        let process = self.world.boot();
        process.pump();
        process
    }

    fn the_run(&self) -> (RunId, Delivery) {
        let on_disk = self.world.on_disk();
        assert_eq!(on_disk.len(), 1, "{:?}", self.case);
        let (run, delivery) = on_disk.into_iter().next().expect("a run");
        (run.id, delivery)
    }

    /// It was sent to the receiver so often under one delivery id and this attempt number, was
    /// accepted, and costs nothing more.
    fn assert_sent(&self, process: &Process, run: &RunId, times: usize, attempt: u32) {
        let case = self.case;
        let delivery = process.delivery(run);
        assert_eq!(delivery.state, State::Done, "{case:?}");
        assert_eq!(
            (delivery.attempt, delivery.attempts_used),
            (attempt, 0),
            "{case:?}"
        );
        let seen = self.target.seen();
        let own = seen
            .iter()
            .filter(|seen| seen.delivery.as_deref() == Some(delivery.id.as_str()))
            .inspect(|seen| assert_eq!(seen.attempt, Some(attempt.to_string()), "{case:?}"))
            .count();
        assert_eq!(own, times, "{case:?}");
        assert_eq!(process.outcomes(run), ["accepted"], "{case:?}");
        let shown = process.run(run);
        let status = if case.synchronized {
            "SUCCESS"
        } else {
            "IN_PROGRESS"
        };
        assert_eq!(shown["status"], status, "{case:?}");
        assert_eq!(shown["statusLabel"], Value::Null, "{case:?}");
    }

    /// Nobody knows whether it arrived: it waits for a receipt, and is not sent again.
    fn assert_unconfirmed(&self, process: &Process, run: &RunId, calls: usize) {
        let case = self.case;
        let delivery = process.delivery(run);
        assert_eq!(delivery.state, State::Unconfirmed, "{case:?}");
        let reason = delivery.diagnosis.map(|found| found.reason);
        assert_eq!(reason, Some(Reason::WorkerLost), "{case:?}");
        assert_eq!(process.outcomes(run), ["unknown"], "{case:?}");
        let shown = process.run(run);
        assert_eq!(shown["status"], "IN_PROGRESS", "{case:?}");
        assert_eq!(shown["statusLabel"], "Delivery unconfirmed", "{case:?}");
        assert_eq!(self.target.calls(), calls, "{case:?}");
        // The pipeline, if there is one, settles it.
        assert!(
            process
                .redeem(run, delivery.attempt, "a build")
                .expect("redeemed")
        );
        assert_eq!(process.delivery(run).state, State::Done, "{case:?}");
        assert_eq!(process.run(run)["statusLabel"], Value::Null, "{case:?}");
        process.pump();
        assert_eq!(self.target.calls(), calls, "{case:?}");
    }
}

#[test]
fn before_the_runs_commit_nothing_was_promised() {
    for case in CASES {
        let (stage, process) = Stage::new(case);
        let held = process.seam.hold(Write::Insert, Moment::Before);
        let answer = process.launch("act");
        process.on(held.reached());
        assert!(
            !answer.is_finished(),
            "{case:?}: no run is answered before it is on disk"
        );
        process.kill();
        assert!(
            stage
                .world
                .on(answer)
                .is_err_and(|error| error.is_cancelled()),
            "{case:?}"
        );
        assert_eq!(stage.world.on_disk().len(), 0, "{case:?}");
        let process = stage.restart();
        assert_eq!(process.runs().len(), 0, "{case:?}");
        assert_eq!(stage.target.calls(), 0, "{case:?}");
    }
}

#[test]
fn after_the_commit_and_before_a_slot_it_is_sent_later() {
    for case in CASES {
        let (mut stage, process) = Stage::new(case);
        process.kill();
        stage.world.settings.window.count = 1;
        let process = stage.restart();
        stage
            .target
            .faults()
            .always(Fault::new(FaultKind::NeverAnswer));
        let holder = process.start("act");
        stage.target.wait_for_calls(&stage.world, 1);
        let in_window = process.start("act");
        let in_storage = process.start("act");
        process.kill();
        stage.target.faults().clear();
        let states: Vec<State> = stage
            .world
            .on_disk()
            .iter()
            .map(|(_, delivery)| delivery.state)
            .collect();
        let held = if case.repeat_unknown {
            State::Owned
        } else {
            State::Started
        };
        assert_eq!(states, [held, State::Owned, State::Due], "{case:?}");
        let process = stage.restart();
        for run in [&in_window, &in_storage] {
            stage.assert_sent(&process, run, 1, 1);
        }
        if case.repeat_unknown {
            stage.assert_sent(&process, &holder, 2, 1);
        } else {
            stage.assert_unconfirmed(&process, &holder, 3);
        }
    }
}

#[test]
fn with_a_slot_and_before_the_first_byte() {
    for case in CASES {
        let (stage, process) = Stage::new(case);
        let held = process.seam.hold(Write::Insert, Moment::After);
        drop(process.launch("act"));
        process.on(held.reached());
        process.kill();
        assert_eq!(
            stage.target.calls(),
            0,
            "{case:?}: it is on disk before its first byte"
        );
        let (run, delivery) = stage.the_run();
        if case.repeat_unknown {
            assert_eq!(
                (delivery.state, delivery.attempt),
                (State::Owned, 0),
                "{case:?}"
            );
            let process = stage.restart();
            stage.assert_sent(&process, &run, 1, 1);
        } else {
            assert_eq!(
                (delivery.state, delivery.attempt),
                (State::Started, 1),
                "{case:?}"
            );
            let process = stage.restart();
            stage.assert_unconfirmed(&process, &run, 0);
        }
    }
}

#[test]
fn a_slot_that_comes_later_is_on_disk_before_the_first_byte_too() {
    for case in CASES.into_iter().filter(|case| !case.repeat_unknown) {
        for moment in [Moment::Before, Moment::After] {
            let (stage, process) = Stage::new(case);
            let settle = process.seam.hold(Write::Settle, Moment::Before);
            let first = process.start("act");
            process.on(settle.reached());
            let second = process.start("act");
            let start = process.seam.hold(Write::Start, moment);
            settle.release();
            process.on(start.reached());
            process.kill();
            assert_eq!(
                stage.target.calls(),
                1,
                "{case:?}: only the first one has left"
            );
            let on_disk = stage.world.delivery_on_disk(&second);
            let process = stage.restart();
            stage.assert_sent(&process, &first, 1, 1);
            if moment == Moment::Before {
                assert_eq!(on_disk.state, State::Owned, "{case:?}");
                stage.assert_sent(&process, &second, 1, 1);
            } else {
                assert_eq!(
                    (on_disk.state, on_disk.attempt),
                    (State::Started, 1),
                    "{case:?}"
                );
                stage.assert_unconfirmed(&process, &second, 1);
            }
        }
    }
}

#[test]
fn after_the_first_byte_and_before_the_answer() {
    for case in CASES {
        let (stage, process) = Stage::new(case);
        stage
            .target
            .faults()
            .always(Fault::new(FaultKind::NeverAnswer).after_processing());
        let run = process.start("act");
        stage.target.wait_for_calls(&stage.world, 1);
        process.kill();
        stage.target.faults().clear();
        assert_eq!(
            stage.target.seen()[0].status,
            None,
            "{case:?}: it was not answered"
        );
        let process = stage.restart();
        if case.repeat_unknown {
            stage.assert_sent(&process, &run, 2, 1);
        } else {
            stage.assert_unconfirmed(&process, &run, 1);
        }
    }
}

#[test]
fn after_the_answer_and_before_the_settles_commit() {
    for case in CASES {
        let (stage, process) = Stage::new(case);
        let held = process.seam.hold(Write::Settle, Moment::Before);
        let run = process.start("act");
        process.on(held.reached());
        process.kill();
        assert_eq!(
            stage.target.seen()[0].status,
            Some(200),
            "{case:?}: it was accepted"
        );
        let process = stage.restart();
        if case.repeat_unknown {
            stage.assert_sent(&process, &run, 2, 1);
        } else {
            stage.assert_unconfirmed(&process, &run, 1);
        }
    }
}

#[test]
fn after_the_settle_nothing_is_left_to_do() {
    for case in CASES {
        let (stage, process) = Stage::new(case);
        let held = process.seam.hold(Write::Settle, Moment::After);
        let run = process.start("act");
        process.on(held.reached());
        process.kill();
        assert_eq!(stage.the_run().1.state, State::Done, "{case:?}");
        let process = stage.restart();
        stage.assert_sent(&process, &run, 1, 1);
    }
}

#[test]
fn before_and_after_the_settle_of_a_retry() {
    for case in CASES.into_iter().filter(|case| case.repeat_unknown) {
        for (moment, numbers) in [(Moment::Before, ["1", "1"]), (Moment::After, ["1", "2"])] {
            let (stage, process) = Stage::new(case);
            stage.target.faults().next(1, Fault::status(502));
            let held = process.seam.hold(Write::Settle, moment);
            let run = process.start("act");
            process.on(held.reached());
            process.kill();
            let process = stage.restart();
            stage.world.clock.advance(crate::support::seconds(60));
            process.pump();
            assert_eq!(
                process.delivery(&run).state,
                State::Done,
                "{case:?} {moment:?}"
            );
            let seen = stage.target.seen();
            let sent: Vec<_> = seen
                .iter()
                .filter_map(|seen| seen.attempt.as_deref())
                .collect();
            assert_eq!(sent, numbers, "{case:?} {moment:?}");
        }
    }
}
