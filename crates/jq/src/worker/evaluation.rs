//! Answers one question after the other, each expression within its bounds. Knows no pipes.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use crate::bounds::{Bound, WORKER_CACHE_BYTES, WORKER_CACHE_ENTRIES};
use crate::frame::{self, Question, Terms};
use crate::interpreter::{Answer, Compiled, Interpreter, Until};
use crate::meter;
use crate::value::Value;

/// An interpreter with what it has compiled.
pub(crate) struct Evaluation {
    terms: Terms,
    interpreter: Interpreter,
    programs: Programs,
}

impl Evaluation {
    pub(crate) fn new(terms: Terms) -> Self {
        Self {
            terms,
            interpreter: Interpreter::new(),
            programs: Programs::default(),
        }
    }

    /// Evaluates something small that unwinds.
    pub(crate) fn warm_up(&mut self) {
        let time = Duration::ZERO;
        if let Ok(program) = self.interpreter.compile("def f: f; f") {
            self.run(&program, &Ok(Value::default()), time, Until::after(time));
        }
    }

    pub(crate) fn answer(
        &mut self,
        question: &Question<'_>,
        to: &mut impl Write,
    ) -> io::Result<()> {
        let times = question.times;
        let end = Until::after(times.all);
        let input = self.input(question.input);
        for text in &question.expressions {
            let answer = self.evaluate(text, &input, times.each, end);
            frame::write_answer(to, &answer)?;
            if times.one_by_one {
                to.flush()?;
            }
        }
        Ok(())
    }

    fn input(&self, text: &[u8]) -> Result<Value, Answer> {
        meter::set(self.terms.memory_bytes);
        let input = Value::parse(text);
        let passed = meter::passed();
        meter::unset();
        match input {
            _ if passed => Err(Answer::Exceeded(Bound::Memory)),
            Err(_) => Err(Answer::Error("the input is no JSON".to_owned())),
            Ok(input) => Ok(input),
        }
    }

    fn evaluate(
        &mut self,
        text: &str,
        input: &Result<Value, Answer>,
        each: Duration,
        end: Until,
    ) -> Answer {
        match self.programs.compiled(&self.interpreter, text) {
            Ok(program) => self.run(&program, input, each, end),
            Err(message) => Answer::Error(message),
        }
    }

    fn run(
        &self,
        program: &Compiled,
        input: &Result<Value, Answer>,
        time: Duration,
        end: Until,
    ) -> Answer {
        let input = match input {
            Ok(input) => input.clone(),
            Err(answer) => return answer.clone(),
        };
        meter::set(self.terms.memory_bytes);
        let answer = self.interpreter.run(program, input, time, end);
        let passed = meter::passed();
        meter::unset();
        match answer {
            _ if passed => Answer::Exceeded(Bound::Memory),
            Answer::Output(json) if json.len() > self.terms.output_bytes => {
                Answer::Exceeded(Bound::Output)
            }
            answer => answer,
        }
    }
}

/// Compiled expressions, the oldest forgotten first.
#[derive(Default)]
struct Programs {
    by_text: HashMap<Rc<str>, Rc<Compiled>>,
    by_age: VecDeque<Rc<str>>,
    bytes: usize,
}

impl Programs {
    fn compiled(&mut self, interpreter: &Interpreter, text: &str) -> Result<Rc<Compiled>, String> {
        if let Some(program) = self.by_text.get(text) {
            return Ok(Rc::clone(program));
        }
        let program = interpreter
            .compile(text)
            .map_err(|error| error.to_string())?;
        let program = Rc::new(program);
        self.bytes += text.len();
        while self.by_age.len() >= WORKER_CACHE_ENTRIES || self.bytes > WORKER_CACHE_BYTES {
            let Some(oldest) = self.by_age.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
            self.by_text.remove(&oldest);
        }
        let text: Rc<str> = text.into();
        self.by_age.push_back(Rc::clone(&text));
        self.by_text.insert(text, Rc::clone(&program));
        Ok(program)
    }
}
