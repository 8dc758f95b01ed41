//! Trying a template out: what it becomes, and what is wrong with it, without a run and without
//! any secret. Evaluation is the one that runs have; only secrets are replaced by stand-ins.

use std::collections::BTreeSet;

use longshore_domain::action::{MAX_WARNINGS, Scope};
use longshore_domain::id::RunId;
use longshore_domain::template::{Failure, PerAttempt};
use longshore_jq::{Evaluator, Members as _};
use serde::Serialize;
use serde_json::{Map, Value};

use super::examined::Examined;
use crate::Engine;
use crate::caller::Caller;
use crate::error::Error;
use crate::render::{Compiled, CompiledTemplate, evaluated_apart};
use crate::scope::{self, RunScope};
use crate::tasks::apart;

/// What a run token is replaced by.
const RUN_TOKEN: &str = "<run token>";

/// Who tries out waits with others who do, and what is tried out is remembered apart: a context
/// may name any action. No action is called so.
const OWNER: &str = "(trial)";

/// What a template that is tried out sees.
#[derive(Clone, Debug, PartialEq)]
pub enum TrialContext {
    /// This object.
    Given(Value),
    /// What the templates of this run see.
    Run(RunId),
}

/// What a template came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// The value; null where it came to nothing at all.
    pub value: Value,
    /// What went wrong, in the order of the template.
    pub problems: Vec<Problem>,
}

/// Something that went wrong with one expression, or with the braces of one string.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// Where in the template.
    pub path: String,
    /// The expression; empty where it is not one expression's fault.
    pub expression: String,
    /// What is wrong.
    pub message: String,
    /// Where in the expression, in characters from 0, where one can point at it.
    pub position: Option<usize>,
}

/// Fills `template` in with what its expressions come to in `context`.
///
/// `.secrets.NAME` is the text `<secret NAME>` whether there is such a secret or not; where
/// `secrets` says which there are, an unknown one is also a problem.
pub async fn try_out(
    evaluator: &Evaluator,
    template: &Value,
    context: &Value,
    secrets: Option<Vec<String>>,
) -> Trial {
    let template = template.clone();
    let look = move || {
        let compiled = CompiledTemplate::new(&template);
        (Examined::of(&template, &compiled), compiled)
    };
    let (examined, template) = apart(look).await;
    let plain = scope::without_secrets(context.clone());
    let filled = template.fill(evaluator, OWNER, (&plain).into()).await;
    let (mut value, mut failures) = (filled.value, filled.failures);
    if !filled.deferred.is_empty() {
        let named = examined.secrets().map(str::to_owned);
        let names: BTreeSet<String> = named.chain(secrets.iter().flatten().cloned()).collect();
        let scope = with_stand_ins(plain, names);
        let look = move || {
            let per_attempt = PerAttempt::parse(&filled.deferred).with_stand_ins();
            let expressions = per_attempt.expressions().iter();
            let programs: Vec<Compiled> = expressions
                .map(|expression| Compiled::of(&expression.text))
                .collect();
            (programs, per_attempt)
        };
        let (programs, per_attempt) = apart(look).await;
        let results = evaluated_apart(evaluator, OWNER, &per_attempt, programs, &scope).await;
        let completed = per_attempt.complete(value, &results);
        value = completed.value;
        failures.extend(completed.failures);
    }
    let mut problems: Vec<Problem> = failures.into_iter().map(problem_of).collect();
    problems.extend(dead_ends(&examined, context, secrets, &problems));
    problems.truncate(MAX_WARNINGS);
    Trial { value, problems }
}

fn problem_of(failure: Failure) -> Problem {
    Problem {
        path: failure.path,
        expression: failure.expression,
        message: failure.message,
        position: failure.cause.position(),
    }
}

/// Names that are not there, where nothing worse was told of the same place.
fn dead_ends(
    examined: &Examined,
    context: &Value,
    secrets: Option<Vec<String>>,
    told: &[Problem],
) -> Vec<Problem> {
    let given = context.as_object().into_iter().flatten();
    let scope = Scope::of_trial(given.map(|(name, _)| name.clone()), secrets);
    let faults = examined.faults(&scope);
    let mut problems = Vec::new();
    examined.survey.each(|occurrence| {
        let found = faults.get(occurrence.index).into_iter().flatten();
        for fault in found {
            if problems.len() >= MAX_WARNINGS {
                return;
            }
            let problem = Problem {
                path: occurrence.path(),
                expression: occurrence.expression.text.clone(),
                message: fault.message.clone(),
                position: Some(fault.position),
            };
            let same = |known: &Problem| {
                known.path == problem.path && known.expression == problem.expression
            };
            if !told.iter().any(same) {
                problems.push(problem);
            }
        }
    });
    problems
}

fn with_stand_ins(mut scope: Value, names: BTreeSet<String>) -> Value {
    let stand_in = |name: String| {
        let value = Value::String(format!("<secret {name}>"));
        (name, value)
    };
    let secrets: Map<String, Value> = names.into_iter().map(stand_in).collect();
    if let Value::Object(scope) = &mut scope {
        scope.insert("secrets".into(), Value::Object(secrets));
        let run = scope
            .entry("run")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(run) = run {
            run.insert("token".into(), RUN_TOKEN.into());
        }
    }
    scope
}

impl Engine {
    /// Tries `template` out.
    ///
    /// # Errors
    /// Where the caller may not, or there is no such run.
    pub async fn try_template(
        &self,
        caller: &Caller,
        template: &Value,
        context: TrialContext,
    ) -> Result<Trial, Error> {
        caller.admin()?;
        let context = match context {
            TrialContext::Given(context) => context,
            TrialContext::Run(id) => {
                let found = self.store.run(&id).await?;
                let found = found.ok_or_else(|| Error::not_found("run", id.as_str()))?;
                RunScope::of(&found.run, &found.documents).whole()
            }
        };
        let names = self.secrets.list().into_iter();
        let secrets = names.map(|secret| secret.secret_name).collect();
        Ok(try_out(&self.evaluator, template, &context, Some(secrets)).await)
    }
}
