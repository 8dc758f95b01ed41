//! Each bound, and that passing it is told by its name.

use std::time::Duration;

use longshore_jq::{Bound, Bounds, Evaluated, Evaluator};
use serde_json::{Value, json};

use super::{config, program};

fn bounded(bounds: Bounds) -> Evaluator {
    let mut config = config();
    config.bounds = bounds;
    Evaluator::new(config)
}

async fn answer(bounds: &Bounds, text: &str, input: &Value) -> Evaluated {
    let evaluator = bounded(bounds.clone());
    let program = program(text);
    let answers = evaluator.evaluate("owner", &[&program], input).await;
    answers.into_iter().next().unwrap()
}

#[tokio::test]
async fn honest_work_on_much_stays_within_the_number_of_steps() {
    let bounds = Bounds {
        // nothing here takes so long
        deadline: Duration::from_secs(60),
        ..Bounds::default()
    };
    for (text, output) in [
        (
            "[range(60000)] | map(. * 2) | add",
            json!(3_599_940_000_u64),
        ),
        (
            "[range(200000) | select(. % 2 == 0)] | length",
            json!(100_000),
        ),
        (
            "\"ab\" * 50000 | gsub(\"a\"; \"x\") | length",
            json!(100_000),
        ),
    ] {
        let answer = answer(&bounds, text, &json!(null)).await;
        assert_eq!(answer, Evaluated::Output(output), "{text}");
    }
}

#[tokio::test]
async fn each_bound_is_told_by_its_name() {
    let bounds = Bounds {
        // nothing here takes so long
        deadline: Duration::from_secs(60),
        memory_bytes: 8 << 20,
        output_bytes: 1000,
        outputs_bytes: 1500,
        depth: 10,
        expression_bytes: 200,
        expressions: 1,
    };
    for (text, bound) in [
        ("def f: f; f", Bound::Steps),
        (
            "(\"x\" * 3000000) as $x | [range(10) | $x + \"y\"] | length",
            Bound::Memory,
        ),
        (
            "reduce range(22) as $i (\"xxxx\"; . + .) | length",
            Bound::Memory,
        ),
        (
            "[limit(30000; repeat(\"0123456789\" * 100))] | length",
            Bound::Memory,
        ),
        ("def f: 1 + f; f", Bound::Depth),
        ("reduce range(11) as $i (1; [.])", Bound::Depth),
        ("\"x\" * 1000", Bound::Output),
        ("[range(400)]", Bound::Output),
        (&("1 + 1".to_owned() + &" ".repeat(200)), Bound::Expression),
        // without a worker, too
        (".text", Bound::Output),
        ("[[[[[[[[[[[1]]]]]]]]]]]", Bound::Depth),
        (&("1".to_owned() + &" ".repeat(200)), Bound::Expression),
    ] {
        let input = json!({"text": "x".repeat(1000)});
        let answer = answer(&bounds, text, &input).await;
        assert_eq!(answer, Evaluated::Exceeded(bound), "{text}");
    }
}

#[tokio::test]
async fn time_is_a_bound_for_what_takes_few_steps() {
    let bounds = Bounds {
        deadline: Duration::from_millis(200),
        ..Bounds::default()
    };
    let answer = answer(&bounds, "[range(20000)] | last(repeat(sort))", &json!(null)).await;
    assert_eq!(answer, Evaluated::Exceeded(Bound::Time));
}

#[tokio::test]
async fn what_is_slow_within_its_bounds_is_answered_however_often_it_is_asked() {
    let evaluator = bounded(Bounds {
        deadline: Duration::from_secs(60),
        ..Bounds::default()
    });
    let (slow, quick) = (
        program("[range(20000)] | map(. * 2) | add"),
        program("1 + 1"),
    );
    for _ in 0..3 {
        let programs = [&quick, &slow, &quick];
        let answers = evaluator.evaluate("owner", &programs, &json!(null)).await;
        let expected = [json!(2), json!(399_980_000), json!(2)];
        assert_eq!(answers, expected.map(Evaluated::Output));
    }
}

