//! An input's schema, compiled: each keyword read once, and what cannot be checked collected.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::Unsupported;
use super::equality::Allowed;
use super::format::Format;
use super::pattern::{Pattern, Refused};
use crate::action::jq_query;
use crate::action::shape::{Path, shown};
use crate::encryption::Encryption;
use crate::violation::Violation;

/// Bytes of all compiled patterns of one form.
const MAX_FORM_PROGRAM_BYTES: usize = 16 * 1024 * 1024;
/// Patterns that name the properties of one object: each is tried on each of its keys.
const MAX_PATTERN_PROPERTIES: usize = 16;

/// JSON Schema keywords that restrict values and are not checked here. `$ref` is among them: a
/// form is checked from itself alone.
const UNCHECKED: [&str; 23] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "additionalItems",
    "allOf",
    "anyOf",
    "contains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "encryption",
    "if",
    "maxContains",
    "minContains",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "jqQuery",
];

/// What a value must be like.
#[derive(Debug, Default)]
pub(super) struct Schema {
    /// Empty for any type.
    pub(super) types: Vec<Type>,
    /// `false` as a schema.
    pub(super) is_never: bool,
    pub(super) allowed: Option<Allowed>,
    pub(super) text: Text,
    pub(super) numbers: Numbers,
    pub(super) list: List,
    pub(super) object: Object,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::String,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => return None,
        })
    }

    pub(super) const fn described(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) format: Option<Format>,
    /// In characters.
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
    pub(super) pattern: Option<Pattern>,
}

#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) min: Option<Number>,
    pub(super) max: Option<Number>,
    pub(super) above: Option<Number>,
    pub(super) below: Option<Number>,
    pub(super) multiple_of: Option<Number>,
}

#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
    pub(super) is_unique: bool,
    pub(super) items: Option<Box<Schema>>,
}

#[derive(Debug, Default)]
pub(super) struct Object {
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
    pub(super) required: Vec<String>,
    pub(super) properties: BTreeMap<String, Schema>,
    pub(super) patterns: Vec<(Pattern, Schema)>,
    pub(super) others: Option<Box<Schema>>,
}

/// Compiles schemas and remembers what it could not.
#[derive(Default)]
pub(super) struct Compiler {
    input: String,
    program_bytes: usize,
    unsupported: Vec<Unsupported>,
    notes: Vec<Violation>,
}

impl Compiler {
    pub(super) fn enter(&mut self, input: &str) {
        input.clone_into(&mut self.input);
    }

    pub(super) fn finish(self) -> (Vec<Unsupported>, Vec<Violation>) {
        (self.unsupported, self.notes)
    }

    pub(super) fn refuse(&mut self, path: &Path<'_>, message: impl Into<String>) {
        self.unsupported.push(Unsupported {
            input: self.input.clone(),
            path: path.to_string(),
            message: message.into(),
            is_expression: false,
        });
    }

    pub(super) fn expression(&mut self, path: &Path<'_>) {
        self.unsupported.push(Unsupported {
            input: self.input.clone(),
            path: path.to_string(),
            message: "is decided by a jq expression, which is not evaluated on execution yet"
                .into(),
            is_expression: true,
        });
    }

    /// What the input asks for, where its value shall be encrypted.
    pub(super) fn encryption(&mut self, value: &Value, path: &Path<'_>) -> Option<Encryption> {
        let asked = value.get("encryption").filter(|asked| !asked.is_null())?;
        let path = path.key("encryption");
        let kind = value.get("type").and_then(Value::as_str);
        if !matches!(kind, Some("string" | "object")) {
            self.refuse(&path, "is for inputs of the types string and object");
        }
        match Encryption::parse(asked) {
            Ok(encryption) => Some(encryption),
            Err(unknown) => {
                self.refuse(&path, unknown.to_string());
                None
            }
        }
    }

