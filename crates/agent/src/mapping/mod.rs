//! From a run's message to the call that is made for it: the payload-mapping file, or the built-in
//! mapping. Makes no call and knows no server.

mod builtin;
mod decrypt;
mod expression;
mod parse;
mod plan;
mod report;
mod tree;

use longshore_backends::scrub::MIN_SECRET_BYTES;
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::run::CallOutline;
use longshore_domain::secret::Secret;
use longshore_jq::Evaluator;
use serde_json::Value;

use crate::config::Secrets;
use expression::Expression;
use tree::Tree;

pub use report::ReportContext;

/// The most mappings of a file.
pub const MAPPINGS_LIMIT: usize = 1_000;
/// The most paths that one mapping decrypts.
pub const PATHS_LIMIT: usize = 100;

/// How messages become calls; the first enabled mapping counts.
#[derive(Debug)]
pub struct Mappings {
    /// None for the built-in mapping.
    list: Option<Vec<Mapping>>,
    /// The variables that expressions may read.
    environment: Value,
}

/// One entry of the file.
#[derive(Debug)]
struct Mapping {
    enabled: Enabled,
    url: Option<Expression>,
    method: Option<Expression>,
    headers: Option<Tree>,
    query: Option<Tree>,
    body: Option<Tree>,
    report: Vec<(&'static str, Expression)>,
    decrypt: Vec<String>,
}

#[derive(Debug)]
enum Enabled {
    Literally(bool),
    Where(Expression),
}

/// The call of a message, before it is addressed and signed.
#[derive(Debug, Default)]
pub struct Plan {
    /// Where it goes, without what `query` adds.
    pub url: String,
    /// POST where it is missing.
    pub method: Option<String>,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// What is added to the URL.
    pub query: Vec<(String, String)>,
    /// What is sent.
    pub body: Body,
    /// What receivers must not be heard to repeat.
    pub secrets: Vec<Secret<String>>,
    /// What a person should know of it.
    pub notes: Vec<String>,
    /// Who reports.
    reporter: Reporter,
}

/// What a call sends.
#[derive(Debug, Default)]
pub enum Body {
    /// No body.
    #[default]
    Nothing,
    /// The whole message, as it is once encrypted fields are replaced.
    Message,
    /// What a mapping made of it.
    Made(Value),
}

impl Body {
    /// The body of a call for `message`; null stands for none.
    #[must_use]
    pub fn of<'a>(&'a self, message: &'a Value) -> Option<&'a Value> {
        let body = match self {
            Self::Nothing => None,
            Self::Message => Some(message),
            Self::Made(body) => Some(body),
        };
        body.filter(|body| !body.is_null())
    }
}

/// Which expressions read the answer.
#[derive(Debug, Default)]
enum Reporter {
    #[default]
    Nobody,
    Gitlab,
    Mapping(usize),
}

impl Plan {
    /// The built-in mapping's call of a message that is sent as it is.
    #[must_use]
    pub fn of_text(call: &CallOutline) -> Self {
        Self {
            url: call.url.clone(),
            body: builtin::whole_message(call.method.as_deref()),
            method: call.method.clone(),
            ..Self::default()
        }
    }

    /// Whether the whole answer is needed, to report of it.
    #[must_use]
    pub const fn reads_answer(&self) -> bool {
        !matches!(self.reporter, Reporter::Nobody)
    }

    /// Keeps `text` from being repeated.
    fn keep_back(&mut self, text: &str) {
        if text.len() >= MIN_SECRET_BYTES {
            self.secrets.push(Secret::new(text.to_owned()));
        }
    }
}

impl Mappings {
    /// The built-in mapping, for whoever has no file: GitLab's trigger, else the run's own URL with
    /// the whole message.
    #[must_use]
    pub const fn built_in(environment: Value) -> Self {
        Self {
            list: None,
            environment,
        }
    }

    /// The mappings of a file's text; expressions see the variables of `environment` as `env`.
    ///
    /// # Errors
    /// Every mistake, each with its place.
    pub fn parse(text: &str, environment: Value) -> Result<Self, Vec<String>> {
        Ok(Self {
            list: Some(parse::mappings(text)?),
            environment,
        })
    }

    /// Whether there is no file, so that the message of most actions is sent as it is.
    #[must_use]
    pub const fn are_built_in(&self) -> bool {
        self.list.is_none()
    }

    /// The call of `message`, in which encrypted fields are replaced; none where no mapping is
    /// enabled for it.
    ///
    /// # Errors
    /// Why the mapping gives no call.
    pub async fn plan(
        &self,
        evaluator: &Evaluator,
        message: &mut Value,
        secrets: &Secrets,
    ) -> Result<Option<Plan>, Diagnosis> {
        let Some(list) = &self.list else {
            return builtin::plan(message, &self.environment).map(Some);
        };
        let Some(index) = self.enabled(evaluator, list, message).await else {
            return Ok(None);
        };
        let Some(mapping) = list.get(index) else {
            return Ok(None);
        };
        let mut plan = Plan::default();
        for (place, path) in mapping.decrypt.iter().enumerate() {
            match decrypt::field(message, path, secrets) {
                Ok(None) => {}
                Ok(Some(opened)) => plan.keep_back(opened.expose()),
                Err(fault) => {
                    let field = format!("fieldsToDecryptPaths[{place}]");
                    return Err(failed(index, &field, &fault.to_string()));
                }
            }
        }
        plan::fill(&mut plan, self, index, mapping, evaluator, message).await?;
        if !mapping.report.is_empty() {
            plan.reporter = Reporter::Mapping(index);
        }
        Ok(Some(plan))
    }

    /// The first mapping that is enabled for `message`.
    async fn enabled(
        &self,
        evaluator: &Evaluator,
        list: &[Mapping],
        message: &Value,
    ) -> Option<usize> {
        let certain = list
            .iter()
            .position(|mapping| matches!(mapping.enabled, Enabled::Literally(true)));
        let before = &list[..certain.unwrap_or(list.len())];
        let (places, asked): (Vec<usize>, Vec<&Expression>) = before
            .iter()
            .enumerate()
            .filter_map(|(index, mapping)| match &mapping.enabled {
                Enabled::Where(expression) => Some((index, expression)),
                Enabled::Literally(_) => None,
            })
            .unzip();
        let answers = expression::evaluate(evaluator, &asked, message, &self.environment).await;
        let first = answers.iter().position(|answer| {
            matches!(answer, longshore_jq::Evaluated::Output(Value::Bool(true)))
        });
        first
            .and_then(|first| places.get(first).copied())
            .or(certain)
    }
}

/// Why mapping `index` gives no call. Says nothing of values: they may be secret.
fn failed(index: usize, field: &str, what: &str) -> Diagnosis {
    Diagnosis {
        reason: Reason::MappingFailed,
        message: format!("mapping[{index}].{field}: {what}"),
        fix: "Correct the agent's payload-mapping file; `longshore jq` shows what an expression \
              gives for a message."
            .into(),
    }
}
