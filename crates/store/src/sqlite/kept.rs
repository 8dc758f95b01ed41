//! The statements of nearly every group, prepared once: looking one up among the connection's own
//! hashes its whole text twice, which cost as much as binding it.

use rusqlite::{Connection, PrepFlags, Statement};

/// A statement that is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kept {
    Begin,
    Commit,
    InsertRun,
    InsertDocuments,
    FindRun,
    UpdateRun,
    MoveRun,
    InsertDelivery,
    FindDelivery,
    UpdateDelivery,
    InsertAttempt,
    InsertEvent,
    InsertLogLine,
    CountRevision,
}

impl Kept {
    const COUNT: usize = Self::CountRevision as usize + 1;

    const fn sql(self) -> &'static str {
        match self {
            Self::Begin => "BEGIN IMMEDIATE",
            Self::Commit => "COMMIT",
            Self::InsertRun => {
                "INSERT INTO run (key, id, action, action_revision, blueprint, entity, status, \
                 label, label_by_engine, source, required_approval_json, link_json, summary, \
                 external_run_id, created_by, updated_by, created_at, updated_at, ended_at, \
                 rerun_of, redeemed, redeemed_attempt, redeemed_by, log_lines, version) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
                 ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)"
            }
            Self::InsertDocuments => {
                "INSERT INTO run_document (run_key, properties, raw_properties, trigger_, entity, \
                 payload, deferred, response, votes, encrypted, packed) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
            }
            Self::FindRun => {
                "SELECT key, version, ended_at IS NOT NULL, status, external_run_id \
                 FROM run WHERE id = ?1"
            }
            Self::UpdateRun => {
                "UPDATE run SET label = ?4, label_by_engine = ?5, link_json = ?6, summary = ?7, \
                 updated_by = ?8, updated_at = ?9, redeemed = ?10, redeemed_attempt = ?11, \
                 redeemed_by = ?12, log_lines = ?13, version = ?14 \
                 WHERE key = ?1 AND version = ?3 AND id = ?2"
            }
            Self::MoveRun => {
                "UPDATE run SET label = ?4, label_by_engine = ?5, link_json = ?6, summary = ?7, \
                 updated_by = ?8, updated_at = ?9, redeemed = ?10, redeemed_attempt = ?11, \
                 redeemed_by = ?12, log_lines = ?13, version = ?14, status = ?15, ended_at = ?16, \
                 external_run_id = ?17 WHERE key = ?1 AND version = ?3 AND id = ?2"
            }
            Self::InsertDelivery => {
                "INSERT INTO delivery (run_key, id, receiver, destination, connection, repeat_, \
                 synchronized, state, due_at, attempt, attempts_used, has_left, scheduled_since, \
                 diagnosis_json, created_at, updated_at, version, publication_json, action, \
                 action_type) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
                 ?17, ?18, ?19, ?20)"
            }
            Self::FindDelivery => {
                "SELECT run_key, version FROM delivery \
                 WHERE run_key = (SELECT key FROM run WHERE id = ?1) AND id = ?2"
            }
            Self::UpdateDelivery => {
                "UPDATE delivery SET state = ?2, due_at = ?3, attempt = ?4, attempts_used = ?5, \
                 has_left = ?6, scheduled_since = ?7, diagnosis_json = ?8, updated_at = ?9, \
                 version = ?10, publication_json = ?11, repeat_ = ?12 \
                 WHERE run_key = ?1 AND id = ?13 AND version = ?14 AND destination = ?15 \
                 AND connection IS ?16"
            }
            Self::InsertAttempt => {
                "INSERT OR IGNORE INTO attempt (run_key, number, started_at, duration_micros, \
                 status, outcome, signed_with, diagnosis_json, answer) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
            }
            Self::InsertEvent => {
                "INSERT INTO event (run_key, number, kind, at, by, changed_json) \
                 VALUES (?1, coalesce(?2, (SELECT max(number) + 1 FROM event WHERE run_key = ?1), \
                 0), ?3, ?4, ?5, ?6)"
            }
            Self::InsertLogLine => {
                "INSERT INTO log_line (run_key, number, id, message, created_by, created_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
            }
            Self::CountRevision => {
                "UPDATE action_revision SET runs = runs + ?2, orphaned_at = NULL \
                 WHERE revision = ?1"
            }
        }
    }
}

/// The kept statements of one connection, each prepared when it is first needed.
pub(super) struct Statements<'c> {
    connection: &'c Connection,
    prepared: [Option<Statement<'c>>; Kept::COUNT],
}

impl<'c> Statements<'c> {
    /// None prepared yet.
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            prepared: [const { None }; Kept::COUNT],
        }
    }

    /// The statement, ready to be bound.
    pub(super) fn get(&mut self, kept: Kept) -> rusqlite::Result<&mut Statement<'c>> {
        let place = &mut self.prepared[kept as usize];
        match place {
            Some(prepared) => Ok(prepared),
            None => {
                let flags = PrepFlags::SQLITE_PREPARE_PERSISTENT;
                Ok(place.insert(self.connection.prepare_with_flags(kept.sql(), flags)?))
            }
        }
    }
}
