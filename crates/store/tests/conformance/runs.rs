//! Runs, their documents, logs and events.

use std::sync::Arc;

use longshore_domain::delivery::State;
use longshore_domain::encryption::{Algorithm, EncryptedInput};
use longshore_domain::id::RunLogId;
use longshore_domain::json::JsonDocument;
use longshore_domain::outcome::Repeat;
use longshore_domain::run::{
    DeliveryWrite, DocumentsPatch, EncryptedInputs, Entry, Label, LogLine, NewRun, Redemption,
    RequiredApproval, Run, RunChange, RunWrite, Source, Status, Vote, accept,
};
use longshore_domain::template::Deferred;
use longshore_store::{Applied, Error, Store};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::sample;

fn line(number: u64) -> LogLine {
    LogLine {
        id: RunLogId::mint(sample::at(number as i64), number),
        message: format!("line {number}\n\u{0}\u{1F6A2}"),
        created_by: "run token".into(),
        created_at: sample::at(number as i64),
    }
}

/// Inputs that an adapter may store in another form than small ones.
fn large() -> JsonDocument {
    json!({"service": "checkout", "notes": "as ever, \u{0}\u{1F6A2} ".repeat(100)}).into()
}

/// A run in which every field holds something.
fn full(number: u64) -> RunChange {
    let mut change = sample::executed(number, "https://a.example", Entry::Slot, Repeat::Harm);
    let RunWrite::Insert(new) = &mut change.run else {
        panic!("an insert")
    };
    let NewRun { run, documents } = new.as_mut();
    run.blueprint = Some("service".into());
    run.entity = Some("checkout".into());
    run.label = Some(Label {
        text: "Building".into(),
        by_engine: true,
    });
    run.source = Source::Ui;
    run.required_approval = RequiredApproval::Plain(true);
    run.link = Some(json!(["https://ci.example/1", "https://ci.example/2"]));
    run.summary = Some(String::new());
    run.external_run_id = Some("queue/17".into());
    run.updated_by = Some("bob".into());
    run.rerun_of = Some(sample::run_id(9_999));
    run.redemption = Some(Redemption {
        attempt: Some(1),
        by: Some("job/3".into()),
    });
    run.log_lines = 2;
    documents.properties = large();
    documents.raw_properties =
        Some(json!({"z": 1, "a": [1e-7, 18_446_744_073_709_551_615u64]}).into());
    documents.entity = Some(json!({"identifier": "checkout"}));
    documents.payload = Some(Value::Null.into());
    documents.deferred = vec![Deferred {
        pointer: "/body/token".into(),
        template: json!("{{ .secrets.x }}"),
    }];
    documents.response = Some(json!("plain text"));
    documents.encrypted = Some(Box::new(EncryptedInputs {
        inputs: vec![EncryptedInput {
            name: "password".into(),
            algorithm: Algorithm::Aes256Gcm,
        }],
        sealed: vec![0, 255, 7],
    }));
    let Some(DeliveryWrite::Insert(delivery)) = &mut change.delivery else {
        panic!("an insert")
    };
    delivery.diagnosis = Some(sample::diagnosis());
    delivery.due_at = Some(sample::at(-1));
    change.log = vec![line(1), line(2)];
    change.attempt = Some(sample::attempt(1));
    change
}

pub(crate) async fn what_was_applied_is_read_back_whole(store: Arc<dyn Store>) {
    let change = full(1);
    assert_eq!(store.apply(Arc::new(change.clone())).await, Ok(Applied));
    let RunWrite::Insert(new) = change.run else {
        panic!("an insert")
    };
    let Some(DeliveryWrite::Insert(delivery)) = change.delivery else {
        panic!("an insert")
    };
    let found = store.run(&new.run.id).await.expect("read").expect("there");
    assert_eq!(found.run, new.run);
    assert_eq!(found.documents, new.documents);
    assert_eq!(found.delivery.as_ref(), Some(&delivery));
    let state = store
        .run_state(&new.run.id)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(state, (new.run.clone(), Some(delivery.clone())));
    assert_eq!(store.log_lines(&new.run.id, 0, 10).await, Ok(change.log));
    assert_eq!(store.events(&new.run.id).await, Ok(change.events));
    assert_eq!(
        store.delivery(&delivery.id).await,
        Ok(Some((new.run, delivery.clone())))
    );
    assert_eq!(
        store.attempts(&delivery.id).await,
        Ok(vec![sample::attempt(1)])
    );
}

