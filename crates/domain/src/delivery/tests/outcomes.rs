use std::time::Duration;

use super::*;
use crate::outcome::{Acceptance, Outcome, Retry};

/// The random value that moves a wait by nothing.
const UNMOVED: u64 = 10;

fn accepted() -> Outcome {
    Outcome::Accepted(Acceptance::default())
}

fn unknown() -> Outcome {
    Outcome::Unknown(diagnosis(Reason::AnswerTimeout))
}

fn refused() -> Outcome {
    Outcome::Refused(diagnosis(Reason::NotFound))
}

fn retry() -> Outcome {
    Outcome::Retry(Retry {
        diagnosis: diagnosis(Reason::ConnectionRefused),
        retry_after: None,
        uses_attempt: true,
    })
}

/// 429, or 503 with `Retry-After`.
fn asked_to_wait(seconds: Option<u64>) -> Outcome {
    Outcome::Retry(Retry {
        diagnosis: diagnosis(Reason::RateLimited),
        retry_after: seconds.map(Duration::from_secs),
        uses_attempt: false,
    })
}

fn kind(outcome: &Outcome) -> OutcomeKind {
    match outcome {
        Outcome::Accepted(_) => OutcomeKind::Accepted,
        Outcome::Retry(_) => OutcomeKind::Retry,
        Outcome::Unknown(_) => OutcomeKind::Unknown,
        Outcome::Refused(_) => OutcomeKind::Refused,
    }
}

fn settled_with(
    schedule: &Schedule,
    delivery: &Delivery,
    number: u32,
    outcome: &Outcome,
    now: Timestamp,
) -> Settled {
    let settling = Settling {
        now,
        schedule,
        report_timeout: TIMEOUT,
        random: UNMOVED,
    };
    settle(
        delivery,
        &attempt(number, kind(outcome), None),
        outcome,
        &settling,
    )
}

fn settled(delivery: &Delivery, number: u32, outcome: &Outcome, now: Timestamp) -> Settled {
    settled_with(&Schedule::default(), delivery, number, outcome, now)
}

/// The delivery while its first attempt is under way.
fn under_way(repeat: Repeat, synchronized: bool) -> Delivery {
    let state = match repeat {
        Repeat::Harm => State::Started,
        Repeat::Allowed => State::Owned,
    };
    Delivery {
        synchronized,
        ..delivery(repeat, state)
    }
}

#[test]
fn the_settling_table() {
    use Repeat::{Allowed, Harm};
    let silent_at = Some(at(20).plus(TIMEOUT));
    let given_up_at = Some(at(20).plus(UNCONFIRMED_FOR));
    let next_at = Some(at(25));
    let rows = [
        // (outcome, repeat, synchronized, state, due_at, attempts used, may have left)
        (accepted(), Harm, false, State::Done, silent_at, 0, true),
        (accepted(), Allowed, false, State::Done, silent_at, 0, true),
        (accepted(), Harm, true, State::Done, None, 0, true),
        (accepted(), Allowed, true, State::Done, None, 0, true),
        (retry(), Harm, false, State::Due, next_at, 1, false),
        (retry(), Allowed, false, State::Due, next_at, 1, false),
        (retry(), Harm, true, State::Due, next_at, 1, false),
        (retry(), Allowed, true, State::Due, next_at, 1, false),
        (
            unknown(),
            Harm,
            false,
            State::Unconfirmed,
            given_up_at,
            0,
            true,
        ),
        (unknown(), Allowed, false, State::Due, next_at, 1, true),
        (
            unknown(),
            Harm,
            true,
            State::Unconfirmed,
            given_up_at,
            0,
            true,
        ),
        (unknown(), Allowed, true, State::Due, next_at, 1, true),
        (refused(), Harm, false, State::Dead, None, 0, false),
        (refused(), Allowed, false, State::Dead, None, 0, false),
        (refused(), Harm, true, State::Dead, None, 0, false),
        (refused(), Allowed, true, State::Dead, None, 0, false),
    ];
    for (outcome, repeat, synchronized, state, due_at, attempts_used, left) in rows {
        let row = format!("{outcome:?}, {repeat:?}, synchronized {synchronized}");
        let settled = settled(&under_way(repeat, synchronized), 1, &outcome, at(20));
        assert_eq!(settled.acceptance.is_some(), outcome == accepted(), "{row}");
        let after = settled.delivery.unwrap();
        assert_eq!((after.state, after.due_at), (state, due_at), "{row}");
        assert_eq!(
            (after.attempt, after.attempts_used),
            (1, attempts_used),
            "{row}"
        );
        assert_eq!((after.left, after.updated_at), (left, at(20)), "{row}");
        let found = match outcome {
            Outcome::Accepted(acceptance) => acceptance.warning,
            Outcome::Retry(retry) => Some(retry.diagnosis),
            Outcome::Unknown(found) | Outcome::Refused(found) => Some(found),
        };
        assert_eq!(after.diagnosis, found, "{row}");
    }
}

