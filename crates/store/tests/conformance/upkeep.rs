//! What keeps a database small and known to be usable.

use std::sync::Arc;
use std::time::Duration;

use longshore_domain::id::RunLogId;
use longshore_domain::run::{LogLine, Request, RunChange, RunWrite, accept};
use longshore_domain::time::Timestamp;
use longshore_store::{Error, NewAction, Pruned, Retention, RunFilter, Store};
use tokio::task::JoinSet;

use crate::sample;

const HOUR_MS: i64 = 3_600_000;

/// Retention that keeps everything.
fn keep_all() -> Retention {
    Retention {
        ended_before: Timestamp::from_micros(i64::MIN),
        ended_runs: u64::MAX,
        now: sample::at(0),
    }
}

/// Stores run `number` with all that may belong to it, ended at `ended_ms` if at all.
async fn history(store: &Arc<dyn Store>, number: u64, ended_ms: Option<i64>) {
    let mut insert = sample::owned(number);
    insert.log = (0..5)
        .map(|line| LogLine {
            id: RunLogId::mint(sample::at(line), line as u64),
            message: "a line".into(),
            created_by: "run token".into(),
            created_at: sample::at(line),
        })
        .collect();
    if let RunWrite::Insert(new) = &mut insert.run {
        new.run.log_lines = 5;
    }
    let (run, delivery) = (sample::run_of(&insert), sample::delivery_of(&insert));
    store.apply(Arc::new(insert)).await.expect("stored");
    store
        .apply(Arc::new(sample::settled(&delivery, 1)))
        .await
        .expect("settled");
    if let Some(ended_ms) = ended_ms {
        store
            .apply(Arc::new(sample::ended(&run, sample::at(ended_ms))))
            .await
            .expect("ended");
    }
}

async fn remaining(store: &Arc<dyn Store>) -> Vec<u64> {
    let filter = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    let page = store.runs(filter).await.expect("read");
    let number =
        |documents: &longshore_domain::run::Documents| documents.properties["number"].as_u64();
    page.items
        .iter()
        .rev()
        .filter_map(|(_, documents)| number(documents))
        .collect()
}

pub(crate) async fn pruning_takes_the_oldest_ended_runs_whole(store: Arc<dyn Store>) {
    // The order in which they ended is not the order in which they were made.
    for (number, ended_ms) in [
        (1, Some(50)),
        (2, Some(10)),
        (3, None),
        (4, Some(20)),
        (5, Some(30)),
    ] {
        history(&store, number, ended_ms).await;
    }
    let retention = Retention {
        ended_before: sample::at(40),
        ..keep_all()
    };
    assert_eq!(
        store.prune(keep_all(), 10).await,
        Ok(Pruned {
            runs: 0,
            more: false
        })
    );
    assert_eq!(
        store.prune(retention, 2).await,
        Ok(Pruned {
            runs: 2,
            more: true
        })
    );
    assert_eq!(remaining(&store).await, [1, 3, 5]);
    assert_eq!(
        store.prune(retention, 2).await,
        Ok(Pruned {
            runs: 1,
            more: false
        })
    );
    assert_eq!(
        store.prune(retention, 2).await,
        Ok(Pruned {
            runs: 0,
            more: false
        })
    );
    assert_eq!(remaining(&store).await, [1, 3]);
    for (number, lines) in [(1, 5), (2, 0), (3, 5), (4, 0), (5, 0)] {
        let (id, delivery) = (sample::run_id(number), sample::delivery_id(number));
        assert_eq!(
            store.log_lines(&id, 0, 100).await.expect("read").len(),
            lines
        );
        assert_eq!(
            store.events(&id).await.expect("read").is_empty(),
            lines == 0
        );
        assert_eq!(
            store.attempts(&delivery).await.expect("read").is_empty(),
            lines == 0
        );
        assert_eq!(
            store.delivery(&delivery).await.expect("read").is_none(),
            lines == 0
        );
        assert_eq!(store.run(&id).await.expect("read").is_none(), lines == 0);
    }
}

pub(crate) async fn pruning_by_count_keeps_the_newest(store: Arc<dyn Store>) {
    for number in 1..=6 {
        history(&store, number, (number != 2).then_some(number as i64)).await;
    }
    let retention = Retention {
        ended_runs: 2,
        ..keep_all()
    };
    assert_eq!(
        store.prune(retention, 100).await,
        Ok(Pruned {
            runs: 3,
            more: false
        })
    );
    assert_eq!(remaining(&store).await, [2, 5, 6]);
    // The count follows what was pruned, and what is ended afterwards.
    history(&store, 7, Some(7)).await;
    assert_eq!(
        store.prune(retention, 100).await,
        Ok(Pruned {
            runs: 1,
            more: false
        })
    );
    let none = Retention {
        ended_runs: 0,
        ..keep_all()
    };
    assert_eq!(
        store.prune(none, 1).await,
        Ok(Pruned {
            runs: 1,
            more: true
        })
    );
    assert_eq!(
        store.prune(none, 1).await,
        Ok(Pruned {
            runs: 1,
            more: false
        })
    );
    assert_eq!(remaining(&store).await, [2]);
}

