//! `/healthz` and `/readyz`.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::harness::Server;

#[tokio::test]
async fn a_running_server_lives_and_is_ready() {
    let server = Server::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = server.anonymous(Method::GET, path).send().await;
        assert_eq!(answer.expect(200), json!({"ok": true}));
        let head = server.anonymous(Method::HEAD, path).send().await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    }
}

#[tokio::test]
async fn a_stopping_server_lives_and_is_not_ready() {
    let server = Server::start().await;
    assert!(server.engine.stop(Duration::from_secs(10)).await);
    let live = server.anonymous(Method::GET, "/healthz").send().await;
    live.expect(200);
    let ready = server.anonymous(Method::GET, "/readyz").send().await;
    ready.refused(503, "not_ready");
    let listing = server.get("/v1/actions").await;
    listing.refused(503, "unavailable");
}
