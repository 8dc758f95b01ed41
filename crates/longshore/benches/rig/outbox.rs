//! Signed calls to the sink over a fixed number of kept connections.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::clock::unix_seconds;
use super::sign::Signer;

type Sender = SendRequest<Full<Bytes>>;

/// The sink, and the connections to it that are free.
pub(crate) struct Outbox {
    sink: SocketAddr,
    host: String,
    signer: Signer,
    slots: Semaphore,
    idle: Mutex<Vec<Sender>>,
}

impl Outbox {
    /// Makes at most `connections` calls at once.
    pub(crate) fn new(sink: SocketAddr, secret: &str, connections: usize) -> Result<Self> {
        Ok(Self {
            sink,
            host: sink.to_string(),
            signer: Signer::new(secret)?,
            slots: Semaphore::new(connections),
            idle: Mutex::default(),
        })
    }

    /// The status of the sink's answer.
    pub(crate) async fn send(&self, delivery: &str, body: Bytes) -> Result<u16> {
        let _slot = self.slots.acquire().await?;
        let mut sender = self.connection().await?;
        let seconds = unix_seconds();
        let request = Request::post("/hook")
            .header("host", &self.host)
            .header("content-type", "application/json")
            .header("x-longshore-delivery-id", delivery)
            .header("x-port-timestamp", seconds)
            .header("x-port-signature", self.signer.sign(seconds, &body))
            .body(Full::new(body))?;
        let mut answer = sender.send_request(request).await?;
        while let Some(frame) = answer.frame().await {
            frame?;
        }
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sender);
        Ok(answer.status().as_u16())
    }

    async fn connection(&self) -> Result<Sender> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(mut sender) = idle
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        let stream = TcpStream::connect(self.sink).await.context("the sink")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let _connected = Handle::current().spawn(connection);
        Ok(sender)
    }
}
