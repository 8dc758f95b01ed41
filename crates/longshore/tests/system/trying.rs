//! `longshore jq` and `longshore render`, and the examples of the page about templates.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::PROGRAM;

/// What a command printed, and how it ended.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

fn said(arguments: &[&str], input: &str) -> Said {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // a command that reads a file instead may have gone already
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap().into()
}

fn file(directory: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn render(template: &Value, context: &Value) -> Said {
    let directory = tempfile::tempdir().unwrap();
    let body = file(&directory, "body.json", &template.to_string());
    let event = file(&directory, "event.json", &context.to_string());
    let (body, event) = (body.to_str().unwrap(), event.to_str().unwrap());
    said(&["render", body, "--event", event], "")
}

#[test]
fn an_expression_is_evaluated_on_standard_input_or_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let event = file(&directory, "event.json", r#"{"inputs":{"name":"orders"}}"#);
    let event = event.to_str().unwrap();
    for (arguments, input, out) in [
        (vec!["jq", ".a"], r#"{"a":[1,2]}"#, "[1,2]\n"),
        (vec!["jq", ".a[] | . * 2"], r#"{"a":[1,2]}"#, "2\n"),
        (
            vec!["jq", ".a[] # all", "--all"],
            r#"{"a":[1,2]}"#,
            "1\n2\n",
        ),
        (vec!["jq", "."], "", "null\n"),
        (vec!["jq", "empty"], "", ""),
        (
            vec!["jq", ".inputs.name == 'orders'", "--event", event],
            "",
            "true\n",
        ),
        (vec!["jq", "$ENV | length"], "", "0\n"),
    ] {
        let said = said(&arguments, input);
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(0), out),
            "{arguments:?}: {said:?}"
        );
    }
}

#[test]
fn mistakes_are_pointed_at() {
    for (expression, code, err) in [
        (
            ".a | nothing",
            1,
            "error at character 5: nothing/0 is not defined\n  .a | nothing\n       ^\n",
        ),
        ("\"é\" | nothing", 1, "  \"é\" | nothing\n        ^\n"),
        (".a.b", 1, "error: "),
        ("def f: f; f", 1, "error: "),
    ] {
        let said = said(&["jq", expression], r#"{"a":"text"}"#);
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(code), ""),
            "{expression}: {said:?}"
        );
        assert!(said.err.contains(err), "{expression}: {said:?}");
    }
    let unreadable = said(&["jq", "."], "{");
    assert_eq!(unreadable.code, Some(2));
    assert!(
        unreadable.err.contains("standard input is not JSON"),
        "{unreadable:?}"
    );
    let absent = said(&["jq", ".", "--event", "no-such-file"], "");
    assert_eq!(absent.code, Some(2), "{absent:?}");
}

#[test]
fn a_body_and_an_action_are_rendered() {
    let context = json!({"inputs": {"name": "orders", "tags": ["a", "b"]}, "run": {"id": "r_1"}});
    let body = json!({"n": "{{ .inputs.name }}", "t": "{{ .inputs.tags | join(\"-\") }}", "s": "{{ .secrets.KEY }} {{ .run.token }}"});
    let rendered = render(&body, &context);
    assert_eq!((rendered.code, rendered.err.as_str()), (Some(0), ""));
    let value: Value = serde_json::from_str(&rendered.out).unwrap();
    assert_eq!(
        value,
        json!({"n": "orders", "t": "a-b", "s": "<secret KEY> <run token>"})
    );

    let action = json!({"identifier": "a", "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com/{{ .inputs.name }}", "body": [body]}});
    let rendered = render(&action, &context);
    let value: Value = serde_json::from_str(&rendered.out).unwrap();
    assert_eq!(value["url"], "https://example.com/orders");

    let action = json!({"invocationMethod": {"url": "{{ .inputs.name | nothing }}", "body": {"a": "{{ .input }}", "b": "{{"}}});
    let rendered = render(&action, &context);
    assert_eq!(rendered.code, Some(1));
    for told in [
        "invocationMethod.url: nothing/0 is not defined\n  .inputs.name | nothing\n                 ^\n",
        "invocationMethod.body.a: there is no `.input` here; did you mean `.inputs`?\n  .input\n   ^\n",
        "invocationMethod.body.b: `{{` at character 0 is never closed",
    ] {
        assert!(rendered.err.contains(told), "{told}: {}", rendered.err);
    }
    assert_eq!(render(&json!(1), &json!([])).code, Some(2));
}

