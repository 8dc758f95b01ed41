//! What a run keeps and shows of its encrypted inputs. Plain values pass through here on their way to
//! be sealed; nothing here opens what is sealed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Rendered;
use crate::encryption::{CENSORED, EncryptedInput};
use crate::template::Deferred;

/// The encrypted inputs of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptedInputs {
    /// All of them, in the form's order.
    pub inputs: Vec<EncryptedInput>,
    /// The plain values of those that the server encrypts, a JSON object by name, sealed for this
    /// run; empty where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "base64_text")]
    pub sealed: Vec<u8>,
}

impl EncryptedInputs {
    /// Whether the server encrypts some of them.
    #[must_use]
    pub const fn has_sealed(&self) -> bool {
        !self.sealed.is_empty()
    }

    /// The names of all of them, as `.action.encryptedProperties` has them.
    #[must_use]
    pub fn names(encrypted: Option<&Self>) -> Vec<&str> {
        let inputs = encrypted.map(|encrypted| encrypted.inputs.as_slice());
        let inputs = inputs.unwrap_or_default().iter();
        inputs.map(|input| input.name.as_str()).collect()
    }
}

/// Takes what the server encrypts out of `properties`, where a censored text remains.
pub fn censor(inputs: &[EncryptedInput], properties: &mut Value) -> Map<String, Value> {
    let mut taken = Map::new();
    for input in inputs.iter().filter(|input| input.is_sealed()) {
        if let Some(place) = properties.get_mut(&input.name) {
            taken.insert(
                input.name.clone(),
                std::mem::replace(place, CENSORED.into()),
            );
        }
    }
    taken
}

/// Has each attempt put the values of `encrypted` into the standard message that is the body of
/// `rendered`: they are not known before.
pub fn defer_in_message(rendered: &mut Rendered, encrypted: &EncryptedInputs) {
    for input in encrypted.inputs.iter().filter(|input| input.is_sealed()) {
        let key = input.name.replace('~', "~0").replace('/', "~1");
        let pointer = format!("/body/payload/properties/{key}");
        if let Some(place) = rendered.payload.pointer_mut(&pointer) {
            let template = Value::String(format!("{{{{ .inputs[{}] }}}}", quoted(&input.name)));
            *place = template.clone();
            rendered.deferred.push(Deferred { pointer, template });
        }
    }
}

/// `name` as a string of jq in which no character means anything to a template.
fn quoted(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    text.push('"');
    for unit in name.encode_utf16() {
        match u8::try_from(unit).map(char::from) {
            Ok(c) if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '@' | '=') => {
                text.push(c);
            }
            _ => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    text.push('"');
    text
}

/// Bytes as base64.
mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(de::Error::custom)
    }
}
