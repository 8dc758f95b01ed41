//! Power loss: what was not synced may be gone, torn or there. What was confirmed has to be there.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use longshore_domain::delivery::{self, State};
use longshore_domain::outcome::Repeat;
use longshore_domain::run::{DeliveryWrite, Entry, RunChange};
use longshore_store::sqlite::{Config, Sqlite};
use longshore_store::{DeliveryFilter, Outbox, RunFilter, Runs};
use tokio::task::JoinSet;

use crate::sample;
use crate::vfs::{self, Disk, Step};

const RUNS: u64 = 240;
const POINTS: usize = 300;
const SECTOR: usize = 512;

/// After `steps` of the disk run `number` was confirmed to be as far as `stage`.
struct Confirmed {
    steps: usize,
    number: u64,
    stage: u32,
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// Inserts, starts and settles runs from several callers, with many checkpoints between.
async fn work(path: &Path) -> (Arc<Disk>, Vec<Confirmed>) {
    let disk = Disk::of(path);
    let config = Config {
        vfs: Some(vfs::NAME.into()),
        checkpoint_pages: 40,
        restart_pages: 120,
        ..Config::new(path)
    };
    let store = Arc::new(Sqlite::open(&config).expect("opened"));
    let confirmed = Arc::new(Mutex::new(Vec::new()));
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let (store, disk, confirmed) = (
            Arc::clone(&store),
            Arc::clone(&disk),
            Arc::clone(&confirmed),
        );
        callers.spawn(async move {
            for number in (0..RUNS).filter(|number| number % 8 == caller) {
                let confirm = |stage| {
                    let steps = disk.len();
                    confirmed.lock().expect("whole").push(Confirmed {
                        steps,
                        number,
                        stage,
                    });
                };
                let insert = sample::executed(number, "a", Entry::Window, Repeat::Harm);
                let owned = sample::delivery_of(&insert);
                store.apply(Arc::new(insert)).await.expect("stored");
                confirm(1);
                let started = delivery::start(&owned, sample::at(1)).expect("it is owned");
                let mut start = RunChange::keep(owned.run.clone());
                start.delivery = Some(DeliveryWrite::update(&owned, started));
                let started = sample::delivery_of(&start);
                store.apply(Arc::new(start)).await.expect("started");
                confirm(2);
                store
                    .apply(Arc::new(sample::settled(&started, 1)))
                    .await
                    .expect("settled");
                confirm(3);
            }
        });
    }
    callers.join_all().await;
    let confirmed = std::mem::take(&mut *confirmed.lock().expect("whole"));
    (disk, confirmed)
}

/// A file after a power loss: what was synced, and what the dice let through of the rest.
#[derive(Default)]
struct Image {
    synced: Vec<u8>,
    pending: Vec<Step>,
}

fn write(bytes: &mut Vec<u8>, offset: usize, from: &[u8]) {
    if bytes.len() < offset + from.len() {
        bytes.resize(offset + from.len(), 0);
    }
    bytes[offset..offset + from.len()].copy_from_slice(from);
}

impl Image {
    fn sync(&mut self) {
        for step in self.pending.drain(..) {
            match step {
                Step::Write { offset, bytes, .. } => write(&mut self.synced, offset, &bytes),
                Step::Truncate { size, .. } => self.synced.truncate(size),
                Step::Sync { .. } | Step::Delete { .. } => {}
            }
        }
    }

    fn after_power_loss(&self, dice: &mut Dice) -> Vec<u8> {
        let mut left = self.synced.clone();
        let generous = dice.roll(4);
        for step in &self.pending {
            match step {
                Step::Write { offset, bytes, .. } => {
                    for (at, sector) in bytes.chunks(SECTOR).enumerate() {
                        if dice.roll(4) < generous {
                            write(&mut left, offset + at * SECTOR, sector);
                        }
                    }
                }
                Step::Truncate { size, .. } if dice.roll(2) == 0 => left.truncate(*size),
                _ => {}
            }
        }
        left
    }
}

