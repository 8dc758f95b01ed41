//! Templates at rest: what can be told of their mistakes before they run, and trying them out.

mod examined;
mod trial;
mod warnings;

/// How far the expressions of a template may go.
pub use longshore_jq::Bounds;

pub use trial::{Problem, Trial, TrialContext, try_out};
pub(crate) use warnings::warnings;
