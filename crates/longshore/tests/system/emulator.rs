//! `longshore emulate` as a child process, whose blocks are read as they are printed.

use std::net::SocketAddr;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::server::{PROGRAM, SOON};

/// The running emulator.
pub(crate) struct Emulator {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) address: SocketAddr,
}

impl Emulator {
    /// `longshore emulate RECEIVER` in `directory`, and what it says first.
    pub(crate) async fn start(
        receiver: &str,
        directory: &TempDir,
        arguments: &[&str],
    ) -> (Self, Vec<String>) {
        let mut child = Command::new(PROGRAM)
            .args(["emulate", receiver, "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env_clear()
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut emulator = Self {
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            address: ([0; 4], 0).into(),
        };
        let told = emulator.told("Ctrl-C").await;
        let (_, url) = told[0].rsplit_once("http://").unwrap();
        emulator.address = url.split('/').next().unwrap().parse().unwrap();
        (emulator, told)
    }

    /// The next lines, to the one that begins so.
    async fn told(&mut self, last: &str) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let line = timeout(SOON, self.lines.next_line()).await.unwrap();
            let line = line
                .unwrap()
                .unwrap_or_else(|| panic!("it ended after {told:#?}"));
            let is_last = line.starts_with(last);
            told.push(line);
            if is_last {
                return told;
            }
        }
    }

    /// Posts `body`; gives the answer's status, and the block that is printed.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            self.address,
            body.len(),
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(SOON, stream.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        let status = answer.split(' ').nth(1).unwrap().to_owned();
        let told = self.told("  answer").await.join("\n");
        (status, told)
    }

    /// Ends it as Ctrl-C does.
    pub(crate) async fn interrupt(mut self) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::INT).unwrap();
        let status = timeout(SOON, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
}
