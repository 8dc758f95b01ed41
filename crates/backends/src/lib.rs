//! Outbound calls: a bounded HTTP client, the requests of each receiver, and what its answers
//! mean. Knows no storage and no schedule.

pub mod azure_pipelines;
pub mod check;
pub mod client;
pub mod jenkins;
pub mod kafka;
pub mod outcome;
mod quote;
pub mod receiver;
pub mod request;
mod retry_after;
pub mod scrub;
pub mod target;
pub mod webhook;

pub use retry_after::{MAX_RETRY_AFTER, MIN_RETRY_AFTER, retry_after};
