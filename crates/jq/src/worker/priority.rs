//! How far a worker's evaluations stand behind what else wants the processor.

use std::io;
#[cfg(target_os = "linux")]
use std::time::Duration;

use crate::frame::Priority;

/// How much nicer than its owner a worker of low priority is: on a processor that another task wants
/// all the time it gets some 3 %.
const LOW_NICENESS: i32 = 15;
/// Its slice. Beyond what others have by default (0.7 to 2.8 ms, by the number of processors), so
/// that they need not wait for its end.
#[cfg(target_os = "linux")]
const LOW_SLICE: Duration = Duration::from_millis(5);

/// Gives the calling thread, and those that it starts, `priority` for good.
///
/// # Errors
/// Where the system refuses it.
pub(super) fn take(priority: Priority) -> io::Result<()> {
    match priority {
        Priority::Normal => Ok(()),
        Priority::Low => low(),
        Priority::Idle => idle(),
    }
}

/// After others, but not only when they want nothing.
fn low() -> io::Result<()> {
    let niceness = rustix::process::nice(LOW_NICENESS)?;
    #[cfg(target_os = "linux")]
    lengthen_slice(niceness);
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
    Ok(())
}

/// Since Linux 6.12, who wakes up takes the processor at once from a task whose slice is longer than
/// its own, else after the slice's end (`check_preempt_wakeup_fair` in its `kernel/sched/fair.c`).
/// Kernels before know no slice of one task and ignore it; where it is refused, niceness alone holds.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "no safe wrapper is to be had; the pointer is a local's"
)]
fn lengthen_slice(niceness: i32) {
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: 0,
        sched_flags: libc::SCHED_FLAG_KEEP_POLICY as u64,
        sched_nice: niceness,
        sched_priority: 0,
        sched_runtime: LOW_SLICE.as_nanos() as u64,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the pointer is valid for the call, which keeps it no longer; its size stands in it
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
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
