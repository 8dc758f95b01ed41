//! Templates in motion: a template's expressions are evaluated by jq, and their results put back.

use longshore_domain::id::RunLogId;
use longshore_domain::run::{Documents, FailedTemplates, Rendered, Run};
use longshore_domain::secret::Secret;
use longshore_domain::template::{
    Cause, Deferred, Evaluated, Expression, Failure, Filled, MAX_EXPRESSION_BYTES, PerAttempt,
    Template,
};
use longshore_jq::{CompileError, Evaluated as Output, Evaluator, Input, Members as _, Program};
use serde_json::Value;

use crate::Engine;
use crate::dispatch::parcel::{Content, DeferredContent};
use crate::outgoing::Outgoing;
use crate::scope::{self, RunScope};

const _: () = assert!(
    MAX_EXPRESSION_BYTES == longshore_jq::bounds::MAX_EXPRESSION_BYTES,
    "templates hold expressions of any length that can be evaluated, and no others"
);

/// A template whose expressions are compiled once, for all runs of an action's revision.
pub(crate) struct CompiledTemplate {
    template: Template,
    programs: Vec<Compiled>,
}

pub(crate) enum Compiled {
    Program(Program),
    /// It names a secret or may read an encrypted input: it is compiled when it is first attempted.
    Deferred,
    /// It does not compile, and so is null.
    Mistake(Mistake),
}

/// Where the text of an expression goes wrong.
#[derive(Clone, Debug)]
pub(crate) struct Mistake {
    /// The compiler's words.
    pub(crate) message: String,
    /// In characters from 0.
    pub(crate) position: usize,
}

/// A payload with its deferred parts evaluated; for the wire alone.
pub(crate) struct Complete {
    pub(crate) payload: Value,
    /// What expressions that name a secret yielded.
    pub(crate) secrets: Vec<Secret<String>>,
    /// What came to nothing.
    pub(crate) failures: Vec<Failure>,
}

impl CompiledTemplate {
    pub(crate) fn new(value: &Value) -> Self {
        Self::with_sealed(value, &[])
    }

    /// The same where these inputs are encrypted for each attempt: what may read one of them is
    /// evaluated then.
    pub(crate) fn with_sealed(value: &Value, sealed: &[String]) -> Self {
        let paths: Vec<[&str; 2]> = sealed.iter().map(|name| ["inputs", name]).collect();
        let paths: Vec<&[&str]> = paths.iter().map(<[&str; 2]>::as_slice).collect();
        // What does not compile reads nothing.
        let reads = |text: &str| Program::compile(text).is_ok_and(|it| it.may_read(&paths));
        let template = Template::parse_keeping(value, &|text| !paths.is_empty() && reads(text));
        let compiled = |expression: &Expression| match expression.deferred {
            true => Compiled::Deferred,
            false => Compiled::of(&expression.text),
        };
        let programs = template.expressions().iter().map(compiled).collect();
        Self { template, programs }
    }

    /// The text of each expression, with what it compiled to.
    pub(crate) fn compiled(&self) -> impl Iterator<Item = (&str, &Compiled)> {
        let expressions = self.template.expressions().iter();
        expressions
            .map(|expression| expression.text.as_str())
            .zip(&self.programs)
    }

    /// The template filled in with what its expressions come to; what names a secret stays as it
    /// was written.
    pub(crate) async fn fill(
        &self,
        evaluator: &Evaluator,
        owner: &str,
        scope: Input<'_>,
    ) -> Filled {
        let evaluated = evaluated(evaluator, owner, &self.programs, scope).await;
        self.template.fill(&evaluated)
    }
}

impl Compiled {
    pub(crate) fn of(text: &str) -> Self {
        Self::from(text, Program::compile(text))
    }

    fn from(text: &str, compiled: Result<Program, CompileError>) -> Self {
        match compiled {
            Ok(program) => Self::Program(program),
            Err(CompileError { message, position }) => Self::Mistake(Mistake {
                message,
                position: characters(text, position),
            }),
        }
    }
}

/// A place in `text`, in characters instead of bytes.
pub(crate) fn characters(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).count()
}

