//! The client against receivers, certificates and proxies on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share fails like a test"
)]

mod check;
mod client;
mod proxy;
mod support;
mod tls;
