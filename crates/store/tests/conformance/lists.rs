//! Lists: what filters find, and that pages neither repeat nor leave out.

use std::sync::Arc;

use longshore_domain::delivery::State;
use longshore_domain::id::RunId;
use longshore_domain::outcome::Repeat;
use longshore_domain::run::{DeliveryWrite, Entry, Request, RunChange, Source, accept};
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
        store.apply(Arc::new(change)).await.expect("stored");
        if number.is_multiple_of(5) {
            run.external_run_id = Some(format!("queue/{}", number % 2));
            store
                .apply(Arc::new(sample::ended(&run, sample::at(99))))
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

/// A filter alone, and the numbers that it finds.
type Case = (RunFilter, fn(u64) -> bool);

fn with(set: impl FnOnce(&mut RunFilter)) -> RunFilter {
    let mut filter = RunFilter::default();
    set(&mut filter);
    filter
}

fn each_filter() -> Vec<Case> {
    vec![
        (with(|_| ()), |_| true),
        (with(|f| f.action = Some("deploy".into())), |n| n % 2 == 0),
        (with(|f| f.action = Some("gone".into())), |_| false),
        (with(|f| f.blueprint = Some("service".into())), |n| {
            n % 3 == 0
        }),
        (with(|f| f.entity = Some("entity-4".into())), |n| n % 8 == 4),
        (with(|f| f.created_by = Some("eve".into())), |n| n % 3 == 2),
        (with(|f| f.created_by = Some("' OR 1=1 --".into())), |_| {
            false
        }),
        (with(|f| f.active = Some(true)), |n| n % 5 != 0),
        (with(|f| f.active = Some(false)), |n| n % 5 == 0),
        (with(|f| f.external_run_id = Some("queue/1".into())), |n| {
            n % 10 == 5
        }),
        (with(|f| f.sources = vec![Source::Ui]), |n| n % 3 == 0),
        (
            with(|f| f.sources = vec![Source::Automation, Source::Ui]),
            |n| n % 3 != 1,
        ),
        (with(|f| f.sources = vec![Source::Api, Source::Api]), |n| {
            n % 3 == 1
        }),
        (
            with(|f| f.sources = vec![Source::Api, Source::Ui, Source::Automation]),
            |_| true,
        ),
    ]
}

pub(crate) async fn every_filter_finds_what_it_names(store: Arc<dyn Store>) {
    const RUNS: u64 = 60;
    fill(&store, RUNS).await;
    for (filter, matches) in each_filter() {
        for limit in [1_000, 7, 1] {
            let found = numbers(&store, filter.clone(), limit).await;
            assert_eq!(found, newest_first(RUNS, matches), "{filter:?}");
        }
    }
    let empty = store.runs(RunFilter::default()).await.expect("read");
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
        store.apply(Arc::new(varied(newer))).await.expect("stored");
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

const DELIVERIES: u64 = 40;

fn state(number: u64) -> State {
    State::ALL[number as usize % 8]
}

fn destination(number: u64) -> String {
    format!("https://{}.example", number % 3)
}

async fn fill_deliveries(store: &Arc<dyn Store>) {
    for number in 1..=DELIVERIES {
        let insert = sample::executed(number, &destination(number), Entry::Slot, Repeat::Allowed);
        let before = sample::delivery_of(&insert);
        store.apply(Arc::new(insert)).await.expect("stored");
        let mut settled = sample::settled(&before, 1);
        if let Some(DeliveryWrite::Update { delivery, .. }) = &mut settled.delivery {
            delivery.state = state(number);
        }
        store.apply(Arc::new(settled)).await.expect("settled");
    }
}

/// The runs of all matching deliveries in the order of the pages.
async fn runs_of(store: &Arc<dyn Store>, filter: DeliveryFilter) -> Vec<RunId> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let filter = DeliveryFilter {
            limit: 3,
            from,
            ..filter.clone()
        };
        let page = store.deliveries(filter).await.expect("read");
        found.extend(page.items.into_iter().map(|delivery| delivery.run));
        from = page.next;
        if from.is_none() {
            return found;
        }
    }
}

pub(crate) async fn deliveries_are_filtered_and_paged(store: Arc<dyn Store>) {
    fill_deliveries(&store).await;
    let none = DeliveryFilter::default;
    let one = Some(destination(1));
    let matching = |matches: &dyn Fn(u64) -> bool| newest_first(DELIVERIES, matches);
    let mut cases = vec![
        (none(), matching(&|_| true)),
        (
            DeliveryFilter {
                destination: one.clone(),
                ..none()
            },
            matching(&|n| n % 3 == 1),
        ),
        (
            DeliveryFilter {
                destination: one,
                state: Some(State::Dead),
                ..none()
            },
            matching(&|n| n % 3 == 1 && state(n) == State::Dead),
        ),
        (
            DeliveryFilter {
                run: Some(sample::run_id(7)),
                ..none()
            },
            vec![7],
        ),
        (
            DeliveryFilter {
                run: Some(sample::run_id(99)),
                ..none()
            },
            Vec::new(),
        ),
    ];
    for wanted in State::ALL {
        let filter = DeliveryFilter {
            state: Some(wanted),
            ..none()
        };
        cases.push((filter, matching(&|n| state(n) == wanted)));
    }
    for (filter, expected) in cases {
        let expected: Vec<_> = expected.into_iter().map(sample::run_id).collect();
        assert_eq!(
            runs_of(&store, filter.clone()).await,
            expected,
            "{filter:?}"
        );
    }
}
