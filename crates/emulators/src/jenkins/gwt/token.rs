//! The given token, and which jobs it calls.

use subtle::ConstantTimeEq;

use super::model::{Credentials, Trigger};
use super::request::Values;

/// Where a token can stand, in the order in which the plugin looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The parameter `token`, in the query or a form.
    Parameter,
    /// The header `token`.
    Header,
    /// `Authorization: Bearer`, with this very capital and one space.
    Bearer,
    /// The header `X-Gitlab-Token`.
    GitLab,
}

/// All sources in their order.
pub const SOURCES: [Source; 4] = [
    Source::Parameter,
    Source::Header,
    Source::Bearer,
    Source::GitLab,
];

impl Source {
    /// What stands there.
    pub fn value<'a>(self, parameters: &'a Values, headers: &'a Values) -> Option<&'a str> {
        let first = |values: &'a Values, name: &str| values.get(name)?.first().map(String::as_str);
        match self {
            Self::Parameter => first(parameters, "token"),
            Self::Header => first(headers, "token"),
            Self::Bearer => headers
                .get("authorization")?
                .iter()
                .find_map(|value| value.strip_prefix("Bearer ")),
            Self::GitLab => first(headers, "x-gitlab-token"),
        }
    }
}

/// The token of a request, and where it stood. The first source that is present wins, even when it
/// is empty.
pub fn given_by(parameters: &Values, headers: &Values) -> Option<(Source, String)> {
    SOURCES.into_iter().find_map(|source| {
        let value = source.value(parameters, headers)?;
        Some((source, value.to_owned()))
    })
}

/// The token of a request.
pub fn given(parameters: &Values, headers: &Values) -> Option<String> {
    given_by(parameters, headers).map(|(_, token)| token)
}

/// The token of a trigger, empty where it has none: that of its credential where it is found.
pub fn configured<'a>(trigger: &'a Trigger, credentials: &'a Credentials) -> &'a str {
    trigger
        .token_credential_id
        .as_deref()
        .filter(|id| !id.is_empty())
        .and_then(|id| credentials.get(id))
        .or(trigger.token.as_ref())
        .map_or("", |token| token.expose())
}

/// Whether a job of this trigger is called by this token: without a token only jobs without one,
/// with a token only those whose token equals it.
pub fn calls(trigger: &Trigger, credentials: &Credentials, given: Option<&str>) -> bool {
    let configured = configured(trigger, credentials);
    let given = given.unwrap_or_default();
    configured.as_bytes().ct_eq(given.as_bytes()).into()
}

/// Whether only jobs that the caller may read are looked at; with a token all are, as the system.
pub fn needs_read(given: Option<&str>) -> bool {
    given.unwrap_or_default().is_empty()
}

/// The text for a request that called no job.
pub fn not_found_message(given: Option<&str>) -> String {
    let mut message = "Did not find any jobs with GenericTrigger configured!\n".to_owned();
    if !needs_read(given) {
        message.push_str("A token was supplied.\n");
    } else {
        message.push_str(
            "No token was supplied.\n\
             If you are using a token, you need to pass it like \
             ...trigger/invoke?token=TOKENHERE\n\
             If you are not using a token, you need to authenticate like \
             http://user:passsword@example.org/generic-webhook...\n",
        );
    }
    message
}

#[cfg(test)]
mod tests {
    use super::super::model::{Credentials, Trigger};
    use super::calls;

    #[test]
    fn a_missing_token_credential_falls_back_to_the_token() {
        let credentials: Credentials = [("known".to_owned(), "from-credential".into())].into();
        let trigger = |id: &str, token: Option<&str>| Trigger {
            token: token.map(Into::into),
            token_credential_id: Some(id.to_owned()),
            ..Trigger::default()
        };
        let cases = [
            (trigger("known", Some("t")), Some("from-credential"), true),
            (trigger("known", Some("t")), Some("t"), false),
            (trigger("gone", Some("t")), Some("t"), true),
            (trigger("gone", None), None, true),
            (trigger("gone", None), Some(""), true),
            (trigger("", Some("t")), Some("t"), true),
            (trigger("", Some("t")), Some("T"), false),
        ];
        for (trigger, given, expected) in cases {
            assert_eq!(calls(&trigger, &credentials, given), expected);
        }
    }
}
