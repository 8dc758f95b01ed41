//! Cells of a row, read by type. What this program would not have written is `Corrupt`, never a panic.

use longshore_domain::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::de::DeserializeOwned;

use super::code::Code;
use super::text;
use crate::Error;

/// Reads one table's part of a row, column by column.
pub(super) struct Cells<'r, 's> {
    row: &'r Row<'s>,
    table: &'static str,
    at: usize,
    key: i64,
}

impl<'r, 's> Cells<'r, 's> {
    /// The part of `row` that belongs to `table` and starts at column `at`.
    pub(super) const fn new(row: &'r Row<'s>, table: &'static str, at: usize) -> Self {
        Self {
            row,
            table,
            at,
            key: 0,
        }
    }

    /// What cannot be read about `column`.
    pub(super) fn corrupt(&self, column: &'static str, problem: impl Into<String>) -> Error {
        Error::Corrupt {
            table: self.table,
            row: self.key.to_string(),
            column,
            problem: problem.into(),
        }
    }

    fn next(&mut self, column: &'static str) -> Result<ValueRef<'r>, Error> {
        let value = self
            .row
            .get_ref(self.at)
            .map_err(|_| self.corrupt(column, "it is absent"))?;
        self.at += 1;
        Ok(value)
    }

    /// The row's integer key, which errors name from here on.
    pub(super) fn key(&mut self, column: &'static str) -> Result<i64, Error> {
        self.key = self.integer(column)?;
        Ok(self.key)
    }

    /// An integer that may be absent.
    pub(super) fn maybe_integer(&mut self, column: &'static str) -> Result<Option<i64>, Error> {
        match self.next(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            other => Err(self.corrupt(
                column,
                format!("{} where a number was expected", other.data_type()),
            )),
        }
    }

    /// An integer.
    pub(super) fn integer(&mut self, column: &'static str) -> Result<i64, Error> {
        self.maybe_integer(column)?
            .ok_or_else(|| self.corrupt(column, "nothing where a number was expected"))
    }

    /// An integer in the range of its type.
    pub(super) fn number<T: TryFrom<i64>>(&mut self, column: &'static str) -> Result<T, Error> {
        let number = self.integer(column)?;
        T::try_from(number).map_err(|_| self.corrupt(column, format!("{number} is out of range")))
    }

    /// An integer in the range of its type that may be absent.
    pub(super) fn maybe_number<T: TryFrom<i64>>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>, Error> {
        let Some(number) = self.maybe_integer(column)? else {
            return Ok(None);
        };
        let out_of_range = |_| self.corrupt(column, format!("{number} is out of range"));
        T::try_from(number).map(Some).map_err(out_of_range)
    }

    /// A state or kind.
    pub(super) fn code<T: Code>(&mut self, column: &'static str) -> Result<T, Error> {
        let code = self.integer(column)?;
        T::from_code(code).ok_or_else(|| self.corrupt(column, format!("{code} has no meaning")))
    }

    /// An instant.
    pub(super) fn instant(&mut self, column: &'static str) -> Result<Timestamp, Error> {
        self.integer(column).map(Timestamp::from_micros)
    }

    /// An instant that may be absent.
    pub(super) fn maybe_instant(
        &mut self,
        column: &'static str,
    ) -> Result<Option<Timestamp>, Error> {
        Ok(self.maybe_integer(column)?.map(Timestamp::from_micros))
    }

    /// A text that may be absent, borrowed from the row.
    pub(super) fn maybe_str(&mut self, column: &'static str) -> Result<Option<&'r str>, Error> {
        match self.next(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => std::str::from_utf8(bytes)
                .map(Some)
                .map_err(|_| self.corrupt(column, "not UTF-8")),
            other => Err(self.corrupt(
                column,
                format!("{} where text was expected", other.data_type()),
            )),
        }
    }

    /// A text, borrowed from the row.
    pub(super) fn str(&mut self, column: &'static str) -> Result<&'r str, Error> {
        self.maybe_str(column)?
            .ok_or_else(|| self.corrupt(column, "nothing where text was expected"))
    }

    /// A text that may be absent.
    pub(super) fn maybe_text(&mut self, column: &'static str) -> Result<Option<String>, Error> {
        Ok(self.maybe_str(column)?.map(str::to_owned))
    }

    /// A text.
    pub(super) fn text(&mut self, column: &'static str) -> Result<String, Error> {
        self.str(column).map(str::to_owned)
    }

    /// Bytes that may be absent.
    pub(super) fn maybe_bytes(&mut self, column: &'static str) -> Result<Option<Vec<u8>>, Error> {
        match self.next(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes.to_vec())),
            other => Err(self.corrupt(
                column,
                format!("{} where bytes were expected", other.data_type()),
            )),
        }
    }

    /// A public id, in the form that `parse` knows.
    pub(super) fn id<T>(
        &mut self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let id = self.str(column)?;
        parse(id).ok_or_else(|| self.corrupt(column, "not an id of this kind"))
    }

    /// A public id that may be absent.
    pub(super) fn maybe_id<T>(
        &mut self,
        column: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(id) = self.maybe_str(column)? else {
            return Ok(None);
        };
        parse(id)
            .map(Some)
            .ok_or_else(|| self.corrupt(column, "not an id of this kind"))
    }

    /// A JSON document that may be absent.
    pub(super) fn maybe_json<T: DeserializeOwned>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>, Error> {
        let Some(json) = self.maybe_str(column)? else {
            return Ok(None);
        };
        text::read(json)
            .map(Some)
            .map_err(|problem| self.corrupt(column, problem))
    }

    /// A JSON document.
    pub(super) fn json<T: DeserializeOwned>(&mut self, column: &'static str) -> Result<T, Error> {
        let json = self.str(column)?;
        text::read(json).map_err(|problem| self.corrupt(column, problem))
    }
}
