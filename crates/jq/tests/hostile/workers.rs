//! Worker processes: how they start, end, and are found again.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use longshore_jq::{Bound, Config, Evaluated, Evaluator, WorkerCommand};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::{config, evaluator, program};

#[tokio::test]
async fn a_worker_that_cannot_start_is_an_error() {
    let worker = WorkerCommand {
        program: "/nonexistent/worker".into(),
        args: Vec::new(),
    };
    let evaluator = Evaluator::new(Config::new(worker));
    let answers = evaluator
        .evaluate(
            "owner",
            &[&program("1 + 1"), &program(".a")],
            &json!({"a": 1}),
        )
        .await;
    assert!(matches!(
        answers[0],
        Evaluated::Error(_) | Evaluated::Exceeded(_)
    ));
    assert_eq!(answers[1], Evaluated::Output(json!(1)));
}

#[tokio::test]
async fn a_worker_that_is_none_is_an_error() {
    for program_path in ["/bin/true", "/bin/cat", "/bin/yes"] {
        let worker = WorkerCommand {
            program: program_path.into(),
            args: Vec::new(),
        };
        let evaluator = Evaluator::new(Config::new(worker));
        let answers = evaluator
            .evaluate("owner", &[&program("1 + 1"), &program("2 + 1")], &json!(1))
            .await;
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer, Evaluated::Error(_) | Evaluated::Exceeded(_))),
            "{answers:?}"
        );
    }
}

#[test]
fn an_evaluation_may_move_between_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let (evaluator, program, input) = (evaluator(), program("1 + 1"), json!(1));
    drop(is_send(evaluator.evaluate("owner", &[&program], &input)));
}

/// An evaluator whose workers have `mark` among their arguments.
fn marked(mark: &str, change: impl FnOnce(&mut Config)) -> Evaluator {
    let mut config = config();
    config.worker.args = vec!["nothing".into(), mark.into()];
    change(&mut config);
    Evaluator::new(config)
}

/// The living workers with that mark.
fn workers(mark: &str) -> BTreeSet<i32> {
    let processes = fs::read_dir("/proc").unwrap();
    let ids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let is_marked = |id: &i32| {
        // an ended process has an empty one, or none
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0)
            .any(|argument| argument == mark.as_bytes())
    };
    ids.filter(is_marked).collect()
}

/// Returns when the process has ended.
async fn ended(id: i32) {
    let Some(pid) = Pid::from_raw(id) else {
        return;
    };
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
        return;
    };
    let wait = move || {
        let mut ends = [PollFd::new(&process, PollFlags::IN)];
        retry_on_intr(|| poll(&mut ends, None)).unwrap()
    };
    tokio::task::spawn_blocking(wait).await.unwrap();
}

#[tokio::test]
async fn ten_thousand_calls_in_sequence_leave_one_worker_of_each_lane() {
    let mark = "ten-thousand";
    let evaluator = marked(mark, |_| ());
    let sum = program("1 + 1");
    for _ in 0..10_000 {
        let answers = evaluator.evaluate("owner", &[&sum], &json!(null)).await;
        assert_eq!(answers, [Evaluated::Output(json!(2))]);
    }
    // of those on trial and of the proven, and perhaps of the slow: a busy machine makes one such
    let before = workers(mark);
    assert!((2..=3).contains(&before.len()), "{before:?}");
    drop(evaluator);
    for worker in before {
        ended(worker).await;
    }
}

#[tokio::test]
async fn a_worker_killed_in_the_middle_makes_no_answer_wrong() {
    let mark = "killed-outside";
    let evaluator = marked(mark, |_| ());
    let good = program("1 + 1");
    // slow, but within its bounds
    let slow = program("[range(20000)] | map(. * 2) | add");
    for _ in 0..20 {
        let (programs, input) = ([&good, &slow, &good], json!(null));
        let call = evaluator.evaluate("owner", &programs, &input);
        let kill = async {
            for worker in workers(mark) {
                let _ = kill_process(Pid::from_raw(worker).unwrap(), Signal::KILL);
                tokio::task::yield_now().await;
            }
        };
        let (answers, ()) = tokio::join!(call, kill);
        for answer in &answers {
            let known = match answer {
                Evaluated::Output(value) => *value == json!(2) || *value == json!(399_980_000),
                Evaluated::Error(why) => {
                    why == "the worker was ended from outside"
                        || why.starts_with("no worker could be started")
                }
                // a worker that starts anew takes of the call's time
                Evaluated::Exceeded(bound) => *bound == Bound::Time,
                Evaluated::Empty => false,
            };
            assert!(known, "{answer:?}");
        }
    }
    let answers = evaluator.evaluate("owner", &[&good], &json!(null)).await;
    assert_eq!(answers, [Evaluated::Output(json!(2))]);
}

#[tokio::test]
async fn an_idle_worker_killed_from_outside_is_replaced_unseen() {
    let mark = "idle-killed";
    let evaluator = marked(mark, |_| ());
    let sum = program("1 + 1");
    for _ in 0..10 {
        let answers = evaluator.evaluate("owner", &[&sum], &json!(null)).await;
        assert_eq!(answers, [Evaluated::Output(json!(2))]);
        for worker in workers(mark) {
            kill_process(Pid::from_raw(worker).unwrap(), Signal::KILL).unwrap();
            ended(worker).await;
        }
    }
}

