//! Deliveries that wait, are under way, or are watched.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_domain::agent::Session;
use longshore_domain::delivery::{
    Delivery, OutcomeKind, StartedByAgent, State, Way, start_by_agent,
};
use longshore_domain::encryption::{Algorithm, EncryptedInput};
use longshore_domain::id::{ConnectionId, RunId};
use longshore_domain::outcome::Repeat;
use longshore_domain::run::{
    AGENT_DESTINATION, DeliveryWrite, EncryptedInputs, Entry, Rendered, Request, RunChange, accept,
};
use longshore_domain::template::Deferred;
use longshore_domain::time::Timestamp;
use longshore_store::{Backlog, DestinationRecord, Error, Found, Store};
use tokio::task::JoinSet;

use crate::sample;

const A: &str = "https://a.example";
const B: &str = "https://b.example";
const PLENTY: u64 = u64::MAX;

async fn insert(store: &Arc<dyn Store>, change: RunChange) -> Delivery {
    let delivery = sample::delivery_of(&change);
    store.apply(Arc::new(change)).await.expect("stored");
    delivery
}

/// Makes `after` of the stored delivery `before`.
async fn change(store: &Arc<dyn Store>, before: &Delivery, after: Delivery) {
    let mut change = RunChange::keep(before.run.clone());
    change.delivery = Some(DeliveryWrite::update(before, after));
    store.apply(Arc::new(change)).await.expect("changed");
}

async fn take(
    store: &Arc<dyn Store>,
    millis: i64,
    limit: u32,
    bytes: u64,
) -> (Vec<Found>, Option<Timestamp>) {
    store
        .take_due(A, sample::at(millis), limit, bytes)
        .await
        .expect("taken")
}

fn runs(found: &[Found]) -> Vec<RunId> {
    found.iter().map(|found| found.run.id.clone()).collect()
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<RunId> {
    numbers.into_iter().map(sample::run_id).collect()
}

pub(crate) async fn due_deliveries_are_taken_in_order_and_in_bounds(store: Arc<dyn Store>) {
    // Later numbers are due earlier.
    for number in 1..=9u64 {
        let mut due = sample::due(number, A);
        if let Some(DeliveryWrite::Insert(delivery)) = &mut due.delivery {
            delivery.due_at = Some(sample::at(100 - 10 * number as i64));
        }
        insert(&store, due).await;
    }
    insert(&store, sample::due(20, B)).await;
    insert(&store, sample::owned(21)).await;

    assert_eq!(take(&store, 9, 10, PLENTY).await.0.len(), 0);
    let (found, next) = take(&store, 30, 2, PLENTY).await;
    assert_eq!((runs(&found), next), (ids([9, 8]), Some(sample::at(30))));
    for Found {
        run,
        documents,
        delivery,
    } in found
    {
        let stored = store.run(&run.id).await.expect("read").expect("there");
        assert_eq!((stored.run, stored.documents), (run, documents));
        let delivery = delivery.expect("a delivery");
        assert_eq!(
            (delivery.state, delivery.due_at, delivery.version),
            (State::Owned, None, 2)
        );
        assert_eq!(delivery.updated_at, sample::at(30));
        assert_eq!(stored.delivery, Some(delivery));
    }
    // One is taken even where it alone is over the bound.
    let (found, next) = take(&store, 100, 10, 1).await;
    assert_eq!((runs(&found), next), (ids([7]), Some(sample::at(40))));
    let size: u64 = 2 * 1_300;
    let (found, _) = take(&store, 100, 10, size).await;
    assert_eq!(runs(&found), ids([6, 5]));
    let (found, next) = take(&store, 100, 0, PLENTY).await;
    assert_eq!((runs(&found), next), (Vec::new(), Some(sample::at(60))));
    let (found, next) = take(&store, 80, 10, PLENTY).await;
    assert_eq!((runs(&found), next), (ids([4, 3, 2]), Some(sample::at(90))));
    let (found, next) = take(&store, 90, u32::MAX, PLENTY).await;
    assert_eq!((runs(&found), next), (ids([1]), None));
    assert_eq!(take(&store, 90, 10, PLENTY).await.0.len(), 0);
    let (_, elsewhere) = store
        .delivery(&sample::delivery_id(20))
        .await
        .expect("read")
        .expect("there");
    assert_eq!(elsewhere.state, State::Due);
}

pub(crate) async fn concurrent_takers_share_nothing(store: Arc<dyn Store>) {
    const DUE: u64 = 300;
    for number in 1..=DUE {
        insert(&store, sample::due(number, A)).await;
    }
    let mut takers = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        takers.spawn(async move {
            let mut taken = Vec::new();
            loop {
                let (found, _) = take(&store, 1_000, 7, PLENTY).await;
                if found.is_empty() {
                    return taken;
                }
                taken.extend(runs(&found));
            }
        });
    }
    let taken: Vec<RunId> = takers.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken.len() as u64, DUE);
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>().len() as u64, DUE);
    assert_eq!(store.backlog().await, Ok(Vec::new()));
}

