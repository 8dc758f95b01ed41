//! What expressions mean here is what they mean in jq itself, but for the differences that
//! docs/jq-differences.md lists; and it lists none that is none.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use longshore_jq::{Config, Evaluated, Evaluator, Program, WorkerCommand};
use serde::Deserialize;
use serde_json::Value;

/// Kinds whose every answer must be jq's.
const EXACT: [&str; 13] = [
    "path",
    "alternative",
    "if",
    "interpolation",
    "arithmetic",
    "map_select",
    "join",
    "entries",
    "split_sub_test",
    "dates",
    "json",
    "formats",
    "vectors",
];
/// How many of a thousand answers must be jq's, over all kinds.
const AGREEING: usize = 990;
const MIN_PAIRS: usize = 2000;
/// Pairs of one call.
const BATCH: usize = 500;

/// An expression, and what jq answers to it on one of the inputs.
#[derive(Debug, Deserialize)]
struct Pair {
    kind: String,
    jq: String,
    input: usize,
    output: Option<String>,
    error: Option<String>,
}

/// The first output, as far as both sides can be compared.
#[derive(Debug, PartialEq)]
enum Answer {
    /// As JSON text: with the order of keys and the text of numbers.
    Output(String),
    Empty,
    Error,
}

impl Pair {
    fn answer(&self) -> Answer {
        match (&self.output, &self.error) {
            (Some(text), _) => Answer::Output(text.clone()),
            (None, Some(_)) => Answer::Error,
            (None, None) => Answer::Empty,
        }
    }
}

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The vectors of the directory that `LONGSHORE_VECTORS` names, else the copy here.
fn vectors() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the tests may bring other vectors"
    )]
    let directory = std::env::var_os("LONGSHORE_VECTORS");
    directory
        .map_or_else(|| manifest().join("tests/vectors"), PathBuf::from)
        .join("jq.json")
}

/// The inputs, as JSON text, and the pairs with jq's answers.
fn reference() -> (Vec<String>, Vec<Pair>) {
    let asked = Command::new("python3")
        .arg(manifest().join("tests/differential/reference.py"))
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("jq-reference"))
        .arg(vectors())
        .stderr(Stdio::inherit())
        .output()
        .expect("Python 3 is needed");
    assert!(asked.status.success(), "the reference failed");
    let text = String::from_utf8(asked.stdout).unwrap();
    let mut lines = text.lines();
    let inputs = serde_json::from_str(lines.next().unwrap()).unwrap();
    let pairs = lines.map(|line| serde_json::from_str(line).unwrap());
    (inputs, pairs.collect())
}

/// A row of the page: the expressions it is about, `…` for any text.
struct Difference {
    expressions: Vec<String>,
}

impl Difference {
    fn covers(&self, text: &str) -> bool {
        let mut expressions = self.expressions.iter();
        expressions.any(|expression| holds(text, expression))
    }
}

/// Whether `expression` stands in `text`, not in the midst of a word.
fn holds(text: &str, expression: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let splits_word = |left: &str, right: &str| {
        left.ends_with(|c| in_word(c) || c == '.' || c == '$' || c == '@')
            && right.starts_with(in_word)
    };
    let parts: Vec<&str> = expression.split('…').collect();
    let first = parts.first().copied().unwrap_or_default();
    let mut starts = text.match_indices(first).map(|(place, _)| place);
    starts.any(|start| {
        let mut end = start;
        let found = parts.iter().all(|part| {
            let place = text[end..].find(part);
            end += place.map_or(0, |place| place + part.len());
            place.is_some()
        });
        let (before, after) = (&text[..start], &text[end..]);
        found && !splits_word(before, &text[start..]) && !splits_word(&text[..end], after)
    })
}

#[test]
fn a_row_covers_whole_words_only() {
    for (text, expression, expected) in [
        ("env | length", "env", true),
        ("$ENV", "$ENV", true),
        ("[env]", "env", true),
        (".env", "env", false),
        ("$env", "env", false),
        ("environment", "env", false),
        (".a | halt_error", "halt", false),
        (".j0 + (1 | j0)", "j0", true),
        ("test(\"a&&b\")", "test(\"…&&…\")", true),
        (".a && .b", "test(\"…&&…\")", false),
        ("path(.x.missing | null)", "path(….missing | null)", true),
    ] {
        assert_eq!(holds(text, expression), expected, "{expression} in {text}");
    }
}

/// The rows of the page's table.
fn listed() -> Vec<Difference> {
    let page = std::fs::read_to_string(manifest().join("../../docs/jq-differences.md")).unwrap();
    let rows = page
        .lines()
        .skip_while(|line| !line.starts_with("| Expression |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let line = line.replace("\\|", "\u{0}");
        let cell = line.split('|').nth(1).unwrap();
        let codes = cell.split('`').skip(1).step_by(2);
        Difference {
            expressions: codes.map(|code| code.replace('\u{0}', "|")).collect(),
        }
    };
    rows.map(row).collect()
}

fn evaluator() -> Evaluator {
    let program = env!("CARGO_BIN_EXE_jq-worker").into();
    let mut config = Config::new(WorkerCommand {
        program,
        args: Vec::new(),
    });
    config.bounds.deadline = Duration::from_secs(60);
    Evaluator::new(config)
}

/// Numbers by what they are worth: what an [`Evaluated`] holds has no other text for them.
fn by_worth(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(array) => array.iter().map(by_worth).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), by_worth(value)))
            .collect(),
        other => other.clone(),
    }
}

