//! Secrets in files: a line end at the end, which editors add, is not part of one.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

/// The longest secret that is read.
const SECRET_BYTES: u64 = 64 * 1024;

/// The secret of a file.
pub(crate) fn read(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let opened = File::open(file).with_context(|| format!("{shown} cannot be read"))?;
    let mut text = String::new();
    let read = opened.take(SECRET_BYTES + 1).read_to_string(&mut text);
    read.with_context(|| format!("{shown} cannot be read"))?;
    if text.len() as u64 > SECRET_BYTES {
        bail!("{shown}: expected a secret of at most {SECRET_BYTES} bytes");
    }
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}
