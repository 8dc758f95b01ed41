//! `longshore agent` as a child process, and what it calls.

use longshore_emulators::jenkins::{self, Jenkins, Job};
use longshore_emulators::{Listen, Script, Secret};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::api::Api;
use crate::ports::free_port;
use crate::server::{CLIENT_ID, CLIENT_SECRET, Home, PROGRAM, SOON, Server};

/// The action that triggers a job that checks signatures and reports.
pub(crate) const REPORTING: &str = "build";
/// The calls of an agent, whatever they came to.
pub(crate) const CALLS: &str = "longshore_agent_calls_total";
/// Between two looks at what can only be asked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const CREDENTIAL: &str = "signing-secret";

/// A running agent.
pub(crate) struct Agent {
    child: Child,
    /// Where it tells what it counts.
    told_at: SocketAddr,
}

impl Agent {
    /// Starts an agent of this name for `server`; `more` are variables.
    pub(crate) fn start(home: &Home, server: &Server, id: &str, more: &[(&str, &str)]) -> Self {
        Self::configured(home, server, id, "", more)
    }

    /// The same; `sections` stand in its file besides.
    pub(crate) fn configured(
        home: &Home,
        server: &Server,
        id: &str,
        sections: &str,
        more: &[(&str, &str)],
    ) -> Self {
        let told_at = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let file = home.path(&format!("{id}.toml"));
        let config = format!(
            "id = \"{id}\"\n[network]\nallow = [\"127.0.0.0/8\"]\n\
             [listen]\naddress = \"{told_at}\"\n{sections}"
        );
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg("agent").arg("--config").arg(&file);
        home.place(&mut command);
        command
            .env_clear()
            .env("PORT_API_BASE_URL", format!("http://{}", server.address))
            .env("PORT_CLIENT_ID", CLIENT_ID)
            .env("PORT_CLIENT_SECRET", CLIENT_SECRET)
            .envs(more.iter().copied())
            .stdout(Stdio::inherit())
            .stderr(Stdio::inherit());
        Self {
            child: command.spawn().unwrap(),
            told_at,
        }
    }

    /// The same by polling.
    pub(crate) fn polling(home: &Home, server: &Server, id: &str) -> Self {
        Self::start(home, server, id, &[("STREAMER_NAME", "POLLING")])
    }

    /// The sum of its metrics whose lines begin so; 0 before it listens.
    pub(crate) async fn counted(&self, series: &str) -> u64 {
        Api::anonymous(self.told_at).counted(series).await
    }

    /// Waits until it has counted so much.
    pub(crate) async fn counts(&self, series: &str, at_least: u64) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let until = async {
            while self.counted(series).await < at_least {
                looks.tick().await;
            }
        };
        timeout(SOON, until).await.unwrap();
    }

    /// Ends it as a power switch would.
    pub(crate) async fn kill(mut self) {
        self.child.start_kill().unwrap();
        timeout(SOON, self.child.wait()).await.unwrap().unwrap();
    }

    /// Asks it to end, which it must do well.
    pub(crate) async fn stop(mut self) {
        let raw = i32::try_from(self.child.id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(raw).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = timeout(SOON, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// A Jenkins that checks each signature, and whose job redeems, logs and reports.
pub(crate) async fn jenkins_that_checks() -> Jenkins {
    jenkins_at(0, Script::well_behaved()).await
}

/// A Jenkins at `port` that checks each signature, and whose job does `script`.
pub(crate) async fn jenkins_at(port: u16, script: Script) -> Jenkins {
    let trigger = json!({
        "token": REPORTING,
        "genericVariables": [{"key": "port", "value": "$.port"}],
    });
    let whitelist = json!({
        "enabled": true,
        "items": [{
            "host": "127.0.0.1", "hmacEnabled": true, "hmacHeader": "X-Port-Signature",
            "hmacCredentialId": CREDENTIAL, "hmacAlgorithm": "HmacSHA1",
        }],
    });
    let mut config = jenkins::Config {
        listen: Listen {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            ..Listen::default()
        },
        jobs: vec![Job {
            name: REPORTING.to_owned(),
            trigger: serde_json::from_value(trigger).unwrap(),
            script,
            ..Job::default()
        }],
        whitelist: serde_json::from_value(whitelist).unwrap(),
        ..jenkins::Config::default()
    };
    let secret = Secret::new(CLIENT_SECRET);
    config.credentials.insert(CREDENTIAL.to_owned(), secret);
    Jenkins::start(config).await.unwrap()
}

/// An action that an agent calls at `url`; its pipeline may report.
pub(crate) async fn introduce_inside(api: &Api, server: &Server, identifier: &str, url: &str) {
    let action = json!({
        "identifier": identifier,
        "trigger": {"type": "self-service", "operation": "CREATE",
                    "userInputs": {"properties": {}, "required": []}},
        "invocationMethod": {
            "type": "WEBHOOK", "agent": true, "url": url,
            "body": {"port": {
                "api_url": format!("http://{}", server.address),
                "run_id": "{{ .run.id }}", "run_token": "{{ .run.token }}",
            }},
        },
    });
    api.post("/v1/actions", &action).await;
}

/// The run once it has ended.
pub(crate) async fn ended(api: &Api, run: &str) -> Value {
    let path = format!("/v1/actions/runs/{run}");
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let until = async {
        loop {
            let shown = api.get(&path).await["run"].clone();
            if shown["endedAt"].is_string() {
                return shown;
            }
            looks.tick().await;
        }
    };
    timeout(SOON, until).await.unwrap()
}

/// A run's log, line by line.
pub(crate) async fn log_of(api: &Api, run: &str) -> Vec<String> {
    let lines = api.get(&format!("/v1/actions/runs/{run}/logs")).await;
    let lines = lines["runLogs"].as_array().unwrap().clone();
    let text = |line: Value| line["message"].as_str().unwrap().to_owned();
    lines.into_iter().map(text).collect()
}
