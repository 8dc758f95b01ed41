//! What an action calls. Texts may hold templates and are kept as they were written.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::shape::{Faults, Fields, Path, is_text_or_texts};

/// The kinds of invocation, by their wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InvocationKind {
    /// A message on the organisation's topic.
    Kafka,
    /// A signed HTTP call.
    Webhook,
    /// A signed HTTP call to Jenkins' Generic Webhook Trigger.
    Jenkins,
    /// Azure Pipelines by an incoming webhook.
    AzureDevops,
    /// A workflow of GitHub Actions.
    Github,
    /// A pipeline of GitLab, through an agent.
    Gitlab,
    /// Work for an integration that polls.
    IntegrationAction,
    /// A write to the catalog.
    UpsertEntity,
}

const KINDS: [(&str, InvocationKind); 8] = [
    ("KAFKA", InvocationKind::Kafka),
    ("WEBHOOK", InvocationKind::Webhook),
    ("JENKINS", InvocationKind::Jenkins),
    ("AZURE_DEVOPS", InvocationKind::AzureDevops),
    ("GITHUB", InvocationKind::Github),
    ("GITLAB", InvocationKind::Gitlab),
    ("INTEGRATION_ACTION", InvocationKind::IntegrationAction),
    ("UPSERT_ENTITY", InvocationKind::UpsertEntity),
];

impl InvocationKind {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kafka => "KAFKA",
            Self::Webhook => "WEBHOOK",
            Self::Jenkins => "JENKINS",
            Self::AzureDevops => "AZURE_DEVOPS",
            Self::Github => "GITHUB",
            Self::Gitlab => "GITLAB",
            Self::IntegrationAction => "INTEGRATION_ACTION",
            Self::UpsertEntity => "UPSERT_ENTITY",
        }
    }
}

/// What an action calls, unrendered.
#[derive(Clone, Debug, PartialEq)]
pub enum Invocation {
    /// A message on the organisation's topic; `payload` is an array or an object.
    Kafka {
        /// The message.
        payload: Option<Value>,
    },
    /// A signed HTTP call.
    Webhook(HttpCall),
    /// A signed HTTP call to Jenkins' Generic Webhook Trigger.
    Jenkins(HttpCall),
    /// Azure Pipelines by an incoming webhook.
    AzureDevops {
        /// The WebHook Name of the service connection.
        webhook: String,
        /// The Azure DevOps organisation.
        org: String,
        /// The body: an array or an object.
        payload: Option<Value>,
    },
    /// A workflow of GitHub Actions.
    Github {
        /// The repository's owner.
        org: String,
        /// The repository.
        repo: String,
        /// The workflow's file name or id.
        workflow: String,
        /// What the workflow is given.
        workflow_inputs: Option<Map<String, Value>>,
        /// Boolean, or text that renders to one.
        report_workflow_status: Option<Value>,
    },
    /// A pipeline of GitLab, through an agent.
    Gitlab {
        /// The project.
        project_name: String,
        /// Its group.
        group_name: String,
        /// The branch where an input names none.
        default_ref: Option<String>,
        /// What the pipeline is given.
        pipeline_variables: Option<Map<String, Value>>,
    },
    /// Work for an integration that polls.
    IntegrationAction {
        /// Which integration.
        installation_id: String,
        /// What it shall do.
        action_type: String,
        /// With what.
        execution_properties: Map<String, Value>,
    },
    /// A write to the catalog.
    UpsertEntity {
        /// The blueprint of the entity.
        blueprint_identifier: String,
        /// The entity's parts.
        mapping: Map<String, Value>,
    },
}

/// An HTTP call, unrendered.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpCall {
    /// Where to.
    pub url: String,
    /// Boolean, or text that renders to one: an agent makes the call.
    pub agent: Option<Value>,
    /// Boolean, or text that renders to one: the answer ends the run.
    pub synchronized: Option<Value>,
    /// POST where absent.
    pub method: Option<String>,
    /// Names and texts.
    pub headers: Option<Map<String, Value>>,
    /// An array or an object.
    pub body: Option<Value>,
}

impl Invocation {
    /// Which kind this is.
    #[must_use]
    pub const fn kind(&self) -> InvocationKind {
        match self {
            Self::Kafka { .. } => InvocationKind::Kafka,
            Self::Webhook(_) => InvocationKind::Webhook,
            Self::Jenkins(_) => InvocationKind::Jenkins,
            Self::AzureDevops { .. } => InvocationKind::AzureDevops,
            Self::Github { .. } => InvocationKind::Github,
            Self::Gitlab { .. } => InvocationKind::Gitlab,
            Self::IntegrationAction { .. } => InvocationKind::IntegrationAction,
            Self::UpsertEntity { .. } => InvocationKind::UpsertEntity,
        }
    }

    /// The HTTP call of a webhook or of Jenkins.
    #[must_use]
    pub const fn http_call(&self) -> Option<&HttpCall> {
        match self {
            Self::Webhook(call) | Self::Jenkins(call) => Some(call),
            _ => None,
        }
    }
}

