use super::*;

/// Every state, with and without an attempt that may have left, for both values of repeat.
fn everywhere() -> impl Iterator<Item = Delivery> {
    REPEATS.into_iter().flat_map(|repeat| {
        State::ALL.into_iter().flat_map(move |state| {
            [false, true].map(|left| Delivery {
                left,
                ..delivery(repeat, state)
            })
        })
    })
}

fn case(delivery: &Delivery) -> String {
    format!(
        "{:?}, {:?}, left {}",
        delivery.repeat, delivery.state, delivery.left
    )
}

#[test]
fn due_owned_or_published_when_the_run_ends_is_cancelled() {
    for before in everywhere().filter(|before| !before.left) {
        if !matches!(before.state, State::Due | State::Owned | State::Published) {
            continue;
        }
        for by_receipt in [false, true] {
            let after = on_run_end(&before, by_receipt, at(20)).unwrap();
            let expected = Delivery {
                state: State::Cancelled,
                due_at: None,
                updated_at: at(20),
                ..before.clone()
            };
            assert_eq!(after, expected, "{}", case(&before));
        }
    }
}

#[test]
fn started_or_unconfirmed_when_the_run_ends_is_done_by_a_receipt_and_else_cancelled() {
    for before in everywhere() {
        if !matches!(before.state, State::Started | State::Unconfirmed) {
            continue;
        }
        for (by_receipt, state) in [(true, State::Done), (false, State::Cancelled)] {
            let after = on_run_end(&before, by_receipt, at(20)).unwrap();
            assert_eq!(
                (after.state, after.due_at),
                (state, None),
                "{}",
                case(&before)
            );
        }
    }
}

#[test]
fn due_or_published_after_an_attempt_that_left_is_done_when_a_receipt_ends_the_run() {
    for before in everywhere().filter(|before| before.left) {
        if !matches!(before.state, State::Due | State::Published) {
            continue;
        }
        for (by_receipt, state) in [(true, State::Done), (false, State::Cancelled)] {
            let after = on_run_end(&before, by_receipt, at(20)).unwrap();
            assert_eq!(
                (after.state, after.due_at),
                (state, None),
                "{}",
                case(&before)
            );
        }
    }
}

#[test]
fn what_is_settled_when_the_run_ends_stays_and_waits_for_nothing() {
    for by_receipt in [false, true] {
        for state in [State::Dead, State::Cancelled] {
            assert_eq!(
                on_run_end(&delivery(Repeat::Harm, state), by_receipt, at(20)),
                None
            );
        }
        let open = delivery(Repeat::Harm, State::Done);
        let after = on_run_end(&open, by_receipt, at(20)).unwrap();
        assert_eq!((after.state, after.due_at), (State::Done, None));
        assert_eq!(on_run_end(&after, by_receipt, at(30)), None);
    }
}

#[test]
fn started_unconfirmed_or_due_and_published_that_left_are_done_on_a_receipt() {
    for before in everywhere() {
        let before = Delivery {
            diagnosis: Some(diagnosis(Reason::AnswerTimeout)),
            ..before
        };
        let arrives = match before.state {
            State::Started | State::Unconfirmed => true,
            State::Due | State::Published => before.left,
            _ => false,
        };
        let expected = arrives.then(|| Delivery {
            state: State::Done,
            due_at: Some(at(20).plus(TIMEOUT)),
            diagnosis: None,
            updated_at: at(20),
            ..before.clone()
        });
        assert_eq!(
            on_receipt(&before, at(20), TIMEOUT),
            expected,
            "{}",
            case(&before)
        );
    }
}

/// A receipt does not end a synchronous run, so its silence has to be watched as well.
#[test]
fn a_receipt_of_a_synchronous_call_leaves_the_run_open_and_watched() {
    let before = Delivery {
        synchronized: true,
        ..delivery(Repeat::Harm, State::Started)
    };
    let after = on_receipt(&before, at(20), TIMEOUT).unwrap();
    assert_eq!(
        (after.state, after.due_at),
        (State::Done, Some(at(20).plus(TIMEOUT)))
    );
}

