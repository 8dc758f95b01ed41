//! The rule language of searches, in the two forms that an action holds: its condition and the
//! datasets of its inputs. Only the shape is checked; what names mean is known to the catalog.

use serde_json::Value;

use super::inputs::is_jq_query;
use super::shape::{Faults, Fields, Path, is_text_or_texts};

/// Where rules stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A condition: plain values.
    Search,
    /// A dataset: values may also be `{jqQuery}`.
    Dataset,
}

const TEXT_OPERATORS: [&str; 11] = [
    "=",
    "!=",
    "containsAny",
    "contains",
    "doesNotContains",
    "beginsWith",
    "doesNotBeginsWith",
    "endsWith",
    "doesNotEndsWith",
    "in",
    "notIn",
];

const PRESETS: [&str; 10] = [
    "today",
    "tomorrow",
    "yesterday",
    "lastDay",
    "lastWeek",
    "last2Weeks",
    "lastMonth",
    "last3Months",
    "last6Months",
    "last12Months",
];

/// `combinator` and `rules` of a group whose keys are closed already.
pub(super) fn read_group(group: &Fields<'_, '_>, dialect: Dialect, faults: &mut Faults) {
    group.required_choice("combinator", &["and", "or"], faults);
    let Some(rules) = group.required("rules", faults) else {
        return;
    };
    let path = group.path.key("rules");
    for (at, rule) in faults.array(&path, rules).iter().enumerate() {
        read_rule(rule, &path.index(at), dialect, faults);
    }
}

fn read_rule(value: &Value, path: &Path<'_>, dialect: Dialect, faults: &mut Faults) {
    let Some(rule) = Fields::of(value, path, faults) else {
        return;
    };
    if rule.map.contains_key("rules") || rule.map.contains_key("combinator") {
        rule.close(&["combinator", "rules"], faults);
        return read_group(&rule, dialect, faults);
    }
    if rule.map.contains_key("propertySchema") {
        return property_schema(&rule, dialect, faults);
    }
    let Some(operator) = rule.required_string("operator", faults) else {
        return;
    };
    match operator {
        "isEmpty" | "isNotEmpty" | "isExpired" | "isNotExpired" => {
            rule.close(&["operator", "property"], faults);
            rule.required_string("property", faults);
        }
        ">" | ">=" | "<" | "<=" => {
            compared(&rule, "a number or a date", dialect, faults, is_orderable);
        }
        "between" | "notBetween" => date(&rule, faults),
        "=" if rule.map.get("value").is_some_and(is_date_value) => date(&rule, faults),
        "relatedTo" => related(&rule, dialect, faults),
        "matchAny" => match_any(&rule, faults),
        _ if TEXT_OPERATORS.contains(&operator) => {
            compared(
                &rule,
                "a scalar or an array of scalars of one kind",
                dialect,
                faults,
                is_plain,
            );
        }
        _ => {
            let message = "unknown operator; expected one of those of the search rules";
            faults.push(&path.key("operator"), message);
        }
    }
}

/// A property against a value that `fits`, an expression or a property of the user.
fn compared(
    rule: &Fields<'_, '_>,
    what: &str,
    dialect: Dialect,
    faults: &mut Faults,
    fits: impl FnOnce(&Value) -> bool,
) {
    rule.close(&["property", "operator", "value"], faults);
    property(rule, faults);
    if rule.required("value", faults).is_some() {
        let accepted = |value: &Value| {
            fits(value) || is_context(value) || (dialect == Dialect::Dataset && is_jq_query(value))
        };
        rule.fitting("value", what, accepted, faults);
    }
}

fn date(rule: &Fields<'_, '_>, faults: &mut Faults) {
    rule.close(&["property", "operator", "value"], faults);
    property(rule, faults);
    if rule.required("value", faults).is_some() {
        let fits = |value: &Value| is_date_value(value) || is_context(value);
        rule.fitting("value", "{from, to} or {preset}", fits, faults);
    }
}

