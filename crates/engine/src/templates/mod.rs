//! Templates at rest: what can be told of their mistakes before they run, and trying them out.

mod examined;
mod trial;
mod warnings;

pub use trial::{Problem, Trial, TrialContext, try_out};
pub(crate) use warnings::warnings;
