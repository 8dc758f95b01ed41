//! What a worker and its owner say to each other over pipes.
//!
//! First the owner's terms and the worker's greeting. Then questions, one frame each: the times,
//! the expressions, the input as JSON. Answers are one frame per expression, in order.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde_json::Value;

use crate::bounds::{Bound, Bounds, MAX_FRAME_BYTES, MAX_OUTPUT_BYTES};
use crate::interpreter::Answer;
use crate::worker::Sandbox;

const OUTPUT: u8 = 0;
const EMPTY: u8 = 1;
const ERROR: u8 = 2;
const EXCEEDED: u8 = 3;

/// Bytes that a frame's length takes.
pub(crate) const LENGTH_BYTES: usize = 4;
/// Bytes of the longest answer, its kind included.
pub(crate) const MAX_ANSWER_BYTES: usize = MAX_OUTPUT_BYTES + 1;
/// Bytes of a worker's terms.
const TERMS_BYTES: usize = 3 * size_of::<u64>() + 1;
/// Bytes of a worker's greeting.
pub(crate) const GREETING_BYTES: usize = 4;
const GREETING: [u8; GREETING_BYTES - 1] = *b"jq\x02";

/// How far a worker stands behind what else wants the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    Normal,
    Low,
    /// Everything else goes first.
    Idle,
}

/// Under which terms a worker works, for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) memory_bytes: usize,
    pub(crate) output_bytes: usize,
    pub(crate) priority: Priority,
    /// Time without a question after which it ends itself.
    pub(crate) idle: Option<Duration>,
}

impl Terms {
    pub(crate) fn new(bounds: &Bounds, priority: Priority, idle: Option<Duration>) -> Self {
        Self {
            memory_bytes: bounds.memory_bytes,
            output_bytes: bounds.output_bytes.min(MAX_OUTPUT_BYTES),
            priority,
            idle,
        }
    }

    pub(crate) fn frame(self) -> Vec<u8> {
        let mut frame = Vec::with_capacity(TERMS_BYTES);
        frame.extend((self.memory_bytes as u64).to_be_bytes());
        frame.extend((self.output_bytes as u64).to_be_bytes());
        let idle = self.idle.map_or(0, |idle| idle.as_millis().max(1));
        frame.extend(u64::try_from(idle).unwrap_or(u64::MAX).to_be_bytes());
        frame.push(self.priority as u8);
        frame
    }

    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut number = || {
            let mut bytes = [0; size_of::<u64>()];
            from.read_exact(&mut bytes)?;
            Ok::<_, io::Error>(u64::from_be_bytes(bytes))
        };
        let (memory, output, idle) = (number()?, number()?, number()?);
        let mut priority = [0];
        from.read_exact(&mut priority)?;
        Ok(Self {
            memory_bytes: usize::try_from(memory).map_err(|_| malformed())?,
            output_bytes: usize::try_from(output).map_err(|_| malformed())?,
            priority: match priority[0] {
                0 => Priority::Normal,
                1 => Priority::Low,
                2 => Priority::Idle,
                _ => return Err(malformed()),
            },
            idle: (idle > 0).then(|| Duration::from_millis(idle)),
        })
    }
}

/// What a worker says when it is ready.
pub(crate) fn greeting(sandbox: Sandbox) -> [u8; GREETING_BYTES] {
    let [a, b, c] = GREETING;
    [a, b, c, u8::from(sandbox == Sandbox::Full)]
}

/// Which sandbox a greeting tells of; nothing where it is none.
pub(crate) fn read_greeting(greeting: [u8; GREETING_BYTES]) -> Option<Sandbox> {
    let (kind, greeting) = greeting.split_last()?;
    match kind {
        _ if *greeting != GREETING => None,
        0 => Some(Sandbox::Partial),
        1 => Some(Sandbox::Full),
        _ => None,
    }
}

/// How much of the processor's time a worker may take for a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// For each expression.
    pub(crate) each: Duration,
    /// For all of them.
    pub(crate) all: Duration,
    /// Whether each answer is sent before the next expression is begun: slower, but after a crash
    /// it is known which one crashed.
    pub(crate) one_by_one: bool,
}

/// The frame that asks for `expressions` on `input`, JSON text; nothing where it is too large.
pub(crate) fn question(times: Times, expressions: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let texts: usize = expressions
        .iter()
        .map(|text| LENGTH_BYTES + text.len())
        .sum();
    let length = 3 * LENGTH_BYTES + 1 + texts + input.len();
    if length > MAX_FRAME_BYTES {
        return None;
    }
    let mut frame = Vec::with_capacity(LENGTH_BYTES + length);
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let millis = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    frame.extend(number(length));
    frame.extend(millis(times.each).to_be_bytes());
    frame.extend(millis(times.all).to_be_bytes());
    frame.push(u8::from(times.one_by_one));
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
pub(crate) struct Question<'f> {
    pub(crate) times: Times,
    pub(crate) expressions: Vec<&'f str>,
    pub(crate) input: &'f [u8],
}

/// Reads the next question's frame; false where the owner has closed the pipe.
pub(crate) fn read_frame(from: &mut impl Read, frame: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; LENGTH_BYTES];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(malformed());
    }
    frame.clear();
    frame.resize(length, 0);
    from.read_exact(frame)?;
    Ok(true)
}

impl<'f> Question<'f> {
    pub(crate) fn parse(mut frame: &'f [u8]) -> io::Result<Self> {
        let question = Self::parsed(&mut frame);
        question.ok_or_else(malformed)
    }

