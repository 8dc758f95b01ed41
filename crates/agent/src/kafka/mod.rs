//! Runs from the organization's topic, as a member of a group: an offset is committed only when
//! everything before it is reported.

mod ahead;
mod connect;
mod dead;
mod message;
mod offsets;
mod reading;

pub use connect::KafkaFailure;
pub(crate) use reading::Topics;
