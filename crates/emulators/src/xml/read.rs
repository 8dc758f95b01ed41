//! Reading XML text into a tree. The tokens are quick-xml's; what it lets pass is refused here.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::reader::Reader;

use super::{
    ATTRIBUTE_LIMIT, DEPTH_LIMIT, Document, Kind, NAME_LIMIT_BYTES, NODE_LIMIT, Node, NodeId,
};

/// A text that is not read as XML.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(crate) struct ReadError {
    /// Where, from 1.
    pub(crate) line: usize,
    /// Why.
    pub(crate) problem: Problem,
}

/// Why a text is not read as XML.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// The tokens are wrong.
    #[error("not well-formed: {0}")]
    Syntax(#[from] quick_xml::Error),
    /// An attribute is wrong.
    #[error("not well-formed: {0}")]
    Attribute(#[from] quick_xml::events::attributes::AttrError),
    /// Something that XML forbids at that place.
    #[error("not well-formed: {0}")]
    Forbidden(&'static str),
    /// A document type could define entities.
    #[error("a document type (DOCTYPE) is not allowed")]
    DocumentType,
    /// An entity that only a document type could define.
    #[error("the entity &{0}; is not defined; only lt, gt, amp, apos and quot are")]
    Entity(String),
    /// A declared encoding that is not read.
    #[error("expected a text in UTF-8, ISO-8859-1 or US-ASCII, not declared as {0:?}")]
    Encoding(String),
    /// A bound of the reader.
    #[error("more than {limit} {what}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much is read.
        limit: usize,
    },
}

/// Reads a document. A byte order mark before it is skipped.
pub(crate) fn read(text: &str) -> Result<Document, ReadError> {
    match read_decoded(text, text.is_ascii()) {
        // Java is given the bytes of UTF-8, and reads them as they are declared.
        Err(error) if matches!(&error.problem, Problem::Encoding(name) if is_latin_1(name)) => {
            let text: String = text.bytes().map(char::from).collect();
            read_decoded(&text, true)
        }
        read => read,
    }
}

fn is_latin_1(encoding: &str) -> bool {
    let names = ["ISO-8859-1", "latin1"];
    names.iter().any(|name| encoding.eq_ignore_ascii_case(name))
}

/// Reads a document that is declared as UTF-8, or else as something in which it means the same.
fn read_decoded(text: &str, means_the_same: bool) -> Result<Document, ReadError> {
    // XML's line ends are normalised before anything else.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let forbidden = |character| !is_character(character);
    let second_mark = text.starts_with('\u{feff}').then_some(0);
    if let Some(at) = second_mark.or_else(|| text.find(forbidden)) {
        return Err(ReadError {
            line: line_at(&text, at),
            problem: Problem::Forbidden("a control character or one outside Unicode's characters"),
        });
    }
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_comments = true;
    let mut tree = Tree::new(means_the_same);
    loop {
        let start = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        tree.advance(&text, start);
        let event = reader.read_event().map_err(Problem::Syntax);
        let ended = event.and_then(|event| tree.take(event, start == 0));
        match ended {
            Ok(false) => {}
            Ok(true) => return Ok(tree.document),
            Err(problem) => {
                let line = tree.line;
                return Err(ReadError { line, problem });
            }
        }
    }
}

fn line_at(text: &str, end: usize) -> usize {
    let before = text.as_bytes().get(..end).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

struct Tree {
    document: Document,
    /// The document and the elements that are open.
    open: Vec<NodeId>,
    /// Text that is not yet a node: references split what is one text.
    text: Option<(String, usize)>,
    has_root: bool,
    /// Whether ASCII and what extends it are read alike.
    means_the_same: bool,
    line: usize,
    counted_to: usize,
}

impl Tree {
    fn new(means_the_same: bool) -> Self {
        let document = Node {
            kind: Kind::Document,
            parent: NodeId::DOCUMENT,
            first: 1,
            end: 1,
            line: 1,
        };
        Self {
            document: Document {
                nodes: vec![document],
            },
            open: vec![NodeId::DOCUMENT],
            text: None,
            has_root: false,
            means_the_same,
            line: 1,
            counted_to: 0,
        }
    }

    fn advance(&mut self, text: &str, to: usize) {
        let passed = text.as_bytes().get(self.counted_to..to).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.counted_to = to;
    }

    /// Takes one token; true at the end of a whole document.
    fn take(&mut self, event: Event<'_>, is_first: bool) -> Result<bool, Problem> {
        match event {
            Event::Text(text) => self.add_text(&text)?,
            Event::GeneralRef(reference) => {
                let text = match reference.resolve_char_ref()? {
                    Some(character) => character.to_string(),
                    None => predefined(&reference)?.to_owned(),
                };
                if text.chars().any(|character| !is_character(character)) || self.is_outside() {
                    return Err(Problem::Forbidden("this reference is not allowed here"));
                }
                self.append(&text);
            }
            other => {
                self.end_text()?;
                return self.take_markup(other, is_first);
            }
        }
        Ok(false)
    }

    fn take_markup(&mut self, event: Event<'_>, is_first: bool) -> Result<bool, Problem> {
        match event {
            Event::Start(start) => {
                let element = self.add_element(&start)?;
                self.open.push(element);
            }
            Event::Empty(start) => {
                let element = self.add_element(&start)?;
                self.close(element);
            }
            Event::End(_) => {
                let element = self.open.pop().unwrap_or(NodeId::DOCUMENT);
                self.close(element);
            }
            Event::CData(_) if self.is_outside() => {
                return Err(Problem::Forbidden("text outside the root element"));
            }
            Event::CData(data) => {
                self.add(Kind::CharacterData(data.to_string()))?;
            }
            Event::Comment(comment) => {
                if comment.ends_with('-') {
                    return Err(Problem::Forbidden("`--` in a comment"));
                }
                self.add(Kind::Comment(comment.to_string()))?;
            }
            Event::PI(instruction) => {
                let target = name(instruction.target())?;
                if target.eq_ignore_ascii_case("xml") {
                    return Err(Problem::Forbidden(
                        "an XML declaration that is not at the start",
                    ));
                }
                let data = instruction
                    .content()
                    .trim_start_matches(is_blank)
                    .to_owned();
                self.add(Kind::Instruction { target, data })?;
            }
            Event::Decl(declaration) if is_first => {
                check_declaration(&declaration, self.means_the_same)?;
            }
            Event::Decl(_) => {
                return Err(Problem::Forbidden(
                    "an XML declaration that is not at the start",
                ));
            }
            Event::DocType(_) => return Err(Problem::DocumentType),
            Event::Eof if self.open.len() > 1 => {
                return Err(Problem::Forbidden("an element is not closed"));
            }
            Event::Eof if !self.has_root => {
                return Err(Problem::Forbidden("there is no root element"));
            }
            Event::Eof => {
                self.close(NodeId::DOCUMENT);
                return Ok(true);
            }
            Event::Text(_) | Event::GeneralRef(_) => {}
        }
        Ok(false)
    }

    fn is_outside(&self) -> bool {
        self.open.len() == 1
    }

    fn add_text(&mut self, text: &str) -> Result<(), Problem> {
        if text.contains("]]>") {
            return Err(Problem::Forbidden("`]]>` in text"));
        }
        if !self.is_outside() {
            self.append(text);
        } else if text.contains(|character| !is_blank(character)) {
            return Err(Problem::Forbidden("text outside the root element"));
        }
        Ok(())
    }

    fn append(&mut self, text: &str) {
        let line = self.line;
        self.text
            .get_or_insert_with(|| (String::new(), line))
            .0
            .push_str(text);
    }

    fn end_text(&mut self) -> Result<(), Problem> {
        if let Some((text, line)) = self.text.take()
            && !text.is_empty()
        {
            let node = self.add(Kind::Text(text))?;
            self.document.nodes[node.index()].line = line;
        }
        Ok(())
    }

    fn add_element(&mut self, start: &BytesStart<'_>) -> Result<NodeId, Problem> {
        if self.is_outside() && std::mem::replace(&mut self.has_root, true) {
            return Err(Problem::Forbidden("a second root element"));
        }
        if self.open.len() > DEPTH_LIMIT {
            return Err(Problem::TooMuch {
                what: "elements inside each other",
                limit: DEPTH_LIMIT,
            });
        }
        let element = self.add(Kind::Element {
            name: name(start.name().0)?,
        })?;
        if !are_apart(start.attributes_raw()) {
            return Err(Problem::Forbidden("attributes without white space between"));
        }
        let attributes = attributes(start)?;
        self.open.push(element);
        for (name, value) in attributes {
            self.add(Kind::Attribute { name, value })?;
        }
        self.open.pop();
        self.document.nodes[element.index()].first = self.length();
        Ok(element)
    }

    /// The number of nodes, which is bounded far below this type's greatest.
    fn length(&self) -> u32 {
        u32::try_from(self.document.nodes.len()).unwrap_or(u32::MAX)
    }

    fn add(&mut self, kind: Kind) -> Result<NodeId, Problem> {
        let place = self.document.nodes.len();
        let too_many = Problem::TooMuch {
            what: "nodes",
            limit: NODE_LIMIT,
        };
        let place = u32::try_from(place)
            .ok()
            .filter(|_| place < NODE_LIMIT)
            .ok_or(too_many)?;
        self.document.nodes.push(Node {
            kind,
            parent: self.open.last().copied().unwrap_or(NodeId::DOCUMENT),
            first: place + 1,
            end: place + 1,
            line: self.line,
        });
        Ok(NodeId(place))
    }

    fn close(&mut self, node: NodeId) {
        self.document.nodes[node.index()].end = self.length();
    }
}

/// The attributes of a tag, sorted by name. The tokens' own check for doubles takes square time.
fn attributes(start: &BytesStart<'_>) -> Result<Vec<(String, String)>, Problem> {
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute?;
        if attributes.len() >= ATTRIBUTE_LIMIT {
            return Err(Problem::TooMuch {
                what: "attributes of an element",
                limit: ATTRIBUTE_LIMIT,
            });
        }
        if attribute.value.contains('<') {
            return Err(Problem::Forbidden("`<` in the value of an attribute"));
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0)?;
        if value.chars().any(|character| !is_character(character)) {
            return Err(Problem::Forbidden("this reference is not allowed here"));
        }
        attributes.push((name(attribute.key.0)?, value.into_owned()));
    }
    attributes.sort_by_cached_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
    if attributes.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(Problem::Forbidden("an attribute twice"));
    }
    Ok(attributes)
}

