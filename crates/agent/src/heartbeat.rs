//! Tells the server that this session lives, and at its end that it leaves.

use std::time::Duration;

use longshore_domain::agent::{Heartbeat, PartitionPosition, Streamer};
use tokio::time::{sleep, timeout};

use crate::api::{ApiError, Backoff};
use crate::work::Desk;

/// The longest wait between two heartbeats, whatever the server says or fails.
const LONGEST: Duration = Duration::from_secs(15);
/// How long an ending agent waits for the server to take its leave.
const LEAVING: Duration = Duration::from_secs(5);

/// What a heartbeat tells of how work is got.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) streamer: Streamer,
    pub(crate) group: Option<String>,
}

/// Says once that the session lives.
pub(crate) async fn once(
    desk: &Desk,
    source: &Source,
    partitions: Vec<PartitionPosition>,
    leaving: bool,
) -> Result<Duration, ApiError> {
    let heartbeat = Heartbeat {
        by: desk.session.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        streamer: source.streamer,
        in_flight: desk.in_flight(),
        group: source.group.clone(),
        partitions,
        draining: desk.stop.is_stopped(),
        leaving,
    };
    let answer = desk.api.heartbeat(&heartbeat).await?;
    desk.metrics.heard();
    desk.contact.heard();
    let runs = i64::try_from(desk.room.runs()).unwrap_or(i64::MAX);
    desk.metrics.runs.set(runs);
    Ok(Duration::from_secs(answer.heartbeat_seconds).clamp(Duration::from_secs(1), LONGEST))
}

/// Says so for ever; at once when the agent stops, so that others get what it will not start.
pub(crate) async fn run(
    desk: &Desk,
    source: &Source,
    partitions: impl Fn() -> Vec<PartitionPosition>,
) {
    let mut backoff = Backoff::default();
    let mut told_to_stop = false;
    loop {
        told_to_stop |= desk.stop.is_stopped();
        let wait = match once(desk, source, partitions(), false).await {
            Ok(wait) => {
                backoff.reset();
                wait
            }
            Err(error) => {
                desk.metrics.api_failed("heartbeat", &error);
                backoff.next(&error).min(LONGEST)
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = desk.stop.stopped(), if !told_to_stop => {}
        }
    }
}

/// Takes leave, as far as the server listens.
pub(crate) async fn leave(desk: &Desk, source: &Source) {
    match timeout(LEAVING, once(desk, source, Vec::new(), true)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the server was not told that the agent leaves"),
        Err(_) => tracing::warn!("the server was not told in time that the agent leaves"),
    }
}
