//! The master key: what is sealed under it, and the keys that are derived from it.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use longshore_domain::secret::Secret;
use sha2::Sha256;
use zeroize::Zeroize;

use crate::environment::Environment;

const SEAL_NONCE_BYTES: usize = 12;
/// The length of the master key.
pub const KEY_BYTES: usize = 32;

/// Seals secrets for storage, and derives keys for tokens.
pub struct Vault {
    cipher: Aes256Gcm,
    access_tokens: Secret<Vec<u8>>,
    run_tokens: Secret<Vec<u8>>,
    fingerprints: Secret<Vec<u8>>,
    nonces: Secret<Vec<u8>>,
}

/// Sealed bytes that this master key does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored secret does not open with this master key")]
pub struct Unsealable;

impl Vault {
    /// The vault of a master key.
    #[must_use]
    pub fn new(master_key: &Secret<[u8; KEY_BYTES]>) -> Self {
        let derive = |purpose: &str| {
            Secret::new(mac(master_key.expose(), &[b"longshore/", purpose.as_bytes()]).to_vec())
        };
        let mut sealing = mac(master_key.expose(), &[b"longshore/", b"seal"]);
        let cipher = Aes256Gcm::new(&sealing.into());
        sealing.zeroize();
        Self {
            cipher,
            access_tokens: derive("access token"),
            run_tokens: derive("run token"),
            fingerprints: derive("fingerprint"),
            nonces: derive("nonce"),
        }
    }

    /// Encrypts `plain` for the place called `place`; it opens nowhere else.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "AES-GCM seals anything shorter than 64 GiB"
    )]
    pub fn seal(&self, environment: &dyn Environment, place: &str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; SEAL_NONCE_BYTES];
        environment.fill_random(&mut nonce);
        let payload = Payload {
            msg: plain,
            aad: place.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&Nonce::from(nonce), payload)
            .expect("secrets are far shorter than 64 GiB");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Decrypts what was sealed for the place called `place`.
    ///
    /// # Errors
    /// Another master key, another place, or changed bytes.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, Unsealable> {
        let (nonce, text) = sealed
            .split_at_checked(SEAL_NONCE_BYTES)
            .ok_or(Unsealable)?;
        let nonce: [u8; SEAL_NONCE_BYTES] = nonce.try_into().map_err(|_| Unsealable)?;
        let payload = Payload {
            msg: text,
            aad: place.as_bytes(),
        };
        self.cipher
            .decrypt(&Nonce::from(nonce), payload)
            .map(Secret::new)
            .map_err(|_| Unsealable)
    }

    pub(crate) fn access_token_mac(&self, text: &[u8]) -> [u8; 32] {
        mac(self.access_tokens.expose(), &[text])
    }

    pub(crate) fn run_token_mac(&self, text: &[u8]) -> [u8; 32] {
        mac(self.run_tokens.expose(), &[text])
    }

    /// A keyed hash: equal for equal texts, and of no use without the master key.
    pub(crate) fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(self.fingerprints.expose(), &[&joined(parts)])
    }

    /// A nonce that nobody can guess without the master key: another for other parts.
    pub(crate) fn derive_nonce<const BYTES: usize>(&self, parts: &[&[u8]]) -> [u8; BYTES] {
        const { assert!(BYTES <= 32, "a MAC has no more bytes") };
        let mac = mac(self.nonces.expose(), &[&joined(parts)]);
        std::array::from_fn(|at| mac[at])
    }
}

/// `parts` in one, so that no other parts give the same.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::new();
    for part in parts {
        text.extend_from_slice(&(part.len() as u64).to_le_bytes());
        text.extend_from_slice(part);
    }
    text
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemEnvironment;

    #[test]
    fn what_is_sealed_opens_only_with_its_key_and_at_its_place() {
        let vault = Vault::new(&Secret::new([7; KEY_BYTES]));
        let sealed = vault.seal(&SystemEnvironment, "secret:DB", b"hunter2");
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        assert_eq!(
            vault.open("secret:DB", &sealed).unwrap().expose(),
            b"hunter2"
        );
        assert_eq!(vault.open("secret:OTHER", &sealed), Err(Unsealable));
        let other = Vault::new(&Secret::new([8; KEY_BYTES]));
        assert_eq!(other.open("secret:DB", &sealed), Err(Unsealable));
        assert_eq!(vault.open("secret:DB", &sealed[..5]), Err(Unsealable));
    }

    #[test]
    fn a_nonce_is_told_apart_by_each_of_its_parts_and_by_the_key() {
        let vault = Vault::new(&Secret::new([7; KEY_BYTES]));
        let of = |parts: &[&[u8]]| vault.derive_nonce::<16>(parts);
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
        let other = Vault::new(&Secret::new([8; KEY_BYTES]));
        for differs in [
            of(&[b"a", b"bc"]),
            of(&[b"ab", b"c", b""]),
            of(&[b"c", b"ab"]),
            other.derive_nonce(&[b"ab", b"c"]),
        ] {
            assert_ne!(differs, of(&[b"ab", b"c"]));
        }
    }
}
