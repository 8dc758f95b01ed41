//! `longshore emulate`: receivers to try configurations with, reachable from this machine alone.

mod jenkins;

use clap::Subcommand;

/// Which receiver.
#[derive(Subcommand)]
pub(crate) enum Emulate {
    /// Jenkins with the Generic Webhook Trigger plugin, with your jobs' config.xml
    Jenkins(jenkins::Jenkins),
}

impl Emulate {
    /// Runs until a signal ends it.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Jenkins(jenkins) => jenkins.run(),
        }
    }
}
