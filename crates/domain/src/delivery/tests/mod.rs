//! The tables of `docs/design/delivery.md`, row by row: each test is named after its row.

mod agents;
mod moves;
mod outcomes;
mod recovery;
mod schedule;

use super::*;
use crate::diagnosis::Reason;

const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(3_600);
const REPEATS: [Repeat; 2] = [Repeat::Harm, Repeat::Allowed];

/// `seconds` after the instant at which every delivery of these tests was made.
fn at(seconds: u64) -> Timestamp {
    let made = Timestamp::from_micros(1_767_323_045_000_000);
    made.plus(std::time::Duration::from_secs(seconds))
}

fn diagnosis(reason: Reason) -> Diagnosis {
    Diagnosis {
        reason,
        message: format!("the receiver did it: {reason}"),
        fix: "Mend the receiver.".to_owned(),
    }
}

/// An asynchronous delivery as it stands in `state` after as little as it takes to get there.
fn delivery(repeat: Repeat, state: State) -> Delivery {
    let attempt = match state {
        State::Due | State::Owned | State::Published | State::Cancelled => 0,
        State::Started | State::Done | State::Unconfirmed | State::Dead => 1,
    };
    let due_at = match state {
        State::Due => Some(at(0)),
        State::Done => Some(at(10).plus(TIMEOUT)),
        State::Unconfirmed => Some(at(10).plus(UNCONFIRMED_FOR)),
        _ => None,
    };
    Delivery {
        id: DeliveryId::mint(at(0), 1),
        run: RunId::mint(at(0), 2),
        receiver: Receiver::Jenkins,
        destination: "https://ci.example.com:443".to_owned(),
        connection: None,
        repeat,
        synchronized: false,
        state,
        due_at,
        attempt,
        attempts_used: 0,
        left: matches!(state, State::Done | State::Unconfirmed | State::Dead),
        scheduled_since: at(0),
        diagnosis: None,
        publication: None,
        created_at: at(0),
        updated_at: at(0),
        version: 3,
    }
}

fn attempt(number: u32, kind: OutcomeKind, status: Option<u16>) -> Attempt {
    Attempt {
        number,
        started_at: at(5),
        duration_micros: 1_500,
        status,
        outcome: kind,
        signed_with: Some("credential".to_owned()),
        diagnosis: None,
        answer: None,
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    for state in State::ALL {
        assert_eq!(State::parse(state.name()), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.name());
    }
    let kinds = [
        OutcomeKind::Accepted,
        OutcomeKind::Retry,
        OutcomeKind::Unknown,
        OutcomeKind::Refused,
    ];
    for kind in kinds {
        assert_eq!(OutcomeKind::parse(kind.name()), Some(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
    for unknown in ["", "DUE", "due ", "lost"] {
        assert_eq!(State::parse(unknown), None);
        assert_eq!(OutcomeKind::parse(unknown), None);
    }
}

#[test]
fn nothing_is_left_to_do_for_done_dead_and_cancelled() {
    let settled = State::ALL.into_iter().filter(|state| state.is_settled());
    assert_eq!(
        settled.collect::<Vec<_>>(),
        [State::Done, State::Dead, State::Cancelled]
    );
}
