//! The egress proxy: when it is used, and the tunnel through it.
//!
//! With a proxy the receiver's name is resolved by the proxy, so the address rules hold for the
//! proxy's own address, and for what can be seen without resolving; the rest is the proxy's duty.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use ipnet::IpNet;
use longshore_domain::secret::Secret;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Host, Url};

use super::exchange::{NotSent, NotSentCause};
use super::rules::{AddressFault, NetworkRules};
use crate::target::{Scheme, Target};

/// The longest head of a proxy's answer to CONNECT.
pub const MAX_TUNNEL_ANSWER_BYTES: usize = 8 * 1024;

/// Why a proxy setting cannot be used. Shows no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyFault {
    /// Not `http://[user:password@]host[:port]`.
    #[error("{0}: expected http://[user:password@]host:port")]
    Url(&'static str),
    /// An entry of the list of exceptions that is neither name, address nor range.
    #[error("no_proxy: \"{0}\" is not a host name, address or range")]
    Exception(String),
}

/// Which calls go through which proxy; from the operator's configuration alone.
#[derive(Clone, Debug, Default)]
pub struct ProxyRules {
    http: Option<ProxyServer>,
    https: Option<ProxyServer>,
    exceptions: Vec<Exception>,
}

impl ProxyRules {
    /// Reads the values of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; empty ones count as none.
    ///
    /// # Errors
    /// Which value is wrong.
    pub fn parse(
        http: Option<&str>,
        https: Option<&str>,
        no_proxy: Option<&str>,
    ) -> Result<Self, ProxyFault> {
        let exceptions = no_proxy
            .unwrap_or("")
            .split([',', ' '])
            .filter(|entry| !entry.is_empty())
            .map(Exception::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            http: ProxyServer::parse("http proxy", http)?,
            https: ProxyServer::parse("https proxy", https)?,
            exceptions,
        })
    }

    /// The proxy that a call to `target` goes through.
    pub(super) fn proxy_for(&self, target: &Target) -> Option<&ProxyServer> {
        let proxy = match target.scheme() {
            Scheme::Http => self.http.as_ref(),
            Scheme::Https => self.https.as_ref(),
        }?;
        let host = target.host()?;
        let direct = self
            .exceptions
            .iter()
            .any(|exception| exception.matches(&host, target.port()));
        (!direct).then_some(proxy)
    }
}

/// A forward proxy, spoken to by plain HTTP.
#[derive(Clone)]
pub(super) struct ProxyServer {
    pub(super) host: Host<String>,
    pub(super) port: u16,
    authorization: Option<Secret<String>>,
}

impl ProxyServer {
    fn parse(name: &'static str, text: Option<&str>) -> Result<Option<Self>, ProxyFault> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let url = Url::parse(text).map_err(|_| ProxyFault::Url(name))?;
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        if url.scheme() != "http" || !bare {
            return Err(ProxyFault::Url(name));
        }
        let host = url.host().ok_or(ProxyFault::Url(name))?.to_owned();
        let authorization = (!url.username().is_empty()).then(|| {
            let mut pair = percent_decode_str(url.username()).collect::<Vec<u8>>();
            pair.push(b':');
            pair.extend(percent_decode_str(url.password().unwrap_or("")));
            Secret::new(format!("Basic {}", STANDARD.encode(pair)))
        });
        Ok(Some(Self {
            host,
            port: url.port().unwrap_or(80),
            authorization,
        }))
    }

    /// The `Proxy-Authorization` header for requests in absolute form.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(self.authorization.as_ref()?.expose()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Asks for a tunnel to `target` over `stream`.
    pub(super) async fn open_tunnel(
        &self,
        stream: &mut TcpStream,
        target: &Target,
    ) -> Result<(), NotSent> {
        let to = target.host_and_port();
        let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
        if let Some(authorization) = &self.authorization {
            request.push_str("Proxy-Authorization: ");
            request.push_str(authorization.expose());
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        let broke = |error: std::io::Error| NotSent::new(NotSentCause::Proxy, error.to_string());
        stream.write_all(request.as_bytes()).await.map_err(broke)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= MAX_TUNNEL_ANSWER_BYTES {
                return Err(refused("its answer to CONNECT is too long"));
            }
            // Bytes after the head belong to the tunnel, so none is read too many.
            head.push(stream.read_u8().await.map_err(broke)?);
        }
        match tunnel_status(&head) {
            Some(200..=299) => Ok(()),
            Some(407) => Err(refused("it asks for credentials (407)")),
            Some(status) => Err(refused(&format!("it answered CONNECT with {status}"))),
            None => Err(refused("its answer to CONNECT is not HTTP")),
        }
    }
}

impl fmt::Debug for ProxyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyServer({}:{})", self.host, self.port)
    }
}

fn refused(detail: &str) -> NotSent {
    NotSent::new(NotSentCause::Proxy, detail)
}

fn tunnel_status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let rest = line
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| line.strip_prefix("HTTP/1.0 "))?;
    rest.get(..3)?.parse().ok()
}

/// What goes past the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    Everything,
    /// The name and everything below it.
    Domain(String, Option<u16>),
    Range(IpNet),
    Address(IpAddr, Option<u16>),
}