    fn parsed(frame: &mut &'f [u8]) -> Option<Self> {
        fn number(frame: &mut &[u8]) -> Option<u32> {
            let (number, rest) = frame.split_first_chunk::<LENGTH_BYTES>()?;
            *frame = rest;
            Some(u32::from_be_bytes(*number))
        }
        let each = Duration::from_millis(number(frame)?.into());
        let all = Duration::from_millis(number(frame)?.into());
        let one_by_one = frame.split_off_first()? != &0;
        let count = number(frame)? as usize;
        // no more than the frame has room for
        let mut expressions = Vec::with_capacity(count.min(frame.len() / LENGTH_BYTES));
        for _ in 0..count {
            let length = number(frame)? as usize;
            let (text, rest) = frame.split_at_checked(length)?;
            *frame = rest;
            expressions.push(str::from_utf8(text).ok()?);
        }
        Some(Self {
            times: Times {
                each,
                all,
                one_by_one,
            },
            expressions,
            input: frame,
        })
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed frame")
}

/// Writes one answer.
pub(crate) fn write_answer(to: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let code;
    let (kind, bytes): (u8, &[u8]) = match answer {
        Answer::Output(json) => (OUTPUT, json),
        Answer::Empty => (EMPTY, &[]),
        Answer::Error(message) => (ERROR, message.as_bytes()),
        Answer::Exceeded(bound) => {
            code = [bound_code(*bound)];
            (EXCEEDED, &code)
        }
    };
    let length = u32::try_from(bytes.len() + 1).map_err(|_| malformed())?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(&[kind])?;
    to.write_all(bytes)
}

/// A worker's answer, read.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    Output(Value),
    Empty,
    Error(String),
    Exceeded(Bound),
}

impl Reply {
    /// Reads an answer's frame without its length; nothing where it is malformed.
    pub(crate) fn parse(frame: &[u8]) -> Option<Self> {
        let (kind, bytes) = frame.split_first()?;
        match *kind {
            OUTPUT => serde_json::from_slice(bytes).ok().map(Self::Output),
            EMPTY => Some(Self::Empty),
            ERROR => Some(Self::Error(String::from_utf8_lossy(bytes).into_owned())),
            EXCEEDED => BOUNDS
                .get(usize::from(*bytes.first()?))
                .copied()
                .map(Self::Exceeded),
            _ => None,
        }
    }
}

/// The bounds that a worker finds passed; a bound's place is its code.
const BOUNDS: [Bound; 5] = [
    Bound::Time,
    Bound::Steps,
    Bound::Memory,
    Bound::Depth,
    Bound::Output,
];

fn bound_code(bound: Bound) -> u8 {
    let place = BOUNDS.iter().position(|known| *known == bound);
    place
        .and_then(|place| u8::try_from(place).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        each: Duration::from_millis(25),
        all: Duration::from_millis(100),
        one_by_one: true,
    };

    #[test]
    fn a_question_is_read_as_it_was_written() {
        let written = question(TIMES, &[".a", "", "\"ü\""], b"{}").unwrap();
        let mut frame = Vec::new();
        assert!(read_frame(&mut written.as_slice(), &mut frame).unwrap());
        let read = Question::parse(&frame).unwrap();
        assert_eq!(read.times, TIMES);
        assert_eq!(read.expressions, [".a", "", "\"ü\""]);
        assert_eq!(read.input, b"{}");
    }

    #[test]
    fn a_question_cut_anywhere_is_refused() {
        let whole = question(TIMES, &[".a", ".b"], b"").unwrap();
        for end in 0..whole.len() - LENGTH_BYTES {
            let frame = &whole[LENGTH_BYTES..LENGTH_BYTES + end];
            assert!(Question::parse(frame).is_err(), "cut at {end}");
        }
        assert!(!read_frame(&mut [].as_slice(), &mut Vec::new()).unwrap());
        let endless = u32::MAX.to_be_bytes();
        assert!(read_frame(&mut endless.as_slice(), &mut Vec::new()).is_err());
    }

    #[test]
    fn answers_are_read_as_they_were_written() {
        let answers = [
            (
                Answer::Output(b"[1]".to_vec()),
                Reply::Output(serde_json::json!([1])),
            ),
            (Answer::Empty, Reply::Empty),
            (Answer::Error("no".into()), Reply::Error("no".into())),
        ];
        let exceeded = BOUNDS.map(|bound| (Answer::Exceeded(bound), Reply::Exceeded(bound)));
        for (answer, reply) in answers.into_iter().chain(exceeded) {
            let mut frame = Vec::new();
            write_answer(&mut frame, &answer).unwrap();
            assert_eq!(Reply::parse(&frame[LENGTH_BYTES..]), Some(reply));
        }
        for malformed in [
            &[][..],
            &[9],
            &[OUTPUT],
            &[OUTPUT, b'{'],
            &[EXCEEDED],
            &[EXCEEDED, 9],
        ] {
            assert_eq!(Reply::parse(malformed), None, "{malformed:?}");
        }
    }

    #[test]
    fn terms_and_greetings_are_read_as_they_were_written() {
        for (priority, idle) in [
            (Priority::Normal, None),
            (Priority::Low, Some(Duration::from_secs(60))),
            (Priority::Idle, None),
        ] {
            let terms = Terms::new(&Bounds::default(), priority, idle);
            assert_eq!(Terms::read(&mut terms.frame().as_slice()).unwrap(), terms);
        }
        for sandbox in [Sandbox::Full, Sandbox::Partial] {
            assert_eq!(read_greeting(greeting(sandbox)), Some(sandbox));
        }
        for other in [*b"y\ny\n", *b"jq\x02\x02", *b"jq\x01\x01", [0; 4]] {
            assert_eq!(read_greeting(other), None);
        }
    }
}
