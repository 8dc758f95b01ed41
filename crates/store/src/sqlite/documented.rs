//! Small documents that are read whole at start and changed seldom.

use async_trait::async_trait;
use rusqlite::params;

use super::Sqlite;
use super::cells::Cells;
use super::code::Code;
use super::group::{Failure, Group, Write};
use super::runs::all;
use crate::{Document, DocumentKind, Documented, Error};

#[async_trait]
impl Documented for Sqlite {
    async fn documents(&self, kind: DocumentKind) -> Result<Vec<Document>, Error> {
        self.readers
            .read(move |connection| {
                let sql = "SELECT row, key, body, sealed, version FROM document WHERE kind = ?1 \
                           ORDER BY row";
                all(connection, sql, [kind.code()], |found| {
                    let mut cells = Cells::new(found, "document", 0);
                    cells.key("row")?;
                    Ok(Document {
                        key: cells.text("key")?,
                        body: cells.text("body")?,
                        sealed: cells.maybe_bytes("sealed")?,
                        version: cells.number("version")?,
                    })
                })
            })
            .await
    }

    async fn save_document(&self, kind: DocumentKind, document: Document) -> Result<(), Error> {
        self.write(Save { kind, document }).await
    }

    async fn remove_document(&self, kind: DocumentKind, key: &str) -> Result<(), Error> {
        self.write(Remove {
            kind,
            key: key.to_owned(),
        })
        .await
    }
}

struct Save {
    kind: DocumentKind,
    document: Document,
}

impl Write for Save {
    type Reply = ();

    fn write(&self, group: &mut Group<'_>) -> Result<(), Failure> {
        let Document {
            key,
            body,
            sealed,
            version,
        } = &self.document;
        let connection = group.connection();
        let saved = if *version == 1 {
            connection
                .prepare_cached(
                    "INSERT INTO document (kind, key, body, sealed, version) \
                     VALUES (?1, ?2, ?3, ?4, 1) ON CONFLICT (kind, key) DO NOTHING",
                )?
                .execute(params![self.kind.code(), key, body, sealed])?
        } else {
            connection
                .prepare_cached(
                    "UPDATE document SET body = ?3, sealed = ?4, version = ?5 \
                     WHERE kind = ?1 AND key = ?2 AND version = ?5 - 1",
                )?
                .execute(params![self.kind.code(), key, body, sealed, version])?
        };
        if saved == 0 {
            return Err(Failure::Refused(Error::Conflict("document")));
        }
        Ok(())
    }
}

struct Remove {
    kind: DocumentKind,
    key: String,
}

impl Write for Remove {
    type Reply = ();

    fn write(&self, group: &mut Group<'_>) -> Result<(), Failure> {
        let removed = group
            .connection()
            .prepare_cached("DELETE FROM document WHERE kind = ?1 AND key = ?2")?
            .execute(params![self.kind.code(), self.key])?;
        if removed == 0 {
            return Err(Failure::Refused(Error::NotFound("document")));
        }
        Ok(())
    }
}