pub(super) fn read(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Invocation> {
    let fields = Fields::of(value, path, faults)?;
    if fields.map.get("type").and_then(Value::as_str) == Some("SLACK") {
        let message = "SLACK is not supported; use WEBHOOK with the chat's incoming webhook as url";
        faults.push(&path.key("type"), message);
        return None;
    }
    let names = KINDS.map(|(name, _)| name);
    let name = fields.required_choice("type", &names, faults)?;
    let (_, kind) = KINDS.into_iter().find(|(known, _)| *known == name)?;
    match kind {
        InvocationKind::Kafka => {
            fields.close(&["type", "payload"], faults);
            Some(Invocation::Kafka {
                payload: structure(&fields, "payload", faults),
            })
        }
        InvocationKind::Webhook => http_call(&fields, faults).map(Invocation::Webhook),
        InvocationKind::Jenkins => http_call(&fields, faults).map(Invocation::Jenkins),
        InvocationKind::AzureDevops => azure_devops(&fields, faults),
        InvocationKind::Github => github(&fields, faults),
        InvocationKind::Gitlab => gitlab(&fields, faults),
        InvocationKind::IntegrationAction => integration_action(&fields, faults),
        InvocationKind::UpsertEntity => upsert_entity(&fields, faults),
    }
}

fn structure(fields: &Fields<'_, '_>, key: &str, faults: &mut Faults) -> Option<Value> {
    let fits = |value: &Value| value.is_array() || value.is_object();
    fields
        .fitting(key, "an array or an object", fits, faults)
        .cloned()
}

fn switch(fields: &Fields<'_, '_>, key: &str, faults: &mut Faults) -> Option<Value> {
    let fits = |value: &Value| value.is_boolean() || value.is_string();
    fields
        .fitting(key, "true, false or a template", fits, faults)
        .cloned()
}

fn http_call(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<HttpCall> {
    let known = [
        "type",
        "url",
        "agent",
        "synchronized",
        "method",
        "headers",
        "body",
    ];
    fields.close(&known, faults);
    let url = fields.required_string("url", faults);
    let agent = switch(fields, "agent", faults);
    let synchronized = switch(fields, "synchronized", faults);
    let method = fields.string("method", faults).map(str::to_owned);
    let headers = fields.object("headers", faults).cloned();
    for (name, value) in headers.iter().flatten() {
        faults.string(&fields.path.key("headers").key(name), value);
    }
    let body = structure(fields, "body", faults);
    Some(HttpCall {
        url: url?.to_owned(),
        agent,
        synchronized,
        method,
        headers,
        body,
    })
}

fn azure_devops(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<Invocation> {
    fields.close(&["type", "webhook", "org", "payload"], faults);
    let webhook = fields.required_string("webhook", faults);
    let org = fields.required_string("org", faults);
    let payload = structure(fields, "payload", faults);
    Some(Invocation::AzureDevops {
        webhook: webhook?.to_owned(),
        org: org?.to_owned(),
        payload,
    })
}

fn github(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<Invocation> {
    let known = [
        "type",
        "org",
        "repo",
        "workflow",
        "workflowInputs",
        "reportWorkflowStatus",
    ];
    fields.close(&known, faults);
    let org = fields.required_string("org", faults);
    let repo = fields.required_string("repo", faults);
    let workflow = fields.required_string("workflow", faults);
    let workflow_inputs = fields.object("workflowInputs", faults).cloned();
    let report_workflow_status = switch(fields, "reportWorkflowStatus", faults);
    Some(Invocation::Github {
        org: org?.to_owned(),
        repo: repo?.to_owned(),
        workflow: workflow?.to_owned(),
        workflow_inputs,
        report_workflow_status,
    })
}

fn gitlab(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<Invocation> {
    let known = [
        "type",
        "projectName",
        "groupName",
        "defaultRef",
        "pipelineVariables",
    ];
    fields.close(&known, faults);
    let project_name = fields.required_string("projectName", faults);
    let group_name = fields.required_string("groupName", faults);
    let default_ref = fields.string("defaultRef", faults).map(str::to_owned);
    let pipeline_variables = fields.object("pipelineVariables", faults).cloned();
    Some(Invocation::Gitlab {
        project_name: project_name?.to_owned(),
        group_name: group_name?.to_owned(),
        default_ref,
        pipeline_variables,
    })
}

fn integration_action(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<Invocation> {
    const PROPERTIES: &str = "integrationActionExecutionProperties";
    fields.close(
        &[
            "type",
            "installationId",
            "integrationActionType",
            PROPERTIES,
        ],
        faults,
    );
    let installation_id = fields.required_string("installationId", faults);
    let types = ["dispatch_workflow"];
    let action_type = fields.required_choice("integrationActionType", &types, faults);
    let properties = fields.required(PROPERTIES, faults);
    let properties =
        properties.and_then(|value| faults.object(&fields.path.key(PROPERTIES), value));
    Some(Invocation::IntegrationAction {
        installation_id: installation_id?.to_owned(),
        action_type: action_type?.to_owned(),
        execution_properties: properties?.clone(),
    })
}

fn upsert_entity(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<Invocation> {
    fields.close(&["type", "blueprintIdentifier", "mapping"], faults);
    let blueprint_identifier = fields.required_string("blueprintIdentifier", faults);
    let path = fields.path.key("mapping");
    let mapping = fields
        .required("mapping", faults)
        .and_then(|value| Fields::of(value, &path, faults));
    if let Some(mapping) = mapping {
        for key in ["identifier", "title", "icon"] {
            mapping.string(key, faults);
        }
        mapping.object("properties", faults);
        let one_or_many = "a string or an array of strings";
        mapping.fitting("team", one_or_many, is_text_or_texts, faults);
        let relations = mapping.object("relations", faults);
        for (name, relation) in relations.into_iter().flatten() {
            if !relation.is_null() && !is_text_or_texts(relation) {
                let path = path.key("relations");
                faults.expected(
                    &path.key(name),
                    "a string, an array of strings or null",
                    relation,
                );
            }
        }
    }
    Some(Invocation::UpsertEntity {
        blueprint_identifier: blueprint_identifier?.to_owned(),
        mapping: mapping?.map.clone(),
    })
}
