//! `longshore openapi` prints the document that is served and kept with the sources.

use std::path::Path;

use http::Method;

use crate::api::Api;
use crate::server::Home;

#[tokio::test]
async fn the_printed_document_is_the_served_and_the_kept_one() {
    let home = Home::new();
    let ended = home.run(&["openapi"]).await;
    assert!(ended.status.success(), "{ended:?}");
    let printed: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(printed["openapi"].as_str().unwrap().starts_with("3."));
    for path in [
        "/v1/auth/access_token",
        "/v1/actions/{action_identifier}/runs",
        "/v1/deliveries/{id}/redeliver",
    ] {
        assert!(printed["paths"][path].is_object(), "no {path}");
    }
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if kept.exists() {
        assert_eq!(std::fs::read_to_string(kept).unwrap(), ended.stdout);
    }

    let server = home.serve().await;
    let api = Api::anonymous(server.address);
    let served = api.call(Method::GET, "/openapi.json", None).await;
    assert_eq!((served.status, served.json()), (200, printed));
    server.stop().await;
}
