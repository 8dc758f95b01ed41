//! The variables of one job: from headers, then parameters, then the post content, each with where
//! it came from.

mod content;

use std::collections::BTreeMap;
use std::fmt;

use super::Thrown;
use super::filter::Filter;
use super::flatten::clean;
use super::model::{NamedVariable, Trigger};
use super::request::{GwtRequest, Values};

pub use content::Unresolved;

/// What configured a variable: the place in the trigger's list of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A header variable.
    Header(usize),
    /// A request variable.
    Parameter(usize),
    /// A post-content variable, and which part of what it found.
    Content(usize, Part),
}

/// What of an expression's result a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The result itself.
    Value,
    /// A leaf of it.
    Leaf,
    /// The post content as it came, for the expression `$`.
    WholeContent,
    /// The configured default.
    Default,
}

/// The variables of a job. `Debug` tells names and origins, no values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables {
    /// Name and value.
    pub values: BTreeMap<String, String>,
    /// For each name where its value came from.
    pub origins: BTreeMap<String, Origin>,
    /// Post-content variables whose expression gave nothing, by their place, and why; also those
    /// that have their default instead.
    pub unresolved: Vec<(usize, Unresolved)>,
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Variables")
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

impl Variables {
    /// A later value of the same name replaces an earlier one.
    fn put(&mut self, name: String, value: String, origin: Origin) {
        self.origins.insert(name.clone(), origin);
        self.values.insert(name, value);
    }
}

/// Resolves everything that a trigger configures.
pub fn resolve(trigger: &Trigger, request: &GwtRequest) -> Result<Variables, Thrown> {
    let mut resolved = Variables::default();
    add_headers(
        &mut resolved,
        &trigger.generic_header_variables,
        &request.headers,
    )?;
    add_parameters(
        &mut resolved,
        &trigger.generic_request_variables,
        &request.parameters,
    )?;
    content::add(&mut resolved, trigger, &request.post_content);
    Ok(resolved)
}

/// The first configured entry of a name wins; the plain name holds the first value.
fn add_headers(
    resolved: &mut Variables,
    configured: &[NamedVariable],
    headers: &Values,
) -> Result<(), Thrown> {
    for (header, values) in headers {
        let entry = configured
            .iter()
            .position(|entry| entry.key.eq_ignore_ascii_case(header));
        let Some(place) = entry else { continue };
        let filter = Filter::compile(configured[place].regexp_filter.as_deref())?;
        let name = clean(&header.to_lowercase());
        let origin = Origin::Header(place);
        add_numbered(resolved, &name, values, &filter, origin)?;
        if let Some(first) = values.first() {
            resolved.put(name, filter.delete_from(first)?, origin);
        }
    }
    Ok(())
}

/// The plain name is there only where there is exactly one value.
fn add_parameters(
    resolved: &mut Variables,
    configured: &[NamedVariable],
    parameters: &Values,
) -> Result<(), Thrown> {
    for (parameter, values) in parameters {
        let entry = configured.iter().position(|entry| entry.key == *parameter);
        let Some(place) = entry else { continue };
        let filter = Filter::compile(configured[place].regexp_filter.as_deref())?;
        let name = clean(parameter);
        let origin = Origin::Parameter(place);
        add_numbered(resolved, &name, values, &filter, origin)?;
        if let [only] = values.as_slice() {
            resolved.put(name, filter.delete_from(only)?, origin);
        }
    }
    Ok(())
}

fn add_numbered(
    resolved: &mut Variables,
    name: &str,
    values: &[String],
    filter: &Filter,
    origin: Origin,
) -> Result<(), Thrown> {
    for (index, value) in values.iter().enumerate() {
        resolved.put(
            format!("{name}_{index}"),
            filter.delete_from(value)?,
            origin,
        );
    }
    Ok(())
}
