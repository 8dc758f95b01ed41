//! How many runs a second the store takes: `cargo bench -p longshore-store`.
//!
//! Closed loop: every caller waits until its write is durable. Prints figures, asserts nothing.

#![expect(
    clippy::expect_used,
    reason = "a measurement ends where something fails"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use longshore_domain::outcome::Repeat;
use longshore_domain::run::Entry;
use longshore_store::sqlite::{Config, Sqlite};
use longshore_store::{Outbox, RunFilter, Runs, Upkeep};
use tokio::task::JoinSet;

#[path = "../tests/conformance/sample.rs"]
#[expect(dead_code, reason = "the bench needs only some of the tests' samples")]
mod sample;

const CALLERS: usize = 64;
const DESTINATION: &str = "https://hooks.example.com";

/// What a caller does with one number.
#[derive(Clone, Copy)]
enum Work {
    Insert,
    InsertAndSettle,
    Store,
}

async fn one(store: &Sqlite, work: Work, number: u64) {
    match work {
        Work::Insert => {
            store
                .apply(Arc::new(sample::owned(number)))
                .await
                .expect("stored");
        }
        Work::InsertAndSettle => {
            let change = sample::owned(number);
            let delivery = sample::delivery_of(&change);
            store.apply(Arc::new(change)).await.expect("stored");
            store
                .apply(Arc::new(sample::settled(&delivery, 1)))
                .await
                .expect("settled");
        }
        Work::Store => {
            let change = sample::executed(number, DESTINATION, Entry::Stored, Repeat::Allowed);
            store.apply(Arc::new(change)).await.expect("stored");
        }
    }
}

/// Runs a second, and the median and 99th percentile of one piece of work.
async fn measure(store: &Arc<Sqlite>, next: &Arc<AtomicU64>, work: Work, runs: u64) -> String {
    let mut callers = JoinSet::new();
    let (begin, writer_begin) = (Instant::now(), writer_cpu());
    let end = next.load(Ordering::Relaxed) + runs;
    for _ in 0..CALLERS {
        let (store, next) = (Arc::clone(store), Arc::clone(next));
        callers.spawn(async move {
            let mut took = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return took;
                }
                let begin = Instant::now();
                one(&store, work, number).await;
                took.push(begin.elapsed());
            }
        });
    }
    let mut took: Vec<Duration> = callers.join_all().await.into_iter().flatten().collect();
    let rate = took.len() as f64 / begin.elapsed().as_secs_f64();
    took.sort_unstable();
    let (p50, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    let writer = (writer_cpu() - writer_begin) / u32::try_from(took.len()).unwrap_or(u32::MAX);
    format!("{rate:>8.0}/s   p50 {p50:>9.2?}   p99 {p99:>9.2?}   writer {writer:>9.2?} CPU each")
}

/// How long the writer's thread has been on a CPU.
fn writer_cpu() -> Duration {
    /// The kernel's unit in this file, `USER_HZ`.
    const TICK: Duration = Duration::from_millis(10);
    let threads = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let ticks = threads.filter_map(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).ok()?;
        let (name, numbers) = stat.split_once(") ")?;
        let numbers: Vec<u32> = numbers.split(' ').map(|n| n.parse().unwrap_or(0)).collect();
        name.ends_with("(store-writer")
            .then(|| numbers[11] + numbers[12])
    });
    TICK * ticks.sum()
}

/// An argument that is a number: how many finished runs lie there already.
fn present() -> u64 {
    std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(0)
}

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("bench.db");
    let store = Arc::new(Sqlite::open(&Config::new(&path)).expect("opened"));
    let next = Arc::new(AtomicU64::new(0));
    let present = present();
    if present > 0 {
        println!(
            "{present} present: {}",
            measure(&store, &next, Work::InsertAndSettle, present).await
        );
    }
    for round in 1..=3 {
        println!("round {round}");
        println!(
            "  insert          {}",
            measure(&store, &next, Work::Insert, 60_000).await
        );
        println!(
            "  insert, settle  {}",
            measure(&store, &next, Work::InsertAndSettle, 40_000).await
        );
        println!(
            "  stored          {}",
            measure(&store, &next, Work::Store, 20_000).await
        );
        let begin = Instant::now();
        let mut taken = 0;
        loop {
            let now = sample::at(i64::MAX / 1_000_000);
            let (found, _) = store
                .take_due(DESTINATION, now, 500, u64::MAX)
                .await
                .expect("taken");
            if found.is_empty() {
                break;
            }
            taken += found.len();
        }
        println!(
            "  taken           {:>8.0}/s",
            taken as f64 / begin.elapsed().as_secs_f64()
        );
        let begin = Instant::now();
        let page = store
            .runs(RunFilter {
                limit: 50,
                ..RunFilter::default()
            })
            .await
            .expect("read");
        println!(
            "  newest {}       {:>9.2?}",
            page.items.len(),
            begin.elapsed()
        );
    }
    let log = path.with_extension("db-wal");
    let bytes = |path| std::fs::metadata(path).map_or(0, |file| file.len());
    println!(
        "database {} MB, log {} MB",
        bytes(path) >> 20,
        bytes(log) >> 20
    );
    store.close(Duration::from_secs(10)).await.expect("closed");
}
