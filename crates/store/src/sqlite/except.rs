//! Choosing what is due for agents while some actions are left out: by one step through the index
//! for each action that waits and for each delivery that is chosen, however many are left out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::{Connection, OptionalExtension, Params, params};

use super::group::Failure;

/// The most actions (with their types) of one destination that are told apart; what waits of further
/// ones is not chosen as long as anything is left out.
const KINDS_LIMIT: usize = 2_000;

// Comparing row values would be one statement for two, but SQLite then reads every row whose first
// part is the same.
const NEXT_TYPE: &str = "SELECT action, action_type FROM delivery INDEXED BY delivery_due_action \
    WHERE state = 0 AND destination = ?1 AND action = ?2 AND action_type > ?3 \
    ORDER BY action_type LIMIT 1";
const NEXT_ACTION: &str = "SELECT action, action_type FROM delivery INDEXED BY \
    delivery_due_action WHERE state = 0 AND destination = ?1 AND action > ?2 \
    ORDER BY action, action_type LIMIT 1";
const NEXT_OF_THE_SAME_TIME: &str = "SELECT due_at, run_key FROM delivery INDEXED BY \
    delivery_due_action WHERE state = 0 AND destination = ?1 AND action = ?2 AND action_type = ?3 \
    AND due_at = ?4 AND run_key > ?5 ORDER BY run_key LIMIT 1";
const NEXT_LATER: &str = "SELECT due_at, run_key FROM delivery INDEXED BY delivery_due_action \
    WHERE state = 0 AND destination = ?1 AND action = ?2 AND action_type = ?3 AND due_at > ?4 \
    ORDER BY due_at, run_key LIMIT 1";

/// What a delivery that waits for agents is called by those who leave it out.
struct Kind {
    action: String,
    action_type: String,
}

/// The kinds of a destination that are not left out.
pub(super) struct Kinds<'a> {
    connection: &'a Connection,
    destination: &'a str,
    kinds: Vec<Kind>,
}

/// A delivery's due time and its run's key.
type Head = (i64, i64);

impl<'a> Kinds<'a> {
    /// What waits at `destination` but for the actions and types named in `exclude`.
    pub(super) fn read(
        connection: &'a Connection,
        destination: &'a str,
        exclude: &[String],
    ) -> Result<Self, Failure> {
        let (mut kinds, mut last) = (Vec::new(), (String::new(), String::new()));
        for _ in 0..KINDS_LIMIT {
            let (action, action_type) = (&last.0, &last.1);
            let same: Option<(String, String)> = first(
                connection,
                NEXT_TYPE,
                params![destination, action, action_type],
            )?;
            let found = match same {
                Some(same) => Some(same),
                None => first(connection, NEXT_ACTION, params![destination, action])?,
            };
            let Some((action, action_type)) = found else {
                break;
            };
            last = (action.clone(), action_type.clone());
            if !exclude.contains(&action) && !exclude.contains(&action_type) {
                kinds.push(Kind {
                    action,
                    action_type,
                });
            }
        }
        Ok(Self {
            connection,
            destination,
            kinds,
        })
    }

    /// The runs' keys of the first `limit` deliveries that are due at `now`, oldest first.
    pub(super) fn due(&self, now: i64, limit: u32) -> Result<Vec<i64>, Failure> {
        let mut heads = BinaryHeap::with_capacity(self.kinds.len());
        for (at, kind) in self.kinds.iter().enumerate() {
            let head = self.later(kind, i64::MIN)?;
            heads.extend(head.map(|head| Reverse((head, at))));
        }
        let mut chosen = Vec::new();
        while chosen.len() < limit as usize
            && let Some(Reverse((head, at))) = heads.pop()
            && head.0 <= now
        {
            chosen.push(head.1);
            let kind = self.kinds.get(at).map(|kind| self.following(kind, head));
            let next = kind.transpose()?.flatten();
            heads.extend(next.map(|next| Reverse((next, at))));
        }
        Ok(chosen)
    }

    /// When the first of them is due.
    pub(super) fn next_due_at(&self) -> Result<Option<i64>, Failure> {
        let mut next = None::<i64>;
        for kind in &self.kinds {
            let head = self.later(kind, i64::MIN)?;
            next = [next, head.map(|head| head.0)].into_iter().flatten().min();
        }
        Ok(next)
    }

    fn following(&self, kind: &Kind, head: Head) -> Result<Option<Head>, Failure> {
        let (action, action_type) = (&kind.action, &kind.action_type);
        let same = params![self.destination, action, action_type, head.0, head.1];
        match first(self.connection, NEXT_OF_THE_SAME_TIME, same)? {
            Some(same) => Ok(Some(same)),
            None => self.later(kind, head.0),
        }
    }

    fn later(&self, kind: &Kind, due_at: i64) -> Result<Option<Head>, Failure> {
        let asked = params![self.destination, kind.action, kind.action_type, due_at];
        first(self.connection, NEXT_LATER, asked)
    }
}

/// The two columns of the first row.
fn first<A, B>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Option<(A, B)>, Failure>
where
    A: rusqlite::types::FromSql,
    B: rusqlite::types::FromSql,
{
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params, |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?)
}
