//! A worker alone, for tests; what embeds this crate starts one from a binary of its own instead.
//!
//! With the name of an attempt it tries, in the sandbox, what no worker may do.

#[cfg(target_os = "linux")]
mod attempt;

use std::process::ExitCode;

use longshore_jq::Metered;

#[global_allocator]
static ALLOCATOR: Metered = Metered;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(name) = std::env::args().nth(1) {
        return longshore_jq::worker::run_inside(move || attempt::make(&name));
    }
    longshore_jq::worker::run()
}