impl Exception {
    fn parse(entry: &str) -> Result<Self, ProxyFault> {
        if entry == "*" {
            return Ok(Self::Everything);
        }
        if let Ok(range) = entry.parse() {
            return Ok(Self::Range(range));
        }
        if let Ok(address) = entry.trim_matches(['[', ']']).parse() {
            return Ok(Self::Address(address, None));
        }
        let wrong = || ProxyFault::Exception(entry.to_owned());
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| wrong())?)),
            None => (entry, None),
        };
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Ok(Self::Address(address, port));
        }
        let name = host.trim_start_matches("*.").trim_start_matches('.');
        match Host::parse(name) {
            Ok(Host::Domain(name)) if !name.is_empty() => {
                Ok(Self::Domain(name.trim_end_matches('.').to_owned(), port))
            }
            _ => Err(wrong()),
        }
    }

    fn matches(&self, host: &Host<&str>, port: u16) -> bool {
        let port_matches = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match self {
            Self::Everything => true,
            Self::Domain(name, wanted) => {
                let Host::Domain(host) = host else {
                    return false;
                };
                let host = host.trim_end_matches('.');
                let below = host.strip_suffix(name.as_str());
                port_matches(wanted)
                    && below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Self::Range(range) => literal(host).is_some_and(|address| range.contains(&address)),
            Self::Address(wanted_address, wanted) => {
                port_matches(wanted) && literal(host) == Some(*wanted_address)
            }
        }
    }
}

fn literal(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(v4) => Some(IpAddr::V4(*v4)),
        Host::Ipv6(v6) => Some(IpAddr::V6(*v6)),
    }
}

/// Names whose address is known to everybody; a proxy must not be asked for them either.
const KNOWN_NAMES: [(&str, Ipv4Addr); 3] = [
    ("localhost", Ipv4Addr::LOCALHOST),
    (
        "metadata.google.internal",
        Ipv4Addr::new(169, 254, 169, 254),
    ),
    ("metadata.goog", Ipv4Addr::new(169, 254, 169, 254)),
];

/// Refuses what can be seen to be forbidden without resolving.
pub(super) fn check_unresolved(rules: &NetworkRules, target: &Target) -> Result<(), AddressFault> {
    let Some(host) = target.host() else {
        return Ok(());
    };
    if let Some(address) = literal(&host) {
        return rules.check(address);
    }
    let Host::Domain(name) = host else {
        return Ok(());
    };
    let name = name.trim_end_matches('.');
    for (known, address) in KNOWN_NAMES {
        let below = name.strip_suffix(known);
        if below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.')) {
            rules.check(IpAddr::V4(address))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_go_past_the_proxy() {
        let no_proxy = "localhost, .corp.example,*.svc.example internal.example:8443,\
                        10.0.0.0/8,192.168.1.5,[2606:4700::1]:8080";
        let proxy = Some("http://proxy.example:3128");
        let rules = ProxyRules::parse(proxy, proxy, Some(no_proxy)).unwrap();
        let table = [
            ("https://api.example/x", true),
            ("http://localhost/x", false),
            ("http://LOCALHOST./x", false),
            ("https://corp.example/x", false),
            ("https://a.b.corp.example/x", false),
            ("https://notcorp.example/x", true),
            ("https://a.svc.example/x", false),
            ("https://internal.example:8443/x", false),
            ("https://internal.example/x", true),
            ("http://10.1.2.3/x", false),
            ("http://11.1.2.3/x", true),
            ("http://192.168.1.5:99/x", false),
            ("http://[2606:4700::1]:8080/x", false),
            ("http://[2606:4700::1]/x", true),
        ];
        for (url, proxied) in table {
            let target = Target::parse(url).unwrap();
            assert_eq!(rules.proxy_for(&target).is_some(), proxied, "{url}");
        }
        let everything = ProxyRules::parse(proxy, proxy, Some("*")).unwrap();
        let target = Target::parse("https://api.example").unwrap();
        assert!(everything.proxy_for(&target).is_none());
        let http_only = ProxyRules::parse(proxy, Some(""), None).unwrap();
        assert!(http_only.proxy_for(&target).is_none());
    }

    #[test]
    fn wrong_settings_are_told_without_their_credentials() {
        for text in [
            "proxy.example:3128",
            "https://u:S3CR3T@p:1",
            "socks5://u:S3CR3T@p",
            "http://u:S3CR3T@p/x",
        ] {
            let fault = ProxyRules::parse(Some(text), None, None).unwrap_err();
            assert_eq!(fault, ProxyFault::Url("http proxy"));
            assert!(!fault.to_string().contains("S3CR3T"));
        }
        for entry in ["a b:c", "http://x", "x:99999999", "."] {
            assert!(
                ProxyRules::parse(None, None, Some(entry)).is_err(),
                "{entry}"
            );
        }
    }

    #[test]
    fn debug_shows_no_credentials() {
        let rules = ProxyRules::parse(Some("http://user:S3CR3T@p:1"), None, None).unwrap();
        assert_eq!(
            rules.http.as_ref().map(|proxy| format!("{proxy:?}")),
            Some("ProxyServer(p:1)".to_owned())
        );
        assert!(!format!("{rules:?}").contains("S3CR3T"));
    }

    #[test]
    fn what_is_forbidden_by_its_looks_is_not_asked_of_a_proxy() {
        let table = [
            ("https://api.example", true),
            ("https://localhost.example", true),
            ("https://8.8.8.8", true),
            ("https://localhost", false),
            ("https://a.localhost.", false),
            ("https://metadata.google.internal", false),
            ("http://0x7f.1", false),
            ("http://[::ffff:169.254.169.254]", false),
            ("http://10.0.0.1", false),
        ];
        for (url, passes) in table {
            let target = Target::parse(url).unwrap();
            let checked = check_unresolved(&NetworkRules::default(), &target);
            assert_eq!(checked.is_ok(), passes, "{url}");
        }
    }
}
