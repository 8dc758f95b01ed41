//! Encrypted inputs in motion (contract §7): sealed under the master key while they are kept, encrypted
//! for each attempt under the secret that signs it. Nothing else opens them.

use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::encryption::{EncryptedInput, NONCE_BYTES, SecretTooShort, encrypt};
use longshore_domain::form::Form;
use longshore_domain::id::RunId;
use longshore_domain::json;
use longshore_domain::run::{EncryptedInputs, censor};
use longshore_domain::secret::Secret;
use longshore_domain::violation::Violation;
use serde_json::{Map, Value};

use crate::Engine;
use crate::error::Error;
use crate::vault::{Unsealable, Vault};

/// Why an attempt's values cannot be made. Shows nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// What is stored does not open.
    #[error("an encrypted input does not open: {0}")]
    Sealed(#[from] Unsealable),
    /// What signs is too short for a key.
    #[error("an encrypted input cannot be encrypted under the secret that signs the call: {0}")]
    Secret(#[from] SecretTooShort),
}

impl Fault {
    pub(crate) fn diagnosis(self) -> Diagnosis {
        let fix = match self {
            Self::Sealed(_) => {
                "Execute the action anew; this run's inputs cannot be read any more."
            }
            Self::Secret(_) => {
                "Give the connection a signing secret of at least 32 bytes, and the receiver the same."
            }
        };
        diagnosis(self.to_string(), fix)
    }
}

/// Why a call is not made whose address depends on a value that every attempt has anew.
pub(crate) fn strays() -> Diagnosis {
    diagnosis(
        "where the call goes depends on the value of an encrypted input".into(),
        "Let the server's name in the URL, and the path by which its connection is found, not \
         come from an encrypted input.",
    )
}

fn diagnosis(message: String, fix: &str) -> Diagnosis {
    Diagnosis {
        reason: Reason::EncryptionFailed,
        message,
        fix: fix.into(),
    }
}

/// The values of one attempt.
pub(crate) struct WireInputs {
    values: Vec<(String, String)>,
    plain: Vec<Secret<String>>,
}

impl WireInputs {
    /// Puts the values in the place of the censored texts in a run's inputs.
    pub(crate) fn put_into(&self, inputs: &mut Value) {
        for (name, wire) in &self.values {
            if let Some(place) = inputs.get_mut(name) {
                *place = wire.as_str().into();
            }
        }
    }

    /// What nobody may be heard to repeat: the values, what they encrypt, and its parts.
    pub(crate) fn into_secrets(self) -> impl Iterator<Item = Secret<String>> {
        let values = self.values.into_iter();
        values.map(|(_, wire)| Secret::new(wire)).chain(self.plain)
    }
}

impl Engine {
    /// Seals for `run` what the server encrypts of its `inputs`; a censored text remains in
    /// `properties` and in what was sent.
    pub(crate) fn seal_inputs(
        &self,
        run: &RunId,
        inputs: Vec<EncryptedInput>,
        properties: &mut Value,
        sent: Option<&mut Value>,
    ) -> Option<Box<EncryptedInputs>> {
        if inputs.is_empty() {
            return None;
        }
        let taken = censor(&inputs, properties);
        if let Some(sent) = sent {
            censor(&inputs, sent);
        }
        let sealed = match taken.is_empty() {
            true => Vec::new(),
            false => {
                let plain = Secret::new(Value::Object(taken).to_string());
                let plain = plain.expose().as_bytes();
                self.vault.seal(&*self.environment, &place(run), plain)
            }
        };
        Some(Box::new(EncryptedInputs { inputs, sealed }))
    }

    /// Puts the plain values back into the `properties` of a run that is to be repeated.
    ///
    /// # Errors
    /// Where an input is not encrypted any more in the way it was, or what is stored does not open.
    pub(crate) fn open_inputs(
        &self,
        run: &RunId,
        encrypted: &EncryptedInputs,
        form: &Form,
        properties: &mut Value,
    ) -> Result<(), Error> {
        let now: Vec<EncryptedInput> = form.encrypted().collect();
        let changed = encrypted.inputs.iter().filter(|input| !now.contains(input));
        let violations: Vec<Violation> = changed.map(changed_since).collect();
        if !violations.is_empty() {
            return Err(Error::Invalid(violations));
        }
        let opened = opened(&self.vault, run, encrypted)
            .map_err(|error| Error::Corrupt(format!("inputs of run {}: {error}", run.as_str())))?;
        for (name, value) in opened {
            if let Some(place) = properties.get_mut(&name) {
                *place = value;
            }
        }
        Ok(())
    }

    /// The values of a run's attempt `number` for whoever has `secret`; the same as often as they
    /// are asked for, so that what an agent says of the attempt later can be scrubbed of them.
    pub(crate) fn wire_inputs(
        &self,
        run: &RunId,
        number: u32,
        encrypted: &EncryptedInputs,
        secret: &Secret<String>,
    ) -> Result<WireInputs, Fault> {
        wire_inputs(&self.vault, run, number, encrypted, secret)
    }
}

impl Vault {
    /// The nonce of one value. Nobody can guess it without the master key, and no two attempts
    /// share one: `sealed` begins with random bytes of its own and is bound to its run.
    fn wire_nonce(&self, sealed: &[u8], number: u32, name: &str) -> [u8; NONCE_BYTES] {
        self.derive_nonce(&[sealed, &number.to_le_bytes(), name.as_bytes()])
    }
}

fn wire_inputs(
    vault: &Vault,
    run: &RunId,
    number: u32,
    encrypted: &EncryptedInputs,
    secret: &Secret<String>,
) -> Result<WireInputs, Fault> {
    let mut wire = WireInputs {
        values: Vec::new(),
        plain: Vec::new(),
    };
    for (name, value) in opened(vault, run, encrypted)? {
        let nonce = vault.wire_nonce(&encrypted.sealed, number, &name);
        keep_back(&value, &mut wire.plain);
        let plain = Secret::new(plain_text(value));
        let encrypted = encrypt(plain.expose(), secret.expose(), nonce)?;
        wire.values.push((name, encrypted));
        wire.plain.push(plain);
    }
    Ok(wire)
}

fn place(run: &RunId) -> String {
    format!("run:{}:inputs", run.as_str())
}

fn opened(
    vault: &Vault,
    run: &RunId,
    encrypted: &EncryptedInputs,
) -> Result<Map<String, Value>, Unsealable> {
    if encrypted.sealed.is_empty() {
        return Ok(Map::new());
    }
    let opened = vault.open(&place(run), &encrypted.sealed)?;
    serde_json::from_slice(opened.expose()).map_err(|_| Unsealable)
}

/// What is encrypted of a value: a text as it is, all else as JSON.
fn plain_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => json::stringify(&other),
    }
}

