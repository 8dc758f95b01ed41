//! What becomes of a call: each pipeline's filters, and its YAML with the payload in it. The
//! emulator acts on what is found here, so that an explanation cannot differ from what happens.

use http::{HeaderMap, Method, Uri};
use serde_json::Value;

use super::answer::Answer;
use super::definition::{Definition, Parameter, Substituted, Unreadable};
use super::explanation::{
    Explanation, FilterFinding, ParameterFinding, PipelineFinding, PipelineOutcome,
    ResourceFinding, ValueFinding,
};
use super::path::{Path, scalar_text};
use super::shown::Shown;
use super::webhook::{Admission, admit};
use super::{Config, Filter, IncomingWebhook, Pipeline, WebhookResource};
use crate::secret::Secret;

/// What the agent or the service gives a meaning in any text, and how that is called.
const MEANINGFUL: [(&str, &str); 4] = [
    ("$(", "a variable, which the agent fills in"),
    ("${{", "an expression, which is evaluated"),
    ("$[", "an expression, which is evaluated"),
    ("##vso[", "a command to the agent, once it is printed"),
];
/// How many places of a payload are told.
const PLACES: usize = 10;

/// A request as it arrived.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// The method.
    pub method: &'a Method,
    /// Path and query.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The exact bytes of the body.
    pub body: &'a [u8],
}

/// What an organisation would make of a call, without making anything of it.
pub fn explain(config: &Config, call: &Incoming<'_>) -> Explanation {
    decide(config, call).0
}

/// The explanation, and the payload of a call that is accepted.
pub(super) fn decide(config: &Config, call: &Incoming<'_>) -> (Explanation, Option<Value>) {
    let Admission {
        webhook,
        signature,
        admitted,
    } = admit(config, call);
    let mut explanation = Explanation {
        method: call.method.clone(),
        path: Shown::new(call.uri.path()),
        webhook,
        signature,
        body_bytes: call.body.len(),
        warnings: Vec::new(),
        pipelines: Vec::new(),
        answer: Answer::ACCEPTED,
    };
    let payload = match admitted {
        Ok((webhook, payload)) => {
            let context = Context {
                webhook,
                payload: &payload,
                secrets: config
                    .webhooks
                    .iter()
                    .filter_map(|it| it.secret.as_ref())
                    .collect(),
            };
            explanation.warnings = odd_places(&payload);
            explanation.pipelines = config
                .pipelines
                .iter()
                .map(|pipeline| context.pipeline(pipeline))
                .collect();
            let waits = |it: &PipelineFinding| !it.webhooks.is_empty();
            if !explanation.pipelines.iter().any(waits) {
                let connection = Shown::new(&webhook.connection);
                let warning = format!("no pipeline waits for the connection {connection}");
                explanation.warnings.push(warning);
            }
            Some(payload)
        }
        Err(answer) => {
            explanation.answer = answer;
            None
        }
    };
    (explanation, payload)
}

/// A call that was accepted.
struct Context<'a> {
    webhook: &'a IncomingWebhook,
    payload: &'a Value,
    secrets: Vec<&'a Secret>,
}

