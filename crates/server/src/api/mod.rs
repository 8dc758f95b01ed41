//! The REST API: every route in one list, every refusal as JSON.
//!
//! Handlers translate: they read a request, call one use case of the engine, and write its answer.

mod actions;
mod agents;
mod apps;
mod auth;
mod carry_through;
mod connections;
mod deliveries;
mod health;
mod kafka;
mod openapi;
mod organization;
mod problem;
mod reply;
mod request;
mod runs;
mod templates;
mod trace;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use longshore_engine::Engine;
use tower::Service;
use utoipa::openapi::{OpenApi as Document, Server};
use utoipa_axum::router::OpenApiRouter;

use crate::config::{Kafka, Limits};
use problem::{Code, Problem};
use trace::traced;

pub use openapi::document;

/// What handlers work with.
pub struct App {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Bounds on requests.
    pub limits: Limits,
    /// The address under which callers reach this server.
    pub public_url: Option<String>,
    /// How Kafka is reached, where it is used.
    pub kafka: Option<Kafka>,
}

/// The API's routes.
struct Routes {
    /// What changes things that the process remembers beside storing them.
    remembered: Router<Arc<App>>,
    /// What changes storage alone, carries its own changes through, or waits for its caller's sake.
    other: Router<Arc<App>>,
}

/// The routes, and the document that describes them.
fn described() -> (Routes, Document) {
    let remembered = OpenApiRouter::new()
        .merge(apps::routes())
        .merge(organization::routes())
        .merge(actions::routes())
        .merge(connections::routes());
    let other = OpenApiRouter::with_openapi(openapi::base())
        .merge(auth::routes())
        .merge(runs::routes())
        .merge(agents::routes())
        .merge(deliveries::routes())
        .merge(kafka::routes())
        .merge(templates::routes())
        .merge(health::routes());
    let (remembered, described) = remembered.split_for_parts();
    let (other, mut document) = other.split_for_parts();
    document.merge(described);
    openapi::tell_refusals(&mut document);
    (Routes { remembered, other }, document)
}

/// The whole API. What every request needs stands around the routes and not in layers of theirs,
/// each of which costs every request some allocations.
pub fn service(
    app: Arc<App>,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
    let (routes, mut document) = described();
    document.servers = app.public_url.as_ref().map(|url| vec![Server::new(url)]);
    let text: Arc<str> = document.to_json().unwrap_or_default().into();
    let carried = middleware::from_fn_with_state(Arc::clone(&app), carry_through::carry_through);
    let routes = routes
        .other
        .merge(routes.remembered.layer(carried))
        .merge(openapi::route(text))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method)
        .with_state(app);
    tower::service_fn(move |request| traced(without_trailing_slash(request), routes.clone()))
}

async fn unknown_route(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::not_found(format!("there is no route {path}"))
}

async fn unknown_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        Code::MethodNotAllowed,
        "this route does not take this method",
    )
}

/// The answer to a request that took too long.
pub(crate) fn too_late() -> Response {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        Code::Timeout,
        "the request took too long",
    )
    .into_response()
}

/// Clients write `…/entities/` and `…/entities` alike (contract §1).
fn without_trailing_slash(mut request: Request) -> Request {
    let path = request.uri().path();
    if path.len() > 1 && path.ends_with('/') {
        let trimmed = path.trim_end_matches('/');
        let query = request
            .uri()
            .query()
            .map_or_else(String::new, |query| format!("?{query}"));
        if let Ok(uri) = format!("{trimmed}{query}").parse() {
            *request.uri_mut() = uri;
        }
    }
    request
}
