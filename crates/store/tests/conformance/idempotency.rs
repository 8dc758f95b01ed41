//! A repeated request finds the run that the first one made.

use std::sync::Arc;

use longshore_domain::run::RunChange;
use longshore_store::{Applied, Error, RunFilter, Store};
use tokio::task::JoinSet;

use crate::sample;

fn with_key(number: u64, key: u8, body: u8) -> RunChange {
    let mut change = sample::owned(number);
    change.idempotency = Some(sample::idempotency(key, body, number));
    change
}

pub(crate) async fn one_run_for_many_callers_with_one_key(store: Arc<dyn Store>) {
    let mut callers = JoinSet::new();
    for number in 0..100 {
        let store = Arc::clone(&store);
        // Neighbours without the key stand between them in the groups.
        callers.spawn(async move {
            store
                .apply(Arc::new(sample::owned(1_000 + number)))
                .await
                .expect("a neighbour");
            (number, store.apply(Arc::new(with_key(number, 1, 1))).await)
        });
    }
    let answers = callers.join_all().await;
    let made: Vec<u64> = answers
        .iter()
        .filter(|(_, answer)| *answer == Ok(Applied))
        .map(|(n, _)| *n)
        .collect();
    let [made] = made[..] else {
        panic!("{} runs were made", made.len())
    };
    for (number, answer) in answers {
        if number != made {
            let run = sample::run_id(made);
            assert_eq!(
                answer,
                Err(Error::IdempotencyReplay {
                    run,
                    same_body: true
                })
            );
            assert_eq!(store.run_state(&sample::run_id(number)).await, Ok(None));
        }
    }
    let all = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    assert_eq!(store.runs(all).await.expect("read").items.len(), 101);
}

pub(crate) async fn another_body_and_an_expired_key_are_told(store: Arc<dyn Store>) {
    store
        .apply(Arc::new(with_key(1, 1, 1)))
        .await
        .expect("stored");
    store
        .apply(Arc::new(with_key(2, 2, 1)))
        .await
        .expect("another key");
    let replay = |same_body| {
        Err(Error::IdempotencyReplay {
            run: sample::run_id(1),
            same_body,
        })
    };
    assert_eq!(store.apply(Arc::new(with_key(3, 1, 1))).await, replay(true));
    assert_eq!(
        store.apply(Arc::new(with_key(4, 1, 2))).await,
        replay(false)
    );
    let later = 3_600_001;
    store
        .apply(Arc::new(with_key(later, 1, 2)))
        .await
        .expect("the key has expired");
    let renewed = Err(Error::IdempotencyReplay {
        run: sample::run_id(later),
        same_body: true,
    });
    assert_eq!(
        store.apply(Arc::new(with_key(later + 1, 1, 2))).await,
        renewed
    );
}