impl Context<'_> {
    fn pipeline(&self, pipeline: &Pipeline) -> PipelineFinding {
        let definition = &pipeline.definition;
        let mut finding = PipelineFinding {
            name: pipeline.name.clone(),
            file: definition.file().to_owned(),
            webhooks: Vec::new(),
            parameters: Vec::new(),
            warnings: Vec::new(),
            outcome: PipelineOutcome::FilteredOut,
        };
        let called: Vec<_> = definition
            .webhooks()
            .iter()
            .filter(|it| self.is_called(it))
            .collect();
        if called.is_empty() {
            let connections = definition.webhooks().iter().map(|it| it.connection.clone());
            finding.outcome = PipelineOutcome::OtherConnection {
                connections: connections.collect(),
            };
            return finding;
        }
        finding.webhooks = called
            .iter()
            .map(|webhook| self.resource(webhook))
            .collect();
        if pipeline.branch != pipeline.default_branch {
            finding.outcome = PipelineOutcome::OtherBranch {
                branch: pipeline.branch.clone(),
                default_branch: pipeline.default_branch.clone(),
            };
            return finding;
        }
        finding.warnings = definition
            .warnings()
            .iter()
            .map(|warning| format!("line {}: {}", warning.line, warning.message))
            .collect();
        let matched: Vec<_> = finding
            .webhooks
            .iter()
            .filter(|webhook| webhook.matches())
            .collect();
        if matched.is_empty() {
            return finding;
        }
        let aliases: Vec<_> = matched
            .iter()
            .map(|webhook| webhook.alias.clone())
            .collect();
        self.substitute(definition, &aliases, &mut finding);
        finding
    }

    fn is_called(&self, webhook: &WebhookResource) -> bool {
        webhook
            .connection
            .eq_ignore_ascii_case(&self.webhook.connection)
    }

    fn resource(&self, webhook: &WebhookResource) -> ResourceFinding {
        ResourceFinding {
            alias: webhook.alias.clone(),
            line: webhook.line,
            filters: webhook
                .filters
                .iter()
                .map(|filter| self.filter(filter))
                .collect(),
        }
    }

    fn filter(&self, filter: &Filter) -> FilterFinding {
        let path = Path::parse(&filter.path);
        let value = path.as_ref().and_then(|path| path.at(self.payload));
        let name = path.as_ref().and_then(Path::last_name);
        FilterFinding {
            path: filter.path.clone(),
            expected: Shown::named(name, &filter.value, &self.secrets),
            found: self.value(name, value),
            matches: value
                .and_then(scalar_text)
                .is_some_and(|text| text == filter.value),
        }
    }

    fn value(&self, name: Option<&str>, value: Option<&Value>) -> ValueFinding {
        match value {
            None => ValueFinding::Missing,
            Some(Value::Null) => ValueFinding::Null,
            Some(Value::Array(_)) => ValueFinding::Array,
            Some(Value::Object(_)) => ValueFinding::Object,
            Some(scalar) => {
                let text = scalar_text(scalar).unwrap_or_default();
                ValueFinding::Scalar(Shown::named(name, &text, &self.secrets))
            }
        }
    }

    /// Puts the payload into the YAML; `aliases` are of the webhooks whose filters match.
    fn substitute(
        &self,
        definition: &Definition,
        aliases: &[String],
        finding: &mut PipelineFinding,
    ) {
        let of_call = |parameter: &Parameter| aliases.contains(&parameter.alias);
        let value = |parameter: &Parameter| {
            of_call(parameter)
                .then(|| parameter.path.at(self.payload))
                .flatten()
        };
        for parameter in definition.parameters() {
            let found = match of_call(parameter) {
                true => self.value(parameter.path.last_name(), value(parameter)),
                false => ValueFinding::OtherWebhook,
            };
            finding.parameters.push(ParameterFinding {
                name: parameter.to_string(),
                line: parameter.place.line,
                value: found,
                bare: parameter.bare,
            });
            let text = value(parameter).and_then(scalar_text).unwrap_or_default();
            finding.warnings.extend(meanings(&text).map(|meaning| {
                format!(
                    "line {}: the value of {parameter} holds {meaning}",
                    parameter.place.line
                )
            }));
        }
        finding.outcome = match definition.substitute(value) {
            Ok(Substituted { alterations }) => {
                finding
                    .warnings
                    .extend(alterations.into_iter().map(|(line, told)| {
                        let line = line
                            .map(|line| format!("line {line}: "))
                            .unwrap_or_default();
                        format!("{line}the input alters the pipeline: {told}")
                    }));
                PipelineOutcome::Starts
            }
            Err(unreadable) => issue(&unreadable),
        };
    }
}

fn issue(unreadable: &Unreadable) -> PipelineOutcome {
    PipelineOutcome::TriggerIssue(unreadable.to_string())
}

/// What of a text is more than a text to Azure Pipelines.
fn meanings(text: &str) -> impl Iterator<Item = String> {
    MEANINGFUL
        .iter()
        .filter(|(token, _)| text.contains(token))
        .map(|(token, meaning)| format!("`{token}`: {meaning}"))
}

/// Payloads with an empty object called `tags` were reported to start nothing.
fn odd_places(payload: &Value) -> Vec<String> {
    let mut search = EmptyTags::default();
    search.look(payload);
    let told = |place: &String| {
        let place = Shown::new(place);
        format!(
            "the payload holds an empty object at {place}; such calls were reported to start nothing"
        )
    };
    search.places.iter().map(told).collect()
}

#[derive(Default)]
struct EmptyTags<'a> {
    /// Written out for what is found only: names may be long, and many stand below one.
    above: Vec<Segment<'a>>,
    places: Vec<String>,
}

enum Segment<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> EmptyTags<'a> {
    /// JSON that is read is at most 128 levels deep.
    fn look(&mut self, value: &'a Value) {
        if self.places.len() == PLACES {
            return;
        }
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    self.above.push(Segment::Name(name));
                    if name == "tags" && member.as_object().is_some_and(serde_json::Map::is_empty) {
                        self.note();
                    } else {
                        self.look(member);
                    }
                    self.above.pop();
                }
            }
            Value::Array(entries) => {
                for (number, entry) in entries.iter().enumerate() {
                    self.above.push(Segment::Index(number));
                    self.look(entry);
                    self.above.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn note(&mut self) {
        let mut place = String::new();
        for segment in &self.above {
            match segment {
                Segment::Name(name) if place.is_empty() => place.push_str(name),
                Segment::Name(name) => place.extend([".", name]),
                Segment::Index(number) => place.push_str(&format!("[{number}]")),
            }
        }
        self.places.push(place);
    }
}
