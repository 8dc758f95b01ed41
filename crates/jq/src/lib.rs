//! jq expressions over JSON values, bounded in time, memory and size, whoever wrote them.
//!
//! Plain ones (paths, literals, `//`, construction) run in-process at the price of a look-up; all
//! others in a child process that is killed at its deadline. jq 1.8 decides what they mean.

pub mod bounds;
mod check;
mod evaluator;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod input;
mod interpreter;
mod meter;
mod needs;
mod plain;
mod pool;
mod program;
pub mod reads;
mod value;
pub mod worker;

pub use bounds::{Bound, Bounds};
pub use evaluator::{Config, Evaluator};
pub use input::{Input, Members};
pub use meter::Metered;
pub use pool::WorkerCommand;
pub use program::{CompileError, Evaluated, Program};
pub use worker::Sandbox;
