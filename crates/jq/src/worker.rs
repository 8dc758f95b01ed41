//! The child process that evaluates: reads questions, writes answers, and ends itself when one
//! takes too long. It needs nothing but its two pipes, and gives up everything else first.

mod sandbox;

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

use crate::bounds::{WORKER_CACHE_ENTRIES, WORKER_GRACE, WORKER_STACK_BYTES};
use crate::frame::{self, Question};
use crate::interpreter::{Answer, Compiled, Interpreter};
use crate::value::Value;

/// Answers questions from `input` on `output` until `input` ends.
///
/// To be called as the only thing a process does: it limits that process for good.
pub fn run<R: Read, W: Write + Send + 'static>(mut input: R, output: W) -> ExitCode {
    let (questions, asked) = channel();
    let (finished, done) = channel();
    let evaluate = move || serve(&asked, &finished, output);
    let thread = thread::Builder::new()
        .stack_size(WORKER_STACK_BYTES)
        .spawn(evaluate);
    if thread.is_err() || sandbox::enter().is_err() {
        return ExitCode::FAILURE;
    }
    loop {
        let Ok(question) = frame::read_question(&mut input) else {
            return ExitCode::FAILURE;
        };
        let Some(question) = question else {
            return ExitCode::SUCCESS;
        };
        // an owner that died cannot kill: the process ends itself a little later
        let time = question.time + WORKER_GRACE;
        if questions.send(question).is_err() {
            return ExitCode::FAILURE;
        }
        match done.recv_timeout(time) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return ExitCode::FAILURE;
            }
        }
    }
}

fn serve(asked: &Receiver<Question>, finished: &Sender<()>, output: impl Write) {
    let mut output = BufWriter::new(output);
    let mut worker = Worker {
        interpreter: Interpreter::new(),
        programs: Programs::default(),
    };
    while let Ok(question) = asked.recv() {
        if worker.answer(&question, &mut output).is_err() || finished.send(()).is_err() {
            return;
        }
    }
}

struct Worker {
    interpreter: Interpreter,
    programs: Programs,
}

impl Worker {
    fn answer(&mut self, question: &Question, output: &mut impl Write) -> io::Result<()> {
        let input = Value::parse(&question.input);
        // half of the time for one expression leaves the other half to its neighbours
        let end = Instant::now() + question.time;
        for text in &question.expressions {
            let until = (Instant::now() + question.time / 2).min(end);
            let answer = match (self.programs.compiled(&self.interpreter, text), &input) {
                (Ok(program), Ok(input)) => self.interpreter.run(&program, input.clone(), until),
                (Err(message), _) => Answer::Error(message),
                (_, Err(_)) => Answer::Error("the input is no JSON".to_owned()),
            };
            frame::write_answer(output, &answer)?;
            output.flush()?;
        }
        Ok(())
    }
}

/// Compiled expressions, the oldest forgotten first.
#[derive(Default)]
struct Programs {
    by_text: HashMap<Rc<str>, Rc<Compiled>>,
    by_age: VecDeque<Rc<str>>,
}

impl Programs {
    fn compiled(&mut self, interpreter: &Interpreter, text: &str) -> Result<Rc<Compiled>, String> {
        if let Some(program) = self.by_text.get(text) {
            return Ok(Rc::clone(program));
        }
        let program = Rc::new(
            interpreter
                .compile(text)
                .map_err(|error| error.to_string())?,
        );
        if self.by_age.len() >= WORKER_CACHE_ENTRIES
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.by_text.remove(&oldest);
        }
        let text: Rc<str> = text.into();
        self.by_age.push_back(Rc::clone(&text));
        self.by_text.insert(text, Rc::clone(&program));
        Ok(program)
    }
}
