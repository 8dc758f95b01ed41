//! A URL that may be called: read strictly, so that what was checked is what is called.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use http::uri::PathAndQuery;
use url::{Position, Url};

/// The longest URL that is called.
pub const MAX_URL_BYTES: usize = 8 * 1024;

/// The scheme of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// Why a text is not a URL that may be called. Shows none of the URL: it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Longer than [`MAX_URL_BYTES`].
    #[error("it is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
    /// Neither `http://` nor `https://` stands in front.
    #[error("it does not begin with http:// or https://")]
    Scheme,
    /// A space, a line break or another control character.
    #[error("it holds a space or a control character at byte {0}")]
    Character(usize),
    /// A backslash, which some readers take for a slash.
    #[error("it holds a backslash at byte {0}")]
    Backslash(usize),
    /// A user name or password before the host.
    #[error("it holds a user name or password; send credentials in a header")]
    UserInfo,
    /// A path segment `.` or `..`, also percent-encoded.
    #[error("its path holds a dot segment (\".\" or \"..\")")]
    DotSegment,
    /// No host, or one that is neither a name nor an address.
    #[error("its host is missing or not a host name or address")]
    Host,
    /// A port that is no number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// A path or query that cannot stand in a request.
    #[error("its path or query is not valid")]
    Path,
}

/// A URL as it is called: no credentials, no fragment, no dot segments. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    url: Url,
    scheme: Scheme,
    port: u16,
    origin: String,
    authority: HeaderValue,
    path_and_query: PathAndQuery,
}

impl Target {
    /// Reads `text`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        let scheme = check_text(text)?;
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::InvalidPort => UrlFault::Port,
            _ => UrlFault::Host,
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlFault::UserInfo);
        }
        let port = url.port_or_known_default().filter(|port| *port != 0);
        let port = port.ok_or(UrlFault::Port)?;
        let host = url.host_str().ok_or(UrlFault::Host)?;
        let name = match scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let origin = format!("{name}://{host}:{port}");
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        let authority = HeaderValue::from_str(authority).map_err(|_| UrlFault::Host)?;
        let path_and_query = url[Position::BeforePath..Position::AfterQuery]
            .parse()
            .map_err(|_| UrlFault::Path)?;
        Ok(Self(Arc::new(Parts {
            scheme,
            port,
            origin,
            authority,
            path_and_query,
            url,
        })))
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.0.scheme
    }

    /// The host, normalised: lower case, punycode, addresses in their usual form.
    #[must_use]
    pub fn host(&self) -> Option<url::Host<&str>> {
        self.0.url.host()
    }

    /// The port, written or implied.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// `scheme://host:port`, always with the port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// `host:port`, for people.
    #[must_use]
    pub fn host_and_port(&self) -> &str {
        self.0
            .origin
            .split_once("://")
            .map_or(self.0.origin.as_str(), |(_, rest)| rest)
    }

    /// The path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.url.path()
    }

    /// Path and query, as the request line carries them.
    #[must_use]
    pub fn path_and_query(&self) -> &PathAndQuery {
        &self.0.path_and_query
    }

    /// The `Host` header: the port only where it was written and is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> &HeaderValue {
        &self.0.authority
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0.url
    }
}

/// Path and query are left out: they may hold a token.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({}/…)", self.0.origin)
    }
}

/// What the URL parser would silently mend, and so must be looked for in the text itself.
fn check_text(text: &str) -> Result<Scheme, UrlFault> {
    if text.len() > MAX_URL_BYTES {
        return Err(UrlFault::TooLong);
    }
    if let Some(at) = text.find(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(UrlFault::Character(at));
    }
    if let Some(at) = text.find('\\') {
        return Err(UrlFault::Backslash(at));
    }
    let (scheme, rest) = text.split_once("://").ok_or(UrlFault::Scheme)?;
    let scheme = match scheme {
        _ if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
        _ if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
        _ => return Err(UrlFault::Scheme),
    };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(authority_end);
    if authority.is_empty() {
        return Err(UrlFault::Host);
    }
    if authority.contains('@') {
        return Err(UrlFault::UserInfo);
    }
    let path = rest.split(['?', '#']).next().unwrap_or("");
    if path.split('/').any(is_dot_segment) {
        return Err(UrlFault::DotSegment);
    }
    Ok(scheme)
}

