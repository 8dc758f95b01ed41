//! `/v1/organization`: its name and settings.

use http::Method;
use serde_json::json;

use crate::harness::{CLIENT_ID, Server};

const PATH: &str = "/v1/organization";

#[tokio::test]
async fn a_fresh_organization() {
    let server = Server::start().await;
    let shown = server.get(PATH).await.expect(200);
    assert_eq!(
        shown["organization"],
        json!({
            "id": "org_0123456789abcdef",
            "name": "Longshore",
            "featureFlags": [],
            "settings": {"egressAddresses": ["192.0.2.10", "198.51.100.0/28"]},
        })
    );
}

#[tokio::test]
async fn a_patch_answers_ok_alone_and_merges_settings() {
    let server = Server::start().await;
    for (patch, name, settings) in [
        (
            json!({"settings": {"portAgentStreamerName": "POLLING"}}),
            "Longshore",
            json!({"portAgentStreamerName": "POLLING"}),
        ),
        (
            json!({"name": "Port of Rotterdam"}),
            "Port of Rotterdam",
            json!({"portAgentStreamerName": "POLLING"}),
        ),
        (
            json!({"settings": {"portalTitle": "Quay", "hiddenBlueprints": ["a"]}}),
            "Port of Rotterdam",
            json!({
                "portAgentStreamerName": "POLLING", "portalTitle": "Quay",
                "hiddenBlueprints": ["a"],
            }),
        ),
        (
            json!({"settings": {"portAgentStreamerName": "KAFKA"}, "isOnboarded": true}),
            "Port of Rotterdam",
            json!({
                "portAgentStreamerName": "KAFKA", "portalTitle": "Quay",
                "hiddenBlueprints": ["a"],
            }),
        ),
        (
            json!({}),
            "Port of Rotterdam",
            json!({
                "portAgentStreamerName": "KAFKA", "portalTitle": "Quay",
                "hiddenBlueprints": ["a"],
            }),
        ),
    ] {
        let answer = server.patch(PATH, patch).await.expect(200);
        assert_eq!(answer, json!({"ok": true}));
        let mut shown = server.get(PATH).await.expect(200)["organization"].clone();
        let shown_settings = shown["settings"].as_object_mut().unwrap();
        assert!(shown_settings.remove("egressAddresses").is_some());
        assert_eq!(shown["name"], name);
        assert_eq!(shown["settings"], settings);
    }
}

#[tokio::test]
async fn wrong_keys_and_values_are_all_named_and_change_nothing() {
    let server = Server::start().await;
    let before = server.get(PATH).await.expect(200);
    for (patch, named) in [
        (json!({"name": ""}), "name"),
        (json!({"name": null}), "name"),
        (json!({"name": "x".repeat(201)}), "name"),
        (json!({"id": "org_aaaaaaaaaaaaaaaa"}), "id"),
        (json!({"featureFlags": []}), "featureFlags"),
        (json!({"settings": []}), "settings"),
        (
            json!({"settings": {"egressAddresses": []}}),
            "settings.egressAddresses",
        ),
        (
            json!({"settings": {"portAgentStreamerName": "REDIS"}}),
            "settings.portAgentStreamerName",
        ),
        (
            json!({"settings": {"portalTitle": "x".repeat(31)}}),
            "settings.portalTitle",
        ),
        (
            json!({"settings": {"signingCredential": 7}}),
            "settings.signingCredential",
        ),
        (
            json!({"settings": {"signingCredential": "nobody"}}),
            "settings.signingCredential",
        ),
        (
            json!({"settings": {"hiddenBlueprints": [1]}}),
            "settings.hiddenBlueprints",
        ),
        (
            json!({"settings": {"signingCredental": "typo"}}),
            "settings.signingCredental",
        ),
        (json!({"announcement": "free beer"}), "announcement"),
        (json!([]), "expected a JSON object"),
        (json!("name"), "expected a JSON object"),
    ] {
        let message = server.patch(PATH, patch.clone()).await;
        let message = message.refused(422, "invalid_request");
        assert!(message.contains(named), "{patch}: {message}");
    }
    let both = json!({"name": 1, "settings": {"portalTitle": 2}, "more": 3});
    let message = server
        .patch(PATH, both)
        .await
        .refused(422, "invalid_request");
    for named in ["name: ", "settings.portalTitle: ", "more: "] {
        assert!(message.contains(named), "{message}");
    }
    assert_eq!(server.get(PATH).await.expect(200), before);
}

#[tokio::test]
async fn a_put_needs_the_name() {
    let server = Server::start().await;
    let message = server.put(PATH, json!({"settings": {}})).await;
    let message = message.refused(422, "invalid_request");
    assert!(message.starts_with("name"), "{message}");
    server.put(PATH, json!({"name": "Quay"})).await.expect(200);
    let shown = server.get(PATH).await.expect(200);
    assert_eq!(shown["organization"]["name"], "Quay");
}

#[tokio::test]
async fn the_signer_is_a_credential_that_may_sign() {
    let server = Server::start().await;
    let name = |id: &str| json!({"settings": {"signingCredential": id}});
    let (reports, _) = server.credential("reports", "report").await;
    let message = server.patch(PATH, name(&reports)).await;
    let message = message.refused(422, "invalid_request");
    assert!(
        message.starts_with("settings.signingCredential"),
        "{message}"
    );

    let (signs, _) = server.credential("signs", "sign").await;
    server.patch(PATH, name(&signs)).await.expect(200);
    let shown = server.get(PATH).await.expect(200);
    assert_eq!(
        shown["organization"]["settings"]["signingCredential"],
        *signs
    );
    let off = json!({"name": "signs", "enabled": false});
    server
        .put(&format!("/v1/apps/{signs}"), off.clone())
        .await
        .refused(409, "conflict");

    let first = json!({"settings": {"signingCredential": null}});
    server.patch(PATH, first).await.expect(200);
    server
        .put(&format!("/v1/apps/{signs}"), off)
        .await
        .expect(200);
    let gone = server.call(Method::DELETE, &format!("/v1/apps/{CLIENT_ID}"));
    gone.send().await.refused(409, "conflict");
}
