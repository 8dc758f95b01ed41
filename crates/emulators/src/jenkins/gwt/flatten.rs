//! From one resolved JSON value to variables: the value itself, and one for each leaf.

use std::collections::BTreeMap;

use longshore_jsonpath::json::{Layout, Node, text_within};

use super::Thrown;
use super::filter::Filter;

/// Most bytes, names and values together, that one expression may yield. A payload of a few bytes
/// can otherwise name the same long path a hundred thousand times.
const VARIABLES_LIMIT_BYTES: usize = 8 << 20;

/// Why a value yields no variables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlattenError {
    /// More would be yielded than an emulator is willing to hold.
    #[error("the variables of one expression exceed {VARIABLES_LIMIT_BYTES} bytes")]
    TooLarge,
    /// A number is not finite, or the text is longer than that.
    #[error("the value has no JSON text of at most {VARIABLES_LIMIT_BYTES} bytes")]
    NoText,
    /// The variable's filter gave up on a value.
    #[error("the filter failed: {}", .0.job_message())]
    Filter(Thrown),
}

/// A name as the plugin cleans it: white space and `-` become `_`.
pub fn clean(name: &str) -> String {
    name.chars()
        .map(|character| {
            // Java's `\s` knows only ASCII white space.
            let blank = matches!(character, ' ' | '\t'..='\r' | '-');
            if blank { '_' } else { character }
        })
        .collect()
}

/// The variables of a value, leaves included.
pub fn variables(
    key: &str,
    value: &Node,
    filter: &Filter,
) -> Result<BTreeMap<String, String>, FlattenError> {
    let mut flattening = Flattening {
        out: BTreeMap::new(),
        budget: Budget::default(),
        filter,
    };
    match value {
        Node::Null => {}
        Node::Text(_) | Node::Bool(_) | Node::Number(_) | Node::NotFinite | Node::Keys(_) => {
            flattening.leaf(key, value)?;
        }
        Node::Array(_) | Node::Object(_) => {
            flattening.walk(key, value)?;
            let text = whole(value).ok_or(FlattenError::NoText)?;
            flattening.put(key, &text)?;
        }
    }
    Ok(flattening.out)
}

/// The JSON text of a value, where it has one within the limit.
pub fn whole(value: &Node) -> Option<String> {
    text_within(value, Layout::Compact, VARIABLES_LIMIT_BYTES)
}

/// How many bytes one expression may still yield.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(VARIABLES_LIMIT_BYTES)
    }
}

impl Budget {
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), FlattenError> {
        self.0 = self.0.checked_sub(bytes).ok_or(FlattenError::TooLarge)?;
        Ok(())
    }
}

struct Flattening<'a> {
    out: BTreeMap<String, String>,
    budget: Budget,
    filter: &'a Filter,
}

impl Flattening<'_> {
    fn walk(&mut self, path: &str, value: &Node) -> Result<(), FlattenError> {
        match value {
            Node::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    let path = self.joined(path, &index.to_string())?;
                    self.walk(&path, element)?;
                }
            }
            Node::Object(members) => {
                for (name, member) in members {
                    let path = self.joined(path, name)?;
                    self.walk(&path, member)?;
                }
            }
            leaf => self.leaf(path, leaf)?,
        }
        Ok(())
    }

    /// Long paths are built for nothing where they end in empty containers; they cost all the same.
    fn joined(&mut self, path: &str, name: &str) -> Result<String, FlattenError> {
        self.budget.spend(path.len() + name.len())?;
        Ok(format!("{path}_{name}"))
    }

    fn leaf(&mut self, path: &str, value: &Node) -> Result<(), FlattenError> {
        match value {
            Node::Text(text) => self.put(path, text),
            Node::Number(digits) => self.put(path, digits),
            Node::Bool(truth) => self.put(path, if *truth { "true" } else { "false" }),
            // Java's set of names is neither map nor list.
            Node::Keys(_) => {
                let text = whole(value).ok_or(FlattenError::NoText)?;
                self.put(path, &text)
            }
            Node::NotFinite => Err(FlattenError::NoText),
            Node::Null | Node::Array(_) | Node::Object(_) => Ok(()),
        }
    }

    fn put(&mut self, path: &str, text: &str) -> Result<(), FlattenError> {
        self.budget.spend(text.len())?;
        let value = self
            .filter
            .delete_from(text)
            .map_err(FlattenError::Filter)?;
        self.out.insert(clean(path), value);
        Ok(())
    }
}
