//! What a mapping reports about a run, read from the answer.

use longshore_domain::agent::RunReport;
use longshore_domain::json;
use longshore_domain::run::Status;
use longshore_jq::{Evaluated, Evaluator};
use serde_json::{Value, json};

use super::expression::{self, Expression};
use super::tree::why;
use super::{Mappings, Plan, Reporter};

/// The fields of a report, as the mapping file names them.
pub(super) const FIELDS: [&str; 4] = ["status", "link", "summary", "externalRunId"];

/// What the expressions of a report see.
#[derive(Debug)]
pub struct ReportContext {
    /// The message.
    pub body: Value,
    /// What was sent: `method`, `url`, `headers`, `query`, `body`.
    pub request: Value,
    /// What was answered: `statusCode`, `headers`, `text`, `json`.
    pub response: Value,
}

impl Mappings {
    /// The report of `plan`'s mapping, and what a person should know of it.
    pub async fn report(
        &self,
        plan: &Plan,
        evaluator: &Evaluator,
        context: ReportContext,
    ) -> (Option<RunReport>, Vec<String>) {
        match plan.reporter {
            Reporter::Nobody => (None, Vec::new()),
            Reporter::Gitlab => (gitlab(&context.response["json"]), Vec::new()),
            Reporter::Mapping(index) => {
                let mapping = self.list.as_ref().and_then(|list| list.get(index));
                let fields = mapping.map_or(&[][..], |mapping| &mapping.report);
                self.mapped(index, fields, evaluator, context).await
            }
        }
    }

    async fn mapped(
        &self,
        index: usize,
        fields: &[(&'static str, Expression)],
        evaluator: &Evaluator,
        context: ReportContext,
    ) -> (Option<RunReport>, Vec<String>) {
        let ReportContext {
            body,
            request,
            response,
        } = context;
        let context = json!({"body": body, "request": request, "response": response});
        let asked: Vec<&Expression> = fields.iter().map(|(_, expression)| expression).collect();
        let answers = expression::evaluate(evaluator, &asked, &context, &self.environment).await;
        let mut report = RunReport::default();
        let mut notes = Vec::new();
        for ((field, _), answer) in fields.iter().zip(answers) {
            let taken = match &answer {
                Evaluated::Output(Value::Null) => true,
                Evaluated::Output(value) => take(&mut report, field, value),
                _ => false,
            };
            if !taken {
                let why = why(Some(&answer));
                notes.push(format!("mapping[{index}].report.{field} {why}."));
            }
        }
        (some(report), notes)
    }
}

/// Takes `value` as `field`; false where it has another type.
fn take(report: &mut RunReport, field: &str, value: &Value) -> bool {
    match field {
        "status" => {
            let status: Option<Status> = serde_json::from_value(value.clone()).ok();
            let ended = status.filter(|it| matches!(it, Status::Success | Status::Failure));
            report.status = ended;
            ended.is_some()
        }
        "link" => {
            let is_link = match value {
                Value::String(_) => true,
                Value::Array(links) => links.iter().all(Value::is_string),
                _ => false,
            };
            report.link = is_link.then(|| value.clone());
            is_link
        }
        "summary" => {
            report.summary = Some(shown(value));
            true
        }
        _ => {
            report.external_run_id = Some(shown(value));
            true
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => json::stringify(other),
    }
}

fn gitlab(answer: &Value) -> Option<RunReport> {
    let id = answer.get("id").filter(|id| !id.is_null()).map(shown);
    let link = answer.get("web_url").filter(|link| link.is_string());
    some(RunReport {
        link: link.cloned(),
        external_run_id: id,
        ..RunReport::default()
    })
}

fn some(report: RunReport) -> Option<RunReport> {
    (report != RunReport::default()).then_some(report)
}