/// `.` and `..`, where each dot may be written `%2e`, and a slash `%2f` ends a segment as well:
/// receivers differ in when they decode it.
fn is_dot_segment(segment: &str) -> bool {
    // A parameter after `;` is cut off by servlet containers before they resolve dots.
    let dots = |part: &str| matches!(part.split(';').next(), Some("." | ".."));
    if !segment.contains('%') {
        return dots(segment);
    }
    let decoded = segment
        .to_ascii_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/");
    decoded.split('/').any(dots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_into_what_is_called() {
        let target =
            Target::parse("HTTPS://Jenkins.Example.com/ci/invoke?token=a%20b#top").unwrap();
        assert_eq!(target.scheme(), Scheme::Https);
        assert_eq!(target.origin(), "https://jenkins.example.com:443");
        assert_eq!(target.host_and_port(), "jenkins.example.com:443");
        assert_eq!(target.authority(), "jenkins.example.com");
        assert_eq!(target.path_and_query(), "/ci/invoke?token=a%20b");
        assert_eq!(target.path(), "/ci/invoke");
        let target = Target::parse("http://[2606:4700:0::1111]:8080").unwrap();
        assert_eq!(target.origin(), "http://[2606:4700::1111]:8080");
        assert_eq!(target.authority(), "[2606:4700::1111]:8080");
        assert_eq!(target.path_and_query(), "/");
    }

    #[test]
    fn every_way_to_write_an_address_is_seen_as_that_address() {
        let table = [
            ("http://0", "http://0.0.0.0:80"),
            ("http://127.1", "http://127.0.0.1:80"),
            ("http://2130706433", "http://127.0.0.1:80"),
            ("http://0x7f000001", "http://127.0.0.1:80"),
            ("http://0x7f.1", "http://127.0.0.1:80"),
            ("http://017700000001", "http://127.0.0.1:80"),
            ("http://0177.0.0.01", "http://127.0.0.1:80"),
            ("http://127.0.0.1.", "http://127.0.0.1:80"),
            ("http://%31%32%37.0.0.1", "http://127.0.0.1:80"),
            ("http://①②⑦.⓪.⓪.①", "http://127.0.0.1:80"),
            ("http://[::ffff:7f00:1]", "http://[::ffff:7f00:1]:80"),
            ("http://0xa9fea9fe", "http://169.254.169.254:80"),
        ];
        for (text, origin) in table {
            let target = Target::parse(text).unwrap();
            assert_eq!(target.origin(), origin, "{text}");
            assert!(
                !matches!(target.host(), Some(url::Host::Domain(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn what_a_reader_could_take_differently_is_refused() {
        let long = format!("http://h/{}", "a".repeat(MAX_URL_BYTES));
        let table = [
            (long.as_str(), UrlFault::TooLong),
            ("", UrlFault::Scheme),
            ("jenkins.example.com/x", UrlFault::Scheme),
            ("ftp://h/x", UrlFault::Scheme),
            ("http:/h/x", UrlFault::Scheme),
            ("http:h", UrlFault::Scheme),
            ("javascript://h/x", UrlFault::Scheme),
            ("http:///h/x", UrlFault::Host),
            ("http://?x", UrlFault::Host),
            ("http://:80/x", UrlFault::Host),
            ("http://h h/x", UrlFault::Character(8)),
            (" http://h/x", UrlFault::Character(0)),
            ("http://h/x\r\nX: y", UrlFault::Character(10)),
            ("http://h/\u{a0}x", UrlFault::Character(9)),
            ("ht\ttp://h/x", UrlFault::Character(2)),
            ("http://h\\@evil/x", UrlFault::Backslash(8)),
            ("http://h/a\\..\\b", UrlFault::Backslash(10)),
            ("http://u:p@h/x", UrlFault::UserInfo),
            ("http://@h/x", UrlFault::UserInfo),
            ("http://u@h", UrlFault::UserInfo),
            ("http://h/a/../b", UrlFault::DotSegment),
            ("http://h/./b", UrlFault::DotSegment),
            ("http://h/..", UrlFault::DotSegment),
            ("http://h/a/%2e%2E/b", UrlFault::DotSegment),
            ("http://h/a/.%2e/b", UrlFault::DotSegment),
            ("http://h/a%2f..%2fb", UrlFault::DotSegment),
            ("http://h/a/..;x=1/b", UrlFault::DotSegment),
            ("http://h/a/..%5cb", UrlFault::DotSegment),
            ("http://h:0/x", UrlFault::Port),
            ("http://h:99999/x", UrlFault::Port),
            ("http://h:x/x", UrlFault::Port),
            ("http://[::1/x", UrlFault::Host),
            ("http://[fe80::1%25eth0]/x", UrlFault::Host),
            ("http://1.2.3.4.5.999999/x", UrlFault::Host),
            ("http://a<b/x", UrlFault::Host),
        ];
        for (text, fault) in table {
            assert_eq!(Target::parse(text).map(|_| ()), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn dots_that_are_no_segments_pass() {
        for text in [
            "http://h/a..b/.well-known/c.",
            "http://h/x?next=../y",
            "http://h/x#/../y",
            "http://h/...",
            "http://h//x",
        ] {
            assert!(Target::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn neither_debug_nor_faults_show_path_or_query() {
        let target = Target::parse("https://h/hooks/S3CR3T?token=S3CR3T").unwrap();
        assert!(!format!("{target:?}").contains("S3CR3T"));
        let fault = Target::parse("https://S3CR3T:x@h/").unwrap_err();
        assert!(!fault.to_string().contains("S3CR3T"));
    }
}
