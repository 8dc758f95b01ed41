//! What a neighbour notices of hostile calls: nothing that it would not notice on a busy day.
//!
//! Alone in its binary, one test at a time: it compares times.
#![cfg(test)]

#[path = "hostile/expressions.rs"]
mod expressions;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use longshore_jq::{Config, Evaluated, Evaluator, Program, WorkerCommand};
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use expressions::{HOSTILE, SUSPECT};

/// Hostile calls at once.
const HOSTILE_CALLS: usize = 200;
/// Rounds alone and rounds beside, in turn.
const ROUNDS: usize = 15;
/// The neighbour's calls of one round.
const CALLS: usize = 400;
/// Comparisons of which one must hold.
const COMPARISONS: usize = 3;

/// What the neighbour's p99 may grow by beside its factor: less than half a slice of the
/// scheduler, for which it waited wherever a program on trial did not give way.
const SLACK: Duration = Duration::from_micros(300);

/// Held by the test that runs.
static ALONE: Mutex<()> = Mutex::const_new(());

fn evaluator() -> Evaluator {
    Evaluator::new(Config::new(WorkerCommand {
        program: env!("CARGO_BIN_EXE_jq-worker").into(),
        args: Vec::new(),
    }))
}

fn program(text: &str) -> Program {
    Program::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn event() -> Value {
    json!({"inputs": {"name": "svc", "n": 10}, "run": {"id": "r_1"}})
}

fn neighbours_programs() -> Vec<Program> {
    let texts = [
        ".inputs.name | ascii_upcase",
        "\"\\(.run.id)-\\(.inputs.n + 1)\"",
        "[.inputs.n, 1] | add",
    ];
    texts.into_iter().map(program).collect()
}

/// One round of the neighbour's calls, one after the other; its p99.
async fn round(evaluator: &Evaluator, programs: &[Program], event: &Value) -> Duration {
    let programs: Vec<&Program> = programs.iter().collect();
    let expected = [json!("SVC"), json!("r_1-11"), json!(11)].map(Evaluated::Output);
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let start = Instant::now();
        let answers = evaluator.evaluate("neighbour", &programs, event).await;
        times.push(start.elapsed());
        assert_eq!(answers, expected);
    }
    times.sort_unstable();
    times[CALLS * 99 / 100]
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Hostile calls under way; dropped, they are given up.
fn hostile_calls(
    evaluator: &Arc<Evaluator>,
    number: usize,
    owner: impl Fn(usize) -> String,
) -> JoinSet<Vec<Evaluated>> {
    let mut calls = JoinSet::new();
    let texts = HOSTILE.iter().chain(SUSPECT).cycle().take(HOSTILE_CALLS);
    for (place, text) in texts.enumerate() {
        // every second one is known from the round before
        let text = match place % 2 {
            0 => (*text).to_owned(),
            _ => format!("{text} # {number}"),
        };
        let (evaluator, hostile, owner) = (Arc::clone(evaluator), program(&text), owner(place));
        calls.spawn(async move { evaluator.evaluate(&owner, &[&hostile], &event()).await });
    }
    calls
}

/// The neighbour's p99 beside hostile calls is at most twice its usual, but for [`SLACK`]. Whoever
/// shares the machine may spoil a comparison, but hardly each of them.
async fn compare(owner: impl Fn(usize) -> String + Send) {
    let mut compared = Vec::new();
    while compared.len() < COMPARISONS {
        let (alone, beside) = compare_once(&owner).await;
        if beside <= 2 * alone + SLACK {
            return;
        }
        compared.push((alone, beside));
    }
    panic!("p99 alone and beside {HOSTILE_CALLS} hostile calls: {compared:?}");
}

/// The neighbour's p99 alone, and beside hostile calls.
async fn compare_once(owner: &(impl Fn(usize) -> String + Send)) -> (Duration, Duration) {
    let evaluator = Arc::new(evaluator());
    let (programs, event) = (neighbours_programs(), event());
    // known to be quick, its workers started
    round(&evaluator, &programs, &event).await;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for number in 0..ROUNDS {
        alone.push(round(&evaluator, &programs, &event).await);
        let calls = hostile_calls(&evaluator, number, owner);
        beside.push(round(&evaluator, &programs, &event).await);
        assert!(!calls.is_empty());
        drop(calls);
        // their workers' end is no part of the usual
        round(&evaluator, &programs, &event).await;
    }
    println!("p99 of rounds alone {alone:?}, beside {beside:?}");
    (median(alone), median(beside))
}

/// Runs on one processor, with all workers: there is no other on which to get out of their way, and
/// what else the machine does takes as much of it from the rounds alone.
fn on_one_processor(comparison: impl Future<Output = ()> + Send) {
    let _alone = ALONE.blocking_lock();
    // the threads of a runtime, and processes, are where the one is that starts them
    let run = || {
        #[cfg(target_os = "linux")]
        stay_on_one_processor();
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        runtime.unwrap().block_on(comparison);
    };
    let compared = thread::scope(|scope| scope.spawn(run).join());
    if let Err(panic) = compared {
        resume_unwind(panic);
    }
}

#[cfg(target_os = "linux")]
fn stay_on_one_processor() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None).unwrap();
    let mut processors = (0..CpuSet::MAX_CPU).rev();
    let last = processors.find(|processor| allowed.is_set(*processor));
    let mut one = CpuSet::new();
    one.set(last.unwrap());
    sched_setaffinity(None, &one).unwrap();
}

#[test]
fn a_neighbour_of_one_hostile_owner_keeps_its_pace() {
    on_one_processor(compare(|_| "hostile".to_owned()));
}

#[test]
fn a_neighbour_of_many_hostile_owners_keeps_its_pace() {
    on_one_processor(compare(|place| format!("hostile-{place}")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_proven_programs_passes_all_that_wait_in_other_lanes() {
    let _alone = ALONE.lock().await;
    let evaluator = Arc::new(evaluator());
    let (programs, event) = (neighbours_programs(), event());
    round(&evaluator, &programs, &event).await;
    let mut calls = hostile_calls(&evaluator, 0, |_| "hostile".to_owned());
    round(&evaluator, &programs, &event).await;
    let mut answered = 0;
    while calls.try_join_next().is_some() {
        answered += 1;
    }
    assert!(answered < HOSTILE_CALLS / 2, "{answered} were answered");
}

#[tokio::test]
async fn what_breaks_a_bound_when_it_is_proven_delays_its_like_from_then_on() {
    let _alone = ALONE.lock().await;
    let evaluator = evaluator();
    let turning = program("if .bad then def f: f; f else 1 + 1 end");
    let good = json!({"bad": false});
    for _ in 0..3 {
        let answers = evaluator.evaluate("owner", &[&turning], &good).await;
        assert_eq!(answers, [Evaluated::Output(json!(2))]);
    }
    let answers = evaluator
        .evaluate(
            "owner",
            &[&turning, &program("2 + 2")],
            &json!({"bad": true}),
        )
        .await;
    assert!(matches!(answers[0], Evaluated::Exceeded(_)), "{answers:?}");
    assert_eq!(answers[1], Evaluated::Output(json!(4)));
    let answers = evaluator.evaluate("owner", &[&turning], &good).await;
    assert_eq!(answers, [Evaluated::Output(json!(2))]);
}
