//! Host patterns of the whitelist: any, single address, CIDR or range, with the plugin's refusals.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A parsed host pattern or caller address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Any,
    Single(Number),
    /// Both ends included.
    Range(Number, Number),
}

/// An address as a number of its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    V4(u32),
    V6(u128),
}

impl Number {
    fn family(self) -> &'static str {
        match self {
            Self::V4(_) => "Ipv4",
            Self::V6(_) => "Ipv6",
        }
    }

    /// `None` where the families differ.
    fn at_most(self, other: Self) -> Option<bool> {
        match (self, other) {
            (Self::V4(left), Self::V4(right)) => Some(left <= right),
            (Self::V6(left), Self::V6(right)) => Some(left <= right),
            _ => None,
        }
    }
}

/// Whether a caller at `remote` is let in by `host`, else the plugin's reason.
pub fn admits(host: Option<&str>, remote: &str) -> Result<(), String> {
    let host = host.unwrap_or_default().trim();
    let remote = remote.trim();
    let pattern = parse(host)?;
    // The caller's address is parsed even for ANY.
    let caller = parse(remote)?;
    if host.eq_ignore_ascii_case(remote) || pattern == Pattern::Any {
        return Ok(());
    }
    let (low, high, kind) = match pattern {
        Pattern::Any => return Ok(()),
        Pattern::Single(number) => (number, number, None),
        Pattern::Range(low, high) => (low, high, Some("range")),
    };
    let other_family = || format!("{remote} is not of same IP version as statically defined IP.");
    let (from, to) = match caller {
        Pattern::Any => return Err(other_family()),
        Pattern::Single(number) => (number, number),
        Pattern::Range(from, to) => (from, to),
    };
    let inside = low
        .at_most(from)
        .and_then(|above| Some(above && to.at_most(high)?))
        .ok_or_else(other_family)?;
    match (inside, kind) {
        (true, _) => Ok(()),
        (false, None) => Err(format!(
            "{remote} did not match statically defined {}.",
            low.family()
        )),
        (false, Some(kind)) => Err(format!("{remote} did not match {} {kind}.", low.family())),
    }
}

fn parse(text: &str) -> Result<Pattern, String> {
    if text.is_empty() {
        return Ok(Pattern::Any);
    }
    if let Some((left, right)) = two_sides(text, '/') {
        return range(text, left, |family| cidr(left, right, family));
    }
    if let Some((left, right)) = two_sides(text, '-') {
        return range(text, left, |family| span(left, right, family));
    }
    // The family is told by what stands before a `-`; the whole text must then be of it.
    let head = text.split('-').next().unwrap_or_default();
    let family = family(head).ok_or_else(|| format!("{text} is not a valid IP string literal."))?;
    number(text, family).map(Pattern::Single).ok_or_else(|| {
        let version = &family[2..];
        format!(
            "{text} is not a valid {family} string literal. Invalid IP{version} address: '{text}'"
        )
    })
}

/// Exactly one separator with text on both sides.
fn two_sides(text: &str, separator: char) -> Option<(&str, &str)> {
    let (left, right) = text.split_once(separator)?;
    (!left.is_empty() && !right.is_empty() && !right.contains(separator)).then_some((left, right))
}

fn range(
    text: &str,
    left: &str,
    bounds: impl FnOnce(&'static str) -> Option<(Number, Number)>,
) -> Result<Pattern, String> {
    let family = family(left).ok_or_else(|| format!("{text} is not an Ipv4 string literal."))?;
    bounds(family)
        .map(|(low, high)| Pattern::Range(low, high))
        .ok_or_else(|| format!("{text} cannot be parsed as {family} string literal."))
}

/// Which family a text is taken for. IPv4-mapped IPv6 counts as IPv4, and then fails as such.
fn family(text: &str) -> Option<&'static str> {
    match text.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(_) => Some("Ipv4"),
        IpAddr::V6(_) => Some("Ipv6"),
    }
}

fn number(text: &str, family: &str) -> Option<Number> {
    if family == "Ipv4" {
        let address: Ipv4Addr = text.parse().ok()?;
        return Some(Number::V4(address.to_bits()));
    }
    let address: Ipv6Addr = text.parse().ok()?;
    Some(Number::V6(address.to_bits()))
}

fn span(left: &str, right: &str, family: &str) -> Option<(Number, Number)> {
    let (low, high) = (number(left, family)?, number(right, family)?);
    low.at_most(high)?.then_some((low, high))
}

/// Only aligned blocks are accepted; a mask is a number of bits.
fn cidr(left: &str, right: &str, family: &str) -> Option<(Number, Number)> {
    if !right.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let bits: u32 = right.parse().ok()?;
    match number(left, family)? {
        Number::V4(low) => {
            let host = u32::MAX.checked_shr(bits).unwrap_or(0);
            (bits <= 32 && low & host == 0).then_some((Number::V4(low), Number::V4(low | host)))
        }
        Number::V6(low) => {
            let host = u128::MAX.checked_shr(bits).unwrap_or(0);
            (bits <= 128 && low & host == 0).then_some((Number::V6(low), Number::V6(low | host)))
        }
    }
}
