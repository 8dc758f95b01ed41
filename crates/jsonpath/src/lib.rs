//! JSONPath as Jayway's json-path 2.9 evaluates it with its defaults, over JSON as json-smart reads
//! and Gson writes it, with the regular expressions of `java.util.regex`.
//!
//! Whoever wrote path and document, neither takes more time, stack or memory than named limits
//! allow. Names nothing of ours; knows no HTTP and no receiver.

pub mod java_regex;
pub mod json;
mod numbers;
mod path;

pub use path::{EvaluationError, ParseError, Path};