#[tokio::test]
async fn spare_workers_end_after_idleness_but_one() {
    let mark = "spare";
    let evaluator = marked(mark, |config| {
        config.workers = 4;
        config.idle = Duration::from_millis(20);
    });
    let sum = program("1 + 1");
    evaluator.evaluate("owner", &[&sum], &json!(null)).await;
    let trial = workers(mark);
    let (programs, input) = ([&sum], json!(null));
    let call = || evaluator.evaluate("owner", &programs, &input);
    tokio::join!(call(), call(), call(), call());
    // those that were started as spare ones end by themselves
    let mut left: BTreeSet<i32> = workers(mark).difference(&trial).copied().collect();
    while left.len() > 1 {
        let first = left.iter().map(|worker| Box::pin(ended(*worker)));
        futures_util::future::select_all(first).await;
        left = workers(mark).difference(&trial).copied().collect();
    }
    let answers = evaluator.evaluate("owner", &[&sum], &json!(null)).await;
    assert_eq!(answers, [Evaluated::Output(json!(2))]);
}

#[tokio::test]
async fn a_call_given_up_anywhere_keeps_neither_worker_nor_place() {
    let mark = "given-up";
    let evaluator = marked(mark, |config| config.workers = 1);
    let endless = program("def f: f; f");
    let sum = program("1 + 1");
    let input = json!(null);
    for step in 0..60 {
        let (endless, sum) = ([&endless], [&sum]);
        let call = |programs| evaluator.evaluate("owner", programs, &input);
        let all = async { tokio::join!(call(&endless), call(&sum), call(&endless), call(&sum)) };
        let _ = timeout(step * Duration::from_micros(300), all).await;
    }
    let answers = evaluator.evaluate("owner", &[&sum], &json!(null)).await;
    assert_eq!(answers, [Evaluated::Output(json!(2))]);
    assert!(workers(mark).len() <= 4, "{:?}", workers(mark));
}

/// A worker that its test speaks to itself, in the words of `frame.rs`.
async fn started_by_hand() -> (tokio::process::Child, tokio::process::ChildStdin) {
    let mut worker = tokio::process::Command::new(env!("CARGO_BIN_EXE_jq-worker"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut questions = worker.stdin.take().unwrap();
    let mut terms = Vec::new();
    for number in [64_u64 << 20, 1 << 20, 0] {
        terms.extend(number.to_be_bytes());
    }
    terms.push(0);
    questions.write_all(&terms).await.unwrap();
    let mut greeting = [0; 4];
    let answers = worker.stdout.as_mut().unwrap();
    answers.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting[..3], b"jq\x02");
    (worker, questions)
}

/// Asks for an hour of sorting, and for something quick before it.
async fn ask_for_an_hour(questions: &mut tokio::process::ChildStdin) {
    let (quick, long) = ("1", "[range(20000)] | last(repeat(sort))");
    let mut frame = Vec::new();
    let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    for millis in [3_600_000, 3_600_000] {
        frame.extend(number(millis));
    }
    frame.push(1);
    frame.extend(number(2));
    for text in [quick, long] {
        frame.extend(number(text.len()));
        frame.extend(text.as_bytes());
    }
    frame.extend(b"null");
    questions.write_all(&number(frame.len())).await.unwrap();
    questions.write_all(&frame).await.unwrap();
}

#[tokio::test]
async fn a_worker_whose_owner_dies_ends_in_the_middle_of_an_evaluation() {
    let (mut worker, mut questions) = started_by_hand().await;
    ask_for_an_hour(&mut questions).await;
    let mut first = [0; 6];
    let answers = worker.stdout.as_mut().unwrap();
    answers.read_exact(&mut first).await.unwrap();
    assert_eq!(first, [0, 0, 0, 2, 0, b'1']);
    // an owner that dies closes its end
    drop(questions);
    let ended = timeout(Duration::from_secs(10), worker.wait()).await;
    assert!(ended.expect("it ends").unwrap().success());
}

#[tokio::test]
async fn a_worker_that_is_told_nonsense_ends() {
    for nonsense in [&[0xff; 64][..], &[0, 0, 0, 4, 0, 0, 0, 0], &[0, 0, 0, 0]] {
        let (mut worker, mut questions) = started_by_hand().await;
        questions.write_all(nonsense).await.unwrap();
        let ended = timeout(Duration::from_secs(10), worker.wait()).await;
        assert!(!ended.expect("it ends").unwrap().success());
    }
}

#[test]
fn a_worker_is_shared_between_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let evaluator = Arc::new(evaluator());
    let tasks: Vec<_> = (0..64)
        .map(|number: i64| {
            let evaluator = Arc::clone(&evaluator);
            runtime.spawn(async move {
                let program = program(". + 1");
                let input = json!(number);
                let owner = (number % 7).to_string();
                evaluator.evaluate(&owner, &[&program], &input).await
            })
        })
        .collect();
    for (number, task) in (0..).zip(tasks) {
        let answers = runtime.block_on(task).unwrap();
        assert_eq!(answers, [Evaluated::Output(json!(number + 1_i64))]);
    }
}
