//! The trigger within a job's file.

use super::element::Element;
use super::error::StoredError;
use crate::jenkins::gwt::model::{ExpressionType, GenericVariable, NamedVariable, Trigger};
use crate::secret::Secret;

const TRIGGER: &str = "org.jenkinsci.plugins.gwt.GenericTrigger";
const VARIABLE: &str = "org.jenkinsci.plugins.gwt.GenericVariable";
const REQUEST_VARIABLE: &str = "org.jenkinsci.plugins.gwt.GenericRequestVariable";
const HEADER_VARIABLE: &str = "org.jenkinsci.plugins.gwt.GenericHeaderVariable";
/// Where a pipeline keeps its triggers.
const PIPELINE_TRIGGERS: &str =
    "org.jenkinsci.plugins.workflow.job.properties.PipelineTriggersJobProperty";

/// The trigger's element: below `<triggers>` of a freestyle job or of a pipeline's property.
pub(super) fn find<'a>(root: &Element<'a>) -> Result<Option<Element<'a>>, StoredError> {
    let mut lists = Vec::new();
    lists.extend(root.child("triggers")?);
    if let Some(properties) = root.child("properties")?
        && let Some(property) = properties.child(PIPELINE_TRIGGERS)?
    {
        lists.extend(property.child("triggers")?);
    }
    for list in lists {
        if let Some(trigger) = list.child(TRIGGER)? {
            return Ok(Some(trigger));
        }
    }
    Ok(None)
}

pub(super) fn read(element: &Element<'_>) -> Result<Trigger, StoredError> {
    let should_not_flatten =
        element.truth("shouldNotFlattern")? || element.truth("shouldNotFlatten")?;
    Ok(Trigger {
        token: element.text("token")?.map(Secret::new),
        token_credential_id: element.text("tokenCredentialId")?,
        generic_variables: list(element, "genericVariables", VARIABLE, variable)?,
        generic_request_variables: list(
            element,
            "genericRequestVariables",
            REQUEST_VARIABLE,
            named_variable,
        )?,
        generic_header_variables: list(
            element,
            "genericHeaderVariables",
            HEADER_VARIABLE,
            named_variable,
        )?,
        regexp_filter_text: element.text("regexpFilterText")?,
        regexp_filter_expression: element.text("regexpFilterExpression")?,
        cause_string: element.text("causeString")?,
        silent_response: element.truth("silentResponse")?,
        override_quiet_period: element.truth("overrideQuietPeriod")?,
        should_not_flatten,
        allow_several_triggers_per_build: element.truth("allowSeveralTriggersPerBuild")?,
        print_post_content: element.truth("printPostContent")?,
        print_contributed_variables: element.truth("printContributedVariables")?,
    })
}

fn list<T>(
    trigger: &Element<'_>,
    name: &str,
    entry: &str,
    read: impl Fn(&Element<'_>) -> Result<T, StoredError>,
) -> Result<Vec<T>, StoredError> {
    match trigger.child(name)? {
        None => Ok(Vec::new()),
        Some(list) => list.all_below(entry).iter().map(read).collect(),
    }
}

fn variable(element: &Element<'_>) -> Result<GenericVariable, StoredError> {
    Ok(GenericVariable {
        key: element.text("key")?.unwrap_or_default(),
        value: element.text("value")?.unwrap_or_default(),
        expression_type: expression_type(element)?,
        regexp_filter: element.text("regexpFilter")?,
        default_value: element.text("defaultValue")?,
    })
}

fn named_variable(element: &Element<'_>) -> Result<NamedVariable, StoredError> {
    Ok(NamedVariable {
        key: element.text("key")?.unwrap_or_default(),
        regexp_filter: element.text("regexpFilter")?,
    })
}

fn expression_type(variable: &Element<'_>) -> Result<ExpressionType, StoredError> {
    let Some(field) = variable.child("expressionType")? else {
        return Ok(ExpressionType::default());
    };
    let text = field.content()?;
    match text.trim() {
        "JSONPath" => Ok(ExpressionType::JsonPath),
        "XPath" => Ok(ExpressionType::XPath),
        _ => Err(field.refused(&text, "JSONPath or XPath")),
    }
}
