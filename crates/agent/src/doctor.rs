//! `longshore agent doctor`: whether a receiver can be called from here, and takes what is signed.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use longshore_backends::check::Report;

/// The longest body of a dry run.
const BODY_BYTES: u64 = 8 * 1024 * 1024;

/// A call of which Jenkins shall only say what it would start.
#[derive(clap::Args, Debug, Default)]
pub struct Trial {
    /// Let Jenkins also say which jobs a real call would start, and with which variables. Plugins
    /// from before that feature start them
    #[arg(long)]
    pub dry_run: bool,
    /// A header of that call, as NAME:VALUE; repeat it for each
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header, requires = "dry_run")]
    pub headers: Vec<(String, String)>,
    /// A file with the body of that call
    #[arg(long = "body", value_name = "FILE", requires = "dry_run")]
    pub body_file: Option<PathBuf>,
}

/// What to check.
#[derive(clap::Args, Debug)]
pub struct Doctor {
    /// The receiver's address, or that of the server that it is part of
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) trial: Trial,
}

/// A body that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", file.display())]
pub struct BodyFault {
    file: PathBuf,
    cause: String,
}

/// The parts of a dry run's call.
#[derive(Debug)]
pub struct TrialCall {
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
}

impl Trial {
    /// The call, where one is asked for.
    ///
    /// # Errors
    /// Why the body cannot be read.
    pub fn call(&self) -> Result<Option<TrialCall>, BodyFault> {
        if !self.dry_run {
            return Ok(None);
        }
        let body = match &self.body_file {
            Some(file) => read(file)?,
            None => Bytes::from_static(b"{}"),
        };
        Ok(Some(TrialCall {
            headers: self.headers.clone(),
            body,
        }))
    }
}

/// Whether nothing that was found keeps calls from arriving.
#[must_use]
pub fn is_sound(report: &Report) -> bool {
    report.verdict() < longshore_backends::check::Verdict::Failed
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME:VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn read(file: &Path) -> Result<Bytes, BodyFault> {
    let fault = |cause: String| BodyFault {
        file: file.to_owned(),
        cause,
    };
    let opened = File::open(file).map_err(|error| fault(error.to_string()))?;
    let mut body = Vec::new();
    let read = opened.take(BODY_BYTES + 1).read_to_end(&mut body);
    read.map_err(|error| fault(error.to_string()))?;
    if body.len() as u64 > BODY_BYTES {
        return Err(fault(format!("longer than {BODY_BYTES} bytes")));
    }
    Ok(body.into())
}
