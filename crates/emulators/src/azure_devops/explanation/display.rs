//! An explanation as lines for people at terminals.

use std::fmt::{self, Display, Formatter};

use crate::azure_devops::answer::Answer;
use crate::azure_devops::shown::Shown;
use crate::azure_devops::signature::SignatureFinding;

use super::{
    Explanation, FilterFinding, ParameterFinding, PipelineFinding, PipelineOutcome,
    ResourceFinding, ValueFinding, WebhookFinding,
};

/// Longest list of names, and of lines of a kind, that is shown.
const SHOWN: usize = 20;

impl Display for Explanation {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} {}", self.method, self.path.unquoted())?;
        writeln!(formatter, "  webhook    {}", self.webhook)?;
        writeln!(formatter, "  signature  {}", self.signature)?;
        writeln!(formatter, "  body       {} bytes", self.body_bytes)?;
        for warning in &self.warnings {
            writeln!(formatter, "  warning    {warning}")?;
        }
        for pipeline in self.pipelines.iter().take(SHOWN) {
            write!(formatter, "{pipeline}")?;
        }
        more(formatter, "  ", self.pipelines.len(), "pipelines")?;
        writeln!(formatter, "  answer     {}", self.answer)
    }
}

impl Display for WebhookFinding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress { message } => formatter.write_str(message),
            Self::Unknown { name, meant, known } => {
                write!(
                    formatter,
                    "{name} is not the WebHook Name of any connection"
                )?;
                match meant {
                    Some(meant) => write!(
                        formatter,
                        "; it is a connection's name, whose WebHook Name is {}",
                        quoted(meant)
                    ),
                    None => write!(formatter, "; known: {}", list(known)),
                }
            }
            Self::Unregistered { name, connection } => write!(
                formatter,
                "{} of connection {}, not registered: run a pipeline that uses it once by hand, \
                 from its default branch",
                quoted(name),
                quoted(connection)
            ),
            Self::Registered { name, connection } => write!(
                formatter,
                "{} of connection {}, registered",
                quoted(name),
                quoted(connection)
            ),
        }
    }
}

/// The one form that is accepted.
const EXPECTED: &str = "expected HMAC-SHA1 of the body as 40 hex digits";

impl Display for SignatureFinding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReached => formatter.write_str("not looked at"),
            Self::NotAsked => formatter.write_str("not asked for: the connection has no secret"),
            Self::Holds { header, form } => write!(formatter, "{header} holds: {form}"),
            Self::Missing { header, instead } => {
                write!(formatter, "the header {header} is missing; ")?;
                match instead {
                    Some(other) => write!(formatter, "{other} holds the signature"),
                    None => formatter.write_str(EXPECTED),
                }
            }
            Self::Repeated { header, count } => write!(
                formatter,
                "the header {header} stands there {count} times; expected once"
            ),
            Self::Wrong {
                header,
                form,
                guess,
            } => {
                write!(formatter, "{header} does not hold: {form}; {EXPECTED}")?;
                match guess {
                    Some(guess) => write!(formatter, "; it is {guess}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Display for PipelineFinding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "  pipeline   {}", plain(&self.name))?;
        if !self.file.is_empty() {
            write!(formatter, " ({})", plain(&self.file))?;
        }
        writeln!(formatter, ": {}", self.outcome)?;
        for webhook in self.webhooks.iter().take(SHOWN) {
            write!(formatter, "{webhook}")?;
        }
        for parameter in self.parameters.iter().take(SHOWN) {
            writeln!(formatter, "    parameter  {parameter}")?;
        }
        more(formatter, "    ", self.parameters.len(), "parameters")?;
        for warning in self.warnings.iter().take(SHOWN) {
            writeln!(formatter, "    warning    {warning}")?;
        }
        more(formatter, "    ", self.warnings.len(), "warnings")
    }
}

impl Display for ResourceFinding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let filters = match self.filters.is_empty() {
            true => "without filters",
            false if self.matches() => "all filters match",
            false => "not all filters match",
        };
        let (alias, line) = (&self.alias, self.line);
        writeln!(formatter, "    webhook    {alias} (line {line}), {filters}")?;
        for filter in self.filters.iter().take(SHOWN) {
            writeln!(formatter, "    filter     {filter}")?;
        }
        more(formatter, "    ", self.filters.len(), "filters")
    }
}

impl Display for FilterFinding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} = {}: ", plain(&self.path), self.expected)?;
        match self.matches {
            true => formatter.write_str("matches"),
            false => write!(formatter, "does not match, found {}", self.found),
        }
    }
}

impl Display for ParameterFinding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let name = plain(&self.name);
        write!(formatter, "{name} (line {}) = {}", self.line, self.value)?;
        match self.bare {
            true => Ok(()),
            false => formatter.write_str(", in an expression that is not evaluated here"),
        }
    }
}

impl Display for ValueFinding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => formatter.write_str("nothing"),
            Self::Null => formatter.write_str("null"),
            Self::Scalar(text) => text.fmt(formatter),
            Self::Array => formatter.write_str("an array"),
            Self::Object => formatter.write_str("an object"),
            Self::OtherWebhook => {
                formatter.write_str("nothing: its webhook was not called, or is filtered out")
            }
        }
    }
}

impl Display for PipelineOutcome {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherConnection { connections } => {
                let connections = list(connections);
                write!(formatter, "does not start, it waits for {connections}")
            }
            Self::OtherBranch {
                branch,
                default_branch,
            } => write!(
                formatter,
                "does not start, its YAML is on {}, and webhooks are read from the default \
                 branch, {}",
                quoted(branch),
                quoted(default_branch)
            ),
            Self::FilteredOut => formatter.write_str("does not start, a filter does not match"),
            Self::TriggerIssue(issue) => {
                write!(formatter, "does not start, trigger issue: {issue}")
            }
            Self::Starts => formatter.write_str("starts"),
            Self::RunLimit => {
                formatter.write_str("would start, but the emulator starts no more runs")
            }
        }
    }
}

impl Display for Answer {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let status = self.status.as_u16();
        match &self.refusal {
            Some(refusal) => {
                let message = Shown::message(&refusal.message).unquoted();
                write!(formatter, "{status} {message}")
            }
            None => write!(formatter, "{status}, which tells nothing of runs"),
        }
    }
}

fn more(formatter: &mut Formatter<'_>, indent: &str, count: usize, what: &str) -> fmt::Result {
    match count.checked_sub(SHOWN) {
        None | Some(0) => Ok(()),
        Some(left) => writeln!(formatter, "{indent}and {left} more {what}"),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown = names
        .iter()
        .take(SHOWN)
        .map(|name| quoted(name).to_string());
    let shown: Vec<_> = shown.collect();
    let rest = if names.len() > SHOWN { ", …" } else { "" };
    shown.join(", ") + rest
}

fn quoted(text: &str) -> Shown {
    Shown::new(text)
}

fn plain(text: &str) -> String {
    Shown::new(text).unquoted()
}
