//! A variable's `regexpFilter` and the trigger's expression: Java patterns whose failures are the
//! exceptions that the plugin would see. Knows nothing of the patterns themselves.

use longshore_jsonpath::java_regex::{MatchError, Pattern, PatternError};

use super::Thrown;

/// A variable's `regexpFilter`: every match of it is deleted.
#[derive(Debug, Clone)]
pub struct Filter(Option<Pattern>);

impl Filter {
    /// Compiles a filter; null and empty delete nothing.
    pub fn compile(pattern: Option<&str>) -> Result<Self, Thrown> {
        pattern
            .filter(|pattern| !pattern.is_empty())
            .map(compile)
            .transpose()
            .map(Self)
    }

    /// The text without the matches.
    pub fn delete_from(&self, text: &str) -> Result<String, Thrown> {
        match &self.0 {
            Some(pattern) => pattern.delete_from(text).map_err(gave_up),
            None => Ok(text.to_owned()),
        }
    }
}

/// Whether the expression is found anywhere in the text.
pub fn is_found(expression: &str, text: &str) -> Result<bool, Thrown> {
    compile(expression)?.is_match(text).map_err(gave_up)
}

fn compile(pattern: &str) -> Result<Pattern, Thrown> {
    Pattern::compile(pattern).map_err(|error: PatternError| {
        Thrown::new(
            "java.util.regex.PatternSyntaxException",
            error.to_string(),
            "java.util.regex.Pattern:2028",
        )
    })
}

/// Java has no limit, but its stack: the nearest to "too much backtracking".
fn gave_up(_: MatchError) -> Thrown {
    Thrown {
        class: "java.lang.StackOverflowError",
        message: None,
        thrown_in: Some("java.util.regex.Pattern:4715"),
    }
}
