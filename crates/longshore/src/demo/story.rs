//! One invocation from request to end, told as its timeline.

use std::time::Duration;

use anyhow::{Context, bail};
use http::Method;
use serde_json::{Value, json};

use crate::api::Api;

/// Between two looks at a run that has not ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a good run's timeline tells, in this order.
const CHAPTERS: [(&str, &str); 6] = [
    ("requested", "requested"),
    ("signed", "signed"),
    ("delivered", "delivered"),
    ("redeemed", "pipeline started"),
    ("reported", "reported"),
    ("SUCCESS", "SUCCESS"),
];

/// Invokes an action, waits for its end, and prints its timeline.
///
/// # Errors
/// Where it does not end well, or a part of the story is missing.
pub(crate) async fn invoke(api: &Api, action: &str, patience: Duration) -> anyhow::Result<()> {
    let path = format!("/v1/actions/{action}/runs");
    let body = json!({"properties": {"name": "billing"}});
    let started = api.call(Method::POST, &path, Some(&body)).await?;
    let id = started["run"]["id"]
        .as_str()
        .context("a run without an id")?;
    let ended = tokio::time::timeout(patience, end(api, id))
        .await
        .with_context(|| format!("run {id} of {action} did not end in {patience:?}"))??;
    let timeline = api
        .call(
            Method::GET,
            &format!("/v1/actions/runs/{id}/timeline"),
            None,
        )
        .await?;
    let entries = timeline["timeline"].as_array().context("no timeline")?;
    println!("{action} {id}");
    for entry in entries {
        let what = entry["what"].as_str().unwrap_or_default();
        let told = CHAPTERS.iter().find(|(name, _)| *name == what);
        println!(
            "  {}  {:<16} {}",
            entry["at"].as_str().unwrap_or_default(),
            told.map_or(what, |(_, words)| words),
            entry["detail"]
        );
    }
    if ended["status"] != "SUCCESS" {
        bail!(
            "run {id} of {action} ended with {}: {}",
            ended["status"],
            ended["summary"]
        );
    }
    for (name, words) in CHAPTERS {
        if !entries.iter().any(|entry| entry["what"] == name) {
            bail!("the timeline of run {id} of {action} does not tell that it was {words}");
        }
    }
    Ok(())
}

async fn end(api: &Api, id: &str) -> anyhow::Result<Value> {
    loop {
        let shown = api
            .call(Method::GET, &format!("/v1/actions/runs/{id}"), None)
            .await?;
        let run = &shown["run"];
        if run["endedAt"].is_string() {
            return Ok(run.clone());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
