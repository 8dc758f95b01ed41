//! What a record on a topic is for an agent. Whether it may be called is the server's word.

use longshore_backends::kafka::Received;
use longshore_domain::agent::{AttemptRef, header};
use longshore_domain::id::{DeliveryId, RunId};
use longshore_domain::run::{ReadMessage, is_on, verify};
use longshore_domain::signature::SIGNATURE_HEADER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::config::Secrets;

/// What to do with a record.
#[derive(Debug)]
pub(super) enum Read {
    /// It is for somebody else.
    NotForAgents,
    /// A run's call, its signature checked and taken off.
    Run(RunId, AttemptRef, ReadMessage),
    /// A change of the catalog, with an id that it always has.
    Change(DeliveryId, Value),
    /// Its signature does not hold; it is published anew.
    Unverified(AttemptRef, String),
    /// Nobody can be told what became of it, and why.
    Dead(String),
}

/// Reads a record of the runs' topic.
pub(super) fn run(record: &Received, secrets: &Secrets) -> Read {
    // Messages of KAFKA actions are signed there, and are for the organization's own consumers.
    if header(record, SIGNATURE_HEADER).is_some() {
        return Read::NotForAgents;
    }
    let secrets = secrets.all().map(str::as_bytes);
    let verified = verify(&record.value, secrets, None);
    let is_for_others = match &verified {
        Ok(message) => !message.is_for_agents(),
        Err(_) => std::str::from_utf8(&record.value)
            .is_ok_and(|text| ReadMessage::read(text).is_ok_and(|it| !it.is_for_agents())),
    };
    if is_for_others {
        return Read::NotForAgents;
    }
    match (named(record), verified) {
        (Some((run, attempt)), Ok(message)) => {
            // The signature does not cover the record's headers, so a message is bound by its run.
            if message.run() == Some(run.as_str()) {
                Read::Run(run, attempt, message)
            } else {
                Read::Dead("its record headers name another run than the message".to_owned())
            }
        }
        (Some((_, attempt)), Err(fault)) => Read::Unverified(attempt, fault.to_string()),
        (None, Ok(_)) => Read::Dead("no record headers name its delivery".to_owned()),
        (None, Err(fault)) => Read::Dead(fault.to_string()),
    }
}

/// Reads a record of the changes' topic.
pub(super) fn change(record: &Received) -> Read {
    match serde_json::from_slice::<Value>(&record.value) {
        Ok(message) if is_on(&message["changelogDestination"]["agent"]) => {
            match delivery_of(record) {
                Some(delivery) => Read::Change(delivery, message),
                None => Read::NotForAgents,
            }
        }
        _ => Read::NotForAgents,
    }
}

/// The run and the attempt that the record's headers name.
fn named(record: &Received) -> Option<(RunId, AttemptRef)> {
    let run = RunId::parse(header(record, header::RUN)?)?;
    let delivery = DeliveryId::parse(header(record, header::DELIVERY)?)?;
    let attempt = header(record, header::ATTEMPT)?.parse().ok()?;
    Some((run, AttemptRef { delivery, attempt }))
}

fn header<'a>(record: &'a Received, name: &str) -> Option<&'a str> {
    let found = record
        .headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// An id by which a receiver recognises the change when it comes again.
fn delivery_of(record: &Received) -> Option<DeliveryId> {
    let place = format!(
        "{}/{}/{}",
        record.partition.topic, record.partition.number, record.offset
    );
    let hash = hash(place.as_bytes());
    DeliveryId::parse(&format!("d_{}", hash.get(..16)?))
}

/// The SHA-256 of `bytes` in hex.
pub(super) fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
