//! Where values come from: defaults, conventional proxy variables, the file, `LONGSHORE_*`.
//!
//! Collects what was given, verbatim and with its origin. What a value means is not decided here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use longshore_domain::lines::Lines;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{ConfigMistake, Origin, Problem};

/// The prefix of our variables.
pub(super) const PREFIX: &str = "LONGSHORE_";
/// The largest file that is read, be it a configuration or a secret.
const FILE_BYTES: u64 = 1024 * 1024;
/// The defaults, with their reasons.
pub(super) const DEFAULTS: &str = include_str!("../../../../config.default.toml");

/// Conventional variables, lower case first as curl reads them, and the settings they stand in for.
const PROXY_VARIABLES: [(&str, &str); 6] = [
    ("HTTP_PROXY", "network.http_proxy"),
    ("http_proxy", "network.http_proxy"),
    ("HTTPS_PROXY", "network.https_proxy"),
    ("https_proxy", "network.https_proxy"),
    ("NO_PROXY", "network.no_proxy"),
    ("no_proxy", "network.no_proxy"),
];

/// A value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Text(String),
    Integer(i64),
    List(Vec<Self>),
    /// A type that no setting has, by its name.
    Other(&'static str),
    /// An environment variable: text whose type the setting decides.
    Variable(String),
}

impl Raw {
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Variable(_) => "a text",
            Self::Integer(_) => "a number",
            Self::List(_) => "a list",
            Self::Other(name) => name,
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given {
    pub(super) origin: Origin,
    pub(super) raw: Raw,
}

/// All that was given; later fields win.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) defaults: BTreeMap<String, Given>,
    pub(super) proxies: BTreeMap<String, Given>,
    pub(super) file: BTreeMap<String, Given>,
    /// By variable name.
    pub(super) variables: BTreeMap<String, Given>,
}

impl Layers {
    pub(super) fn collect(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        mistakes: &mut Vec<ConfigMistake>,
    ) -> Self {
        let mut layers = Self {
            defaults: parse(DEFAULTS, &|_| Origin::Default, mistakes),
            ..Self::default()
        };
        if let Some(path) = file {
            layers.file = read(path, mistakes);
        }
        let mut proxies = BTreeMap::new();
        for (name, value) in environment {
            if name.starts_with(PREFIX) {
                if !is_service_link(&name, &value) {
                    layers
                        .variables
                        .insert(name.clone(), variable(&name, value));
                }
            } else if !value.is_empty() && PROXY_VARIABLES.iter().any(|(known, _)| *known == name) {
                proxies.insert(name, value);
            }
        }
        for (name, key) in PROXY_VARIABLES {
            if let Some(value) = proxies.remove(name) {
                layers.proxies.insert(key.to_owned(), variable(name, value));
            }
        }
        layers
    }
}

fn variable(name: &str, value: String) -> Given {
    Given {
        origin: Origin::Variable(name.to_owned()),
        raw: Raw::Variable(value),
    }
}

/// Kubernetes sets variables for each service of a namespace; those of one named `longshore` begin like ours.
/// <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>
fn is_service_link(name: &str, value: &str) -> bool {
    let is_address = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| value.starts_with(scheme));
    let names_port = name.rsplit_once("_PORT_").is_some_and(|(_, port)| {
        let mut parts = port.split('_');
        parts
            .next()
            .is_some_and(|number| number.parse::<u16>().is_ok())
            && parts
                .next()
                .is_some_and(|protocol| matches!(protocol, "TCP" | "UDP" | "SCTP"))
    });
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || names_port
        || (name.ends_with("_PORT") && is_address)
}

/// The text of a file, where it is readable, not too large and UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String, Problem> {
    let unreadable = |cause: String| Problem::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(unreadable(format!("it is larger than {FILE_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))
}

fn read(path: &Path, mistakes: &mut Vec<ConfigMistake>) -> BTreeMap<String, Given> {
    let origin = |line| Origin::File {
        path: path.to_owned(),
        line,
    };
    match read_text(path) {
        Ok(text) => parse(&text, &origin, mistakes),
        Err(problem) => {
            mistakes.push(ConfigMistake {
                origin: origin(None),
                setting: String::new(),
                problem,
            });
            BTreeMap::new()
        }
    }
}

fn parse(
    text: &str,
    origin: &dyn Fn(Option<usize>) -> Origin,
    mistakes: &mut Vec<ConfigMistake>,
) -> BTreeMap<String, Given> {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        mistakes.push(ConfigMistake {
            origin: origin(error.span().map(|span| lines.line_of(span.start))),
            setting: String::new(),
            problem: Problem::Syntax {
                message: error.message().to_owned(),
            },
        });
    }
    let mut given = BTreeMap::new();
    let mut add = |key: String, at: usize, raw: Raw| {
        let origin = origin(Some(lines.line_of(at)));
        given.insert(key, Given { origin, raw });
    };
    for (name, value) in table.get_ref() {
        match value.get_ref() {
            DeValue::Table(section) if !section.is_empty() => {
                for (key, value) in section {
                    let dotted = format!("{}.{}", name.get_ref(), key.get_ref());
                    add(dotted, key.span().start, raw(value));
                }
            }
            _ => add(name.get_ref().to_string(), name.span().start, raw(value)),
        }
    }
    given
}

fn raw(value: &Spanned<DeValue<'_>>) -> Raw {
    match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Raw::Other("a number beyond 64 bits"), Raw::Integer),
        DeValue::Array(items) => Raw::List(items.iter().map(raw).collect()),
        DeValue::Boolean(_) => Raw::Other("a boolean"),
        DeValue::Float(_) => Raw::Other("a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a section"),
    }
}
