//! What a payload makes of a pipeline's YAML: values take the place of expressions as raw text,
//! before the YAML is read.
//!
//! So a value may break the YAML or add to it. Both are found by reading the result, and comparing
//! it with what harmless words in the same places give.

use serde_json::Value;

use super::document::{self, Content, Misread, Node, Place, TEXT_BYTES, YamlFault};
use super::{Definition, Parameter};
use crate::azure_devops::path::scalar_text;

/// How many alterations are told.
const ALTERATIONS: usize = 10;

/// The YAML with a payload's values in it.
#[derive(Debug)]
pub(in crate::azure_devops) struct Substituted {
    /// How the values change what the pipeline is, beside being values: the line of the pipeline's
    /// file where one stands, if it is known which, and what changes.
    pub(in crate::azure_devops) alterations: Vec<(Option<usize>, String)>,
}

/// Why the YAML is invalid with a payload's values in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::azure_devops) enum Unreadable {
    #[error(
        "line {}: {name} is {kind}, and only a text, number or boolean can be put into YAML; \
         send it as a JSON text", .place.line
    )]
    NotScalar {
        name: String,
        place: Place,
        kind: &'static str,
    },
    #[error("with the values in it the YAML is longer than {TEXT_BYTES} bytes")]
    Long,
    #[error(
        "with the values in it the YAML is invalid at line {}, column {}{}: {fault}",
        .place.line, .place.column, after(.culprit.as_ref())
    )]
    Yaml {
        /// In the text with values.
        place: Place,
        /// The parameter whose value stands last before it, with its line in the file.
        culprit: Option<(String, usize)>,
        fault: YamlFault,
    },
}

fn after(culprit: Option<&(String, usize)>) -> String {
    culprit
        .map(|(name, line)| format!(", behind the value of {name} (line {line} of the file)"))
        .unwrap_or_default()
}

/// The document with a word of its own for each value.
#[derive(Debug)]
pub(super) struct Harmless {
    root: Node,
    /// A word that the text does not hold.
    word: String,
}

impl Harmless {
    /// `None` where the text is no YAML with words either.
    pub(super) fn of(text: &str, parameters: &[Parameter]) -> Option<Self> {
        let mut word = "value".to_owned();
        while text.contains(&word) {
            word.push('x');
        }
        let written = Written::new(text, parameters, |number| stand_in(&word, number))?;
        let root = document::read(&written.text).ok()?;
        Some(Self { root, word })
    }
}

/// Ends in a letter, so that no stand-in begins another one.
fn stand_in(word: &str, number: usize) -> String {
    format!("{word}{number}z")
}

impl Definition {
    /// The YAML with the values that `value` finds for its parameters; none is an empty text.
    pub(in crate::azure_devops) fn substitute<'v>(
        &self,
        value: impl Fn(&Parameter) -> Option<&'v Value>,
    ) -> Result<Substituted, Unreadable> {
        let mut texts = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            let found = value(parameter);
            let kind = match found {
                Some(Value::Array(_)) => "an array",
                Some(Value::Object(_)) => "an object",
                _ => {
                    texts.push(found.and_then(scalar_text).unwrap_or_default());
                    continue;
                }
            };
            return Err(Unreadable::NotScalar {
                name: parameter.to_string(),
                place: parameter.place,
                kind,
            });
        }
        let written = Written::new(&self.text, &self.parameters, |number| {
            texts[number].as_str()
        })
        .ok_or(Unreadable::Long)?;
        let root =
            document::read(&written.text).map_err(|misread| self.broken(&written, misread))?;
        let mut comparison = Comparison {
            definition: self,
            written: &written,
            word: "",
            texts: &texts,
            alterations: Vec::new(),
        };
        if let Some(harmless) = &*self.harmless {
            comparison.word = &harmless.word;
            comparison.compare(&harmless.root, &root, "");
        }
        Ok(Substituted {
            alterations: comparison.alterations,
        })
    }

    fn broken(&self, written: &Written, misread: Misread) -> Unreadable {
        Unreadable::Yaml {
            place: misread.place,
            culprit: written.before(misread.offset).map(|number| {
                let parameter = &self.parameters[number];
                (parameter.to_string(), parameter.place.line)
            }),
            fault: match misread.fault {
                // Its text may be a value.
                YamlFault::Repeated(_) => {
                    YamlFault::Syntax("a key is already defined in its mapping".to_owned())
                }
                fault => fault,
            },
        }
    }
}

/// A text with something in the place of each bare expression.
struct Written {
    text: String,
    /// The number of a parameter, and where what stands for it begins, in characters.
    starts: Vec<(usize, usize)>,
}

