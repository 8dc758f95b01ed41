//! `longshore demo`: everything at once, in a directory that goes when it ends.

mod inside;
mod stage;
mod story;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use longshore_server::config::{Config, environment};

use crate::api::Api;
use crate::logging;
use crate::scratch::Scratch;
use crate::serve::{Signals, runtime};
use crate::wiring::Running;
use inside::Inside;
use stage::Stage;

/// How long `demo --once` waits for a run to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What there is to invoke, in the order of `demo --once`.
const ACTIONS: [&str; 3] = [
    stage::JENKINS_ACTION,
    stage::AZURE_ACTION,
    stage::INSIDE_ACTION,
];

/// Runs the demo; with `once` it ends by itself.
pub(crate) fn run(once: bool) -> anyhow::Result<()> {
    let scratch = Scratch::new("demo");
    runtime()?.block_on(async {
        let stage = Stage::start().await?;
        let settings = settings(scratch.path(), &stage, once)?;
        logging::start(&settings.log);
        let running = Running::start(settings).await?;
        let told = tell(&running, &stage, scratch.path(), once).await;
        running.stop().await;
        stage.end().await;
        told
    })
}

/// The defaults, but for what a demo must differ in: its own directory, and loopback allowed.
fn settings(directory: &Path, stage: &Stage, once: bool) -> anyhow::Result<Config> {
    let variable = |name: &str, value: String| (format!("LONGSHORE_{name}"), value);
    let listen = if once {
        "127.0.0.1:0"
    } else {
        "127.0.0.1:3000"
    };
    let mut given = vec![
        variable("DATA_DIR", directory.display().to_string()),
        variable("BOOTSTRAP__CLIENT_ID", stage::CLIENT_ID.to_owned()),
        variable("BOOTSTRAP__CLIENT_SECRET", stage.client_secret.clone()),
        variable("NETWORK__ALLOW", "127.0.0.0/8".to_owned()),
        variable("AZURE__BASE_URL", stage.azure.base_url()),
        variable("METRICS__LISTEN", String::new()),
        variable("LOG__LEVEL", "warn".to_owned()),
    ];
    let chosen = environment().find(|(name, _)| name == "LONGSHORE_LISTEN");
    given.push(chosen.unwrap_or_else(|| variable("LISTEN", listen.to_owned())));
    Config::load(None, given.into_iter())
        .map_err(|mistakes| anyhow::anyhow!("{}", mistakes[0]))
        .context("the demo's configuration")
}

async fn tell(
    running: &Running,
    stage: &Stage,
    directory: &Path,
    once: bool,
) -> anyhow::Result<()> {
    let api = Api::connect(
        &format!("http://{}", running.address),
        stage::CLIENT_ID,
        &stage.client_secret,
    )
    .await?;
    stage.seed(&api, running.address).await?;
    let inside = Inside::new(stage, running.address, directory).await?;
    if once {
        return inside.during(stories(&api)).await;
    }
    let signals = Signals::catch()?;
    print(running.address, stage);
    inside
        .during(async {
            signals.ended().await;
            Ok(())
        })
        .await
}

async fn stories(api: &Api) -> anyhow::Result<()> {
    for action in ACTIONS {
        story::invoke(api, action, PATIENCE).await?;
    }
    Ok(())
}

fn print(address: SocketAddr, stage: &Stage) {
    println!("Longshore      http://{address}");
    println!("Jenkins        {} (emulated)", stage.jenkins.base_url());
    println!("Azure DevOps   {} (emulated)", stage.azure.base_url());
    println!();
    println!("Client id      {}", stage::CLIENT_ID);
    println!("Client secret  {}", stage.client_secret);
    println!();
    println!("Copy and paste:");
    println!();
    println!(
        "TOKEN=$(curl -s http://{address}/v1/auth/access_token -H 'Content-Type: \
         application/json' -d '{{\"clientId\":\"{}\",\"clientSecret\":\"{}\"}}' | sed \
         's/.*\"accessToken\":\"\\([^\"]*\\)\".*/\\1/')",
        stage::CLIENT_ID,
        stage.client_secret
    );
    for action in ACTIONS {
        println!();
        println!(
            "curl -s http://{address}/v1/actions/{action}/runs -H \"Authorization: Bearer \
             $TOKEN\" -H 'Content-Type: application/json' -d \
             '{{\"properties\":{{\"name\":\"billing\"}}}}'"
        );
    }
    println!();
    println!(
        "curl -s 'http://{address}/v1/actions/runs?limit=5' -H \"Authorization: Bearer $TOKEN\""
    );
    println!(
        "curl -s http://{address}/v1/actions/runs/RUN_ID/timeline -H \"Authorization: Bearer \
         $TOKEN\""
    );
    println!();
    println!("Ctrl-C ends the demo and removes its data.");
}
