//! What `jq` and `render` share: reading JSON, the evaluator, and their exit codes.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use longshore_jq::{Config, Evaluator};
use serde_json::Value;

use crate::wiring::jq_worker;

/// The longest document that is read.
const DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;
/// The exit code where an expression came to nothing.
const FAILED: u8 = 1;
/// The exit code where nothing could be evaluated.
const UNREADABLE: u8 = 2;

/// How trying out ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    Well,
    /// An expression came to nothing, which was told.
    Failed,
}

/// The exit code of a command that tried something out.
pub(crate) fn ended(tried: anyhow::Result<Tried>) -> ExitCode {
    match tried {
        Ok(Tried::Well) => ExitCode::SUCCESS,
        Ok(Tried::Failed) => ExitCode::from(FAILED),
        Err(error) => {
            eprintln!("longshore: {error:#}");
            ExitCode::from(UNREADABLE)
        }
    }
}

/// The JSON of a file.
pub(crate) fn document(file: &Path) -> anyhow::Result<Value> {
    let shown = file.display();
    let opened = File::open(file).with_context(|| format!("{shown} cannot be read"))?;
    let text = read(opened).with_context(|| format!("{shown} cannot be read"))?;
    serde_json::from_slice(&text).with_context(|| format!("{shown} is not JSON"))
}

/// The JSON on standard input; null where there is nothing.
pub(crate) fn standard_input() -> anyhow::Result<Value> {
    let text = read(std::io::stdin()).context("standard input")?;
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&text).context("standard input is not JSON")
}

fn read(from: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut bounded = from.take(DOCUMENT_BYTES + 1);
    bounded.read_to_end(&mut text)?;
    if text.len() as u64 > DOCUMENT_BYTES {
        bail!("larger than {DOCUMENT_BYTES} bytes");
    }
    Ok(text)
}

/// Has `work` done with an evaluator like the server's, in the same sandboxed worker.
pub(crate) fn with_evaluator<T>(work: impl AsyncFnOnce(&Evaluator) -> T) -> anyhow::Result<T> {
    let evaluator = Evaluator::new(Config::new(jq_worker()?));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime")?;
    Ok(runtime.block_on(work(&evaluator)))
}

/// `text` with a mark below the character at `position`: the line that holds it, and the mark.
pub(crate) fn pointed_at(text: &str, position: usize) -> String {
    let before: String = text.chars().take(position).collect();
    let line = before.matches('\n').count();
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count();
    let shown = text.lines().nth(line).unwrap_or_default();
    format!("  {shown}\n  {}^", " ".repeat(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_its_character() {
        for (text, position, expected) in [
            (".a |", 3, "  .a |\n     ^"),
            (".a |", 4, "  .a |\n      ^"),
            ("é | x", 4, "  é | x\n      ^"),
            (".a\n| x\n", 5, "  | x\n    ^"),
            ("", 0, "  \n  ^"),
        ] {
            assert_eq!(pointed_at(text, position), expected, "{text:?}");
        }
    }
}