#[test]
fn due_unconfirmed_or_done_is_due_now_when_a_person_redelivers() {
    for before in everywhere() {
        if !matches!(before.state, State::Due | State::Unconfirmed | State::Done) {
            continue;
        }
        let before = Delivery {
            attempt: 4,
            attempts_used: 4,
            ..before
        };
        let expected = Delivery {
            state: State::Due,
            due_at: Some(at(20)),
            attempts_used: 0,
            scheduled_since: at(20),
            updated_at: at(20),
            ..before.clone()
        };
        assert_eq!(
            redeliver(&before, true, at(20)),
            Ok(expected),
            "{}",
            case(&before)
        );
    }
}

#[test]
fn owned_or_started_refuses_a_redelivery_and_published_waits_for_its_agent() {
    for before in everywhere() {
        let rejection = match before.state {
            State::Owned | State::Started => RedeliverRejection::InFlight,
            State::Published => RedeliverRejection::WaitsForAgent,
            _ => continue,
        };
        assert_eq!(
            redeliver(&before, true, at(20)),
            Err(rejection),
            "{}",
            case(&before)
        );
    }
}

#[test]
fn any_state_after_the_runs_end_refuses_a_redelivery() {
    for before in everywhere() {
        let refused = redeliver(&before, false, at(20));
        assert_eq!(
            refused,
            Err(RedeliverRejection::RunEnded),
            "{}",
            case(&before)
        );
    }
}

#[test]
fn unconfirmed_is_dead_when_a_person_gives_up() {
    for before in everywhere() {
        let before = Delivery {
            diagnosis: Some(diagnosis(Reason::AnswerTimeout)),
            ..before
        };
        let after = give_up(&before, at(20));
        if before.state != State::Unconfirmed {
            assert_eq!(after, None, "{}", case(&before));
            continue;
        }
        let after = after.unwrap();
        assert_eq!((after.state, after.due_at), (State::Dead, None));
        let found = after.diagnosis.unwrap();
        assert_eq!(found.reason, Reason::NeverConfirmed);
        assert!(
            found.message.contains("the receiver did it"),
            "{}",
            found.message
        );
    }
}

#[test]
fn unconfirmed_is_dead_after_24_h_without_a_receipt() {
    let before = delivery(Repeat::Harm, State::Unconfirmed);
    let ends = at(10).plus(UNCONFIRMED_FOR);
    assert_eq!(UNCONFIRMED_FOR.as_secs(), 24 * 60 * 60);
    let early = ends.minus(std::time::Duration::from_micros(1));
    assert_eq!(watch(&before, early, TIMEOUT), None);
    let Some(Silence::Unconfirmed(after)) = watch(&before, ends, TIMEOUT) else {
        panic!("it is not given up")
    };
    assert_eq!((after.state, after.due_at), (State::Dead, None));
}

#[test]
fn done_is_noted_after_report_timeout_and_final_after_as_long_again() {
    let accepted = delivery(Repeat::Allowed, State::Done);
    let first = accepted.due_at.unwrap();
    assert_eq!(watch(&accepted, first.minus(TIMEOUT), TIMEOUT), None);
    let Some(Silence::Notable(noted)) = watch(&accepted, first, TIMEOUT) else {
        panic!("silence is not noted")
    };
    assert_eq!(noted.state, State::Done);
    assert_eq!(
        noted.diagnosis.as_ref().map(|found| found.reason),
        Some(Reason::NoReport)
    );
    let second = first.plus(TIMEOUT);
    assert_eq!(noted.due_at, Some(second));
    assert_eq!(watch(&noted, first, TIMEOUT), None);
    let Some(Silence::Final(ended)) = watch(&noted, second, TIMEOUT) else {
        panic!("silence does not end")
    };
    assert_eq!((ended.state, ended.due_at), (State::Done, None));
    assert_eq!(watch(&ended, second.plus(TIMEOUT), TIMEOUT), None);
}

