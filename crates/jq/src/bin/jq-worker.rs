//! A worker alone; what embeds this crate starts one from a binary of its own instead.

use std::io::{stdin, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    longshore_jq::worker::run(stdin().lock(), stdout())
}
