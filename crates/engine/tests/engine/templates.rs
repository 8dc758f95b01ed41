//! What templates come to nothing is told on their run, and trying them out tells no secret.

use std::sync::Arc;

use longshore_domain::id::RunId;
use longshore_domain::run::Decision;
use longshore_domain::secret::Secret;
use longshore_engine::templates::{Trial, TrialContext};
use serde_json::{Value, json};

use crate::support::{Process, Target, World, sink};

const API_KEY: &str = "an-api-key-that-nobody-may-see";

fn stage() -> (World, Target, Process) {
    let world = World::new();
    let target = Target::Webhook(sink(&world));
    let process = world.boot();
    let key = Secret::new(API_KEY.to_owned());
    let made = process.engine.secrets.create("API_KEY", key, None);
    process.on(made).expect("a secret");
    process.connect(&target.connection(&json!({})));
    (world, target, process)
}

fn invocation(target: &Target, body: &Value) -> Value {
    json!({"type": "WEBHOOK", "url": format!("{}/hook", target.base_url()), "body": body})
}

/// The timeline's entries of this kind, and the log's lines with who wrote them.
fn told(process: &Process, run: &RunId, what: &str) -> (Vec<Value>, Vec<(String, String)>) {
    let engine = Arc::clone(&process.engine);
    let (id, what) = (run.clone(), what.to_owned());
    process.on(async move {
        let admin = Process::admin();
        let timeline = engine.timeline(&admin, &id).await.expect("a timeline");
        let entries = timeline.into_iter().filter(|entry| entry.what == what);
        let lines = engine.log_lines(&admin, &id, 0, 50).await.expect("lines");
        let lines = lines
            .into_iter()
            .map(|line| (line.created_by, line.message));
        (entries.map(|entry| entry.detail).collect(), lines.collect())
    })
}

fn broken_body() -> Value {
    json!({
        "fine": "{{ .inputs.name }}",
        "list": ["{{ .inputs.name.first }}"],
        "open": "x {{ .inputs.name",
        "unknown": "{{ nothing }}",
        "{{ .run }}": 1,
        "o": {"{{ spreadValue() }}": "{{ .inputs.none }}"},
    })
}

