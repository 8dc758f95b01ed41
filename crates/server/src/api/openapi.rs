//! Our OpenAPI document, made from the routes themselves.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::routing::get;
use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::path::{OperationBuilder, PathItemBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{HttpMethod, OpenApi as Document, ResponseBuilder};

use super::{App, described};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Longshore",
        description = "Self-service actions and their runs. Operations tagged `longshore` extend \
                       the API that they stand beside."
    ),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
struct Base;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "bearer",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        );
    }
}

/// The document without operations.
pub(super) fn base() -> Document {
    let mut document = Base::openapi();
    let operation = OperationBuilder::new()
        .tag("Health")
        .summary(Some("This document"))
        .securities(Some([
            utoipa::openapi::security::SecurityRequirement::default(),
        ]))
        .response(
            "200",
            ResponseBuilder::new().description("OpenAPI, as JSON"),
        );
    let item = PathItemBuilder::new()
        .operation(HttpMethod::Get, operation.build())
        .build();
    document.paths.paths.insert("/openapi.json".into(), item);
    document
}

/// The document as it is committed and served.
#[must_use]
pub fn document() -> String {
    let (_, document) = described().split_for_parts();
    document.to_pretty_json().unwrap_or_default()
}

/// `GET /openapi.json`.
pub(super) fn route(text: Arc<str>) -> Router<Arc<App>> {
    let json = HeaderValue::from_static("application/json");
    Router::new().route(
        "/openapi.json",
        get(move || async move { ([(header::CONTENT_TYPE, json)], text.to_string()) }),
    )
}
