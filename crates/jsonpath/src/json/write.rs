//! Writing as Gson does, HTML-escaping included.

use super::Node;

/// How values are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// No white space.
    Compact,
    /// Two spaces per level, as `setPrettyPrinting` gives.
    Pretty,
}

/// The whole text; `None` where a number is not finite, which Gson refuses.
pub fn text(node: &Node, layout: Layout) -> Option<String> {
    text_within(node, layout, usize::MAX)
}

/// The same, and `None` also where the text would grow beyond `limit` bytes.
pub fn text_within(node: &Node, layout: Layout, limit: usize) -> Option<String> {
    let mut writer = Writer {
        out: String::new(),
        layout,
        limit,
    };
    writer.value(node, 0)?;
    Some(writer.out)
}

struct Writer {
    out: String,
    layout: Layout,
    limit: usize,
}

impl Writer {
    /// `None` once there can be no text, so that no caller writes on.
    fn value(&mut self, node: &Node, level: usize) -> Option<()> {
        match node {
            Node::Null => self.out.push_str("null"),
            Node::Bool(truth) => self.out.push_str(if *truth { "true" } else { "false" }),
            Node::Number(digits) => self.out.push_str(digits),
            Node::NotFinite => return None,
            Node::Text(text) => self.string(text),
            Node::Array(elements) => {
                self.out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    self.separate(index, level + 1);
                    self.value(element, level + 1)?;
                }
                self.close(elements.is_empty(), level, ']');
            }
            Node::Keys(names) => {
                self.out.push('[');
                for (index, name) in names.iter().enumerate() {
                    self.separate(index, level + 1);
                    self.string(name);
                }
                self.close(names.is_empty(), level, ']');
            }
            Node::Object(members) => {
                self.out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    self.separate(index, level + 1);
                    self.string(name);
                    self.out.push(':');
                    if self.layout == Layout::Pretty {
                        self.out.push(' ');
                    }
                    self.value(value, level + 1)?;
                }
                self.close(members.is_empty(), level, '}');
            }
        }
        (self.out.len() <= self.limit).then_some(())
    }

    fn separate(&mut self, index: usize, level: usize) {
        if index > 0 {
            self.out.push(',');
        }
        self.line(level);
    }

    fn close(&mut self, empty: bool, level: usize, bracket: char) {
        if !empty {
            self.line(level);
        }
        self.out.push(bracket);
    }

    fn line(&mut self, level: usize) {
        if self.layout == Layout::Pretty {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", level));
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\u{8}' => self.out.push_str("\\b"),
                '\t' => self.out.push_str("\\t"),
                '\n' => self.out.push_str("\\n"),
                '\u{c}' => self.out.push_str("\\f"),
                '\r' => self.out.push_str("\\r"),
                '<' | '>' | '&' | '=' | '\'' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                    let escape = format!("\\u{:04x}", u32::from(character));
                    self.out.push_str(&escape);
                }
                _ => self.out.push(character),
            }
        }
        self.out.push('"');
    }
}
