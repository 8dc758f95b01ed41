//! `longshore backup`.

use std::path::Path;

use longshore_store::sqlite::Sqlite;

use crate::config;

/// Copies the configured database to `target`.
pub(crate) fn run(file: Option<&Path>, target: &Path) -> anyhow::Result<()> {
    let settings = config::load(file)?;
    Sqlite::backup(&settings.database_file, target)?;
    println!(
        "{} holds a checked copy; keep the master key with it, its secrets open with no other",
        target.display()
    );
    Ok(())
}
