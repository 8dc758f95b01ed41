//! A history of finished runs: one real run, made through the API, copied row by row.
//!
//! Copying rows keeps whatever columns there are; only keys, ids and instants differ. A million
//! runs through the API would take the better part of an hour.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, params};
use serde_json::json;

use crate::rig::role::Role;
use crate::rig::server::Longshore;
use crate::rig::trial::{Amount, Measured, trial};

const DATABASE: &str = "longshore.db";
const TABLES: [&str; 6] = [
    "run",
    "run_document",
    "delivery",
    "attempt",
    "event",
    "log_line",
];
/// Copies in one transaction.
const BATCH: u64 = 20_000;
/// Between two runs, so that a million of them lie within the days that runs are kept.
const APART_MICROS: u64 = 2_000_000;
/// How often the newest runs are asked for.
const LISTS: usize = 200;

/// Makes a database with `count` finished runs, each with events, an attempt and logs.
pub(crate) fn seed(
    data: &Path,
    action: &'static str,
    url: &str,
    load: &mut Role,
    sink: &mut Role,
    count: u64,
) -> Result<Duration> {
    let begin = Instant::now();
    let mut server = Longshore::start(data, action)?;
    server.create_webhook(action, url)?;
    trial(
        &mut server,
        load,
        sink,
        Amount {
            runs: 1,
            connections: 1,
            per_second: None,
        },
    )?;
    finish_newest(&mut server)?;
    if !server.is_settled(1)? {
        bail!("the sample run is not settled");
    }
    server.stop()?;
    let file = data.join(DATABASE);
    copy(&file, count)?;
    // Else the system writes it out while the first rounds are measured.
    File::open(&file)?.sync_all()?;
    Ok(begin.elapsed())
}

/// Logs on the newest run, and its end.
fn finish_newest(server: &mut Longshore) -> Result<()> {
    let listed = server.call("GET", "/v1/actions/runs?limit=1", None)?;
    let id = listed["runs"][0]["id"].as_str().context("no run")?;
    for line in [
        "Build 4711 started by Longshore",
        "Rolled out to 3 replicas",
    ] {
        let line = json!({"message": line});
        server.call("POST", &format!("/v1/actions/runs/{id}/logs"), Some(&line))?;
    }
    let end = json!({"status": "SUCCESS", "summary": "Rolled out", "link": "https://ci/4711"});
    server.call("PATCH", &format!("/v1/actions/runs/{id}"), Some(&end))?;
    Ok(())
}

fn copy(file: &Path, count: u64) -> Result<()> {
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -256 * 1024)?;
    let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let sample = one("SELECT max(key) FROM run WHERE ended_at IS NOT NULL")?;
    let revision = one("SELECT action_revision FROM run ORDER BY key DESC LIMIT 1")?;
    let copies = TABLES
        .iter()
        .map(|table| copying(&connection, table, sample, count))
        .collect::<Result<Vec<_>>>()?;
    let mut first = 1;
    while first <= count {
        let last = (first + BATCH - 1).min(count);
        let transaction = connection.transaction()?;
        for sql in &copies {
            transaction.execute(sql, params![i64::try_from(first)?, i64::try_from(last)?])?;
        }
        transaction.commit()?;
        first = last + 1;
    }
    connection.execute_batch(&format!(
        "UPDATE meta SET value = value + {count} WHERE name = 'ended_runs';
         UPDATE action_revision SET runs = runs + {count} WHERE revision = {revision};
         PRAGMA wal_checkpoint(TRUNCATE);"
    ))?;
    Ok(())
}

/// Copies the sample's rows of a table for each number from ?1 to ?2.
fn copying(connection: &Connection, table: &str, sample: i64, count: u64) -> Result<String> {
    let mut columns = connection.prepare(&format!("PRAGMA table_info({table})"))?;
    let columns: Vec<String> = columns
        .query_map([], |row| row.get(1))?
        .collect::<rusqlite::Result<_>>()?;
    let own_key = if table == "run" { "key" } else { "run_key" };
    let expression = |column: &String| match column.as_str() {
        "key" | "run_key" => format!("{sample} + n"),
        // A delivery has its run's.
        "id" if table == "delivery" => column.to_owned(),
        // The number stands where chance does in an id; its first half is the instant.
        "id" => "substr(id, 1, 10) || printf('%08d', n)".to_owned(),
        instant if instant.ends_with("_at") || instant.ends_with("_since") || instant == "at" => {
            format!("{instant} - ({count} - n) * {APART_MICROS}")
        }
        other => other.to_owned(),
    };
    let expressions: Vec<String> = columns.iter().map(expression).collect();
    Ok(format!(
        "WITH RECURSIVE number(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM number WHERE n < ?2)
         INSERT INTO {table} ({}) SELECT {} FROM number CROSS JOIN {table} WHERE {own_key} = {sample}",
        columns.join(", "),
        expressions.join(", ")
    ))
}

/// Microseconds that the newest fifty runs take, median of many times.
pub(crate) fn list_micros(server: &mut Longshore) -> Result<f64> {
    let mut took = Vec::with_capacity(LISTS);
    for _ in 0..LISTS {
        let begin = Instant::now();
        let listed = server.call("GET", "/v1/actions/runs?limit=50", None)?;
        took.push(begin.elapsed().as_micros() as f64);
        if listed["runs"].as_array().map(Vec::len) != Some(50) {
            bail!("fewer than fifty runs were listed");
        }
    }
    Ok(crate::rig::figures::median(took))
}
