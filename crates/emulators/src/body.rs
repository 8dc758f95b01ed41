//! Bodies of answers: a whole one, or one that never ends.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// What stands in an answer.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    Whole(Bytes),
    Endless {
        piece: Bytes,
        pace: Option<Interval>,
    },
}

impl AnswerBody {
    pub(crate) fn endless(chunk: usize, every: Duration) -> Self {
        let pace = (!every.is_zero()).then(|| {
            let mut pace = interval(every);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            pace
        });
        Self::Endless {
            piece: vec![b'.'; chunk.max(1)].into(),
            pace,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Endless { piece, pace } => {
                if let Some(pace) = pace {
                    ready!(pace.poll_tick(context));
                }
                Poll::Ready(Some(Ok(Frame::data(piece.clone()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Endless { .. } => SizeHint::default(),
        }
    }
}
