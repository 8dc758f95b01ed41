//! What is told of an action's expressions when it is saved.

use serde_json::{Value, json};

use crate::harness::Server;

const PATH: &str = "/v1/actions";

/// A self-service action with an input of each type, whose invocation has this `body`.
fn action(body: &Value) -> Value {
    json!({
        "identifier": "deploy",
        "trigger": {"type": "self-service", "operation": "DAY-2", "userInputs": {"properties": {
            "name": {"type": "string"}, "count": {"type": "number"}, "dry": {"type": "boolean"},
            "tags": {"type": "array"}, "extra": {"type": "object"},
            "service": {"type": "string", "format": "entity", "blueprint": "service"},
        }}},
        "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com/hook", "body": body},
    })
}

/// Saves `action` under a name of its own, and answers its warnings as `path: message`.
async fn warned(server: &Server, mut action: Value, number: usize) -> Vec<String> {
    action["identifier"] = json!(format!("deploy-{number}"));
    let saved = server.post(PATH, action).await.expect(201);
    let warnings = saved.get("warnings").and_then(Value::as_array);
    let text = |warning: &Value, key: &str| warning[key].as_str().unwrap().to_owned();
    let told = |warning: &Value| format!("{}: {}", text(warning, "path"), text(warning, "message"));
    warnings.into_iter().flatten().map(told).collect()
}

/// Expressions of a body, and the beginning of what is told of each, with `…` for anything; nothing
/// where all is well.
const EXPRESSIONS: &[(&str, &str)] = &[
    (".inputs.name", ""),
    (".inputs.extra.anything.below", ""),
    (".inputs.tags[0].x", ""),
    (".inputs.name // \"x\" | ascii_upcase", ""),
    (".inputs | to_entries | map(.value.nme)", ""),
    (".trigger.by.user.email", ""),
    (".entity.properties.any", ""),
    (".action.blueprint, .run.id, .run.token", ""),
    (".secrets.KNOWN", ""),
    (". as {inputs: {$name} } | $name", ""),
    // names that are not there
    (
        ".inputs.nme",
        "the action has no input `nme`; did you mean `name`? (character 8 of `.inputs.nme`)",
    ),
    (
        "if .inputs.dry then \"\\(.inputs.cuont)\" else 1 end",
        "the action has no input `cuont`; did you mean `count`? (character 31 of ",
    ),
    (
        ".inputs[\"colour\"]",
        "the action has no input `colour`; there is: name, count, dry, tags, extra, service (",
    ),
    (
        ".input.name",
        "there is no `.input` here; did you mean `.inputs`? (character 1 of ",
    ),
    (
        ".form.name",
        "there is no `.form` here; what the form was filled in with is `.inputs` (",
    ),
    (
        ".user.email",
        "there is no `.user` here; who asked for the run is `.trigger.by.user` (",
    ),
    (
        ".trigger.usr",
        "`.trigger` has no `usr`; there is: by, origin, at, operation (",
    ),
    (
        ".trigger.by.user.emial",
        "`.trigger.by.user` has no `emial`; did you mean `email`? (",
    ),
    (
        ".action.name",
        "`.action` has no `name`; there is: identifier, blueprint, encryptedProperties (",
    ),
    (".run.ids", "`.run` has no `ids`; did you mean `id`? ("),
    (
        ".entity.propertys.x",
        "`.entity` has no `propertys`; did you mean `properties`? (",
    ),
    (
        ".secrets.KNWON",
        "the organization has no secret `KNWON`; did you mean `KNOWN`? (character 9 of ",
    ),
    (
        "\"Bearer \\(.secrets.OTHER_ONE)\"",
        "the organization has no secret `OTHER_ONE` (character 19 of ",
    ),
    // what can only give null
    (
        ".event.diff.after",
        "`.event` is always null: only automations are started by an event (character 1 of ",
    ),
    (
        ".inputs.name.first",
        "`.inputs.name` is a string, so reading `.first` of it gives null (character 13 of ",
    ),
    (
        ".inputs.service.identifier",
        "`.inputs.service` is a string, so reading `.identifier` of it gives null (",
    ),
    (
        ".inputs.count.x, .inputs.dry.x",
        "`.inputs.count` is a number, so",
    ),
    (".inputs.tags.x", "`.inputs.tags` is an array, so"),
    // what does not compile
    (
        "run.id",
        "does not compile and gives null: run/0 is not defined; did you mean `.run`? (character 0 of",
    ),
    (
        ".inputs.name |",
        "does not compile and gives null: syntax error",
    ),
    (
        "\"é\" | (.inputs.name",
        "does not compile and gives null: syntax error",
    ),
    (
        ".secrets.KNOWN | nothing",
        "does not compile and gives null: nothing/0 is not defined (character 17 of",
    ),
    (
        "spreadValue()",
        "does not compile and gives null: syntax error…; spreadValue() can only be the whole key of an object (",
    ),
];

