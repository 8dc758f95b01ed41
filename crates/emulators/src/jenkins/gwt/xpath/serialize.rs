//! A node as text, as the JDK's (17) identity transformer writes it with indentation.

use std::collections::BTreeMap;

use super::super::flatten::{Budget, FlattenError};
use super::XPathError;
use crate::xml::{Document, Kind, NodeId};

const INDENT: &str = "    ";

/// The text of a node.
pub(super) fn serialize(document: &Document, node: NodeId) -> Result<String, XPathError> {
    let mut writer = Writer {
        document,
        out: String::new(),
        indentation: Budget::default(),
        prefixes: BTreeMap::from([("", vec![""])]),
    };
    let mut state = Inside {
        depth: 0,
        children: 0,
        text: None,
        ended_with_text: false,
        preserve: false,
    };
    match document.kind(node) {
        Kind::Document => {
            for child in document.children(node) {
                writer.child(child, &mut state)?;
            }
        }
        // Java writes nothing for an attribute alone.
        Kind::Attribute { .. } => return Ok(String::new()),
        // No line end follows a text alone, nor is a carriage return in it written as a reference.
        Kind::Text(text) => return Ok(escaped(text).replace("&#13;", "\r")),
        Kind::CharacterData(data) => return Ok(cdata(data)),
        _ => writer.child(node, &mut state)?,
    }
    writer.out.push('\n');
    Ok(writer.out)
}

/// Where the writer stands within one element.
struct Inside<'a> {
    depth: usize,
    /// Elements, comments, instructions and texts so far, as Java counts them.
    children: usize,
    /// Text that is not written yet: whether it is indented depends on what follows.
    text: Option<&'a str>,
    /// Comments and instructions leave it as it was.
    ended_with_text: bool,
    /// `xml:space="preserve"`
    preserve: bool,
}

impl Inside<'_> {
    fn indents(&self) -> bool {
        self.depth > 0 && !self.preserve
    }
}

