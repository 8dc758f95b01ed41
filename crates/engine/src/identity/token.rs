//! Access tokens (JWT, HMAC-SHA-256) and run tokens (an HMAC that can be made again).
//!
//! Both are signed with keys derived from the master key. The JWT is written here because the
//! usual crates bring RSA along, and with it an open advisory, for a format of three parts.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use longshore_domain::id::RunId;
use longshore_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::vault::Vault;

/// How long an access token holds (contract §2).
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(3 * 60 * 60);
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const RUN_TOKEN_PREFIX: &str = "lrt_";
/// No token is longer; a longer one is not looked at.
const LONGEST_TOKEN: usize = 2_048;

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    #[serde(rename = "orgId")]
    pub(crate) organization: String,
    /// The credential's client id.
    pub(crate) sub: String,
    /// The id of the secret that obtained it; the token ends with it.
    pub(crate) jti: String,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    /// Clients decide by it whether an integration may process actions (contract §2).
    #[serde(rename = "isMachine")]
    pub(crate) is_machine: bool,
}

/// Writes an access token.
pub(crate) fn write(claims: &Claims, vault: &Vault) -> String {
    let payload = serde_json::to_vec(claims).unwrap_or_default();
    let mut token = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(HEADER),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let mac = vault.access_token_mac(token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(mac, &mut token);
    token
}

/// Reads an access token that this server wrote and that has not expired.
pub(crate) fn read(token: &str, vault: &Vault, now: Timestamp) -> Option<Claims> {
    if token.len() > LONGEST_TOKEN {
        return None;
    }
    let (signed, mac) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
    let expected = vault.access_token_mac(signed.as_bytes());
    if !bool::from(expected.as_slice().ct_eq(&mac)) {
        return None;
    }
    if URL_SAFE_NO_PAD.decode(header).ok()? != HEADER.as_bytes() {
        return None;
    }
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    (now.as_seconds() < claims.exp).then_some(claims)
}

/// How long a MAC is in a token.
const MAC_BYTES: usize = 43;

/// How many bytes the tokens of `run` have at the least.
pub(crate) fn run_token_bytes(run: &RunId) -> usize {
    RUN_TOKEN_PREFIX.len() + run.as_str().len() + ".1.".len() + MAC_BYTES
}

/// The token of one attempt's pipeline.
pub(crate) fn run_token(run: &RunId, attempt: u32, vault: &Vault) -> String {
    let name = format!("{}.{attempt}", run.as_str());
    let mac = vault.run_token_mac(name.as_bytes());
    format!("{RUN_TOKEN_PREFIX}{name}.{}", URL_SAFE_NO_PAD.encode(mac))
}

/// Reads a run token that this server wrote.
pub(crate) fn read_run_token(token: &str, vault: &Vault) -> Option<(RunId, u32)> {
    if token.len() > LONGEST_TOKEN {
        return None;
    }
    let (name, mac) = token.strip_prefix(RUN_TOKEN_PREFIX)?.rsplit_once('.')?;
    let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
    if !bool::from(vault.run_token_mac(name.as_bytes()).as_slice().ct_eq(&mac)) {
        return None;
    }
    let (run, attempt) = name.split_once('.')?;
    Some((RunId::parse(run)?, attempt.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use longshore_domain::secret::Secret;

    fn claims() -> Claims {
        Claims {
            iss: "longshore".into(),
            organization: "org_0123456789abcdef".into(),
            sub: "client".into(),
            jti: "secret".into(),
            iat: 1_000,
            exp: 11_800,
            is_machine: true,
        }
    }

    #[test]
    fn an_access_token_holds_until_it_expires_and_only_as_it_was_written() {
        let vault = Vault::new(&Secret::new([1; 32]));
        let token = write(&claims(), &vault);
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        assert_eq!(read(&token, &vault, at(11_799)), Some(claims()));
        assert_eq!(read(&token, &vault, at(11_800)), None);
        let unsigned = token.replace("eyJhbGciOiJIUzI1NiI", "eyJhbGciOiJub25lIiw");
        for forged in [
            unsigned.as_str(),
            &token[..token.len() - 2],
            "",
            "a.b.c",
            "...",
        ] {
            assert_eq!(read(forged, &vault, at(2_000)), None, "{forged}");
        }
        let elsewhere = Vault::new(&Secret::new([2; 32]));
        assert_eq!(read(&token, &elsewhere, at(2_000)), None);
    }

    #[test]
    fn a_run_token_names_its_run_and_attempt() {
        let vault = Vault::new(&Secret::new([1; 32]));
        let run = RunId::parse("r_0123456789abcdef").unwrap();
        let token = run_token(&run, 2, &vault);
        assert_eq!(token, run_token(&run, 2, &vault));
        assert_eq!(token.len(), run_token_bytes(&run));
        assert_eq!(read_run_token(&token, &vault), Some((run, 2)));
        assert_eq!(read_run_token(&token.replace(".2.", ".1."), &vault), None);
        assert_eq!(read_run_token("lrt_", &vault), None);
    }
}
