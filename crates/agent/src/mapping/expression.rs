//! An expression of a mapping: compiled once, evaluated on messages, with the environment where it
//! asks for that.

use longshore_jq::{Evaluated, Evaluator, Program};
use serde_json::{Value, json};

/// Whose turn it is among an evaluator's owners: there is only this one.
const OWNER: &str = "mapping";

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Expression {
    program: Program,
    pub(super) names_environment: bool,
}

impl Expression {
    /// Compiles `text`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let plain = Program::compile(text).map_err(|error| error.to_string())?;
        if !names_environment(text) {
            return Ok(Self {
                program: plain,
                names_environment: false,
            });
        }
        // Expressions see their input only, so it is the input that brings the environment. The
        // line end keeps a comment at the text's end from what follows.
        let text = format!(".environment as $ENV | def env: $ENV; .message | ({text}\n)");
        let program = Program::compile(&text).map_err(|error| error.message)?;
        Ok(Self {
            program,
            names_environment: true,
        })
    }
}

/// Whether `text` may use the built-in `env` or `$ENV`.
fn names_environment(text: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let ends = |at: usize| !text[at..].starts_with(part_of_name);
    let variable = text
        .match_indices("$ENV")
        .any(|(at, name)| ends(at + name.len()));
    let begins = |at: usize| {
        let before = text[..at].chars().next_back();
        before.is_none_or(|c| !part_of_name(c) && !matches!(c, '.' | '"' | '$' | '@'))
    };
    variable
        || text
            .match_indices("env")
            .any(|(at, name)| begins(at) && ends(at + name.len()))
}

/// What each expression gives for `message`, in order.
pub(super) async fn evaluate(
    evaluator: &Evaluator,
    expressions: &[&Expression],
    message: &Value,
    environment: &Value,
) -> Vec<Evaluated> {
    let programs = |with: bool| -> Vec<&Program> {
        let chosen = expressions.iter().filter(|it| it.names_environment == with);
        chosen.map(|expression| &expression.program).collect()
    };
    let (alone, with_environment) = (programs(false), programs(true));
    let input = if with_environment.is_empty() {
        Value::Null
    } else {
        json!({"message": message, "environment": environment})
    };
    let (alone, with_environment) = tokio::join!(
        evaluator.evaluate(OWNER, &alone, message),
        evaluator.evaluate(OWNER, &with_environment, &input),
    );
    let (mut alone, mut with_environment) = (alone.into_iter(), with_environment.into_iter());
    expressions
        .iter()
        .filter_map(|expression| {
            if expression.names_environment {
                with_environment.next()
            } else {
                alone.next()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_sent_to_what_asks_for_it_only() {
        for (text, names) in [
            ("env.GITLAB_URL // \"https://gitlab.com/\"", true),
            ("\"Bearer \\(env[\"T\"])\"", true),
            ("$ENV.TOKEN", true),
            ("env", true),
            (".payload.env", false),
            (".environment", false),
            ("\"env\"", false),
            ("$ENVIRONMENT", false),
            (".a | envelope", false),
        ] {
            assert_eq!(names_environment(text), names, "{text}");
        }
    }
}
