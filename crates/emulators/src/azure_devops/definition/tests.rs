use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Definition, Parameter};

/// A pipeline with the webhook `call` of the connection `conn`, and `below` after its resources.
fn pipeline(below: &str) -> String {
    format!("resources:\n  webhooks:\n    - webhook: call\n      connection: conn\n{below}")
}

fn read(text: &str) -> Definition {
    Definition::read("a.yml", text).unwrap()
}

fn error(text: &str) -> String {
    Definition::read("a.yml", text).unwrap_err().to_string()
}

/// What pipelines hold, with webhooks and expressions in many places.
const EVERYTHING: &str = "\u{feff}---
# ${{ parameters.nobody.x }}
name: $(Date:yyyyMMdd)
trigger: none
pool: { vmImage: ubuntu-latest }
parameters:
  - name: size
    type: string
variables:
  - group: shared
  - ${{ if eq(variables['Build.Reason'], 'Manual') }}:
      - name: by
        value: hand
resources:
  repositories: [{ repository: templates, type: git, name: a/b }]
  webhooks:
    - webhook: call
      connection: longshore
      filters:
        - path: action.identifier
          value: deploy
        - { path: \"$.retry\", value: false }
    - webhook: other
      connection: elsewhere
stages:
  - template: stages.yml@templates
    parameters:
      name: ${{ parameters.call.name }}   # ${{ parameters.comment.x }}
  - stage: deploy
    condition: ${{ eq(parameters.call.env, 'prod') }}
    jobs:
      - job: ${{ parameters['call']['job'] }}-${{ parameters.other.id }}
        steps:
          - ${{ if parameters.call.check }}:
              - script: |
                  # ${{ parameters.call.inScript }}
                  echo \"${{ variables.x }}\"
            displayName: \"é ${{ parameters.size }} ${{ parameters.stranger.x }}\"
...
";

#[test]
fn a_pipeline_is_read_beside_everything_that_is_not_looked_at() {
    let definition = read(EVERYTHING);
    let webhooks: Vec<_> = definition
        .webhooks()
        .iter()
        .map(|it| {
            format!(
                "{} {} {:?} {}",
                it.alias, it.connection, it.filters, it.line
            )
        })
        .collect();
    insta::assert_snapshot!(webhooks.join("\n"), @r#"
    call longshore [Filter { path: "action.identifier", value: "deploy" }, Filter { path: "$.retry", value: "false" }] 17
    other elsewhere [] 23
    "#);
    let parameters: Vec<_> = definition
        .parameters()
        .iter()
        .map(|it| format!("{}:{} {it} {}", it.place.line, it.place.column, it.bare))
        .collect();
    insta::assert_snapshot!(parameters.join("\n"), @r"
    28:13 call.name true
    30:16 call.env false
    32:14 call.job true
    32:47 other.id true
    34:13 call.check false
    36:21 call.inScript true
    ");
    let warnings: Vec<_> = definition
        .warnings()
        .iter()
        .map(|warning| format!("{}: {}", warning.line, warning.message))
        .collect();
    insta::assert_snapshot!(warnings.join("\n"), @r"
    36: a value of the payload is put into a script, where it can be more than a text; pass it through `env`
    38: `parameters.stranger` is neither a webhook's alias (call, other) nor a parameter of the pipeline
    ");
}

fn told(cases: &[String]) -> String {
    let errors: Vec<_> = cases.iter().map(|text| error(text)).collect();
    errors.join("\n")
}

#[test]
fn what_is_missing_is_said_with_its_place() {
    let filter = |entry: &str| {
        let webhook = "webhook: a, connection: b";
        format!("resources:\n  webhooks: [{{{webhook}, filters: [{entry}]}}]\n")
    };
    let webhook = |entry: &str| format!("resources:\n  webhooks:\n    - {entry}\n");
    let cases = [
        String::new(),
        "- a\n- b\n".into(),
        "steps: []\n".into(),
        "resources: [a]\n".into(),
        "resources:\n  repositories: []\n".into(),
        "resources:\n  webhooks:\n".into(),
        "resources:\n  webhooks: a\n".into(),
        webhook("a"),
        webhook("connection: b"),
        webhook("webhook: a"),
        webhook("{webhook: a, connection: }"),
        webhook("{webhook: [a], connection: b}"),
        webhook("{webhook: 'a b', connection: b}"),
        webhook("{webhook: a, connection: b, filter: []}"),
        webhook("{webhook: a, connection: b, filters: {path: a, value: b}}"),
        webhook("{webhook: a, connection: b}\n    - {webhook: A, connection: c}"),
        filter("{path: a}"),
        filter("{value: a}"),
        filter("{path: a, value: }"),
        filter("{path: a, value: {}}"),
        filter("a"),
    ];
    insta::assert_snapshot!(told(&cases), @r#"
    a.yml:1:1: the pipeline is expected to be a mapping, but is nothing
    a.yml:1:1: the pipeline is expected to be a mapping, but is a sequence
    a.yml:1:1: the pipeline has no resources.webhooks; expected at least one entry with `webhook` (an alias) and `connection` (the name of an Incoming WebHook service connection). Templates and conditional parts are not read
    a.yml:1:12: `resources` is expected to be a mapping, but is a sequence
    a.yml:2:3: the pipeline has no resources.webhooks; expected at least one entry with `webhook` (an alias) and `connection` (the name of an Incoming WebHook service connection). Templates and conditional parts are not read
    a.yml:2:11: the pipeline has no resources.webhooks; expected at least one entry with `webhook` (an alias) and `connection` (the name of an Incoming WebHook service connection). Templates and conditional parts are not read
    a.yml:2:13: `resources.webhooks` is expected to be a sequence, but is a text
    a.yml:3:7: an entry of `resources.webhooks` is expected to be a mapping, but is a text
    a.yml:3:7: a webhook needs `webhook`: its alias
    a.yml:3:7: a webhook needs `connection`: the name of an Incoming WebHook service connection
    a.yml:3:30: a webhook needs `connection`: the name of an Incoming WebHook service connection
    a.yml:3:17: `webhook` of a webhook is expected to be a text, but is a sequence
    a.yml:3:17: the alias "a b" may hold letters, digits, `-` and `_` only
    a.yml:3:35: an entry of `resources.webhooks` has the unknown key "filter"; expected webhook, connection, type, filters
    a.yml:3:44: `filters` is expected to be a sequence, but is a mapping
    a.yml:4:7: the alias "A" is already in use
    a.yml:2:52: a filter needs `value`: the text that must stand there
    a.yml:2:52: a filter needs `path`: where the payload is looked at
    a.yml:2:67: a filter needs `value`: the text that must stand there
    a.yml:2:69: `value` of a filter is expected to be a text, but is a mapping
    a.yml:2:52: a filter is expected to be a mapping, but is a text
    "#);
}

#[test]
fn what_azure_does_not_read_is_said_with_its_place() {
    let cases = [
        "steps:\n  - script: \"open\n",
        "a: b: c\n",
        "steps: []\nsteps: []\n",
        "x: &x 1\n",
        "x: *x\n",
        "? [a]\n: b\n",
        "x: \u{1b}\n",
        "---\na: b\n",
        "a: {x: ${{ parameters.call.x }}}\n",
    ];
    insta::assert_snapshot!(told(&cases.map(pipeline)), @r"
    a.yml:6:13: not YAML: while scanning a quoted scalar, found unexpected end of stream
    a.yml:5:5: not YAML: mapping values are not allowed in this context
    a.yml:6:1: 'steps' is already defined in this mapping
    a.yml:5:4: Anchors are not currently supported. Azure Pipelines reads neither anchors nor aliases; write the value out
    a.yml:5:4: not YAML: while parsing node, found unknown anchor
    a.yml:5:5: a key is expected to be a text, not a mapping or sequence
    a.yml:5:4: not YAML: the character U+001B is not allowed; write it as an escape in double quotes
    a.yml:5:1: one document is expected, but `---` begins another one
    a.yml:5:9: not YAML: while parsing a flow mapping, did not find expected ',' or '}'
    ");
}

#[test]
fn hostile_texts_are_bounded() {
    let deep = |open: &str| pipeline(&format!("x: {}", open.repeat(300_000)));
    let cases = [
        ("long", "#".repeat(2_000_000), "longer than"),
        ("deep in brackets", deep("["), "a.yml:5:"),
        (
            "deep in dashes",
            pipeline(&format!("x:\n  {}", "- ".repeat(300_000))),
            "nested more than",
        ),
        (
            "many",
            pipeline(&format!("x: [{}]\n", "a,".repeat(200_000))),
            "more than 50000",
        ),
        (
            "expressions",
            pipeline(&format!("x: {}\n", "${{".repeat(300_000))),
            "at most 2000",
        ),
        (
            "bomb",
            pipeline("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
            "Anchors are not currently supported",
        ),
    ];
    for (name, text, expected) in cases {
        let told = error(&text);
        assert!(told.contains(expected), "{name}: {told}");
    }
}

/// What becomes of a pipeline with these values: `starts`, an alteration, or an issue.
fn substituted(below: &str, payload: &Value) -> String {
    let definition = read(&pipeline(below));
    match definition.substitute(|parameter: &Parameter| parameter.path.at(payload)) {
        Ok(substituted) if substituted.alterations.is_empty() => "starts".to_owned(),
        Ok(substituted) => {
            let told = substituted
                .alterations
                .into_iter()
                .map(|(line, told)| match line {
                    Some(line) => format!("line {line}: {told}"),
                    None => told,
                });
            told.collect::<Vec<_>>().join("; ")
        }
        Err(unreadable) => unreadable.to_string(),
    }
}

fn table(cases: &[(&str, Value)]) -> String {
    let mut told = String::new();
    for (below, value) in cases {
        let payload = json!({"x": value});
        writeln!(told, "{value} → {}", substituted(below, &payload)).unwrap();
    }
    told
}

#[test]
fn values_take_the_place_of_expressions() {
    let plain = "steps:\n  - script: run ${{ parameters.call.x }} now\n";
    let condition = "steps:\n  - ${{ if eq(parameters.call.x, 'a') }}:\n    - script: a\n";
    let cases = [
        (plain, json!("billing")),
        (plain, json!("")),
        (plain, json!(null)),
        (plain, json!(7)),
        (plain, json!(true)),
        (plain, json!([])),
        (plain, json!({"a": 1})),
        (plain, json!("it's \"quoted\"")),
        (condition, json!("a")),
        (condition, json!({})),
    ];
    insta::assert_snapshot!(table(&cases), @r#"
    "billing" → starts
    "" → starts
    null → starts
    7 → starts
    true → starts
    [] → line 6: call.x is an array, and only a text, number or boolean can be put into YAML; send it as a JSON text
    {"a":1} → line 6: call.x is an object, and only a text, number or boolean can be put into YAML; send it as a JSON text
    "it's \"quoted\"" → starts
    "a" → starts
    {} → line 6: call.x is an object, and only a text, number or boolean can be put into YAML; send it as a JSON text
    "#);
    assert_eq!(substituted(plain, &json!({})), "starts");
}

#[test]
fn values_that_break_or_alter_the_yaml_are_found() {
    let plain = "steps:\n  - script: run ${{ parameters.call.x }} now\n";
    let alone = "name: ${{ parameters.call.x }}\n";
    let key = "variables:\n  ${{ parameters.call.x }}: 1\n  fixed: 2\n";
    let cases = [
        (plain, json!("a: b")),
        (plain, json!("a #")),
        (plain, json!("a\n  - script: evil\n")),
        (plain, json!("a\n  - script: evil #")),
        (plain, json!("a\n    continueOnError: true #")),
        (plain, json!("a\npool: evil #")),
        (plain, json!("a\nsteps: []\n#")),
        (plain, json!("a\u{0}b")),
        (alone, json!("")),
        (alone, json!(" padded ")),
        (alone, json!("[a, b]")),
        (alone, json!("*a")),
        (alone, json!("a\n---\nb: c")),
        (key, json!("name")),
        (key, json!("fixed")),
        (key, json!("a: b\n  c")),
    ];
    insta::assert_snapshot!(table(&cases), @r#"
    "a: b" → with the values in it the YAML is invalid at line 6, column 18, behind the value of call.x (line 6 of the file): not YAML: mapping values are not allowed in this context
    "a #" → line 6: steps[0].script is not read as the text with the values in it
    "a\n  - script: evil\n" → with the values in it the YAML is invalid at line 8, column 2, behind the value of call.x (line 6 of the file): not YAML: while parsing a block mapping, did not find expected key
    "a\n  - script: evil #" → line 6: steps has 2 entries instead of 1; line 6: steps[0].script is not read as the text with the values in it
    "a\n    continueOnError: true #" → line 6: steps[0].script is not read as the text with the values in it; line 6: steps[0] has keys that are not written there, 1 in all
    "a\npool: evil #" → line 6: steps[0].script is not read as the text with the values in it; line 6: the pipeline has keys that are not written there, 1 in all
    "a\nsteps: []\n#" → with the values in it the YAML is invalid at line 7, column 1, behind the value of call.x (line 6 of the file): not YAML: a key is already defined in its mapping
    "a\u0000b" → with the values in it the YAML is invalid at line 6, column 18, behind the value of call.x (line 6 of the file): not YAML: the character U+0000 is not allowed; write it as an escape in double quotes
    "" → starts
    " padded " → starts
    "[a, b]" → line 5: name is a sequence instead of a text
    "*a" → with the values in it the YAML is invalid at line 5, column 7, behind the value of call.x (line 5 of the file): not YAML: while parsing node, found unknown anchor
    "a\n---\nb: c" → with the values in it the YAML is invalid at line 6, column 1, behind the value of call.x (line 5 of the file): one document is expected, but `---` begins another one
    "name" → starts
    "fixed" → with the values in it the YAML is invalid at line 7, column 3, behind the value of call.x (line 6 of the file): not YAML: a key is already defined in its mapping
    "a: b\n  c" → line 6: variables has another key than written
    "#);
}

#[test]
fn quotes_and_blocks_take_other_values() {
    let double = "steps:\n  - script: \"run ${{ parameters.call.x }}\"\n";
    let single = "steps:\n  - script: 'run ${{ parameters.call.x }}'\n";
    let block = "steps:\n  - script: |\n      run ${{ parameters.call.x }}\n      done\n";
    let cases = [
        (double, json!("it's: #")),
        (double, json!("a\"")),
        (double, json!("a\\n")),
        (double, json!("a\\q")),
        (double, json!("\"\n    displayName: \"b")),
        (single, json!("it's")),
        (single, json!("it''s")),
        (block, json!("a\nb")),
        (block, json!("a\n      b")),
        (block, json!("a: b # \"c'")),
    ];
    insta::assert_snapshot!(table(&cases), @r#"
    "it's: #" → starts
    "a\"" → with the values in it the YAML is invalid at line 6, column 20, behind the value of call.x (line 6 of the file): not YAML: invalid trailing content after double-quoted scalar
    "a\\n" → line 6: steps[0].script is not read as the text with the values in it
    "a\\q" → with the values in it the YAML is invalid at line 6, column 13: not YAML: while parsing a quoted scalar, found unknown escape character
    "\"\n    displayName: \"b" → line 6: steps[0].script is not read as the text with the values in it; line 6: steps[0] has keys that are not written there, 1 in all
    "it's" → with the values in it the YAML is invalid at line 6, column 21, behind the value of call.x (line 6 of the file): not YAML: invalid trailing content after double-quoted scalar
    "it''s" → line 6: steps[0].script is not read as the text with the values in it
    "a\nb" → with the values in it the YAML is invalid at line 10, column 1, behind the value of call.x (line 7 of the file): not YAML: simple key expect ':'
    "a\n      b" → line 7: steps[0].script is not read as the text with the values in it
    "a: b # \"c'" → starts
    "#);
}

#[test]
fn what_values_make_of_a_pipeline_is_bounded() {
    let definition = read(&pipeline(
        &"- ${{ parameters.call.x }}\n"
            .repeat(1000)
            .replacen("- ", "x:\n- ", 1),
    ));
    let value = Value::String("y".repeat(1 << 20));
    let told = definition.substitute(|_| Some(&value)).unwrap_err();
    assert_eq!(
        told.to_string(),
        "with the values in it the YAML is longer than 1048576 bytes"
    );
}

/// Text of the characters that YAML and expressions are made of.
fn yaml_like() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("${{ parameters.call.x }}".to_owned()),
        Just("${{".to_owned()),
        Just("}}".to_owned()),
        Just("\n  ".to_owned()),
        Just("\n- ".to_owned()),
        Just(": ".to_owned()),
        "[-:?&*!|>'\"%@`{}\\[\\],# \n\ta-c$]{0,6}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(below in yaml_like(), value in yaml_like()) {
        let _ = Definition::read("a.yml", &below);
        if let Ok(definition) = Definition::read("a.yml", &pipeline(&below)) {
            let value = Value::String(value);
            let _ = definition.substitute(|_| Some(&value));
            // A word changes nothing, wherever it stands.
            let word = json!("word");
            let substituted = definition.substitute(|_| Some(&word));
            prop_assert!(substituted.is_ok_and(|it| it.alterations.is_empty()), "{below}");
        }
    }
}