#[test]
fn done_and_reported_is_silent_from_the_report_on() {
    let accepted = delivery(Repeat::Allowed, State::Done);
    let Some(Silence::Notable(noted)) = watch(&accepted, at(4_000), TIMEOUT) else {
        panic!("silence is not noted")
    };
    let told = on_report(&noted, at(5_000), TIMEOUT).unwrap();
    assert_eq!(
        (told.due_at, &told.diagnosis),
        (Some(at(5_000).plus(TIMEOUT)), &None)
    );
    let again = watch(&told, at(5_000).plus(TIMEOUT), TIMEOUT);
    assert!(matches!(again, Some(Silence::Notable(_))), "{again:?}");

    let warned = Delivery {
        diagnosis: Some(diagnosis(Reason::AnswerTooLong)),
        ..accepted
    };
    let told = on_report(&warned, at(20), TIMEOUT).unwrap();
    assert_eq!(
        told.diagnosis, warned.diagnosis,
        "a warning of the answer stays"
    );
}

#[test]
fn a_report_starts_no_silence_before_acceptance_or_after_the_end() {
    for before in everywhere() {
        let told = on_report(&before, at(20), TIMEOUT);
        assert_eq!(
            told.is_some(),
            before.state == State::Done,
            "{}",
            case(&before)
        );
    }
    let ended = Delivery {
        due_at: None,
        ..delivery(Repeat::Harm, State::Done)
    };
    assert_eq!(on_report(&ended, at(20), TIMEOUT), None);
}

#[test]
fn only_what_waits_for_a_time_is_watched() {
    for before in everywhere() {
        let far = at(10).plus(UNCONFIRMED_FOR).plus(UNCONFIRMED_FOR);
        let watched = matches!(before.state, State::Done | State::Unconfirmed);
        assert_eq!(
            watch(&before, far, TIMEOUT).is_some(),
            watched,
            "{}",
            case(&before)
        );
    }
}

#[test]
fn due_for_longer_than_the_span_is_dead_with_its_destination() {
    for before in everywhere() {
        let after = destination_down(&before, at(100_000));
        if before.state != State::Due {
            assert_eq!(after, None, "{}", case(&before));
            continue;
        }
        let after = after.unwrap();
        assert_eq!((after.state, after.due_at), (State::Dead, None));
        let found = after.diagnosis.unwrap();
        assert_eq!(found.reason, Reason::DestinationDown);
        assert!(
            found.message.contains(&before.destination),
            "{}",
            found.message
        );
    }
}

#[test]
fn owned_is_started_only_where_a_repeat_is_harm() {
    for before in everywhere() {
        let before = Delivery {
            attempt: 6,
            ..before
        };
        let starts = before.state == State::Owned && before.repeat == Repeat::Harm;
        let expected = starts.then(|| Delivery {
            state: State::Started,
            attempt: 7,
            updated_at: at(20),
            ..before.clone()
        });
        assert_eq!(start(&before, at(20)), expected, "{}", case(&before));
    }
}

#[test]
fn owned_or_started_whose_url_leads_elsewhere_is_due_there_at_no_cost_of_an_attempt() {
    let there = ConnectionId::mint(at(0), 3);
    for before in everywhere() {
        let moved = elsewhere(&before, "c_other", Some(there.clone()), at(20));
        let leads = matches!(before.state, State::Owned | State::Started);
        let expected = leads.then(|| Delivery {
            destination: "c_other".to_owned(),
            connection: Some(there.clone()),
            state: State::Due,
            due_at: Some(at(20)),
            updated_at: at(20),
            ..before.clone()
        });
        assert_eq!(moved, expected, "{}", case(&before));
    }
}
