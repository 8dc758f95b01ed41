//! Java's regular expressions on top of `fancy_regex`: the pattern is translated, so that `\s`, `.`,
//! `$`, `(?i)`, `\Q…\E` and the rest mean what `java.util.regex` says.

mod class;
mod flags;
mod translate;

use super::Thrown;

/// Steps after which matching gives up; Java would go on, or overflow its stack.
const BACKTRACK_LIMIT: usize = 1_000_000;
/// Most memory that a compiled part may take.
const COMPILED_LIMIT_BYTES: usize = 8 << 20;

/// A compiled Java pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    compiled: fancy_regex::Regex,
}

impl Pattern {
    /// Compiles a pattern; what Java refuses is a `PatternSyntaxException`.
    pub fn compile(pattern: &str) -> Result<Self, Thrown> {
        let translated = translate::translate(pattern)?;
        fancy_regex::RegexBuilder::new(&translated)
            .backtrack_limit(BACKTRACK_LIMIT)
            .delegate_size_limit(COMPILED_LIMIT_BYTES)
            .build()
            .map(|compiled| Self { compiled })
            .map_err(|error| syntax_error(pattern, None, &error.to_string()))
    }

    /// Whether the pattern is found anywhere in the text.
    pub fn is_found(&self, text: &str) -> Result<bool, Thrown> {
        self.compiled.is_match(text).map_err(|_| gave_up())
    }

    fn delete_from(&self, text: &str) -> Result<String, Thrown> {
        self.compiled
            .try_replacen(text, 0, fancy_regex::NoExpand(""))
            .map(|text| text.into_owned())
            .map_err(|_| gave_up())
    }
}

/// A variable's `regexpFilter`: every match of it is deleted.
#[derive(Debug, Clone)]
pub struct Filter(Option<Pattern>);

impl Filter {
    /// Compiles a filter; null and empty delete nothing.
    pub fn compile(pattern: Option<&str>) -> Result<Self, Thrown> {
        pattern
            .filter(|pattern| !pattern.is_empty())
            .map(Pattern::compile)
            .transpose()
            .map(Self)
    }

    /// The text without the matches.
    pub fn delete_from(&self, text: &str) -> Result<String, Thrown> {
        match &self.0 {
            Some(pattern) => pattern.delete_from(text),
            None => Ok(text.to_owned()),
        }
    }
}

/// Java's exception for a pattern that it cannot read.
fn syntax_error(pattern: &str, index: Option<usize>, description: &str) -> Thrown {
    let mut message = description.to_owned();
    if let Some(index) = index {
        message.push_str(&format!(" near index {index}"));
    }
    message.push_str(&format!("\n{pattern}"));
    if let Some(index) = index.filter(|index| *index < pattern.chars().count()) {
        message.push_str(&format!("\n{}^", " ".repeat(index)));
    }
    Thrown::new(
        "java.util.regex.PatternSyntaxException",
        message,
        "java.util.regex.Pattern:2028",
    )
}

/// Java has no limit, but its stack: the nearest to "too much backtracking".
fn gave_up() -> Thrown {
    Thrown {
        class: "java.lang.StackOverflowError",
        message: None,
        thrown_in: Some("java.util.regex.Pattern:4715"),
    }
}
