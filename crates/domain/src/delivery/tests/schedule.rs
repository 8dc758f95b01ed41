use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// The random value that moves a wait by nothing.
const UNMOVED: u64 = 10;

#[test]
fn the_default_is_ten_attempts_over_about_24_hours() {
    let schedule = Schedule::default();
    let waits: Vec<_> = (1..=9)
        .filter_map(|used| schedule.wait(used, UNMOVED))
        .collect();
    assert_eq!(waits.len(), 9, "nine waits part ten attempts");
    assert!(waits.is_sorted());
    assert_eq!(waits.iter().sum::<Duration>(), schedule.span());
    assert_eq!(schedule.wait(10, UNMOVED), None);
    let hours = schedule.span().as_secs_f64() / 3_600.0;
    assert!((23.0..25.0).contains(&hours), "{hours}");
}

#[test]
fn jitter_reaches_both_bounds() {
    let schedule = Schedule::new(vec![Duration::from_secs(100)]);
    let moved: Vec<_> = (0..=20)
        .filter_map(|random| schedule.wait(1, random))
        .collect();
    assert_eq!(moved.first(), Some(&Duration::from_secs(90)));
    assert_eq!(moved.last(), Some(&Duration::from_secs(110)));
    assert!(moved.is_sorted_by(|a, b| a < b), "{moved:?}");
}

#[test]
fn without_waits_there_is_one_attempt_only() {
    let schedule = Schedule::new(Vec::new());
    assert_eq!(schedule.wait(1, UNMOVED), None);
    assert_eq!(schedule.span(), Duration::ZERO);
}

proptest! {
    #[test]
    fn jitter_stays_within_ten_percent(random: u64, used in 1_u32..=9) {
        let schedule = Schedule::default();
        let exact = schedule.wait(used, UNMOVED).unwrap();
        let moved = schedule.wait(used, random).unwrap();
        prop_assert!(moved >= exact * 9 / 10, "{moved:?} < 90 % of {exact:?}");
        prop_assert!(moved <= exact * 11 / 10, "{moved:?} > 110 % of {exact:?}");
    }

    #[test]
    fn a_used_up_schedule_stays_used_up(random: u64, used in 10_u32..) {
        prop_assert_eq!(Schedule::default().wait(used, random), None);
    }
}
