//! Whether bad receivers slow a good one: `cargo xtask bench isolation [--json FILE]`.
//!
//! One receiver is called at 50/s, alone and then beside three others: one that never ends its
//! answers, one that takes 29 s, one that is dead while 100,000 deliveries wait for it.

#[expect(dead_code, reason = "the other benchmarks need all of it")]
mod rig;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use longshore_emulators::webhook_sink::{self, Recording, WebhookSink};
use longshore_emulators::{Fault, FaultKind};
use serde_json::json;
use tokio::net::TcpSocket;

use rig::load::{Load, Sent};
use rig::role::{self, Role};
use rig::server::Longshore;
use rig::trial::{Amount, Outcome, trial};

const ACTION: &str = "good";
const PER_SECOND: f64 = 50.0;
const CONNECTIONS: u64 = 64;
/// Runs before those that count.
const WARM_UP: u64 = 200;
/// What one that takes long takes: just below the time limit of a call.
const SLOW: Duration = Duration::from_secs(29);
/// An answer without end: a piece now and then, so that it never looks idle.
const ENDLESS: FaultKind = FaultKind::EndlessBody {
    chunk: 64,
    every: Duration::from_millis(100),
};
/// Requests for each of the two that answer badly: enough that every slot is taken all the time.
const BAD_RUNS: u64 = 1_000;
/// What neighbours may add to twice the figure alone.
const ALLOWED_MICROS: f64 = 1_000.0;

/// Measure what bad receivers do to a good one
#[derive(Parser)]
struct Options {
    /// Write all figures to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Calls of the good receiver, each time
    #[arg(long, default_value_t = 1_000)]
    runs: u64,
    /// Deliveries that wait for the dead receiver
    #[arg(long, default_value_t = 100_000)]
    waiting: u64,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    if let Some((name, settings)) = role::asked_for() {
        return match name.as_str() {
            "neighbours" => play_neighbours(),
            shared => rig::play(shared, &settings).context("there is no such role")?,
        };
    }
    let options = Options::parse();
    let data = rig::scratch()?;
    let (mut load, mut sink) = (rig::start_load()?, rig::start_sink()?);
    let neighbours = Role::start("neighbours", &json!({}))?;
    let mut server = Longshore::start(data.path(), ACTION)?;
    let sink_address = sink.ready["address"]
        .as_str()
        .context("no address")?
        .to_owned();
    server.create_webhook(ACTION, &format!("http://{sink_address}/hook"))?;
    for name in ["endless", "slow", "dead"] {
        let url = neighbours.ready[name].as_str().context("no URL")?;
        server.create_webhook(name, url)?;
    }

    let amount = |runs, per_second| Amount {
        runs,
        connections: CONNECTIONS,
        per_second,
    };
    trial(&mut server, &mut load, &mut sink, amount(WARM_UP, None)).context("warming up")?;
    let good = amount(options.runs, Some(PER_SECOND));
    let alone = trial(&mut server, &mut load, &mut sink, good).context("alone")?;
    for (name, runs) in [
        ("dead", options.waiting),
        ("endless", BAD_RUNS),
        ("slow", BAD_RUNS),
    ] {
        request(&server, &mut load, name, runs).context(name)?;
    }
    server.destination = Some(format!("http://{sink_address}"));
    let beside = trial(&mut server, &mut load, &mut sink, good).context("with neighbours")?;
    for (name, least) in [
        ("dead", 1_000.min(options.waiting)),
        ("endless", 1),
        ("slow", 1),
    ] {
        let url = neighbours.ready[name].as_str().unwrap_or_default();
        still_waits(&mut server, url, least).context(name)?;
    }
    server.stop()?;
    report(&options, &alone, &beside)
}

/// Requests `runs` runs of an action, as fast as they are taken.
fn request(server: &Longshore, load: &mut Role, action: &str, runs: u64) -> Result<()> {
    let job = Load {
        runs,
        connections: CONNECTIONS,
        ..server.load_of(action)?
    };
    let sent: Sent = serde_json::from_value(load.ask(&serde_json::to_value(job)?)?)?;
    match sent.refusal {
        Some(refusal) => bail!("{} of {runs} were refused: {refusal}", sent.refused),
        None => Ok(()),
    }
}

/// A neighbour counts only while deliveries wait for it.
fn still_waits(server: &mut Longshore, url: &str, least: u64) -> Result<()> {
    let origin = url.trim_end_matches("/hook");
    let mut waiting = 0;
    for state in ["due", "owned"] {
        let path = format!("/v1/deliveries?limit=1000&state={state}&destination={origin}");
        let found = server.call("GET", &path, None)?;
        waiting += found["deliveries"]
            .as_array()
            .map_or(0, |found| found.len() as u64);
    }
    if waiting < least {
        bail!("{waiting} deliveries wait, {least} at least were to: it was no neighbour");
    }
    Ok(())
}

fn report(options: &Options, alone: &Outcome, beside: &Outcome) -> Result<()> {
    println!(
        "{:<6}{:>12}{:>18}{:>10}{:>14}",
        "", "alone", "with neighbours", "ratio", "allowed"
    );
    let figures = [
        ("p50", alone.p50_micros, beside.p50_micros),
        ("p99", alone.p99_micros, beside.p99_micros),
    ];
    let allowed = |alone: f64| 2.0 * alone + ALLOWED_MICROS;
    for (name, alone, beside) in figures {
        let millis = |micros: f64| format!("{:.2} ms", micros / 1e3);
        println!(
            "{name:<6}{:>12}{:>18}{:>10.2}{:>14}",
            millis(alone),
            millis(beside),
            beside / alone,
            millis(allowed(alone))
        );
    }
    println!(
        "peak memory of the server: {:.1} MB",
        beside.server_peak_kib as f64 * 1024.0 / 1e6
    );
    let all = json!({"waiting": options.waiting, "alone": alone, "withNeighbours": beside});
    rig::write_json(options.json.as_deref(), &all)?;
    match figures
        .iter()
        .find(|(_, alone, beside)| *beside > allowed(*alone))
    {
        Some((name, ..)) => bail!("the neighbours slow {name} by more than is allowed"),
        None => Ok(()),
    }
}

/// Plays the three bad receivers until nobody asks any more.
fn play_neighbours() -> Result<()> {
    let runtime = role::half_the_machine()?;
    let (endless, slow, dead) = runtime.block_on(async {
        let config = || webhook_sink::Config {
            recording: Recording::CountsOnly,
            ..webhook_sink::Config::default()
        };
        let endless = WebhookSink::start(config()).await?;
        endless.faults().always(Fault::new(ENDLESS));
        let slow = WebhookSink::start(config()).await?;
        slow.faults().always(Fault::delay(SLOW));
        // Bound and not listening: its port is nobody else's, and every call is refused.
        let dead = TcpSocket::new_v4()?;
        dead.bind("127.0.0.1:0".parse()?)?;
        anyhow::Ok((endless, slow, dead))
    })?;
    let ready = json!({
        "endless": format!("{}/hook", endless.base_url()),
        "slow": format!("{}/hook", slow.base_url()),
        "dead": format!("http://{}/hook", dead.local_addr()?),
    });
    role::converse(&ready, Ok)
}
