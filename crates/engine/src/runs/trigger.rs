//! The `trigger` of a run: who asked for it, from where and when (contract §5.1).

use longshore_domain::json::JsonDocument;
use longshore_domain::time::Timestamp;
use serde::Serialize;

use super::start::operation_of;
use crate::Engine;
use crate::catalog::CompiledAction;
use crate::error::Error;

#[derive(Serialize)]
struct Trigger<'a> {
    by: By<'a>,
    origin: &'a str,
    at: Timestamp,
    operation: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct By<'a> {
    org_id: &'a str,
    user_id: &'a str,
    user: User<'a>,
}

/// A credential has no e-mail address and no names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct User<'a> {
    email: Option<&'a str>,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    id: &'a str,
}

impl Engine {
    pub(super) fn trigger(
        &self,
        credential: &str,
        action: &CompiledAction,
        now: Timestamp,
    ) -> Result<JsonDocument, Error> {
        let user = User {
            email: None,
            first_name: None,
            last_name: None,
            id: credential,
        };
        let trigger = Trigger {
            by: By {
                org_id: self.organization.id(),
                user_id: credential,
                user,
            },
            origin: "API",
            at: now,
            operation: operation_of(action),
        };
        let written = JsonDocument::write(&trigger);
        written.map_err(|error| Error::Corrupt(format!("a run's trigger: {error}")))
    }
}
