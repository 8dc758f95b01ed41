//! Lists: what filters find, and that pages neither repeat nor leave out.

use std::sync::Arc;

use longshore_domain::delivery::State;
use longshore_domain::outcome::Repeat;
use longshore_domain::run::{Entry, Request, RunChange, Source, accept};
use longshore_store::{DeliveryFilter, Error, RunFilter, Store};

use crate::sample;

/// Run `number`, with what the filters look at derived from the number.
fn varied(number: u64) -> RunChange {
    let request = Request {
        action: ["deploy", "restart"][number as usize % 2].into(),
        blueprint: number.is_multiple_of(3).then(|| "service".into()),
        entity: number
            .is_multiple_of(4)
            .then(|| format!("entity-{}", number % 8)),
        source: [Source::Ui, Source::Api, Source::Automation][number as usize % 3],
        created_by: ["ann", "bob", "eve"][number as usize % 3].into(),
        ..sample::request(number)
    };
    accept(request, None)
}

async fn fill(store: &Arc<dyn Store>, runs: u64) {
    for number in 1..=runs {
        let change = varied(number);
        let mut run = sample::run_of(&change);
        store.apply(change).await.expect("stored");
        if number.is_multiple_of(5) {
            run.external_run_id = Some(format!("queue/{}", number % 2));
            store
                .apply(sample::ended(&run, sample::at(99)))
                .await
                .expect("ended");
        }
    }
}

/// The numbers of all matching runs in the order of the pages.
async fn numbers(store: &Arc<dyn Store>, filter: RunFilter, limit: u32) -> Vec<u64> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let page = store
            .runs(RunFilter {
                limit,
                from,
                ..filter.clone()
            })
            .await
            .expect("read");
        assert!(page.items.len() <= limit as usize);
        for (run, documents) in page.items {
            let number = documents.properties["number"].as_u64().expect("a number");
            assert_eq!(run.id, sample::run_id(number));
            found.push(number);
        }
        from = page.next;
        if from.is_none() {
            return found;
        }
    }
}

fn newest_first(runs: u64, matches: impl Fn(u64) -> bool) -> Vec<u64> {
    (1..=runs).rev().filter(|number| matches(*number)).collect()
}

pub(crate) async fn every_filter_finds_what_it_names(store: Arc<dyn Store>) {
    const RUNS: u64 = 60;
    fill(&store, RUNS).await;
    let text = |text: &str| Some(text.to_owned());
    let none = RunFilter::default();
    type Case = (RunFilter, fn(u64) -> bool);
    let cases: Vec<Case> = vec![
        (none.clone(), |_| true),
        (
            RunFilter {
                action: text("deploy"),
                ..none.clone()
            },
            |n| n % 2 == 0,
        ),
        (
            RunFilter {
                action: text("gone"),
                ..none.clone()
            },
            |_| false,
        ),
        (
            RunFilter {
                blueprint: text("service"),
                ..none.clone()
            },
            |n| n % 3 == 0,
        ),
        (
            RunFilter {
                entity: text("entity-4"),
                ..none.clone()
            },
            |n| n % 8 == 4,
        ),
        (
            RunFilter {
                created_by: text("eve"),
                ..none.clone()
            },
            |n| n % 3 == 2,
        ),
        (
            RunFilter {
                active: Some(true),
                ..none.clone()
            },
            |n| n % 5 != 0,
        ),
        (
            RunFilter {
                active: Some(false),
                ..none.clone()
            },
            |n| n % 5 == 0,
        ),
        (
            RunFilter {
                external_run_id: text("queue/1"),
                ..none.clone()
            },
            |_| false,
        ),
        (
            RunFilter {
                sources: vec![Source::Ui],
                ..none.clone()
            },
            |n| n % 3 == 0,
        ),
        (
            RunFilter {
                sources: vec![Source::Automation, Source::Ui],
                ..none.clone()
            },
            |n| n % 3 != 1,
        ),
        (
            RunFilter {
                sources: vec![Source::Api, Source::Api],
                ..none.clone()
            },
            |n| n % 3 == 1,
        ),
        (
            RunFilter {
                sources: vec![Source::Api, Source::Ui, Source::Automation],
                ..none.clone()
            },
            |_| true,
        ),
    ];
    for (filter, matches) in cases {
        for limit in [1_000, 7, 1] {
            let expected = if filter.external_run_id.is_some() {
                newest_first(RUNS, |n| n % 5 == 0 && n % 2 == 1)
            } else {
                newest_first(RUNS, matches)
            };
            assert_eq!(
                numbers(&store, filter.clone(), limit).await,
                expected,
                "{filter:?}"
            );
        }
    }
    let empty = store
        .runs(RunFilter { limit: 0, ..none })
        .await
        .expect("read");
    assert!(empty.items.is_empty());
}

