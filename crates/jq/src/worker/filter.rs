//! The system calls that evaluation needs. Looking for a file is answered no, since allocators and
//! libraries do so and take that for an answer; any other call ends the process.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

/// Allowed whatever their arguments: memory that is there, locks, time, signals' return, an end.
const FREE: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_ppoll,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
];

/// Answered with an error.
const REFUSED: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_readlinkat,
    libc::SYS_statx,
];

/// Puts all threads of this process under the filters; of two answers the stricter one holds.
pub(super) fn install() -> Result<(), Error> {
    apply_filter_all_threads(&refusing()?)?;
    apply_filter_all_threads(&ending()?)
}

fn refusing() -> Result<BpfProgram, Error> {
    let filter = SeccompFilter::new(
        REFUSED.iter().map(|call| (*call, Vec::new())).collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EACCES.unsigned_abs()),
        ARCH.try_into()?,
    )?;
    Ok(filter.try_into()?)
}

fn ending() -> Result<BpfProgram, Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = FREE
        .iter()
        .chain(REFUSED)
        .map(|call| (*call, Vec::new()))
        .collect();
    let stream = |number: u64| rule(&[(0, Dword, Eq, number)]);
    rules.insert(libc::SYS_read, vec![stream(0)?]);
    // standard error leads nowhere; what aborts says why there
    rules.insert(libc::SYS_write, vec![stream(1)?, stream(2)?]);
    let exec = libc::PROT_EXEC.unsigned_abs().into();
    let no_code = (2, Dword, MaskedEq(exec), 0);
    let anonymous: u64 = libc::MAP_ANONYMOUS.unsigned_abs().into();
    let no_file = (3, Dword, MaskedEq(anonymous), anonymous);
    rules.insert(libc::SYS_mmap, vec![rule(&[no_code.clone(), no_file])?]);
    rules.insert(libc::SYS_mprotect, vec![rule(&[no_code])?]);
    let own = (0, Qword, Eq, std::process::id().into());
    let abort = (2, Dword, Eq, libc::SIGABRT.unsigned_abs().into());
    rules.insert(libc::SYS_tgkill, vec![rule(&[own, abort])?]);
    // an allocator names its memory
    let naming = (0, Dword, Eq, libc::PR_SET_VMA.unsigned_abs().into());
    rules.insert(libc::SYS_prctl, vec![rule(&[naming])?]);
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        ARCH.try_into()?,
    )?;
    Ok(filter.try_into()?)
}

type Condition = (
    u8,
    seccompiler::SeccompCmpArgLen,
    seccompiler::SeccompCmpOp,
    u64,
);

/// A call whose arguments meet all `conditions`: number, length, comparison, value.
fn rule(conditions: &[Condition]) -> Result<SeccompRule, Error> {
    let conditions = conditions.iter().cloned();
    let conditions = conditions
        .map(|(number, length, operator, value)| {
            SeccompCondition::new(number, length, operator, value)
        })
        .collect::<Result<_, _>>()?;
    Ok(SeccompRule::new(conditions)?)
}
