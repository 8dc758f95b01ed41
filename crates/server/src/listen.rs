//! Listeners: the API and the metrics, each bounded in connections and in patience.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use longshore_engine::Engine;
use longshore_engine::tasks::Tasks;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::{Service, ServiceExt};

use crate::api::too_late;

/// How long to wait after a connection could not be accepted (no file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a listener allows.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Connections at once.
    pub connections: usize,
    /// For a request's head to arrive.
    pub header_timeout: Duration,
    /// For a request from its head to its answer.
    pub request_timeout: Duration,
}

/// Binds `address`; port 0 takes a free one.
///
/// # Errors
/// Where it cannot be bound.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves `service` until `tasks` stop; requests under way are finished.
pub async fn serve<S>(listener: TcpListener, service: S, patience: Patience, tasks: Tasks)
where
    S: Service<Request<Body>, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let slots = Arc::new(Semaphore::new(patience.connections));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = tasks.stopped() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (service, stopping) = (service.clone(), tasks.clone());
        tasks.spawn(async move {
            connection(stream, service, patience, stopping).await;
            drop(slot);
        });
    }
}

async fn connection<S>(stream: TcpStream, service: S, patience: Patience, tasks: Tasks)
where
    S: Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send,
{
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let served = hyper::service::service_fn(move |request: Request<Incoming>| {
        let service = service.clone();
        async move {
            let request = request.map(Body::new);
            let served = tokio::time::timeout(patience.request_timeout, service.oneshot(request));
            Ok::<_, Infallible>(match served.await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => too_late(),
            })
        }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.header_timeout)
        .serve_connection(TokioIo::new(stream), served);
    tokio::pin!(serving);
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = tasks.stopped() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

/// The routes of the metrics listener.
pub fn metrics_router(engine: Arc<Engine>) -> Router {
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Router::new().route(
        "/metrics",
        axum::routing::get(move || {
            let (engine, text) = (Arc::clone(&engine), text.clone());
            async move { ([(header::CONTENT_TYPE, text)], engine.metrics_text().await) }
        }),
    )
}
