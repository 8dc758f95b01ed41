//! The rows of the table "Killed". Before the run's commit there is nothing to recover.

use super::*;

/// What is on disk when the process is killed, and what recovery makes of it.
fn killed(repeat: Repeat, on_disk: State, recovered: Option<State>) -> Option<LostWorker> {
    let lost = recover(&delivery(repeat, on_disk), at(30));
    let state = lost.as_ref().map(|lost| lost.delivery.state);
    assert_eq!(state, recovered, "{repeat:?}, {on_disk:?}");
    lost
}

#[test]
fn killed_after_the_commit_and_before_a_slot_it_is_sent_later() {
    for repeat in REPEATS {
        // Stored without room in the window: it is due already.
        killed(repeat, State::Due, None);
        let lost = killed(repeat, State::Owned, Some(State::Due)).unwrap();
        assert_eq!(lost.delivery.due_at, Some(at(30)));
    }
}

#[test]
fn killed_with_a_slot_it_is_sent_again_where_a_repeat_is_allowed() {
    let before = Delivery {
        attempt: 2,
        attempts_used: 2,
        left: false,
        ..delivery(Repeat::Allowed, State::Owned)
    };
    let lost = recover(&before, at(30)).unwrap();
    let expected = Delivery {
        state: State::Due,
        due_at: Some(at(30)),
        left: true,
        updated_at: at(30),
        ..before
    };
    assert_eq!(
        lost,
        LostWorker {
            delivery: expected,
            attempt: None
        }
    );
}

#[test]
fn killed_with_a_slot_it_is_unconfirmed_where_a_repeat_is_harm() {
    let lost = killed(Repeat::Harm, State::Started, Some(State::Unconfirmed)).unwrap();
    assert_eq!(lost.delivery.due_at, Some(at(30).plus(UNCONFIRMED_FOR)));
    assert!(lost.delivery.left, "a receipt may still come");
    let attempt = lost.attempt.unwrap();
    assert_eq!((attempt.number, attempt.outcome), (1, OutcomeKind::Unknown));
    assert_eq!(
        attempt.diagnosis.as_ref().map(|found| found.reason),
        Some(Reason::WorkerLost)
    );
    assert_eq!(attempt.diagnosis, lost.delivery.diagnosis);
}

/// Owned means that nothing has left yet, so no receipt is believed before the first attempt.
#[test]
fn killed_while_owned_nothing_has_left_where_a_repeat_is_harm() {
    let lost = killed(Repeat::Harm, State::Owned, Some(State::Due)).unwrap();
    assert!(!lost.delivery.left);
    assert_eq!((lost.delivery.attempt, lost.delivery.attempts_used), (0, 0));
}

#[test]
fn killed_after_the_settle_there_is_nothing_to_do() {
    let settled = [
        State::Due,
        State::Published,
        State::Done,
        State::Unconfirmed,
        State::Dead,
        State::Cancelled,
    ];
    for repeat in REPEATS {
        for state in settled {
            killed(repeat, state, None);
        }
    }
}

#[test]
fn killed_twice_it_is_recovered_once() {
    for (repeat, state) in [
        (Repeat::Allowed, State::Owned),
        (Repeat::Harm, State::Started),
    ] {
        let lost = recover(&delivery(repeat, state), at(30)).unwrap();
        assert_eq!(recover(&lost.delivery, at(40)), None);
    }
}
