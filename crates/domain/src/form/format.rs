//! Formats of text. Those that describe an editor (`markdown`, `multi-line`) or a name that only
//! the catalog knows (`entity`, `team`) accept every text.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::Url;

/// A format that text is checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    DateTime,
    Date,
    Time,
    Url,
    Uri,
    Email,
    User,
    Ipv4,
    Ipv6,
    Hostname,
    Uuid,
}

impl Format {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "date-time" => Self::DateTime,
            "date" => Self::Date,
            "time" => Self::Time,
            "url" => Self::Url,
            "uri" => Self::Uri,
            "email" => Self::Email,
            "idn-email" | "user" => Self::User,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "hostname" => Self::Hostname,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }

    pub(super) const fn described(self) -> &'static str {
        match self {
            Self::DateTime => "a date and time like 2026-01-02T03:04:05Z (RFC 3339)",
            Self::Date => "a date like 2026-01-02",
            Self::Time => "a time like 03:04:05Z",
            Self::Url => "a URL that starts with http://, https:// or ftp://",
            Self::Uri => "an absolute URI",
            Self::Email => "an e-mail address",
            Self::User => "a user's e-mail address",
            Self::Ipv4 => "an IPv4 address",
            Self::Ipv6 => "an IPv6 address",
            Self::Hostname => "a host name",
            Self::Uuid => "a UUID",
        }
    }

    pub(super) fn accepts(self, text: &str) -> bool {
        match self {
            Self::DateTime => is_date_time(text),
            Self::Date => is_date(text.as_bytes()),
            Self::Time => is_time(text.as_bytes()),
            Self::Url => is_url(text, |url| {
                matches!(url.scheme(), "http" | "https" | "ftp") && url.has_host()
            }),
            Self::Uri => is_url(text, |_| true),
            Self::Email => is_email(text),
            Self::User => is_address(text),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Hostname => is_hostname(text),
            Self::Uuid => is_uuid(text.as_bytes()),
        }
    }
}

/// RFC 3339, section 5.6.
fn is_date_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    match (bytes.get(..10), bytes.get(10), bytes.get(11..)) {
        (Some(date), Some(b'T' | b't' | b' '), Some(time)) => is_date(date) && is_time(time),
        _ => false,
    }
}

/// So many digits as a number.
fn digits(bytes: Option<&[u8]>) -> Option<u32> {
    bytes?.iter().try_fold(0, |number: u32, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

fn is_date(bytes: &[u8]) -> bool {
    let parts = (
        digits(bytes.get(..4)),
        digits(bytes.get(5..7)),
        digits(bytes.get(8..10)),
    );
    let (Some(year), Some(month), Some(day)) = parts else {
        return false;
    };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-' && (1..=days).contains(&day)
}

fn is_time(bytes: &[u8]) -> bool {
    let parts = (
        digits(bytes.get(..2)),
        digits(bytes.get(3..5)),
        digits(bytes.get(6..8)),
    );
    let (Some(0..=23), Some(0..=59), Some(0..=60)) = parts else {
        return false;
    };
    let Some(mut rest) = bytes
        .get(8..)
        .filter(|_| bytes[2] == b':' && bytes[5] == b':')
    else {
        return false;
    };
    if let [b'.', fraction @ ..] = rest {
        let len = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if len == 0 {
            return false;
        }
        rest = &fraction[len..];
    }
    match rest {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', hours @ .., b':', m1, m2] if hours.len() == 2 => {
            matches!(digits(Some(hours)), Some(0..=23))
                && matches!(digits(Some(&[*m1, *m2])), Some(0..=59))
        }
        _ => false,
    }
}

fn is_url(text: &str, fits: impl FnOnce(&Url) -> bool) -> bool {
    // The parser drops what browsers drop; a receiver may not.
    let is_plain = !text
        .chars()
        .any(|symbol| symbol.is_whitespace() || symbol.is_control());
    is_plain && !text.contains('\\') && Url::parse(text).is_ok_and(|url| fits(&url))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte))
    };
    local.len() <= 64
        && local.split('.').all(is_atom)
        && domain.contains('.')
        && is_hostname(domain)
}

/// What identifies a user: an address, perhaps of a host without a dot, perhaps not in ASCII.
fn is_address(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part
                .chars()
                .any(|symbol| symbol.is_whitespace() || symbol.is_control())
    };
    text.len() <= 320
        && text
            .rsplit_once('@')
            .is_some_and(|(local, domain)| is_part(local) && is_part(domain))
}

fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
