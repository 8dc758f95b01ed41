//! Our OpenAPI document, made from the routes themselves.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::routing::get;
use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::path::{OperationBuilder, PathItemBuilder};
use utoipa::openapi::schema::Type;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, ObjectBuilder, OpenApi as Document, Ref, ResponseBuilder,
};

use super::{App, described};

/// The name of the schema of refusals.
const REFUSAL: &str = "Refusal";

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

/// Gives each operation that refuses anything the shape of a refusal; which statuses it has depends
/// on the caller and on limits as well, so they are not listed one by one.
pub(super) fn tell_refusals(document: &mut Document) {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let shape = ObjectBuilder::new()
        .description(Some("A refusal."))
        .property(
            "ok",
            ObjectBuilder::new()
                .schema_type(Type::Boolean)
                .enum_values(Some([false])),
        )
        .property(
            "error",
            text().description(Some("What kind of refusal, for programs")),
        )
        .property(
            "message",
            text().description(Some("What was wrong, where, and what was expected")),
        )
        .required("ok")
        .required("error")
        .required("message");
    let components = document.components.get_or_insert_default();
    components.schemas.insert(REFUSAL.into(), shape.into());
    let refused = ResponseBuilder::new()
        .description("Refused")
        .content(
            "application/json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(REFUSAL)))
                .build(),
        )
        .build();
    let paths = document.paths.paths.iter_mut();
    for (_, item) in paths.filter(|(path, _)| path.starts_with("/v1/")) {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            responses.insert("default".into(), refused.clone().into());
        }
    }
}

/// The document as it is committed and served.
#[must_use]
pub fn document() -> String {
    let (_, document) = described();
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