/// Expressions that look for what is not theirs; none of them names a secret, so none meets one.
const CURIOUS: [&str; 16] = [
    "$__loc__",
    ". as {$run} | $run",
    ". | tojson",
    ".[\"sec\"+\"rets\"]",
    "\"sec\" as $a | .[$a + \"rets\"]",
    "getpath([\"sec\" + \"rets\", \"KEY\"])",
    "to_entries",
    "[paths]",
    "[path(..)]",
    "[.. | strings]",
    "[leaf_paths]",
    "env",
    "$ENV",
    "[inputs]",
    "try input catch .",
    ".run | to_entries",
];

#[test]
fn no_expression_sees_a_secret_that_it_does_not_name() {
    let template: Vec<String> = CURIOUS
        .iter()
        .map(|text| format!("{{{{ {text} }}}}"))
        .collect();
    // one that does name it stands beside them
    let template = json!({"curious": template, "named": "{{ .secrets.KEY }}{{ .run.token }}"});
    let context = json!({"inputs": {"a": 1}, "run": {"id": "r_1"}, "secrets": {"KEY": "smuggled"}});
    let rendered = render(&template, &context);
    let value: Value = serde_json::from_str(&rendered.out).unwrap();
    assert_eq!(value["named"], "<secret KEY><run token>");
    let curious = value["curious"].to_string();
    for told in ["<secret", "<run token", "smuggled", "secrets\"", "KEY\"]"] {
        assert!(!curious.contains(told), "{told}: {curious}");
    }
}

/// The cells of a table's rows below the line `above`, and of the next table, unescaped.
fn rows(page: &str, above: &str) -> Vec<[String; 3]> {
    let (_, rest) = page.split_once(above).unwrap();
    let lines = rest.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| {
        let line = line.replace("\\|", "\u{0}");
        let mut cells = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().replace('\u{0}', "|"));
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    };
    rows.map(cells).collect()
}

/// What stands between the backticks of a cell, as JSON.
fn code(cell: &str) -> Value {
    let text = cell
        .strip_prefix('`')
        .and_then(|text| text.strip_suffix('`'));
    let text = text.unwrap_or_else(|| panic!("no code: {cell}"));
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_examples_of_the_page_hold() {
    let page = include_str!("../../../../docs/templates.md");
    let (_, rest) = page.split_once("With this in scope:\n\n```json\n").unwrap();
    let (scope, _) = rest.split_once("```").unwrap();
    let scope: Value = serde_json::from_str(scope).unwrap();
    for (above, least) in [
        ("With this in scope:", 20),
        ("What goes wrong becomes null", 10),
    ] {
        let rows = rows(page, above);
        assert!(rows.len() >= least, "{rows:?}");
        let templates: Vec<Value> = rows.iter().map(|row| code(&row[0])).collect();
        let rendered = render(&json!(templates), &scope);
        let values: Vec<Value> = serde_json::from_str(&rendered.out).unwrap();
        for (at, ([written, becomes, because], value)) in rows.iter().zip(&values).enumerate() {
            assert_eq!(*value, code(becomes), "{written}");
            let told = rendered
                .err
                .lines()
                .find(|line| line.starts_with(&format!("[{at}]")));
            if above.starts_with("With") {
                assert_eq!(told, None, "{written}");
            } else {
                assert!(
                    told.unwrap_or_default().contains(because),
                    "{written}: {told:?}"
                );
            }
        }
    }
}
