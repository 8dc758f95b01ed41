//! Actions and their revisions.

use std::sync::Arc;

use longshore_domain::run::Status;
use longshore_store::{Error, NewAction, Store};

use crate::sample;

fn new(identifier: &str, document: &str, by: &str, millis: i64) -> NewAction {
    NewAction {
        identifier: identifier.into(),
        document: document.into(),
        by: by.into(),
        now: sample::at(millis),
    }
}

pub(crate) async fn actions_are_added_replaced_renamed_and_removed(store: Arc<dyn Store>) {
    let verbatim = "{ \"b\": 1,\n \"a\": 1.0 }";
    let added = store
        .add_action(new("deploy", verbatim, "ann", 1))
        .await
        .expect("added");
    let other = store
        .add_action(new("restart", "{}", "ann", 2))
        .await
        .expect("added");
    assert_ne!(added.revision, other.revision);
    assert_eq!(
        (added.document.as_str(), added.created_by.as_str()),
        (verbatim, "ann")
    );

    let renamed = store
        .replace_action("deploy", new("ship", "{\"n\":2}", "bob", 3))
        .await
        .expect("renamed");
    assert!(renamed.revision > added.revision);
    assert_eq!(
        (renamed.created_by.as_str(), renamed.created_at),
        ("ann", sample::at(1))
    );
    assert_eq!(
        (renamed.updated_by.as_str(), renamed.updated_at),
        ("bob", sample::at(3))
    );

    assert_eq!(store.action("deploy").await, Ok(None));
    assert_eq!(store.action("ship").await, Ok(Some(renamed.clone())));
    assert_eq!(store.actions().await, Ok(vec![renamed.clone(), other]));
    assert_eq!(
        store.action_revision(added.revision).await,
        Ok(Some(verbatim.into()))
    );

    store
        .remove_action("ship", Vec::new())
        .await
        .expect("removed");
    assert_eq!(store.action("ship").await, Ok(None));
    assert_eq!(
        store.action_revision(renamed.revision).await,
        Ok(Some("{\"n\":2}".into()))
    );
    assert_eq!(store.action_revision(99).await, Ok(None));
}

pub(crate) async fn a_taken_identifier_is_a_conflict(store: Arc<dyn Store>) {
    store
        .add_action(new("deploy", "{}", "ann", 1))
        .await
        .expect("added");
    store
        .add_action(new("restart", "{}", "ann", 1))
        .await
        .expect("added");
    let conflict = Err(Error::Conflict("action"));
    assert_eq!(
        store.add_action(new("deploy", "{}", "ann", 2)).await,
        conflict
    );
    assert_eq!(
        store
            .replace_action("deploy", new("restart", "{}", "ann", 2))
            .await,
        conflict
    );
    let missing = Err(Error::NotFound("action"));
    assert_eq!(
        store
            .replace_action("gone", new("gone", "{}", "ann", 2))
            .await,
        missing
    );
    assert_eq!(
        store.remove_action("gone", Vec::new()).await,
        Err(Error::NotFound("action"))
    );
    store
        .replace_action("deploy", new("deploy", "{}", "ann", 2))
        .await
        .expect("same name");
}

pub(crate) async fn removing_an_action_ends_its_runs_or_does_nothing(store: Arc<dyn Store>) {
    store
        .add_action(new("deploy", "{}", "ann", 1))
        .await
        .expect("added");
    let changes = [sample::waiting(1, "deploy"), sample::waiting(2, "deploy")];
    let runs = changes.each_ref().map(sample::run_of);
    for change in changes {
        store.apply(Arc::new(change)).await.expect("stored");
    }
    let ends = |stale: bool| {
        let mut second = sample::ended(&runs[1], sample::at(9));
        if stale && let longshore_domain::run::RunWrite::Update { from, .. } = &mut second.run {
            *from = 7;
        }
        vec![sample::ended(&runs[0], sample::at(9)), second]
    };
    let refused = store.remove_action("deploy", ends(true)).await;
    assert_eq!(refused, Err(Error::Conflict("run")));
    assert!(store.action("deploy").await.expect("read").is_some());
    let (first, _) = store
        .run_state(&runs[0].id)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(first, runs[0]);
    assert_eq!(store.events(&runs[0].id).await.expect("read").len(), 1);

    store
        .remove_action("deploy", ends(false))
        .await
        .expect("removed");
    assert_eq!(store.action("deploy").await, Ok(None));
    for run in &runs {
        let (run, _) = store
            .run_state(&run.id)
            .await
            .expect("read")
            .expect("there");
        assert_eq!((run.status, run.version), (Status::Success, 2));
    }
}
