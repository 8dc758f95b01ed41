//! The whole server, on an action with templates and on one without, in turn.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::rig::figures::median;
use super::rig::server::Longshore;
use super::rig::trial::{Amount, trial};
use super::rig::{self, body};
use super::{Comparison, Goal};

const TEMPLATES: usize = 10;
const WITH: &str = "with_templates";
const WITHOUT: &str = "without_templates";
const CONNECTIONS: u64 = 64;
/// Runs before those that count.
const WARM_UP: u64 = 500;

/// CPU of the server for one run, with 10 templates and with none.
pub(crate) fn measure(rounds: u32, runs: u64) -> Result<Comparison> {
    let (mut load, mut sink) = (rig::start_load()?, rig::start_sink()?);
    let address = sink.ready["address"].as_str().context("no address")?;
    let url = format!("http://{address}/hook");
    let data = rig::scratch()?;
    let mut server = Longshore::start(data.path(), WITHOUT)?;
    for (action, fields) in [(WITH, fields(true)), (WITHOUT, fields(false))] {
        let invocation = json!({"type": "WEBHOOK", "url": url, "body": fields});
        server.create_action(action, &invocation)?;
    }
    let amount = |runs| Amount {
        runs,
        connections: CONNECTIONS,
        per_second: None,
    };
    trial(&mut server, &mut load, &mut sink, amount(WARM_UP)).context("warming up")?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        for (action, figures) in [(WITH, &mut with), (WITHOUT, &mut without)] {
            server.choose(action);
            let outcome = trial(&mut server, &mut load, &mut sink, amount(runs))
                .with_context(|| format!("round {round}, {action}"))?;
            figures.push(outcome.server_cpu_micros_per_run);
        }
    }
    server.stop()?;
    Ok(Comparison {
        what: "CPU of the server for a run with 10 templates",
        micros: median(with),
        against: "a run without",
        against_micros: median(without),
        goal: Goal::More(15.0),
    })
}

/// A body of ten fields and of the instant that the sink looks for, which is a template in both.
fn fields(templates: bool) -> Value {
    let mut fields = Map::new();
    let mut add = |at: usize, path: &str, constant: Value| {
        let value = match templates {
            true => format!("{{{{ {path} }}}}").into(),
            false => constant,
        };
        fields.insert(format!("field_{at}"), value);
    };
    let paths = [
        (".inputs.service", json!("checkout")),
        (".inputs.environment", json!("prod")),
        (".inputs.replicas", json!(3)),
        (".trigger.operation", json!("DAY-2")),
        (".trigger.origin", json!("API")),
    ];
    for at in 0..TEMPLATES {
        let (path, constant) = &paths[at % paths.len()];
        add(at, path, constant.clone());
    }
    let Value::Object(measured) = body::template() else {
        return Value::Object(fields);
    };
    fields.extend(
        measured
            .into_iter()
            .filter(|(key, _)| body::is_instant(key)),
    );
    Value::Object(fields)
}
