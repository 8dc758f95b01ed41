//! Expressions written to do harm: each is answered by an error in time, and harms no neighbour.
#![cfg(test)]

use std::time::{Duration, Instant};

use longshore_jq::{Config, Evaluated, Evaluator, Program, WorkerCommand};
use serde_json::{Value, json};

/// The deadline, and what starting a worker anew may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

const HOSTILE: &[&str] = &[
    "[range(1e9)]",
    "def f: f; f",
    "def f: 1+f; f",
    "def f: [f]; f",
    "def f: f|f; f",
    "[repeat(1)]",
    "last(recurse([.]))",
    "until(false;.)",
    "[limit(1e8;repeat(\"x\"))]|add",
    "reduce range(1e6) as $i (0;[.])",
    "reduce range(40) as $i (\"xxxxxxxx\";.+.)",
    "\"x\" * 4000000000",
    "(\"[\"*1000000)|fromjson",
    "[range(3000)]|[combinations(3)]",
    "[range(100)]|[combinations(5)]|length",
    "[.[]?, range(1e7)] | sort",
    "def f: {a: f}; f",
    "def f: try error(f) catch f; f",
    "def f: label $x | f; f",
    "reduce range(1e5) as $i (null; {a: .})",
    "[range(200000)] | map([range(1000)])",
    "{} | .a[1e9] = 1",
    "[][99999999] = 1",
    "[limit(3e6; repeat(\"0123456789\"))] | join(\",\")",
    "\"a\" | ascii_downcase * 1e9",
    "1 | [recurse(if . < 1e9 then .+1 else empty end)]",
    "first(range(1e12) | select(. < 0))",
    "last(range(1e12))",
    "limit(1e12; repeat(1)) | select(false)",
    "while(true; .) | empty",
    "isempty(repeat(empty))",
    "[splits(\"x\")] | .[1e18]",
    "path(repeat(.a)) | select(false)",
    "input",
    "halt",
    "halt_error",
    "\"\\u0000\" * 1e10",
    "reduce range(64) as $i (1; . * 1e300 * 1e300) | tojson * 1e9",
    "[range(1e6)] | tojson | fromjson | tojson | . * 1000",
    "{} | setpath([range(1e5) | \"a\"]; 1)",
    "getpath([range(1e6)|\"a\"]) | error",
    "[range(1e5)] | walk([.]) | tojson",
    "def f($n): if $n == 0 then 0 else 1 + f($n - 1) end; f(1e6)",
    "tojson | error",
    "ltrimstr(1) | error",
    "@sh | error",
];

/// Refused before anything evaluates them.
fn refused() -> Vec<String> {
    vec![
        "[".repeat(100_000),
        "[".repeat(16_000),
        "{a:".repeat(5_000),
        "(".repeat(200) + "." + &")".repeat(200),
        "-".repeat(16_000) + "1",
        "try ".repeat(4_000) + ".",
        ". as $x | ".repeat(1_600) + ".",
        "if ".repeat(5_000),
        "\"\\(".repeat(5_000),
        "\"]]]\" | [".repeat(1_600),
        "def f: ".repeat(2_000) + ".",
        "reduce ".repeat(2_000),
        "# \"\n[".repeat(3_000),
        "import \"a\" as a; .".to_owned(),
        "include \"/etc/passwd\"; .".to_owned(),
        "modulemeta".to_owned(),
        "get_search_list".to_owned(),
        "$__prog_args".to_owned(),
        "input_nope".to_owned(),
        String::new(),
    ]
}

/// Long and deep as far as is allowed, and right.
fn allowed() -> Vec<String> {
    vec![
        ".".to_owned() + &" | .".repeat(4_000),
        "1".to_owned() + &" + 1".repeat(4_000),
        "[".repeat(100) + &"]".repeat(100),
        ".a".repeat(8_000),
        ".a?".repeat(5_000),
        ".a//".repeat(4_000) + "1",
        "1,".repeat(8_000) + "1",
        "-".repeat(1_000) + "1",
        ".[0]".repeat(4_000),
        ".".to_owned() + &"?[0]?".repeat(2_000),
        "try ".repeat(1_000) + ".",
        ". as $x | ".repeat(1_000) + ".",
        "not|".repeat(4_000) + ".",
        "1".to_owned() + &"|.".repeat(8_191),
        "1+1".to_owned() + &"+1".repeat(8_190),
        "first(1)".to_owned() + &"|.".repeat(8_180),
        "1".to_owned() + &",1".repeat(8_191),
        "null".to_owned() + &"?".repeat(16_000),
    ]
}

fn evaluator() -> Evaluator {
    let program = env!("CARGO_BIN_EXE_jq-worker").into();
    Evaluator::new(Config::new(WorkerCommand {
        program,
        args: Vec::new(),
    }))
}