pub(crate) async fn pruning_frees_expired_keys_and_unused_revisions(store: Arc<dyn Store>) {
    let action = |document: &str| NewAction {
        identifier: "deploy".into(),
        document: document.into(),
        by: "ann".into(),
        now: sample::at(0),
    };
    let first = store.add_action(action("1")).await.expect("added").revision;
    let run = |number, action_revision| {
        let request = Request {
            action_revision,
            ..sample::request(number)
        };
        let mut change = accept(request, None);
        change.idempotency = Some(sample::idempotency(number as u8, 1, number));
        change
    };
    store.apply(Arc::new(run(1, first))).await.expect("stored");
    let second = store
        .replace_action("deploy", action("2"))
        .await
        .expect("replaced")
        .revision;
    let third = store
        .replace_action("deploy", action("3"))
        .await
        .expect("replaced")
        .revision;
    let kept = |revision: i64| {
        let store = Arc::clone(&store);
        async move {
            store
                .action_revision(revision)
                .await
                .expect("read")
                .is_some()
        }
    };
    let prune = |hours: i64| {
        let retention = Retention {
            now: sample::at(hours * HOUR_MS),
            ..keep_all()
        };
        let store = Arc::clone(&store);
        async move { store.prune(retention, 100).await.expect("pruned") }
    };
    // A revision without runs stays a while: a run that was decided on it may be on its way.
    prune(0).await;
    assert!(kept(second).await);
    let late = run(2, second);
    let late_run = sample::run_of(&late);
    store.apply(Arc::new(late)).await.expect("stored");
    prune(3).await;
    assert!(kept(first).await && kept(second).await && kept(third).await);
    // Its only run goes, and then it goes too; the one in use stays.
    store
        .apply(Arc::new(sample::ended(&late_run, sample::at(1))))
        .await
        .expect("ended");
    let none = Retention {
        ended_runs: 0,
        now: sample::at(4 * HOUR_MS),
        ..keep_all()
    };
    assert_eq!(store.prune(none, 100).await.expect("pruned").runs, 1);
    prune(5).await;
    prune(7).await;
    assert!(kept(first).await && !kept(second).await && kept(third).await);
    // The keys have expired and are gone: the same key makes a run, whatever its own time says.
    let mut again = run(3, third);
    again.idempotency = Some(sample::idempotency(1, 2, 1));
    store.apply(Arc::new(again)).await.expect("stored");
}

pub(crate) async fn keys_never_return(store: Arc<dyn Store>) {
    for number in 1..=3 {
        history(&store, number, Some(1)).await;
    }
    let none = Retention {
        ended_runs: 0,
        ..keep_all()
    };
    assert_eq!(store.prune(none, 100).await.expect("pruned").runs, 3);
    for number in 4..=5 {
        history(&store, number, None).await;
    }
    let one = RunFilter {
        limit: 1,
        ..RunFilter::default()
    };
    let page = store.runs(one.clone()).await.expect("read");
    let rest = store
        .runs(RunFilter {
            from: page.next,
            ..one
        })
        .await
        .expect("read");
    assert_eq!(rest.items[0].0.id, sample::run_id(4));
    assert_eq!(
        store
            .log_lines(&sample::run_id(4), 0, 100)
            .await
            .expect("read")
            .len(),
        5
    );
}

pub(crate) async fn a_closed_store_finishes_and_writes_no_more(store: Arc<dyn Store>) {
    store.probe().await.expect("it can be written");
    let mut callers = JoinSet::new();
    for number in 1..=50 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            (
                number,
                store.apply(Arc::new(sample::owned(number))).await.is_ok(),
            )
        });
    }
    let answers = callers.join_all().await;
    store.close(Duration::from_secs(30)).await.expect("closed");
    assert!(answers.into_iter().all(|(_, stored)| stored));
    let keep = RunChange::keep(sample::run_id(1));
    for refused in [
        store.apply(Arc::new(sample::owned(99))).await,
        store.apply(Arc::new(keep)).await,
    ] {
        assert!(matches!(refused, Err(Error::Unavailable(_))));
    }
    assert!(matches!(store.probe().await, Err(Error::Unavailable(_))));
    assert!(matches!(
        store.run_state(&sample::run_id(1)).await,
        Err(Error::Unavailable(_))
    ));
    store
        .close(Duration::from_secs(30))
        .await
        .expect("closing twice is fine");
}
