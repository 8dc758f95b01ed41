//! `longshore demo --once`: every story from request to SUCCESS, in the order in which they happen.

use crate::server::{Ended, Home};

/// What each timeline tells, in this order.
const CHAPTERS: [&str; 6] = [
    "requested",
    "signed",
    "delivered",
    "pipeline started",
    "reported",
    "SUCCESS",
];

async fn demo(home: &Home, scratch: &str) -> Ended {
    let mut command = home.command(&["demo", "--once"]);
    command.env("TMPDIR", scratch);
    Ended::of(command.output().await.unwrap())
}

#[tokio::test]
async fn every_timeline_is_told_in_order() {
    let home = Home::bare();
    let scratch = home.path("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let ended = demo(&home, &scratch.display().to_string()).await;
    assert!(ended.status.success(), "{ended:?}");
    let mut stories = ended.stdout.lines();
    let mut line = stories.next();
    for action in [
        "create_service",
        "create_storage_account",
        "create_service_inside",
    ] {
        let title = line.unwrap();
        assert!(title.starts_with(&format!("{action} r_")), "{title}");
        let (mut told, mut at) = (Vec::new(), "");
        line = stories.next();
        while let Some(entry) = line.and_then(|line| line.strip_prefix("  ")) {
            let (time, rest) = entry.split_once("  ").unwrap();
            assert!(at <= time, "{}", ended.stdout);
            at = time;
            let chapter = rest.split('{').next().unwrap().trim();
            if CHAPTERS.contains(&chapter) && !told.contains(&chapter) {
                told.push(chapter);
            }
            line = stories.next();
        }
        assert_eq!(told, CHAPTERS, "{}", ended.stdout);
    }
    assert_eq!(line, None, "{}", ended.stdout);
    let left: Vec<_> = std::fs::read_dir(&scratch).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_demo_that_cannot_run_says_why() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut home = Home::bare();
    home.set("LISTEN", &address);
    let scratch = home.path("");
    let ended = demo(&home, &scratch.display().to_string()).await;
    assert!(!ended.status.success(), "{ended:?}");
    assert!(ended.stderr.contains(&address), "{ended:?}");
}
