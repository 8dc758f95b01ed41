//! Runs with their deliveries, from request to end: each test is one story told to a [`World`].

mod agent_message;
mod approval;
mod encrypted;
mod labels;
mod outcomes;
mod properties;
mod redeem;
mod reports;
mod silence;
mod templates;
mod view;
mod world;

use serde_json::{Value, json};

use self::world::{Setup, World, accepted, refused, retry, unknown};
use super::*;
use crate::delivery::State;
use crate::outcome::Repeat;

const JENKINS: Setup = Setup {
    receiver: crate::delivery::Receiver::Jenkins,
    repeat: Repeat::Harm,
    synchronized: false,
    entry: Entry::Stored,
};
const WEBHOOK: Setup = Setup {
    receiver: crate::delivery::Receiver::Webhook,
    repeat: Repeat::Allowed,
    ..JENKINS
};
const AGENT: Setup = Setup {
    receiver: crate::delivery::Receiver::Agent,
    ..WEBHOOK
};

fn token(attempt: u32) -> Reporter {
    Reporter::RunToken { attempt }
}

fn credential() -> Reporter {
    Reporter::ReportCredential("pipelines".to_owned())
}

fn machine() -> Reporter {
    Reporter::Machine("admin".to_owned())
}

fn with_status(status: Status) -> Report {
    Report {
        status: Some(status),
        ..Report::default()
    }
}

fn with_label(text: &str) -> Report {
    Report {
        status_label: Some(text.to_owned()),
        ..Report::default()
    }
}

fn with_summary(text: &str) -> Report {
    Report {
        summary: Some(text.to_owned()),
        ..Report::default()
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    for status in Status::ALL {
        assert_eq!(Status::parse(status.name()), Some(status));
        assert_eq!(serde_json::to_value(status).unwrap(), status.name());
    }
    for source in [Source::Ui, Source::Api, Source::Automation] {
        assert_eq!(Source::parse(source.name()), Some(source));
        assert_eq!(serde_json::to_value(source).unwrap(), source.name());
    }
    for kind in EventKind::ALL {
        assert_eq!(EventKind::parse(kind.name()), Some(kind));
    }
    assert_eq!(Status::parse("success"), None);
    assert_eq!(Source::parse("api"), None);
    assert_eq!(EventKind::parse(""), None);
}

/// How fresh work enters the system, as delivery.md tells under "States".
#[test]
fn fresh_work_is_inserted_started_owned_or_due() {
    let rows = [
        (Entry::Slot, Repeat::Harm, State::Started, 1),
        (Entry::Slot, Repeat::Allowed, State::Owned, 0),
        (Entry::Window, Repeat::Harm, State::Owned, 0),
        (Entry::Window, Repeat::Allowed, State::Owned, 0),
        (Entry::Stored, Repeat::Harm, State::Due, 0),
        (Entry::Stored, Repeat::Allowed, State::Due, 0),
    ];
    for (entry, repeat, state, attempt) in rows {
        let world = World::requested(Setup {
            entry,
            repeat,
            ..JENKINS
        });
        let delivery = world.delivery();
        assert_eq!(
            (delivery.state, delivery.attempt),
            (state, attempt),
            "{entry:?}, {repeat:?}"
        );
        assert!(!delivery.left);
        assert_eq!(world.run.status, Status::InProgress);
        assert_eq!(world.told(), [json!({"status": "IN_PROGRESS"})]);
    }
}
