//! The variables of one job: from headers, then parameters, then the post content.

use std::collections::BTreeMap;

use longshore_jsonpath::Path;
use longshore_jsonpath::json::{self, Node};

use super::Thrown;
use super::filter::Filter;
use super::flatten::{clean, variables, whole};
use super::model::{ExpressionType, GenericVariable, NamedVariable, Trigger};
use super::request::{GwtRequest, Values};

/// Resolves everything that a trigger configures.
pub fn resolve(
    trigger: &Trigger,
    request: &GwtRequest,
) -> Result<BTreeMap<String, String>, Thrown> {
    let mut resolved = from_headers(&trigger.generic_header_variables, &request.headers)?;
    resolved.extend(from_parameters(
        &trigger.generic_request_variables,
        &request.parameters,
    )?);
    if trigger.generic_variables.is_empty() {
        return Ok(resolved);
    }
    let document = json::read(&request.post_content).ok();
    for variable in &trigger.generic_variables {
        resolved.extend(from_content(
            variable,
            &request.post_content,
            document.as_ref(),
            !trigger.should_not_flatten,
        ));
    }
    Ok(resolved)
}

/// The first configured entry of a name wins; the plain name holds the first value.
fn from_headers(
    configured: &[NamedVariable],
    headers: &Values,
) -> Result<BTreeMap<String, String>, Thrown> {
    let mut out = BTreeMap::new();
    for (header, values) in headers {
        let entry = configured
            .iter()
            .find(|entry| entry.key.eq_ignore_ascii_case(header));
        let Some(entry) = entry else { continue };
        let filter = Filter::compile(entry.regexp_filter.as_deref())?;
        let name = clean(&header.to_lowercase());
        numbered(&mut out, &name, values, &filter)?;
        if let Some(first) = values.first() {
            out.insert(name, filter.delete_from(first)?);
        }
    }
    Ok(out)
}

/// The plain name is there only where there is exactly one value.
fn from_parameters(
    configured: &[NamedVariable],
    parameters: &Values,
) -> Result<BTreeMap<String, String>, Thrown> {
    let mut out = BTreeMap::new();
    for (parameter, values) in parameters {
        let entry = configured.iter().find(|entry| entry.key == *parameter);
        let Some(entry) = entry else { continue };
        let filter = Filter::compile(entry.regexp_filter.as_deref())?;
        let name = clean(parameter);
        numbered(&mut out, &name, values, &filter)?;
        if let [only] = values.as_slice() {
            out.insert(name, filter.delete_from(only)?);
        }
    }
    Ok(out)
}

fn numbered(
    out: &mut BTreeMap<String, String>,
    name: &str,
    values: &[String],
    filter: &Filter,
) -> Result<(), Thrown> {
    for (index, value) in values.iter().enumerate() {
        out.insert(format!("{name}_{index}"), filter.delete_from(value)?);
    }
    Ok(())
}

/// Any failure here is swallowed, and leaves the variable to its default.
fn from_content(
    variable: &GenericVariable,
    content: &str,
    document: Option<&Node>,
    flatten: bool,
) -> BTreeMap<String, String> {
    let mut out = Filter::compile(variable.regexp_filter.as_deref())
        .ok()
        .and_then(|filter| evaluated(variable, content, document?, &filter, flatten))
        .unwrap_or_default();
    let unresolved = out.is_empty() || out.get(&variable.key).is_some_and(String::is_empty);
    if unresolved && let Some(default) = &variable.default_value {
        out.insert(variable.key.clone(), default.clone());
    }
    out
}

fn evaluated(
    variable: &GenericVariable,
    content: &str,
    document: &Node,
    filter: &Filter,
    flatten: bool,
) -> Option<BTreeMap<String, String>> {
    if variable.expression_type != ExpressionType::JsonPath || *document == Node::Null {
        return None;
    }
    let value = Path::parse(&variable.value).ok()?.evaluate(document).ok()?;
    let mut out = if flatten {
        variables(&variable.key, &value, filter).ok()?
    } else {
        let text = match &value {
            Node::Null => return None,
            Node::Text(text) => text.clone(),
            other => whole(other)?,
        };
        BTreeMap::from([(variable.key.clone(), filter.delete_from(&text).ok()?)])
    };
    if variable.value.trim() == "$" {
        out.insert(variable.key.clone(), content.to_owned());
    }
    Some(out)
}
