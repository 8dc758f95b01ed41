//! Inputs whose values nobody shall read but the receiver.

use serde_json::json;

use super::*;

/// The contract's vectors of client-side encryption.
fn client_side() -> Value {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../vectors/crypto.json")).unwrap();
    vectors["client-side"].clone()
}

#[test]
fn encrypted_inputs_are_named_and_never_shown() {
    let key = client_side()["public_key_pem"].clone();
    let form = form(&json!({"properties": {
        "password": {"type": "string", "encryption": "aes256-gcm", "minLength": 20},
        "account": {"type": "object", "encryption": "aes256-gcm", "additionalProperties": false},
        "key": {"type": "object", "encryption": {"algorithm": "client-side", "key": key}},
        "plain": {"type": "string"},
    }}));
    assert_eq!(form.unsupported(), []);
    let shown = |encrypted: &[EncryptedInput]| -> Vec<String> {
        let shown = encrypted
            .iter()
            .map(|input| format!("{} {}", input.name, input.algorithm));
        shown.collect()
    };
    let all: Vec<EncryptedInput> = form.encrypted().collect();
    let expected = [
        "password aes256-gcm",
        "account aes256-gcm",
        "key client-side",
    ];
    assert_eq!(shown(&all), expected);
    let violations = form
        .accept(json!({
            "password": "hunter2", "account": {"hunter2": 1}, "key": {"hunter2": 1},
        }))
        .unwrap_err();
    let told: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(
        told[..2],
        [
            "properties.password: expected at least 20 characters",
            "properties.account: does not fit its schema; an encrypted input is not described",
        ]
    );
    assert_eq!(told.len(), 3);
    assert!(
        told.iter().all(|told| !told.contains("hunter2")),
        "{told:?}"
    );
    let long = "x".repeat(20);
    let accepted = form
        .accept(json!({"plain": "a", "account": {}, "password": long}))
        .unwrap();
    assert_eq!(
        shown(&accepted.encrypted),
        expected[..2],
        "in the form's order"
    );
    assert!(!format!("{accepted:?}").contains(&long));
    let plain = form.accept(json!({"plain": "a"})).unwrap();
    assert!(plain.encrypted.is_empty());
}

#[test]
fn what_the_server_encrypts_is_bounded_in_all() {
    let form = form(&json!({"properties": {
        "a": {"type": "string", "encryption": "aes256-gcm"},
        "b": {"type": "object", "encryption": "aes256-gcm"},
        "plain": {"type": "string"},
    }}));
    let plain = "x".repeat(2 * MAX_SEALED_BYTES);
    // `{"k":""}` around the other half
    let of = |bytes: usize| {
        let text = "x".repeat(bytes);
        form.accept(json!({"a": text, "b": {"k": text}, "plain": plain}))
    };
    assert!(of(MAX_SEALED_BYTES / 2 - 4).is_ok());
    let told = of(MAX_SEALED_BYTES / 2 - 3).unwrap_err();
    assert_eq!(
        told[0].to_string(),
        "properties: at most 131072 bytes are encrypted for one run"
    );
}

#[test]
fn what_a_browser_encrypts_is_let_through_and_nothing_else() {
    let vector = client_side();
    let encryption = json!({"algorithm": "client-side", "key": vector["public_key_pem"]});
    for kind in ["string", "object"] {
        // what can only be said of the plain text is not checked
        let form = of(&json!({
            "type": kind, "encryption": encryption, "maxLength": 5, "pattern": "^(?=a)",
            "required": ["a"],
        }));
        assert_eq!(form.unsupported(), [], "{kind}");
        assert!(form.accept(json!({"x": vector["wire"]})).is_ok(), "{kind}");
        for value in [
            json!("hunter2"),
            json!(""),
            json!("aHVudGVyMg=="),
            json!({"a": "hunter2"}),
            json!(["hunter2"]),
            json!(7),
            json!(null),
        ] {
            let told = form.accept(json!({"x": value})).unwrap_err()[0].to_string();
            assert!(told.starts_with("properties.x: "), "{value}: {told}");
            assert!(
                told.contains("base64 of an IV of 12 bytes"),
                "{value}: {told}"
            );
            assert!(!told.contains("unter2"), "{value}: {told}");
        }
    }
}

#[test]
fn an_encryption_that_cannot_be_done_refuses_execution() {
    let key = client_side()["public_key_pem"].clone();
    let client_side = |key: Value| json!({"algorithm": "client-side", "key": key});
    for (kind, encryption, told) in [
        ("string", json!("rot13"), "is no encryption of inputs"),
        ("string", json!({}), "is no encryption of inputs"),
        (
            "string",
            client_side(json!("k")),
            "has a key that is no PEM",
        ),
        (
            "number",
            json!("aes256-gcm"),
            "is for inputs of the types string and object",
        ),
        (
            "array",
            client_side(key),
            "is for inputs of the types string and object",
        ),
    ] {
        let form = of(&json!({"type": kind, "encryption": encryption}));
        let warnings = form.warnings();
        assert_eq!(warnings.len(), 1, "{encryption}");
        let path = "trigger.userInputs.properties.x.encryption";
        assert_eq!(warnings[0].path, path, "{encryption}");
        assert!(warnings[0].message.starts_with(told), "{:?}", warnings[0]);
        assert!(form.accept(json!({})).is_err(), "{encryption}");
    }
    let free = of(&json!({"type": "string", "encryption": null}));
    assert_eq!((free.unsupported(), free.encrypted().count()), (&[][..], 0));
}

#[test]
fn a_default_that_shall_be_encrypted_is_warned_of_and_encrypted() {
    let form = of(&json!({"type": "string", "encryption": "aes256-gcm", "default": "changeme"}));
    let warnings = form.warnings();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].path, "trigger.userInputs.properties.x.default");
    let accepted = form.accept(json!({})).unwrap();
    assert_eq!(accepted.encrypted.len(), 1);
}