fn program(text: &str) -> Program {
    Program::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn event() -> Value {
    json!({"inputs": {"name": "svc", "n": 10}, "run": {"id": "r_1"}})
}

#[tokio::test]
async fn every_hostile_expression_answers_an_error_in_time_and_alone() {
    let evaluator = evaluator();
    let before = program(".inputs.name | ascii_upcase");
    let after = program("[.inputs.n, 1] | add");
    let event = event();
    for text in HOSTILE {
        let start = Instant::now();
        let hostile = program(text);
        let answers = evaluator.evaluate(&[&before, &hostile], &event).await;
        assert_eq!(answers[0], Evaluated::Output(json!("SVC")), "beside {text}");
        assert!(
            matches!(answers[1], Evaluated::Error(_)),
            "{text} answered {:?}",
            answers[1]
        );
        assert_eq!(
            evaluator.evaluate(&[&after], &event).await,
            [Evaluated::Output(json!(11))],
            "after {text}"
        );
        println!("{:>6} ms  {text}", start.elapsed().as_millis());
        assert!(
            start.elapsed() < PATIENCE,
            "{text} took {:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn what_follows_a_hostile_expression_in_its_call_is_evaluated() {
    let evaluator = evaluator();
    let crash = program("\"x\" * 4000000000");
    let endless = program("def f: f; f");
    let good = program(".inputs.name | length");
    let answers = evaluator
        .evaluate(&[&crash, &good, &endless, &good], &event())
        .await;
    assert!(
        matches!(answers[0], Evaluated::Error(_)),
        "{:?}",
        answers[0]
    );
    assert_eq!(answers[1], Evaluated::Output(json!(3)));
    assert!(
        matches!(answers[2], Evaluated::Error(_)),
        "{:?}",
        answers[2]
    );
    assert_eq!(answers[3], Evaluated::Output(json!(3)));
}

#[test]
fn texts_beyond_the_bounds_are_refused_and_no_parser_overflows() {
    for text in refused() {
        let shown: String = text.chars().take(40).collect();
        let error = Program::compile(&text).err();
        let error = error.unwrap_or_else(|| panic!("{shown}… compiled"));
        assert!(error.position <= text.len(), "{shown}…: {error}");
    }
    for text in allowed() {
        let shown: String = text.chars().take(40).collect();
        let program = Program::compile(&text).unwrap_or_else(|error| panic!("{shown}…: {error}"));
        let _ = program.evaluate_in_process(&event());
    }
}

#[tokio::test]
async fn the_longest_allowed_texts_evaluate() {
    let evaluator = evaluator();
    for text in allowed() {
        let shown: String = text.chars().take(40).collect();
        let program = Program::compile(&text).unwrap();
        let answers = evaluator.evaluate(&[&program], &json!(null)).await;
        assert!(
            !matches!(answers[0], Evaluated::Error(_)),
            "{shown}…: {:?}",
            answers[0]
        );
    }
}

#[tokio::test]
async fn nothing_of_the_surroundings_can_be_seen() {
    let evaluator = evaluator();
    for (text, expected) in [
        ("env", json!({})),
        ("$ENV", json!({})),
        ("env.PATH", json!(null)),
        ("$ENV.PATH", json!(null)),
        ("input_filename", json!(null)),
        ("$__loc__", json!({"file": "<top-level>", "line": 1})),
    ] {
        let answers = evaluator.evaluate(&[&program(text)], &json!(null)).await;
        assert_eq!(answers, [Evaluated::Output(expected)], "{text}");
    }
}

#[tokio::test]
async fn outputs_are_json() {
    let evaluator = evaluator();
    for (text, expected) in [
        ("nan", json!(null)),
        ("[infinite, -infinite]", json!([f64::MAX, f64::MIN])),
        ("10 / 2", json!(5)),
        ("pow(2; 10)", json!(1024)),
        ("\"\\(10 / 2) \\(1 / 4)\"", json!("5 0.25")),
    ] {
        let answers = evaluator.evaluate(&[&program(text)], &json!(null)).await;
        assert_eq!(answers, [Evaluated::Output(expected)], "{text}");
    }
    for text in ["{(1): 2}", "{(null): 2}", "[{([]): 1}]", "1 / 0", "5 % 0"] {
        let answers = match Program::compile(text) {
            Ok(program) => evaluator.evaluate(&[&program], &json!(null)).await,
            Err(error) => vec![Evaluated::Error(error.to_string())],
        };
        assert!(
            matches!(answers[0], Evaluated::Error(_)),
            "{text}: {:?}",
            answers[0]
        );
    }
}

#[tokio::test]
async fn a_worker_that_cannot_start_is_an_error() {
    let worker = WorkerCommand {
        program: "/nonexistent/worker".into(),
        args: Vec::new(),
    };
    let evaluator = Evaluator::new(Config::new(worker));
    let answers = evaluator
        .evaluate(&[&program("1 + 1"), &program(".a")], &json!({"a": 1}))
        .await;
    assert!(matches!(answers[0], Evaluated::Error(_)));
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
            .evaluate(&[&program("1 + 1"), &program("2 + 1")], &json!(1))
            .await;
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer, Evaluated::Error(_))),
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
    drop(is_send(evaluator.evaluate(&[&program], &input)));
}
