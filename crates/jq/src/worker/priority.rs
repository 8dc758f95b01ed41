//! How far a worker's evaluations stand behind what else wants the processor.

use std::io;

use crate::frame::Priority;

/// Gives the calling thread, and those that it starts, `priority` for good.
///
/// # Errors
/// Where the system refuses it.
pub(super) fn take(priority: Priority) -> io::Result<()> {
    match priority {
        Priority::Normal => Ok(()),
        Priority::Low => rustix::process::nice(5).map(drop).map_err(io::Error::from),
        Priority::Idle => idle(),
    }
}

/// Only when nobody else wants the processor. By niceness alone, whoever wakes up may have to wait
/// for the end of a slice of some milliseconds.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "no safe wrapper is to be had; the pointer is a local's"
)]
fn idle() -> io::Result<()> {
    // SAFETY: zero is a valid value of every field
    let parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the call, which keeps it no longer
    let done = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(not(target_os = "linux"))]
fn idle() -> io::Result<()> {
    rustix::process::nice(19).map(drop).map_err(io::Error::from)
}
