//! How SQLite finds what each filter names.

use longshore_domain::id::RunId;

use super::super::migrate::MIGRATIONS;
use super::*;

/// How SQLite would read `list`, one step a line.
fn plan(list: &List) -> String {
    let connection = Connection::open_in_memory().unwrap();
    for migration in MIGRATIONS {
        connection.execute_batch(migration).unwrap();
    }
    let sql = list.sql(list.rarest(&connection).unwrap());
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let values = list.terms.iter().filter_map(|term| term.value.clone());
    let params = params_from_iter([Value::Integer(9)].into_iter().chain(values));
    let steps = statement
        .query_map(params, |row| row.get::<_, String>(3))
        .unwrap();
    steps.map(Result::unwrap).collect::<Vec<_>>().join("\n")
}

fn assert_searched(list: &List, through: &str) {
    let plan = plan(list);
    assert!(plan.contains(through), "{through}: {plan}");
    assert!(
        !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
        "{through}: {plan}"
    );
}

#[test]
fn each_filter_of_runs_alone_searches_an_index_and_sorts_nothing() {
    let with = |set: fn(&mut RunFilter)| {
        let mut filter = RunFilter::default();
        set(&mut filter);
        run_list(&filter)
    };
    let key = "run USING INTEGER PRIMARY KEY (rowid<?)";
    for (list, through) in [
        (with(|_| ()), key),
        (
            with(|f| f.entity = Some("e".into())),
            "run_entity (entity=? AND rowid<?)",
        ),
        (
            with(|f| f.blueprint = Some("b".into())),
            "run_blueprint (blueprint=? AND rowid<?)",
        ),
        (
            with(|f| f.active = Some(true)),
            "run_activity (<expr>=? AND rowid<?)",
        ),
        (
            with(|f| f.active = Some(false)),
            "run_activity (<expr>=? AND rowid<?)",
        ),
        (
            with(|f| f.created_by = Some("c".into())),
            "run_created_by (created_by=? AND rowid<?)",
        ),
        (
            with(|f| f.external_run_id = Some("x".into())),
            "run_external (external_run_id=? AND rowid<?)",
        ),
        (
            with(|f| f.action = Some("a".into())),
            "run_action (action=? AND rowid<?)",
        ),
        (
            with(|f| f.sources = vec![Source::Ui]),
            "run_source (source=? AND rowid<?)",
        ),
        (
            with(|f| f.sources = vec![Source::Automation]),
            "run_source (source=? AND rowid<?)",
        ),
        (
            with(|f| f.sources = vec![Source::Ui, Source::Automation]),
            "MERGE (UNION ALL)",
        ),
        (with(|f| f.sources = vec![Source::Api]), key),
        (with(|f| f.sources = vec![Source::Api, Source::Ui]), key),
    ] {
        assert_searched(&list, through);
    }
}

#[test]
fn each_filter_of_deliveries_alone_searches_an_index_and_sorts_nothing() {
    let with = |filter: DeliveryFilter| delivery_list(&filter);
    let none = DeliveryFilter::default;
    let run = RunId::parse("r_0123456789abcdef");
    let destination = Some("d".to_owned());
    let mut cases = vec![
        (with(none()), "delivery USING INTEGER PRIMARY KEY (rowid<?)"),
        (
            with(DeliveryFilter { run, ..none() }),
            "delivery USING INTEGER PRIMARY KEY (rowid=?)",
        ),
        (
            with(DeliveryFilter {
                destination,
                ..none()
            }),
            "delivery_destination (destination=?",
        ),
    ];
    for state in State::ALL {
        let through = match state {
            State::Done => "delivery USING INTEGER PRIMARY KEY (rowid<?)",
            _ => "delivery_not_done (state=? AND rowid<?)",
        };
        cases.push((
            with(DeliveryFilter {
                state: Some(state),
                ..none()
            }),
            through,
        ));
    }
    for (list, through) in cases {
        assert_searched(&list, through);
    }
}
