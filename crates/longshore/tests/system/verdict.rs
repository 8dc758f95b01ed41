//! What must hold of the runs on disk once nothing is under way.

use std::collections::BTreeMap;

use crate::receivers::{CONCURRENCY, JENKINS, Seen, WEBHOOK};
use crate::rows::{ACCEPTED, DONE, Row, UNCONFIRMED};
use crate::traffic::Promised;

fn of_action<'a>(
    rows: &'a BTreeMap<String, Row>,
    action: &'a str,
) -> impl Iterator<Item = (&'a String, &'a Row)> {
    rows.iter().filter(move |(_, row)| row.action == action)
}

/// Every webhook run on disk, answered with 202 or not, was delivered at least once.
pub(crate) fn check_webhooks(rows: &BTreeMap<String, Row>, seen: &Seen, promised: &Promised) {
    for run in &promised.webhook {
        assert!(rows.contains_key(run), "{run} was promised and is lost");
        assert!(seen.contains_key(run), "{run} was promised and never sent");
    }
    for run in seen.keys() {
        assert!(rows.contains_key(run), "{run} was sent and is not on disk");
    }
    for (run, row) in of_action(rows, WEBHOOK) {
        assert_eq!(row.state, DONE, "{run}: {row:?}");
        assert!(seen.contains_key(run), "{run} is done and was never seen");
        check_attempts(run, row);
    }
}

/// Every Jenkins run was delivered exactly once, or stands as unconfirmed, at most the concurrency
/// of them for each of `kills`, and was seen at most once; answers how many are unconfirmed.
pub(crate) fn check_jenkins(
    rows: &BTreeMap<String, Row>,
    seen: &Seen,
    promised: &Promised,
    kills: u64,
) -> u64 {
    for run in &promised.jenkins {
        assert!(rows.contains_key(run), "{run} was promised and is lost");
    }
    for (run, times) in seen {
        assert!(rows.contains_key(run), "{run} was sent and is not on disk");
        assert_eq!(*times, 1, "{run} reached Jenkins {times} times");
    }
    let mut unconfirmed = 0;
    for (run, row) in of_action(rows, JENKINS) {
        match row.state {
            DONE => assert!(seen.contains_key(run), "{run} is done and was never seen"),
            UNCONFIRMED => unconfirmed += 1,
            _ => panic!("{run} is stuck: {row:?}"),
        }
        check_attempts(run, row);
    }
    assert!(
        unconfirmed <= kills * CONCURRENCY,
        "{unconfirmed} unconfirmed after {kills} kills"
    );
    unconfirmed
}

/// Each attempt was settled once, and only the last one was accepted.
fn check_attempts(run: &str, row: &Row) {
    let numbers: Vec<i64> = row.attempts.iter().map(|(number, _)| *number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{run}: {row:?}");
    let accepted: Vec<i64> = row
        .attempts
        .iter()
        .filter(|(_, outcome)| *outcome == ACCEPTED)
        .map(|(number, _)| *number)
        .collect();
    let expected = if row.state == DONE {
        vec![row.attempt]
    } else {
        Vec::new()
    };
    assert_eq!(accepted, expected, "{run}: {row:?}");
}
