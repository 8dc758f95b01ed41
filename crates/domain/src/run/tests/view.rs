//! A run as the API shows it, and the message of webhooks without a body.

use insta::assert_snapshot;

use super::*;
use crate::delivery::Receiver;

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn ended() -> World {
    let mut world = World::requested(Setup {
        receiver: Receiver::Webhook,
        ..JENKINS
    });
    world.documents.raw_properties = Some(json!({}).into());
    world.documents.votes = vec![Vote {
        user_id: "approver".to_owned(),
        decision: Decision::Approve,
        description: None,
        at: world.now,
    }];
    world.attempt(&accepted());
    let told = Report {
        status: Some(Status::Success),
        status_label: Some("Live".to_owned()),
        link: Some(json!("https://ci.example.com/build/9")),
        summary: Some("Deployed 1.4.0".to_owned()),
        external_run_id: Some("build/9".to_owned()),
        message: None,
    };
    world.respond(&token(1), json!({"image": "1.4.0"})).unwrap();
    world.report(&token(1), told).unwrap();
    world
}

#[test]
fn a_run_that_has_ended() {
    let world = ended();
    let (title, icon) = (json!("Deploy"), json!("Rocket"));
    let view = RunView {
        run: &world.run,
        documents: &world.documents,
        action: Some((&title, &icon)),
    };
    assert_snapshot!(pretty(&view.json(false)), @r#"
    {
      "id": "r_0V76xO7E00000001",
      "status": "SUCCESS",
      "statusLabel": "Live",
      "action": {
        "identifier": "deploy",
        "title": "Deploy",
        "icon": "Rocket",
        "deleted": false
      },
      "blueprint": {
        "identifier": "service",
        "title": null,
        "icon": null,
        "deleted": false
      },
      "entity": {
        "identifier": "billing",
        "title": null,
        "icon": null,
        "deleted": false
      },
      "properties": {
        "version": "1.4.0"
      },
      "rawProperties": {},
      "source": "API",
      "requiredApproval": false,
      "approval": {
        "state": "APPROVED",
        "userId": "approver"
      },
      "link": "https://ci.example.com/build/9",
      "summary": "Deployed 1.4.0",
      "payload": {
        "type": "WEBHOOK",
        "url": "https://ci.example.com/hook"
      },
      "response": {
        "image": "1.4.0"
      },
      "externalRunId": "build/9",
      "createdBy": "caller",
      "updatedBy": "run token of attempt 1",
      "createdAt": "2026-01-02T03:04:05.000Z",
      "updatedAt": "2026-01-02T03:04:05.000Z",
      "endedAt": "2026-01-02T03:04:05.000Z"
    }
    "#);
}

#[test]
fn a_run_that_has_ended_for_older_clients() {
    let world = ended();
    let view = RunView {
        run: &world.run,
        documents: &world.documents,
        action: None,
    };
    let (new, old) = (view.json(false), view.json(true));
    assert_eq!(
        (&old["action"], &old["blueprint"]),
        (&json!("deploy"), &json!("service"))
    );
    assert_eq!(old["entity"], "billing");
    assert_eq!(
        (&old["relatedEntityExists"], &old["relatedBlueprintExists"]),
        (&json!(true), &json!(true))
    );
    let references = ["action", "blueprint", "entity"];
    for (name, shown) in new.as_object().unwrap() {
        if !references.contains(&name.as_str()) {
            assert_eq!(&old[name], shown, "{name}");
        }
    }
}

/// The published schema lets label, approval and payload be null, and nothing else.
#[test]
fn a_run_of_which_little_is_known() {
    let mut world = World::waiting(RequiredApproval::Typed(ApprovalType::Any));
    (world.run.blueprint, world.run.entity) = (None, None);
    let view = RunView {
        run: &world.run,
        documents: &world.documents,
        action: None,
    };
    assert_snapshot!(pretty(&view.json(false)), @r#"
    {
      "id": "r_0V76xO7E00000001",
      "status": "WAITING_FOR_APPROVAL",
      "statusLabel": null,
      "action": {
        "identifier": "deploy",
        "title": null,
        "icon": null,
        "deleted": true
      },
      "properties": {
        "version": "1.4.0"
      },
      "source": "API",
      "requiredApproval": {
        "type": "ANY"
      },
      "approval": null,
      "link": [],
      "summary": "",
      "payload": null,
      "createdBy": "caller",
      "updatedBy": "caller",
      "createdAt": "2026-01-02T03:04:05.000Z",
      "updatedAt": "2026-01-02T03:04:05.000Z"
    }
    "#);
    let old = view.json(true);
    assert_eq!(
        (&old["relatedEntityExists"], &old["relatedBlueprintExists"]),
        (&json!(false), &json!(false))
    );
}

#[test]
fn the_approval_is_the_newest_answer() {
    let mut world = World::waiting(RequiredApproval::Plain(true));
    let vote = |user: &str, decision, description: Option<&str>| Vote {
        user_id: user.to_owned(),
        decision,
        description: description.map(str::to_owned),
        at: world.now,
    };
    let votes = vec![
        vote("first", Decision::Approve, None),
        vote("second", Decision::Decline, Some("Too late in the day")),
    ];
    world.documents.votes = votes;
    let view = RunView {
        run: &world.run,
        documents: &world.documents,
        action: None,
    };
    let expected = json!({
        "state": "DECLINED",
        "description": "Too late in the day",
        "userId": "second",
    });
    assert_eq!(view.json(false)["approval"], expected);
}

#[test]
fn the_standard_message() {
    let action = json!({
        "identifier": "deploy",
        "title": "Deploy",
        "trigger": {"type": "self-service", "operation": "DAY-2"},
        "invocationMethod": {"type": "WEBHOOK", "url": "https://{{ .inputs.host }}/hook"},
        "requiredApproval": false,
    });
    let invocation = json!({"type": "WEBHOOK", "url": "https://ci.example.com/hook"});
    let world = World::requested(WEBHOOK);
    let message = Message::of_stored(&world.run, &world.documents);
    let sent = standard_message(&message, &action, "DAY-2", &invocation);
    assert_snapshot!(pretty(&sent), @r#"
    {
      "action": "deploy",
      "resourceType": "run",
      "status": "TRIGGERED",
      "trigger": {
        "by": {
          "userId": "caller"
        },
        "origin": "API",
        "at": "2026-01-02T03:04:05.000Z"
      },
      "context": {
        "entity": "billing",
        "blueprint": "service",
        "runId": "r_0V76xO7E00000001"
      },
      "payload": {
        "entity": {
          "identifier": "billing"
        },
        "action": {
          "identifier": "deploy",
          "title": "Deploy",
          "trigger": "DAY-2",
          "invocationMethod": {
            "type": "WEBHOOK",
            "url": "https://ci.example.com/hook"
          },
          "requiredApproval": false
        },
        "properties": {
          "version": "1.4.0"
        },
        "censoredProperties": []
      }
    }
    "#);

    let request = world::request(world.now, RequiredApproval::Plain(false));
    let fresh = standard_message(&Message::of(&request), &action, "DAY-2", &invocation);
    assert_eq!(
        fresh.to_string(),
        sent.to_string(),
        "a retry sends what the request sent"
    );
}

#[test]
fn the_standard_message_of_a_run_about_nothing() {
    let mut world = World::requested(WEBHOOK);
    (world.run.blueprint, world.run.entity) = (None, None);
    let message = Message::of_stored(&world.run, &world.documents);
    let sent = standard_message(&message, &json!({}), "CREATE", &json!({"type": "WEBHOOK"}));
    let context = json!({"entity": null, "blueprint": null, "runId": world.run.id.as_str()});
    assert_eq!(sent["context"], context);
    assert_eq!(sent["payload"]["entity"], Value::Null);
    assert_eq!(sent["payload"]["action"]["trigger"], "CREATE");
}
