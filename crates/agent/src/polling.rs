//! Runs by polling: claims that wait until there is work, one after the other.

use std::sync::Arc;

use longshore_domain::agent::{Claim, EXECUTION_AGENT};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::api::{Api, ApiError, Backoff, Claimed};
use crate::config::Polling;
use crate::work::{Desk, Ending, LEASE, Work, bytes_of_message};

/// Claims until the agent stops; ends when all work on what was claimed has ended.
pub(crate) async fn run(desk: &Arc<Desk>, settings: Polling) {
    let mut jobs: JoinSet<Ending> = JoinSet::new();
    let mut backoff = Backoff::default();
    let mut most = settings.batch;
    while let Some(limit) = room(desk, most).await {
        while jobs.try_join_next().is_some() {}
        let claimed = tokio::select! {
            claimed = claim(&desk.api, desk, settings, limit) => claimed,
            () = desk.stop.stopped() => break,
        };
        match claimed {
            Ok(claimed) => {
                backoff.reset();
                most = (2 * most).min(settings.batch);
                for claimed in claimed {
                    begin(desk, &mut jobs, claimed);
                }
            }
            Err(error) => {
                if error == ApiError::TooLong {
                    most = usize::try_from(limit / 2).unwrap_or(1).max(1);
                }
                desk.metrics.api_failed("claim", &error);
                tokio::select! {
                    () = desk.contact.wait(backoff.next(&error)) => {}
                    () = desk.stop.stopped() => break,
                }
            }
        }
    }
    while jobs.join_next().await.is_some() {}
}

/// How many runs may be claimed, once some may; none where the agent stops.
async fn room(desk: &Desk, most: usize) -> Option<u32> {
    tokio::select! {
        () = desk.room.some() => {}
        () = desk.stop.stopped() => return None,
    }
    let limit = desk.room.free().min(most).max(1);
    (!desk.stop.is_stopped()).then(|| u32::try_from(limit).unwrap_or(1))
}

async fn claim(
    api: &Api,
    desk: &Desk,
    settings: Polling,
    limit: u32,
) -> Result<Vec<Claimed>, ApiError> {
    api.claim(&Claim {
        installation_id: EXECUTION_AGENT.to_owned(),
        limit,
        invocation_method: None,
        exclude: Vec::new(),
        by: Some(desk.session.clone()),
        wait_seconds: Some(settings.wait_seconds),
    })
    .await
}

fn begin(desk: &Arc<Desk>, jobs: &mut JoinSet<Ending>, claimed: Claimed) {
    let Claimed { delivery, message } = claimed;
    let work = Work {
        place: desk.room.take(bytes_of_message(&message)),
        run: delivery.run,
        attempt: delivery.attempt,
        message,
        // The server decides whether the lease holds; this only saves room.
        lease_until: Some(Instant::now() + LEASE),
        revoked: None,
    };
    let desk = Arc::clone(desk);
    jobs.spawn(async move { desk.handle(work).await });
}