pub(crate) async fn a_change_replaces_what_it_names_and_nothing_else(store: Arc<dyn Store>) {
    let approval = RequiredApproval::Plain(true);
    let request = longshore_domain::run::Request {
        required_approval: approval,
        properties: large().as_value().clone(),
        ..sample::request(1)
    };
    let insert = accept(request, None);
    let before = sample::run_of(&insert);
    store.apply(Arc::new(insert)).await.expect("stored");
    let vote = Vote {
        user_id: "ann".into(),
        decision: longshore_domain::run::Decision::Approve,
        description: None,
        at: sample::at(3),
    };
    let rendered = sample::rendered();
    let new = sample::new_delivery(1, "https://a.example", Entry::Window, Repeat::Harm);
    let dispatched = longshore_domain::run::dispatch(
        &before,
        vec![vote.clone()],
        rendered.clone(),
        new,
        "ann",
        sample::at(3),
    );
    let (after, delivery) = (
        sample::run_of(&dispatched),
        sample::delivery_of(&dispatched),
    );
    store.apply(Arc::new(dispatched)).await.expect("dispatched");
    let found = store.run(&before.id).await.expect("read").expect("there");
    assert_eq!((found.run, found.delivery), (after.clone(), Some(delivery)));
    assert_eq!(found.documents.payload, Some(rendered.payload.into()));
    assert_eq!(found.documents.properties, large());
    assert_eq!(found.documents.votes, vec![vote.clone()]);
    assert_eq!(found.documents.response, None);

    let mut answered = sample::ended(&after, sample::at(4));
    let RunWrite::Update { documents, run, .. } = &mut answered.run else {
        panic!("an update")
    };
    run.external_run_id = Some("queue/1".into());
    let response = Some(json!({"deep": [{}]}));
    *documents = DocumentsPatch {
        response: response.clone(),
        ..DocumentsPatch::default()
    };
    let ended = sample::run_of(&answered);
    store.apply(Arc::new(answered)).await.expect("answered");
    let found = store.run(&before.id).await.expect("read").expect("there");
    assert_eq!(found.run, ended);
    assert_eq!(
        (found.documents.response, found.documents.votes),
        (response, vec![vote])
    );
    assert_eq!(store.events(&before.id).await.expect("read").len(), 3);
}

/// Everything that is known of run 1.
async fn everything(store: &Arc<dyn Store>) -> impl PartialEq + std::fmt::Debug + use<> {
    let id = sample::run_id(1);
    (
        store.run_state(&id).await.expect("read"),
        store
            .run(&id)
            .await
            .expect("read")
            .map(|found| found.documents),
        store.events(&id).await.expect("read"),
        store.log_lines(&id, 0, 100).await.expect("read"),
        store.attempts(&sample::delivery_id(1)).await.expect("read"),
    )
}

pub(crate) async fn a_refused_change_leaves_nothing_behind(store: Arc<dyn Store>) {
    let insert = sample::owned(1);
    let (run, delivery) = (sample::run_of(&insert), sample::delivery_of(&insert));
    store.apply(Arc::new(insert)).await.expect("stored");
    let stored = everything(&store).await;
    let stale = |version| longshore_domain::delivery::Delivery {
        version,
        ..delivery.clone()
    };
    let busy = |delivery: Option<DeliveryWrite>, run: Run| {
        let mut change = sample::ended(&run, sample::at(8));
        change.attempt = Some(sample::attempt(1));
        change.log = vec![line(1)];
        change.delivery = delivery;
        change
    };
    let moved = |from: u32| {
        let before = stale(from);
        Some(DeliveryWrite::update(&before, stale(from)))
    };
    let mut alone = sample::settled(&stale(2), 1);
    alone.log = vec![line(2)];
    for (name, change, what) in [
        (
            "the run moved",
            busy(
                moved(1),
                Run {
                    version: 9,
                    ..run.clone()
                },
            ),
            "run",
        ),
        (
            "the delivery moved",
            busy(moved(9), run.clone()),
            "delivery",
        ),
        (
            "a second delivery",
            busy(Some(DeliveryWrite::Insert(stale(1))), run.clone()),
            "delivery",
        ),
        ("the delivery alone moved", alone, "delivery"),
    ] {
        assert_eq!(
            store.apply(Arc::new(change)).await,
            Err(Error::Conflict(what)),
            "{name}"
        );
        assert_eq!(everything(&store).await, stored, "{name}");
    }
}

