//! Opens encrypted inputs where a mapping says that they stand (contract §7).

use longshore_domain::encryption::{Unopened, decrypt};
use longshore_domain::secret::Secret;
use serde_json::Value;

use crate::config::Secrets;

/// Why a field cannot be opened. Shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Undecryptable {
    /// Not a text.
    #[error("the field is not a text")]
    Type,
    /// Not base64 of nonce, ciphertext and tag.
    #[error("the field is not an encrypted value")]
    Form,
    /// Encrypted under another secret, or changed.
    #[error(
        "the field opens neither with the client secret nor with the previous one: the \
         organization signs with another credential"
    )]
    Key,
}

impl From<Unopened> for Undecryptable {
    fn from(why: Unopened) -> Self {
        match why {
            Unopened::Form => Self::Form,
            Unopened::Key => Self::Key,
        }
    }
}

/// Opens the field at the dotted `path` of `message` in its place; none where nothing is there.
pub(super) fn field(
    message: &mut Value,
    path: &str,
    secrets: &Secrets,
) -> Result<Option<Secret<String>>, Undecryptable> {
    let mut place = message;
    for step in path.split('.') {
        let next = match place {
            Value::Object(members) => members.get_mut(step),
            Value::Array(items) => step.parse().ok().and_then(|at: usize| items.get_mut(at)),
            _ => None,
        };
        let Some(next) = next else {
            return Ok(None);
        };
        place = next;
    }
    let opened = match place {
        Value::Null => return Ok(None),
        Value::String(text) => decrypt(text, secrets.all())?,
        _ => return Err(Undecryptable::Type),
    };
    *place = Value::String(opened.expose().clone());
    Ok(Some(opened))
}
