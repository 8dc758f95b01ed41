//! How far an expression may go. Every limit of the crate stands here.

use std::time::Duration;

/// How far the expressions of one call may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Processor time for all of them. By the clock they have twice as much, without the wait for a
    /// worker, for when others want the processor.
    pub deadline: Duration,
    /// Bytes that evaluating one of them may have allocated at once.
    pub memory_bytes: usize,
    /// Bytes of one output, as JSON; at most [`MAX_OUTPUT_BYTES`].
    pub output_bytes: usize,
    /// Bytes of all outputs.
    pub outputs_bytes: usize,
    /// Arrays and objects around a value in an output; at most [`MAX_OUTPUT_DEPTH`].
    pub depth: usize,
    /// Bytes of one expression's text; at most [`MAX_EXPRESSION_BYTES`].
    pub expression_bytes: usize,
    /// How many of them are evaluated.
    pub expressions: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(1),
            memory_bytes: 64 << 20,
            output_bytes: 1 << 20,
            outputs_bytes: 8 << 20,
            depth: MAX_OUTPUT_DEPTH,
            expression_bytes: MAX_EXPRESSION_BYTES,
            expressions: 4096,
        }
    }
}

/// The bound that an expression passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Bound {
    /// [`Bounds::deadline`].
    #[error("the expression takes longer than the allowed time")]
    Time,
    /// The terms that an expression may evaluate in a worker.
    #[error("the expression takes more than the allowed number of steps")]
    Steps,
    /// [`Bounds::memory_bytes`], or a worker's stack.
    #[error("the expression needs more memory or stack than allowed")]
    Memory,
    /// [`Bounds::depth`] of the output, or the depth to which evaluation may recurse.
    #[error("the expression recurses, or its output is nested, deeper than allowed")]
    Depth,
    /// [`Bounds::output_bytes`].
    #[error("the output is larger than allowed")]
    Output,
    /// [`Bounds::outputs_bytes`].
    #[error("the outputs of all expressions together are larger than allowed")]
    Outputs,
    /// [`Bounds::expression_bytes`].
    #[error("the expression is longer than allowed")]
    Expression,
    /// [`Bounds::expressions`].
    #[error("there are more expressions than allowed")]
    Expressions,
    /// [`MAX_FRAME_BYTES`].
    #[error("the input and the expressions together are larger than allowed")]
    Input,
}

/// Bytes of one expression's text.
pub const MAX_EXPRESSION_BYTES: usize = 16 * 1024;
/// Brackets, parentheses, braces and interpolations open at once in one expression.
pub const MAX_EXPRESSION_DEPTH: usize = 128;
/// Prefix signs and keywords of one expression that a parser answers by recursion (`-`, `try`, `if`, `as`…).
pub const MAX_EXPRESSION_PREFIXES: usize = 1024;
/// Depth up to which an expression is looked at for evaluation in-process; deeper ones go to a worker.
pub(crate) const MAX_PLAIN_DEPTH: usize = 32;

/// Bytes of one output, as JSON, however [`Bounds`] are set.
pub const MAX_OUTPUT_BYTES: usize = 1024 * 1024;
/// Arrays and objects around a value in an output: what `serde_json` reads back.
pub const MAX_OUTPUT_DEPTH: usize = 127;
/// Bytes that one in-process evaluation may copy.
pub(crate) const MAX_PLAIN_WORK_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of one frame to a worker: the input and all expressions of a call.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// Calls that wait for a worker of one lane. A few hundred bytes each.
pub const MAX_WAITING: usize = 16_384;
/// Calls of one owner that wait for a worker of one lane.
pub const MAX_WAITING_OF_OWNER: usize = 4_096;
/// Owners whose programs' standing is remembered: the latest so many, and up to as many before them.
pub(crate) const MAX_OWNERS_REMEMBERED: usize = 512;
/// Programs of one owner whose standing is remembered, in the same way.
pub(crate) const MAX_PROGRAMS_REMEMBERED: usize = 256;
/// Programs that an evaluator keeps compiled for who cannot: the latest so many, and up to as many
/// before them. Each takes a few times its text, seldom more than some kilobytes.
pub(crate) const MAX_PROGRAMS_KEPT: usize = 256;

/// Processor time within which a program completes that may share workers with everybody's.
pub(crate) const QUICK: Duration = Duration::from_millis(25);
/// Processor time that one call may take of a worker that everybody shares.
pub(crate) const SHARED_HOLD: Duration = Duration::from_millis(100);
/// By the clock, how many times its processor time a call may hold a worker; then it is killed.
pub(crate) const CLOCK_FACTOR: u32 = 2;
/// The same of a worker for programs on trial, which has some 3 % of a processor where others want all
/// of it: what is quick is to be found quick there too. Within the call's own time by the clock.
pub(crate) const TRIAL_CLOCK_FACTOR: u32 = 20;
/// Quick completions in a row after which a program that broke a bound is trusted again.
pub(crate) const FORGIVEN_AFTER: u8 = 100;

/// Terms that one expression may evaluate in a worker.
pub(crate) const MAX_STEPS: u64 = 2_000_000;
/// Part of a worker's stack that one evaluation may use.
pub(crate) const WORKER_STACK_USE_BYTES: usize = 64 * 1024 * 1024;
/// Stack of a worker's evaluating thread; the rest is for printing and dropping deep values.
pub(crate) const WORKER_STACK_BYTES: usize = 256 * 1024 * 1024;
/// Address space of a worker beside twice [`Bounds::memory_bytes`]: its stack, program text,
/// compiled expressions, and what an allocator reserves.
pub(crate) const WORKER_BASE_BYTES: u64 = 640 * 1024 * 1024;
/// Compiled expressions that a worker keeps.
pub(crate) const WORKER_CACHE_ENTRIES: usize = 512;
/// Bytes of the texts of compiled expressions that a worker keeps.
pub(crate) const WORKER_CACHE_BYTES: usize = 512 * 1024;
/// Stack of the thread that checks an expression for mistakes.
pub(crate) const CHECK_STACK_BYTES: usize = 64 * 1024 * 1024;
/// Time for a new worker to be ready, or an ended one to say why.
pub(crate) const WORKER_PATIENCE: Duration = Duration::from_secs(10);

/// Time that a call waits for a free worker.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(10);
/// Time without a question after which a worker ends that is not its lane's only one.
pub const DEFAULT_IDLE: Duration = Duration::from_secs(60);
/// Workers that everybody's proven programs share.
pub const DEFAULT_WORKERS: usize = 2;

/// Arrays and objects around a value while an expression works on it.
pub(crate) const MAX_VALUE_DEPTH: usize = 10_000;
/// About the bytes of a value while an expression works on it; what it holds twice counts twice.
pub(crate) const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of one string while an expression works on it.
pub(crate) const MAX_STRING_BYTES: usize = 16 * 1024 * 1024;
/// Elements that setting one of them may pad an array to.
pub(crate) const MAX_ARRAY_PADDING: usize = 100_000;
/// Bytes of a date that is printed.
pub(crate) const MAX_DATE_BYTES: usize = 4096;
/// Steps back that one match of a regular expression may take.
pub(crate) const MAX_REGEX_BACKTRACKS: usize = 1_000_000;
/// Bytes of a compiled regular expression.
pub(crate) const MAX_REGEX_BYTES: usize = 1024 * 1024;
/// Compiled regular expressions that a thread keeps.
pub(crate) const REGEX_CACHE_ENTRIES: usize = 32;
