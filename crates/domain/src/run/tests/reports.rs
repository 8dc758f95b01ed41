//! What a PATCH, a log line and a response change.

use super::*;

#[test]
fn each_key_that_is_present_overwrites() {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&accepted());
    let first = Report {
        status_label: Some("Building".to_owned()),
        link: Some(json!(["https://ci.example.com/9"])),
        summary: Some("Building".to_owned()),
        external_run_id: Some("9".to_owned()),
        ..Report::default()
    };
    world.report(&token(1), first).unwrap();
    let event = world.last_event();
    assert_eq!(event.kind, EventKind::RunReported);
    let all = json!({
        "statusLabel": "Building",
        "summary": "Building",
        "link": ["https://ci.example.com/9"],
        "externalRunId": "9",
    });
    assert_eq!(event.changed, all);
    world.report(&machine(), with_summary("Built")).unwrap();
    assert_eq!(world.last_event().changed, json!({"summary": "Built"}));
    assert_eq!(world.run.updated_by.as_deref(), Some("admin"));
    assert_eq!(
        world.run.status,
        Status::InProgress,
        "only a status ends the run"
    );
    assert_eq!(
        (world.label(), world.run.external_run_id.as_deref()),
        (Some("Building"), Some("9"))
    );
}

#[test]
fn a_report_that_tells_nothing_new_writes_nothing_about_the_run() {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&accepted());
    world.report(&token(1), with_summary("Building")).unwrap();
    let before = world.clone();
    world.report(&token(1), with_summary("Building")).unwrap();
    world.report(&token(1), Report::default()).unwrap();
    assert_eq!(world.run, before.run);
    assert_eq!(world.events.len(), before.events.len());
}

#[test]
fn a_deprecated_message_is_kept_in_the_event() {
    let message = json!({"runStatus": "done"});
    let with_message = |report| Report {
        message: Some(message.clone()),
        ..report
    };
    let mut world = World::requested(WEBHOOK);
    world.attempt(&accepted());
    let alone = world.run.version;
    world
        .report(&token(1), with_message(Report::default()))
        .unwrap();
    assert_eq!(world.last_event().kind, EventKind::RunReported);
    assert_eq!(world.last_event().changed, json!({"message": message}));
    assert_eq!(
        world.run.version,
        alone + 1,
        "it is bounded as every write is"
    );
    world
        .report(&token(1), with_message(with_status(Status::Success)))
        .unwrap();
    let both = json!({"status": "SUCCESS", "message": message});
    assert_eq!(world.last_event().changed, both);
}

#[test]
fn a_status_ends_the_run_and_its_delivery() {
    for status in [Status::Success, Status::Failure] {
        for setup in [JENKINS, WEBHOOK] {
            let mut world = World::requested(setup);
            world.attempt(&accepted());
            world.report(&token(1), with_status(status)).unwrap();
            assert_eq!(
                (world.run.status, world.run.ended_at),
                (status, Some(world.now))
            );
            assert_eq!(
                (world.state(), world.delivery().due_at),
                (State::Done, None)
            );
        }
    }
}

#[test]
fn a_run_that_is_ended_before_its_call_left_is_not_called() {
    for setup in [JENKINS, WEBHOOK, AGENT] {
        let mut world = World::requested(setup);
        world
            .report(&machine(), with_status(Status::Failure))
            .unwrap();
        assert_eq!(world.state(), State::Cancelled);
    }
}

#[test]
fn a_report_on_an_ended_run_is_refused_and_kept_as_an_event() {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&accepted());
    world
        .report(&token(1), with_status(Status::Success))
        .unwrap();
    let ended = world.run.clone();
    let report = Report {
        status: Some(Status::Failure),
        ..with_label("Broken")
    };
    let refused = world.report(&token(1), report);
    assert!(
        matches!(refused, Err(ReportRejection::RunEnded(_))),
        "{refused:?}"
    );
    let event = world.last_event();
    assert_eq!(
        (event.kind, event.by.as_str()),
        (EventKind::LateReport, "run token of attempt 1")
    );
    assert_eq!(
        event.changed,
        json!({"status": "FAILURE", "statusLabel": "Broken"})
    );
    assert_eq!(
        world.run,
        Run {
            version: ended.version + 1,
            ..ended
        }
    );
}

#[test]
fn a_second_termination_by_a_log_line_is_refused_and_kept_as_an_event() {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&accepted());
    world
        .log(&token(1), "Built", Some(Status::Success))
        .unwrap();
    assert_eq!(world.run.status, Status::Success);
    let refused = world.log(&token(1), "Broken", Some(Status::Failure));
    assert!(
        matches!(refused, Err(ReportRejection::RunEnded(_))),
        "{refused:?}"
    );
    let event = world.last_event();
    assert_eq!(event.kind, EventKind::LateReport);
    assert_eq!(event.changed, json!({"log": "Broken", "status": "FAILURE"}));
    assert_eq!(world.log.len(), 1, "the log itself is closed");
}

