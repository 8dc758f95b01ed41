//! The lines of a job.

use std::fmt;

use super::super::super::gwt::model::ExpressionType;
use super::super::super::gwt::variables::Part;
use super::super::{Called, Configured, CredentialUse, JobExplanation, Outcome, TokenVerdict};
use super::plain::plain;

/// Most jobs and variables that are shown.
const SHOWN_LINES: usize = 100;
/// Widest columns of names and values.
const NAME: usize = 32;
const VALUE: usize = 40;
const LABEL: usize = 12;

pub(super) fn write_all(
    formatter: &mut fmt::Formatter<'_>,
    jobs: &[JobExplanation],
) -> fmt::Result {
    for job in jobs.iter().take(SHOWN_LINES) {
        let name = plain(&job.name);
        writeln!(formatter, "  job        {name}: {}", token(job))?;
        match &job.outcome {
            Outcome::NotCalled => {}
            Outcome::Threw(message) => writeln!(formatter, "    {}", plain(message))?,
            Outcome::Called(called) => write_called(formatter, called)?,
        }
    }
    write_rest(formatter, jobs.len(), "jobs")
}

fn write_rest(formatter: &mut fmt::Formatter<'_>, count: usize, what: &str) -> fmt::Result {
    match count.saturating_sub(SHOWN_LINES) {
        0 => Ok(()),
        left => writeln!(formatter, "    … {left} more {what}"),
    }
}

fn token(job: &JobExplanation) -> String {
    let verdict = match job.token {
        TokenVerdict::Called => "called, its token was given",
        TokenVerdict::CalledWithoutToken => "called, it has no token and none was given",
        TokenVerdict::NotSeen => "not called: without a token the caller must be logged in",
        TokenVerdict::HasNone => "not called: a token was given, and it has none",
        TokenVerdict::NoneGiven => "not called: it has a token, and none was given",
        TokenVerdict::Other => "not called: it has another token",
        TokenVerdict::OtherCase => "not called: its token differs in upper and lower case",
        TokenVerdict::OtherBlanks => "not called: its token differs in white space around it",
    };
    match &job.credential {
        CredentialUse::None => verdict.to_owned(),
        CredentialUse::Found(id) => format!("{verdict} (credential {})", plain(id)),
        CredentialUse::Missing(id, true) => {
            let id = plain(id);
            format!("{verdict} (there is no credential {id}: its token as text counts)")
        }
        CredentialUse::Missing(id, false) => {
            let id = plain(id);
            format!("{verdict} (there is no credential {id}: it counts as without a token)")
        }
    }
}

fn write_called(formatter: &mut fmt::Formatter<'_>, called: &Called) -> fmt::Result {
    write_variables(formatter, called)?;
    for variable in called.unresolved.iter().take(SHOWN_LINES) {
        let (key, expression) = (plain(&variable.key), plain(&variable.expression));
        let instead = if variable.has_default {
            "its default is taken"
        } else {
            "no default"
        };
        let reason = plain(&variable.reason);
        writeln!(
            formatter,
            "    {:LABEL$}{key}: {expression} gave nothing ({reason}); {instead}",
            "unresolved"
        )?;
    }
    write_rest(formatter, called.unresolved.len(), "unresolved variables")?;
    write_line(formatter, "filter", &filter(called))?;
    if !called.leftovers.is_empty() {
        let names: Vec<_> = called
            .leftovers
            .iter()
            .map(|name| format!("${name}"))
            .collect();
        let line = format!("no variable is called {}", names.join(", "));
        write_line(formatter, "left in it", &line)?;
    }
    write_line(formatter, "cause", &plain(&called.cause))?;
    write_line(formatter, "build", &build(called))
}

fn write_line(formatter: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    writeln!(formatter, "    {label:LABEL$}{text}")
}

fn write_variables(formatter: &mut fmt::Formatter<'_>, called: &Called) -> fmt::Result {
    let shown: Vec<_> = called
        .variables
        .iter()
        .take(SHOWN_LINES)
        .map(|variable| {
            let (name, value) = (plain(&variable.name), plain(&variable.value));
            let mut origin = origin(&variable.configured);
            if let Some(filter) = &variable.filter {
                origin.push_str(&format!(", without {}", plain(filter)));
            }
            (name, value, origin)
        })
        .collect();
    let width = |column: fn(&(String, String, String)) -> &String, most: usize| {
        let lengths = shown.iter().map(|row| column(row).chars().count());
        lengths.filter(|length| *length <= most).max().unwrap_or(0)
    };
    let (names, values) = (width(|row| &row.0, NAME), width(|row| &row.1, VALUE));
    for (name, value, origin) in &shown {
        writeln!(formatter, "    {name:names$} = {value:values$}  {origin}")?;
    }
    write_rest(formatter, called.variables.len(), "variables")
}

fn origin(configured: &Configured) -> String {
    match configured {
        Configured::Header(name) => format!("header {}", plain(name)),
        Configured::Parameter(name) => format!("parameter {}", plain(name)),
        Configured::Expression(kind, expression, part) => {
            let kind = match kind {
                ExpressionType::JsonPath => "JSONPath",
                ExpressionType::XPath => "XPath",
            };
            let part = match part {
                Part::Value => "",
                Part::Leaf => ", a leaf",
                Part::WholeContent => ", the whole content",
                Part::Default => {
                    return format!("default, instead of {kind} {}", plain(expression));
                }
            };
            format!("{kind} {}{part}", plain(expression))
        }
    }
}

fn filter(called: &Called) -> String {
    let template = called.filter_template.as_deref().unwrap_or_default();
    let text = format!("\"{}\"", plain(&called.filter_text));
    match &called.filter_expression {
        None if template.is_empty() => "none: every call passes".to_owned(),
        None => format!("no expression: every call passes (text {text})"),
        Some(expression) => {
            let found = if called.matches {
                "matches"
            } else {
                "does not match"
            };
            let expression = plain(expression);
            let from = plain(template);
            format!("\"{expression}\" {found} {text} (from \"{from}\")")
        }
    }
}

fn build(called: &Called) -> String {
    let period = match called.quiet_period_s {
        -1 => "the job's own quiet period".to_owned(),
        seconds => format!("a quiet period of {seconds} s"),
    };
    let mut told = match (called.triggered, called.dry_run) {
        (true, false) => format!("queued, after {period}"),
        (true, true) => "none: a dry run".to_owned(),
        (false, _) if !called.matches => "none: the filter does not match".to_owned(),
        (false, _) if called.disabled => "none: the job is disabled".to_owned(),
        (false, _) => "none: the emulator takes no more builds".to_owned(),
    };
    if called.silent {
        told.push_str("; the answer leaves this job out");
    }
    told
}
