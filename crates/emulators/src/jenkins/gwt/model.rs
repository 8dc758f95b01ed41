//! What is configured: triggers of jobs, declared parameters, the global whitelist. Field names in
//! JSON are those of the plugin's Jenkinsfile options.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::xpath;
use crate::secret::Secret;

/// Secret-text credentials by id.
pub type Credentials = BTreeMap<String, Secret>;

/// A job's Generic Webhook Trigger.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Trigger {
    /// The token as text.
    pub token: Option<Secret>,
    /// Id of a secret-text credential; goes before `token` where it is found.
    pub token_credential_id: Option<String>,
    /// Variables from the post content.
    pub generic_variables: Vec<GenericVariable>,
    /// Variables from parameters.
    pub generic_request_variables: Vec<NamedVariable>,
    /// Variables from headers.
    pub generic_header_variables: Vec<NamedVariable>,
    /// Template of the text that the filter is matched against.
    pub regexp_filter_text: Option<String>,
    /// The filter, a Java regular expression.
    pub regexp_filter_expression: Option<String>,
    /// Template of the cause.
    pub cause_string: Option<String>,
    /// Leaves the job out of the answer.
    pub silent_response: bool,
    /// Lets the caller set the quiet period.
    pub override_quiet_period: bool,
    /// Keeps JSONPath results whole.
    #[serde(alias = "shouldNotFlattern")]
    pub should_not_flatten: bool,
    /// Lets queued calls merge.
    pub allow_several_triggers_per_build: bool,
    /// Prints the post content to the build log.
    pub print_post_content: bool,
    /// Prints the variables to the build log.
    pub print_contributed_variables: bool,
}

impl Trigger {
    /// The first post-content variable whose expression is not emulated, and why.
    pub fn unsupported(&self) -> Option<(&str, String)> {
        self.generic_variables
            .iter()
            .filter(|variable| variable.expression_type == ExpressionType::XPath)
            .find_map(|variable| {
                let what = xpath::unsupported(&variable.value)?;
                let reason = format!("XPath with {what} is not emulated");
                Some((variable.key.as_str(), reason))
            })
    }
}

/// A variable taken from the post content.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GenericVariable {
    /// Name.
    pub key: String,
    /// Expression.
    pub value: String,
    /// Language of the expression.
    pub expression_type: ExpressionType,
    /// Every match of it is deleted from the value.
    pub regexp_filter: Option<String>,
    /// Value where nothing was resolved; `None` leaves the variable out.
    pub default_value: Option<String>,
}

/// Language of a post-content expression.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum ExpressionType {
    /// JSONPath, Jayway's dialect.
    #[default]
    #[serde(rename = "JSONPath")]
    JsonPath,
    /// XPath 1.0.
    XPath,
}

/// A variable taken from a parameter or a header.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamedVariable {
    /// Name of the parameter or header.
    pub key: String,
    /// Every match of it is deleted from the value.
    pub regexp_filter: Option<String>,
}

/// A parameter that a job declares.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeclaredParameter {
    /// Name.
    pub name: String,
    /// Default; without one the parameter is not set by a trigger.
    pub default: Option<ParameterValue>,
}

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// A boolean parameter.
    Boolean(bool),
    /// Any other kind.
    Text(String),
}

/// The global whitelist.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Whitelist {
    /// Whether it is looked at.
    pub enabled: bool,
    /// Tried in order.
    pub items: Vec<WhitelistItem>,
}

/// One entry of the whitelist.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WhitelistItem {
    /// Address, range or CIDR; empty admits every address.
    pub host: Option<String>,
    /// Whether a signature is asked for too.
    pub hmac_enabled: bool,
    /// Header that carries it.
    pub hmac_header: Option<String>,
    /// Secret-text credential that holds the key.
    pub hmac_credential_id: Option<String>,
    /// JCE name of the algorithm.
    pub hmac_algorithm: Option<String>,
}
