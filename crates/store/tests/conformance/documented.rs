//! Small documents.

use std::sync::Arc;

use longshore_store::{Document, DocumentKind, Error, Store};

pub(crate) async fn documents_follow_their_versions(store: Arc<dyn Store>) {
    let document = |key: &str, version: u32| Document {
        key: key.into(),
        body: format!("{{\"version\": {version}}}"),
        sealed: (version > 1).then(|| vec![0, 159, 146, 150]),
        version,
    };
    let kind = DocumentKind::Secret;
    for key in ["b", "a"] {
        store
            .save_document(kind, document(key, 1))
            .await
            .expect("saved");
    }
    store
        .save_document(DocumentKind::Connection, document("b", 1))
        .await
        .expect("saved");
    let conflict = Err(Error::Conflict("document"));
    for refused in [
        document("b", 1),
        document("b", 3),
        document("b", 0),
        document("c", 2),
    ] {
        assert_eq!(store.save_document(kind, refused).await, conflict);
    }
    store
        .save_document(kind, document("b", 2))
        .await
        .expect("saved");
    assert_eq!(store.save_document(kind, document("b", 2)).await, conflict);
    assert_eq!(
        store.documents(kind).await,
        Ok(vec![document("b", 2), document("a", 1)])
    );

    store.remove_document(kind, "b").await.expect("removed");
    assert_eq!(
        store.remove_document(kind, "b").await,
        Err(Error::NotFound("document"))
    );
    assert_eq!(store.documents(kind).await, Ok(vec![document("a", 1)]));
    assert_eq!(
        store.documents(DocumentKind::Connection).await,
        Ok(vec![document("b", 1)])
    );
    assert_eq!(
        store.documents(DocumentKind::Organization).await,
        Ok(Vec::new())
    );
}