pub(crate) async fn the_backlog_names_each_destination_once(store: Arc<dyn Store>) {
    assert_eq!(store.backlog().await, Ok(Vec::new()));
    for number in 1..=6 {
        insert(
            &store,
            sample::due(number, if number % 2 == 0 { A } else { B }),
        )
        .await;
    }
    insert(
        &store,
        sample::executed(7, "https://c.example", Entry::Slot, Repeat::Harm),
    )
    .await;
    insert(
        &store,
        sample::executed(8, "https://c.example", Entry::Window, Repeat::Harm),
    )
    .await;
    let backlog = |destination: &str, millis| Backlog {
        destination: destination.into(),
        first_due_at: sample::at(millis),
    };
    assert_eq!(
        store.backlog().await,
        Ok(vec![backlog(A, 2), backlog(B, 1)])
    );
    let mut open = store.count_open().await.expect("counted");
    open.sort();
    let count = |destination: &str, state: &str, n| (destination.to_owned(), state.to_owned(), n);
    let c = "https://c.example";
    let expected = vec![
        count(A, "due", 3),
        count(B, "due", 3),
        count(c, "owned", 1),
        count(c, "started", 1),
    ];
    assert_eq!(open, expected);
    assert_eq!(take(&store, 1_000, 10, PLENTY).await.0.len(), 3);
    assert_eq!(store.backlog().await, Ok(vec![backlog(B, 1)]));
}

pub(crate) async fn recovery_finds_what_a_dead_worker_held(store: Arc<dyn Store>) {
    let mut held = Vec::new();
    for number in 1..=4 {
        let entry = if number % 2 == 0 {
            Entry::Slot
        } else {
            Entry::Window
        };
        held.push(insert(&store, sample::executed(number, A, entry, Repeat::Harm)).await);
    }
    insert(&store, sample::due(5, A)).await;
    let settled = insert(&store, sample::owned(6)).await;
    store
        .apply(Arc::new(sample::settled(&settled, 1)))
        .await
        .expect("settled");

    assert_eq!(store.lost(3).await.expect("read").len(), 3);
    let mut recovered = Vec::new();
    loop {
        let lost = store.lost(3).await.expect("read");
        if lost.is_empty() {
            break;
        }
        for (run, delivery) in lost {
            let lost = longshore_domain::delivery::recover(&delivery, sample::at(50));
            let lost = lost.expect("it was held");
            recovered.push(delivery.clone());
            let change = longshore_domain::run::recovered(&run, &delivery, lost, sample::at(50));
            store.apply(Arc::new(change)).await.expect("recovered");
        }
    }
    recovered.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(recovered, held);
    for delivery in held {
        let (_, now) = store
            .delivery(&delivery.id)
            .await
            .expect("read")
            .expect("there");
        let attempts = store.attempts(&delivery.id).await.expect("read");
        match delivery.state {
            State::Owned => assert_eq!((now.state, attempts.len()), (State::Due, 0)),
            _ => {
                assert_eq!((now.state, attempts.len()), (State::Unconfirmed, 1));
                assert_eq!(attempts[0].outcome, OutcomeKind::Unknown);
            }
        }
    }
}

