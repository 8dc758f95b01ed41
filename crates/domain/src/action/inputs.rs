//! `userInputs`: what a person is asked. Its shape is checked here; its values in `form`.

use serde_json::{Map, Value};

use super::names::is_input_name;
use super::query;
use super::shape::{Faults, Fields, Path};

/// Inputs of one action.
pub const MAX_INPUTS: usize = 1_000;

/// Types of an input.
const TYPES: [&str; 5] = ["string", "number", "boolean", "object", "array"];
/// Formats of an input.
const FORMATS: [&str; 13] = [
    "date-time",
    "url",
    "email",
    "ipv4",
    "ipv6",
    "yaml",
    "entity",
    "user",
    "team",
    "proto",
    "markdown",
    "multi-line",
    "labeled-url",
];
const MAX_TITLE_CHARS: usize = 140;
const MAX_TITLE_DESCRIPTION_CHARS: usize = 1_000;

/// The form of a self-service action, as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserInputs {
    /// Each input's own schema, in the order of the document.
    pub properties: Map<String, Value>,
    /// Which inputs must be given.
    pub required: Required,
    /// The pages of a form that has some.
    pub steps: Vec<Step>,
}

/// Which inputs must be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Required {
    /// These.
    Inputs(Vec<String>),
    /// Those that an expression names while the form is filled in.
    Query(String),
}

impl Default for Required {
    fn default() -> Self {
        Self::Inputs(Vec::new())
    }
}

/// A page of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its inputs.
    pub order: Vec<String>,
    /// Whether it is shown: absent, a boolean or `{jqQuery}`.
    pub visible: Option<Value>,
}

/// The expression of a `{jqQuery}` object.
#[must_use]
pub fn jq_query(value: &Value) -> Option<&str> {
    value.get("jqQuery").and_then(Value::as_str)
}

pub(super) fn read(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<UserInputs> {
    let fields = Fields::of(value, path, faults)?;
    fields.close(
        &["properties", "required", "titles", "order", "steps"],
        faults,
    );
    if fields.map.contains_key("order") && fields.map.contains_key("steps") {
        faults.push(
            &path.key("order"),
            "cannot stand beside steps; each step has its own order",
        );
    }
    fields.strings("order", faults);
    let properties = fields
        .required("properties", faults)
        .and_then(|value| properties(value, &path.key("properties"), faults));
    let required = match fields.map.get("required") {
        Some(value) => required(value, &path.key("required"), faults),
        None => Some(Required::default()),
    };
    if let Some(value) = fields.map.get("titles") {
        titles(value, &path.key("titles"), faults);
    }
    let steps = match fields.map.get("steps") {
        Some(value) => steps(value, &path.key("steps"), faults),
        None => Vec::new(),
    };
    Some(UserInputs {
        properties: properties?,
        required: required?,
        steps,
    })
}

fn properties(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Map<String, Value>> {
    let map = faults.object(path, value)?;
    if map.len() > MAX_INPUTS {
        faults.push(path, format!("expected at most {MAX_INPUTS} inputs"));
        return None;
    }
    for (name, value) in map {
        let path = path.key(name);
        check_name(name, &path, faults);
        property(value, &path, faults);
    }
    Some(map.clone())
}

fn check_name(name: &str, path: &Path<'_>, faults: &mut Faults) {
    if !is_input_name(name) {
        faults.push(path, "expected a name of letters, digits and @ _ = \\ -");
    }
}

fn property(value: &Value, path: &Path<'_>, faults: &mut Faults) {
    let Some(fields) = Fields::of(value, path, faults) else {
        return;
    };
    fields.required_choice("type", &TYPES, faults);
    fields.choice("format", &FORMATS, faults);
    fields.string("blueprint", faults);
    fields.string("icon", faults);
    fields.strings("dependsOn", faults);
    visible(&fields, faults);
    if fields
        .map
        .get("jqQuery")
        .is_some_and(|query| !query.is_null())
    {
        let message = "is not possible on an input itself; use it as the value of a keyword";
        faults.push(&path.key("jqQuery"), message);
    }
    if let Some(dataset) = fields.map.get("dataset") {
        let path = path.key("dataset");
        if let Some(group) = Fields::of(dataset, &path, faults) {
            group.close(&["combinator", "rules"], faults);
            query::read_group(&group, query::Dialect::Dataset, faults);
        }
    }
    let path = path.key("sort");
    let sort = fields
        .map
        .get("sort")
        .and_then(|sort| Fields::of(sort, &path, faults));
    if let Some(sort) = sort {
        sort.required_string("property", faults);
        sort.required_choice("order", &["ASC", "DESC"], faults);
    }
}

/// `visible`: absent, a boolean or exactly `{jqQuery}`.
fn visible(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<Value> {
    let fits = |value: &Value| value.is_boolean() || is_jq_query(value);
    fields
        .fitting("visible", "true, false or {jqQuery}", fits, faults)
        .cloned()
}

/// Exactly `{"jqQuery": "…"}`.
pub(super) fn is_jq_query(value: &Value) -> bool {
    jq_query(value).is_some() && value.as_object().is_some_and(|map| map.len() == 1)
}

fn required(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Required> {
    if is_jq_query(value) {
        return jq_query(value).map(|query| Required::Query(query.to_owned()));
    }
    if !value.is_array() {
        faults.expected(path, "an array of input names or {jqQuery}", value);
        return None;
    }
    let names = faults.strings(path, value);
    Some(Required::Inputs(
        names.into_iter().map(str::to_owned).collect(),
    ))
}

fn titles(value: &Value, path: &Path<'_>, faults: &mut Faults) {
    for (name, value) in faults.object(path, value).into_iter().flatten() {
        let path = path.key(name);
        check_name(name, &path, faults);
        let Some(fields) = Fields::of(value, &path, faults) else {
            continue;
        };
        let bounds = [
            ("title", 1, MAX_TITLE_CHARS),
            ("description", 0, MAX_TITLE_DESCRIPTION_CHARS),
        ];
        for (key, min, max) in bounds {
            let text = fields.string(key, faults);
            if text.is_some_and(|text| !(min..=max).contains(&text.chars().count())) {
                faults.push(
                    &path.key(key),
                    format!("expected {min} to {max} characters"),
                );
            }
        }
        visible(&fields, faults);
    }
}

fn steps(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Vec<Step> {
    let mut steps = Vec::new();
    for (at, value) in faults.array(path, value).iter().enumerate() {
        let path = path.index(at);
        let Some(fields) = Fields::of(value, &path, faults) else {
            continue;
        };
        fields.close(&["title", "order", "visible"], faults);
        fields.required_string("title", faults);
        let order = fields.strings("order", faults).unwrap_or_default();
        let visible = visible(&fields, faults);
        steps.push(Step {
            order: order.into_iter().map(str::to_owned).collect(),
            visible,
        });
    }
    steps
}
