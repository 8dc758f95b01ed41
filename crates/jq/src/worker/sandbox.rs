//! What a worker gives up before it reads its first question.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::bounds::WORKER_MEMORY_BYTES;

/// Limits this process for good: memory, no core dumps, no new files, sockets, threads or
/// processes, no file grown.
pub(super) fn enter() -> io::Result<()> {
    for (resource, most) in [
        (Resource::As, WORKER_MEMORY_BYTES),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, 0),
        (Resource::Nproc, 0),
    ] {
        setrlimit(
            resource,
            Rlimit {
                current: Some(most),
                maximum: Some(most),
            },
        )?;
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        rustix::thread::set_no_new_privs(true)?;
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    Ok(())
}
