//! What a worker and its owner say to each other over pipes.
//!
//! A question is one frame: the time left, the expressions, the input as JSON. Its answers are one
//! frame per expression, in order, so that those before a crash are not lost with it.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde_json::Value;

use crate::bounds::{MAX_EXPRESSIONS, MAX_FRAME_BYTES, MAX_OUTPUT_BYTES};
use crate::interpreter::Answer;

const OUTPUT: u8 = 0;
const EMPTY: u8 = 1;
const ERROR: u8 = 2;

/// Bytes that a frame's length takes.
pub(crate) const LENGTH_BYTES: usize = 4;
/// Bytes of the longest answer, its kind included.
pub(crate) const MAX_ANSWER_BYTES: usize = MAX_OUTPUT_BYTES + 1;

/// A worker's answer, read.
#[derive(Debug)]
pub(crate) enum Reply {
    Output(Value),
    Empty,
    Error(String),
}

/// The frame that asks for `expressions` on `input`, JSON text; nothing where it is too large.
pub(crate) fn question(time: Duration, expressions: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let texts: usize = expressions
        .iter()
        .map(|text| LENGTH_BYTES + text.len())
        .sum();
    let length = 2 * LENGTH_BYTES + texts + input.len();
    if length > MAX_FRAME_BYTES || expressions.len() > MAX_EXPRESSIONS {
        return None;
    }
    let mut frame = Vec::with_capacity(LENGTH_BYTES + length);
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    frame.extend(number(length));
    frame.extend(number(
        usize::try_from(time.as_millis()).unwrap_or(usize::MAX),
    ));
    frame.extend(number(expressions.len()));
    for text in expressions {
        frame.extend(number(text.len()));
        frame.extend(text.as_bytes());
    }
    frame.extend(input);
    Some(frame)
}

/// A question, read.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) time: Duration,
    pub(crate) expressions: Vec<String>,
    pub(crate) input: Vec<u8>,
}

/// The next question; nothing where the owner has closed the pipe.
pub(crate) fn read_question(from: &mut impl Read) -> io::Result<Option<Question>> {
    let mut length = [0; LENGTH_BYTES];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(malformed());
    }
    let mut frame = vec![0; length];
    from.read_exact(&mut frame)?;
    parse_question(&frame).map(Some).ok_or_else(malformed)
}

fn parse_question(mut frame: &[u8]) -> Option<Question> {
    fn number(frame: &mut &[u8]) -> Option<usize> {
        let (number, rest) = frame.split_first_chunk::<LENGTH_BYTES>()?;
        *frame = rest;
        usize::try_from(u32::from_be_bytes(*number)).ok()
    }
    let time = Duration::from_millis(number(&mut frame)? as u64);
    let count = number(&mut frame).filter(|count| *count <= MAX_EXPRESSIONS)?;
    let mut expressions = Vec::with_capacity(count);
    for _ in 0..count {
        let length = number(&mut frame)?;
        let (text, rest) = frame.split_at_checked(length)?;
        frame = rest;
        expressions.push(String::from_utf8(text.to_vec()).ok()?);
    }
    Some(Question {
        time,
        expressions,
        input: frame.to_vec(),
    })
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed frame")
}

/// Writes one answer.
pub(crate) fn write_answer(to: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let (kind, bytes): (u8, &[u8]) = match answer {
        Answer::Output(json) => (OUTPUT, json),
        Answer::Empty => (EMPTY, &[]),
        Answer::Error(message) => (ERROR, message.as_bytes()),
    };
    let length = u32::try_from(bytes.len() + 1).map_err(|_| malformed())?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(&[kind])?;
    to.write_all(bytes)
}

/// An answer's frame without its length; nothing where it is malformed.
pub(crate) fn reply(frame: &[u8]) -> Option<Reply> {
    let (kind, bytes) = frame.split_first()?;
    match *kind {
        OUTPUT => serde_json::from_slice(bytes).ok().map(Reply::Output),
        EMPTY => Some(Reply::Empty),
        ERROR => Some(Reply::Error(String::from_utf8_lossy(bytes).into_owned())),
        _ => None,
    }
}
