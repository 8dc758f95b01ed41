//! A TCP connection whose outgoing bytes can be cut short or replaced.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What shall become of the bytes that the HTTP layer writes from now on.
#[derive(Debug)]
enum Rule {
    /// Let so many through, then fail.
    CutAfter(usize),
    /// Send these in their place, then fail.
    Replace(Bytes),
}

/// The handle by which a request's fault reaches the bytes of its own answer.
#[derive(Debug, Default)]
pub(crate) struct OutgoingBytes {
    /// Lets the usual write pass without taking the lock.
    ruled: AtomicBool,
    rule: Mutex<Option<Rule>>,
}

impl OutgoingBytes {
    pub(crate) fn cut_after(&self, count: usize) {
        self.set(Rule::CutAfter(count));
    }

    pub(crate) fn replace(&self, bytes: Bytes) {
        self.set(Rule::Replace(bytes));
    }

    fn set(&self, rule: Rule) {
        *self.rule() = Some(rule);
        self.ruled.store(true, Ordering::Release);
    }

    fn rule(&self) -> MutexGuard<'_, Option<Rule>> {
        self.rule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One accepted connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    outgoing: Arc<OutgoingBytes>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, outgoing: Arc<OutgoingBytes>) -> Self {
        Self { stream, outgoing }
    }

    fn poll_ruled_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        match &mut *self.outgoing.rule() {
            None => stream.poll_write(context, bytes),
            Some(Rule::CutAfter(0)) => Poll::Ready(Err(scripted_end())),
            Some(Rule::CutAfter(left)) => {
                let take = bytes.len().min(*left);
                let written = ready!(stream.poll_write(context, &bytes[..take]))?;
                *left -= written;
                Poll::Ready(Ok(written))
            }
            Some(Rule::Replace(other)) if other.is_empty() => Poll::Ready(Err(scripted_end())),
            Some(Rule::Replace(other)) => {
                let written = ready!(stream.poll_write(context, other))?;
                other.advance(written);
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

fn scripted_end() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "scripted end of the connection")
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.outgoing.ruled.load(Ordering::Acquire) {
            return this.poll_ruled_write(context, bytes);
        }
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.outgoing.ruled.load(Ordering::Acquire) {
            let first = pieces.iter().find(|piece| !piece.is_empty());
            return this.poll_ruled_write(context, first.map_or(&[], |piece| piece));
        }
        Pin::new(&mut this.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
