//! Callers that execute actions without pause, and what was promised to them.

use std::collections::BTreeSet;

use http::Method;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::api::{Api, runs_of};
use crate::receivers::{JENKINS, WEBHOOK};
use crate::server::SOON;

/// Callers at once.
pub(crate) const CALLERS: usize = 6;

/// The runs that were answered with 202.
#[derive(Debug, Default)]
pub(crate) struct Promised {
    pub(crate) webhook: BTreeSet<String>,
    pub(crate) jenkins: BTreeSet<String>,
}

impl Promised {
    pub(crate) fn len(&self) -> usize {
        self.webhook.len() + self.jenkins.len()
    }
}

/// Callers under way.
pub(crate) struct Traffic {
    callers: JoinSet<Vec<(&'static str, String)>>,
    accepted: watch::Receiver<usize>,
    go_on: watch::Sender<bool>,
}

impl Traffic {
    /// Starts callers that end when the server is gone, or when they are told to.
    pub(crate) fn start(api: &Api) -> Self {
        let (count, accepted) = watch::channel(0);
        let (go_on, going_on) = watch::channel(true);
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (api, count, going_on) = (api.clone(), count.clone(), going_on.clone());
            let first = [WEBHOOK, JENKINS][caller % 2];
            callers.spawn(async move { execute_on(&api, first, &count, &going_on).await });
        }
        Self {
            callers,
            accepted,
            go_on,
        }
    }

    /// Waits until this many runs have been accepted.
    pub(crate) async fn accepted(&mut self, wanted: usize) {
        let reached = self.accepted.wait_for(|accepted| *accepted >= wanted);
        timeout(SOON, reached).await.unwrap().unwrap();
    }

    /// How many runs have been accepted.
    pub(crate) fn count(&self) -> usize {
        *self.accepted.borrow()
    }

    /// Waits for the callers' ends, and adds what was promised to them.
    pub(crate) async fn ended(self, promised: &mut Promised) {
        for (action, run) in self.callers.join_all().await.into_iter().flatten() {
            let new = match action {
                WEBHOOK => promised.webhook.insert(run),
                _ => promised.jenkins.insert(run),
            };
            assert!(new, "two runs of one id");
        }
    }

    /// Tells the callers to end, and adds what was promised to them.
    pub(crate) async fn end(self, promised: &mut Promised) {
        self.go_on.send_replace(false);
        self.ended(promised).await;
    }
}

async fn execute_on(
    api: &Api,
    first: &'static str,
    count: &watch::Sender<usize>,
    going_on: &watch::Receiver<bool>,
) -> Vec<(&'static str, String)> {
    let mut accepted = Vec::new();
    let mut action = first;
    while *going_on.borrow() {
        let body = json!({"properties": {}});
        let Ok(answer) = api
            .attempt(Method::POST, &runs_of(action), Some(&body))
            .await
        else {
            break;
        };
        match answer.status {
            202 => {
                let run = answer.json()["run"]["id"].as_str().unwrap().to_owned();
                accepted.push((action, run));
                count.send_modify(|count| *count += 1);
            }
            503 if answer.headers.contains_key("retry-after") => {}
            _ => panic!("neither accepted nor put off: {answer:?}"),
        }
        action = if action == WEBHOOK { JENKINS } else { WEBHOOK };
    }
    accepted
}
