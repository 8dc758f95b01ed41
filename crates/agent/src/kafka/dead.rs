//! The topic of messages of which nobody can be told what became of them: their hash, headers and
//! the reason, never their content.

use std::time::Duration;

use longshore_backends::kafka::{Producer, PublishFailure, Received, Record};
use serde_json::{Map, Value, json};

use super::message::hash;
use crate::work::{Desk, Ending};

/// Between two attempts to publish.
const PAUSE: Duration = Duration::from_secs(5);

/// Publishes that `record` is dead; what Kafka refuses is logged.
pub(super) async fn bury(
    desk: &Desk,
    producer: &Producer,
    topic: &str,
    record: &Received,
    reason: &str,
) -> Ending {
    let place = &record.partition;
    let hash = hash(&record.value);
    tracing::warn!(
        topic = place.topic,
        partition = place.number,
        offset = record.offset,
        hash,
        reason,
        "a message cannot be attributed to a delivery"
    );
    let headers: Map<String, Value> = record
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    let value = json!({
        "reason": reason,
        "sha256": hash,
        "bytes": record.value.len(),
        "topic": place.topic,
        "partition": place.number,
        "offset": record.offset,
        "headers": headers,
    })
    .to_string();
    loop {
        let sent = producer.publish(Record {
            topic,
            key: record.key.as_deref().unwrap_or_default(),
            headers: &[],
            value: value.as_bytes(),
        });
        match sent.await {
            Ok(_) => return Ending::Settled,
            Err(PublishFailure::Refused(diagnosis)) => {
                tracing::error!(topic, cause = diagnosis.message, "it was not kept");
                return Ending::Settled;
            }
            Err(PublishFailure::Unavailable(diagnosis)) => {
                tracing::warn!(topic, cause = diagnosis.message, "it is kept later");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = desk.stop.stopped() => return Ending::Abandoned,
        }
    }
}