pub(crate) async fn silent_and_overdue_deliveries_are_found(store: Arc<dyn Store>) {
    for number in 1..=6u64 {
        let before = insert(&store, sample::owned(number)).await;
        let state = if number % 2 == 0 {
            State::Done
        } else {
            State::Unconfirmed
        };
        let due_at = (number != 6).then(|| sample::at(number as i64 * 10));
        change(
            &store,
            &before,
            Delivery {
                state,
                due_at,
                ..before.clone()
            },
        )
        .await;
    }
    let silent = store.silent(sample::at(40), 3).await.expect("read");
    let found: Vec<RunId> = silent.into_iter().map(|(run, _)| run.id).collect();
    assert_eq!(found, ids([1, 2, 3]));
    assert_eq!(
        store
            .silent(sample::at(1_000), 100)
            .await
            .expect("read")
            .len(),
        5
    );
    assert_eq!(store.silent(sample::at(9), 100).await, Ok(Vec::new()));

    for number in 11..=15 {
        insert(&store, sample::due(number, A)).await;
    }
    insert(&store, sample::due(10, B)).await;
    let overdue = store
        .overdue(A, sample::at(14), sample::at(1_000), 2)
        .await
        .expect("read");
    let found: Vec<RunId> = overdue.into_iter().map(|(run, _)| run.id).collect();
    assert_eq!(found, ids([11, 12]));
    assert_eq!(
        store
            .overdue(A, sample::at(14), sample::at(1_000), 100)
            .await
            .expect("read")
            .len(),
        3
    );
}

pub(crate) async fn attempts_are_kept_and_the_later_finding_stands(store: Arc<dyn Store>) {
    let first = insert(&store, sample::owned(1)).await;
    let mut lost = RunChange::keep(first.run.clone());
    let mut unknown = sample::attempt(1);
    unknown.outcome = OutcomeKind::Unknown;
    unknown.status = None;
    unknown.diagnosis = Some(sample::diagnosis());
    lost.attempt = Some(unknown.clone());
    store.apply(Arc::new(lost)).await.expect("recorded");
    assert_eq!(store.attempts(&first.id).await, Ok(vec![unknown]));
    store
        .apply(Arc::new(sample::settled(&first, 1)))
        .await
        .expect("settled");
    let again = store.apply(Arc::new(sample::settled(&first, 1))).await;
    assert_eq!(again, Err(Error::Conflict("delivery")));
    let mut late = RunChange::keep(first.run.clone());
    late.attempt = Some(sample::attempt(2));
    store.apply(Arc::new(late)).await.expect("recorded");
    let attempts = store.attempts(&first.id).await;
    assert_eq!(attempts, Ok(vec![sample::attempt(1), sample::attempt(2)]));
}

pub(crate) async fn destinations_are_remembered(store: Arc<dyn Store>) {
    let record = |destination: &str, paused: Option<i64>| DestinationRecord {
        destination: destination.into(),
        paused_until: paused.map(sample::at),
        last_accepted_at: Some(sample::at(1)),
    };
    for saved in [record(B, None), record(A, Some(5)), record(A, Some(9))] {
        store.save_destination(saved).await.expect("saved");
    }
    assert_eq!(
        store.destinations().await,
        Ok(vec![record(A, Some(9)), record(B, None)])
    );
}

pub(crate) async fn a_changed_destination_moves_the_delivery(store: Arc<dyn Store>) {
    let before = insert(&store, sample::due(1, B)).await;
    let connection = ConnectionId::mint(sample::at(1), 1);
    let after = Delivery {
        destination: A.into(),
        connection: Some(connection),
        ..before.clone()
    };
    change(&store, &before, after.clone()).await;
    let (_, stored) = store
        .delivery(&before.id)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(
        stored,
        Delivery {
            version: 2,
            ..after
        }
    );
    assert_eq!(runs(&take(&store, 100, 5, PLENTY).await.0), ids([1]));
}

async fn claim(store: &Arc<dyn Store>, millis: i64, limit: u32) -> (Vec<Found>, Option<Timestamp>) {
    claim_but(store, millis, (limit, PLENTY), &[]).await
}

async fn claim_but(
    store: &Arc<dyn Store>,
    millis: i64,
    limit: (u32, u64),
    exclude: &[&str],
) -> (Vec<Found>, Option<Timestamp>) {
    let publication = (Way::Claim, sample::at(millis + 60));
    let exclude: Vec<String> = exclude.iter().map(|&name| name.to_owned()).collect();
    let now = sample::at(millis);
    store
        .publish_due(AGENT_DESTINATION, publication, now, limit, &exclude)
        .await
        .expect("claimed")
}

/// Runs 1 to 6 of four actions, all due at the same time but for the last one.
async fn offer(store: &Arc<dyn Store>) {
    for (number, action, action_type) in [
        (1, "build", Some("dispatch_workflow")),
        (2, "build", Some("dispatch_workflow")),
        (3, "deploy", Some("dispatch_workflow")),
        (4, "deploy", Some("trigger_pipeline")),
        (5, "scale", None),
        (6, "scale", None),
    ] {
        let mut offered = sample::offered(number, action, action_type);
        if let Some(DeliveryWrite::Insert(delivery)) = &mut offered.delivery {
            delivery.due_at = Some(sample::at(if number == 6 { 50 } else { 7 }));
        }
        insert(store, offered).await;
    }
}