fn assert_told(detail: &Value, lines: &[(String, String)]) {
    let listed = detail["templates"].as_array().expect("a list");
    let listed: Vec<(&str, &str, Option<u64>)> = listed
        .iter()
        .map(|failure| {
            let text = |key: &str| failure[key].as_str().expect("text");
            (text("path"), text("cause"), failure["position"].as_u64())
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("body.list[0]", "error", None),
            ("body.open", "template", None),
            ("body.unknown", "compile", Some(0)),
            ("body.{{ .run }}", "key", None),
            ("body.o.{{ spreadValue() }}", "spread", None),
        ]
    );
    let [(by, line)] = lines else {
        panic!("one line: {lines:?}")
    };
    assert_eq!(by, "longshore");
    for part in [
        "body.list[0]: error of `.inputs.name.first`: ",
        "body.open: template: `{{` at character 2 is never closed",
        "body.unknown: compile of `nothing` at character 0: nothing/0 is not defined",
        "body.o.{{ spreadValue() }}: spread of `spreadValue()`: spreadValue() takes the entries of \
         an object, and this is null",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn a_run_tells_which_of_its_templates_came_to_nothing() {
    let (_world, target, process) = stage();
    process.define("act", &invocation(&target, &broken_body()));
    let run = process.start_named("act", "orders");
    process.pump();
    let body = &process.run(&run)["payload"]["body"];
    assert_eq!(
        *body,
        json!({"fine": "orders", "list": [null], "open": null, "unknown": null, "o": {}})
    );
    let (entries, lines) = told(&process, &run, "requested");
    assert_told(&entries[0], &lines);
}

#[test]
fn so_does_a_run_that_had_to_be_approved() {
    let (_world, target, process) = stage();
    process.define_approved("act", &invocation(&target, &broken_body()));
    let run = process.start_named("act", "orders");
    let (entries, lines) = told(&process, &run, "requested");
    assert_eq!((entries[0].get("templates"), lines.len()), (None, 0));
    let admin = Process::admin();
    let approved = process
        .engine
        .approve(&admin, &run, Decision::Approve, None);
    process.on(approved).expect("approved");
    process.pump();
    let (entries, lines) = told(&process, &run, "approval");
    assert_told(&entries[0], &lines);
}

#[test]
fn where_nothing_failed_nothing_is_told() {
    let (_world, target, process) = stage();
    let body = json!({"a": "{{ .inputs.none }}", "b": "{{ .secrets.API_KEY }}", "c": "{{ .secrets.none }}"});
    process.define("act", &invocation(&target, &body));
    let run = process.start("act");
    process.pump();
    for what in ["requested", "updated"] {
        let (entries, lines) = told(&process, &run, what);
        assert!(
            entries
                .iter()
                .all(|detail| detail.get("templates").is_none())
        );
        assert_eq!(lines, []);
    }
}

#[test]
fn of_an_expression_that_names_a_secret_only_its_failure_is_told() {
    let (world, target, process) = stage();
    let body = json!({
        "a": "{{ .secrets.API_KEY.x }}",
        "{{ .secrets.API_KEY.y }}": 1,
        "c": "{{ .secrets.API_KEY | nothing }}",
    });
    process.define(
        "act",
        &invocation(
            &target,
            &json!({"l": [{"k": "{{ .secrets.API_KEY.x }}"}], "o": body}),
        ),
    );
    let run = process.start("act");
    process.pump();
    let (entries, lines) = told(&process, &run, "updated");
    let told_of = |detail: &&Value| detail.get("templates").is_some();
    let detail = entries.iter().find(told_of).expect("an entry that tells");
    let failed = |path: &str| json!({"path": path, "cause": "failed"});
    let expected = json!([
        failed("body.l[0].k"),
        failed("body.o.a"),
        failed("body.o.{{ .secrets.API_KEY.y }}"),
        failed("body.o.c"),
    ]);
    assert_eq!(detail["templates"], expected);
    let [(by, line)] = lines.as_slice() else {
        panic!("one line: {lines:?}")
    };
    assert_eq!(by, "longshore");
    assert!(
        line.contains("body.o.a: failed; it names a secret"),
        "{line}"
    );
    assert!(
        !line.contains("index") && !line.contains("defined"),
        "{line}"
    );
    let row = process.run(&run);
    assert_eq!(row["status"], "IN_PROGRESS", "{row}");
    drop(world);
}

fn tried(process: &Process, template: &Value, context: TrialContext) -> Trial {
    let engine = Arc::clone(&process.engine);
    let template = template.clone();
    process.on(async move {
        let admin = Process::admin();
        let trial = engine.try_template(&admin, &template, context);
        trial.await.expect("a trial")
    })
}

fn given(context: Value) -> TrialContext {
    TrialContext::Given(context)
}

/// A problem's path, the beginning of its message, and its position.
type Told = (&'static str, &'static str, Option<usize>);

/// What each template becomes, and what is told of it.
fn trials() -> Vec<(Value, Value, Vec<Told>)> {
    vec![
        (json!("{{ .inputs.name }}"), json!("orders"), vec![]),
        (
            json!({"h": "Bearer {{ .secrets.API_KEY }}"}),
            json!({"h": "Bearer <secret API_KEY>"}),
            vec![],
        ),
        (json!("{{ .run.token }}"), json!("<run token>"), vec![]),
        (
            json!("{{ .secrets[\"API_KEY\"] }}"),
            json!("<secret API_KEY>"),
            vec![],
        ),
        (
            json!("{{ .secrets.OTHER }}"),
            json!("<secret OTHER>"),
            vec![("", "the organization has no secret `OTHER`", Some(9))],
        ),
        (
            json!(["{{ .secrets.API_KEY.x }}"]),
            json!([null]),
            vec![("[0]", "", None)],
        ),
        // elsewhere they are absent, as in a run
        (
            json!("{{ . }}"),
            json!({"inputs": {"name": "orders"}, "run": {"id": "r_1"}}),
            vec![],
        ),
        (json!("{{ .run }}"), json!({"id": "r_1"}), vec![]),
        (
            json!({"a": "{{ .input.name }}"}),
            json!({"a": null}),
            vec![(
                "a",
                "there is no `.input` here; did you mean `.inputs`?",
                Some(1),
            )],
        ),
        (
            json!({"a": ["{{ nothing }}", "{{"]}),
            json!({"a": [null, null]}),
            vec![
                ("a[0]", "nothing/0 is not defined", Some(0)),
                ("a[1]", "`{{` at character 0 is never closed", None),
            ],
        ),
    ]
}

#[test]
fn a_trial_has_stand_ins_for_secrets() {
    let (_world, _target, process) = stage();
    let context = || {
        given(
            json!({"inputs": {"name": "orders"}, "run": {"id": "r_1", "token": "smuggled"},
                     "secrets": {"API_KEY": "smuggled"}}),
        )
    };
    for (template, value, problems) in trials() {
        let trial = tried(&process, &template, context());
        assert_eq!(trial.value, value, "{template}");
        assert_eq!(
            trial.problems.len(),
            problems.len(),
            "{template}: {trial:?}"
        );
        for (problem, (path, message, position)) in trial.problems.iter().zip(problems) {
            assert_eq!(
                (problem.path.as_str(), problem.position),
                (path, position),
                "{template}"
            );
            assert!(problem.message.starts_with(message), "{problem:?}");
        }
        assert!(
            !format!("{trial:?}").contains(API_KEY) && !format!("{trial:?}").contains("smuggled")
        );
    }
}

#[test]
fn a_trial_sees_what_a_run_s_templates_see() {
    let (_world, target, process) = stage();
    process.define("act", &invocation(&target, &json!({})));
    let run = process.start_named("act", "orders");
    process.pump();
    let template = json!({"n": "{{ .inputs.name }}", "r": "{{ .run.id }}", "t": "{{ .run.token }}", "o": "{{ .trigger.origin }}"});
    let trial = tried(&process, &template, TrialContext::Run(run.clone()));
    let expected = json!({"n": "orders", "r": run.as_str(), "t": "<run token>", "o": "API"});
    assert_eq!((trial.value, trial.problems.len()), (expected, 0));
    let engine = Arc::clone(&process.engine);
    let unknown = RunId::parse("r_0000000000000000").expect("an id");
    let refused = process.on(async move {
        let context = TrialContext::Run(unknown);
        engine
            .try_template(&Process::admin(), &json!(1), context)
            .await
    });
    assert!(refused.is_err());
}