    /// The schema of an input itself, which has keywords of its own. What is encrypted before it is
    /// sent is not checked against it.
    pub(super) fn input(
        &mut self,
        value: &Value,
        encryption: Option<Encryption>,
        path: &Path<'_>,
    ) -> Schema {
        if value
            .get("visible")
            .is_some_and(|visible| jq_query(visible).is_some())
        {
            self.expression(&path.key("visible"));
        }
        if value
            .get("default")
            .is_some_and(|default| jq_query(default).is_some())
        {
            let message = "is a jq expression, which only a form evaluates: \
                           whoever executes the action by the API has to send this input";
            self.notes
                .push(Violation::new(path.key("default").to_string(), message));
        }
        if encryption == Some(Encryption::Aes256Gcm) && value.get("default").is_some() {
            let message = "is kept and shown with the action as it is, although the input is \
                           encrypted";
            self.notes
                .push(Violation::new(path.key("default").to_string(), message));
        }
        match (value, encryption) {
            (_, Some(Encryption::ClientSide(_))) => Schema::default(),
            (Value::Object(map), _) => self.keywords(map, path, true),
            _ => self.schema(value, path),
        }
    }

    fn schema(&mut self, value: &Value, path: &Path<'_>) -> Schema {
        match value {
            Value::Bool(accepts) => Schema {
                is_never: !accepts,
                ..Schema::default()
            },
            Value::Object(map) => self.keywords(map, path, false),
            _ => {
                self.refuse(path, "is not a schema: expected an object or a boolean");
                Schema {
                    is_never: true,
                    ..Schema::default()
                }
            }
        }
    }

    fn keywords(&mut self, map: &Map<String, Value>, path: &Path<'_>, is_input: bool) -> Schema {
        for keyword in UNCHECKED {
            let is_own = is_input && matches!(keyword, "encryption" | "jqQuery");
            if map.contains_key(keyword) && !is_own {
                self.refuse(&path.key(keyword), "is a keyword that is not supported");
            }
        }
        let mut schema = Schema::default();
        let known = Keywords { map, path };
        if let Some(value) = known.literal("type", self) {
            schema.types = self.types(value, &path.key("type"));
        }
        schema.allowed = self.allowed(&known);
        schema.text = self.text(&known);
        schema.numbers = self.numbers(&known);
        schema.list = self.list(&known);
        schema.object = self.object(&known);
        schema
    }

    fn types(&mut self, value: &Value, path: &Path<'_>) -> Vec<Type> {
        let names = match value {
            Value::Array(names) => names.as_slice(),
            name => std::slice::from_ref(name),
        };
        let types: Option<Vec<_>> = names
            .iter()
            .map(|name| name.as_str().and_then(Type::parse))
            .collect();
        types.filter(|types| !types.is_empty()).unwrap_or_else(|| {
            self.refuse(path, "is not a type of JSON Schema");
            Vec::new()
        })
    }

    fn allowed(&mut self, keywords: &Keywords<'_, '_>) -> Option<Allowed> {
        if let Some(value) = keywords.literal("const", self) {
            return Some(Allowed::new(std::slice::from_ref(value)));
        }
        let value = keywords.literal("enum", self)?;
        let Value::Array(choices) = value else {
            self.refuse(&keywords.path.key("enum"), "is not an array");
            return None;
        };
        Some(Allowed::new(choices))
    }

    fn text(&mut self, keywords: &Keywords<'_, '_>) -> Text {
        let format = keywords.literal("format", self).and_then(Value::as_str);
        Text {
            format: format.and_then(Format::parse),
            min: keywords.count("minLength", self),
            max: keywords.count("maxLength", self),
            pattern: keywords.literal("pattern", self).and_then(|value| {
                let path = keywords.path.key("pattern");
                let Some(source) = value.as_str() else {
                    self.refuse(&path, "is not a string");
                    return None;
                };
                self.pattern(source, &path)
            }),
        }
    }

    fn pattern(&mut self, source: &str, path: &Path<'_>) -> Option<Pattern> {
        let compiled = match self.program_bytes {
            ..MAX_FORM_PROGRAM_BYTES => Pattern::compile(source),
            _ => Err("the patterns of this form are too many and too large".into()),
        };
        match compiled {
            Ok(pattern) => {
                self.program_bytes += pattern.program_bytes();
                Some(pattern)
            }
            Err(Refused { why, cost_bytes }) => {
                self.program_bytes += cost_bytes;
                let message = format!("is a pattern that cannot be checked in linear time: {why}");
                self.refuse(path, message);
                None
            }
        }
    }