impl Written {
    /// `None` where it gets too long.
    fn new<T: AsRef<str>>(
        text: &str,
        parameters: &[Parameter],
        replacement: impl Fn(usize) -> T,
    ) -> Option<Self> {
        let mut written = String::with_capacity(text.len());
        let mut starts = Vec::new();
        let mut characters = 0;
        let mut at = 0;
        for (number, parameter) in parameters.iter().enumerate() {
            if !parameter.bare {
                continue;
            }
            let before = &text[at..parameter.range.start];
            let replacement = replacement(number);
            let replacement = replacement.as_ref();
            if written.len() + before.len() + replacement.len() > TEXT_BYTES {
                return None;
            }
            written.push_str(before);
            characters += before.chars().count();
            starts.push((number, characters));
            written.push_str(replacement);
            characters += replacement.chars().count();
            at = parameter.range.end;
        }
        written.push_str(&text[at..]);
        (written.len() <= TEXT_BYTES).then_some(Self {
            text: written,
            starts,
        })
    }

    /// The parameter whose value begins last at or before an offset.
    fn before(&self, offset: usize) -> Option<usize> {
        let after = self.starts.partition_point(|(_, start)| *start <= offset);
        Some(self.starts.get(after.checked_sub(1)?)?.0)
    }
}

struct Comparison<'a> {
    definition: &'a Definition,
    written: &'a Written,
    word: &'a str,
    texts: &'a [String],
    alterations: Vec<(Option<usize>, String)>,
}

impl Comparison<'_> {
    /// Documents are at most as deep as [`document::read`] lets them be.
    fn compare(&mut self, harmless: &Node, actual: &Node, path: &str) {
        if self.alterations.len() == ALTERATIONS {
            return;
        }
        match (&harmless.content, &actual.content) {
            (Content::Scalar { text, .. }, Content::Scalar { text: read, .. }) => {
                // White space at the ends is lost without harm.
                if self.filled(text).trim() != read.trim() {
                    let told = "is not read as the text with the values in it";
                    self.alter(actual, path, told);
                }
            }
            (Content::Sequence(expected), Content::Sequence(read)) => {
                if read.len() != expected.len() {
                    let told = format!("has {} entries instead of {}", read.len(), expected.len());
                    self.alter(read.last().unwrap_or(actual), path, &told);
                }
                for (number, (expected, read)) in expected.iter().zip(read).enumerate() {
                    self.compare(expected, read, &format!("{path}[{number}]"));
                }
            }
            (Content::Mapping(expected), Content::Mapping(read)) => {
                self.compare_entries(actual, expected, read, path);
            }
            _ => {
                let told = format!("is {} instead of {}", actual.kind(), harmless.kind());
                self.alter(actual, path, &told);
            }
        }
    }

    fn compare_entries(
        &mut self,
        actual: &Node,
        expected: &[(Node, Node)],
        read: &[(Node, Node)],
        path: &str,
    ) {
        for (number, (key, value)) in expected.iter().enumerate() {
            let name = key.text().unwrap_or_default();
            let shown = match (path, name.contains(self.word)) {
                (_, true) => format!("{path}.…"),
                ("", false) => name.to_owned(),
                (_, false) => format!("{path}.{name}"),
            };
            match read.get(number) {
                Some((found, below)) if found.text() == Some(self.filled(name).as_str()) => {
                    self.compare(value, below, &shown);
                }
                Some((found, _)) => {
                    self.alter(found, path, "has another key than written");
                    return;
                }
                None => {
                    self.alter(actual, path, "has lost a key");
                    return;
                }
            }
        }
        if let Some((added, _)) = read.get(expected.len()) {
            let more = read.len() - expected.len();
            let told = format!("has keys that are not written there, {more} in all");
            self.alter(added, path, &told);
        }
    }

    /// A text with the values in the place of their stand-ins.
    fn filled(&self, text: &str) -> String {
        if self.word.is_empty() {
            return text.to_owned();
        }
        let mut parts = text.split(self.word);
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (number, rest) = part.split_once('z').unwrap_or((part, ""));
            let value = number.parse().ok().and_then(|it: usize| self.texts.get(it));
            filled.push_str(value.map_or("", String::as_str));
            filled.push_str(rest);
        }
        filled
    }

    fn alter(&mut self, at: &Node, path: &str, told: &str) {
        let line = self
            .written
            .before(at.span.end)
            .map(|number| self.definition.parameters[number].place.line);
        let path = if path.is_empty() {
            "the pipeline"
        } else {
            path
        };
        self.alterations.push((line, format!("{path} {told}")));
    }
}
