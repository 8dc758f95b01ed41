//! Regular expressions as `java.util.regex` (JDK 17) reads them, on top of `fancy_regex`: the
//! pattern is translated, so that `\s`, `.`, `$`, `(?i)`, `\Q…\E` and the rest mean the same.
//!
//! What Java refuses is an error, and so are the few forms that have no translation.

mod class;
mod flags;
mod property;
#[cfg(test)]
mod tests;
mod translate;

pub use flags::Flags;

/// Steps after which matching gives up; Java would go on, or overflow its stack.
const BACKTRACK_LIMIT: usize = 1_000_000;
/// The same for patterns that are matched against many values.
const WHOLE_BACKTRACK_LIMIT: usize = 50_000;
/// Most memory that a compiled part may take.
const COMPILED_LIMIT_BYTES: usize = 8 << 20;

/// The text is no pattern, or none that can be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Java refuses it.
    #[error("{}", java_message(description, *index, pattern))]
    Syntax {
        /// What is wrong, close to the JDK's words.
        description: &'static str,
        /// Characters before the place.
        index: usize,
        /// The whole pattern.
        pattern: String,
    },
    /// Java takes it, but it has no translation.
    #[error("{what} is not translated")]
    Unsupported {
        /// The form.
        what: &'static str,
    },
    /// Java takes it, but the engine below does not: mostly it is too large.
    #[error("the pattern is not compiled: {reason}")]
    NotCompiled {
        /// What the engine says.
        reason: String,
    },
}

/// Matching gave up: the pattern backtracks too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the regular expression backtracks too much")]
pub struct MatchError;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    compiled: fancy_regex::Regex,
}

impl Pattern {
    /// Compiles a pattern that is looked for anywhere.
    pub fn compile(pattern: &str) -> Result<Self, PatternError> {
        build(
            &translate::translate(pattern, Flags::default())?,
            BACKTRACK_LIMIT,
        )
    }

    /// Compiles a pattern that has to match the whole text.
    pub fn compile_whole(pattern: &str, flags: Flags) -> Result<Self, PatternError> {
        let translated = translate::translate(pattern, flags)?;
        build(&format!(r"\A(?:{translated})\z"), WHOLE_BACKTRACK_LIMIT)
    }

    /// Whether Java takes the pattern; nothing is compiled.
    pub fn check(pattern: &str, flags: Flags) -> Result<(), PatternError> {
        translate::translate(pattern, flags).map(|_| ())
    }

    /// Whether the text matches.
    pub fn is_match(&self, text: &str) -> Result<bool, MatchError> {
        self.compiled.is_match(text).map_err(|_| MatchError)
    }

    /// The text without anything that matches.
    pub fn delete_from(&self, text: &str) -> Result<String, MatchError> {
        self.compiled
            .try_replacen(text, 0, fancy_regex::NoExpand(""))
            .map(|text| text.into_owned())
            .map_err(|_| MatchError)
    }
}

fn build(translated: &str, backtrack_limit: usize) -> Result<Pattern, PatternError> {
    fancy_regex::RegexBuilder::new(translated)
        .backtrack_limit(backtrack_limit)
        .delegate_size_limit(COMPILED_LIMIT_BYTES)
        .build()
        .map(|compiled| Pattern { compiled })
        .map_err(|error| PatternError::NotCompiled {
            reason: error.to_string(),
        })
}

/// The message of a `PatternSyntaxException`, which points at the place.
fn java_message(description: &str, index: usize, pattern: &str) -> String {
    let mut message = format!("{description} near index {index}\n{pattern}");
    if index < pattern.chars().count() {
        message.push_str(&format!("\n{}^", " ".repeat(index)));
    }
    message
}