pub(crate) async fn a_claim_leaves_actions_out_and_nothing_waits_behind_them(
    store: Arc<dyn Store>,
) {
    offer(&store).await;
    let everything = ["build", "deploy", "scale"];
    let left = claim_but(&store, 10, (10, PLENTY), &everything).await;
    // What is left out is no reason to look again at once.
    assert_eq!((runs(&left.0), left.1), (ids([]), None));
    let types = ["dispatch_workflow", "no such action"];
    let (found, next) = claim_but(&store, 10, (1, PLENTY), &types).await;
    assert_eq!((runs(&found), next), (ids([4]), Some(sample::at(7))));
    let (found, next) = claim_but(&store, 10, (10, PLENTY), &types).await;
    assert_eq!((runs(&found), next), (ids([5]), Some(sample::at(50))));
    let (found, next) = claim_but(&store, 10, (10, PLENTY), &["build"]).await;
    assert_eq!((runs(&found), next), (ids([3]), Some(sample::at(50))));
    // The bytes of documents are bounded here as well, and one is always taken.
    let found = claim_but(&store, 60, (10, 1), &["deploy"]).await.0;
    assert_eq!(runs(&found), ids([1]));
    let attempts: Vec<u32> = found
        .iter()
        .filter_map(|found| Some(found.delivery.as_ref()?.attempt))
        .collect();
    assert_eq!(attempts, [1]);
    // Whoever leaves nothing out gets the rest.
    assert_eq!(runs(&claim(&store, 60, 10).await.0), ids([2, 6]));
}

pub(crate) async fn due_deliveries_are_published_in_order(store: Arc<dyn Store>) {
    for number in 1..=3 {
        insert(&store, sample::for_agents(number)).await;
    }
    // Nothing but what is for agents is ever given to them.
    insert(&store, sample::due(4, AGENT_DESTINATION)).await;
    let (found, next) = claim(&store, 10, 2).await;
    assert_eq!((runs(&found), next), (ids([1, 2]), Some(sample::at(3))));
    for found in found {
        let stored = store
            .run(&found.run.id)
            .await
            .expect("read")
            .expect("there");
        let delivery = found.delivery.expect("a delivery");
        assert_eq!(
            (delivery.state, delivery.attempt, delivery.due_at),
            (State::Published, 1, Some(sample::at(70)))
        );
        let publication = delivery.publication.as_deref().expect("published");
        assert_eq!(publication.way, Way::Claim);
        assert_eq!(stored.delivery, Some(delivery));
    }
    let unstarted = async |millis| {
        let found = store.unstarted(sample::at(millis), 10).await.expect("read");
        found.into_iter().map(|(run, _)| run.id).collect::<Vec<_>>()
    };
    assert_eq!(unstarted(69).await, ids([]));
    assert_eq!(unstarted(70).await, ids([1, 2]));
    assert_eq!(runs(&claim(&store, 100, 10).await.0), ids([3]));
    let (_, other) = store
        .delivery(&sample::delivery_id(4))
        .await
        .expect("read")
        .expect("there");
    assert_eq!((other.state, other.attempt), (State::Due, 0));
}

pub(crate) async fn concurrent_claims_share_nothing(store: Arc<dyn Store>) {
    const DUE: u64 = 200;
    for number in 1..=DUE {
        insert(&store, sample::for_agents(number)).await;
    }
    let mut claimers = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        claimers.spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let (found, _) = claim(&store, 1_000, 7).await;
                if found.is_empty() {
                    return claimed;
                }
                claimed.extend(runs(&found));
            }
        });
    }
    let claimed: Vec<RunId> = claimers.join_all().await.into_iter().flatten().collect();
    assert_eq!(claimed.len() as u64, DUE);
    assert_eq!(
        claimed.into_iter().collect::<BTreeSet<_>>().len() as u64,
        DUE
    );
}

