//! Reports what became of calls: whatever is ready in one report, kept until the server answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use longshore_domain::agent::{BATCH_LIMIT, Reported, Settle, Settlement};
use longshore_domain::diagnosis::Diagnosis;
use tokio::sync::{Notify, mpsc, oneshot};

use super::Server;
use super::room::bytes_of;
use crate::api::Backoff;

/// Reports that wait for the one that is under way, beyond which whoever reports waits itself.
const QUEUE: usize = 2 * BATCH_LIMIT;
/// About the bytes of one report; a settlement that is larger goes alone.
const REPORT_BYTES: usize = 512 * 1024;
/// The most characters of a diagnosis in a report whose full form was refused.
const SHORT_CHARS: usize = 500;
/// What a settlement takes beside its texts.
const SETTLEMENT_BYTES: usize = 512;

struct Report {
    settlement: Settlement,
    bytes: usize,
    done: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Backlog {
    bytes: AtomicUsize,
    limit: usize,
    freed: Notify,
}

/// Where settlements are put.
#[derive(Clone)]
pub(super) struct Settles {
    queue: mpsc::Sender<Box<Report>>,
    backlog: Arc<Backlog>,
}

/// Who reports them.
pub(super) struct Settling {
    queue: mpsc::Receiver<Box<Report>>,
    backlog: Arc<Backlog>,
}

pub(super) fn new(limit_bytes: usize) -> (Settles, Settling) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let backlog = Arc::new(Backlog {
        bytes: AtomicUsize::new(0),
        limit: limit_bytes,
        freed: Notify::new(),
    });
    let settles = Settles {
        queue: sender,
        backlog: Arc::clone(&backlog),
    };
    let settling = Settling {
        queue: receiver,
        backlog,
    };
    (settles, settling)
}

impl Settles {
    /// Waits until the server has answered for `settlement`.
    pub(super) async fn report(&self, settlement: Settlement) {
        let bytes = weight(&settlement);
        self.backlog.bytes.fetch_add(bytes, Ordering::AcqRel);
        let (done, is_done) = oneshot::channel();
        // Boxed, as all runs that wait to be reported hold theirs.
        let report = Box::new(Report {
            settlement,
            bytes,
            done,
        });
        // Where the reporter is gone the process ends.
        if self.queue.send(report).await.is_ok() {
            let _ended = is_done.await;
        }
    }

    /// Waits until what is not reported leaves room for more.
    pub(super) async fn some_room(&self) {
        loop {
            let freed = self.backlog.freed.notified();
            if self.backlog.bytes.load(Ordering::Acquire) < self.backlog.limit {
                return;
            }
            freed.await;
        }
    }
}

impl Settling {
    pub(super) async fn run(mut self, server: &Server) {
        let mut next: Option<Box<Report>> = None;
        loop {
            let first = match next.take() {
                Some(report) => report,
                None => match self.queue.recv().await {
                    Some(report) => report,
                    None => return,
                },
            };
            let mut bytes = first.bytes;
            let mut batch = vec![*first];
            while batch.len() < BATCH_LIMIT {
                let Ok(report) = self.queue.try_recv() else {
                    break;
                };
                bytes += report.bytes;
                if bytes > REPORT_BYTES {
                    next = Some(report);
                    break;
                }
                batch.push(*report);
            }
            self.settle(batch, server).await;
        }
    }

    async fn settle(&self, batch: Vec<Report>, server: &Server) {
        let (settlements, waiting): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|report| (report.settlement, (report.bytes, report.done)))
            .unzip();
        let mut settle = Settle {
            by: server.session.clone(),
            items: settlements,
        };
        deliver(server, &mut settle).await;
        for (bytes, done) in waiting {
            self.backlog.bytes.fetch_sub(bytes, Ordering::AcqRel);
            let _gone = done.send(());
        }
        self.backlog.freed.notify_waiters();
    }
}

/// Reports until the server has answered. A report that is refused as a whole goes in parts, and a
/// part that is refused alone in its shortest form.
async fn deliver(server: &Server, settle: &mut Settle) {
    let Some(refusal) = settled(server, settle).await else {
        return;
    };
    tracing::warn!(
        error = refusal,
        items = settle.items.len(),
        "a report was refused"
    );
    for item in std::mem::take(&mut settle.items) {
        let short = shortest(&item);
        settle.items = vec![item];
        if settled(server, settle).await.is_none() {
            continue;
        }
        settle.items = vec![short];
        if let Some(refusal) = settled(server, settle).await {
            let delivery = settle.items.first().map(|it| it.attempt.delivery.as_str());
            tracing::error!(
                delivery,
                error = refusal,
                "an outcome could not be reported"
            );
        }
    }
}

/// Reports once the server can answer; why it refuses, where it does.
async fn settled(server: &Server, settle: &Settle) -> Option<String> {
    let mut backoff = Backoff::default();
    loop {
        match server.api.settle(settle).await {
            Ok(_) => return None,
            Err(error) if error.is_refusal() => return Some(error.to_string()),
            Err(error) => {
                server.metrics.api_failed("settle", &error);
                server.contact.wait(backoff.next(&error)).await;
            }
        }
    }
}

/// The outcome alone.
fn shortest(settlement: &Settlement) -> Settlement {
    let mut outcome = settlement.outcome.clone();
    match &mut outcome {
        Reported::Accepted {
            warning,
            external_run_id,
            links,
        } => {
            warning.iter_mut().for_each(shorten);
            *external_run_id = None;
            links.clear();
        }
        Reported::Retry { diagnosis, .. }
        | Reported::Unknown { diagnosis }
        | Reported::Refused { diagnosis }
        | Reported::Unverified { diagnosis } => shorten(diagnosis),
    }
    Settlement {
        attempt: settlement.attempt.clone(),
        outcome,
        started_at: settlement.started_at,
        duration_ms: settlement.duration_ms,
        status: settlement.status,
        answer: None,
        response: None,
        logs: Vec::new(),
        report: None,
    }
}

fn shorten(diagnosis: &mut Diagnosis) {
    for text in [&mut diagnosis.message, &mut diagnosis.fix] {
        *text = text.chars().take(SHORT_CHARS).collect();
    }
}

fn weight(settlement: &Settlement) -> usize {
    let texts: usize = settlement.logs.iter().map(String::len).sum();
    let answer = settlement.answer.as_ref().map_or(0, String::len);
    let response = settlement.response.as_ref().map_or(0, bytes_of);
    let report = settlement.report.as_ref().map_or(0, |report| {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        text(&report.summary)
            + text(&report.external_run_id)
            + report.link.as_ref().map_or(0, bytes_of)
    });
    SETTLEMENT_BYTES + texts + answer + response + report
}
