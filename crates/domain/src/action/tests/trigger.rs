use super::*;

#[test]
fn reads_a_self_service_trigger() {
    let action = Action::parse(&self_service()).unwrap();
    let Trigger::SelfService(trigger) = &action.trigger else {
        panic!("self-service")
    };
    assert_eq!(trigger.operation, Operation::Day2);
    assert_eq!(trigger.blueprint_identifier.as_deref(), Some("service"));
    assert_eq!(
        trigger.user_inputs.required,
        Required::Inputs(vec!["name".into()])
    );
}

#[test]
fn self_service_triggers() {
    let (condition, at) = ("/trigger/condition", "trigger.condition");
    refused(
        &self_service(),
        &[
            ("/trigger/type", ABSENT, "trigger.type"),
            ("/trigger/type", r#""manual""#, "trigger.type"),
            ("/trigger/operation", ABSENT, "trigger.operation"),
            ("/trigger/operation", r#""DAY2""#, "trigger.operation"),
            ("/trigger/userInputs", ABSENT, "trigger.userInputs"),
            (
                "/trigger/blueprintIdentifier",
                "1",
                "trigger.blueprintIdentifier",
            ),
            ("/trigger/event", "{}", "trigger.event"),
            (
                "/trigger/actionCardButtonText",
                r#""a""#,
                "trigger.actionCardButtonText",
            ),
            (
                "/trigger/executeActionButtonText",
                "1",
                "trigger.executeActionButtonText",
            ),
            (condition, "[]", at),
            (
                condition,
                r#"{"type": "JQ", "combinator": "and", "rules": []}"#,
                "trigger.condition.type",
            ),
            (
                condition,
                r#"{"type": "SEARCH", "rules": []}"#,
                "trigger.condition.combinator",
            ),
            (
                condition,
                r#"{"type": "SEARCH", "combinator": "and"}"#,
                "trigger.condition.rules",
            ),
            (
                condition,
                r#"{"type": "SEARCH", "combinator": "xor", "rules": []}"#,
                "trigger.condition.combinator",
            ),
        ],
    );
    let query = json!({"type": "SEARCH", "combinator": "and", "rules": []});
    let conditional = with(self_service(), condition, Some(query));
    assert_eq!(violations(&conditional), []);
    refused(
        &conditional,
        &[
            ("/trigger/operation", r#""CREATE""#, at),
            ("/trigger/blueprintIdentifier", ABSENT, at),
        ],
    );
    let bare = with(self_service(), "/trigger/blueprintIdentifier", None);
    for operation in [r#""CREATE""#, r#""DAY-2""#, r#""DELETE""#] {
        accepted(&bare, &[("/trigger/operation", operation)]);
    }
}

#[test]
fn button_texts() {
    let table = [
        ("Go", true),
        ("Run it now 🚀", true),
        ("123456789012345", true),
        ("1234567890123456", false),
        ("🚀🚀", true),
        ("", false),
        ("a", false),
        (" ab", false),
        ("ab ", false),
        ("a\nb", false),
        ("a\tb", true),
        ("\u{a0}ab", false),
        ("ab\u{feff}", false),
    ];
    for (text, is_good) in table {
        let document = with(
            self_service(),
            "/trigger/actionCardButtonText",
            Some(json!(text)),
        );
        assert_eq!(Action::parse(&document).is_ok(), is_good, "{text:?}");
    }
}

fn automation_of(document: &Value) -> Automation {
    let Trigger::Automation(trigger) = Action::parse(document).unwrap().trigger else {
        panic!("automation")
    };
    trigger
}

#[test]
fn reads_an_automation() {
    assert!(!Action::parse(&automation()).unwrap().publish);
    let expressions = vec![".diff.after != null".to_owned()];
    let condition = JqCondition {
        expressions,
        combinator: Combinator::Or,
    };
    assert_eq!(automation_of(&automation()).condition, Some(condition));
}

#[test]
fn events() {
    let blueprint_identifier = || "b".to_owned();
    let entity = |change| Event::Entity {
        change,
        blueprint_identifier: blueprint_identifier(),
    };
    let run = |change| Event::Run {
        change,
        action_identifier: "a".into(),
    };
    let timer = Event::TimerExpired {
        blueprint_identifier: blueprint_identifier(),
        property_identifier: "p".into(),
    };
    let table = [
        ("ENTITY_CREATED", entity(Some(EntityChange::Created))),
        ("ENTITY_UPDATED", entity(Some(EntityChange::Updated))),
        ("ENTITY_DELETED", entity(Some(EntityChange::Deleted))),
        ("ANY_ENTITY_CHANGE", entity(None)),
        ("TIMER_PROPERTY_EXPIRED", timer),
        ("RUN_CREATED", run(Some(RunChange::Created))),
        ("RUN_UPDATED", run(Some(RunChange::Updated))),
        ("ANY_RUN_CHANGE", run(None)),
    ];
    for (kind, expected) in table {
        let mut event = match &expected {
            Event::Entity { .. } => json!({"blueprintIdentifier": "b"}),
            Event::TimerExpired { .. } => {
                json!({"blueprintIdentifier": "b", "propertyIdentifier": "p"})
            }
            Event::Run { .. } => json!({"actionIdentifier": "a"}),
        };
        event["type"] = json!(kind);
        let document = with(automation(), "/trigger/event", Some(event));
        assert_eq!(automation_of(&document).event, expected);
    }
}

#[test]
fn automation_triggers() {
    let event = "/trigger/event";
    let timer = r#"{"type": "TIMER_PROPERTY_EXPIRED", "blueprintIdentifier": "b"}"#;
    let extra = r#"{"type": "RUN_CREATED", "actionIdentifier": "a", "x": 1}"#;
    refused(
        &automation(),
        &[
            (event, ABSENT, "trigger.event"),
            (
                event,
                r#"{"type": "ENTITY_CREATED"}"#,
                "trigger.event.blueprintIdentifier",
            ),
            (
                event,
                r#"{"type": "RUN_CREATED"}"#,
                "trigger.event.actionIdentifier",
            ),
            (event, extra, "trigger.event.x"),
            (event, timer, "trigger.event.propertyIdentifier"),
            (event, r#"{"type": "RUN_DELETED"}"#, "trigger.event.type"),
            (event, "{}", "trigger.event.type"),
            (
                "/trigger/userInputs",
                r#"{"properties": {}}"#,
                "trigger.userInputs",
            ),
            (
                "/trigger/condition/type",
                r#""SEARCH""#,
                "trigger.condition.type",
            ),
            (
                "/trigger/condition/expressions",
                ABSENT,
                "trigger.condition.expressions",
            ),
            (
                "/trigger/condition/expressions",
                "[1]",
                "trigger.condition.expressions[0]",
            ),
            (
                "/trigger/condition/combinator",
                r#""not""#,
                "trigger.condition.combinator",
            ),
            ("/trigger/condition/rules", "[]", "trigger.condition.rules"),
        ],
    );
    accepted(
        &automation(),
        &[("/trigger/condition/expressions", r#"["'not' | jq", "{{"]"#)],
    );
}