struct Writer<'a> {
    document: &'a Document,
    out: String,
    /// Deep documents could otherwise become long by it alone.
    indentation: Budget,
    /// Declared prefixes, each with its namespaces, the innermost last.
    prefixes: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Writer<'a> {
    fn child(&mut self, node: NodeId, inside: &mut Inside<'a>) -> Result<(), XPathError> {
        match self.document.kind(node) {
            Kind::Text(text) if inside.preserve => {
                self.out.push_str(&escaped(text));
                inside.ended_with_text = true;
            }
            Kind::Text(text) => inside.text = Some(text),
            Kind::CharacterData(data) => {
                self.flush(inside, false)?;
                if !data.is_empty() {
                    if inside.indents() && inside.children > 1 {
                        self.new_line(inside.depth)?;
                    }
                    self.out.push_str(&cdata(data));
                    inside.ended_with_text = true;
                }
            }
            Kind::Element { name } => {
                self.before_child(inside)?;
                self.element(node, name, inside)?;
                inside.ended_with_text = false;
            }
            Kind::Comment(text) => {
                self.before_child(inside)?;
                self.out.push_str(&format!("<!--{text}-->"));
            }
            Kind::Instruction { target, data } => {
                self.before_child(inside)?;
                let space = if data.is_empty() { "" } else { " " };
                self.out.push_str(&format!("<?{target}{space}{data}?>"));
            }
            Kind::Document | Kind::Attribute { .. } => {}
        }
        Ok(())
    }

    fn before_child(&mut self, inside: &mut Inside<'a>) -> Result<(), FlattenError> {
        inside.children += 1;
        self.flush(inside, true)?;
        if inside.indents() {
            self.new_line(inside.depth)?;
        }
        Ok(())
    }

    /// Writes waiting text: on a line of its own where it is not the only child.
    fn flush(&mut self, inside: &mut Inside<'a>, counts: bool) -> Result<(), FlattenError> {
        let Some(mut text) = inside.text.take() else {
            return Ok(());
        };
        inside.children += usize::from(counts);
        if inside.indents() && inside.children > 1 {
            self.new_line(inside.depth)?;
            text = text.trim_start_matches('\n');
        }
        self.out.push_str(&escaped(text));
        inside.ended_with_text = true;
        Ok(())
    }

    fn new_line(&mut self, depth: usize) -> Result<(), FlattenError> {
        self.indentation.spend(INDENT.len() * depth)?;
        self.out.push('\n');
        self.out.push_str(&INDENT.repeat(depth));
        Ok(())
    }

    fn element(
        &mut self,
        node: NodeId,
        name: &str,
        outside: &Inside<'a>,
    ) -> Result<(), XPathError> {
        self.out.push('<');
        self.out.push_str(name);
        let declared = self.attributes(node)?;
        let mut inside = Inside {
            depth: outside.depth + 1,
            children: 0,
            text: None,
            ended_with_text: false,
            preserve: match self.space(node) {
                Some(preserve) => preserve,
                None => outside.preserve,
            },
        };
        self.out.push('>');
        let start = self.out.len();
        for child in self.document.children(node) {
            self.child(child, &mut inside)?;
        }
        self.flush(&mut inside, true)?;
        if self.out.len() == start {
            self.out.pop();
            self.out.push_str("/>");
        } else {
            if inside.indents() && (inside.children > 1 || !inside.ended_with_text) {
                self.new_line(outside.depth)?;
            }
            self.out.push_str(&format!("</{name}>"));
        }
        for prefix in declared {
            self.prefixes.entry(prefix).or_default().pop();
        }
        Ok(())
    }

    fn space(&self, node: NodeId) -> Option<bool> {
        self.document
            .attributes(node)
            .find(|(_, name, _)| *name == "xml:space")
            .map(|(.., value)| value == "preserve")
    }

    /// Declarations first, those left out that repeat what holds already; gives their prefixes.
    fn attributes(&mut self, node: NodeId) -> Result<Vec<&'a str>, XPathError> {
        let document = self.document;
        let mut declared = Vec::new();
        for (_, name, value) in document.attributes(node) {
            let prefix = match name.strip_prefix("xmlns:") {
                Some(prefix) => prefix,
                None if name == "xmlns" => "",
                None => continue,
            };
            if self.namespace(prefix).unwrap_or_default() != value {
                self.attribute(name, value);
                self.prefixes.entry(prefix).or_default().push(value);
                declared.push(prefix);
            }
        }
        for (_, name, value) in document.attributes(node) {
            match name.split_once(':') {
                Some(("xmlns", _)) => continue,
                None if name == "xmlns" => continue,
                None | Some(("xml", _)) => {}
                Some((prefix, _)) => {
                    self.namespace(prefix)
                        .ok_or_else(|| XPathError::Prefix(name.to_owned()))?;
                }
            }
            self.attribute(name, value);
        }
        Ok(declared)
    }

    fn namespace(&self, prefix: &str) -> Option<&'a str> {
        self.prefixes.get(prefix)?.last().copied()
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push_str(&format!(" {name}=\""));
        for character in value.chars() {
            match character {
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '&' => self.out.push_str("&amp;"),
                '"' => self.out.push_str("&quot;"),
                '\t' | '\n' | '\r' | '\u{10000}'.. => {
                    self.out.push_str(&format!("&#{};", u32::from(character)));
                }
                other => self.out.push(other),
            }
        }
        self.out.push('"');
    }
}

fn cdata(data: &str) -> String {
    if data.is_empty() {
        return String::new();
    }
    format!("<![CDATA[{data}]]>")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\r' | '\u{7f}'..='\u{9f}' | '\u{10000}'.. => {
                out.push_str(&format!("&#{};", u32::from(character)));
            }
            other => out.push(other),
        }
    }
    out
}
