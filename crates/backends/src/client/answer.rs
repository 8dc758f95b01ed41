//! Reads an answer's body: bounded for each call, and by one budget for all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::exchange::{Answer, BodyEnd};

/// The most that is ever read of the body of a receiver's answer.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How much is read beyond what is kept, so that the connection can be used again.
pub const DRAIN_BYTES: usize = 64 * 1024;

/// The memory that the bodies of all answers share.
#[derive(Debug)]
pub struct AnswerBudget {
    free_bytes: AtomicUsize,
}

impl AnswerBudget {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            free_bytes: AtomicUsize::new(bytes),
        })
    }

    /// What is free at this moment, for gauges.
    #[must_use]
    pub fn free_bytes(&self) -> usize {
        self.free_bytes.load(Ordering::Relaxed)
    }
}

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Arc<AnswerBudget>,
    bytes: usize,
}

impl Reservation {
    pub(super) const fn none(budget: Arc<AnswerBudget>) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Takes `bytes` more; false, with nothing taken, where they are not free.
    fn grow(&mut self, bytes: usize) -> bool {
        let taken = self
            .budget
            .free_bytes
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |free| {
                free.checked_sub(bytes)
            })
            .is_ok();
        if taken {
            self.bytes += bytes;
        }
        taken
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget
            .free_bytes
            .fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// An answer while it is read. Whatever interrupts the reading, what is here was received.
pub(super) struct Reading {
    status: StatusCode,
    headers: HeaderMap,
    kept: Vec<u8>,
    keep_bytes: usize,
    limit_bytes: usize,
    seen_bytes: usize,
    end: BodyEnd,
    reservation: Reservation,
}

impl Reading {
    pub(super) const fn new(
        status: StatusCode,
        headers: HeaderMap,
        keep_bytes: usize,
        limit_bytes: usize,
        budget: Arc<AnswerBudget>,
    ) -> Self {
        let fits = keep_bytes < limit_bytes;
        Self {
            status,
            headers,
            kept: Vec::new(),
            keep_bytes: if fits { keep_bytes } else { limit_bytes },
            limit_bytes,
            seen_bytes: 0,
            end: BodyEnd::TimedOut,
            reservation: Reservation::none(budget),
        }
    }

    /// Reads `body` to its end or to a limit; true where the connection can be used again.
    pub(super) async fn read(&mut self, mut body: Incoming) -> bool {
        let limit = self
            .keep_bytes
            .saturating_add(DRAIN_BYTES)
            .min(self.limit_bytes);
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                self.end = BodyEnd::Cut;
                return false;
            };
            // Trailers say nothing that anybody reads here.
            let Ok(chunk) = frame.into_data() else {
                continue;
            };
            self.seen_bytes += chunk.len();
            if !self.keep(&chunk) {
                self.end = BodyEnd::OverBudget;
                return false;
            }
            if self.seen_bytes > limit {
                self.end = BodyEnd::TooLong;
                return false;
            }
        }
        self.end = BodyEnd::Complete;
        true
    }

    fn keep(&mut self, chunk: &Bytes) -> bool {
        let room = self.keep_bytes - self.kept.len();
        let wanted = &chunk[..chunk.len().min(room)];
        if wanted.is_empty() {
            return true;
        }
        let granted = self.reservation.grow(wanted.len());
        if granted {
            self.kept.extend_from_slice(wanted);
        }
        granted
    }

    /// The answer as far as it was read; interrupted means timed out.
    pub(super) fn into_answer(self) -> Answer {
        let truncated = self.seen_bytes > self.kept.len();
        Answer::new(self.status, self.headers, Bytes::from(self.kept))
            .ended(self.end)
            .holding(self.reservation, truncated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_comes_back_and_no_more_than_that_is_given() {
        let budget = AnswerBudget::new(10);
        let mut first = Reservation::none(Arc::clone(&budget));
        let mut second = Reservation::none(Arc::clone(&budget));
        assert!(first.grow(6));
        assert!(!second.grow(5));
        assert!(second.grow(4));
        assert_eq!(budget.free_bytes(), 0);
        drop(first);
        assert_eq!(budget.free_bytes(), 6);
        drop(second);
        assert_eq!(budget.free_bytes(), 10);
    }
}
