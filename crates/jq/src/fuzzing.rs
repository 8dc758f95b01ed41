//! Evaluates in this process as a worker would: for fuzz targets, and the tests of what they found.
//! Nothing else may use it, since what a worker dies of kills its user.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::bounds::{Bounds, WORKER_STACK_BYTES};
use crate::frame::{LENGTH_BYTES, Priority, Question, Reply, Terms, Times, question};
use crate::program::{Evaluated, Program};
use crate::worker::Evaluation;

/// Memory of one evaluation, and its time.
const MEMORY_BYTES: usize = 16 << 20;
const TIME: Duration = Duration::from_millis(200);

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
        let times = Times {
            each: TIME,
            all: TIME,
            one_by_one: true,
        };
        let question = question(times, &[text], input.as_bytes())?;
        self.questions
            .send(question[LENGTH_BYTES..].to_vec())
            .ok()?;
        self.answers.recv().ok()?.map(Evaluated::from)
    }
}