#[tokio::test]
async fn what_stays_just_within_a_bound_is_answered() {
    let bounds = Bounds {
        output_bytes: 1000,
        depth: 10,
        expression_bytes: 200,
        ..Bounds::default()
    };
    let padded = "1 + 1".to_owned() + &" ".repeat(195);
    for (text, expected) in [
        ("\"x\" * 998", json!("x".repeat(998))),
        (
            "reduce range(10) as $i (1; [.])",
            json!([[[[[[[[[[1]]]]]]]]]]),
        ),
        (&padded, json!(2)),
    ] {
        let answer = answer(&bounds, text, &json!(null)).await;
        assert_eq!(answer, Evaluated::Output(expected), "{text}");
    }
}

#[tokio::test]
async fn expressions_beyond_the_bound_of_a_call_are_not_evaluated() {
    let evaluator = bounded(Bounds {
        expressions: 3,
        ..Bounds::default()
    });
    let (sum, plain) = (program("1 + 1"), program(".a"));
    let programs = [&sum, &plain, &sum, &sum, &plain];
    let answers = evaluator
        .evaluate("owner", &programs, &json!({"a": 1}))
        .await;
    let beyond = Evaluated::Exceeded(Bound::Expressions);
    let two = Evaluated::Output(json!(2));
    let expected = [
        two.clone(),
        Evaluated::Output(json!(1)),
        two,
        beyond.clone(),
        beyond,
    ];
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn outputs_of_a_call_are_bounded_together() {
    let evaluator = bounded(Bounds {
        output_bytes: 1000,
        outputs_bytes: 2500,
        ..Bounds::default()
    });
    let (long, short) = (program("\"x\" * 990"), program("1 + 1"));
    let programs = [&long, &long, &long, &short];
    let answers = evaluator.evaluate("owner", &programs, &json!(null)).await;
    assert!(
        matches!(answers[1], Evaluated::Output(_)),
        "{:?}",
        answers[1]
    );
    assert_eq!(answers[2], Evaluated::Exceeded(Bound::Outputs));
    assert_eq!(answers[3], Evaluated::Output(json!(2)));
}

#[tokio::test]
async fn an_input_larger_than_a_frame_is_refused_before_it_is_sent() {
    let input = json!("x".repeat(longshore_jq::bounds::MAX_FRAME_BYTES));
    let answer = answer(&Bounds::default(), "length", &input).await;
    assert_eq!(answer, Evaluated::Exceeded(Bound::Input));
}

#[tokio::test]
async fn an_input_larger_than_memory_harms_nobody() {
    let evaluator = bounded(Bounds {
        memory_bytes: 4 << 20,
        ..Bounds::default()
    });
    let program = program("length");
    let large: Value = (0..400_000).collect();
    let answers = evaluator.evaluate("owner", &[&program], &large).await;
    assert_eq!(answers, [Evaluated::Exceeded(Bound::Memory)]);
    let small = evaluator.evaluate("owner", &[&program], &json!([1])).await;
    assert_eq!(small, [Evaluated::Output(json!(1))]);
}

#[tokio::test]
async fn all_expressions_of_a_call_share_its_time() {
    let mut config = config();
    config.bounds.deadline = Duration::from_millis(300);
    let evaluator = Evaluator::new(config);
    let endless = program("[range(20000)] | last(repeat(sort))");
    let good = program("1 + 1");
    let programs = [
        &good, &endless, &endless, &endless, &endless, &endless, &endless,
    ];
    let start = std::time::Instant::now();
    let answers = evaluator.evaluate("owner", &programs, &json!(null)).await;
    assert_eq!(answers[0], Evaluated::Output(json!(2)));
    assert_eq!(answers[1..], vec![Evaluated::Exceeded(Bound::Time); 6]);
    // by the clock twice that; six alone would take longer
    assert!(
        start.elapsed() < Duration::from_millis(6 * 150 * 2),
        "{:?}",
        start.elapsed()
    );
}
