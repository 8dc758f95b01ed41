//! The forms a setting's text may have. Each parser says what it expected.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use url::{Host, Url};

use super::mistake::Problem;

/// The fewest bytes of a secret (contract: they are keys for signatures and encryption).
const SECRET_BYTES: usize = 32;
/// The most bytes of a secret; more is a wrong file.
const SECRET_BYTES_MOST: usize = 512;
/// The longest host name that DNS knows, and a port.
const ENTRY_BYTES: usize = 253 + 6;

/// What a secret must be.
pub(super) const SECRET_FORM: &str = "a secret of 32 to 512 bytes on one line";
/// What a proxy's address must be.
pub(super) const PROXY_FORM: &str = "a proxy as http://[user:password@]host[:port]";

pub(super) fn secret(text: &str) -> Option<String> {
    let fits = (SECRET_BYTES..=SECRET_BYTES_MOST).contains(&text.len());
    (fits && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

pub(super) fn proxy(text: &str) -> Option<String> {
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&with_scheme).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    (url.scheme() == "http" && bare).then(|| url.as_str().trim_end_matches('/').to_owned())
}

pub(super) fn socket(text: &str) -> Result<SocketAddr, Problem> {
    text.parse().map_err(|_| {
        Problem::invalid(
            text,
            "an IP address and a port, such as 0.0.0.0:3000 or [::1]:3000",
        )
    })
}

pub(super) fn address(text: &str) -> Result<IpAddr, Problem> {
    text.parse()
        .map_err(|_| Problem::invalid(text, "an IP address"))
}

/// An address or a range of them, as given.
pub(super) fn address_or_range(text: &str) -> Result<String, Problem> {
    if text.parse::<IpAddr>().is_ok() || text.parse::<IpNet>().is_ok() {
        return Ok(text.to_owned());
    }
    Err(Problem::invalid(
        text,
        "an IP address, or a range such as 203.0.113.0/24",
    ))
}

/// A range that outgoing calls may reach; a single address is a range of one.
pub(super) fn reachable_range(text: &str) -> Result<IpNet, Problem> {
    let range = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| Problem::invalid(text, "an address range such as 10.0.0.0/8 or fd00::/8"))?
        .trunc();
    let within = |outer: &str| outer.parse::<IpNet>().is_ok_and(|net| net.contains(&range));
    if within("::ffff:0:0/96") {
        return Err(Problem::invalid(
            text,
            "the range's IPv4 form: mapped addresses are compared as IPv4",
        ));
    }
    if ["169.254.0.0/16", "fe80::/10"].into_iter().any(within) {
        return Err(Problem::invalid(
            text,
            "a range that can be opened: link-local addresses stay closed",
        ));
    }
    Ok(range)
}

/// An entry of the list of receivers that are called without the proxy.
pub(super) fn unproxied(text: &str) -> Result<String, Problem> {
    let is_address = |text: &str| text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let host = match text.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => text,
    };
    let domain = host.trim_start_matches("*.").trim_start_matches('.');
    let is_domain = matches!(Host::parse(domain), Ok(Host::Domain(name)) if !name.is_empty());
    let known = text == "*" || text.parse::<IpNet>().is_ok() || is_address(text);
    if text.len() <= ENTRY_BYTES && (known || is_address(host) || is_domain) {
        return Ok(text.to_owned());
    }
    Err(Problem::invalid(
        text,
        "a domain or address, both also with a port, a range or `*`",
    ))
}

/// An address that paths are appended to, without the slash at its end.
pub(super) fn base_url(text: &str) -> Result<String, Problem> {
    let wrong = |found: &str| {
        Problem::invalid(
            found,
            "an http:// or https:// address without user, query or fragment",
        )
    };
    let url = Url::parse(text).map_err(|_| wrong(text))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("(an address with a user name or password)"));
    }
    let bare = url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !bare {
        return Err(wrong(text));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// What a password of another system must be: how long it is, is that system's business.
pub(super) const PASSWORD_FORM: &str = "a password of 1 to 512 bytes on one line";

pub(super) fn password(text: &str) -> Option<String> {
    let fits = (1..=SECRET_BYTES_MOST).contains(&text.len());
    (fits && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// A host and its port.
pub(super) fn host_and_port(text: &str) -> Result<String, Problem> {
    let known = |(host, port): (&str, &str)| {
        Host::parse(host).is_ok() && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    if text.len() <= ENTRY_BYTES && text.rsplit_once(':').is_some_and(known) {
        return Ok(text.to_owned());
    }
    Err(Problem::invalid(
        text,
        "a host and a port, such as kafka.example.com:9092",
    ))
}

/// A PEM file that is there and holds a certificate.
pub(super) fn certificates(text: &str) -> Result<Named, Problem> {
    let path = PathBuf::from(text);
    let pem = super::layers::read_text(&path)?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(Problem::Unreadable {
            path,
            cause: "it holds no PEM certificate".to_owned(),
        });
    }
    Ok(Named(path))
}

/// A directory, there or yet to be made.
pub(super) fn directory(text: &str) -> Result<Named, Problem> {
    let path = Path::new(text);
    if text.is_empty() || text.contains('\0') || (path.exists() && !path.is_dir()) {
        return Err(Problem::invalid(text, "a directory"));
    }
    Ok(Named(path.to_owned()))
}

/// A path that shows itself as it was given.
pub(super) struct Named(pub(super) PathBuf);

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

/// A SQLite file that shows itself as the URL it was given as.
pub(super) struct SqliteFile(pub(super) PathBuf);

impl std::fmt::Display for SqliteFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sqlite:{}", self.0.display())
    }
}

/// The path of a SQLite file. Whatever else stands there is not repeated: it may hold a password.
pub(super) fn database(text: &str) -> Result<SqliteFile, Problem> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("postgres://") || lower.starts_with("postgresql://") {
        return Err(Problem::NotBuilt {
            what: "PostgreSQL",
            instead: "`sqlite:PATH`, or nothing for a file in the data directory",
        });
    }
    let path = text
        .strip_prefix("sqlite://")
        .or_else(|| text.strip_prefix("sqlite:"))
        .filter(|path| !path.is_empty() && !path.contains(['?', '\0']) && *path != ":memory:");
    path.map(|path| SqliteFile(PathBuf::from(path)))
        .ok_or_else(|| Problem::Invalid {
            found: "another form".to_owned(),
            expected: "`sqlite:PATH`".to_owned(),
        })
}

/// A text of `1..=most` ASCII letters, digits and the characters of `extra`.
pub(super) fn word<'a>(
    most: usize,
    extra: &'static str,
    expected: &'static str,
) -> impl Fn(&str) -> Result<String, Problem> + 'a {
    move |text| {
        let fits = (1..=most).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || extra.contains(c));
        if fits {
            return Ok(text.to_owned());
        }
        Err(Problem::invalid(text, expected))
    }
}
