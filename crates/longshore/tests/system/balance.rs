//! What became of the runs that agents call, counted at the server and at the receivers, and what
//! must hold of it once nothing is under way.

use std::collections::{BTreeMap, BTreeSet};

use longshore_emulators::jenkins::Jenkins;
use longshore_emulators::webhook_sink::WebhookSink;
use serde_json::Value;

use crate::api::Api;
use crate::receivers::{Seen, tally};

/// The runs that were executed.
#[derive(Default)]
pub(crate) struct Executed {
    /// Those that trigger a job, where a repeat is harm.
    pub(crate) jenkins: Vec<String>,
    /// Those that call a webhook, where a repeat is allowed.
    pub(crate) hooks: Vec<String>,
}

impl Executed {
    /// Executes the actions `jenkins` and `hook` so often each.
    pub(crate) async fn more(&mut self, api: &Api, times: usize) {
        for _ in 0..times {
            self.jenkins.push(api.execute("jenkins").await);
            self.hooks.push(api.execute("hook").await);
        }
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.jenkins.len() + self.hooks.len()
    }
}

/// What receivers saw, in all their lives.
#[derive(Default)]
pub(crate) struct Calls {
    /// Run and attempt of each call that was let in, in the order of arrival.
    made: Vec<(String, u64)>,
    builds: Seen,
}

impl Calls {
    pub(crate) fn of(jenkins: &Jenkins, sink: &WebhookSink) -> Self {
        let mut calls = Self::default();
        calls.add_jenkins(jenkins);
        calls.add_sink(sink);
        calls
    }

    /// Adds what a life of Jenkins saw.
    pub(crate) fn add_jenkins(&mut self, jenkins: &Jenkins) {
        for call in jenkins.calls() {
            let run = call.header("x-longshore-run-id").unwrap().to_owned();
            let attempt = call.header("x-longshore-attempt").unwrap().parse().unwrap();
            self.made.push((run, attempt));
        }
        let builds = jenkins.builds().into_iter();
        let built = tally(builds.map(|build| build.reported_run_id().to_owned()));
        for (run, times) in built {
            *self.builds.entry(run).or_default() += times;
        }
    }

    /// Adds what a life of the sink saw.
    pub(crate) fn add_sink(&mut self, sink: &WebhookSink) {
        assert_eq!(sink.counts().invalid_signatures, 0);
        for delivery in sink.deliveries() {
            let attempt = u64::from(delivery.attempt.unwrap());
            self.made.push((delivery.run_id.unwrap(), attempt));
        }
    }

    /// The attempts of each run in the order in which they arrived.
    pub(crate) fn attempts(&self) -> BTreeMap<&str, Vec<u64>> {
        let mut attempts: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (run, attempt) in &self.made {
            attempts.entry(run).or_default().push(*attempt);
        }
        attempts
    }
}

/// The counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    /// Attempts that were given to agents.
    pub(crate) published: usize,
    /// Attempts that an agent has started.
    pub(crate) started: usize,
    /// Calls that arrived.
    pub(crate) called: usize,
    /// Attempts whose outcome an agent has reported.
    pub(crate) reported: usize,
    /// Deliveries that were given up.
    pub(crate) dead: usize,
    /// Deliveries that may have arrived.
    pub(crate) unconfirmed: usize,
}

impl Balance {
    /// Each of so many runs was published, started, called and reported once.
    pub(crate) const fn even(runs: usize) -> Self {
        Self {
            published: runs,
            started: runs,
            called: runs,
            reported: runs,
            dead: 0,
            unconfirmed: 0,
        }
    }

    /// Counts, once nothing is under way: every run is settled and none is missing, no attempt was
    /// called twice or without being started, and no run has two builds.
    pub(crate) async fn of(api: &Api, executed: &Executed, calls: &Calls) -> Self {
        let deliveries = deliveries(api).await;
        let found: BTreeSet<&str> = deliveries.iter().map(run_of).collect();
        let runs = || executed.jenkins.iter().chain(&executed.hooks);
        for run in runs() {
            assert!(found.contains(run.as_str()), "{run} is missing");
        }
        assert_eq!(deliveries.len(), executed.len(), "deliveries and runs");
        let mut balance = Self {
            called: calls.made.len(),
            ..Self::default()
        };
        let jenkins: BTreeSet<&str> = executed.jenkins.iter().map(String::as_str).collect();
        let arrived = calls.attempts();
        for delivery in &deliveries {
            let run = run_of(delivery);
            let attempts = arrived.get(run).map_or(&[][..], Vec::as_slice);
            balance.add(api, delivery, attempts).await;
            if jenkins.contains(run) {
                let builds = calls.builds.get(run).copied().unwrap_or(0);
                let fits = match delivery["state"].as_str().unwrap() {
                    "done" => builds == 1,
                    "unconfirmed" => builds <= 1,
                    _ => builds == 0,
                };
                assert!(fits, "{builds} builds: {delivery}");
            }
        }
        assert!(arrived.keys().all(|run| found.contains(run)));
        println!("{} runs: {balance:?}", executed.len());
        balance
    }

    async fn add(&mut self, api: &Api, delivery: &Value, arrived: &[u64]) {
        let id = delivery["id"].as_str().unwrap();
        let recorded = api.get(&format!("/v1/deliveries/{id}/attempts")).await;
        let recorded = recorded["attempts"].as_array().unwrap().clone();
        let reason = |attempt: &Value| attempt["diagnosis"]["reason"].clone();
        let started = recorded
            .iter()
            .filter(|attempt| reason(attempt) != "message_unverified");
        let numbers: BTreeSet<u64> = started
            .clone()
            .map(|attempt| attempt["number"].as_u64().unwrap())
            .collect();
        for attempt in arrived {
            assert!(
                numbers.contains(attempt),
                "{attempt} was not started: {delivery}"
            );
        }
        let once: BTreeSet<&u64> = arrived.iter().collect();
        assert_eq!(
            once.len(),
            arrived.len(),
            "an attempt came twice: {delivery}"
        );
        self.published += usize::try_from(delivery["attempts"].as_u64().unwrap()).unwrap();
        self.started += numbers.len();
        self.reported += started
            .filter(|attempt| reason(attempt) != "agent_lost")
            .count();
        match delivery["state"].as_str().unwrap() {
            "done" => assert!(!arrived.is_empty(), "it never arrived: {delivery}"),
            "dead" => self.dead += 1,
            "unconfirmed" => {
                assert_eq!(delivery["repeatUnknown"], false, "{delivery}");
                self.unconfirmed += 1;
            }
            _ => panic!("it is not settled: {delivery}"),
        }
    }
}

fn run_of(delivery: &Value) -> &str {
    delivery["runId"].as_str().unwrap()
}

/// All of them.
async fn deliveries(api: &Api) -> Vec<Value> {
    let mut all = Vec::new();
    let mut page = api.get("/v1/deliveries?limit=1000").await;
    loop {
        all.extend(page["deliveries"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else {
            return all;
        };
        page = api
            .get(&format!("/v1/deliveries?limit=1000&from={next}"))
            .await;
    }
}
