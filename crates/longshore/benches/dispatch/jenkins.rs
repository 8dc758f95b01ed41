//! The emulated Jenkins, in a process of its own, asked for counts as the sink is.

use std::collections::HashSet;

use anyhow::{Context, Result};
use longshore_emulators::jenkins::{Config, Jenkins, Job};
use longshore_emulators::{Listen, Script, Secret, Verdict};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::rig::SECRET;
use crate::rig::body::sent_nanos;
use crate::rig::clock::monotonic_nanos;
use crate::rig::role;
use crate::rig::sink::Arrived;

/// The trigger's token.
const TOKEN: &str = "measure";
const CREDENTIAL: &str = "longshore-signing-secret";
/// Calls and builds that are remembered: more than any round has.
const REMEMBERED: usize = 2_000_000;

/// The invocation that starts the job.
pub(crate) fn invocation(url: &str) -> Value {
    json!({
        "type": "JENKINS",
        "url": url,
        "headers": {"token": TOKEN},
        "body": crate::rig::body::template(),
    })
}

/// Plays Jenkins until nobody asks for counts any more; every question starts the counts anew.
pub(crate) fn run() -> Result<()> {
    let runtime = role::half_the_machine()?;
    let jenkins = start(&runtime)?;
    let mut told = 0;
    role::converse(&json!({"url": jenkins.invoke_url()}), |_| {
        let calls = jenkins.calls();
        let arrived = arrived(&calls[told..])?;
        told = calls.len();
        Ok(serde_json::to_value(arrived)?)
    })
}

fn arrived(calls: &[longshore_emulators::Call]) -> Result<Arrived> {
    let now = monotonic_nanos();
    let (mut ids, mut arrived) = (HashSet::new(), Arrived::default());
    for call in calls {
        let id = call
            .header("x-longshore-delivery-id")
            .context("a call without an id")?;
        if call.verdict != Verdict::Accepted || call.started.len() != 1 {
            arrived.refused += 1;
        } else if ids.insert(id.to_owned()) {
            arrived.distinct += 1;
            let sent_at = sent_nanos(&call.body).context("a body that was not sent")?;
            let age = u64::try_from(call.arrived_at.elapsed().as_nanos())?;
            let micros = (now - age).saturating_sub(sent_at) / 1_000;
            arrived
                .micros
                .push(u32::try_from(micros).unwrap_or(u32::MAX));
        } else {
            arrived.repeated += 1;
        }
    }
    Ok(arrived)
}

fn start(runtime: &Runtime) -> Result<Jenkins> {
    let trigger = serde_json::from_value(json!({
        "token": TOKEN,
        "genericVariables": [
            {"key": "service", "value": "$.service"},
            {"key": "environment", "value": "$.environment"},
        ],
        "causeString": "Longshore",
    }))?;
    let whitelist = serde_json::from_value(json!({
        "enabled": true,
        "items": [{
            "host": "127.0.0.1",
            "hmacEnabled": true,
            "hmacHeader": "X-Port-Signature",
            "hmacCredentialId": CREDENTIAL,
            "hmacAlgorithm": "HmacSHA1",
        }],
    }))?;
    let job = Job {
        name: "deploy".into(),
        trigger,
        parameters: Vec::new(),
        disabled: false,
        script: Script::default(),
    };
    let mut config = Config {
        listen: Listen {
            call_limit: REMEMBERED,
            ..Listen::default()
        },
        jobs: vec![job],
        whitelist,
        build_limit: REMEMBERED,
        ..Config::default()
    };
    config
        .credentials
        .insert(CREDENTIAL.into(), Secret::new(SECRET));
    Ok(runtime.block_on(Jenkins::start(config))?)
}
