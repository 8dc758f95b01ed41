//! Receivers that are set up wrongly: the run's diagnosis, the check of the connection and the
//! guide name the same cause and the same fix.

mod azure_pipelines;
mod jenkins;
mod network;
mod relay;

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_emulators::Secret;
use serde_json::{Value, json};

use crate::harness::Server;

const SIGNING_SECRET: &str = "a signing secret of the receiver alone";
const TOKEN: &str = "token-of-the-job";

fn signing_secret() -> Secret {
    SIGNING_SECRET.into()
}

/// What a setup is called by, and how it is checked.
struct Setup<'a> {
    connection: Value,
    /// An action's invocation.
    invocation: Value,
    /// Whether only a dry run shows the cause.
    dry_run: bool,
    code: &'a str,
    guide: &'a str,
}

impl Setup<'_> {
    /// A run's diagnosis, the check and the guide say the same.
    async fn agrees(&self, server: &Server) {
        let made = server.post("/v1/connections", self.connection.clone());
        let id = made.await.expect(201)["connection"]["id"].clone();
        let told = run(server, &self.invocation).await;
        assert_eq!(told["reason"], self.code, "{told}");
        let report = self.check(server, id.as_str().unwrap()).await;
        let findings = report["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["code"] == self.code);
        let found = found.unwrap_or_else(|| panic!("{} in {report:#}", self.code));
        assert_ne!(found["verdict"], "ok");
        assert_eq!(found["fix"], told["fix"], "{}", self.code);
        assert!(!report.to_string().contains(SIGNING_SECRET));
        assert!(!report.to_string().contains(TOKEN));
        in_guide(self.guide, self.code, told["fix"].as_str().unwrap());
    }

    async fn check(&self, server: &Server, id: &str) -> Value {
        let mut asked = json!({});
        if self.invocation["type"] == "WEBHOOK" || self.invocation["type"] == "JENKINS" {
            asked["url"] = self.invocation["url"].clone();
        }
        if self.dry_run {
            asked["dryRun"] = json!(true);
            asked["headers"] = self.invocation["headers"].clone();
            asked["body"] = self.invocation["body"].clone();
        }
        let path = format!("/v1/connections/{id}/check");
        server.post(&path, asked).await.expect(200)["check"].clone()
    }
}

/// The diagnosis of the one attempt that a run of `invocation` makes first.
async fn run(server: &Server, invocation: &Value) -> Value {
    server
        .action(json!({
            "identifier": "go",
            "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {}}},
            "invocationMethod": invocation,
        }))
        .await;
    let run = server.run("go", json!({})).await;
    let delivery = server.delivery(&run).await;
    let path = format!(
        "/v1/deliveries/{}/attempts",
        delivery["id"].as_str().unwrap()
    );
    let attempts = server.get(&path).await.expect(200)["attempts"].clone();
    attempts[0]["diagnosis"].clone()
}

/// The guide has a row for `code` whose fix is `fix`; `…` stands for what differs.
#[track_caller]
fn in_guide(guide: &str, code: &str, fix: &str) {
    let path = format!("{}/../../docs/backends/{guide}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text
        .lines()
        .filter(|line| line.starts_with(&format!("| [{code}](../errors/{code}.md)")));
    let fixes: BTreeSet<&str> = rows
        .filter_map(|row| row.trim_end_matches('|').rsplit_once(" | "))
        .map(|(_, told)| told.trim())
        .collect();
    assert!(
        fixes.iter().any(|told| says(told, fix)),
        "{guide}: no row of {code} with the fix:\n{fix}\nbut {fixes:#?}"
    );
}

fn says(told: &str, fix: &str) -> bool {
    let fix = fix.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = fix.as_str();
    let parts: Vec<&str> = told.split('…').collect();
    for (index, part) in parts.iter().enumerate() {
        let at = match rest.find(part) {
            Some(at) if index > 0 || at == 0 => at,
            _ => return false,
        };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || told.ends_with('…')
}

/// Patience for what happens beside the test.
const SOON: Duration = Duration::from_secs(60);
