//! YAML as Azure Pipelines reads it, as a tree that knows where each part stands: one document, no
//! anchors, scalars as keys, each key once. Bounded in size, depth and number of nodes.

use std::collections::HashSet;
use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use crate::azure_devops::shown::Shown;

/// The longest text that is read: a pipeline's file, and the same with values in it.
pub(super) const TEXT_BYTES: usize = 1 << 20;
/// How deep mappings and sequences may nest; people's pipelines stay below 20.
const DEPTH: usize = 100;
/// How many scalars, mappings and sequences a text may hold.
const NODES: usize = 50_000;

/// A place in a text; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    pub(super) const START: Self = Self { line: 1, column: 1 };

    fn of(marker: Marker) -> Self {
        Self {
            line: marker.line().max(1),
            column: marker.col() + 1,
        }
    }
}

/// Why a text is no YAML that Azure Pipelines would take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlFault {
    /// Not YAML at all.
    #[error("not YAML: {0}")]
    Syntax(String),
    /// A character that YAML does not allow.
    #[error(
        "not YAML: the character U+{0:04X} is not allowed; write it as an escape in double quotes"
    )]
    Character(u32),
    /// An anchor or alias. The words are the service's own:
    /// <https://github.com/microsoft/azure-pipelines-yaml/issues/187>.
    #[error(
        "Anchors are not currently supported. Azure Pipelines reads neither anchors nor aliases; write the value out"
    )]
    Anchor,
    /// A mapping or sequence in the place of a key.
    #[error("a key is expected to be a text, not a mapping or sequence")]
    Key,
    /// A key that its mapping has already.
    #[error("'{0}' is already defined in this mapping")]
    Repeated(String),
    /// A second document.
    #[error("one document is expected, but `---` begins another one")]
    Documents,
    /// Longer than what is read.
    #[error("longer than {TEXT_BYTES} bytes")]
    Long,
    /// Nested too deeply.
    #[error("nested more than {DEPTH} levels deep")]
    Deep,
    /// Too many parts.
    #[error("more than {NODES} scalars, mappings and sequences")]
    Many,
}

/// A fault and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misread {
    pub(super) place: Place,
    /// In characters from the text's start.
    pub(super) offset: usize,
    pub(super) fault: YamlFault,
}

/// A part of a document.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    /// Characters of the text; of what stands in quotes the end may lie behind the closing one.
    pub(super) span: Range<usize>,
    pub(super) content: Content,
}

/// What a part of a document is.
#[derive(Debug)]
pub(super) enum Content {
    Scalar {
        text: String,
        /// Without quotes and nothing there: YAML's null.
        absent: bool,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    /// The value of a key, where this is a mapping that has it.
    pub(super) fn value(&self, key: &str) -> Option<&Node> {
        let Content::Mapping(entries) = &self.content else {
            return None;
        };
        entries
            .iter()
            .find(|(name, _)| name.text() == Some(key))
            .map(|(_, value)| value)
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.content {
            Content::Scalar { absent: true, .. } => "nothing",
            Content::Scalar { .. } => "a text",
            Content::Sequence(_) => "a sequence",
            Content::Mapping(_) => "a mapping",
        }
    }
}

/// Reads one document; an empty text is a scalar that is absent.
pub(super) fn read(text: &str) -> Result<Node, Misread> {
    let misread = |marker: Marker, fault| Misread {
        place: Place::of(marker),
        offset: marker.index(),
        fault,
    };
    if text.len() > TEXT_BYTES {
        return Err(misread(Marker::new(0, 1, 0), YamlFault::Long));
    }
    printable(text)?;
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let fault = YamlFault::Syntax(Shown::message(error.info()).unquoted());
            misread(*error.marker(), fault)
        })?;
        tree.take(event, span)
            .map_err(|fault| misread(span.start, fault))?;
    }
    Ok(tree.root.unwrap_or(Node {
        place: Place::START,
        span: 0..0,
        content: Content::Scalar {
            text: String::new(),
            absent: true,
        },
    }))
}

/// The parser takes NUL for the text's end, so characters outside YAML's set are refused before it
/// (<https://yaml.org/spec/1.2.2/#51-character-set>).
fn printable(text: &str) -> Result<(), Misread> {
    let mut place = Place::START;
    for (offset, character) in text.chars().enumerate() {
        let is_refused = match character {
            '\t' | '\n' | '\r' | '\u{85}' => false,
            '\u{fffe}' | '\u{ffff}' => true,
            other => other.is_control(),
        };
        if is_refused {
            let fault = YamlFault::Character(character.into());
            return Err(Misread {
                place,
                offset,
                fault,
            });
        }
        place = match character {
            '\n' => Place {
                line: place.line + 1,
                column: 1,
            },
            _ => Place {
                column: place.column + 1,
                ..place
            },
        };
    }
    Ok(())
}

/// A mapping or sequence whose end has not come yet.
struct Open {
    node: Node,
    /// The key that waits for its value.
    key: Option<Node>,
    keys: HashSet<String>,
}

#[derive(Default)]
struct Tree {
    root: Option<Node>,
    open: Vec<Open>,
    nodes: usize,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlFault> {
        match event {
            Event::Alias(_) => Err(YamlFault::Anchor),
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                Err(YamlFault::Anchor)
            }
            Event::Scalar(text, style, ..) => {
                let absent = text.is_empty() && style == ScalarStyle::Plain;
                let text = text.into_owned();
                self.add(self.node(span, Content::Scalar { text, absent }))
            }
            Event::SequenceStart(..) => self.enter(span, Content::Sequence(Vec::new())),
            Event::MappingStart(..) => self.enter(span, Content::Mapping(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(mut open) => {
                    open.node.span.end = span.end.index();
                    self.place(open.node)
                }
                None => Ok(()),
            },
            Event::DocumentStart(_) if self.root.is_some() => Err(YamlFault::Documents),
            Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::StreamStart
            | Event::StreamEnd
            | Event::Nothing => Ok(()),
        }
    }

    fn node(&self, span: Span, content: Content) -> Node {
        Node {
            place: Place::of(span.start),
            span: span.start.index()..span.end.index(),
            content,
        }
    }

    fn enter(&mut self, span: Span, content: Content) -> Result<(), YamlFault> {
        self.count()?;
        if self.open.len() == DEPTH {
            return Err(YamlFault::Deep);
        }
        let node = self.node(span, content);
        self.open.push(Open {
            node,
            key: None,
            keys: HashSet::new(),
        });
        Ok(())
    }

    fn add(&mut self, node: Node) -> Result<(), YamlFault> {
        self.count()?;
        self.place(node)
    }

    fn count(&mut self) -> Result<(), YamlFault> {
        self.nodes += 1;
        match self.nodes > NODES {
            true => Err(YamlFault::Many),
            false => Ok(()),
        }
    }

    fn place(&mut self, node: Node) -> Result<(), YamlFault> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.node.content {
            Content::Sequence(entries) => entries.push(node),
            Content::Mapping(entries) => match open.key.take() {
                Some(key) => entries.push((key, node)),
                None => {
                    let name = node.text().ok_or(YamlFault::Key)?;
                    // Expressions such as `${{ if … }}` may stand more than once.
                    if !name.contains("${{") && !open.keys.insert(name.to_owned()) {
                        return Err(YamlFault::Repeated(Shown::new(name).unquoted()));
                    }
                    open.key = Some(node);
                }
            },
            Content::Scalar { .. } => {}
        }
        Ok(())
    }
}
