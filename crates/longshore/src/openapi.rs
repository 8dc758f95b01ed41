//! `longshore openapi`.

use std::io::Write;

/// Prints the OpenAPI document.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(longshore_server::api::document().as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}
