//! Public identifiers: they grow with time, so that indexes append instead of scattering.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HALF: usize = 8;
const HALF_SPAN: u64 = 62u64.pow(HALF as u32);

fn push_base62(text: &mut String, mut number: u64) {
    let mut digits = [b'0'; HALF];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(number % 62) as usize];
        number /= 62;
    }
    text.extend(digits.iter().map(|digit| char::from(*digit)));
}

fn mint(prefix: &str, now: Timestamp, random: u64) -> String {
    let mut text = String::with_capacity(prefix.len() + 2 * HALF);
    text.push_str(prefix);
    push_base62(&mut text, now.as_millis().unsigned_abs() % HALF_SPAN);
    push_base62(&mut text, random % HALF_SPAN);
    text
}

fn well_formed(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        rest.len() == 2 * HALF && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

macro_rules! public_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// A new id: eight base-62 digits of `now` in milliseconds, eight of `random`.
            #[must_use]
            pub fn mint(now: Timestamp, random: u64) -> Self {
                Self(mint($prefix, now, random).into_boxed_str())
            }

            /// `text` as an id, where it has the form of one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                well_formed($prefix, text).then(|| Self(text.into()))
            }

            /// The wire form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

public_id!(
    /// A run, `r_…`.
    RunId,
    "r_"
);
public_id!(
    /// A delivery, `d_…`.
    DeliveryId,
    "d_"
);

impl DeliveryId {
    /// The id of the delivery of `run`, which has no other: the run's own, under its letter.
    #[must_use]
    pub fn of(run: &RunId) -> Self {
        let digits = run.0.strip_prefix("r_").unwrap_or(&run.0);
        Self(["d_", digits].concat().into())
    }

    /// Whether it is [`Self::of`] the run.
    #[must_use]
    pub fn is_of(&self, run: &RunId) -> bool {
        let digits = self.0.strip_prefix("d_");
        digits.is_some() && digits == run.0.strip_prefix("r_")
    }

    /// The run whose own this may be; deliveries of earlier versions have ids that are no run's.
    /// None where it has not the form of an id: what is read from JSON was not looked at.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        RunId::parse(&["r_", self.0.strip_prefix("d_")?].concat())
    }
}

public_id!(
    /// A connection, `c_…`.
    ConnectionId,
    "c_"
);
public_id!(
    /// A run's log line, `rl_…`.
    RunLogId,
    "rl_"
);
public_id!(
    /// The organisation, `org_…`.
    OrganizationId,
    "org_"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_published_form_and_grow_with_time() {
        let early = RunId::mint(Timestamp::from_micros(1_767_323_045_678_000), u64::MAX);
        let late = RunId::mint(Timestamp::from_micros(1_767_323_045_679_000), 0);
        assert_eq!(early.as_str().len(), 18);
        assert!(early < late);
        assert_eq!(RunId::parse(early.as_str()), Some(early));
        assert_eq!(RunId::parse("r_short"), None);
        assert_eq!(RunId::parse("d_0123456789abcdef"), None);
    }

    #[test]
    fn a_delivery_is_called_as_its_run_is() {
        let run = RunId::parse("r_0123456789abcdef").unwrap();
        let delivery = DeliveryId::of(&run);
        assert_eq!(delivery.as_str(), "d_0123456789abcdef");
        assert_eq!(DeliveryId::parse(delivery.as_str()), Some(delivery.clone()));
        assert!(delivery.is_of(&run));
        assert_eq!(delivery.run().as_ref(), Some(&run));
        let other = DeliveryId::parse("d_0123456789abcdeg").unwrap();
        assert!(!other.is_of(&run));
        for alias in [
            "r_0123456789abcdef",
            "x_0123456789abcdef",
            "0123456789abcdef",
            "d_",
            "",
        ] {
            let alias: DeliveryId = serde_json::from_value(alias.into()).unwrap();
            assert!(!alias.is_of(&run));
            assert_eq!(alias.run(), None, "{alias}");
        }
    }
}
