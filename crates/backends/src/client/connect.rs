//! From a URL to a connection: resolve, check each address, connect to exactly the checked one.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use super::exchange::{NotSent, NotSentCause};
use super::proxy::{ProxyRules, ProxyServer, check_unresolved};
use super::resolve::Resolve;
use super::rules::{AddressFault, NetworkRules};
use super::stream::Stream;
use super::tls::handshake_failure;
use crate::target::{Scheme, Target};

/// How many addresses of one name are tried.
pub const MAX_ADDRESSES: usize = 8;

/// Why there is no connection.
pub(super) enum Failure {
    Forbidden(AddressFault),
    NotSent(NotSent),
}

impl From<NotSent> for Failure {
    fn from(failure: NotSent) -> Self {
        Self::NotSent(failure)
    }
}

impl From<AddressFault> for Failure {
    fn from(fault: AddressFault) -> Self {
        Self::Forbidden(fault)
    }
}

pub(super) struct Connector {
    pub(super) rules: NetworkRules,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) proxies: ProxyRules,
    pub(super) bind: Vec<IpAddr>,
}

impl Connector {
    /// A connection over which `target` can be called, or why there is none.
    pub(super) async fn connect(
        &self,
        target: &Target,
        tls: &Arc<ClientConfig>,
        limit: Duration,
    ) -> Result<Stream, Failure> {
        let deadline = Instant::now() + limit;
        timeout_at(deadline, self.connect_by(target, tls, deadline))
            .await
            .unwrap_or_else(|_| Err(timed_out(limit).into()))
    }

    async fn connect_by(
        &self,
        target: &Target,
        tls: &Arc<ClientConfig>,
        deadline: Instant,
    ) -> Result<Stream, Failure> {
        let tcp = self.tcp(target, deadline).await?;
        match target.scheme() {
            Scheme::Http => Ok(Stream::Plain(tcp)),
            Scheme::Https => Ok(Stream::Tls(Box::new(encrypt(tcp, target, tls).await?))),
        }
    }

    /// A connection to the receiver, or to it through the proxy's tunnel.
    pub(super) async fn tcp(
        &self,
        target: &Target,
        deadline: Instant,
    ) -> Result<TcpStream, Failure> {
        match self.proxies.proxy_for(target) {
            None => {
                let host = target.host().ok_or_else(no_host)?;
                let addresses = self.addresses(&host, target.port()).await?;
                let addresses = permitted(addresses, |address| self.rules.check(address))?;
                Ok(self.dial(&addresses, deadline).await?)
            }
            Some(proxy) => {
                check_unresolved(&self.rules, target)?;
                let mut tcp = self.dial_proxy(proxy, deadline).await?;
                if target.scheme() == Scheme::Https {
                    proxy.open_tunnel(&mut tcp, target).await?;
                }
                Ok(tcp)
            }
        }
    }

    async fn dial_proxy(
        &self,
        proxy: &ProxyServer,
        deadline: Instant,
    ) -> Result<TcpStream, Failure> {
        let host = match &proxy.host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(v4) => Host::Ipv4(*v4),
            Host::Ipv6(v6) => Host::Ipv6(*v6),
        };
        let at_proxy = |failure: NotSent| NotSent {
            cause: NotSentCause::Proxy,
            ..failure
        };
        let addresses = self.addresses(&host, proxy.port).await.map_err(at_proxy)?;
        let addresses = permitted(addresses, NetworkRules::check_operator_chosen)?;
        Ok(self.dial(&addresses, deadline).await.map_err(at_proxy)?)
    }

    pub(super) async fn addresses(
        &self,
        host: &Host<&str>,
        port: u16,
    ) -> Result<Vec<SocketAddr>, NotSent> {
        let name = match host {
            Host::Domain(name) => name,
            Host::Ipv4(v4) => return Ok(vec![SocketAddr::from((*v4, port))]),
            Host::Ipv6(v6) => return Ok(vec![SocketAddr::from((*v6, port))]),
        };
        let mut found = self
            .resolver
            .resolve(name, port)
            .await
            .map_err(|error| NotSent::new(NotSentCause::Dns, error.to_string()))?;
        found.truncate(MAX_ADDRESSES);
        if found.is_empty() {
            return Err(NotSent::new(NotSentCause::Dns, "the name has no address"));
        }
        Ok(found)
    }

    /// Tries one address after another, each with its share of the time that is left.
    async fn dial(
        &self,
        addresses: &[SocketAddr],
        deadline: Instant,
    ) -> Result<TcpStream, NotSent> {
        let mut failure = NotSent::new(
            NotSentCause::Local,
            "no local address to bind to is of the receiver's address family",
        );
        for (index, address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let untried = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let share = left / untried;
            match self.open(*address) {
                Ok(None) => {}
                Ok(Some(socket)) => match timeout(share, socket.connect(*address)).await {
                    Ok(Ok(tcp)) => return Ok(tcp),
                    Ok(Err(error)) => failure = dial_failure(&error),
                    Err(_) => failure = timed_out(share),
                },
                Err(error) => failure = NotSent::new(NotSentCause::Local, error.to_string()),
            }
        }
        Err(failure)
    }

    /// A socket to reach `address` from; `None` where only the other family may be used.
    fn open(&self, address: SocketAddr) -> io::Result<Option<TcpSocket>> {
        let local = self
            .bind
            .iter()
            .find(|local| local.is_ipv4() == address.is_ipv4());
        if local.is_none() && !self.bind.is_empty() {
            return Ok(None);
        }
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_nodelay(true)?;
        if let Some(local) = local {
            socket.bind(SocketAddr::new(*local, 0))?;
        }
        Ok(Some(socket))
    }
}

/// Those of `addresses` that `check` permits; where it permits none, why not the first.
fn permitted(
    addresses: Vec<SocketAddr>,
    check: impl Fn(IpAddr) -> Result<(), AddressFault>,
) -> Result<Vec<SocketAddr>, Failure> {
    let mut fault = None;
    let mut permitted = Vec::with_capacity(addresses.len());
    for address in addresses {
        match check(address.ip()) {
            Ok(()) => permitted.push(address),
            Err(found) => fault = fault.or(Some(found)),
        }
    }
    match fault {
        Some(fault) if permitted.is_empty() => Err(fault.into()),
        _ => Ok(permitted),
    }
}

pub(super) async fn encrypt(
    tcp: TcpStream,
    target: &Target,
    tls: &Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, Failure> {
    let name = match target.host().ok_or_else(no_host)? {
        Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned())
            .map_err(|error| NotSent::new(NotSentCause::TlsName, error.to_string()))?,
        Host::Ipv4(v4) => ServerName::from(IpAddr::V4(v4)),
        Host::Ipv6(v6) => ServerName::from(IpAddr::V6(v6)),
    };
    let connected = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await;
    Ok(connected.map_err(|error| handshake_failure(&error))?)
}

fn dial_failure(error: &io::Error) -> NotSent {
    let cause = match error.kind() {
        ErrorKind::ConnectionRefused => NotSentCause::Refused,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            NotSentCause::Unreachable
        }
        ErrorKind::TimedOut => NotSentCause::ConnectTimeout,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => NotSentCause::Closed,
        _ => NotSentCause::Local,
    };
    NotSent::new(cause, error.to_string())
}

pub(super) fn timed_out(limit: Duration) -> NotSent {
    let detail = format!("not connected within {} ms", limit.as_millis());
    NotSent::new(NotSentCause::ConnectTimeout, detail)
}

pub(super) fn no_host() -> NotSent {
    NotSent::new(NotSentCause::Dns, "the URL has no host")
}
