//! The figures and goals, for people.

use serde::Serialize;

use crate::drain::Drained;
use crate::polling::Polling;
use crate::rates::Rates;
use crate::rig::program;
use crate::slow::Slow;

/// A goal, and what was found.
#[derive(Serialize)]
pub(crate) struct Goal {
    pub(crate) name: &'static str,
    pub(crate) found: f64,
    pub(crate) wanted: f64,
    pub(crate) holds: bool,
    #[serde(skip)]
    text: String,
}

impl Goal {
    pub(crate) fn at_least(name: &'static str, found: f64, wanted: f64, unit: &str) -> Self {
        Self::new(name, found, wanted, found >= wanted, "at least", unit)
    }

    pub(crate) fn at_most(name: &'static str, found: f64, wanted: f64, unit: &str) -> Self {
        Self::new(name, found, wanted, found <= wanted, "at most", unit)
    }

    fn new(
        name: &'static str,
        found: f64,
        wanted: f64,
        holds: bool,
        bound: &str,
        unit: &str,
    ) -> Self {
        let verdict = if holds { "holds" } else { "missed" };
        Self {
            name,
            found,
            wanted,
            holds,
            text: format!("{verdict}: {found:.1} {unit}, {bound} {wanted:.0}"),
        }
    }
}

/// One line for each goal.
pub(crate) fn print_goals(goals: &[Goal]) {
    println!("\nGoals");
    for goal in goals {
        println!("{:<34}{}", goal.name, goal.text);
    }
}

/// One row a figure, one column a system.
pub(crate) fn print_rates(rates: &Rates) {
    let [bare, floor, _] = &rates.systems;
    let (bare, floor) = (bare.all.per_second, floor.all.per_second);
    println!("\nLongshore is {}", program::measured().display());
    print!("{:<34}", "");
    let names = rates.systems.iter().map(|column| column.name);
    names.for_each(|name| print!("{name:>19}"));
    println!();
    let row = |name: &str, figure: &dyn Fn(&Drained) -> String| {
        print!("{name:<34}");
        let all = rates.systems.iter().map(|column| figure(&column.all));
        all.for_each(|figure| print!("{figure:>19}"));
        println!();
    };
    let cpu = |micros: f64| match micros {
        0.0 => "-".to_owned(),
        micros => format!("{micros:.1} µs"),
    };
    row("messages a second", &|of| format!("{:.0}", of.per_second));
    row("  of (a)", &|of| {
        format!("{:.1} %", of.per_second * 100.0 / bare)
    });
    row("  of (b)", &|of| {
        format!("{:.1} %", of.per_second * 100.0 / floor)
    });
    row("CPU a message: reader or agent", &|of| {
        cpu(of.reader_cpu_micros)
    });
    row("CPU a message: server", &|of| cpu(of.server_cpu_micros));
    row("CPU a message: receiver", &|of| cpu(of.sink_cpu_micros));
    row("peak memory: reader or agent", &|of| {
        megabytes(of.reader_peak_kib)
    });
    row("peak memory: jq workers", &|of| {
        megabytes(of.workers_peak_kib)
    });
    println!(
        "{:<34}{:>57.0}",
        "requested and published a second", rates.published_per_second
    );
}

/// A target that takes a second.
pub(crate) fn print_slow(slow: &Slow) {
    println!("\n{} calls of 1 s", slow.runs);
    println!(
        "{:<34}{:>19}",
        "calls in flight, at most", slow.most_at_once
    );
    let seconds = format!("{:.1} s", slow.seconds);
    println!("{:<34}{seconds:>19}", "from start to last report");
    let memory = megabytes(slow.agent_peak_kib);
    println!("{:<34}{memory:>19}", "peak memory: agent");
    let memory = megabytes(slow.workers_peak_kib);
    println!("{:<34}{memory:>19}", "peak memory: jq workers");
}

/// Both ways of a call.
pub(crate) fn print_polling(polling: &Polling) {
    println!("\n{:<34}{:>19}{:>19}", "", "direct", "polling agent");
    let Polling { direct, polling } = polling;
    let row = |name: &str, direct: f64, polling: f64| {
        let millis = |micros: f64| format!("{:.2} ms", micros / 1e3);
        println!("{name:<34}{:>19}{:>19}", millis(direct), millis(polling));
    };
    let (name, direct_p50) = ("request to webhook at 20/s: p50", direct.p50_micros);
    row(name, direct_p50, polling.p50_micros);
    let (name, direct_p99) = ("request to webhook at 20/s: p99", direct.p99_micros);
    row(name, direct_p99, polling.p99_micros);
}

fn megabytes(kib: u64) -> String {
    match kib {
        0 => "-".to_owned(),
        kib => format!("{:.1} MB", kib as f64 * 1024.0 / 1e6),
    }
}
