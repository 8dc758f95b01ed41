//! The parameters that a job declares. Kinds that are not known are passed over.

use super::element::Element;
use super::error::StoredError;
use crate::jenkins::gwt::model::{DeclaredParameter, ParameterValue};

pub(super) fn read(root: &Element<'_>) -> Result<Vec<DeclaredParameter>, StoredError> {
    let Some(properties) = root.child("properties")? else {
        return Ok(Vec::new());
    };
    let Some(property) = properties.child("hudson.model.ParametersDefinitionProperty")? else {
        return Ok(Vec::new());
    };
    let Some(definitions) = property.child("parameterDefinitions")? else {
        return Ok(Vec::new());
    };
    let mut parameters = Vec::new();
    for definition in definitions.children() {
        let default = match definition.name() {
            "hudson.model.StringParameterDefinition" | "hudson.model.TextParameterDefinition" => {
                let text = definition.text("defaultValue")?;
                Some(ParameterValue::Text(text.unwrap_or_default()))
            }
            "hudson.model.BooleanParameterDefinition" => {
                Some(ParameterValue::Boolean(definition.truth("defaultValue")?))
            }
            "hudson.model.ChoiceParameterDefinition" => choice(&definition)?,
            // It is stored encrypted, with a key that only its Jenkins has.
            "hudson.model.PasswordParameterDefinition" => Some(ParameterValue::Text(String::new())),
            _ => continue,
        };
        let name = definition
            .text("name")?
            .ok_or_else(|| definition.unexpected("a parameter with a <name>"))?;
        parameters.push(DeclaredParameter { name, default });
    }
    Ok(parameters)
}

/// The chosen default, else the first choice.
fn choice(definition: &Element<'_>) -> Result<Option<ParameterValue>, StoredError> {
    if let Some(text) = definition.text("defaultValue")? {
        return Ok(Some(ParameterValue::Text(text)));
    }
    let choices = match definition.child("choices")? {
        None => Vec::new(),
        Some(list) => list.all_below("string"),
    };
    match choices.first() {
        None => Ok(None),
        Some(first) => Ok(Some(ParameterValue::Text(first.content()?))),
    }
}
