//! Whatever happens to a run and its delivery, in whatever order: what must hold is checked by
//! [`World::apply`] at every step.

use std::time::Duration;

use proptest::prelude::*;

use super::world::{Conflict, TIMEOUT, diagnosis};
use super::*;
use crate::delivery::{self, Delivery, Receiver, UNCONFIRMED_FOR};
use crate::diagnosis::Reason;
use crate::outcome::{Acceptance, Outcome, Retry};

#[derive(Clone, Debug)]
enum Step {
    Pass(Duration),
    Own,
    Start,
    Elsewhere,
    Publish,
    /// The attempt that is under way, or the one so many before it.
    Settle {
        late: u32,
        outcome: Outcome,
        random: u64,
    },
    /// The same, decided before the step that follows and written after it.
    SettleStale {
        outcome: Outcome,
        then: Box<Step>,
    },
    Report(Reporter, Report),
    Log(Reporter, Option<Status>),
    Redeem(Reporter, Option<&'static str>),
    Respond(Reporter),
    Watch,
    Redeliver,
    GiveUp,
    DestinationDown,
    DeleteAction,
    Kill,
}

fn setups() -> impl Strategy<Value = Setup> {
    let receiver = prop_oneof![
        Just(Receiver::Webhook),
        Just(Receiver::Jenkins),
        Just(Receiver::AzurePipelines),
        Just(Receiver::Kafka),
    ];
    let repeat = prop_oneof![Just(Repeat::Harm), Just(Repeat::Allowed)];
    let entry = prop_oneof![Just(Entry::Slot), Just(Entry::Window), Just(Entry::Stored)];
    (receiver, repeat, any::<bool>(), entry).prop_map(|(receiver, repeat, synchronized, entry)| {
        Setup {
            receiver,
            repeat,
            synchronized,
            entry,
        }
    })
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let asked =
        (prop::option::of(0_u64..200_000), any::<bool>()).prop_map(|(wait, uses_attempt)| {
            Outcome::Retry(Retry {
                diagnosis: diagnosis(Reason::RateLimited),
                retry_after: wait.map(Duration::from_secs),
                uses_attempt,
            })
        });
    let told = Acceptance {
        warning: Some(diagnosis(Reason::JenkinsSeveralJobs)),
        external_run_id: Some("queue/17".to_owned()),
        links: vec!["https://ci.example.com/queue/17".to_owned()],
    };
    prop_oneof![
        2 => Just(accepted()),
        1 => Just(Outcome::Accepted(told)),
        2 => asked,
        3 => Just(unknown()),
        1 => Just(refused()),
    ]
}

fn reporters() -> impl Strategy<Value = Reporter> {
    prop_oneof![3 => (1_u32..4).prop_map(token), 1 => Just(credential()), 1 => Just(machine())]
}

/// Rarely an end, so that most sequences go on.
fn ends() -> impl Strategy<Value = Option<Status>> {
    prop_oneof![
        8 => Just(None),
        1 => Just(Some(Status::Success)),
        1 => Just(Some(Status::Failure)),
    ]
}

fn reports() -> impl Strategy<Value = Report> {
    let label = prop::option::weighted(0.2, prop_oneof![Just("Building"), Just(label::RETRYING)]);
    let text = || prop::option::of(prop_oneof![Just("a"), Just("b")]);
    (ends(), label, text(), text()).prop_map(|(status, label, summary, message)| Report {
        status,
        status_label: label.map(str::to_owned),
        summary: summary.map(str::to_owned),
        message: message.map(Value::from),
        ..Report::default()
    })
}

fn single_steps() -> impl Strategy<Value = Step> {
    let spans = prop_oneof![
        Just(Duration::from_secs(1)),
        Just(TIMEOUT / 2),
        Just(TIMEOUT),
        Just(UNCONFIRMED_FOR),
    ];
    let names = prop::option::of(prop_oneof![Just("build/9"), Just("build/10")]);
    let settles =
        (0_u32..3, outcomes(), any::<u64>()).prop_map(|(late, outcome, random)| Step::Settle {
            late,
            outcome,
            random,
        });
    prop_oneof![
        2 => spans.prop_map(Step::Pass),
        6 => Just(Step::Own),
        6 => Just(Step::Start),
        1 => Just(Step::Elsewhere),
        1 => Just(Step::Publish),
        6 => settles,
        2 => (reporters(), reports()).prop_map(|(by, told)| Step::Report(by, told)),
        2 => (reporters(), ends()).prop_map(|(by, end)| Step::Log(by, end)),
        1 => (reporters(), names).prop_map(|(by, name)| Step::Redeem(by, name)),
        1 => reporters().prop_map(Step::Respond),
        2 => Just(Step::Watch),
        2 => Just(Step::Redeliver),
        1 => Just(Step::GiveUp),
        1 => prop::bool::weighted(0.2).prop_map(|down| {
            if down { Step::DestinationDown } else { Step::Watch }
        }),
        1 => Just(Step::DeleteAction),
        2 => Just(Step::Kill),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let stale = (outcomes(), single_steps()).prop_map(|(outcome, then)| Step::SettleStale {
        outcome,
        then: Box::new(then),
    });
    prop_oneof![9 => single_steps(), 1 => stale]
}

/// The attempt that is under way, else the newest.
fn current(delivery: &Delivery) -> u32 {
    match delivery.state {
        State::Owned if delivery.repeat == Repeat::Allowed => delivery.attempt + 1,
        _ => delivery.attempt,
    }
}

fn take(world: &mut World, step: &Step) {
    match step {
        Step::Pass(time) => world.pass(*time),
        Step::Own => world.own(),
        Step::Start => world.start(),
        Step::Elsewhere => {
            if let Some(moved) = delivery::elsewhere(world.delivery(), "c_other", None, world.now) {
                world.place(moved);
            }
        }
        Step::Publish => {
            let delivery = world.delivery().clone();
            if delivery.state == State::Due {
                world.place(Delivery {
                    state: State::Published,
                    due_at: None,
                    ..delivery
                });
            }
        }
        Step::Settle {
            late,
            outcome,
            random,
        } => {
            let number = current(world.delivery()).saturating_sub(*late);
            if number > 0 {
                let change = world.settling(number, outcome, *random);
                world.apply(change).unwrap();
            }
        }
        Step::SettleStale { outcome, then } => settle_stale(world, outcome, then),
        Step::Report(by, told) => drop(world.report(by, told.clone())),
        Step::Log(by, end) => drop(world.log(by, "a line", *end)),
        Step::Redeem(by, name) => drop(world.redeem(by, *name)),
        Step::Respond(by) => drop(world.respond(by, json!({"answer": 1}))),
        Step::Watch => drop(world.watch()),
        Step::Redeliver => drop(world.redeliver()),
        Step::GiveUp => drop(world.give_up()),
        Step::DestinationDown => drop(world.destination_down()),
        Step::DeleteAction => {
            let change = cancel_waiting(&world.run, "admin", world.now);
            world.apply(change).unwrap();
        }
        Step::Kill => world.recover(),
    }
}

/// The run moves while a settle waits to be written: it is refused, and decided again.
fn settle_stale(world: &mut World, outcome: &Outcome, then: &Step) {
    let number = current(world.delivery());
    if number == 0 {
        return;
    }
    let stale = world.settling(number, outcome, 10);
    let (run, delivery) = (world.run.version, world.delivery().version);
    let moves_run = stale.run().is_some();
    let moves_delivery = stale.delivery.is_some();
    take(world, then);
    let moved = (moves_run && world.run.version != run)
        || (moves_delivery && world.delivery().version != delivery);
    let written = world.apply(stale);
    assert_eq!(written, if moved { Err(Conflict) } else { Ok(()) });
    if moved {
        world.settle(number, outcome);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, ..ProptestConfig::default() })]

