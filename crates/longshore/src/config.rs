//! `longshore config print` and `longshore config check`.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Subcommand;
use longshore_server::config::{self, Config as Settings};

/// What to do with the configuration.
#[derive(Subcommand)]
pub(crate) enum Config {
    /// Print every setting in force, where it comes from, and no secret
    Print {
        /// The configuration file
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Report every mistake
    Check {
        /// The configuration file
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

/// Shows or checks the configuration.
pub(crate) fn run(command: &Config) -> anyhow::Result<()> {
    match command {
        Config::Print { config } => println!("{}", load(config.as_deref())?.print().trim_end()),
        Config::Check { config } => {
            load(config.as_deref())?;
            println!("the configuration holds");
        }
    }
    Ok(())
}

/// Reads the configuration; a failure lists every mistake.
pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Settings> {
    match Settings::load(file, config::environment()) {
        Ok(settings) => Ok(settings),
        Err(mistakes) => {
            let listed: Vec<String> = mistakes
                .iter()
                .map(|mistake| format!("  {mistake}"))
                .collect();
            bail!("the configuration has mistakes:\n{}", listed.join("\n"))
        }
    }
}