    fn numbers(&mut self, keywords: &Keywords<'_, '_>) -> Numbers {
        let multiple_of = keywords.number("multipleOf", self);
        if multiple_of
            .as_ref()
            .and_then(Number::as_f64)
            .is_some_and(|step| step <= 0.0)
        {
            self.refuse(&keywords.path.key("multipleOf"), "is not above zero");
        }
        Numbers {
            min: keywords.number("minimum", self),
            max: keywords.number("maximum", self),
            above: keywords.number("exclusiveMinimum", self),
            below: keywords.number("exclusiveMaximum", self),
            multiple_of,
        }
    }

    fn list(&mut self, keywords: &Keywords<'_, '_>) -> List {
        let items = keywords.literal("items", self);
        List {
            min: keywords.count("minItems", self),
            max: keywords.count("maxItems", self),
            is_unique: keywords.flag("uniqueItems", self),
            items: items.map(|items| Box::new(self.schema(items, &keywords.path.key("items")))),
        }
    }

    fn object(&mut self, keywords: &Keywords<'_, '_>) -> Object {
        let mut object = Object {
            min: keywords.count("minProperties", self),
            max: keywords.count("maxProperties", self),
            required: keywords.names("required", self),
            ..Object::default()
        };
        let path = keywords.path.key("properties");
        for (name, value) in keywords.schemas("properties", self) {
            let schema = self.schema(value, &path.key(name));
            object.properties.insert(name.clone(), schema);
        }
        let path = keywords.path.key("patternProperties");
        let patterns = keywords.schemas("patternProperties", self);
        if patterns.len() > MAX_PATTERN_PROPERTIES {
            self.refuse(
                &path,
                format!("has more than {MAX_PATTERN_PROPERTIES} patterns"),
            );
            return object;
        }
        for (source, value) in patterns {
            let path = path.key(source);
            let schema = self.schema(value, &path);
            if let Some(pattern) = self.pattern(source, &path) {
                object.patterns.push((pattern, schema));
            }
        }
        let others = keywords.literal("additionalProperties", self);
        let path = keywords.path.key("additionalProperties");
        object.others = others.map(|others| Box::new(self.schema(others, &path)));
        object
    }
}

/// The keywords of one schema, each read as what it must be.
struct Keywords<'v, 'p> {
    map: &'v Map<String, Value>,
    path: &'p Path<'p>,
}

static NO_SCHEMAS: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

impl<'v> Keywords<'v, '_> {
    /// A keyword's value, unless an expression stands in its place.
    fn literal(&self, keyword: &str, compiler: &mut Compiler) -> Option<&'v Value> {
        let value = self.map.get(keyword)?;
        if jq_query(value).is_none() {
            return Some(value);
        }
        compiler.expression(&self.path.key(keyword));
        None
    }

    fn read<T>(
        &self,
        keyword: &str,
        what: &str,
        compiler: &mut Compiler,
        read: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.literal(keyword, compiler)?;
        let found = read(value);
        if found.is_none() {
            compiler.refuse(&self.path.key(keyword), format!("is not {what}"));
        }
        found
    }

    fn count(&self, keyword: &str, compiler: &mut Compiler) -> Option<usize> {
        self.read(keyword, "a whole number from 0", compiler, |value| {
            let whole = value
                .as_f64()
                .filter(|number| number.fract() == 0.0 && *number >= 0.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole, not negative, and saturating"
            )]
            whole.map(|number| number as usize)
        })
    }

    fn number(&self, keyword: &str, compiler: &mut Compiler) -> Option<Number> {
        self.read(keyword, "a number", compiler, |value| {
            value.as_number().cloned()
        })
    }

    fn flag(&self, keyword: &str, compiler: &mut Compiler) -> bool {
        self.read(keyword, "true or false", compiler, Value::as_bool)
            .unwrap_or(false)
    }

    fn names(&self, keyword: &str, compiler: &mut Compiler) -> Vec<String> {
        let names = self.read(keyword, "an array of names", compiler, |value| {
            let names = value.as_array()?.iter();
            names
                .map(|name| name.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        });
        names.unwrap_or_default()
    }

    fn schemas(&self, keyword: &str, compiler: &mut Compiler) -> &'v Map<String, Value> {
        let map = self.read(keyword, "an object", compiler, Value::as_object);
        map.unwrap_or(&NO_SCHEMAS)
    }
}

/// A choice as a message lists it.
pub(super) fn choice(value: &Value) -> String {
    match value {
        Value::String(text) => shown(text).to_string(),
        other => shown(&crate::json::stringify(other)).to_string(),
    }
}
