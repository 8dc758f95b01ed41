//! Names to addresses. A seam, so that tests can answer for the network.

use std::io;
use std::net::SocketAddr;

use futures_util::future::BoxFuture;

/// Finds the addresses of a host name.
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, in the order in which they should be tried.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}
