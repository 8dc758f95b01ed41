//! The child process that evaluates: reads questions, writes answers, and ends when its owner
//! does. It needs nothing but its two pipes, and gives up everything else first.

mod evaluation;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod filter;
mod priority;
mod sandbox;

use std::io::{self, BufWriter, Read, Write};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::stdio;

use crate::bounds::WORKER_STACK_BYTES;
use crate::frame::{self, Question, Terms};

pub(crate) use evaluation::Evaluation;
pub use sandbox::Sandbox;

/// Capacity of the frame's buffer that a worker keeps between questions.
const KEPT_FRAME_BYTES: usize = 1 << 20;

/// Answers the questions that come on standard input on standard output, until that ends.
///
/// To be called as the only thing a process does: it limits that process for good.
#[must_use]
pub fn run() -> ExitCode {
    run_inside(|| ())
}

/// Does the same, but for `first`, which is done in the sandbox before the first question.
#[doc(hidden)]
#[must_use]
pub fn run_inside(first: impl FnOnce() + Send + 'static) -> ExitCode {
    // what panics has its answer already; what it would print may be anybody's
    std::panic::set_hook(Box::new(|_| ()));
    match start(first) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn start(first: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let terms = Terms::read(&mut Questions)?;
    // first, since starting is not cheap either; the evaluating thread inherits it
    priority::take(terms.priority)?;
    let asked = Arc::new(AtomicBool::new(false));
    let (ready, readied) = channel();
    let (open, opened) = channel();
    let evaluating = Evaluating {
        terms,
        asked: Arc::clone(&asked),
        ready,
        opened,
    };
    thread::Builder::new()
        .stack_size(WORKER_STACK_BYTES)
        .spawn(move || evaluating.run(first))?;
    let ended = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    readied.recv().map_err(ended)?;
    let sandbox = sandbox::enter(&terms)?;
    Answers.write_all(&frame::greeting(sandbox))?;
    open.send(())
        .map_err(|_| ended(std::sync::mpsc::RecvError))?;
    watch(&terms, &asked)
}

/// The thread that reads, evaluates and writes, without another thread between.
struct Evaluating {
    terms: Terms,
    /// Whether there was a question since the watch last looked.
    asked: Arc<AtomicBool>,
    ready: Sender<()>,
    opened: Receiver<()>,
}

impl Evaluating {
    /// Ends the process when it ends.
    fn run(self, first: impl FnOnce()) {
        let mut evaluation = Evaluation::new(self.terms);
        // what the first evaluation sets up once may need what the sandbox takes
        evaluation.warm_up();
        let opened = self.ready.send(()).is_ok() && self.opened.recv().is_ok();
        if !opened {
            process::exit(1);
        }
        first();
        process::exit(i32::from(self.serve(&mut evaluation).is_err()));
    }

    fn serve(&self, evaluation: &mut Evaluation) -> io::Result<()> {
        let mut output = BufWriter::new(Answers);
        let mut read = Vec::new();
        while frame::read_frame(&mut Questions, &mut read)? {
            self.asked.store(true, Ordering::Relaxed);
            evaluation.answer(&Question::parse(&read)?, &mut output)?;
            output.flush()?;
            read.shrink_to(KEPT_FRAME_BYTES);
        }
        Ok(())
    }
}

/// Returns when the owner has closed the pipe, also while an evaluation goes on for ever, or when
/// nothing was asked for long.
fn watch(terms: &Terms, asked: &AtomicBool) -> io::Result<()> {
    let idle = terms.idle.map(Timespec::try_from).transpose();
    let idle = idle.map_err(io::Error::other)?;
    let questions = stdio::stdin();
    loop {
        // no event is asked for: an end is reported without
        let mut closed = [PollFd::new(&questions, PollFlags::empty())];
        match poll(&mut closed, idle.as_ref()) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(0) if asked.swap(false, Ordering::Relaxed) => {}
            Ok(_) => return Ok(()),
        }
    }
}

/// Standard input, read as it is: no lock, no buffer.
struct Questions;

impl Read for Questions {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(retry_on_intr(|| {
            rustix::io::read(stdio::stdin(), &mut *buffer)
        })?)
    }
}

/// Standard output, in the same way.
struct Answers;

impl Write for Answers {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(retry_on_intr(|| rustix::io::write(stdio::stdout(), bytes))?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