fn related(rule: &Fields<'_, '_>, dialect: Dialect, faults: &mut Faults) {
    rule.close(
        &["operator", "blueprint", "value", "direction", "required"],
        faults,
    );
    rule.required_string("blueprint", faults);
    rule.choice("direction", &["upstream", "downstream"], faults);
    rule.boolean("required", faults);
    if rule.required("value", faults).is_some() {
        let fits = |value: &Value| {
            is_text_or_texts(value) || (dialect == Dialect::Dataset && is_jq_query(value))
        };
        rule.fitting(
            "value",
            "an identifier or an array of identifiers",
            fits,
            faults,
        );
    }
}

fn match_any(rule: &Fields<'_, '_>, faults: &mut Faults) {
    rule.close(&["operator", "property", "value"], faults);
    if rule.required("property", faults).is_some() {
        let fits = |value: &Value| is_property(value) || is_path(value);
        rule.fitting("property", "a property or a {path}", fits, faults);
    }
    if rule.required("value", faults).is_some() {
        let fits = |value: &Value| is_text_or_texts(value) || is_context(value);
        rule.fitting(
            "value",
            "an identifier, identifiers or a property",
            fits,
            faults,
        );
    }
}

fn property_schema(rule: &Fields<'_, '_>, dialect: Dialect, faults: &mut Faults) {
    rule.close(&["propertySchema", "operator", "value"], faults);
    rule.required_choice("operator", &["=", "!=", "contains"], faults);
    let fits =
        |value: &Value| is_scalar(value) || (dialect == Dialect::Dataset && is_jq_query(value));
    rule.fitting("value", "a scalar", fits, faults);
    let path = rule.path.key("propertySchema");
    let schema = rule
        .map
        .get("propertySchema")
        .and_then(|value| Fields::of(value, &path, faults));
    let Some(schema) = schema else { return };
    schema.close(&["type", "format", "items"], faults);
    schema.required_string("type", faults);
    schema.string("format", faults);
    let path = path.key("items");
    let items = schema
        .map
        .get("items")
        .and_then(|value| Fields::of(value, &path, faults));
    if let Some(items) = items {
        items.required_string("type", faults);
        items.string("format", faults);
    }
}

fn property(rule: &Fields<'_, '_>, faults: &mut Faults) {
    if rule.required("property", faults).is_some() {
        rule.fitting(
            "property",
            "a property's name or {property, context}",
            is_property,
            faults,
        );
    }
}

fn is_property(value: &Value) -> bool {
    value.is_string() || is_context(value)
}

/// `{property, context}`: a property of the one who asks.
fn is_context(value: &Value) -> bool {
    let context = value.get("context").and_then(Value::as_str);
    value.get("property").is_some_and(Value::is_string)
        && matches!(context, Some("user" | "userTeams"))
}

fn is_path(value: &Value) -> bool {
    const MAX_HOPS: f64 = 15.0;
    let Some(map) = value.as_object() else {
        return false;
    };
    let hops = |hops: &Value| {
        hops.as_f64()
            .is_some_and(|hops| (1.0..=MAX_HOPS).contains(&hops))
    };
    let step = |step: &Value| match step {
        Value::String(_) => true,
        Value::Object(step) => {
            step.get("relation").is_none_or(Value::is_string)
                && step.get("maxHops").is_none_or(hops)
        }
        _ => false,
    };
    map.keys()
        .all(|key| matches!(key.as_str(), "path" | "fromBlueprint"))
        && map.get("fromBlueprint").is_none_or(Value::is_string)
        && map
            .get("path")
            .and_then(Value::as_array)
            .is_some_and(|steps| steps.iter().all(step))
}

fn is_date_value(value: &Value) -> bool {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    text("preset").is_some_and(|preset| PRESETS.contains(&preset))
        || (text("from").is_some() && text("to").is_some())
}

/// What numbers and dates are compared with.
fn is_orderable(value: &Value) -> bool {
    value.is_number() || value.is_string()
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            items.iter().all(Value::is_string)
                || items.iter().all(Value::is_number)
                || items.iter().all(Value::is_boolean)
        }
        _ => is_scalar(value),
    }
}
