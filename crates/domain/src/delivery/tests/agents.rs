use proptest::prelude::*;

use super::*;
use crate::agent::{Session, StartRefusal};
use crate::outcome::{Outcome, Retry};

fn session(name: &str) -> Session {
    Session {
        agent: "dock".into(),
        session: name.into(),
    }
}

fn due(repeat: Repeat) -> Delivery {
    Delivery {
        receiver: Receiver::Agent,
        ..delivery(repeat, State::Due)
    }
}

/// Attempt 1 of a delivery, published by `way` at 0 s.
fn published(repeat: Repeat, way: Way) -> Delivery {
    publish(&due(repeat), way, at(300), at(0)).unwrap()
}

fn started(repeat: Repeat) -> Delivery {
    started_saying(repeat, Repeat::Allowed)
}

/// As `started`, by an agent that says `said` of its call.
fn started_saying(repeat: Repeat, said: Repeat) -> Delivery {
    let waiting = published(repeat, Way::Claim);
    match start_by_agent(&waiting, 1, &session("s1"), said, at(1)) {
        StartedByAgent::Now(started) => started,
        other => panic!("{other:?}"),
    }
}

fn by<T>(now: u64, work: impl FnOnce(&Settling<'_>) -> T) -> T {
    work(&Settling {
        now: at(now),
        schedule: &Schedule::default(),
        report_timeout: TIMEOUT,
        random: 0,
    })
}

const SOMEWHERE: Way = Way::Topic(Some(Position {
    partition: 2,
    offset: 40,
}));

#[test]
fn publishing_names_the_next_attempt_and_only_due_deliveries_for_agents_are_published() {
    for repeat in REPEATS {
        let after = published(repeat, Way::Topic(None));
        assert_eq!(
            (after.state, after.attempt, after.due_at, after.left),
            (State::Published, 1, Some(at(300)), false)
        );
        assert_eq!(publish(&after, Way::Claim, at(300), at(1)), None);
        let other = delivery(repeat, State::Due);
        assert_eq!(publish(&other, Way::Claim, at(300), at(1)), None);
    }
}

#[test]
fn a_session_that_asks_again_is_answered_the_same_and_every_other_is_refused() {
    for repeat in REPEATS {
        let started = started(repeat);
        assert_eq!((started.state, started.due_at), (State::Started, None));
        let ask = |delivery: &Delivery, attempt, name| {
            start_by_agent(delivery, attempt, &session(name), Repeat::Allowed, at(2))
        };
        assert_eq!(ask(&started, 1, "s1"), StartedByAgent::Already);
        let refused = |refusal| StartedByAgent::No(refusal);
        assert_eq!(
            ask(&started, 1, "s2"),
            refused(StartRefusal::StartedElsewhere)
        );
        assert_eq!(ask(&started, 2, "s1"), refused(StartRefusal::Superseded));
        assert_eq!(ask(&due(repeat), 0, "s1"), refused(StartRefusal::NotFound));
        let direct = delivery(repeat, State::Started);
        assert_eq!(ask(&direct, 1, "s1"), refused(StartRefusal::NotFound));
        for (state, refusal) in [
            (State::Due, StartRefusal::Superseded),
            (State::Done, StartRefusal::Superseded),
            (State::Unconfirmed, StartRefusal::Superseded),
            (State::Dead, StartRefusal::Superseded),
            (State::Cancelled, StartRefusal::RunEnded),
        ] {
            let moved = Delivery {
                state,
                ..started.clone()
            };
            assert_eq!(ask(&moved, 1, "s1"), refused(refusal), "{state:?}");
        }
    }
}

#[test]
fn harm_that_an_agent_adds_is_frozen_with_its_start_and_never_taken_away() {
    for (made, said, frozen) in [
        (Repeat::Allowed, Repeat::Allowed, Repeat::Allowed),
        (Repeat::Allowed, Repeat::Harm, Repeat::Harm),
        (Repeat::Harm, Repeat::Allowed, Repeat::Harm),
        (Repeat::Harm, Repeat::Harm, Repeat::Harm),
    ] {
        let started = started_saying(made, said);
        assert_eq!(started.repeat, frozen, "{made:?}, {said:?}");
        let lost = by(60, |settling| {
            lose_agent(&started, &session("s1"), settling)
        });
        let expected = match frozen {
            Repeat::Harm => State::Unconfirmed,
            Repeat::Allowed => State::Due,
        };
        assert_eq!(lost.unwrap().delivery.state, expected, "{made:?}, {said:?}");
    }
}

#[test]
fn a_session_that_asks_again_may_still_add_harm_and_nobody_else_may() {
    let started = started(Repeat::Allowed);
    let again = |name| start_by_agent(&started, 1, &session(name), Repeat::Harm, at(9));
    let StartedByAgent::Now(harm) = again("s1") else {
        panic!("not written");
    };
    assert_eq!(
        harm,
        Delivery {
            repeat: Repeat::Harm,
            ..started.clone()
        }
    );
    assert_eq!(
        again("s2"),
        StartedByAgent::No(StartRefusal::StartedElsewhere)
    );
}

#[test]
fn a_later_attempt_of_a_call_that_an_agent_knew_as_harm_is_harm_as_well() {
    let started = started_saying(Repeat::Allowed, Repeat::Harm);
    let refused_to_take = Outcome::Retry(Retry {
        diagnosis: diagnosis(Reason::ConnectionRefused),
        retry_after: None,
        uses_attempt: true,
    });
    let made = attempt(1, OutcomeKind::Retry, None);
    let due = by(5, |settling| {
        settle(&started, &made, &refused_to_take, settling)
    });
    let again = publish(&due.delivery.unwrap(), Way::Claim, at(200), at(100)).unwrap();
    let second = start_by_agent(&again, 2, &session("s2"), Repeat::Allowed, at(101));
    let StartedByAgent::Now(second) = second else {
        panic!("not started");
    };
    let made = attempt(2, OutcomeKind::Unknown, None);
    let lost = Outcome::Unknown(diagnosis(Reason::AnswerLost));
    let settled = by(110, |settling| settle(&second, &made, &lost, settling));
    assert_eq!(settled.delivery.unwrap().state, State::Unconfirmed);
}

#[test]
fn an_agent_s_call_settles_by_the_same_rows_as_ours() {
    for (repeat, outcome, expected) in [
        (
            Repeat::Harm,
            Outcome::Accepted(Default::default()),
            State::Done,
        ),
        (
            Repeat::Allowed,
            Outcome::Accepted(Default::default()),
            State::Done,
        ),
        (
            Repeat::Harm,
            Outcome::Unknown(diagnosis(Reason::AnswerLost)),
            State::Unconfirmed,
        ),
        (
            Repeat::Allowed,
            Outcome::Unknown(diagnosis(Reason::AnswerLost)),
            State::Due,
        ),
        (
            Repeat::Harm,
            Outcome::Refused(diagnosis(Reason::NotFound)),
            State::Dead,
        ),
        (
            Repeat::Allowed,
            Outcome::Refused(diagnosis(Reason::NotFound)),
            State::Dead,
        ),
    ] {
        let made = attempt(1, OutcomeKind::Accepted, None);
        let settled = by(5, |settling| {
            settle(&started(repeat), &made, &outcome, settling)
        });
        assert_eq!(
            settled.delivery.unwrap().state,
            expected,
            "{repeat:?} {outcome:?}"
        );
    }
}

#[test]
fn a_claim_whose_lease_is_over_is_due_again_and_no_sooner() {
    for repeat in REPEATS {
        let claimed = published(repeat, Way::Claim);
        assert_eq!(
            by(299, |settling| unstarted(
                &claimed,
                Reading::Passed,
                settling
            )),
            None
        );
        let back = by(300, |settling| {
            unstarted(&claimed, Reading::Unseen, settling)
        })
        .unwrap();
        assert_eq!(
            (back.state, back.due_at, back.attempt),
            (State::Due, Some(at(300)), 1)
        );
        assert_eq!(back.attempts_used, 0);
        let again = publish(&back, Way::Claim, at(400), at(301)).unwrap();
        assert_eq!(again.attempt, 2);
        let started = started(repeat);
        assert_eq!(
            by(900, |settling| unstarted(
                &started,
                Reading::Passed,
                settling
            )),
            None
        );
    }
}

#[test]
fn a_message_that_waits_in_its_topic_is_left_there_however_long() {
    for repeat in REPEATS {
        let mut waiting = published(repeat, SOMEWHERE);
        for look in 1..=300u64 {
            let now = 300 * look;
            let next = by(now, |settling| {
                unstarted(&waiting, Reading::Behind, settling)
            })
            .unwrap();
            assert_eq!((next.state, next.attempt), (State::Published, 1));
            assert_eq!(next.due_at, Some(at(now).plus(PUBLICATION_CHECK)));
            waiting = next;
        }
    }
}

#[test]
fn a_message_that_its_group_read_past_is_published_three_times_and_then_unconfirmed_or_due() {
    for (repeat, expected) in [
        (Repeat::Harm, State::Unconfirmed),
        (Repeat::Allowed, State::Due),
    ] {
        let mut waiting = published(repeat, SOMEWHERE);
        for time in 1..PUBLICATIONS_LIMIT {
            let now = 300 * u64::from(time);
            let back = by(now, |settling| {
                unstarted(&waiting, Reading::Passed, settling)
            })
            .unwrap();
            assert_eq!((back.state, back.due_at), (State::Due, Some(at(now))));
            waiting = publish(&back, SOMEWHERE, at(now + 300), at(now)).unwrap();
            assert_eq!(waiting.attempt, time + 1);
        }
        let last = by(900, |settling| {
            unstarted(&waiting, Reading::Passed, settling)
        })
        .unwrap();
        assert_eq!(last.state, expected);
        assert_eq!(last.diagnosis.unwrap().reason, Reason::NotTaken);
    }
}

#[test]
fn what_waits_on_its_topic_says_since_when_and_why_that_may_be() {
    for (reading, reason, words) in [
        (
            Reading::Behind,
            Reason::NotPickedUp,
            "have not read so far yet",
        ),
        (
            Reading::Unseen,
            Reason::NotPickedUp,
            "no agent is connected that tells",
        ),
        (
            Reading::LeftOnTopic,
            Reason::LeftOnTopic,
            "agents get their work by polling now",
        ),
    ] {
        for repeat in REPEATS {
            let waiting = published(repeat, SOMEWHERE);
            let noted = by(300, |settling| unstarted(&waiting, reading, settling)).unwrap();
            assert_eq!(
                (noted.state, noted.attempt, noted.due_at, noted.updated_at),
                (State::Published, 1, Some(at(600)), at(0))
            );
            let found = noted.diagnosis.clone().unwrap();
            assert_eq!(found.reason, reason);
            let since = format!("published at {}, and for 5 minutes no agent", at(0));
            assert!(found.message.starts_with(&since), "{}", found.message);
            assert!(found.message.contains(words), "{}", found.message);
            // It is taken as before, and the note goes with that.
            let taken = start_by_agent(&noted, 1, &session("s1"), Repeat::Allowed, at(601));
            let StartedByAgent::Now(taken) = taken else {
                panic!("not started");
            };
            assert_eq!(taken.diagnosis, None);
            assert!(is_taken_by_report(&noted));
            assert_eq!(hand_over(&noted, at(601), TIMEOUT).unwrap().diagnosis, None);
            // A person need not wait for ever.
            assert_eq!(
                redeliver(&waiting, true, at(601)),
                Err(RedeliverRejection::WaitsForAgent)
            );
            let again = redeliver(&noted, true, at(601)).unwrap();
            let again = publish(&again, Way::Claim, at(700), at(602)).unwrap();
            assert_eq!((again.attempt, again.diagnosis.clone()), (2, None));
            assert_eq!(
                start_by_agent(&again, 1, &session("s1"), Repeat::Allowed, at(603)),
                StartedByAgent::No(StartRefusal::Superseded)
            );
        }
    }
}

#[test]
fn what_is_left_on_a_topic_is_handed_out_by_polling_at_the_second_look_unless_a_repeat_is_harm() {
    let look = |now, delivery: &Delivery, reading| {
        by(now, |settling| unstarted(delivery, reading, settling)).unwrap()
    };
    for (repeat, expected) in [
        (Repeat::Allowed, State::Due),
        (Repeat::Harm, State::Published),
    ] {
        let waiting = published(repeat, SOMEWHERE);
        let unseen = look(300, &waiting, Reading::Unseen);
        let left = look(600, &unseen, Reading::LeftOnTopic);
        assert_eq!(left.state, State::Published);
        let second = look(900, &left, Reading::LeftOnTopic);
        assert_eq!((second.state, second.attempts_used), (expected, 0));
        // The topic is read again: it waits there.
        let read = look(900, &left, Reading::Behind);
        let later = look(1_200, &read, Reading::LeftOnTopic);
        assert_eq!(later.state, State::Published);
    }
}

#[test]
fn a_start_ends_the_count_of_unstarted_publications() {
    let waiting = published(Repeat::Allowed, SOMEWHERE);
    let back = by(300, |settling| {
        unstarted(&waiting, Reading::Passed, settling)
    })
    .unwrap();
    assert_eq!(back.publication.as_ref().unwrap().unstarted, 1);
    let again = publish(&back, SOMEWHERE, at(600), at(300)).unwrap();
    let started = start_by_agent(&again, 2, &session("s1"), Repeat::Allowed, at(301));
    let StartedByAgent::Now(started) = started else {
        panic!("not started");
    };
    assert_eq!(started.publication.unwrap().unstarted, 0);
}

#[test]
fn the_broker_s_answer_is_noted_for_the_attempt_that_it_is_about() {
    let position = Position {
        partition: 1,
        offset: 7,
    };
    let written = published(Repeat::Harm, Way::Topic(None));
    let noted = positioned(&written, 1, position).unwrap();
    assert_eq!(noted.publication.unwrap().way, Way::Topic(Some(position)));
    assert_eq!(positioned(&written, 2, position), None);
    assert_eq!(positioned(&started(Repeat::Harm), 1, position), None);
    assert_eq!(
        positioned(&published(Repeat::Harm, Way::Claim), 1, position),
        None
    );
}

#[test]
fn a_message_that_was_not_written_or_not_verified_is_due_by_the_schedule_unless_started() {
    let found = diagnosis(Reason::KafkaUnavailable);
    for (uses_attempt, used) in [(false, 0), (true, 1)] {
        let before = published(Repeat::Harm, Way::Topic(None));
        let next = by(5, |settling| {
            not_published(&before, 1, &found, uses_attempt, settling)
        });
        let next = next.unwrap();
        assert_eq!(
            (next.state, next.attempts_used, next.left),
            (State::Due, used, false)
        );
        assert!(next.due_at > Some(at(5)));
        let other = by(5, |settling| {
            not_published(&before, 2, &found, uses_attempt, settling)
        });
        assert_eq!(other, None);
        let started = started(Repeat::Harm);
        let late = by(5, |settling| {
            not_published(&started, 1, &found, uses_attempt, settling)
        });
        assert_eq!(late, None);
    }
}

#[test]
fn a_lost_session_s_call_is_unknown_and_a_late_acceptance_still_counts() {
    for (repeat, expected) in [
        (Repeat::Harm, State::Unconfirmed),
        (Repeat::Allowed, State::Due),
    ] {
        let started = started(repeat);
        let other = by(60, |settling| {
            lose_agent(&started, &session("s2"), settling)
        });
        assert_eq!(other, None);
        let lost = by(60, |settling| {
            lose_agent(&started, &session("s1"), settling)
        })
        .unwrap();
        assert_eq!((lost.delivery.state, lost.delivery.left), (expected, true));
        let made = lost.attempt.unwrap();
        assert_eq!((made.number, made.outcome), (1, OutcomeKind::Unknown));
        let again = publish(&lost.delivery, Way::Claim, at(200), at(100));
        let late = Outcome::Accepted(Default::default());
        for waiting in [Some(lost.delivery), again].into_iter().flatten() {
            let made = attempt(1, OutcomeKind::Accepted, Some(200));
            let settled = by(110, |settling| settle(&waiting, &made, &late, settling));
            assert_eq!(settled.delivery.unwrap().state, State::Done);
        }
    }
}

#[test]
fn only_what_was_handed_out_and_not_started_is_handed_over() {
    for repeat in REPEATS {
        for (before, taken) in [
            (published(repeat, Way::Claim), true),
            (published(repeat, SOMEWHERE), true),
            (
                by(300, |s| {
                    unstarted(&published(repeat, Way::Claim), Reading::Unseen, s)
                })
                .unwrap(),
                true,
            ),
            (due(repeat), false),
            (started(repeat), false),
            (delivery(repeat, State::Due), false),
        ] {
            let after = hand_over(&before, at(310), TIMEOUT);
            assert_eq!(after.is_some(), taken, "{before:?}");
            if let Some(after) = after {
                assert_eq!(
                    (after.state, after.due_at),
                    (State::Done, Some(at(310).plus(TIMEOUT)))
                );
                assert_eq!(hand_over(&after, at(311), TIMEOUT), None);
            }
        }
    }
}

#[test]
fn a_report_tells_that_a_message_was_taken_and_nothing_of_a_claim() {
    assert!(is_taken_by_report(&published(Repeat::Harm, SOMEWHERE)));
    assert!(is_taken_by_report(&published(
        Repeat::Harm,
        Way::Topic(None)
    )));
    assert!(!is_taken_by_report(&published(Repeat::Harm, Way::Claim)));
    assert!(!is_taken_by_report(&started(Repeat::Harm)));
    assert!(!is_taken_by_report(&due(Repeat::Harm)));
}

#[test]
fn what_an_agent_has_started_outlives_the_server() {
    for repeat in REPEATS {
        assert_eq!(recover(&started(repeat), at(60)), None);
    }
}

#[test]
fn publications_are_read_as_they_are_written() {
    for way in [Way::Claim, Way::Topic(None), SOMEWHERE] {
        let publication = Publication {
            way,
            started_by: Some(session("s1")),
            unstarted: 2,
        };
        let text = serde_json::to_string(&publication).unwrap();
        let read: Publication = serde_json::from_str(&text).unwrap();
        assert_eq!(read, publication);
    }
}

/// What can happen to a delivery for agents, in any order; sessions are numbered.
#[derive(Clone, Debug)]
enum Step {
    Publish(Way),
    Start(u32, u8, Repeat),
    Settle(u32, Outcome),
    Lose(u8),
    Look(Reading),
    NotPublished(u32),
    HandOver,
    Redeliver,
    Restart,
}

fn steps() -> impl Strategy<Value = Step> {
    let number = 1..5u32;
    let name = 0..3u8;
    let outcomes = prop_oneof![
        Just(Outcome::Accepted(Default::default())),
        Just(Outcome::Unknown(diagnosis(Reason::AnswerLost))),
        Just(Outcome::Refused(diagnosis(Reason::NotFound))),
    ];
    prop_oneof![
        4 => prop_oneof![Just(Way::Claim), Just(Way::Topic(None)), Just(SOMEWHERE)]
            .prop_map(Step::Publish),
        4 => (number.clone(), name.clone(), repeats())
            .prop_map(|(n, name, said)| Step::Start(n, name, said)),
        2 => (number.clone(), outcomes).prop_map(|(n, outcome)| Step::Settle(n, outcome)),
        2 => name.prop_map(Step::Lose),
        2 => prop_oneof![
            Just(Reading::Passed),
            Just(Reading::Behind),
            Just(Reading::Unseen),
            Just(Reading::LeftOnTopic),
        ]
        .prop_map(Step::Look),
        1 => number.prop_map(Step::NotPublished),
        1 => Just(Step::HandOver),
        1 => Just(Step::Redeliver),
        1 => Just(Step::Restart),
    ]
}

fn repeats() -> impl Strategy<Value = Repeat> {
    prop_oneof![Just(Repeat::Harm), Just(Repeat::Allowed)]
}

proptest! {
    /// Where a repeat is harm, a second attempt is started only after somebody asked for it, or the
    /// first one is known to have started nothing; also where an agent was the first to know it.
    #[test]
    fn nothing_is_started_twice_where_a_repeat_is_harm(
        made in repeats(),
        steps in prop::collection::vec(steps(), 1..60),
    ) {
        let mut delivery = due(made);
        let (mut may_have_left, mut now) = (false, 0);
        for step in steps {
            now += 400;
            let next = by(now, |settling| match &step {
                Step::Publish(way) => publish(&delivery, *way, at(now + 300), at(now)),
                Step::Start(number, name, said) => {
                    let by = session(&name.to_string());
                    match start_by_agent(&delivery, *number, &by, *said, at(now)) {
                        StartedByAgent::Now(started) => Some(started),
                        _ => None,
                    }
                }
                Step::Settle(number, outcome) => {
                    let made = attempt(*number, OutcomeKind::Unknown, None);
                    settle(&delivery, &made, outcome, settling).delivery
                }
                Step::Lose(name) => lose_agent(&delivery, &session(&name.to_string()), settling)
                    .map(|lost| lost.delivery),
                Step::Look(reading) => unstarted(&delivery, *reading, settling),
                Step::NotPublished(number) => {
                    let found = diagnosis(Reason::KafkaUnavailable);
                    not_published(&delivery, *number, &found, false, settling)
                }
                Step::HandOver => hand_over(&delivery, at(now), TIMEOUT),
                Step::Redeliver => redeliver(&delivery, true, at(now)).ok(),
                Step::Restart => recover(&delivery, at(now)).map(|lost| lost.delivery),
            });
            let Some(next) = next else { continue };
            if matches!(step, Step::Redeliver) {
                may_have_left = false;
            }
            if next.state == State::Started && delivery.state != State::Started {
                prop_assert!(!may_have_left, "{step:?}: {delivery:?}");
            }
            may_have_left |= next.state == State::Started && next.repeat == Repeat::Harm;
            prop_assert_eq!(next.repeat, delivery.repeat.stricter(next.repeat));
            prop_assert!(next.attempt >= delivery.attempt);
            delivery = next;
        }
    }
}