pub(crate) async fn neighbours_of_refused_changes_are_unharmed(store: Arc<dyn Store>) {
    const RUNS: u64 = 200;
    let mut callers = JoinSet::new();
    for number in 0..RUNS {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let insert = sample::owned(number);
            let (run, delivery) = (sample::run_of(&insert), sample::delivery_of(&insert));
            store.apply(Arc::new(insert.clone())).await.expect("stored");
            // The same run again, and another run with a delivery id that is taken.
            assert!(matches!(
                store.apply(Arc::new(insert)).await,
                Err(Error::Conflict(_))
            ));
            let mut torn = sample::owned(RUNS + number);
            if let Some(DeliveryWrite::Insert(taken)) = &mut torn.delivery {
                taken.id = delivery.id.clone();
            }
            torn.idempotency = Some(sample::idempotency(number as u8, 1, number));
            assert!(matches!(
                store.apply(Arc::new(torn)).await,
                Err(Error::Conflict(_))
            ));
            let stale = Run { version: 5, ..run };
            let refused = store
                .apply(Arc::new(sample::ended(&stale, sample::at(9))))
                .await;
            assert_eq!(refused, Err(Error::Conflict("run")));
            store
                .apply(Arc::new(sample::settled(&delivery, 1)))
                .await
                .expect("settled");
        });
    }
    callers.join_all().await;
    for number in 0..RUNS {
        let found = store
            .run(&sample::run_id(number))
            .await
            .expect("read")
            .expect("there");
        let delivery = found.delivery.expect("there");
        assert_eq!((delivery.state, delivery.version), (State::Done, 2));
        assert_eq!(store.attempts(&delivery.id).await.expect("read").len(), 1);
        assert_eq!(store.events(&found.run.id).await.expect("read").len(), 1);
        assert_eq!(
            store.run_state(&sample::run_id(RUNS + number)).await,
            Ok(None)
        );
    }
    // Nothing of the torn changes is left: their keys are free.
    let mut free = sample::owned(9_999);
    free.idempotency = Some(sample::idempotency(1, 1, 9_999));
    store.apply(Arc::new(free)).await.expect("stored");
}

pub(crate) async fn changes_applied_together_are_answered_in_their_order(store: Arc<dyn Store>) {
    // More than wait for the writer at once.
    const RUNS: u64 = 2_500;
    let inserts: Vec<_> = (0..RUNS)
        .map(|number| Arc::new(sample::owned(number)))
        .collect();
    let inserted = store.apply_all(inserts.clone()).await;
    assert_eq!(inserted, vec![Ok(Applied); RUNS as usize]);
    let settled = inserts.iter().zip(0..).map(|(insert, number)| {
        let mut delivery = sample::delivery_of(insert);
        match number % 3 {
            0 => delivery.version = 9,
            1 => delivery.id = sample::delivery_id(RUNS + number),
            _ => {}
        }
        Arc::new(sample::settled(&delivery, 1))
    });
    let answers = store.apply_all(settled.collect()).await;
    assert_eq!(answers.len(), RUNS as usize);
    for (number, answer) in (0..).zip(answers) {
        let (expected, version) = match number % 3 {
            0 => (Err(Error::Conflict("delivery")), 1),
            1 => (Err(Error::NotFound("delivery")), 1),
            _ => (Ok(Applied), 2),
        };
        assert_eq!(answer, expected, "{number}");
        let id = sample::delivery_id(number);
        let (_, stored) = store.delivery(&id).await.expect("read").expect("there");
        assert_eq!(stored.version, version, "{number}");
    }
    assert_eq!(store.apply_all(Vec::new()).await, Vec::new());
}

pub(crate) async fn what_is_missing_is_not_found(store: Arc<dyn Store>) {
    let insert = sample::owned(1);
    let (run, delivery) = (sample::run_of(&insert), sample::delivery_of(&insert));
    let mut with_log = RunChange::keep(run.id.clone());
    with_log.log = vec![line(1)];
    for (change, what) in [
        (sample::ended(&run, sample::at(1)), "run"),
        (sample::settled(&delivery, 1), "delivery"),
        (with_log, "run"),
    ] {
        assert_eq!(
            store.apply(Arc::new(change)).await,
            Err(Error::NotFound(what))
        );
    }
    assert_eq!(store.run_state(&run.id).await, Ok(None));
    assert!(store.run(&run.id).await.expect("read").is_none());
    assert_eq!(store.events(&run.id).await, Ok(Vec::new()));
    assert_eq!(store.log_lines(&run.id, 0, 5).await, Ok(Vec::new()));
    assert_eq!(store.delivery(&delivery.id).await, Ok(None));
    assert_eq!(store.attempts(&delivery.id).await, Ok(Vec::new()));
}

