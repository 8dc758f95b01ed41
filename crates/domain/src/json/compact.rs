//! JSON for our own eyes: what is stored and answered. As `serde_json` prints it, but strings are
//! looked through eight bytes at a time, and depth is bounded while it is written.

use std::fmt;

use serde::ser::{self, Serialize, Serializer};

use super::write::quoted;

/// Names a newtype around JSON text that stands in the output as it is.
pub(super) const VERBATIM: &str = "$longshore::json::verbatim";

/// Why a value was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwritable {
    /// Arrays and objects are nested deeper than allowed.
    TooDeep(u32),
    /// An object's key is not text.
    Key,
    /// What the value's own code says.
    Value(String),
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep(limit) => write!(f, "it is nested deeper than {limit} levels"),
            Self::Key => f.write_str("a key is not text"),
            Self::Value(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::Value(problem.to_string())
    }
}

/// `value` as JSON text of at most `depth` levels.
///
/// # Errors
/// What about it cannot be written.
pub fn compact<T: Serialize + ?Sized>(value: &T, depth: u32) -> Result<String, Unwritable> {
    compact_of(value, depth, 128)
}

/// The same for a text of about `length` bytes.
pub(crate) fn compact_of<T: Serialize + ?Sized>(
    value: &T,
    depth: u32,
    length: usize,
) -> Result<String, Unwritable> {
    let mut writer = Writer {
        out: Vec::with_capacity(length),
        open: 0,
        depth,
        verbatim: false,
    };
    value.serialize(&mut writer)?;
    String::from_utf8(writer.out).map_err(|_| Unwritable::Value("not UTF-8".to_owned()))
}

struct Writer {
    out: Vec<u8>,
    open: u32,
    depth: u32,
    /// The next text is JSON already.
    verbatim: bool,
}

impl Writer {
    fn text(&mut self, text: &str) -> Result<(), Unwritable> {
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Numbers are printed by the library, so that they read as it reads them.
    fn number<T: Serialize>(&mut self, number: T) -> Result<(), Unwritable> {
        serde_json::to_writer(&mut self.out, &number).map_err(ser::Error::custom)
    }

    fn begin(&mut self, bracket: u8, close: &'static [u8]) -> Result<Compound<'_>, Unwritable> {
        self.open += 1;
        if self.open > self.depth {
            return Err(Unwritable::TooDeep(self.depth));
        }
        self.out.push(bracket);
        Ok(Compound {
            writer: self,
            empty: true,
            close,
        })
    }

    /// `{"name":` before what an enum's variant holds.
    fn variant(&mut self, name: &str) {
        self.out.push(b'{');
        quoted(name, &mut self.out);
        self.out.push(b':');
    }
}

/// An array or object that is open.
struct Compound<'w> {
    writer: &'w mut Writer,
    empty: bool,
    close: &'static [u8],
}

impl Compound<'_> {
    fn comma(&mut self) {
        if !self.empty {
            self.writer.out.push(b',');
        }
        self.empty = false;
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.comma();
        value.serialize(&mut *self.writer)
    }

    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.comma();
        let start = self.writer.out.len();
        key.serialize(&mut *self.writer)?;
        match self.writer.out.get(start) {
            Some(b'"') => Ok(()),
            _ => Err(Unwritable::Key),
        }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.writer.out.push(b':');
        value.serialize(&mut *self.writer)
    }

    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Unwritable> {
        self.comma();
        quoted(key, &mut self.writer.out);
        self.value(value)
    }

    fn close(self) -> Result<(), Unwritable> {
        self.writer.open -= 1;
        self.writer.out.extend_from_slice(self.close);
        Ok(())
    }
}

macro_rules! numbers {
    ($($name:ident: $number:ty,)*) => {$(
        fn $name(self, number: $number) -> Result<(), Unwritable> {
            self.number(number)
        }
    )*};
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Compound<'w>;
    type SerializeTuple = Compound<'w>;
    type SerializeTupleStruct = Compound<'w>;
    type SerializeTupleVariant = Compound<'w>;
    type SerializeMap = Compound<'w>;
    type SerializeStruct = Compound<'w>;
    type SerializeStructVariant = Compound<'w>;

    numbers! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_f32: f32,
        serialize_f64: f64,
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.text(if value { "true" } else { "false" })
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        if self.verbatim {
            return self.text(value);
        }
        quoted(value, &mut self.out);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.text("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.text("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.text("null")
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unwritable> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        if name != VERBATIM {
            return value.serialize(self);
        }
        self.verbatim = true;
        value.serialize(&mut *self)?;
        self.verbatim = false;
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        let mut object = self.begin(b'{', b"}")?;
        object.member(variant, value)?;
        object.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'w>, Unwritable> {
        self.begin(b'[', b"]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'w>, Unwritable> {
        self.begin(b'[', b"]")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'w>, Unwritable> {
        self.begin(b'[', b"]")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w>, Unwritable> {
        self.variant(variant);
        self.begin(b'[', b"]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'w>, Unwritable> {
        self.begin(b'{', b"}")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'w>, Unwritable> {
        self.begin(b'{', b"}")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w>, Unwritable> {
        self.variant(variant);
        self.begin(b'{', b"}}")
    }
}

macro_rules! lists {
    ($($kind:ident: $element:ident,)*) => {$(
        impl ser::$kind for Compound<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
                self.element(value)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.close()
            }
        }
    )*};
}

lists! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

macro_rules! records {
    ($($kind:ident,)*) => {$(
        impl ser::$kind for Compound<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Unwritable> {
                self.member(key, value)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.close()
            }
        }
    )*};
}

records! {
    SerializeStruct,
    SerializeStructVariant,
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.value(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[derive(serde::Serialize)]
    enum Shape {
        Unit,
        New(u8),
        Pair(u8, &'static str),
        Record { a: Option<bool>, b: char },
    }

    #[test]
    fn every_shape_reads_as_the_library_writes_it() {
        let shapes = (
            [Shape::Unit, Shape::New(1), Shape::Pair(2, "\u{1}\"\\\n")],
            Shape::Record { a: None, b: 'é' },
            (1.5, -0.0, 1e300, u64::MAX, i64::MIN, f64::NAN),
            json!({"": [], "o": {}, "tab\t": [null, true, {"x": "y"}]}),
        );
        let expected = serde_json::to_string(&shapes).unwrap();
        assert_eq!(compact(&shapes, 8), Ok(expected));
    }

    #[test]
    fn depth_is_bounded() {
        let value = json!([[{"a": []}]]);
        assert_eq!(compact(&value, 4).as_deref(), Ok(r#"[[{"a":[]}]]"#));
        assert_eq!(compact(&value, 3), Err(Unwritable::TooDeep(3)));
    }

    #[test]
    fn a_key_that_is_no_text_is_refused() {
        let map = std::collections::BTreeMap::from([(1, 2)]);
        assert_eq!(compact(&map, 3), Err(Unwritable::Key));
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_the_library_writes_it(text in any::<String>()) {
            let value = Value::Array(vec![Value::String(text)]);
            prop_assert_eq!(compact(&value, 1).unwrap(), value.to_string());
        }
    }
}
