//! `longshore verify`: whether a signature holds, and if not, why.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use longshore_domain::signature::{
    DEFAULT_TOLERANCE, Evidence, Explanation, Preset, SIGNATURE_HEADER, explain,
};
use longshore_engine::environment::{Environment, SystemEnvironment};

/// The longest body that is read.
const BODY_LIMIT: u64 = 64 * 1024 * 1024;
/// The exit code of a signature that does not hold.
const DOES_NOT_HOLD: u8 = 1;
/// The exit code where it could not be checked.
const UNCHECKED: u8 = 2;

/// What to check, and with what.
#[derive(Args)]
pub(crate) struct Verify {
    /// The form that the receiver expects: jenkins, azure-devops or port-v1
    #[arg(long, default_value = "port-v1")]
    preset: Preset,
    /// A file that holds the secret; a line end at its end is not part of it
    #[arg(long)]
    secret_file: PathBuf,
    /// A received header, as NAME:VALUE; repeat it for each
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// The header that carries the signature
    #[arg(long, default_value = SIGNATURE_HEADER)]
    signature_header: String,
    /// How old or how far ahead the timestamp may be, in seconds
    #[arg(long)]
    tolerance_seconds: Option<u64>,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME:VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

impl Verify {
    /// Prints the verdict; exits with 0 where the signature holds, 1 where it does not.
    pub(crate) fn run(&self) -> ExitCode {
        match self.check() {
            Ok(Explanation::Valid) => {
                println!("the signature holds");
                ExitCode::SUCCESS
            }
            Ok(Explanation::Invalid(findings)) => {
                println!("the signature does not hold:");
                for finding in findings {
                    println!("- {finding}");
                }
                ExitCode::from(DOES_NOT_HOLD)
            }
            Err(error) => {
                eprintln!("longshore: {error:#}");
                ExitCode::from(UNCHECKED)
            }
        }
    }

    fn check(&self) -> anyhow::Result<Explanation> {
        let secret = std::fs::read(&self.secret_file)
            .with_context(|| format!("{} cannot be read", self.secret_file.display()))?;
        let secret = secret.strip_suffix(b"\n").unwrap_or(&secret);
        let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
        let mut body = Vec::new();
        std::io::stdin()
            .take(BODY_LIMIT)
            .read_to_end(&mut body)
            .context("standard input")?;
        Ok(explain(&Evidence {
            preset: self.preset,
            secret,
            headers: &self.headers,
            signature_header: &self.signature_header,
            body: &body,
            now_seconds: SystemEnvironment.now().as_seconds(),
            tolerance: self
                .tolerance_seconds
                .map_or(DEFAULT_TOLERANCE, Duration::from_secs),
        }))
    }
}
