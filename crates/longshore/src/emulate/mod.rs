//! `longshore emulate`: receivers to try configurations with, reachable from this machine alone.

pub(crate) mod azure;
pub(crate) mod jenkins;

use clap::Subcommand;

/// Which receiver.
#[derive(Subcommand)]
pub(crate) enum Emulate {
    /// Azure DevOps' incoming webhooks, with your pipelines' YAML
    Azure(azure::Azure),
    /// Jenkins with the Generic Webhook Trigger plugin, with your jobs' config.xml
    Jenkins(jenkins::Jenkins),
}

impl Emulate {
    /// Runs until a signal ends it.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Azure(azure) => azure.run(),
            Self::Jenkins(jenkins) => jenkins.run(),
        }
    }
}
