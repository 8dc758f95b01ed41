//! Evaluates in this process as a worker would: for fuzz targets, and the tests of what they found.
//! Nothing else may use it, since what a worker dies of kills its user.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::bounds::{Bounds, WORKER_STACK_BYTES};
use crate::frame::{LENGTH_BYTES, Priority, Question, Reply, Terms, Times, question};
use crate::needs::Needs;
use crate::program::{Evaluated, Program};
use crate::worker::Evaluation;

/// Memory of one evaluation, and its time.
const MEMORY_BYTES: usize = 16 << 20;
const TIME: Duration = Duration::from_millis(50);

/// A thread that evaluates.
#[derive(Debug)]
pub struct Bench {
    questions: Sender<Vec<u8>>,
    answers: Receiver<Option<Reply>>,
}

impl Bench {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where none can be started.
    pub fn start() -> io::Result<Self> {
        let (questions, asked) = channel::<Vec<u8>>();
        let (reply, answers) = channel();
        let evaluate = move || {
            let bounds = Bounds {
                memory_bytes: MEMORY_BYTES,
                ..Bounds::default()
            };
            let mut evaluation = Evaluation::new(Terms::new(&bounds, Priority::Normal, None));
            while let Ok(frame) = asked.recv() {
                let mut answer = Vec::new();
                let answered = Question::parse(&frame)
                    .and_then(|question| evaluation.answer(&question, &mut answer));
                let read = answered.ok().and_then(|()| answer.get(LENGTH_BYTES..));
                if reply.send(read.and_then(Reply::parse)).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .stack_size(WORKER_STACK_BYTES)
            .spawn(evaluate)?;
        Ok(Self { questions, answers })
    }

    /// What `text` comes to on `input`, JSON text; nothing where it does not compile, or there is
    /// no answer.
    #[must_use]
    pub fn evaluate(&self, text: &str, input: &str) -> Option<Evaluated> {
        Program::compile(text).ok()?;
        self.ask(text, input.as_bytes())
    }

    /// The same on what `text` needs of `input`, as a worker would be sent it.
    #[must_use]
    pub fn evaluate_on_needed(&self, text: &str, input: &Value) -> Option<Evaluated> {
        let program = Program::compile(text).ok()?;
        let mut needed = Vec::new();
        let needs = Needs::union([program.needs()].into_iter());
        needs.write(input, &mut needed).ok()?;
        self.ask(text, &needed)
    }

    fn ask(&self, text: &str, input: &[u8]) -> Option<Evaluated> {
        let times = Times {
            each: TIME,
            all: TIME,
            one_by_one: true,
        };
        let question = question(times, &[text], input)?;
        self.questions
            .send(question[LENGTH_BYTES..].to_vec())
            .ok()?;
        self.answers.recv().ok()?.map(Evaluated::from)
    }
}