/// Whether all that was confirmed is there in `directory`.
async fn check(path: &Path, expected: &BTreeMap<u64, u32>) -> Result<(), String> {
    let store = Sqlite::open(&Config::new(path)).map_err(|error| error.to_string())?;
    let all = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    let runs = store
        .runs(all)
        .await
        .map_err(|error| error.to_string())?
        .items;
    let all = DeliveryFilter {
        limit: 1_000,
        ..DeliveryFilter::default()
    };
    let deliveries = store
        .deliveries(all)
        .await
        .map_err(|error| error.to_string())?
        .items;
    if runs.len() != deliveries.len() {
        return Err(format!(
            "{} runs, {} deliveries",
            runs.len(),
            deliveries.len()
        ));
    }
    let mut stages = HashMap::new();
    for delivery in deliveries {
        let stage = [State::Owned, State::Started, State::Done]
            .iter()
            .position(|state| *state == delivery.state)
            .ok_or("a state that nobody wrote")?;
        let attempts = store
            .attempts(&delivery.id)
            .await
            .map_err(|error| error.to_string())?;
        if attempts.len() != usize::from(stage == 2) || delivery.version as usize != stage + 1 {
            return Err(format!("half a change of {}", delivery.id));
        }
        stages.insert(delivery.run, delivery.version);
    }
    for (number, stage) in expected {
        let stored = stages.get(&sample::run_id(*number)).copied().unwrap_or(0);
        if stored < *stage {
            return Err(format!(
                "run {number} was confirmed at {stage}, and is at {stored}"
            ));
        }
    }
    drop(store);
    Sqlite::check(path).map_err(|error| error.to_string())
}

/// Loses power at random points; answers at how many of them something confirmed was lost.
async fn lose_power(steps: &[Step], confirmed: &[Confirmed], syncs_work: bool) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    // Before the first confirmation there is nothing that could be lost.
    let first = confirmed
        .iter()
        .map(|confirmed| confirmed.steps)
        .min()
        .expect("some");
    let mut points: Vec<usize> = (0..POINTS)
        .map(|_| first + dice.roll(steps.len() - first))
        .collect();
    points.sort_unstable();
    let mut images: HashMap<String, Image> = HashMap::new();
    let (mut done, mut losses) = (0, Vec::new());
    for (nth, point) in points.into_iter().enumerate() {
        for step in &steps[done..point] {
            match step {
                Step::Write { file, .. } | Step::Truncate { file, .. } => {
                    images
                        .entry(file.clone())
                        .or_default()
                        .pending
                        .push(step.clone());
                }
                Step::Sync { file } if syncs_work => {
                    images.entry(file.clone()).or_default().sync();
                }
                Step::Sync { .. } => {}
                Step::Delete { file } => drop(images.remove(file)),
            }
        }
        done = point;
        let path = directory.path().join(format!("{nth}.db"));
        for (file, image) in &images {
            let suffix = if file.ends_with("-wal") { "-wal" } else { "" };
            let image_path = directory.path().join(format!("{nth}.db{suffix}"));
            std::fs::write(image_path, image.after_power_loss(&mut dice)).expect("written");
        }
        let mut expected = BTreeMap::new();
        for Confirmed { number, stage, .. } in confirmed
            .iter()
            .filter(|confirmed| confirmed.steps <= point)
        {
            let highest = expected.entry(*number).or_insert(0);
            *highest = (*stage).max(*highest);
        }
        if let Err(loss) = check(&path, &expected).await {
            losses.push(format!("after {point} steps: {loss}"));
        }
    }
    losses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_confirmed_is_lost() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = vfs::canonical(&directory.path().join("longshore.db"));
    let (disk, confirmed) = work(&path).await;
    let steps = disk.steps();
    assert_eq!(confirmed.len() as u64, 3 * RUNS);
    let copied = |step: &&Step| matches!(step, Step::Sync { file } if !file.ends_with("-wal"));
    assert!(
        steps.iter().filter(copied).count() > 3,
        "there were checkpoints among the writes"
    );
    let losses = lose_power(&steps, &confirmed, true).await;
    assert_eq!(losses, Vec::<String>::new());
    // The same disk without working syncs: the test would see a loss.
    assert!(lose_power(&steps, &confirmed, false).await.len() > POINTS / 2);
}