fn predefined(entity: &str) -> Result<&'static str, Problem> {
    quick_xml::escape::resolve_xml_entity(entity)
        .ok_or_else(|| Problem::Entity(entity.chars().take(NAME_LIMIT_BYTES).collect()))
}

/// Each value of an attribute is followed by white space, or is the last.
fn are_apart(attributes: &str) -> bool {
    let mut open: Option<char> = None;
    let mut characters = attributes.chars().peekable();
    while let Some(character) = characters.next() {
        match open {
            None if matches!(character, '"' | '\'') => open = Some(character),
            Some(quote) if quote == character => {
                open = None;
                if characters.peek().is_some_and(|next| !is_blank(*next)) {
                    return false;
                }
            }
            _ => {}
        }
    }
    true
}

/// Jenkins' files say version 1.1, which means the same but for exotic control characters.
fn check_declaration(declaration: &BytesDecl<'_>, means_the_same: bool) -> Result<(), Problem> {
    declaration.xml_version()?;
    if !are_apart(declaration.as_ref()) {
        return Err(Problem::Forbidden(
            "white space is missing in the declaration",
        ));
    }
    if let Some(standalone) = declaration.standalone()
        && !matches!(standalone?.as_ref(), "yes" | "no")
    {
        return Err(Problem::Forbidden("`standalone` is neither yes nor no"));
    }
    match declaration.encoding() {
        None => Ok(()),
        Some(encoding) => {
            let encoding = encoding?;
            let is = |name: &str| encoding.eq_ignore_ascii_case(name);
            let extends_ascii = is("US-ASCII") || is("ASCII") || is_latin_1(&encoding);
            if is("UTF-8") || (means_the_same && extends_ascii) {
                return Ok(());
            }
            Err(Problem::Encoding(encoding.into_owned()))
        }
    }
}

/// XML's `Name`.
fn name(text: &str) -> Result<String, Problem> {
    if text.len() > NAME_LIMIT_BYTES {
        return Err(Problem::TooMuch {
            what: "bytes of a name",
            limit: NAME_LIMIT_BYTES,
        });
    }
    let mut characters = text.chars();
    if characters.next().is_some_and(begins_name) && characters.all(continues_name) {
        return Ok(text.to_owned());
    }
    Err(Problem::Forbidden("this is no name"))
}

pub(crate) fn begins_name(character: char) -> bool {
    matches!(character,
        ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}'
        | '\u{200c}' | '\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
        | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

pub(crate) fn continues_name(character: char) -> bool {
    begins_name(character)
        || matches!(character,
            '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}')
}

/// XML's white space.
fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// XML 1.0's `Char`.
fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