/// What is answered here: the text of the output, and the output itself where it is another one.
async fn answers(evaluator: &Evaluator, pairs: &[&Pair], input: &Value) -> Vec<(Answer, String)> {
    let compiled = |text: String| Program::compile(&text);
    let exact: Vec<_> = pairs
        .iter()
        .map(|pair| compiled(format!("({}\n) | tojson", pair.jq)))
        .collect();
    let whole: Vec<_> = pairs.iter().map(|pair| compiled(pair.jq.clone())).collect();
    let programs: Vec<&Program> = exact.iter().chain(&whole).flatten().collect();
    let mut evaluated = evaluator
        .evaluate("corpus", &programs, input)
        .await
        .into_iter();
    let mut next = |program: &Result<Program, _>| match program {
        Ok(_) => evaluated.next().unwrap(),
        Err(error) => Evaluated::Error(format!("{error}")),
    };
    let exact: Vec<Evaluated> = exact.iter().map(&mut next).collect();
    let whole: Vec<Evaluated> = whole.iter().map(&mut next).collect();
    let both = exact.into_iter().zip(whole);
    both.map(|pair| match pair {
        (Evaluated::Output(Value::String(text)), Evaluated::Output(whole)) => {
            let read: Value = serde_json::from_str(&text).unwrap_or_default();
            let shown = |value: &Value| format!("{:?}", by_worth(value));
            assert_eq!(
                shown(&read),
                shown(&whole),
                "one output, as text and as value"
            );
            (Answer::Output(text), String::new())
        }
        (Evaluated::Empty, Evaluated::Empty) => (Answer::Empty, String::new()),
        (Evaluated::Error(_) | Evaluated::Exceeded(_), Evaluated::Error(message)) => {
            (Answer::Error, message)
        }
        (Evaluated::Error(_) | Evaluated::Exceeded(_), Evaluated::Exceeded(bound)) => {
            (Answer::Error, bound.to_string())
        }
        (exact, whole) => panic!("{exact:?} and {whole:?} are answers to one expression"),
    })
    .collect()
}

/// Whether jq's message is ours, but for where jq says where and we do not.
fn same_message(pair: &Pair, message: &str) -> bool {
    let theirs = pair.error.as_deref().unwrap_or_default();
    let theirs = theirs.trim_start_matches("jq: error: ");
    let theirs = theirs.split(" at <top-level>").next().unwrap_or_default();
    let ours = message.split(" (at byte").next().unwrap_or_default();
    let beginning = |text: &str| text.chars().take(190).collect::<String>();
    beginning(theirs) == beginning(ours)
}

/// What was compared.
#[derive(Default)]
struct Tally {
    by_kind: BTreeMap<String, (usize, usize)>,
    errors: usize,
    same_messages: usize,
    unlisted: Vec<String>,
    covering: Vec<bool>,
}

impl Tally {
    fn count(&mut self, pair: &Pair, ours: &(Answer, String), listed: &[Difference]) {
        let theirs = pair.answer();
        let agrees = ours.0 == theirs;
        let (all, agreeing) = self.by_kind.entry(pair.kind.clone()).or_default();
        *all += 1;
        *agreeing += usize::from(agrees);
        if agrees {
            let is_error = theirs == Answer::Error;
            self.errors += usize::from(is_error);
            self.same_messages += usize::from(is_error && same_message(pair, &ours.1));
            return;
        }
        let mut is_listed = false;
        for (difference, covering) in listed.iter().zip(&mut self.covering) {
            if difference.covers(&pair.jq) {
                *covering = true;
                is_listed = true;
            }
        }
        if !is_listed {
            self.unlisted.push(format!(
                "{} on input {}\n  jq:   {theirs:?} {:?}\n  ours: {ours:?}",
                pair.jq, pair.input, pair.error
            ));
        }
    }
}

#[tokio::test]
async fn answers_are_jqs_but_for_the_listed_differences() {
    let (inputs, pairs) = reference();
    let listed = listed();
    let evaluator = evaluator();
    let mut tally = Tally {
        covering: vec![false; listed.len()],
        ..Tally::default()
    };
    for (place, input) in inputs.iter().enumerate() {
        let input: Value = serde_json::from_str(input).unwrap();
        let asked: Vec<&Pair> = pairs.iter().filter(|pair| pair.input == place).collect();
        for batch in asked.chunks(BATCH) {
            let ours = answers(&evaluator, batch, &input).await;
            for (pair, ours) in batch.iter().zip(&ours) {
                tally.count(pair, ours, &listed);
            }
        }
    }
    let all: usize = tally.by_kind.values().map(|(all, _)| all).sum();
    let agreeing: usize = tally.by_kind.values().map(|(_, agreeing)| agreeing).sum();
    println!("{agreeing} of {all} answers agree: {:?}", tally.by_kind);
    println!("{} of {} messages agree", tally.same_messages, tally.errors);
    assert!(
        tally.unlisted.is_empty(),
        "differences that are not listed:\n{}",
        tally.unlisted.join("\n")
    );
    assert!(all >= MIN_PAIRS);
    assert!(agreeing * 1000 >= all * AGREEING);
    for kind in EXACT {
        let (all, agreeing) = tally.by_kind[kind];
        assert!(all > 0 && all == agreeing, "{kind}: {agreeing} of {all}");
    }
    for (difference, covers) in listed.iter().zip(&tally.covering) {
        assert!(
            covers,
            "listed, and no difference: {:?}",
            difference.expressions
        );
    }
}
