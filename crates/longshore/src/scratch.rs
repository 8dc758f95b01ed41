//! A directory that goes when the command that made it ends.

use std::path::{Path, PathBuf};

/// Removes its directory however the command ends.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A place of this process alone; whoever writes there makes it.
    pub(crate) fn new(command: &str) -> Self {
        let name = format!("longshore-{command}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        match std::fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the command's data was not removed");
            }
            _ => {}
        }
    }
}
