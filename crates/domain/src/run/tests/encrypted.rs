//! What a run keeps, shows and sends of its encrypted inputs.

use super::*;
use crate::encryption::{Algorithm, CENSORED, EncryptedInput};

fn input(name: &str, algorithm: Algorithm) -> EncryptedInput {
    EncryptedInput {
        name: name.to_owned(),
        algorithm,
    }
}

fn encrypted() -> EncryptedInputs {
    EncryptedInputs {
        inputs: vec![
            input("password", Algorithm::Aes256Gcm),
            input("key", Algorithm::ClientSide),
        ],
        sealed: vec![0, 1, 254, 255],
    }
}

#[test]
fn what_the_server_encrypts_is_censored_and_all_else_stays() {
    let mut properties = json!({"name": "a", "password": {"p": "hunter2"}, "key": "AAEC"});
    let taken = censor(&encrypted().inputs, &mut properties);
    let shown = json!({"name": "a", "password": CENSORED, "key": "AAEC"});
    assert_eq!(properties.to_string(), shown.to_string());
    assert_eq!(Value::Object(taken), json!({"password": {"p": "hunter2"}}));
    let mut without = json!({"name": "a"});
    assert!(censor(&encrypted().inputs, &mut without).is_empty());
    assert_eq!(without, json!({"name": "a"}));
}

#[test]
fn it_is_stored_as_it_was() {
    let stored = json!(encrypted());
    assert_eq!(
        stored,
        json!({
            "inputs": [
                {"name": "password", "algorithm": "aes256-gcm"},
                {"name": "key", "algorithm": "client-side"},
            ],
            "sealed": "AAH+/w==",
        })
    );
    let read: EncryptedInputs = serde_json::from_value(stored).unwrap();
    assert_eq!(read, encrypted());
    let others = EncryptedInputs {
        inputs: vec![input("key", Algorithm::ClientSide)],
        sealed: Vec::new(),
    };
    let stored = json!(others);
    assert!(stored.get("sealed").is_none());
    assert_eq!(
        serde_json::from_value::<EncryptedInputs>(stored).unwrap(),
        others
    );
    let damaged = json!({"inputs": [], "sealed": "%"});
    assert!(serde_json::from_value::<EncryptedInputs>(damaged).is_err());
}

#[test]
fn the_standard_message_names_them_and_waits_for_each_attempt() {
    let mut world = World::requested(WEBHOOK);
    world.documents.properties = json!({"password": CENSORED, "key": "AAEC", "name": "a"}).into();
    world.documents.encrypted = Some(Box::new(encrypted()));
    let message = Message::of_stored(&world.run, &world.documents);
    let invocation = json!({"type": "WEBHOOK"});
    let body = standard_message(&message, &json!({}), "CREATE", &invocation);
    let names = json!(["password", "key"]);
    assert_eq!(body["payload"]["censoredProperties"], names);
    assert_eq!(body["payload"]["action"]["encryptedProperties"], names);
    let mut rendered = Rendered {
        payload: json!({"type": "WEBHOOK", "body": body}),
        ..world::rendered()
    };
    defer_in_message(&mut rendered, &encrypted());
    let deferred: Vec<(&str, &Value)> = rendered
        .deferred
        .iter()
        .map(|part| (part.pointer.as_str(), &part.template))
        .collect();
    let template = json!("{{ .inputs[\"password\"] }}");
    assert_eq!(deferred, [("/body/payload/properties/password", &template)]);
    assert_eq!(
        rendered.payload["body"]["payload"]["properties"],
        json!({"password": template, "key": "AAEC", "name": "a"})
    );
}

/// Whatever an input is called, its template is one expression that reads it.
#[test]
fn names_mean_nothing_to_templates() {
    for name in [
        "a-b",
        "@=_",
        "\\",
        "a\\(b",
        "ключ",
        "🔑",
        "a'b'",
        "}}",
        "~/\"",
        "{{ .secrets }}",
    ] {
        let mut rendered = Rendered {
            payload: json!({"body": {"payload": {"properties": {name: CENSORED}}}}),
            ..world::rendered()
        };
        let encrypted = EncryptedInputs {
            inputs: vec![input(name, Algorithm::Aes256Gcm)],
            sealed: Vec::new(),
        };
        defer_in_message(&mut rendered, &encrypted);
        let attempt = crate::template::PerAttempt::parse(&rendered.deferred);
        let [expression] = attempt.expressions() else {
            panic!("{name}: one expression")
        };
        let text = expression.text.strip_prefix(".inputs[").unwrap();
        let read: String = serde_json::from_str(text.strip_suffix(']').unwrap()).unwrap();
        assert_eq!(read, name);
        assert!(!expression.deferred, "{name}: no secret is named");
        let wire = crate::template::Evaluated::Value(json!("wire"));
        let completed = attempt.complete(rendered.payload, &[wire]);
        assert_eq!(
            completed.value["body"]["payload"]["properties"][name],
            "wire"
        );
    }
}
