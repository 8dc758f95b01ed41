//! Schema versions: what is opened, what is refused, and that old rows survive each migration.

use std::sync::Arc;

use longshore_domain::delivery::Way;
use longshore_store::sqlite::{Config, OpenError, Sqlite};
use longshore_store::{Catalog, DocumentKind, Documented, Outbox, RunFilter, Runs};
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;

use crate::sample;

/// For each schema version the migration that leads to it, and rows as that version wrote them.
const VERSIONS: [(&str, &str); 7] = [
    (
        include_str!("../../migrations/0001_initial.sql"),
        include_str!("rows/0001.sql"),
    ),
    // It changes indexes alone: the rows are those of version 1.
    (
        include_str!("../../migrations/0002_not_done.sql"),
        include_str!("rows/0001.sql"),
    ),
    (
        include_str!("../../migrations/0003_publication.sql"),
        include_str!("rows/0001.sql"),
    ),
    (
        include_str!("../../migrations/0004_encrypted_inputs.sql"),
        include_str!("rows/0001.sql"),
    ),
    (
        include_str!("../../migrations/0005_offered_actions.sql"),
        include_str!("rows/0001.sql"),
    ),
    (
        include_str!("../../migrations/0006_packed_documents.sql"),
        include_str!("rows/0001.sql"),
    ),
    (
        include_str!("../../migrations/0007_fewer_indexes.sql"),
        include_str!("rows/0007.sql"),
    ),
];

#[tokio::test]
async fn rows_of_every_version_are_read_after_migrating() {
    for version in 1..=VERSIONS.len() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("longshore.db");
        let old = Connection::open(&path).expect("opened");
        for (migration, _) in &VERSIONS[..version] {
            old.execute_batch(migration).expect("migrated");
        }
        old.execute_batch(VERSIONS[version - 1].1).expect("filled");
        old.pragma_update(None, "user_version", version as i64)
            .expect("marked");
        old.pragma_update(None, "application_id", 0x4c47_5348)
            .expect("marked");
        drop(old);

        let store = Sqlite::open(&Config::new(&path)).expect("opened");
        let all = RunFilter {
            limit: 10,
            ..RunFilter::default()
        };
        let runs = store.runs(all).await.expect("read").items;
        assert_eq!(runs.len(), 2);
        let (run, documents) = &runs[1];
        assert_eq!((run.action.as_str(), run.log_lines), ("deploy", 1));
        assert_eq!(documents.properties["service"], "checkout");
        assert_eq!(store.events(&run.id).await.expect("read").len(), 2);
        assert_eq!(
            store.log_lines(&run.id, 0, 10).await.expect("read").len(),
            1
        );
        let delivery = store
            .run(&run.id)
            .await
            .expect("read")
            .expect("there")
            .delivery;
        let delivery = delivery.expect("there");
        assert_eq!(store.attempts(&delivery.id).await.expect("read").len(), 1);
        assert_eq!(store.actions().await.expect("read").len(), 1);
        assert_eq!(
            store
                .documents(DocumentKind::Secret)
                .await
                .expect("read")
                .len(),
            1
        );
        assert_eq!(store.destinations().await.expect("read").len(), 1);
        store
            .apply(Arc::new(sample::owned(7)))
            .await
            .expect("stored");
    }
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"));
    assert_eq!(
        files.expect("there").count(),
        VERSIONS.len(),
        "a version without sample rows"
    );
}

#[tokio::test]
async fn what_waited_for_an_integration_before_can_be_left_out_by_a_claim() {
    const BEFORE: usize = 4;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("longshore.db");
    let old = Connection::open(&path).expect("opened");
    for (migration, rows) in &VERSIONS[..BEFORE] {
        old.execute_batch(migration).expect("migrated");
        if std::ptr::eq(*migration, VERSIONS[BEFORE - 1].0) {
            old.execute_batch(rows).expect("filled");
        }
    }
    old.execute_batch(
        "UPDATE run SET status = 1; \
         UPDATE run_document SET payload = '{\"integrationActionType\": \"dispatch_workflow\"}' \
         WHERE run_key = 1; \
         UPDATE delivery SET receiver = 3, destination = 'integration:gh', state = 0, due_at = 1;",
    )
    .expect("made to wait");
    old.pragma_update(None, "user_version", BEFORE as i64)
        .expect("marked");
    old.pragma_update(None, "application_id", 0x4c47_5348)
        .expect("marked");
    drop(old);

    let store = Sqlite::open(&Config::new(&path)).expect("opened");
    let (way, now) = ((Way::Claim, sample::at(60)), sample::at(0));
    for (exclude, found) in [("dispatch_workflow", 0), ("deploy", 0), ("other", 1)] {
        let exclude = [exclude.to_owned()];
        let claimed = store.publish_due("integration:gh", way, now, (10, u64::MAX), &exclude);
        assert_eq!(
            claimed.await.expect("claimed").0.len(),
            found,
            "{exclude:?}"
        );
    }
}

#[test]
fn only_databases_of_ours_that_are_not_too_new_are_opened() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("longshore.db");
    drop(Sqlite::open(&Config::new(&path)).expect("made"));
    drop(Sqlite::open(&Config::new(&path)).expect("opened again"));
    let mode = path.metadata().expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let tool = Connection::open(&path).expect("opened");
    tool.pragma_update(None, "user_version", 1_000)
        .expect("marked");
    match Sqlite::open(&Config::new(&path)) {
        Err(OpenError::TooNew {
            found: 1_000,
            known,
            ..
        }) => assert_eq!(known, VERSIONS.len()),
        other => panic!("{other:?}"),
    }
    let other = directory.path().join("other.db");
    let made = Connection::open(&other).expect("opened");
    made.execute_batch("CREATE TABLE t (x)").expect("made");
    assert!(matches!(
        Sqlite::open(&Config::new(&other)),
        Err(OpenError::Foreign(_))
    ));
    let absent = directory.path().join("absent").join("longshore.db");
    assert!(matches!(
        Sqlite::open(&Config::new(absent)),
        Err(OpenError::File { .. })
    ));
    let text = directory.path().join("text");
    std::fs::write(&text, "not a database at all".repeat(500)).expect("written");
    assert!(Sqlite::open(&Config::new(text)).is_err());
}