#[test]
fn late_reports_are_bounded_as_every_write_is() {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&accepted());
    world
        .report(&token(1), with_status(Status::Success))
        .unwrap();
    world.run.version = WRITES_LIMIT - 1;
    world.report(&token(1), with_summary("late")).unwrap_err();
    let events = world.events.len();
    world.report(&token(1), with_summary("later")).unwrap_err();
    assert_eq!(
        (world.events.len(), world.run.version),
        (events, WRITES_LIMIT)
    );
}

#[test]
fn a_run_takes_only_so_many_writes() {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&accepted());
    world.run.version = WRITES_LIMIT - 1;
    world
        .report(&token(1), with_summary("the last one"))
        .unwrap();
    let full = Err(ReportRejection::Full);
    assert_eq!(world.report(&token(1), with_summary("one more")), full);
    assert_eq!(world.log(&token(1), "one more", None), full);
    assert_eq!(world.respond(&token(1), json!("one more")), full);
    assert_eq!(world.redeem(&token(1), None), Err(ReportRejection::Full));
}

#[test]
fn a_log_takes_only_so_many_lines_and_the_run_ends_all_the_same() {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&accepted());
    world.log(&token(1), "first", None).unwrap();
    let line = world.log[0].clone();
    world.log.resize(LOG_LINES_LIMIT as usize - 1, line);
    world.run.log_lines = LOG_LINES_LIMIT - 1;
    world.log(&token(1), "the last one", None).unwrap();
    assert_eq!(
        world.log(&token(1), "one more", None),
        Err(ReportRejection::Full)
    );
    world
        .report(&token(1), with_status(Status::Success))
        .unwrap();
}

#[test]
fn a_log_line_is_its_own_trace() {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&accepted());
    let events = world.events.len();
    world.log(&token(1), "Building", None).unwrap();
    assert_eq!(world.events.len(), events, "no event repeats the line");
    let line = world.log.last().unwrap();
    assert_eq!(
        (line.message.as_str(), line.created_at),
        ("Building", world.now)
    );
    assert_eq!(line.created_by, "run token of attempt 1");
}

#[test]
fn a_log_line_may_label_and_end_the_run() {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&accepted());
    let reporter = token(1);
    let reporting = Reporting {
        reporter: &reporter,
        now: world.now,
        report_timeout: world::TIMEOUT,
    };
    let entry = LogEntry {
        id: crate::id::RunLogId::mint(world.now, 7),
        message: "Deployed".to_owned(),
        termination: Some(Status::Success),
        status_label: Some("Live".to_owned()),
    };
    let change = log(&world.run, world.delivery.as_ref(), entry, reporting).unwrap();
    world.apply(change).unwrap();
    assert_eq!(
        (world.run.status, world.label()),
        (Status::Success, Some("Live"))
    );
    let told = json!({"status": "SUCCESS", "statusLabel": "Live"});
    assert_eq!(world.last_event().changed, told);
}

#[test]
fn a_response_is_kept_beside_the_run() {
    let mut world = World::requested(AGENT);
    world.attempt(&accepted());
    world
        .respond(&machine(), json!({"image": "1.4.0"}))
        .unwrap();
    assert_eq!(world.documents.response, Some(json!({"image": "1.4.0"})));
    assert_eq!(world.last_event().changed, json!({"response": true}));
}

#[test]
fn a_run_that_waits_for_approval_takes_no_reports() {
    let refused = Err(ReportRejection::NotInProgress(Status::WaitingForApproval));
    let mut world = World::waiting(RequiredApproval::Plain(true));
    assert_eq!(world.report(&machine(), with_label("Soon")), refused);
    assert_eq!(
        world.report(&machine(), with_status(Status::Success)),
        refused
    );
    assert_eq!(
        world.report(&credential(), with_status(Status::Failure)),
        refused
    );
    assert_eq!(
        world.log(&machine(), "Soon", Some(Status::Failure)),
        refused
    );
    assert_eq!(world.respond(&machine(), json!("Soon")), refused);
}

#[test]
fn a_waiting_run_is_cancelled_by_failure() {
    let mut world = World::waiting(RequiredApproval::Plain(true));
    let told = Report {
        status: Some(Status::Failure),
        ..with_summary("Not today")
    };
    world.report(&machine(), told).unwrap();
    assert_eq!(
        (world.run.status, world.delivery.as_ref()),
        (Status::Failure, None)
    );
    assert_eq!(world.run.summary.as_deref(), Some("Not today"));
    let vote = Vote {
        user_id: "approver".to_owned(),
        decision: Decision::Approve,
        description: None,
        at: world.now,
    };
    let refused = approve(&world.run, &[], vote);
    assert_eq!(refused, Err(ApprovalRejection::NotWaiting(Status::Failure)));
}
