//! What agents have started, where they die at an awkward moment.

use longshore_domain::agent::{Claim, EXECUTION_AGENT, Session, Start, StartItem};
use longshore_domain::delivery::State;
use longshore_domain::diagnosis::Reason;
use serde_json::json;

use crate::support::{Moment, Process, World, Write};

fn session(name: &str) -> Session {
    Session {
        agent: "dock".into(),
        session: name.into(),
    }
}

fn claim(by: Session) -> Claim {
    Claim {
        installation_id: EXECUTION_AGENT.into(),
        limit: 10,
        invocation_method: None,
        exclude: Vec::new(),
        by: Some(by),
        wait_seconds: None,
    }
}

#[test]
fn a_start_is_finished_though_its_agent_died_and_came_back_before_it_was_written() {
    let world = World::new();
    let process = world.boot();
    process.define(
        "inside",
        &json!({"type": "JENKINS", "agent": true,
            "url": "https://ci.internal/generic-webhook-trigger/invoke?token=t"}),
    );
    let run = process.start("inside");
    let claimed = process.on(process
        .engine
        .claim(&Process::admin(), claim(session("s1")), None));
    let item = StartItem {
        attempt: claimed.expect("claimed").deliveries[0].attempt.clone(),
        run: Some(run.clone()),
        repeat_unknown: None,
    };
    let held = process.seam.hold(Write::Start, Moment::Before);
    let engine = process.engine.clone();
    let start = Start {
        by: session("s1"),
        items: vec![item],
    };
    let asked =
        process.beside(async move { engine.start_deliveries(&Process::admin(), start).await });
    process.on(held.reached());
    // The agent dies, and with it its question; its next life is there before the start is written.
    asked.abort();
    let admin = Process::admin();
    let next = claim(session("s2"));
    let next = process.engine.claim(&admin, next, None);
    process.on(next).expect("claimed");
    held.release();
    process.watch();
    // Whether the dead agent was told and has called, nobody knows.
    assert_eq!(process.delivery(&run).state, State::Unconfirmed);
    let attempts = process.attempts(&run);
    let reasons: Vec<_> = attempts
        .iter()
        .map(|made| made.diagnosis.as_ref().map(|found| found.reason))
        .collect();
    assert_eq!(reasons, [Some(Reason::AgentLost)]);
}