    #[test]
    fn a_run_and_its_delivery_keep_together(
        setup in setups(),
        steps in prop::collection::vec(steps(), 1..60),
    ) {
        let mut world = World::requested(setup);
        for step in &steps {
            take(&mut world, step);
        }
    }

    /// Left to itself, with a receiver that answers anything at all, every run ends.
    #[test]
    fn every_run_ends(
        setup in setups(),
        steps in prop::collection::vec(steps(), 0..20),
        outcome in outcomes(),
    ) {
        let mut world = World::requested(setup);
        for step in &steps {
            take(&mut world, step);
        }
        world.recover();
        if world.state() == State::Published {
            // What agents do with it is told by them alone.
            return Ok(());
        }
        for _ in 0..60 {
            world.pass(Duration::from_secs(3_600));
            if world.state() == State::Due {
                world.attempt(&outcome);
            } else if let Some(due_at) = world.delivery().due_at {
                world.now = world.now.max(due_at);
                world.watch();
            }
        }
        prop_assert!(world.run.status.is_final(), "{:?}", world.delivery);
    }

    #[test]
    fn a_run_is_redeemed_by_one_pipeline_only(
        callers in prop::collection::vec((reporters(), prop::option::of("[ab]")), 1..12),
    ) {
        let mut world = World::requested(WEBHOOK);
        world.attempt(&unknown());
        let mut taken = 0;
        for (by, name) in &callers {
            taken += u32::from(world.redeem(by, name.as_deref()) == Ok(true));
        }
        prop_assert_eq!(taken, 1);
    }
}
