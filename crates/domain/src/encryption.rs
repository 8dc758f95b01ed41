//! Encrypted inputs (contract §7): which encryption an input asks for, the value that is made of a
//! plain one for the wire, and the layout of values that browsers encrypt. Draws no nonce, keeps
//! nothing.

mod client_side;
#[cfg(test)]
mod tests;
mod wire;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use client_side::{KeyFault, Layout, MAX_KEY_PEM_BYTES, MAX_RSA_BITS, MIN_RSA_BITS};
pub use wire::{KEY_BYTES, NONCE_BYTES, SecretTooShort, Unopened, decrypt, encrypt};

/// What stands where an input is shown that the server encrypts.
pub const CENSORED: &str = "<encrypted>";

/// Bytes of all values of a run that the server encrypts: what receivers and agents say is looked
/// through for each of them in every form.
pub const MAX_SEALED_BYTES: usize = 128 * 1024;

/// Who encrypts an input, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// The server, for each attempt anew, under the secret that signs it.
    #[serde(rename = "aes256-gcm")]
    Aes256Gcm,
    /// Whoever fills the form in, for the holder of a private key; the server passes it on.
    #[serde(rename = "client-side")]
    ClientSide,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes256Gcm => "aes256-gcm",
            Self::ClientSide => "client-side",
        })
    }
}

/// An input whose value nobody shall read but the receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptedInput {
    /// The input.
    pub name: String,
    /// Who encrypts it.
    pub algorithm: Algorithm,
}

impl EncryptedInput {
    /// Whether its plain value is the server's to keep and to encrypt.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.algorithm == Algorithm::Aes256Gcm
    }
}

/// What an input's `encryption` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// `"aes256-gcm"`.
    Aes256Gcm,
    /// `{"algorithm": "client-side", "key": PEM}`; values have this layout.
    ClientSide(Layout),
}

/// Why an `encryption` cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// No form of it that there is.
    #[error(
        "is no encryption of inputs: expected \"aes256-gcm\" or {{\"algorithm\": \"client-side\", \
         \"key\": PEM}}"
    )]
    Form,
    /// Its key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

impl Encryption {
    /// Reads the value of `encryption`.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn parse(value: &Value) -> Result<Self, Unknown> {
        if value == "aes256-gcm" {
            return Ok(Self::Aes256Gcm);
        }
        match (value.get("algorithm"), value.get("key")) {
            (Some(algorithm), Some(Value::String(key))) if algorithm == "client-side" => {
                Ok(Self::ClientSide(Layout::of_key(key)?))
            }
            _ => Err(Unknown::Form),
        }
    }

    /// Who encrypts.
    #[must_use]
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::Aes256Gcm => Algorithm::Aes256Gcm,
            Self::ClientSide(_) => Algorithm::ClientSide,
        }
    }
}
