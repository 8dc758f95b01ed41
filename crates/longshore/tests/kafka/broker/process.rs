//! The broker's process. It ends with ours, however ours ends: what holds it reads from us until
//! we are gone.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use super::{USERS, jars, properties};

const JAVA: [&str; 6] = [
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.logFile=System.out",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
];
const STARTED: &str = "Kafka Server started";
/// Runs `$@`. A line from us lets go of it; the end of what we write kills it, and removes `$HELD`.
const HOLD: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null 2>&1 &
pid=$!
echo "pid $pid"
{ read -r _ <&3 || { kill -KILL $pid; rm -rf "$HELD"; }; } >/dev/null 2>&1 &
wait $pid
"#;

/// Makes the data folder, with the users that SCRAM knows.
pub(super) fn format(home: &Path) {
    let mut tool = Command::new("java");
    tool.args(JAVA).arg("-cp").arg(jars().join("*"));
    tool.args(["kafka.tools.StorageTool", "format", "--standalone"]);
    tool.args(["--cluster-id", "AAAAAAAAAAAAAAAAAAAAAQ", "--config"]);
    tool.arg(properties::file(home));
    for user in USERS {
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let (name, password) = (user.name, user.password);
            tool.arg("--add-scram")
                .arg(format!("{mechanism}=[name={name},password={password}]"));
        }
    }
    let output = tool.output().expect("Java 17 runs the broker of the tests");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "the broker was not formatted: {said}"
    );
}

/// A life of the broker.
pub(super) struct Life {
    child: Child,
    hold: Option<ChildStdin>,
    pid: Pid,
    reading: Option<JoinHandle<()>>,
}

impl Life {
    /// Starts it, and waits until it answers.
    pub(super) fn start(home: &Path) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", HOLD, "hold", "java"])
            .args(JAVA)
            .arg("-cp")
            .arg(jars().join("*"))
            .arg("kafka.Kafka")
            .arg(properties::file(home))
            .env("HELD", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // The shell tells that what it held was killed.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let pid = first.strip_prefix("pid ").unwrap().parse().unwrap();
        let mut log = std::fs::File::create(home.join("broker.log")).unwrap();
        let (sender, receiver) = mpsc::channel();
        // Reads all the time: the broker would stop where its output is not taken.
        let reading = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                writeln!(log, "{line}").unwrap();
                // Nobody listens any more once it has started.
                let _ = sender.send(line);
            }
        });
        let mut said = String::new();
        let started = receiver.iter().any(|line| {
            said.push_str(&line);
            said.push('\n');
            line.contains(STARTED)
        });
        assert!(started, "the broker did not start:\n{said}");
        Self {
            hold: child.stdin.take(),
            child,
            pid: Pid::from_raw(pid).unwrap(),
            reading: Some(reading),
        }
    }

    pub(super) fn stop(self) {
        self.end(Signal::TERM);
    }

    pub(super) fn kill(self) {
        self.end(Signal::KILL);
    }

    fn end(mut self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
        self.child.wait().unwrap();
        self.hold.take().unwrap().write_all(b"let go\n").unwrap();
        self.reading.take().unwrap().join().unwrap();
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if self.hold.take().is_some() {
            self.child.wait().unwrap();
        }
    }
}
