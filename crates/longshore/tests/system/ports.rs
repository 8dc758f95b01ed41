//! Ports for what goes and comes back at the same place.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// Ports that no outgoing connection is given: while whoever has one is down, nothing takes it.
const PORTS: std::ops::Range<u16> = 15_000..30_000;

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    free_ports(1)[0]
}

/// So many different ones.
pub(crate) fn free_ports(count: usize) -> Vec<u16> {
    let drawn = std::iter::repeat_with(|| {
        let drawn = RandomState::new().hash_one(0) % PORTS.len() as u64;
        PORTS.start + u16::try_from(drawn).unwrap()
    });
    // Held until all are chosen, so that none is chosen twice.
    let bound = drawn.filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    let held: Vec<TcpListener> = bound.take(count).collect();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    held.iter().map(port).collect()
}
