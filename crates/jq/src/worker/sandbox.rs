//! What a worker gives up before it reads its first question.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::bounds::WORKER_BASE_BYTES;
use crate::frame::Terms;

/// What keeps an evaluation from everything but its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// Limits, and a filter of system calls: no files, network or processes, whoever started it.
    Full,
    /// Limits alone: this platform has no such filter, or its kernel refused it.
    Partial,
}

/// Limits this process, all its threads, for good.
///
/// # Errors
/// Where a limit was refused.
pub(super) fn enter(terms: &Terms) -> io::Result<Sandbox> {
    let memory = WORKER_BASE_BYTES + 2 * terms.memory_bytes as u64;
    for (resource, most) in [
        (Resource::As, memory),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        // the one that `poll` looks at; its number is in use
        (Resource::Nofile, 1),
        (Resource::Nproc, 0),
    ] {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        match setrlimit(resource, limit) {
            // address space cannot be limited everywhere
            Err(_) if cfg!(not(target_os = "linux")) => {}
            limited => limited?,
        }
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        rustix::thread::set_no_new_privs(true)?;
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    Ok(filtered())
}

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
fn filtered() -> Sandbox {
    match super::filter::install() {
        Ok(()) => Sandbox::Full,
        Err(_) => Sandbox::Partial,
    }
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
fn filtered() -> Sandbox {
    Sandbox::Partial
}
