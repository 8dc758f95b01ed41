//! What must not be told, and telling without it.

use super::super::Config;
use super::super::gwt::hmac;
use super::super::gwt::request::{GwtRequest, Values};
use super::super::gwt::token::SOURCES;

/// Shorter texts are not looked for inside others: they would stand everywhere.
const LEAST_CHARACTERS: usize = 4;
/// From this length on the beginning of a secret is shown.
const SHOWN_FROM_CHARACTERS: usize = 12;
/// How much of its beginning.
const SHOWN_CHARACTERS: usize = 3;
/// Most secrets of one request that are looked for; with more, texts are not told at all.
const REQUEST_LIMIT: usize = 100;
const TOO_MANY: &str = "… (too many secrets in the call to tell this without them)";
/// Parts of names that tell that a value is secret.
const SECRET_NAMES: [&str; 6] = [
    "token",
    "secret",
    "password",
    "passwd",
    "authorization",
    "signature",
];

pub(super) struct Secrets {
    /// Each with what is shown of it, the longest first.
    known: Vec<(String, String)>,
    left: usize,
    too_many: bool,
}

impl Secrets {
    /// All secrets of a configuration, and those that a request carries.
    pub(super) fn of(config: &Config, request: &GwtRequest) -> Self {
        let mut secrets = Self {
            known: Vec::new(),
            left: usize::MAX,
            too_many: false,
        };
        let tokens = config
            .jobs
            .iter()
            .filter_map(|job| job.trigger.token.as_ref());
        for secret in config.credentials.values().chain(tokens) {
            secrets.add(secret.expose());
        }
        secrets.left = REQUEST_LIMIT;
        for source in SOURCES {
            secrets.add(
                source
                    .value(&request.parameters, &request.headers)
                    .unwrap_or(""),
            );
        }
        let signatures = config.whitelist.items.iter();
        let signatures = signatures.filter_map(|item| item.hmac_header.as_deref());
        let headers = signatures.chain(["authorization", "token", "x-gitlab-token", "cookie"]);
        for header in headers {
            for value in hmac::values(&request.headers, header) {
                secrets.add(value);
                // A scheme or a prefix may stand before it.
                secrets.add(value.split_once([' ', '=']).map_or("", |(_, rest)| rest));
            }
            secrets.add_echo(header, &request.headers);
        }
        for (name, values) in request.headers.iter().chain(&request.parameters) {
            for value in values.iter().filter(|_| is_secret_name(name)) {
                secrets.add(value);
            }
        }
        secrets
    }

    /// Remembers a secret, and how JSON spells it.
    pub(super) fn add(&mut self, secret: &str) {
        if secret.chars().count() < LEAST_CHARACTERS
            || self.known.iter().any(|(known, _)| known == secret)
        {
            return;
        }
        if self.has_room() {
            self.know(secret, &shortened(secret));
        }
    }

    /// Counts one more secret.
    fn has_room(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        self.too_many |= left.is_none();
        left.is_some()
    }

    /// A header as the plugin echoes it: however short its value is, it is known there.
    fn add_echo(&mut self, header: &str, headers: &Values) {
        let header = header.to_ascii_lowercase();
        if let Some(values) = headers.get(&header) {
            let echoed = format!("{header}=[{}]", values.join(", "));
            self.know(&echoed, &format!("{header}=[…]"));
        }
    }

    /// A variable in the answer: however short its value is, it is known there.
    fn add_member(&mut self, name: &str, value: &str) {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let member = format!("{}:{}", quoted(name), quoted(value));
        if self.known.iter().all(|(known, _)| *known != member) && self.has_room() {
            self.know(&member, &format!("{}:\"…\"", quoted(name)));
        }
    }

    /// Has a text and its spelling in JSON told as another.
    fn know(&mut self, text: &str, shown: &str) {
        let quoted = serde_json::Value::from(text).to_string();
        let inner = quoted
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let spelt = inner.unwrap_or(text).replace("</", "<\\/");
        for spelling in [text.to_owned(), spelt] {
            if self.known.iter().all(|(known, _)| *known != spelling) {
                self.known.push((spelling, shown.to_owned()));
            }
        }
        self.known
            .sort_by_key(|(known, _)| std::cmp::Reverse(known.len()));
    }

    /// A text in which secrets are shortened.
    pub(super) fn without(&self, text: &str) -> String {
        if self.too_many && !text.is_empty() {
            return TOO_MANY.to_owned();
        }
        let mut text = text.to_owned();
        for (secret, shown) in &self.known {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), shown);
            }
        }
        text
    }

    /// The value of a variable: shortened where its name tells that it is secret.
    pub(super) fn variable(&mut self, name: &str, value: &str) -> String {
        if is_secret_name(name) && !value.is_empty() {
            self.add(value);
            if value.chars().count() < LEAST_CHARACTERS {
                self.add_member(name, value);
            }
            return shortened(value);
        }
        self.without(value)
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// The beginning of a long secret, of a short one nothing.
pub(super) fn shortened(secret: &str) -> String {
    if secret.chars().count() < SHOWN_FROM_CHARACTERS {
        return "…".to_owned();
    }
    let start: String = secret.chars().take(SHOWN_CHARACTERS).collect();
    format!("{start}…")
}
