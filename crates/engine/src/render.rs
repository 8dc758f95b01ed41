//! Templates in motion: a template's expressions are evaluated by jq, and their results put back.

use longshore_domain::run::{Documents, Rendered, Run};
use longshore_domain::secret::Secret;
use longshore_domain::template::{Deferred, Evaluated, Expression, PerAttempt, Template};
use longshore_jq::{Evaluated as Output, Program};
use serde_json::Value;

use crate::Engine;
use crate::dispatch::parcel::{Content, DeferredContent};
use crate::outgoing::Outgoing;
use crate::scope;

/// A template whose expressions are compiled once, for all runs of an action's revision.
pub(crate) struct CompiledTemplate {
    template: Template,
    programs: Vec<Compiled>,
}

enum Compiled {
    Program(Program),
    /// It names a secret: it is compiled for each attempt.
    Deferred,
    /// It does not compile, and so is null.
    Mistake(String),
}

/// A payload with its deferred parts evaluated; for the wire alone.
pub(crate) struct Complete {
    pub(crate) payload: Value,
    /// What expressions that name a secret yielded.
    pub(crate) secrets: Vec<Secret<String>>,
}

impl CompiledTemplate {
    pub(crate) fn new(value: &Value) -> Self {
        let template = Template::parse(value);
        let programs = template.expressions().iter().map(compile).collect();
        Self { template, programs }
    }

    pub(crate) const fn template(&self) -> &Template {
        &self.template
    }

    /// What does not compile, with the compiler's words.
    pub(crate) fn mistakes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.template
            .expressions()
            .iter()
            .zip(&self.programs)
            .filter_map(|(expression, program)| match program {
                Compiled::Mistake(message) => Some((expression.text.as_str(), message.as_str())),
                Compiled::Program(_) | Compiled::Deferred => None,
            })
    }
}

fn compile(expression: &Expression) -> Compiled {
    if expression.deferred {
        return Compiled::Deferred;
    }
    match Program::compile(&expression.text) {
        Ok(program) => Compiled::Program(program),
        Err(error) => Compiled::Mistake(error.to_string()),
    }
}

impl Engine {
    /// Renders an invocation; what names a secret stays as it was written.
    pub(crate) async fn render(&self, template: &CompiledTemplate, scope: &Value) -> Rendered {
        let programs: Vec<&Program> = template
            .programs
            .iter()
            .filter_map(|compiled| match compiled {
                Compiled::Program(program) => Some(program),
                Compiled::Deferred | Compiled::Mistake(_) => None,
            })
            .collect();
        let mut outputs = self
            .evaluator
            .evaluate(owner(scope), &programs, scope)
            .await
            .into_iter();
        let evaluated: Vec<Evaluated> = template
            .programs
            .iter()
            .map(|compiled| match compiled {
                Compiled::Program(_) => outputs.next().map_or(Evaluated::Undefined, evaluated_of),
                Compiled::Deferred => Evaluated::Undefined,
                Compiled::Mistake(message) => Evaluated::Failed {
                    message: message.clone(),
                },
            })
            .collect();
        let filled = template.template.fill(&evaluated);
        Rendered {
            payload: filled.value,
            deferred: filled.deferred,
        }
    }

    /// Evaluates the deferred parts of a payload for one attempt.
    pub(crate) async fn fill_deferred(
        &self,
        payload: Value,
        deferred: &[Deferred],
        scope: &Value,
    ) -> Complete {
        let per_attempt = PerAttempt::parse(deferred);
        let compiled: Vec<Result<Program, String>> = per_attempt
            .expressions()
            .iter()
            .map(|expression| Program::compile(&expression.text).map_err(|error| error.to_string()))
            .collect();
        let programs: Vec<&Program> = compiled
            .iter()
            .filter_map(|made| made.as_ref().ok())
            .collect();
        let mut outputs = self
            .evaluator
            .evaluate(owner(scope), &programs, scope)
            .await
            .into_iter();
        let evaluated: Vec<Evaluated> = compiled
            .iter()
            .map(|made| match made {
                Ok(_) => outputs.next().map_or(Evaluated::Undefined, evaluated_of),
                Err(message) => Evaluated::Failed {
                    message: message.clone(),
                },
            })
            .collect();
        let completed = per_attempt.complete(payload, &evaluated);
        Complete {
            payload: completed.value,
            secrets: completed.yielded.into_iter().map(Secret::new).collect(),
        }
    }

    /// What a stored run's delivery sends; none where the run was never rendered.
    pub(crate) fn content_of(&self, run: &Run, documents: &Documents) -> Option<Content> {
        let payload = documents.payload.as_ref()?;
        let ready = Outgoing::of(payload);
        if documents.deferred.is_empty() {
            return Some(Content::Ready(Box::new(ready)));
        }
        Some(Content::Deferred(Box::new(DeferredContent {
            bytes: ready.bytes(),
            payload: payload.clone(),
            deferred: documents.deferred.clone(),
            scope: scope::of_stored(run, documents),
        })))
    }
}

/// Whose turn it is where a worker is waited for: the action's.
fn owner(scope: &Value) -> &str {
    scope["action"]["identifier"].as_str().unwrap_or_default()
}

fn evaluated_of(output: Output) -> Evaluated {
    match output {
        Output::Output(value) => Evaluated::Value(value),
        Output::Empty => Evaluated::Undefined,
        Output::Error(message) => Evaluated::Failed { message },
        Output::Exceeded(bound) => Evaluated::Failed {
            message: bound.to_string(),
        },
    }
}
