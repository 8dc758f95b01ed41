//! Quiet period, dry run and build parameters of a triggered job.

use std::collections::BTreeMap;

use super::model::{DeclaredParameter, ParameterValue};
use super::request::Values;

/// Name of the parameter that keeps queued calls apart.
pub const UNIQUE: &str = "jenkins-generic-webhook-trigger-plugin_uuid";

/// The caller's quiet period in seconds; −1 leaves the job its own. The header of this name is
/// looked up with capitals, which lower-cased headers never have.
pub fn quiet_period_s(parameters: &Values, headers: &Values) -> i32 {
    let first = |values: &Values| values.get("jobQuietPeriod")?.first().cloned();
    first(parameters)
        .or_else(|| first(headers))
        .and_then(|text| text.parse().ok())
        .unwrap_or(-1)
}

/// Whether nothing shall be scheduled.
pub fn is_dry_run(headers: &Values) -> bool {
    headers.get("gwt-dry-run").is_some_and(|values| {
        values
            .iter()
            .any(|value| value.eq_ignore_ascii_case("true"))
    })
}

/// The declared parameters that have a default, set from the variables of their names.
pub fn build_parameters(
    declared: &[DeclaredParameter],
    variables: &BTreeMap<String, String>,
    unique: Option<String>,
) -> Vec<(String, ParameterValue)> {
    let given = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let set = declared.iter().filter_map(|parameter| {
        let default = parameter.default.as_ref()?;
        let value = match (given(&parameter.name), default) {
            (None, default) => default.clone(),
            (Some(given), ParameterValue::Boolean(_)) => {
                ParameterValue::Boolean(given.eq_ignore_ascii_case("true"))
            }
            (Some(given), ParameterValue::Text(_)) => ParameterValue::Text(given.clone()),
        };
        Some((parameter.name.clone(), value))
    });
    let unique = unique.map(|id| (UNIQUE.to_owned(), ParameterValue::Text(id)));
    set.chain(unique).collect()
}
