//! Variables of the post content, by JSONPath or XPath. Any failure leaves a variable to its default.

use std::collections::BTreeMap;

use longshore_jsonpath::json::{self, Node};
use longshore_jsonpath::{EvaluationError, ParseError, Path};

use super::super::Thrown;
use super::super::filter::Filter;
use super::super::flatten::{FlattenError, clean, variables, whole};
use super::super::model::{ExpressionType, GenericVariable, Trigger};
use super::super::xpath::{self, XPathError};
use super::{Origin, Part, Variables};

/// Why an expression gave nothing. The plugin tells nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// There is nothing to look in.
    #[error("the post content is empty")]
    NoContent,
    /// There is nothing to look for.
    #[error("no expression is configured")]
    NoExpression,
    /// The content is no JSON.
    #[error("the post content is not JSON: {0}")]
    NotJson(json::ReadError),
    /// The JSONPath cannot be read.
    #[error("{0}")]
    JsonPathText(ParseError),
    /// The JSONPath found nothing, or failed.
    #[error("{0}")]
    JsonPath(EvaluationError),
    /// The XPath failed.
    #[error("{0}")]
    XPath(XPathError),
    /// What was found is null, or has no leaves.
    #[error("what was found is null")]
    Null,
    /// What was found is the empty text, or became it by the filter.
    #[error("the value is empty")]
    Empty,
    /// The filter is no regular expression, or gave up.
    #[error("the filter failed: {}", .0.job_message())]
    Filter(Thrown),
    /// There is too much of it.
    #[error("{0}")]
    Flatten(FlattenError),
}

/// The post content, read when first asked for.
struct Content<'a> {
    text: &'a str,
    json: Option<Result<Node, json::ReadError>>,
    xml: Option<xpath::Content>,
}

/// Adds the variables of all expressions, in their order.
pub(super) fn add(resolved: &mut Variables, trigger: &Trigger, text: &str) {
    let mut content = Content {
        text,
        json: None,
        xml: None,
    };
    for (place, variable) in trigger.generic_variables.iter().enumerate() {
        let found = content.find(variable, !trigger.should_not_flatten);
        let key = &variable.key;
        let (mut values, failure) = match found {
            Ok(values) if values.is_empty() => (values, Some(Unresolved::Null)),
            Ok(values) if values.get(key).is_some_and(String::is_empty) => {
                (values, Some(Unresolved::Empty))
            }
            Ok(values) => (values, None),
            Err(failure) => (BTreeMap::new(), Some(failure)),
        };
        let mut with_default = false;
        if let Some(failure) = failure {
            if let Some(default) = &variable.default_value {
                values.insert(key.clone(), default.clone());
                with_default = true;
            }
            resolved.unresolved.push((place, failure));
        }
        let cleaned = clean(key);
        for (name, value) in values {
            let part = if with_default && name == *key {
                Part::Default
            } else if name == *key && is_whole_content(variable) {
                Part::WholeContent
            } else if name == *key || name == cleaned {
                Part::Value
            } else {
                Part::Leaf
            };
            resolved.put(name, value, Origin::Content(place, part));
        }
    }
}

fn is_whole_content(variable: &GenericVariable) -> bool {
    variable.expression_type == ExpressionType::JsonPath && variable.value.trim() == "$"
}

impl Content<'_> {
    fn find(
        &mut self,
        variable: &GenericVariable,
        flatten: bool,
    ) -> Result<BTreeMap<String, String>, Unresolved> {
        if self.text.is_empty() {
            return Err(Unresolved::NoContent);
        }
        if variable.value.is_empty() {
            return Err(Unresolved::NoExpression);
        }
        let filter =
            Filter::compile(variable.regexp_filter.as_deref()).map_err(Unresolved::Filter)?;
        match variable.expression_type {
            ExpressionType::JsonPath => self.find_in_json(variable, &filter, flatten),
            ExpressionType::XPath => {
                let text = self.text;
                let xml = self.xml.get_or_insert_with(|| xpath::Content::read(text));
                xpath::variables(&variable.key, xml, &variable.value, &filter)
                    .map_err(Unresolved::XPath)
            }
        }
    }

    fn find_in_json(
        &mut self,
        variable: &GenericVariable,
        filter: &Filter,
        flatten: bool,
    ) -> Result<BTreeMap<String, String>, Unresolved> {
        let text = self.text;
        let document = self
            .json
            .get_or_insert_with(|| json::read(text))
            .as_ref()
            .map_err(|error| Unresolved::NotJson(*error))?;
        if *document == Node::Null {
            return Err(Unresolved::Null);
        }
        let path = Path::parse(&variable.value).map_err(Unresolved::JsonPathText)?;
        let value = path.evaluate(document).map_err(Unresolved::JsonPath)?;
        let mut out = if flatten {
            variables(&variable.key, &value, filter).map_err(Unresolved::Flatten)?
        } else {
            let text = match &value {
                Node::Null => return Err(Unresolved::Null),
                Node::Text(text) => text.clone(),
                other => whole(other).ok_or(Unresolved::Flatten(FlattenError::TooLarge))?,
            };
            let value = filter.delete_from(&text).map_err(Unresolved::Filter)?;
            BTreeMap::from([(variable.key.clone(), value)])
        };
        if is_whole_content(variable) {
            out.insert(variable.key.clone(), text.to_owned());
        }
        Ok(out)
    }
}
