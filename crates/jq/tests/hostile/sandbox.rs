//! What a worker cannot do, tried from inside by the worker of these tests.

use longshore_jq::{Config, Evaluated, Evaluator, Sandbox, WorkerCommand};
use serde_json::json;

use super::program;

fn evaluator(attempt: &str) -> Evaluator {
    Evaluator::new(Config::new(WorkerCommand {
        program: env!("CARGO_BIN_EXE_jq-worker").into(),
        args: vec![attempt.into()],
    }))
}

/// Whether a worker that makes `attempt` before its first question is alive to answer it.
async fn survives(attempt: &str) -> bool {
    let evaluator = evaluator(attempt);
    let program = program("1 + 1");
    let answers = evaluator.evaluate("owner", &[&program], &json!(null)).await;
    match &answers[0] {
        Evaluated::Output(value) => *value == json!(2),
        Evaluated::Error(why) => {
            assert_eq!(why, "the expression left its worker's sandbox", "{attempt}");
            false
        }
        other => panic!("{attempt}: {other:?}"),
    }
}

#[tokio::test]
async fn a_worker_is_wholly_confined() {
    assert_eq!(evaluator("nothing").start().await.unwrap(), Sandbox::Full);
    assert!(survives("nothing").await);
}

#[tokio::test]
async fn files_are_refused() {
    for attempt in ["open", "open itself", "create", "list", "look", "follow"] {
        assert!(survives(attempt).await, "{attempt} was not refused");
    }
}

#[tokio::test]
async fn what_needs_more_than_two_pipes_and_memory_ends_the_worker() {
    for attempt in [
        "tcp",
        "udp",
        "unix",
        "exec",
        "fork",
        "thread",
        "kill parent",
        "kill init",
        "stop itself",
        "abort another",
        "read another",
        "write another",
        "write the question",
        "map code",
        "make code",
    ] {
        assert!(!survives(attempt).await, "{attempt} was not stopped");
    }
}

#[tokio::test]
async fn no_system_call_is_open_but_those_that_evaluation_needs() {
    /// Of the table for x86-64: read, write, mmap, mprotect, munmap, brk, `rt_sigaction`,
    /// `rt_sigprocmask`, `rt_sigreturn`, `sched_yield`, mremap, madvise, getpid, exit,
    /// gettimeofday, sigaltstack, prctl, gettid, futex, `sched_getaffinity`, `restart_syscall`,
    /// `clock_gettime`, `clock_getres`, `exit_group`, tgkill, ppoll, getcpu, getrandom.
    const OPEN: [u32; 28] = [
        0, 1, 9, 10, 11, 12, 13, 14, 15, 24, 25, 28, 39, 60, 96, 131, 157, 186, 202, 204, 219, 228,
        229, 231, 234, 271, 309, 318,
    ];
    /// Answered no: open, stat, lstat, access, readlink, openat, newfstatat, readlinkat, faccessat,
    /// statx, faccessat2.
    const REFUSED: [u32; 11] = [2, 4, 6, 21, 89, 257, 262, 267, 269, 332, 439];
    /// uretprobe and uprobe, which no filter is asked about: they serve a debugger's breakpoints,
    /// and do nothing where there are none.
    const UNFILTERED: [u32; 2] = [335, 336];
    /// Beyond the last one there is today.
    const NUMBERS: u32 = 480;
    let exempt = [&OPEN[..], &REFUSED, &UNFILTERED].concat();
    for number in (0..NUMBERS).filter(|it| !exempt.contains(it)) {
        assert!(
            !survives(&number.to_string()).await,
            "call {number} is open"
        );
    }
}
