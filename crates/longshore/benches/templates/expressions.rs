//! Expressions and bodies in this process, and the worker that some of them need.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use longshore_domain::template::{Evaluated as Filling, Template};
use longshore_jq::{Config, Evaluated, Evaluator, Program, WorkerCommand};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use super::plain_jaq::PlainJaq;
use super::rig::figures::median;
use super::rig::program;
use super::{Comparison, Goal};

/// How long an event is that templates see.
const EVENT_BYTES: usize = 1_600;
/// Evaluations in this process that are timed together.
const BATCH: u32 = 20_000;
/// Questions to the worker that are timed together.
const WORKER_BATCH: u32 = 1_000;
const PATHS: usize = 20;
/// What only the worker evaluates.
const NEEDS_WORKER: [&str; 5] = [
    ".inputs.labels | join(\",\")",
    ".inputs.name | ascii_upcase",
    ".inputs.labels | map(select(. != \"b\")) | length",
    ".inputs.name | gsub(\"[^a-z]\"; \"_\")",
    ".inputs.replicas * 2 | tostring",
];
const OWNER: &str = "deploy";

/// Every comparison of this file.
pub(crate) fn measure(rounds: u32) -> Result<Vec<Comparison>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let evaluator = Evaluator::new(Config::new(WorkerCommand {
        program: program::measured(),
        args: vec!["jq-worker".into()],
    }));
    let bench = Bench {
        runtime,
        evaluator,
        event: event(),
        rounds,
    };
    Ok(vec![
        bench.one_path()?,
        bench.body_of_paths()?,
        bench.body_with_worker("a bare round trip to the worker", "\"a\" | ascii_upcase")?,
        bench.body_with_worker("a round trip with its event", "length")?,
    ])
}

/// What an action's templates see, as long as an average one.
fn event() -> Value {
    let mut inputs = Map::new();
    inputs.insert("name".into(), "checkout".into());
    inputs.insert("replicas".into(), 3.into());
    inputs.insert("labels".into(), json!(["a", "b", "c"]));
    for at in 0..PATHS {
        inputs.insert(format!("input_{at}"), format!("value of {at}").into());
    }
    let scope = |inputs: &Map<String, Value>| {
        json!({
            "inputs": inputs,
            "trigger": {"by": {"orgId": "org_0123456789abcdef", "userId": "ann"}, "origin": "API",
                "at": "2026-01-02T03:04:05.678Z", "operation": "CREATE"},
            "event": null, "entity": {}, "run": {"id": "r_0123456789abcdef"},
            "action": {"identifier": "deploy", "blueprint": null, "encryptedProperties": []},
        })
    };
    let short = scope(&inputs).to_string().len();
    let notes = "x".repeat(EVENT_BYTES.saturating_sub(short + 10));
    inputs.insert("notes".into(), notes.into());
    scope(&inputs)
}

/// A body of paths, and of `more` expressions.
fn body(more: &[&str]) -> Value {
    let mut body = Map::new();
    for at in 0..PATHS {
        let template = format!("{{{{ .inputs.input_{at} }}}}");
        body.insert(format!("field_{at}"), template.into());
    }
    for (at, expression) in more.iter().enumerate() {
        body.insert(
            format!("made_{at}"),
            format!("{{{{ {expression} }}}}").into(),
        );
    }
    Value::Object(body)
}

/// A body, compiled as an action's is.
struct Body {
    template: Template,
    programs: Vec<Program>,
}

impl Body {
    fn compile(body: &Value) -> Result<Self> {
        let template = Template::parse(body);
        let programs = template
            .expressions()
            .iter()
            .map(|expression| Program::compile(&expression.text))
            .collect::<Result<_, _>>()?;
        Ok(Self { template, programs })
    }
}

struct Bench {
    runtime: Runtime,
    evaluator: Evaluator,
    event: Value,
    rounds: u32,
}

