//! Retention: ended runs go oldest first, each with everything that belongs to it.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::group::{Failure, Group, Write};
use crate::{Pruned, Retention};

/// How many runs one batch deletes at most.
const RUNS_LIMIT: u32 = 1_000;
/// After how many deleted rows a batch ends, because other writes wait meanwhile.
const ROWS_LIMIT: usize = 20_000;
/// How long an unused revision stays: a run that was decided on it may still be on its way.
const ORPHAN_GRACE: Duration = Duration::from_secs(60 * 60);

/// Deletes one batch.
pub(super) struct Prune {
    pub(super) retention: Retention,
    pub(super) limit: u32,
}

impl Write for Prune {
    type Reply = Pruned;

    fn write(&self, group: &mut Group<'_>) -> Result<Pruned, Failure> {
        let limit = self.limit.min(RUNS_LIMIT);
        let (runs, runs_remain) = self.delete_runs(group, limit)?;
        let keys = self.delete_keys(group.connection(), limit)?;
        if !runs_remain {
            self.delete_destinations(group.connection(), limit)?;
        }
        let revisions = self.delete_revisions(group.connection(), limit)?;
        let more = limit > 0 && (runs_remain || keys == limit || revisions == limit);
        Ok(Pruned { runs, more })
    }
}

impl Prune {
    fn delete_runs(&self, group: &mut Group<'_>, limit: u32) -> Result<(u32, bool), Failure> {
        let connection = group.connection();
        let ended: i64 = connection
            .prepare_cached("SELECT value FROM meta WHERE name = 'ended_runs'")?
            .query_row([], |row| row.get(0))?;
        let kept = i64::try_from(self.retention.ended_runs).unwrap_or(i64::MAX);
        let excess = ended.saturating_sub(kept).max(0);
        // One more than the limit tells whether another batch finds something.
        let oldest: Vec<(i64, i64, i64)> = connection
            .prepare_cached(
                "SELECT key, ended_at, action_revision FROM run INDEXED BY run_ended \
                 WHERE ended_at IS NOT NULL ORDER BY ended_at, key LIMIT ?1",
            )?
            .query_map([i64::from(limit) + 1], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        let mut doomed = (0i64..).zip(oldest).take_while(|(at, (_, ended_at, _))| {
            *at < excess || *ended_at < self.retention.ended_before.as_micros()
        });
        let (mut runs, mut rows) = (0, 0);
        for (_, (key, _, revision)) in doomed.by_ref() {
            if runs == limit || rows > ROWS_LIMIT {
                self.saved(group, runs)?;
                return Ok((runs, true));
            }
            rows += delete_run(connection, key)?;
            group.count_revision(revision, -1);
            runs += 1;
        }
        self.saved(group, runs)?;
        Ok((runs, false))
    }

    fn saved(&self, group: &mut Group<'_>, runs: u32) -> Result<(), Failure> {
        if runs > 0 {
            group.count_ended(-i64::from(runs));
            group.save_keys()?;
        }
        Ok(())
    }

    fn delete_keys(&self, connection: &Connection, limit: u32) -> Result<u32, Failure> {
        let deleted = connection
            .prepare_cached(
                "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency \
                 INDEXED BY idempotency_expiry WHERE expires_at <= ?1 \
                 ORDER BY expires_at LIMIT ?2)",
            )?
            .execute(params![self.retention.now.as_micros(), limit])?;
        Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
    }

    /// Once all its deliveries are gone, nobody asks about a destination any more. All destinations
    /// are looked at, so this is for the last batch.
    fn delete_destinations(&self, connection: &Connection, limit: u32) -> Result<(), Failure> {
        connection
            .prepare_cached(
                "DELETE FROM destination WHERE destination IN (SELECT destination \
                 FROM destination AS old WHERE coalesce(paused_until, 0) <= ?1 \
                 AND coalesce(last_accepted_at, 0) < ?2 AND NOT EXISTS (SELECT 1 FROM delivery \
                 WHERE delivery.destination = old.destination) LIMIT ?3)",
            )?
            .execute(params![
                self.retention.now.as_micros(),
                self.retention.ended_before.as_micros(),
                limit
            ])?;
        Ok(())
    }

    /// A revision is first marked, and deleted when it was still unused after the grace.
    fn delete_revisions(&self, connection: &Connection, limit: u32) -> Result<u32, Failure> {
        const UNUSED: &str = "FROM action_revision AS old INDEXED BY action_revision_unused \
            WHERE runs <= 0 AND NOT EXISTS (SELECT 1 FROM action \
            WHERE action.revision = old.revision)";
        let now = self.retention.now;
        let deleted = connection
            .prepare_cached(&format!(
                "DELETE FROM action_revision WHERE revision IN (SELECT revision {UNUSED} \
                 AND orphaned_at <= ?1 LIMIT ?2)"
            ))?
            .execute(params![now.minus(ORPHAN_GRACE).as_micros(), limit])?;
        connection
            .prepare_cached(&format!(
                "UPDATE action_revision SET orphaned_at = ?1 WHERE revision IN (SELECT revision \
                 {UNUSED} AND orphaned_at IS NULL LIMIT ?2)"
            ))?
            .execute(params![now.as_micros(), limit])?;
        Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
    }
}

fn delete_run(connection: &Connection, key: i64) -> Result<usize, Failure> {
    let mut rows = 0;
    for sql in [
        "DELETE FROM log_line WHERE run_key = ?1",
        "DELETE FROM event WHERE run_key = ?1",
        "DELETE FROM attempt WHERE run_key = ?1",
        "DELETE FROM delivery WHERE run_key = ?1",
        "DELETE FROM run_document WHERE run_key = ?1",
        "DELETE FROM run WHERE key = ?1",
    ] {
        rows += connection.prepare_cached(sql)?.execute([key])?;
    }
    Ok(rows)
}
