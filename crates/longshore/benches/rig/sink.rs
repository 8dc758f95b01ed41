//! The receiver at the end: verifies each signature with the emulators' code, which is nothing of
//! Longshore's, counts distinct deliveries, and notes how old each body was when it arrived.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use http::{HeaderMap, HeaderValue};
use longshore_emulators::Secret;
use longshore_emulators::webhook_sink::{SignatureVerdict, verify};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::body::sent_nanos;
use super::clock::{monotonic_nanos, unix_seconds};
use super::role;
use super::wire::{Message, Wire};

const ACCEPTED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
    content-length: 11\r\n\r\n{\"ok\":true}";
const REFUSED: &[u8] = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
const TOLERANCE: Duration = Duration::from_secs(300);
const ID_BYTES: usize = 16;

/// What arrived since the sink was asked last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Arrived {
    /// Deliveries with a valid signature, each counted once.
    pub(crate) distinct: u64,
    /// Those that had been there before.
    pub(crate) repeated: u64,
    /// Requests whose signature did not hold, or that were no deliveries.
    pub(crate) refused: u64,
    /// The most requests that waited for their answer at once.
    pub(crate) most_at_once: u64,
    /// Microseconds from sending to arrival, of those with a valid signature.
    pub(crate) micros: Vec<u32>,
}

#[derive(Default)]
struct Seen {
    ids: HashSet<[u8; ID_BYTES]>,
    at_once: u64,
    arrived: Arrived,
}

struct Sink {
    secret: Secret,
    delay: Duration,
    seen: Mutex<Seen>,
}

/// Receives until nobody asks for counts any more; every question starts the counts anew.
pub(crate) fn run(settings: &str) -> Result<()> {
    let settings: Value = serde_json::from_str(settings)?;
    let secret = Secret::new(settings["secret"].as_str().unwrap_or_default());
    let delay = Duration::from_millis(settings["delay_ms"].as_u64().unwrap_or(0));
    let sink = Arc::new(Sink {
        secret,
        delay,
        seen: Mutex::default(),
    });
    let runtime = role::half_the_machine()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let _serving = runtime.spawn(serve(Arc::clone(&sink), listener));
    role::converse(&json!({"address": address}), |_| {
        let seen = std::mem::take(&mut *sink.lock());
        Ok(serde_json::to_value(seen.arrived)?)
    })
}

async fn serve(sink: Arc<Sink>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let wire = accepted.map_err(anyhow::Error::from);
                if let Ok(wire) = wire.and_then(|(stream, _)| Wire::new(stream)) {
                    connections.spawn(receive(Arc::clone(&sink), wire));
                }
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// Serves one connection to its end.
async fn receive(sink: Arc<Sink>, mut wire: Wire) -> Result<()> {
    while let Some(message) = wire.receive().await? {
        let answer = if sink.take(&message) {
            ACCEPTED
        } else {
            REFUSED
        };
        if !sink.delay.is_zero() {
            tokio::time::sleep(sink.delay).await;
        }
        sink.lock().at_once -= 1;
        wire.send(answer).await?;
    }
    Ok(())
}

impl Sink {
    fn take(&self, message: &Message<'_>) -> bool {
        let arrived_at = monotonic_nanos();
        let known = self.check(message);
        let mut seen = self.lock();
        seen.at_once += 1;
        seen.arrived.most_at_once = seen.arrived.most_at_once.max(seen.at_once);
        let Some(id) = known else {
            seen.arrived.refused += 1;
            return false;
        };
        if seen.ids.insert(id) {
            seen.arrived.distinct += 1;
        } else {
            seen.arrived.repeated += 1;
        }
        if let Some(sent_at) = sent_nanos(message.body) {
            let micros = arrived_at.saturating_sub(sent_at) / 1_000;
            seen.arrived
                .micros
                .push(u32::try_from(micros).unwrap_or(u32::MAX));
        }
        true
    }

    /// The delivery's id, where the signature holds.
    fn check(&self, message: &Message<'_>) -> Option<[u8; ID_BYTES]> {
        let mut headers = HeaderMap::with_capacity(2);
        for name in ["x-port-timestamp", "x-port-signature"] {
            headers.insert(name, HeaderValue::from_str(message.header(name)?).ok()?);
        }
        let window = (Duration::from_secs(unix_seconds()), TOLERANCE);
        let verdict = verify(&self.secret, &headers, message.body, Some(window));
        let id = message
            .header("x-longshore-delivery-id")?
            .strip_prefix("d_")?;
        (verdict == SignatureVerdict::Valid).then_some(id.as_bytes().try_into().ok()?)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