pub(crate) async fn what_agents_have_started_is_found_and_not_taken_back(store: Arc<dyn Store>) {
    for number in 1..=3 {
        insert(&store, sample::for_agents(number)).await;
    }
    insert(&store, sample::owned(4)).await;
    let by = Session {
        agent: "dock".into(),
        session: "s1".into(),
    };
    for found in claim(&store, 10, 2).await.0 {
        let before = found.delivery.expect("a delivery");
        let StartedByAgent::Now(after) =
            start_by_agent(&before, 1, &by, Repeat::Harm, sample::at(20))
        else {
            panic!("not started");
        };
        change(&store, &before, after).await;
        // What the agent added stands in the same write.
        let stored = store.delivery(&before.id).await.expect("read");
        let repeat = stored.expect("there").1.repeat;
        assert_eq!((before.repeat, repeat), (Repeat::Allowed, Repeat::Harm));
    }
    let started = async |after: Option<RunId>, limit| {
        let found = store.started_by_agents(after.as_ref(), limit).await;
        let found = found.expect("read");
        for (_, delivery) in &found {
            let publication = delivery.publication.as_deref().expect("published");
            assert_eq!(publication.started_by.as_ref(), Some(&by));
        }
        found.into_iter().map(|(run, _)| run.id).collect::<Vec<_>>()
    };
    assert_eq!(started(None, 10).await, ids([1, 2]));
    assert_eq!(started(None, 1).await, ids([1]));
    assert_eq!(started(Some(sample::run_id(1)), 10).await, ids([2]));
    let lost = store.lost(10).await.expect("read");
    let lost: Vec<RunId> = lost.into_iter().map(|(run, _)| run.id).collect();
    assert_eq!(lost, ids([4]));
    assert_eq!(store.unstarted(sample::at(1_000), 10).await, Ok(Vec::new()));
}

pub(crate) async fn a_batch_finds_the_deliveries_that_there_are(store: Arc<dyn Store>) {
    let first = insert(&store, sample::for_agents(1)).await;
    let second = insert(&store, sample::due(2, A)).await;
    let missing = sample::delivery_of(&sample::due(3, A));
    // What an agent names is not looked at before, and only a delivery's own letter stands for it.
    let alias = first.id.as_str().replacen("d_", "x_", 1);
    let alias = serde_json::from_value(alias.into()).expect("any text");
    let asked = [second.id.clone(), missing.id, alias, first.id.clone()];
    let found = store.deliveries_of(&asked).await.expect("read");
    let pairs: Vec<_> = found
        .into_iter()
        .map(|found| (found.run.id, found.delivery))
        .collect();
    assert_eq!(
        pairs,
        [(sample::run_id(2), second), (sample::run_id(1), first)]
    );
    assert_eq!(store.deliveries_of(&[]).await, Ok(Vec::new()));
}

pub(crate) async fn documents_are_read_for_a_batch_where_attempts_make_parts_anew(
    store: Arc<dyn Store>,
) {
    let deferred = vec![Deferred {
        pointer: "/body/key".into(),
        template: "{{ .secrets.KEY }}".into(),
    }];
    let rendered = Rendered {
        deferred: deferred.clone(),
        ..sample::rendered()
    };
    let new = |number| sample::new_delivery(number, A, Entry::Stored, Repeat::Allowed);
    let made_anew = accept(sample::request(1), Some((rendered, new(1))));
    let made_anew = insert(&store, made_anew).await.id;
    let encrypted = Box::new(EncryptedInputs {
        inputs: vec![EncryptedInput {
            name: "password".into(),
            algorithm: Algorithm::Aes256Gcm,
        }],
        sealed: vec![1, 2, 3],
    });
    let request = Request {
        encrypted: Some(encrypted.clone()),
        ..sample::request(2)
    };
    let sealed = insert(&store, accept(request, Some((sample::rendered(), new(2))))).await;
    let plain = insert(&store, sample::due(3, A)).await.id;
    let asked = [plain, sealed.id.clone(), made_anew.clone()];
    let known = store.deliveries_of(&asked).await.expect("read");
    let per_attempt: Vec<bool> = known.iter().map(|known| known.per_attempt).collect();
    assert_eq!(per_attempt, [false, true, true]);
    let found = store.documents_per_attempt(&asked).await.expect("read");
    let [(first, with_sealed), (second, with_deferred)] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (first, &with_sealed.encrypted),
        (&sealed.id, &Some(encrypted))
    );
    assert_eq!((second, &with_deferred.deferred), (&made_anew, &deferred));
    assert_eq!(
        with_deferred.payload,
        Some(sample::rendered().payload.into())
    );
    assert_eq!(store.documents_per_attempt(&[]).await, Ok(Vec::new()));
}
