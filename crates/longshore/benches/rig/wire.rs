//! HTTP/1.1 on one connection, as little of it as both ends of a measurement need.
//!
//! Every message states its length; anything else is an error. Cheap on purpose: what the load
//! generator and the sink use is missing to what is measured.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use memchr::{memchr, memmem};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEAD_END: &[u8] = b"\r\n\r\n";
const MESSAGE_BYTES_LIMIT: usize = 4 << 20;
const READ_BYTES: usize = 16 * 1024;

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How much of the buffer the last message took.
    taken: usize,
}

/// A message; it holds until the next one is read.
pub(crate) struct Message<'a> {
    head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await;
        Self::new(stream.with_context(|| format!("cannot connect to {address}"))?)
    }

    pub(crate) fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(READ_BYTES),
            taken: 0,
        })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// The next message; none where the peer has ended the connection.
    pub(crate) async fn receive(&mut self) -> Result<Option<Message<'_>>> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let head = loop {
            if let Some(at) = memmem::find(&self.buffer, HEAD_END) {
                break at + HEAD_END.len();
            }
            if !self.fill().await? {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                bail!("the connection ended within a message");
            }
        };
        let length = header(&self.buffer[..head], "content-length");
        let length: usize = match length {
            Some(text) => text.parse().context("content-length")?,
            None => bail!("a message without a length"),
        };
        while self.buffer.len() < head + length {
            if head + length > MESSAGE_BYTES_LIMIT || !self.fill().await? {
                bail!("a message was cut off");
            }
        }
        self.taken = head + length;
        let (head, body) = self.buffer[..self.taken].split_at(head);
        Ok(Some(Message { head, body }))
    }

    async fn fill(&mut self) -> Result<bool> {
        self.buffer.reserve(READ_BYTES);
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }
}

impl<'a> Message<'a> {
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        header(self.head, name)
    }

    /// The status of an answer.
    pub(crate) fn status(&self) -> Option<u16> {
        let text = self.head.get(9..12)?;
        std::str::from_utf8(text).ok()?.parse().ok()
    }
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let mut rest = head;
    loop {
        rest = rest.get(memchr(b'\n', rest)? + 1..)?;
        let Some((found, after)) = rest.split_at_checked(name.len()) else {
            continue;
        };
        if after.first() == Some(&b':') && found.eq_ignore_ascii_case(name.as_bytes()) {
            let value = after.get(1..memchr(b'\r', after)?)?;
            return std::str::from_utf8(value).ok().map(str::trim);
        }
    }
}
