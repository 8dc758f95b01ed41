//! The Generic Webhook Trigger plugin (2.4) as functions: what it makes of a request, without HTTP,
//! clock or queue. Behaviour as documented and observed; strings that go over the wire are exact.
//!
//! Not here: JSONPath, JSON and Java's regular expressions, which are `longshore-jsonpath`'s; of XPath
//! what [`xpath`] names, of which `Trigger::unsupported` tells.

pub mod address;
pub mod cause;
pub mod decide;
pub mod filter;
pub mod flatten;
pub mod hmac;
pub mod model;
pub mod parameters;
pub mod render;
pub mod request;
pub mod response;
pub mod token;
pub mod variables;
pub mod whitelist;
pub mod xpath;

/// An exception that the plugin, or what it calls, would have thrown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thrown {
    /// Fully qualified class name.
    pub class: &'static str,
    /// Its message; `None` prints as `null`.
    pub message: Option<String>,
    /// Top of its stack trace, class and line; `None` where it has none.
    pub thrown_in: Option<&'static str>,
}

impl Thrown {
    /// An exception with a message.
    pub fn new(class: &'static str, message: impl Into<String>, thrown_in: &'static str) -> Self {
        Self {
            class,
            message: Some(message.into()),
            thrown_in: Some(thrown_in),
        }
    }

    /// What stands in the answer in place of a job's result.
    pub fn job_message(&self) -> String {
        let message = self.message.as_deref().unwrap_or("null");
        let origin = self
            .thrown_in
            .map_or_else(String::new, |place| format!("Thrown in: {place}"));
        format!(
            "Exception occurred (class {}: {message}), full stack trace in Jenkins server log. \
             {origin}",
            self.class
        )
    }
}
