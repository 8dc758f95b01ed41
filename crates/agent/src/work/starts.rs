//! Asks the server whether calls may be made: whatever is ready in one question, one at a time.

use std::collections::HashMap;

use longshore_domain::agent::{
    AttemptRef, BATCH_LIMIT, Start, StartAnswer, StartItem, StartVerdict,
};
use longshore_domain::outcome::Repeat;
use tokio::sync::{mpsc, oneshot};

use super::Server;
use super::settles::Settles;
use super::stop::Stop;
use crate::api::{ApiError, Backoff};
use crate::metrics::Metrics;

/// Questions that wait for the one that is under way.
const QUEUE: usize = 2 * BATCH_LIMIT;

struct Question {
    item: StartItem,
    answer: oneshot::Sender<Verdict>,
}

/// The server's answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The call may be made; whether a repeat of it is harm for the server.
    Started(Repeat),
    /// It must not be made.
    No,
}

/// Where questions are put.
pub(super) struct Starts {
    queue: mpsc::Sender<Question>,
}

/// Who asks them.
pub(super) struct Starting {
    queue: mpsc::Receiver<Question>,
}

pub(super) fn new() -> (Starts, Starting) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Starts { queue: sender }, Starting { queue: receiver })
}

impl Starts {
    /// Whether the call may be made; none where the agent stops before there is an answer.
    pub(super) async fn ask(&self, item: StartItem) -> Option<Verdict> {
        let (answer, answered) = oneshot::channel();
        let question = Question { item, answer };
        self.queue.send(question).await.ok()?;
        answered.await.ok()
    }
}

impl Starting {
    /// Asks until the agent stops. What is not asked by then was not started.
    pub(super) async fn run(mut self, server: &Server, settles: &Settles, stop: &Stop) {
        let mut batch = Vec::with_capacity(BATCH_LIMIT);
        loop {
            tokio::select! {
                // Nothing is started that could not be reported.
                () = settles.some_room() => {}
                () = stop.stopped() => return,
            }
            let received = tokio::select! {
                received = self.queue.recv_many(&mut batch, BATCH_LIMIT) => received,
                () = stop.stopped() => return,
            };
            if received == 0 {
                return;
            }
            let items = batch.iter().map(|it: &Question| it.item.clone()).collect();
            let Some(answers) = ask(server, items, stop).await else {
                return;
            };
            give(&mut batch, answers, &server.metrics);
        }
    }
}

/// The answers of the server, however long it takes to get them; none where the agent stops first.
async fn ask(server: &Server, items: Vec<StartItem>, stop: &Stop) -> Option<Vec<StartAnswer>> {
    let mut start = Start {
        by: server.session.clone(),
        items,
    };
    match answered(server, &start, stop).await? {
        Ok(answers) => return Some(answers),
        Err(error) => tracing::warn!(%error, items = start.items.len(), "starts were refused"),
    }
    // One item that is refused harms no neighbour.
    let items = std::mem::take(&mut start.items);
    let mut answers = Vec::with_capacity(items.len());
    for item in items {
        start.items = vec![item];
        match answered(server, &start, stop).await? {
            Ok(mut answered) => answers.append(&mut answered),
            Err(error) => tracing::error!(%error, "a call could not be started"),
        }
    }
    Some(answers)
}

/// The answers, or the refusal of the whole question; none where the agent stops first.
async fn answered(
    server: &Server,
    start: &Start,
    stop: &Stop,
) -> Option<Result<Vec<StartAnswer>, ApiError>> {
    let mut backoff = Backoff::default();
    loop {
        let answered = server.api.start(start).await;
        let is_there = answered.as_ref().err().is_none_or(ApiError::is_refusal);
        server.contact.is(is_there);
        match answered {
            Ok(answers) => return Some(Ok(answers)),
            Err(error) if is_there => return Some(Err(error)),
            Err(error) => {
                server.metrics.api_failed("start", &error);
                let wait = backoff.next(&error);
                tokio::select! {
                    () = server.contact.wait(wait) => {}
                    () = stop.stopped() => return None,
                }
            }
        }
    }
}

/// Gives each question its answer; one without any must not be called.
fn give(batch: &mut Vec<Question>, answers: Vec<StartAnswer>, metrics: &Metrics) {
    let mut verdicts: HashMap<AttemptRef, StartAnswer> = answers
        .into_iter()
        .map(|answer| (answer.attempt.clone(), answer))
        .collect();
    for Question { item, answer } in batch.drain(..) {
        // Taken out, so that one attempt that came twice is called once.
        let verdict = match verdicts.remove(&item.attempt) {
            Some(started) if started.answer == StartVerdict::Started => {
                Verdict::Started(started.repeat())
            }
            other => {
                metrics.not_started(other.and_then(|it| it.reason));
                Verdict::No
            }
        };
        // Whoever asked may have gone.
        let _gone = answer.send(verdict);
    }
}
