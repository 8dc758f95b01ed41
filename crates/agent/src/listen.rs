//! `/healthz` and `/metrics`, on a listener of their own, bounded in connections and patience.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::metrics::{CONTENT_TYPE as METRICS_TYPE, Metrics};

/// Connections at once.
const CONNECTIONS: usize = 32;
/// For a request's head to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// For all requests of a connection.
const CONNECTION_LIFE: Duration = Duration::from_mins(5);
/// How long to wait after a connection could not be accepted (no file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds `address`; port 0 takes a free one.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let metrics = Arc::clone(&metrics);
                connections.spawn(async move {
                    let _slow = timeout(CONNECTION_LIFE, connection(stream, &metrics)).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, metrics: &Metrics) {
    let service = service_fn(|request: Request<Incoming>| async move {
        Ok::<_, Infallible>(answer(request.method(), request.uri().path(), metrics))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

fn answer(method: &Method, path: &str, metrics: &Metrics) -> Response<Full<Bytes>> {
    let json = "application/json";
    let known = matches!(path, "/healthz" | "/metrics");
    if known && !matches!(*method, Method::GET | Method::HEAD) {
        let body = json!({"ok": false, "error": "method_not_allowed", "message": "GET only"});
        return response(StatusCode::METHOD_NOT_ALLOWED, json, body.to_string());
    }
    match path {
        // An unreachable server is no reason to restart the agent: what it holds would be lost.
        "/healthz" => {
            let body = json!({
                "ok": true,
                "runs": metrics.runs.get(),
                "inFlight": metrics.in_flight.get(),
                "lastContactSeconds": metrics.silence_seconds(),
            });
            response(StatusCode::OK, json, body.to_string())
        }
        "/metrics" => response(StatusCode::OK, METRICS_TYPE, metrics.text()),
        _ => {
            let body = json!({"ok": false, "error": "not_found", "message": "no such page"});
            response(StatusCode::NOT_FOUND, json, body.to_string())
        }
    }
}

fn response(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
