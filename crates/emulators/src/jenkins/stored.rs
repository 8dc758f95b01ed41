//! Jobs and the whitelist as Jenkins stores them (`config.xml`, written by XStream), and secrets
//! from files of their own.
//!
//! Elements of plugins that are not known are passed over. An absent element is null, an empty one
//! the empty text. Files are bounded; a document type is refused.

mod element;
mod error;
mod name;
mod parameters;
mod trigger;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::Job;
use super::gwt::model::{Whitelist, WhitelistItem};
use crate::secret::Secret;
use crate::xml;

use element::{Element, Origin};
pub use error::StoredError;
pub use name::job_name;

/// Longest file that is read.
const FILE_LIMIT_BYTES: u64 = 4 << 20;

const WHITELIST: &str = "org.jenkinsci.plugins.gwt.global.Whitelist";
const WHITELIST_ITEM: &str = "org.jenkinsci.plugins.gwt.global.WhitelistItem";

/// What holds jobs, but has no trigger of its own, by the end of its element's name.
const HOLDERS: [&str; 3] = ["Folder", "WorkflowMultiBranchProject", "OrganizationFolder"];

/// Reads a job's `config.xml`; its name comes from where the file lies.
///
/// # Errors
/// Where the file cannot be read, is no job, has no Generic Webhook Trigger, or holds a value that
/// Jenkins would not have written.
pub fn load_job(file: &Path) -> Result<Job, StoredError> {
    read_job(file, &text(file)?)
}

/// Reads the text of a job's `config.xml`; `file` gives the name and stands in errors.
///
/// # Errors
/// As [`load_job`].
pub fn read_job(file: &Path, text: &str) -> Result<Job, StoredError> {
    let document = document(file, text)?;
    let origin = Origin {
        file,
        document: &document,
    };
    let root = origin.root()?;
    let holds_jobs = HOLDERS.iter().any(|holder| root.name().ends_with(holder));
    if holds_jobs || root.name() == WHITELIST {
        return Err(
            root.unexpected("the config.xml of a job (of a multibranch project: that of a branch)")
        );
    }
    let trigger = trigger::find(&root)?.ok_or_else(|| StoredError::NoTrigger {
        file: file.to_owned(),
    })?;
    Ok(Job {
        name: job_name(file),
        trigger: trigger::read(&trigger)?,
        parameters: parameters::read(&root)?,
        disabled: root.truth("disabled")?,
        ..Job::default()
    })
}

/// Reads `org.jenkinsci.plugins.gwt.global.Whitelist.xml`.
///
/// # Errors
/// Where the file cannot be read, is no whitelist, or holds a value that Jenkins would not have
/// written.
pub fn load_whitelist(file: &Path) -> Result<Whitelist, StoredError> {
    read_whitelist(file, &text(file)?)
}

/// Reads the text of a stored whitelist; `file` stands in errors.
///
/// # Errors
/// As [`load_whitelist`].
pub fn read_whitelist(file: &Path, text: &str) -> Result<Whitelist, StoredError> {
    let document = document(file, text)?;
    let origin = Origin {
        file,
        document: &document,
    };
    let root = origin.root()?;
    if root.name() != WHITELIST {
        return Err(root.unexpected("the stored whitelist of the Generic Webhook Trigger plugin"));
    }
    let items = match root.child("whitelistItems")? {
        None => Vec::new(),
        Some(list) => list.all_below(WHITELIST_ITEM),
    };
    Ok(Whitelist {
        enabled: root.truth("enabled")?,
        items: items.iter().map(item).collect::<Result<_, _>>()?,
    })
}

fn item(element: &Element<'_>) -> Result<WhitelistItem, StoredError> {
    Ok(WhitelistItem {
        host: element.text("host")?,
        hmac_enabled: element.truth("hmacEnabled")?,
        hmac_header: element.text("hmacHeader")?,
        hmac_credential_id: element.text("hmacCredentialId")?,
        hmac_algorithm: element.text("hmacAlgorithm")?,
    })
}

/// Reads a secret from a file of its own; one line end at its end is not part of it.
///
/// # Errors
/// Where the file cannot be read or is no text.
pub fn load_secret(file: &Path) -> Result<Secret, StoredError> {
    let text = text(file)?;
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(secret.strip_suffix('\r').unwrap_or(secret)))
}

fn text(file: &Path) -> Result<String, StoredError> {
    let unreadable = |source| StoredError::Unreadable {
        file: file.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(unreadable)?;
    let mut bounded = opened.take(FILE_LIMIT_BYTES + 1);
    bounded.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_LIMIT_BYTES {
        return Err(StoredError::TooLarge {
            file: file.to_owned(),
            limit: FILE_LIMIT_BYTES,
        });
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        StoredError::NotUtf8 {
            file: file.to_owned(),
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        }
    })
}

fn document(file: &Path, text: &str) -> Result<xml::Document, StoredError> {
    xml::read(text).map_err(|error| StoredError::NotXml {
        file: file.to_owned(),
        line: error.line,
        problem: error.problem.to_string(),
    })
}
