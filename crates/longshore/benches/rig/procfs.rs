//! What a process has used, from Linux' `/proc`.

use anyhow::{Context, Result};

/// Microseconds of one clock tick: Linux shows times in hundredths of a second (`USER_HZ`).
const TICK_MICROS: u64 = 10_000;

/// Processor time that a process has used so far, in all its threads.
pub(crate) fn cpu_micros(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    // The name in parentheses may hold blanks; `utime` and `stime` are the fields 14 and 15.
    let (_, fields) = text.rsplit_once(')').with_context(|| path.clone())?;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<Result<u64, _>>()?;
    Ok(ticks * TICK_MICROS)
}

/// The processes that a process has started and that are there.
pub(crate) fn children(pid: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        // Processes end while they are looked at, and not all entries are processes.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let Some(child) = entry.file_name().to_str().and_then(|it| it.parse().ok()) else {
            continue;
        };
        // After the name stand the state and the parent.
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, fields)| fields.split_whitespace().nth(1));
        if parent.and_then(|it| it.parse().ok()) == Some(pid) {
            found.push(child);
        }
    }
    Ok(found)
}

/// The most memory that a process has held at once.
pub(crate) fn peak_memory_kib(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number
        .with_context(|| format!("{path} has no VmHWM"))?
        .parse()?)
}
