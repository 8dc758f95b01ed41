//! What stands on the topic and should not: poison between good messages, and good messages that
//! were changed on their way.

use longshore_domain::agent::header;
use longshore_emulators::Script;

use crate::agents::CALLS;
use crate::balance::{Balance, Calls};
use crate::cluster::shared;
use crate::relay::Relay;
use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_changed_on_its_way_is_published_anew_and_called_once() {
    const RUNS: usize = 10;
    let mut site = Site::start("org_tampered", shared(), Script::default()).await;
    let relay = Relay::start(&site, |received| {
        let first = (header::ATTEMPT.to_owned(), "1".to_owned());
        if !received.headers.contains(&first) {
            return received.value.clone();
        }
        let mut message: serde_json::Value = serde_json::from_slice(&received.value).unwrap();
        message["cluster"] = "another".into();
        message.to_string().into_bytes()
    })
    .await;
    let agent = site.agent_with("a", &[("KAFKA_RUNS_TOPIC", relay.topic.as_str())]);
    site.execute(RUNS).await;
    let expected = Balance {
        published: 4 * RUNS,
        ..Balance::even(2 * RUNS)
    };
    assert_eq!(site.balance().await, expected);
    site.check_hooks_succeeded().await;
    let calls = Calls::of(&site.jenkins, &site.sink);
    assert!(calls.attempts().values().all(|attempts| *attempts == [2]));
    assert_eq!(agent.counted(CALLS).await, u64::try_from(2 * RUNS).unwrap());
    agent.stop().await;
    site.stop().await;
}