#[tokio::test]
async fn expressions_that_will_not_work_are_told_with_their_places() {
    let server = Server::start().await;
    let secret = json!({"secretName": "KNOWN", "secretValue": "v"});
    let made = server.post("/v1/organization/secrets", secret).await;
    assert!(made.status.is_success(), "{}", made.text);
    let mut wrong = Vec::new();
    for (number, (expression, expected)) in EXPRESSIONS.iter().enumerate() {
        for (template, suffix) in [("{{ E }}", "whole"), ("a {{ E }} b", "part")] {
            let text = template.replace('E', expression);
            let body = json!({"k": [text]});
            let number = number * 2 + usize::from(suffix == "part");
            let told = warned(&server, action(&body), number).await;
            let expected = format!("invocationMethod.body.k[0]: {expected}");
            let holds = match expected.ends_with(": ") {
                true => told.is_empty(),
                false => told.iter().any(|told| reads(told, &expected)),
            };
            if !holds {
                wrong.push((expression, told));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether `told` begins as `expected`, whose `…` stands for anything.
fn reads(told: &str, expected: &str) -> bool {
    let (beginning, further) = expected.split_once('…').unwrap_or((expected, ""));
    told.starts_with(beginning) && told.contains(further)
}

/// A change of the action above, and what is told of it, each by its beginning.
type Change = (&'static str, &'static str, Vec<&'static str>);

fn changes_of_the_invocation() -> Vec<Change> {
    vec![
        // keys and spreads
        (
            "/invocationMethod/body",
            r#"{"{{ .inputs.count }}": 1, "{{ .inputs.name }}": 2, "k-{{ .inputs.count }}": 3}"#,
            vec![
                "invocationMethod.body.{{ .inputs.count }}: `.inputs.count` gives a number, and a key must be a string",
            ],
        ),
        (
            "/invocationMethod/body",
            r#"{"{{ spreadValue() }}": "{{ .inputs.tags }}"}"#,
            vec![
                "invocationMethod.body.{{ spreadValue() }}: `.inputs.tags` gives an array, and spreadValue()",
            ],
        ),
        (
            "/invocationMethod/body",
            r#"{"a": {"{{ spreadValue() }}": "{{ .inputs.extra }}"}, "b": {"{{ spreadValue() }}": 5}, "c": {"{{spreadValue()}}": null}}"#,
            vec![
                "invocationMethod.body.b.{{ spreadValue() }}: spreadValue() takes the entries of an object, and this is a number",
                "invocationMethod.body.c.{{spreadValue()}}: spreadValue() takes the entries of an object, and this is null",
            ],
        ),
        // braces
        (
            "/invocationMethod/headers",
            r#"{"a": "x {{ .inputs.name", "b": "}}", "c": "{{ {{ 1 }}"}"#,
            vec![
                "invocationMethod.headers.a: `{{` at character 2 is never closed",
                "invocationMethod.headers.b: `}}` at character 0 closes no template",
                "invocationMethod.headers.c: `{{` at character 3 stands inside the template that opens at character 0",
            ],
        ),
        // everywhere in the invocation
        (
            "/invocationMethod/url",
            r#""https://example.com/{{ .inputs.nme }}""#,
            vec!["invocationMethod.url: the action has no input `nme`"],
        ),
        (
            "/invocationMethod/agent",
            r#""{{ .inputs.nme }}""#,
            vec!["invocationMethod.agent: the action has no input `nme`"],
        ),
    ]
}

fn changes_of_the_form() -> Vec<Change> {
    vec![
        (
            "/trigger/userInputs/properties/name/visible",
            r#"{"jqQuery": ".form.cuont == 1 and .user.mainRole == \"x\" and .entity.title"}"#,
            vec![
                "trigger.userInputs.properties.name.visible: the action has no input `cuont`; did you mean `count`? (character 6 of",
            ],
        ),
        (
            "/trigger/userInputs/properties/name/default",
            r#"{"jqQuery": ".inputs.count"}"#,
            vec![
                "trigger.userInputs.properties.name.default: there is no `.inputs` here; what was typed so far is `.form`",
            ],
        ),
        (
            "/trigger/userInputs/properties/name/dataset",
            r#"{"combinator": "and", "rules": [{"property": "p", "operator": "=", "value": {"jqQuery": ".form.service.identifier | ("}}]}"#,
            vec!["trigger.userInputs.properties.name.dataset.rules[0].value: does not compile"],
        ),
        (
            "/trigger/userInputs/required",
            r#"{"jqQuery": ".frm"}"#,
            vec!["trigger.userInputs.required: there is no `.frm` here; did you mean `.form`?"],
        ),
        (
            "/trigger/userInputs/properties/name/enum",
            r#"[{"jqQuery": "("}]"#,
            vec![],
        ),
    ]
}

#[tokio::test]
async fn every_place_of_an_action_is_looked_at() {
    let server = Server::start().await;
    let changes = [changes_of_the_invocation(), changes_of_the_form()].concat();
    for (number, (pointer, value, expected)) in changes.into_iter().enumerate() {
        let mut action = action(&json!({}));
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        action.pointer_mut(parent).unwrap()[key] = serde_json::from_str(value).unwrap();
        let told = warned(&server, action, number).await;
        for beginning in &expected {
            let found = told.iter().any(|told| told.starts_with(beginning));
            assert!(found, "{pointer} {beginning}: {told:#?}");
        }
        if expected.is_empty() {
            assert!(
                !told.iter().any(|told| told.contains("compile")),
                "{told:?}"
            );
        }
    }
}

#[tokio::test]
async fn azure_takes_single_values() {
    let server = Server::start().await;
    for (number, (payload, expected)) in [
        (
            json!({"name": "{{ .inputs.name }}", "run": {"id": "{{ .run.id }}"}}),
            vec![],
        ),
        (json!({"tags": "{{ .inputs.tags | tojson }}"}), vec![]),
        (
            json!({"tags": "{{ .inputs.tags }}"}),
            vec!["payload.tags: an array cannot"],
        ),
        (
            json!({"run": {"extra": "{{ .inputs.extra }}"}}),
            vec!["payload.run.extra: an object cannot"],
        ),
        (
            json!({"l": "{{ [.inputs.name] }}", "o": "{{ {a: 1} }}"}),
            vec!["payload.l: an array", "payload.o: an object"],
        ),
        (
            json!({"l": "{{ .inputs.name | split(\",\") }}"}),
            vec!["payload.l: an array"],
        ),
        (
            json!({"tags": {}, "list": ["a"]}),
            vec!["payload.tags: an empty object", "payload.list: an array"],
        ),
        (json!(["a"]), vec!["payload: an array"]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut action = action(&json!({}));
        action["invocationMethod"] = json!({
            "type": "AZURE_DEVOPS", "org": "contoso", "webhook": "deploy", "payload": payload,
        });
        let told = warned(&server, action, number).await;
        assert_eq!(told.len(), expected.len(), "{payload}: {told:?}");
        for (told, expected) in told.iter().zip(&expected) {
            assert!(
                told.starts_with(&format!("invocationMethod.{expected}")),
                "{told}"
            );
        }
    }
}

#[tokio::test]
async fn automations_see_their_event() {
    let server = Server::start().await;
    let automation = |event: Value, condition: &str, expression: &str| {
        json!({
            "identifier": "a",
            "trigger": {"type": "automation", "event": event,
                "condition": {"type": "JQ", "expressions": ["true", condition], "combinator": "and"}},
            "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com/",
                "body": {"a": format!("{{{{ {expression} }}}}")}},
        })
    };
    let entity = |kind: &str| json!({"type": kind, "blueprintIdentifier": "service"});
    let run = json!({"type": "RUN_UPDATED", "actionIdentifier": "deploy"});
    for (number, (event, condition, expression, expected)) in [
        (
            entity("ENTITY_UPDATED"),
            ".diff.after.properties.x == 1",
            ".event.diff.before.title",
            "",
        ),
        (run.clone(), ".diff.after.status", ".event.diff.after.status", ""),
        (
            entity("ENTITY_CREATED"),
            "true",
            ".event.diff.before.title",
            "invocationMethod.body.a: `.event.diff.before` is always null: the entity was created",
        ),
        (
            entity("ENTITY_DELETED"),
            ".diff.after.x",
            ".run.id",
            "trigger.condition.expressions[1]: `.diff.after` is always null: the entity was deleted",
        ),
        (
            run.clone(),
            ".event.diff",
            ".run.id",
            "trigger.condition.expressions[1]: there is no `.event` here; a condition's input is the event itself",
        ),
        (
            run.clone(),
            ".dif.after",
            ".run.id",
            "trigger.condition.expressions[1]: there is no `.dif` here; did you mean `.diff`?",
        ),
        (
            run,
            "true",
            ".inputs.name",
            "invocationMethod.body.a: `.inputs` is always null: an automation has no inputs",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let told = warned(&server, automation(event, condition, expression), number).await;
        let all_well = expected.is_empty() && told.is_empty();
        let found = told.iter().any(|told| !expected.is_empty() && told.starts_with(expected));
        assert!(all_well || found, "{condition} {expression}: {told:?}");
    }
}

#[tokio::test]
async fn warnings_are_bounded_and_each_is_told_once() {
    let server = Server::start().await;
    let repeated = "{{ .input.x }}".repeat(50);
    let told = warned(&server, action(&json!({"a": repeated})), 0).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let many: Vec<String> = (0..500)
        .map(|at| format!("{{{{ .inputs.x{at} }}}}"))
        .collect();
    let told = warned(&server, action(&json!(many)), 1).await;
    assert_eq!(told.len(), 200);
}
