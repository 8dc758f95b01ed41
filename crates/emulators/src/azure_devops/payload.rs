//! Which pipelines a payload starts: filters, and what may be substituted into their YAML.

use serde_json::Value;

use super::Pipeline;

/// What becomes of one pipeline of the called webhook.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Start,
    FilteredOut,
    /// The call was fine, the pipeline's YAML is not, with this payload.
    Issue(String),
}

pub(super) fn decide(pipeline: &Pipeline, payload: &Value) -> Decision {
    let matches = |filter: &super::Filter| {
        text_at(payload, &filter.path).is_some_and(|text| text == filter.value)
    };
    if !pipeline.filters.iter().all(matches) {
        return Decision::FilteredOut;
    }
    for path in &pipeline.parameters {
        if let Some(Value::Object(_) | Value::Array(_)) = at(payload, path) {
            return Decision::Issue(format!(
                "{path} is not a scalar, so that the YAML is invalid once it stands in it"
            ));
        }
    }
    Decision::Start
}

/// The scalar at a path, as text.
pub(super) fn text_at(payload: &Value, path: &str) -> Option<String> {
    match at(payload, path)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Dotted members and `[n]`, with or without a leading `$.`.
fn at<'a>(payload: &'a Value, path: &str) -> Option<&'a Value> {
    let path = path.strip_prefix('$').unwrap_or(path);
    path.split(['.', '['])
        .filter(|segment| !segment.is_empty())
        .try_fold(payload, |value, segment| match segment.strip_suffix(']') {
            Some(index) => match index.trim_matches(['\'', '"']) {
                name if name.len() < index.len() => value.get(name),
                number => value.get(number.parse::<usize>().ok()?),
            },
            None => value.get(segment),
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Filter, Pipeline};
    use super::{Decision, decide, text_at};
    use crate::pipeline::Script;

    #[test]
    fn paths_reach_members_and_elements() {
        let payload = json!({"a": {"b": ["x", 7, true, null, {"c d": "deep"}]}});
        let cases = [
            ("a.b[0]", Some("x")),
            ("$.a.b[1]", Some("7")),
            ("a.b[2]", Some("true")),
            ("a.b[3]", None),
            ("a.b[4]['c d']", Some("deep")),
            ("a.b", None),
            ("a.missing", None),
            ("a.b[99]", None),
            ("a.b[x]", None),
        ];
        for (path, expected) in cases {
            assert_eq!(text_at(&payload, path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn filters_are_anded_and_only_scalars_can_be_substituted() {
        let filter = |path: &str, value: &str| Filter {
            path: path.to_owned(),
            value: value.to_owned(),
        };
        let mut pipeline = Pipeline::new("deploy", "hook", Script::default());
        pipeline.filters = vec![filter("action", "deploy"), filter("env", "prod")];
        pipeline.parameters = vec!["name".to_owned(), "tags".to_owned()];
        let cases = [
            (json!({"action": "deploy", "env": "prod"}), Decision::Start),
            (
                json!({"action": "deploy", "env": "dev"}),
                Decision::FilteredOut,
            ),
            (json!({"env": "prod"}), Decision::FilteredOut),
            (
                json!({"action": "deploy", "env": "prod", "tags": {}}),
                Decision::Issue(
                    "tags is not a scalar, so that the YAML is invalid once it stands in it"
                        .to_owned(),
                ),
            ),
        ];
        for (payload, expected) in cases {
            assert_eq!(decide(&pipeline, &payload), expected, "{payload}");
        }
    }
}
