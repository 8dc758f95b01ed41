//! Everything that outlives a process: receivers, the database's directory, the clock.

use std::future::Future;
use std::time::Duration;

use longshore_domain::connection::Defaults;
use longshore_domain::delivery::{Delivery, Schedule};
use longshore_domain::id::RunId;
use longshore_domain::run::Run;
use longshore_domain::time::Timestamp;
use longshore_engine::environment::FixedEnvironment;
use longshore_engine::{AzureSettings, DeliveryFilter, RetentionSettings, Settings, Window};
use longshore_store::sqlite::{Config, Sqlite};
use longshore_store::{Outbox, Runs};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::process::Process;

/// Longer than anything here takes; a test that reaches it has failed.
pub(crate) const SOON: Duration = Duration::from_secs(120);
/// The client id of the only credential.
pub(crate) const CLIENT: &str = "tests";
/// Its secret, which signs where no connection has one of its own.
pub(crate) const CLIENT_SECRET: &str = "client-secret-of-the-tests-0123456789abcdef";
/// 2026-01-02T03:04:05Z.
const START_MICROS: i64 = 1_767_323_045_000_000;

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What a restart does not change.
pub(crate) struct World {
    pub(crate) clock: FixedEnvironment,
    pub(crate) settings: Settings,
    /// The ranges that may be called.
    pub(crate) allow: Vec<&'static str>,
    directory: TempDir,
    receivers: Runtime,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            clock: FixedEnvironment::at(Timestamp::from_micros(START_MICROS)),
            settings: settings(),
            allow: vec!["127.0.0.0/8"],
            directory: tempfile::tempdir().expect("a directory"),
            receivers: runtime("receivers"),
        }
    }

    /// Runs `work` beside the receivers, outside of every process.
    pub(crate) fn on<T>(&self, work: impl Future<Output = T>) -> T {
        self.receivers.block_on(async {
            tokio::time::timeout(SOON, work)
                .await
                .expect("it takes too long")
        })
    }

    /// A process on the database, which has taken over what the one before left.
    pub(crate) fn boot(&self) -> Process {
        let process = self.open();
        process.take_over();
        process
    }

    /// A process on the database that has not looked at it yet.
    pub(crate) fn open(&self) -> Process {
        Process::open(self)
    }

    /// The database's directory.
    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    pub(crate) fn store(&self) -> Sqlite {
        let path = self.directory.path().join("longshore.db");
        Sqlite::open(&Config::new(path)).expect("the database opens")
    }

    /// What stands on disk while no process runs: every run with its delivery, oldest first.
    pub(crate) fn on_disk(&self) -> Vec<(Run, Delivery)> {
        let store = self.store();
        self.on(async {
            let filter = DeliveryFilter {
                limit: 1_000,
                ..DeliveryFilter::default()
            };
            let mut found = Vec::new();
            for delivery in store.deliveries(filter).await.expect("deliveries").items {
                let (run, _) = store
                    .run_state(&delivery.run)
                    .await
                    .expect("a run")
                    .expect("its run");
                found.push((run, delivery));
            }
            found.reverse();
            found
        })
    }

    /// One run on disk while no process runs.
    pub(crate) fn delivery_on_disk(&self, id: &RunId) -> Delivery {
        let found = self.on_disk().into_iter().find(|(run, _)| &run.id == id);
        found.expect("the run is on disk").1
    }
}

pub(crate) fn runtime(name: &str) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn settings() -> Settings {
    Settings {
        delivery: Defaults {
            concurrency: 64,
            concurrency_harm: 8,
            connect_timeout: seconds(5),
            timeout: seconds(20),
            schedule: Schedule::default(),
            report_timeout: seconds(24 * 3_600),
        },
        window: Window {
            count: 1_000,
            bytes: 32 << 20,
        },
        memory_bytes: 64 << 20,
        breaker_failures: 10,
        azure: AzureSettings {
            base_url: "https://dev.azure.com".into(),
            api_version: "6.0-preview".into(),
        },
        egress_addresses: Vec::new(),
        retention: RetentionSettings {
            age: seconds(30 * 24 * 3_600),
            count: 1_000_000,
            interval: seconds(600),
            batch: 500,
        },
    }
}
