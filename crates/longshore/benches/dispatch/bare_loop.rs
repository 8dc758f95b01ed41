//! (a) The bare loop: the load generator signs and POSTs to the sink itself.

use std::net::SocketAddr;

use anyhow::Result;

use crate::rig::load::Load;
use crate::rig::trial::Measured;
use crate::rig::{SECRET, body};

/// Nothing between the load generator and the sink.
pub(crate) struct BareLoop {
    pub(crate) sink: SocketAddr,
}

impl Measured for BareLoop {
    fn load(&self) -> Result<Load> {
        Ok(Load {
            address: self.sink,
            path: "/hook".into(),
            token: None,
            body: body::plain(),
            secret: Some(SECRET.into()),
            expected_status: 200,
            connections: 0,
            runs: 0,
            per_second: None,
        })
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn is_settled(&mut self, _runs: u64) -> Result<bool> {
        Ok(true)
    }
}