/// The texts inside a value.
fn keep_back(value: &Value, secrets: &mut Vec<Secret<String>>) {
    match value {
        Value::String(text) => secrets.push(Secret::new(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| keep_back(item, secrets)),
        Value::Object(members) => members.values().for_each(|item| keep_back(item, secrets)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn changed_since(input: &EncryptedInput) -> Violation {
    Violation::new(
        format!("properties.{}", input.name),
        format!(
            "was encrypted ({}) when the run was requested, and the action asks for it in another \
             way now; execute the action anew",
            input.algorithm
        ),
    )
}

#[cfg(test)]
mod tests {
    use longshore_domain::encryption::{Algorithm, decrypt};
    use serde_json::json;

    use super::*;
    use crate::environment::SystemEnvironment;
    use crate::vault::KEY_BYTES;

    fn secret() -> Secret<String> {
        Secret::new("0123456789abcdef0123456789abcdef".to_owned())
    }

    fn run(number: u64) -> RunId {
        RunId::mint(longshore_domain::time::Timestamp::from_micros(0), number)
    }

    fn sealed(vault: &Vault, run: &RunId, plain: &Value) -> EncryptedInputs {
        let input = |name: &String| EncryptedInput {
            name: name.clone(),
            algorithm: Algorithm::Aes256Gcm,
        };
        let plain_text = plain.to_string();
        EncryptedInputs {
            inputs: plain.as_object().unwrap().keys().map(input).collect(),
            sealed: vault.seal(&SystemEnvironment, &place(run), plain_text.as_bytes()),
        }
    }

    #[test]
    fn values_open_and_no_two_are_alike_unless_they_are_the_same() {
        let vault = Vault::new(&Secret::new([7; KEY_BYTES]));
        let plain = json!({"a": "text", "b": "text", "o": {"z": 1.0, "a": ["in"]}});
        let mut seen: Vec<String> = Vec::new();
        for run in [run(1), run(2)] {
            let sealed = sealed(&vault, &run, &plain);
            for number in [1, 2] {
                let made = || wire_inputs(&vault, &run, number, &sealed, &secret()).unwrap();
                let wire = made().values;
                assert_eq!(made().values, wire, "asked again");
                let expected = ["text", "text", r#"{"z":1,"a":["in"]}"#];
                for ((_, wire), expected) in wire.iter().zip(expected) {
                    let opened = decrypt(wire, [secret().expose().as_str()]).unwrap();
                    assert_eq!(opened.expose(), expected);
                    let nonce = wire[..20].to_owned();
                    assert!(!seen.contains(&nonce));
                    seen.push(nonce);
                }
            }
        }
        assert_eq!(seen.len(), 2 * 2 * 3);
    }

    #[test]
    fn what_nobody_may_repeat_are_values_texts_and_parts() {
        let vault = Vault::new(&Secret::new([7; KEY_BYTES]));
        let plain = json!({"o": {"z": 1, "a": ["in"]}});
        let sealed = sealed(&vault, &run(1), &plain);
        let wire = wire_inputs(&vault, &run(1), 1, &sealed, &secret()).unwrap();
        let value = wire.values[0].1.clone();
        let secrets: Vec<String> = wire.into_secrets().map(|it| it.expose().clone()).collect();
        assert_eq!(secrets, [value.as_str(), "in", r#"{"z":1,"a":["in"]}"#]);
    }

    #[test]
    fn what_cannot_be_made_says_why() {
        let vault = Vault::new(&Secret::new([7; KEY_BYTES]));
        let mut sealed = sealed(&vault, &run(1), &json!({"a": "text"}));
        let made = |run: &RunId, sealed: &EncryptedInputs, secret: &Secret<String>| {
            wire_inputs(&vault, run, 1, sealed, secret).err()
        };
        let short = Secret::new("short".to_owned());
        assert_eq!(
            made(&run(1), &sealed, &short),
            Some(Fault::Secret(SecretTooShort))
        );
        let unopened = Some(Fault::Sealed(Unsealable));
        assert_eq!(made(&run(2), &sealed, &secret()), unopened, "another run's");
        sealed.sealed[20] ^= 1;
        assert_eq!(made(&run(1), &sealed, &secret()), unopened, "altered");
    }
}