pub(crate) async fn log_lines_are_paged(store: Arc<dyn Store>) {
    for number in 1..=2 {
        store
            .apply(Arc::new(sample::owned(number)))
            .await
            .expect("stored");
    }
    for batch in 0..5 {
        for run in 1..=2 {
            let mut change = RunChange::keep(sample::run_id(run));
            change.log = (0..3).map(|n| line(run * 100 + batch * 3 + n)).collect();
            store.apply(Arc::new(change)).await.expect("logged");
        }
    }
    let id = sample::run_id(2);
    let numbers = |from: u64, to: u64| (200 + from..200 + to).map(line).collect::<Vec<_>>();
    for (offset, limit, expected) in [
        (0, 100, numbers(0, 15)),
        (0, 4, numbers(0, 4)),
        (4, 4, numbers(4, 8)),
        (14, 4, numbers(14, 15)),
        (15, 4, Vec::new()),
        (0, 0, Vec::new()),
        (u32::MAX, u32::MAX, Vec::new()),
    ] {
        assert_eq!(
            store.log_lines(&id, offset, limit).await,
            Ok(expected),
            "{offset} {limit}"
        );
    }
}

/// A change of the run counts its lines; a change that keeps the run need not.
pub(crate) async fn lines_follow_those_that_the_run_counts(store: Arc<dyn Store>) {
    let insert = sample::owned(1);
    let mut run = sample::run_of(&insert);
    store.apply(Arc::new(insert)).await.expect("stored");
    for round in 0..3 {
        let mut after = run.clone();
        after.log_lines += 2;
        let mut change = sample::updated(&run, after);
        change.log = vec![line(2 * round), line(2 * round + 1)];
        run = change.run().expect("an update").clone();
        store.apply(Arc::new(change)).await.expect("logged");
    }
    let mut keeping = RunChange::keep(run.id.clone());
    keeping.log = vec![line(6)];
    store.apply(Arc::new(keeping)).await.expect("logged");
    assert_eq!(
        store.log_lines(&run.id, 0, 10).await,
        Ok((0..7).map(line).collect())
    );
}

pub(crate) async fn runs_that_wait_are_found_by_their_action(store: Arc<dyn Store>) {
    for (number, action) in [(1, "deploy"), (2, "restart"), (3, "deploy"), (4, "deploy")] {
        store
            .apply(Arc::new(sample::waiting(number, action)))
            .await
            .expect("stored");
    }
    store
        .apply(Arc::new(sample::owned(5)))
        .await
        .expect("stored");
    let (third, _) = store
        .run_state(&sample::run_id(3))
        .await
        .expect("read")
        .expect("there");
    let mut declined = third.clone();
    declined.status = Status::Declined;
    declined.ended_at = Some(sample::at(9));
    store
        .apply(Arc::new(sample::updated(&third, declined)))
        .await
        .expect("declined");
    let waiting = store.waiting_runs("deploy").await.expect("read");
    let ids: Vec<_> = waiting.into_iter().map(|run| run.id).collect();
    assert_eq!(ids, [sample::run_id(1), sample::run_id(4)]);
}

pub(crate) async fn a_deep_document_is_read_back(store: Arc<dyn Store>) {
    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    for (number, depth) in [(1, 127), (2, 300)] {
        let request = longshore_domain::run::Request {
            properties: nested(depth),
            ..sample::request(number)
        };
        store
            .apply(Arc::new(accept(request, None)))
            .await
            .expect("stored");
        let found = store
            .run(&sample::run_id(number))
            .await
            .expect("read")
            .expect("there");
        assert_eq!(found.documents.properties, nested(depth));
    }
    let request = longshore_domain::run::Request {
        properties: nested(600),
        ..sample::request(3)
    };
    assert!(matches!(
        store.apply(Arc::new(accept(request, None))).await,
        Err(Error::Unavailable(_))
    ));
    assert_eq!(store.run_state(&sample::run_id(3)).await, Ok(None));
}