#[test]
fn an_answer_shows_that_the_attempt_left_whatever_it_said() {
    let schedule = Schedule::default();
    let settling = Settling {
        now: at(20),
        schedule: &schedule,
        report_timeout: TIMEOUT,
        random: UNMOVED,
    };
    for (status, left) in [(None, false), (Some(503), true)] {
        let attempt = attempt(1, OutcomeKind::Retry, status);
        let before = under_way(Repeat::Allowed, false);
        let after = settle(&before, &attempt, &retry(), &settling)
            .delivery
            .unwrap();
        assert_eq!(after.left, left, "status {status:?}");
    }
}

#[test]
fn a_warning_of_an_acceptance_is_kept() {
    let warning = diagnosis(Reason::JenkinsSeveralJobs);
    let acceptance = Acceptance {
        warning: Some(warning.clone()),
        ..Acceptance::default()
    };
    let before = under_way(Repeat::Harm, false);
    let settled = settled(&before, 1, &Outcome::Accepted(acceptance.clone()), at(20));
    assert_eq!(settled.delivery.unwrap().diagnosis, Some(warning));
    assert_eq!(settled.acceptance, Some(acceptance));
}

/// Attempts at `outcome` until the delivery is dead, each made as soon as it is due.
fn attempts_until_dead(repeat: Repeat, outcome: &Outcome) -> (u32, Delivery) {
    let mut delivery = under_way(repeat, false);
    let mut now = at(0);
    for number in 1..=100 {
        if repeat == Repeat::Harm {
            let owned = Delivery {
                state: State::Owned,
                attempt: number - 1,
                ..delivery
            };
            delivery = start(&owned, now).unwrap();
        } else {
            delivery.state = State::Owned;
        }
        delivery = settled(&delivery, number, outcome, now).delivery.unwrap();
        if delivery.state == State::Dead {
            return (number, delivery);
        }
        now = delivery.due_at.unwrap();
    }
    panic!("it is tried for ever")
}

#[test]
fn a_used_up_schedule_gives_the_delivery_up() {
    let never_answers = [
        (Repeat::Harm, retry()),
        (Repeat::Allowed, retry()),
        (Repeat::Allowed, unknown()),
    ];
    for (repeat, outcome) in never_answers {
        let (attempts, dead) = attempts_until_dead(repeat, &outcome);
        assert_eq!(
            (attempts, dead.attempts_used, dead.due_at),
            (10, 10, None),
            "{outcome:?}"
        );
        let found = dead.diagnosis.unwrap();
        assert_eq!(found.reason, Reason::AttemptsExhausted);
        assert!(found.message.contains("10 attempts"), "{}", found.message);
        assert!(
            found.message.contains("the receiver did it"),
            "{}",
            found.message
        );
    }
}

#[test]
fn a_receiver_that_only_asks_to_wait_uses_no_attempt() {
    let day = 24 * 60 * 60;
    let rows = [
        // (Retry-After, the wait that comes of it)
        (Some(7), 7),
        (Some(600), 600),
        (Some(0), 1),
        (Some(day), day),
        (Some(30 * day), day),
        // 429 without Retry-After: the schedule's next wait.
        (None, 5),
    ];
    for repeat in REPEATS {
        for (retry_after, wait) in rows {
            let outcome = asked_to_wait(retry_after);
            let after = settled(&under_way(repeat, false), 1, &outcome, at(20));
            let after = after.delivery.unwrap();
            assert_eq!(
                (after.state, after.due_at),
                (State::Due, Some(at(20 + wait)))
            );
            assert_eq!(
                (after.attempt, after.attempts_used),
                (1, 0),
                "{retry_after:?}"
            );
        }
    }
}

