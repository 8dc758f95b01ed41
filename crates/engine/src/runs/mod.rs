//! Use cases about runs: requesting, approving, reporting, looking at them.

mod approve;
mod list;
mod preview;
mod report;
mod start;
mod timeline;
mod trigger;

pub use list::Listed;
pub(crate) use list::of_page;
pub use preview::Preview;
pub(crate) use start::operation_of;
pub use start::{RunText, StartRun};
pub use timeline::TimelineEntry;
