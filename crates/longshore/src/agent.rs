//! `longshore agent`.

use longshore_agent::cli::Arguments;

/// Works until a signal ends it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    Ok(arguments.run()?)
}
