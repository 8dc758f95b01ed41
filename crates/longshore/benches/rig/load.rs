//! The load generator: a fixed number of connections and of requests, closed loop or at a rate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::body::{INSTANT, INSTANT_DIGITS};
use super::clock::{monotonic_nanos, unix_seconds};
use super::role;
use super::sign::Signer;
use super::wire::Wire;

/// How late a request may leave and still count as sent on time.
const ON_TIME_NANOS: u64 = 2_000_000;

/// What to send.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    pub(crate) token: Option<String>,
    /// Holds [`INSTANT`] where the time of sending will stand.
    pub(crate) body: String,
    /// Signs every request with this secret and gives it a delivery id.
    pub(crate) secret: Option<String>,
    pub(crate) expected_status: u16,
    pub(crate) connections: u64,
    pub(crate) runs: u64,
    /// Requests a second, whatever becomes of those before; else each waits for its answer.
    pub(crate) per_second: Option<f64>,
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) began_nanos: u64,
    pub(crate) ended_nanos: u64,
    /// Answers with another status than the expected one.
    pub(crate) refused: u64,
    /// The first of them.
    pub(crate) refusal: Option<String>,
}

/// Sends loads until nobody asks for more.
pub(crate) fn run() -> Result<()> {
    let runtime = role::half_the_machine()?;
    role::converse(&json!({}), |question: Value| {
        let load: Load = serde_json::from_value(question)?;
        let generated = runtime.spawn(generate(load));
        Ok(serde_json::to_value(runtime.block_on(generated)??)?)
    })
}

struct Shared {
    load: Load,
    signer: Option<Signer>,
    next: AtomicU64,
    began_nanos: u64,
}

async fn generate(load: Load) -> Result<Sent> {
    let mut wires = Vec::new();
    for _ in 0..load.connections.min(load.runs) {
        wires.push(Wire::connect(load.address).await?);
    }
    let signer = load.secret.as_deref().map(Signer::new).transpose()?;
    let began_nanos = monotonic_nanos();
    let shared = Arc::new(Shared {
        load,
        signer,
        next: AtomicU64::new(0),
        began_nanos,
    });
    let mut sending = JoinSet::new();
    for wire in wires {
        sending.spawn(send_on(wire, Arc::clone(&shared)));
    }
    let mut sent = Sent {
        began_nanos,
        ended_nanos: 0,
        refused: 0,
        refusal: None,
    };
    while let Some(done) = sending.join_next().await {
        let (refused, refusal) = done??;
        sent.refused += refused;
        sent.refusal = sent.refusal.or(refusal);
    }
    sent.ended_nanos = monotonic_nanos();
    Ok(sent)
}

/// Takes requests off the shared count until none is left.
async fn send_on(mut wire: Wire, shared: Arc<Shared>) -> Result<(u64, Option<String>)> {
    let load = &shared.load;
    let mut request = Request::new(&shared)?;
    let (mut refused, mut refusal) = (0, None);
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        if number >= load.runs {
            return Ok((refused, refusal));
        }
        let sent_at = shared.turn(number).await;
        wire.send(request.stamped(number, sent_at)).await?;
        let answer = wire
            .receive()
            .await?
            .context("the server ended the connection")?;
        if answer.status() != Some(load.expected_status) {
            refused += 1;
            let text = String::from_utf8_lossy(answer.body);
            refusal.get_or_insert_with(|| format!("{:?} {text}", answer.status()));
        }
    }
}

impl Shared {
    /// Waits until request `number` is to leave, and answers when that was to be.
    async fn turn(&self, number: u64) -> u64 {
        let Some(per_second) = self.load.per_second else {
            return monotonic_nanos();
        };
        let due = self.began_nanos + (number as f64 * 1e9 / per_second) as u64;
        let now = monotonic_nanos();
        if due > now {
            tokio::time::sleep(Duration::from_nanos(due - now)).await;
            return monotonic_nanos();
        }
        // No connection was free at its time: it counts from then.
        if now - due > ON_TIME_NANOS { due } else { now }
    }
}

/// One request's bytes, changed in place for each sending.
struct Request<'a> {
    shared: &'a Shared,
    head: String,
    body: Vec<u8>,
    instant_at: usize,
    bytes: Vec<u8>,
}

impl<'a> Request<'a> {
    fn new(shared: &'a Shared) -> Result<Self> {
        let Load {
            address,
            path,
            token,
            body,
            ..
        } = &shared.load;
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n",
            body.len()
        );
        if let Some(token) = token {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        let body = body.clone().into_bytes();
        let instant_at = memmem::find(&body, INSTANT.as_bytes()).context("no instant")?;
        Ok(Self {
            shared,
            head,
            body,
            instant_at,
            bytes: Vec::new(),
        })
    }

    fn stamped(&mut self, number: u64, sent_at: u64) -> &[u8] {
        let digits = format!("{sent_at:020}");
        let instant = self.instant_at..self.instant_at + INSTANT_DIGITS;
        self.body[instant].copy_from_slice(digits.as_bytes());
        self.bytes.clear();
        self.bytes.extend_from_slice(self.head.as_bytes());
        if let Some(signer) = &self.shared.signer {
            let seconds = unix_seconds();
            let signature = signer.sign(seconds, &self.body);
            let headers = format!(
                "X-Longshore-Delivery-Id: d_{number:016}\r\nX-Port-Timestamp: {seconds}\r\n\
                 X-Port-Signature: {signature}\r\n"
            );
            self.bytes.extend_from_slice(headers.as_bytes());
        }
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes.extend_from_slice(&self.body);
        &self.bytes
    }
}
