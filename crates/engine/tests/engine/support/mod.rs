//! What the tests share: receivers, a process that can be killed, and a store that can be stopped.

mod process;
mod receivers;
mod seam;
mod world;

pub(crate) use process::{Process, new_id, run_id};
pub(crate) use receivers::{
    AZURE_SECRET, AZURE_WEBHOOK, JENKINS_SECRET, JENKINS_TOKEN, Kind, Target, azure, azure_with,
    jenkins, job, job_with, sink, sink_with,
};
pub(crate) use seam::{Held, Moment, Write};
pub(crate) use world::{CLIENT, CLIENT_SECRET, SOON, World, seconds};