/// What each of `programs` comes to, in order. Alone asks the evaluator.
/// Those of one `owner` take turns with those of others.
pub(crate) async fn evaluated(
    evaluator: &Evaluator,
    owner: &str,
    programs: &[Compiled],
    scope: Input<'_>,
) -> Vec<Evaluated> {
    let mut runnable = Vec::with_capacity(programs.len());
    runnable.extend(programs.iter().filter_map(|compiled| match compiled {
        Compiled::Program(program) => Some(program),
        Compiled::Deferred | Compiled::Mistake(_) => None,
    }));
    let outputs = evaluator.evaluate(owner, &runnable, scope).await;
    let mut outputs = outputs.into_iter();
    let evaluated = programs.iter().map(|compiled| match compiled {
        Compiled::Program(_) => outputs.next().map_or(Evaluated::Undefined, evaluated_of),
        Compiled::Deferred => Evaluated::Undefined,
        Compiled::Mistake(mistake) => Evaluated::Failed {
            cause: Cause::Compile {
                position: mistake.position,
            },
            message: mistake.message.clone(),
        },
    });
    evaluated.collect()
}

fn evaluated_of(output: Output) -> Evaluated {
    match output {
        Output::Output(value) => Evaluated::Value(value),
        Output::Empty => Evaluated::Undefined,
        Output::Error(message) => Evaluated::Failed {
            cause: Cause::Error,
            message,
        },
        Output::Exceeded(bound) => Evaluated::Failed {
            cause: Cause::Bound,
            message: bound.to_string(),
        },
    }
}

/// What each of the `programs` of `per_attempt` comes to, in order. What `scope` has of secrets is in
/// sight of those alone that name one.
pub(crate) async fn evaluated_apart(
    evaluator: &Evaluator,
    owner: &str,
    per_attempt: &PerAttempt,
    programs: Vec<Compiled>,
    scope: &Value,
) -> Vec<Evaluated> {
    let names_secret = || per_attempt.expressions().iter().map(|it| it.deferred);
    if names_secret().all(|names_secret| names_secret) {
        return evaluated(evaluator, owner, &programs, scope.into()).await;
    }
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for (program, names_secret) in programs.into_iter().zip(names_secret()) {
        let (here, there) = match names_secret {
            true => (&mut with, &mut without),
            false => (&mut without, &mut with),
        };
        here.push(program);
        there.push(Compiled::Deferred);
    }
    let plain = scope::without_secrets(scope.clone());
    let with = evaluated(evaluator, owner, &with, scope.into()).await;
    let without = evaluated(evaluator, owner, &without, (&plain).into()).await;
    let pairs = with.into_iter().zip(without).zip(names_secret());
    pairs
        .map(|((with, without), names_secret)| if names_secret { with } else { without })
        .collect()
}

/// The expressions of a template's deferred parts, compiled unless the evaluator remembers them.
pub(crate) fn compiled(evaluator: &Evaluator, per_attempt: &PerAttempt) -> Vec<Compiled> {
    let expressions = per_attempt.expressions().iter();
    expressions
        .map(|Expression { text, .. }| Compiled::from(text, evaluator.compile(text)))
        .collect()
}

impl Engine {
    /// Renders an invocation; what names a secret stays as it was written.
    pub(crate) async fn render(
        &self,
        template: &CompiledTemplate,
        scope: &RunScope<'_>,
    ) -> Rendered {
        let filled = template
            .fill(&self.evaluator, scope.action, Input::Object(scope))
            .await;
        Rendered {
            payload: filled.value,
            deferred: filled.deferred,
            failed: self.failed_templates(filled.failures),
        }
    }

    /// What a run is told of `failures`, where there are some.
    pub(crate) fn failed_templates(&self, failures: Vec<Failure>) -> Option<FailedTemplates> {
        (!failures.is_empty()).then(|| FailedTemplates {
            failures,
            line: RunLogId::mint(self.environment.now(), self.environment.random_u64()),
        })
    }

    /// Evaluates the deferred parts of a payload for one attempt.
    pub(crate) async fn fill_deferred(
        &self,
        payload: Value,
        deferred: &[Deferred],
        scope: &Value,
    ) -> Complete {
        let per_attempt = PerAttempt::parse(deferred);
        let programs = compiled(&self.evaluator, &per_attempt);
        let owner = action_of(scope);
        let evaluated =
            evaluated_apart(&self.evaluator, owner, &per_attempt, programs, scope).await;
        let completed = per_attempt.complete(payload, &evaluated);
        Complete {
            payload: completed.value,
            secrets: completed.yielded.into_iter().map(Secret::new).collect(),
            failures: completed.failures,
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
            payload: payload.as_value().clone(),
            deferred: documents.deferred.clone(),
            scope: RunScope::of(run, documents).whole(),
            encrypted: documents.encrypted.clone().filter(|it| it.has_sealed()),
        })))
    }
}

/// The action that a run's scope is of: its expressions have one turn.
fn action_of(scope: &Value) -> &str {
    scope["action"]["identifier"].as_str().unwrap_or_default()
}
