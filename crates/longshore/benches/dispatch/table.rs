//! The figures, for people.

use crate::rig::program;
use crate::{Column, History};

/// One row a figure, one column a system.
pub(crate) fn print_systems(columns: &[Column; 4]) {
    let [bare, floor, ..] = columns;
    let (bare, floor) = (bare.per_second, floor.per_second);
    println!("\nLongshore is {}", program::measured().display());
    print!("{:<34}", "");
    columns
        .iter()
        .for_each(|column| print!("{:>19}", column.name));
    println!();
    let millis = |micros: f64| format!("{:.2} ms", micros / 1e3);
    let cpu = |micros: f64| format!("{micros:.1} µs");
    row("runs a second, flat out", columns, |of| {
        format!("{:.0}", of.per_second)
    });
    row("  of (a)", columns, |of| {
        format!("{:.1} %", of.per_second * 100.0 / bare)
    });
    row("  of (b)", columns, |of| {
        format!("{:.1} %", of.per_second * 100.0 / floor)
    });
    row("CPU a run: server", columns, |of| {
        cpu(of.server_cpu_micros_per_run)
    });
    row("CPU a run: load generator", columns, |of| {
        cpu(of.load_cpu_micros_per_run)
    });
    row("CPU a run: receiver", columns, |of| {
        cpu(of.sink_cpu_micros_per_run)
    });
    row("POST to webhook at 50/s: p50", columns, |of| {
        millis(of.open_p50_micros)
    });
    row("POST to webhook at 50/s: p99", columns, |of| {
        millis(of.open_p99_micros)
    });
    row("POST to webhook flat out: p50", columns, |of| {
        millis(of.p50_micros)
    });
    row("POST to webhook flat out: p99", columns, |of| {
        millis(of.p99_micros)
    });
    row("peak memory of the server", columns, |of| {
        match of.server_peak_kib {
            0 => "-".into(),
            kib => format!("{:.1} MB", kib as f64 * 1024.0 / 1e6),
        }
    });
}

fn row(name: &str, columns: &[Column; 4], figure: impl Fn(&Column) -> String) {
    print!("{name:<34}");
    columns
        .iter()
        .for_each(|column| print!("{:>19}", figure(column)));
    println!();
}

/// With a history against an empty database.
pub(crate) fn print_history(history: &History) {
    let History {
        empty,
        full,
        finished,
        ..
    } = history;
    let finished = format!("{finished} finished");
    println!(
        "\n{:<34}{:>19}{finished:>19}{:>19}",
        "", "empty database", "change"
    );
    let line = |name: &str, before: f64, after: f64, unit: &str| {
        let change = (after / before - 1.0) * 100.0;
        println!(
            "{name:<34}{:>19}{:>19}{:>19}",
            format!("{before:.0}{unit}"),
            format!("{after:.0}{unit}"),
            format!("{change:+.1} %")
        );
    };
    line(
        "runs a second, flat out",
        empty.per_second,
        full.per_second,
        "",
    );
    line(
        "GET /v1/actions/runs?limit=50",
        empty.list_micros,
        full.list_micros,
        " µs",
    );
}