pub(crate) async fn filters_are_combined(store: Arc<dyn Store>) {
    const RUNS: u64 = 120;
    fill(&store, RUNS).await;
    let filter = RunFilter {
        action: Some("deploy".into()),
        created_by: Some("ann".into()),
        active: Some(true),
        sources: vec![Source::Ui, Source::Api],
        ..RunFilter::default()
    };
    let expected = newest_first(RUNS, |n| n % 6 == 0 && n % 5 != 0);
    assert_eq!(numbers(&store, filter.clone(), 4).await, expected);
    let filter = RunFilter {
        entity: Some("entity-4".into()),
        blueprint: Some("service".into()),
        ..filter
    };
    let expected = newest_first(RUNS, |n| n % 6 == 0 && n % 5 != 0 && n % 8 == 4);
    assert_eq!(numbers(&store, filter, 1).await, expected);
}

pub(crate) async fn pages_are_stable_under_inserts(store: Arc<dyn Store>) {
    fill(&store, 20).await;
    let filter = RunFilter {
        action: Some("deploy".into()),
        limit: 3,
        ..RunFilter::default()
    };
    let (mut found, mut from) = (Vec::new(), None);
    for newer in 21.. {
        let page = store
            .runs(RunFilter {
                from,
                ..filter.clone()
            })
            .await
            .expect("read");
        found.extend(page.items.into_iter().map(|(run, _)| run.id));
        from = page.next;
        if from.is_none() {
            break;
        }
        store.apply(varied(newer)).await.expect("stored");
    }
    let expected: Vec<_> = newest_first(20, |n| n % 2 == 0)
        .into_iter()
        .map(sample::run_id)
        .collect();
    assert_eq!(found, expected);
}

pub(crate) async fn a_made_up_position_is_refused(store: Arc<dyn Store>) {
    fill(&store, 2).await;
    for from in [
        "",
        "x",
        "-1",
        "0",
        "1 OR 1",
        "fffffffffffffffff",
        "\u{1F6A2}",
    ] {
        let from = Some(from.to_owned());
        let runs = store.runs(RunFilter {
            from: from.clone(),
            limit: 1,
            ..RunFilter::default()
        });
        assert_eq!(
            runs.await.expect_err("refused"),
            Error::NotFound("page"),
            "{from:?}"
        );
        let filter = DeliveryFilter {
            from: from.clone(),
            limit: 1,
            ..DeliveryFilter::default()
        };
        let refused = store.deliveries(filter).await.expect_err("refused");
        assert_eq!(refused, Error::NotFound("page"), "{from:?}");
    }
}

pub(crate) async fn deliveries_are_filtered_and_paged(store: Arc<dyn Store>) {
    const DELIVERIES: u64 = 40;
    let state = |number: u64| State::ALL[number as usize % 8];
    let destination = |number: u64| format!("https://{}.example", number % 3);
    for number in 1..=DELIVERIES {
        let insert = sample::executed(number, &destination(number), Entry::Slot, Repeat::Allowed);
        let before = sample::delivery_of(&insert);
        store.apply(insert).await.expect("stored");
        let mut settled = sample::settled(&before, 1);
        if let Some(longshore_domain::run::DeliveryWrite::Update { delivery, .. }) =
            &mut settled.delivery
        {
            delivery.state = state(number);
        }
        store.apply(settled).await.expect("settled");
    }
    let none = DeliveryFilter {
        limit: 3,
        ..DeliveryFilter::default()
    };
    let mut cases: Vec<(DeliveryFilter, Vec<u64>)> = State::ALL
        .into_iter()
        .map(|wanted| {
            let filter = DeliveryFilter {
                state: Some(wanted),
                ..none.clone()
            };
            (
                filter,
                newest_first(DELIVERIES, |number| state(number) == wanted),
            )
        })
        .collect();
    cases.push((none.clone(), newest_first(DELIVERIES, |_| true)));
    let one = Some(destination(1));
    cases.push((
        DeliveryFilter {
            destination: one.clone(),
            ..none.clone()
        },
        newest_first(DELIVERIES, |number| number % 3 == 1),
    ));
    cases.push((
        DeliveryFilter {
            destination: one,
            state: Some(State::Dead),
            ..none.clone()
        },
        newest_first(DELIVERIES, |number| {
            number % 3 == 1 && state(number) == State::Dead
        }),
    ));
    cases.push((
        DeliveryFilter {
            run: Some(sample::run_id(7)),
            ..none.clone()
        },
        vec![7],
    ));
    cases.push((
        DeliveryFilter {
            run: Some(sample::run_id(99)),
            ..none
        },
        Vec::new(),
    ));
    for (filter, expected) in cases {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let page = store
                .deliveries(DeliveryFilter {
                    from,
                    ..filter.clone()
                })
                .await;
            let page = page.expect("read");
            found.extend(page.items.into_iter().map(|delivery| delivery.run));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        let expected: Vec<_> = expected.into_iter().map(sample::run_id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}