#[test]
fn waiting_as_asked_ends_with_the_schedules_span() {
    let schedule = Schedule::new(vec![Duration::from_secs(60), Duration::from_secs(40)]);
    let before = under_way(Repeat::Allowed, false);
    let last = settled_with(&schedule, &before, 1, &asked_to_wait(Some(5)), at(100));
    assert_eq!(
        last.delivery.unwrap().state,
        State::Due,
        "at the end of the span"
    );
    let over = settled_with(&schedule, &before, 1, &asked_to_wait(Some(5)), at(101));
    let over = over.delivery.unwrap();
    assert_eq!((over.state, over.due_at), (State::Dead, None));
    assert_eq!(over.diagnosis.unwrap().reason, Reason::AttemptsExhausted);

    let redelivered = Delivery {
        scheduled_since: at(50),
        ..before
    };
    let again = settled_with(&schedule, &redelivered, 1, &asked_to_wait(Some(5)), at(101));
    assert_eq!(
        again.delivery.unwrap().state,
        State::Due,
        "a redelivery starts the span anew"
    );
}

#[test]
fn a_failure_that_names_a_wait_waits_at_least_as_long() {
    for (asked, wait) in [(2, 5), (90, 90)] {
        let outcome = Outcome::Retry(Retry {
            diagnosis: diagnosis(Reason::GatewayFailed),
            retry_after: Some(Duration::from_secs(asked)),
            uses_attempt: true,
        });
        let after = settled(&under_way(Repeat::Allowed, false), 1, &outcome, at(20));
        assert_eq!(after.delivery.unwrap().due_at, Some(at(20 + wait)));
    }
}

#[test]
fn a_late_acceptance_turns_unconfirmed_due_or_published_into_done() {
    for repeat in REPEATS {
        for state in [State::Unconfirmed, State::Due, State::Published] {
            let before = Delivery {
                attempt: 3,
                diagnosis: Some(diagnosis(Reason::AnswerTimeout)),
                ..delivery(repeat, state)
            };
            let after = settled(&before, 2, &accepted(), at(20)).delivery.unwrap();
            let expected = Delivery {
                state: State::Done,
                due_at: Some(at(20).plus(TIMEOUT)),
                left: true,
                diagnosis: None,
                updated_at: at(20),
                ..before
            };
            assert_eq!(after, expected, "{repeat:?}, {state:?}");
        }
    }
}

#[test]
fn a_late_acceptance_moves_nothing_else_and_starts_nothing() {
    let elsewhere = [
        State::Owned,
        State::Started,
        State::Done,
        State::Dead,
        State::Cancelled,
    ];
    for repeat in REPEATS {
        for state in elsewhere {
            let before = Delivery {
                attempt: 3,
                ..delivery(repeat, state)
            };
            let settled = settled(&before, 2, &accepted(), at(20));
            assert_eq!(settled.delivery, None, "{repeat:?}, {state:?}");
            assert!(settled.acceptance.is_some(), "what it told is not lost");
        }
    }
}

#[test]
fn any_other_late_outcome_only_records() {
    for outcome in [retry(), unknown(), refused(), asked_to_wait(Some(5))] {
        for repeat in REPEATS {
            for state in State::ALL {
                let before = Delivery {
                    attempt: 3,
                    ..delivery(repeat, state)
                };
                let settled = settled(&before, 2, &outcome, at(20));
                let nothing = Settled {
                    delivery: None,
                    acceptance: None,
                };
                assert_eq!(settled, nothing, "{outcome:?}, {repeat:?}, {state:?}");
            }
        }
    }
}

/// Where a repeat is harm, `owned` has not sent anything: no attempt of it can be settled.
#[test]
fn owned_settles_no_attempt_where_a_repeat_is_harm() {
    for outcome in [accepted(), retry(), unknown(), refused()] {
        let settled = settled(&delivery(Repeat::Harm, State::Owned), 1, &outcome, at(20));
        assert_eq!(settled.delivery, None, "{outcome:?}");
    }
}

#[test]
fn the_answer_of_a_synchronous_call_still_ends_it_after_a_receipt() {
    let before = under_way(Repeat::Harm, true);
    let received = on_receipt(&before, at(10), TIMEOUT).unwrap();
    let answered = settled(&received, 1, &accepted(), at(20)).delivery.unwrap();
    assert_eq!((answered.state, answered.due_at), (State::Done, None));
    for outcome in [retry(), unknown(), refused()] {
        assert_eq!(
            settled(&received, 1, &outcome, at(20)).delivery,
            None,
            "{outcome:?}"
        );
    }
    let ended = on_run_end(&received, true, at(15)).unwrap();
    assert_eq!(
        settled(&ended, 1, &accepted(), at(20)).delivery,
        None,
        "its run has ended"
    );
}
