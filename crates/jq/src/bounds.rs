//! How far an expression may go. Every limit of the crate stands here.

use std::time::Duration;

/// Bytes of one expression's text.
pub const MAX_EXPRESSION_BYTES: usize = 16 * 1024;
/// Brackets, parentheses, braces and interpolations open at once in one expression.
pub const MAX_EXPRESSION_DEPTH: usize = 128;
/// Prefix signs and keywords of one expression that a parser answers by recursion (`-`, `try`, `if`, `as`…).
pub const MAX_EXPRESSION_PREFIXES: usize = 1024;
/// Depth up to which an expression is looked at for evaluation in-process; deeper ones go to a worker.
pub(crate) const MAX_PLAIN_DEPTH: usize = 32;

/// Bytes of one output, as JSON.
pub const MAX_OUTPUT_BYTES: usize = 1024 * 1024;
/// Bytes of all outputs of one call.
pub const MAX_OUTPUTS_BYTES: usize = 8 * 1024 * 1024;
/// Arrays and objects around a value in an output: what `serde_json` reads back.
pub const MAX_OUTPUT_DEPTH: usize = 127;
/// Bytes that one in-process evaluation may copy.
pub(crate) const MAX_PLAIN_WORK_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of one frame to a worker: the input and all expressions of a call.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// Expressions of one call.
pub const MAX_EXPRESSIONS: usize = 4096;
/// Calls that wait for a worker; more are refused.
pub const MAX_WAITING: usize = 1024;

/// Terms that one expression may evaluate in a worker.
pub(crate) const MAX_STEPS: u64 = 2_000_000;
/// Stack of a worker's evaluating thread.
pub(crate) const WORKER_STACK_BYTES: usize = 256 * 1024 * 1024;
/// Part of that stack that evaluation leaves free for printing and dropping deep values.
pub(crate) const WORKER_STACK_RESERVE_BYTES: usize = 128 * 1024 * 1024;
/// Address space of a worker.
pub(crate) const WORKER_MEMORY_BYTES: u64 = 768 * 1024 * 1024;
/// Compiled expressions that a worker keeps.
pub(crate) const WORKER_CACHE_ENTRIES: usize = 512;
/// Stack of the thread that checks an expression for mistakes.
pub(crate) const CHECK_STACK_BYTES: usize = 64 * 1024 * 1024;
/// How much longer than its caller a worker waits before it ends itself.
pub(crate) const WORKER_GRACE: Duration = Duration::from_millis(500);

/// Time for all expressions of one call.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(1);
/// Time that a call waits for a free worker.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(10);
/// Workers of one evaluator.
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
