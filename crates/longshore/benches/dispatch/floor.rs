//! (b) The durable floor: the smallest program that accepts a POST, commits it, answers 202,
//! signs, POSTs and commits the attempt. No authentication, no validation, no retry.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};

use crate::rig::load::Load;
use crate::rig::outbox::Outbox;
use crate::rig::role::{self, Role};
use crate::rig::trial::Measured;
use crate::rig::writer::Writer;
use crate::rig::{SECRET, body};

/// As many calls at once as Longshore makes to one receiver.
const CONNECTIONS: usize = 64;

/// The running program, seen from outside.
pub(crate) struct Floor(Role);

impl Floor {
    /// Starts it with an empty database.
    pub(crate) fn start(data: &Path, sink: &str) -> Result<Self> {
        let settings = json!({"data": data, "sink": sink});
        Ok(Self(Role::start("floor", &settings)?))
    }
}

impl Measured for Floor {
    fn load(&self) -> Result<Load> {
        let address = self.0.ready["address"].as_str().context("no address")?;
        Ok(Load {
            address: address.parse()?,
            path: "/runs".into(),
            token: None,
            body: body::plain(),
            secret: None,
            expected_status: 202,
            connections: 0,
            runs: 0,
            per_second: None,
        })
    }

    fn pid(&self) -> Option<u32> {
        Some(self.0.pid())
    }

    fn is_settled(&mut self, _runs: u64) -> Result<bool> {
        let counts = self.0.ask(&Value::Null)?;
        Ok(counts["accepted"] == counts["settled"])
    }
}

struct Program {
    writer: Writer,
    outbox: Outbox,
}

/// Serves until nobody asks for counts any more.
pub(crate) fn run(settings: &str) -> Result<()> {
    let settings: Value = serde_json::from_str(settings)?;
    let data = settings["data"].as_str().context("no data")?;
    let sink = settings["sink"].as_str().context("no sink")?.parse()?;
    let runtime = Runtime::new()?;
    let writer = Writer::start(&Path::new(data).join("floor.db"))?;
    let outbox = Outbox::new(sink, SECRET, CONNECTIONS)?;
    let program = Arc::new(Program { writer, outbox });
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let serving = Arc::clone(&program);
    let _serving = runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _off = stream.set_nodelay(true);
            let program = Arc::clone(&serving);
            let _serving = Handle::current().spawn(async move {
                let service = service_fn(|request| accept(Arc::clone(&program), request));
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await
            });
        }
    });
    role::converse(&json!({"address": address}), |_| {
        let (accepted, settled) = program.writer.counts();
        Ok(json!({"accepted": accepted, "settled": settled}))
    })
}

async fn accept(
    program: Arc<Program>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let answer = |status: StatusCode, text: String| {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        Ok(response)
    };
    let Ok(body) = request.into_body().collect().await else {
        return answer(StatusCode::BAD_REQUEST, String::new());
    };
    let body = body.to_bytes();
    let Ok(id) = program.writer.insert(body.clone()).await else {
        return answer(StatusCode::SERVICE_UNAVAILABLE, String::new());
    };
    let _delivering = Handle::current().spawn(deliver(program, id, body));
    answer(StatusCode::ACCEPTED, format!("{{\"id\":{id}}}"))
}

/// Without retry: what fails is never settled, and the run that waits for it fails.
async fn deliver(program: Arc<Program>, id: i64, body: Bytes) {
    match program.outbox.send(&format!("d_{id:016}"), body).await {
        Ok(status) => drop(program.writer.settle(id, status)),
        Err(error) => eprintln!("floor: delivery {id} was not made: {error:#}"),
    }
}