impl Bench {
    fn one_path(&self) -> Result<Comparison> {
        let text = ".inputs.name";
        let ours = Program::compile(text)?;
        let jaq = PlainJaq::compile(text)?;
        let event = jaq_json::read::parse_single(self.event.to_string().as_bytes())
            .ok()
            .context("the event is JSON")?;
        let found = self.runtime.block_on(self.evaluate(&[&ours]));
        ensure!(found == [Evaluated::Output("checkout".into())], "{found:?}");
        ensure!(
            jaq.first(&event).map(|found| found.to_string()) == Some("\"checkout\"".into()),
            "jaq differs"
        );
        let (micros, against_micros) = self.in_turn(
            || {
                self.batch(BATCH, async || {
                    black_box(self.evaluate(&[&ours]).await);
                })
            },
            || {
                self.batch(BATCH, async || {
                    black_box(jaq.first(black_box(&event)));
                })
            },
        );
        Ok(Comparison {
            what: "one path, .inputs.name",
            micros,
            against: "the same in plain jaq",
            against_micros,
            goal: Goal::Times(1.2),
        })
    }

    fn body_of_paths(&self) -> Result<Comparison> {
        let body = Body::compile(&body(&[]))?;
        let text = self.event.to_string();
        let (micros, against_micros) = self.in_turn(
            || {
                self.batch(BATCH, async || {
                    black_box(self.render(&body).await);
                })
            },
            || {
                self.batch(BATCH, async || {
                    black_box(serde_json::from_str::<Value>(black_box(&text)).ok());
                })
            },
        );
        Ok(Comparison {
            what: "a body of 20 paths",
            micros,
            against: "parsing its event",
            against_micros,
            goal: Goal::Times(3.0),
        })
    }

    /// Against a question about one small expression; a worker is sent what that looks at.
    fn body_with_worker(&self, against: &'static str, small: &str) -> Result<Comparison> {
        let body = Body::compile(&body(&NEEDS_WORKER))?;
        let small = Program::compile(small)?;
        let bare_trip = async || {
            black_box(self.evaluate(&[&small]).await);
        };
        // What is new to the evaluator runs on probation first.
        self.runtime.block_on(async {
            bare_trip().await;
            let filled = self.render(&body).await;
            ensure!(filled["made_1"] == "CHECKOUT", "{filled}");
            anyhow::Ok(())
        })?;
        let (micros, against_micros) = self.in_turn(
            || {
                self.batch(WORKER_BATCH, async || {
                    black_box(self.render(&body).await);
                })
            },
            || self.batch(WORKER_BATCH, bare_trip),
        );
        Ok(Comparison {
            what: "a body of 20 paths and 5 for the worker",
            micros,
            against,
            against_micros,
            goal: Goal::Times(3.0),
        })
    }

    async fn evaluate(&self, programs: &[&Program]) -> Vec<Evaluated> {
        self.evaluator
            .evaluate(OWNER, programs, black_box(&self.event))
            .await
    }

    async fn render(&self, body: &Body) -> Value {
        let programs: Vec<&Program> = body.programs.iter().collect();
        let outputs = self.evaluate(&programs).await.into_iter();
        let results: Vec<Filling> = outputs
            .map(|output| match output {
                Evaluated::Output(value) => Filling::Value(value),
                _ => Filling::Undefined,
            })
            .collect();
        body.template.fill(&results).value
    }

    /// Microseconds of one of `count` calls.
    fn batch(&self, count: u32, call: impl AsyncFn()) -> f64 {
        let begin = Instant::now();
        self.runtime.block_on(async {
            for _ in 0..count {
                call().await;
            }
        });
        begin.elapsed().as_secs_f64() * 1e6 / f64::from(count)
    }

    /// The medians of two figures that are taken in turn.
    fn in_turn(&self, one: impl Fn() -> f64, other: impl Fn() -> f64) -> (f64, f64) {
        let rounds: Vec<(f64, f64)> = (0..self.rounds).map(|_| (one(), other())).collect();
        (
            median(rounds.iter().map(|round| round.0)),
            median(rounds.iter().map(|round| round.1)),
        )
    }
}
