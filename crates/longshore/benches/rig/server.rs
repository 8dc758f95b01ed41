//! The measured server: the release binary with default settings, and a client of its API.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::body;
use super::load::Load;
use super::program;
use super::trial::Measured;
use super::{CLIENT_ID, SECRET};

/// Settings that say where, who and what may be reached. Everything else is the default.
const SETTINGS: [&str; 6] = [
    "listen",
    "data_dir",
    "bootstrap.client_id",
    "bootstrap.client_secret",
    "network.allow",
    "metrics.listen",
];
const LOG_LINES_KEPT: usize = 20;
/// How long a connection may rest and be used again.
const REST: Duration = Duration::from_secs(5);
const API_PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub(crate) struct Longshore {
    child: Child,
    log: Arc<Mutex<VecDeque<String>>>,
    api: Api,
    /// The action that a load asks for.
    action: &'static str,
    /// The one destination whose deliveries are waited for.
    pub(crate) destination: Option<String>,
}

impl Longshore {
    /// Starts a server on `data`, and checks that no setting tunes it.
    pub(crate) fn start(data: &Path, action: &'static str) -> Result<Self> {
        Self::start_with(data, action, &[])
    }

    /// The same with `more` settings: their names and values.
    pub(crate) fn start_with(
        data: &Path,
        action: &'static str,
        more: &[(&str, &str)],
    ) -> Result<Self> {
        only_defaults(data, more)?;
        let mut child = command(data, &["serve"], more)
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("no pipe")?);
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let listening = follow(lines, &log);
        let mut server = Self {
            child,
            log,
            api: Api::default(),
            action,
            destination: None,
        };
        let address = listening
            .recv()
            .ok()
            .and_then(|address| address.parse().ok());
        let Some(address) = address else {
            bail!("the server did not start:\n{}", server.last_words());
        };
        server.api.address = Some(address);
        let credentials = json!({"clientId": CLIENT_ID, "clientSecret": SECRET});
        let answer = server.call("POST", "/v1/auth/access_token", Some(&credentials))?;
        let token = answer["accessToken"].as_str().context("no token")?;
        server.api.token = Some(token.to_owned());
        Ok(server)
    }

    /// Makes `action` the one that a load asks for.
    pub(crate) fn choose(&mut self, action: &'static str) {
        self.action = action;
    }

    /// Calls the API; anything but a 2xx is an error.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        self.api.call(method, path, body)
    }

    /// Makes an action that calls `url` with the measured body.
    pub(crate) fn create_webhook(&mut self, identifier: &str, url: &str) -> Result<()> {
        let invocation = json!({"type": "WEBHOOK", "url": url, "body": body::template()});
        self.create_action(identifier, &invocation)
    }

    pub(crate) fn create_action(&mut self, identifier: &str, invocation: &Value) -> Result<()> {
        let action = json!({
            "identifier": identifier,
            "trigger": {
                "type": "self-service",
                "operation": "DAY-2",
                "userInputs": body::user_inputs(),
            },
            "invocationMethod": invocation,
        });
        let answer = self.call("POST", "/v1/actions", Some(&action))?;
        match answer.get("warnings") {
            Some(warnings) => bail!("the action {identifier} has warnings: {warnings}"),
            None => Ok(()),
        }
    }

    /// Requests for runs of `action`.
    pub(crate) fn load_of(&self, action: &str) -> Result<Load> {
        Ok(Load {
            address: self.address()?,
            path: format!("/v1/actions/{action}/runs"),
            token: self.api.token.clone(),
            body: body::request(),
            secret: None,
            expected_status: 202,
            connections: 0,
            runs: 0,
            per_second: None,
        })
    }

    /// Ends the server as an operator would.
    pub(crate) fn stop(mut self) -> Result<()> {
        if !program::end(&mut self.child)? {
            bail!("the server did not stop:\n{}", self.last_words());
        }
        Ok(())
    }

    /// Where its API listens.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        self.api.address.context("not started")
    }

    /// Whether no delivery is in one of these states.
    pub(crate) fn has_none(&mut self, states: &[&str]) -> Result<bool> {
        for state in states {
            let mut path = format!("/v1/deliveries?limit=1&state={state}");
            if let Some(destination) = &self.destination {
                path.push_str(&format!("&destination={destination}"));
            }
            let found = self.call("GET", &path, None)?;
            if found["deliveries"]
                .as_array()
                .is_none_or(|found| !found.is_empty())
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn last_words(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().map(|line| format!("  {line}\n")).collect()
    }
}

impl Measured for Longshore {
    fn load(&self) -> Result<Load> {
        self.load_of(self.action)
    }

    fn pid(&self) -> Option<u32> {
        Some(self.child.id())
    }

    /// Deliveries only move on in this order, so one that is missed here is met there.
    fn is_settled(&mut self, _runs: u64) -> Result<bool> {
        self.has_none(&["due", "owned", "published", "started"])
    }
}

impl Drop for Longshore {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn command(data: &Path, arguments: &[&str], more: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program::measured());
    command
        .args(arguments)
        .current_dir(data)
        .env_clear()
        .env("LONGSHORE_LISTEN", "127.0.0.1:0")
        .env("LONGSHORE_DATA_DIR", data)
        .env("LONGSHORE_BOOTSTRAP__CLIENT_ID", CLIENT_ID)
        .env("LONGSHORE_BOOTSTRAP__CLIENT_SECRET", SECRET)
        .env("LONGSHORE_NETWORK__ALLOW", "127.0.0.0/8")
        .env("LONGSHORE_METRICS__LISTEN", "");
    for (name, value) in more {
        let name = name.replace('.', "__").to_uppercase();
        command.env(format!("LONGSHORE_{name}"), value);
    }
    command
}

/// Asks the binary itself which settings are in force and where each comes from.
fn only_defaults(data: &Path, more: &[(&str, &str)]) -> Result<()> {
    let shown = command(data, &["config", "print"], more).output()?;
    let text = String::from_utf8(shown.stdout)?;
    let mut section = String::new();
    let mut defaults = 0;
    for line in text.lines() {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = format!("{name}.");
            continue;
        }
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        let name = format!("{section}{key}");
        if line.ends_with("# default") {
            defaults += 1;
        } else if !SETTINGS.contains(&name.as_str())
            && !more.iter().any(|(known, _)| *known == name)
        {
            bail!("setting {name} is not the default: {line}");
        }
    }
    if !shown.status.success() || defaults == 0 {
        bail!("the settings in force are not known:\n{text}");
    }
    Ok(())
}

/// Reads the server's lines to its end; the address in the first that says it is sent on.
fn follow(
    lines: BufReader<ChildStdout>,
    log: &Arc<Mutex<VecDeque<String>>>,
) -> std::sync::mpsc::Receiver<String> {
    let (found, listening) = std::sync::mpsc::channel();
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in lines.lines().map_while(std::result::Result::ok) {
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            if let ("listening", Some(address)) = (
                said["event"].as_str().unwrap_or_default(),
                said["address"].as_str(),
            ) {
                // Nobody waits for a second one.
                let _unheard = found.send(address.to_owned());
            }
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_back(line);
            if log.len() > LOG_LINES_KEPT {
                log.pop_front();
            }
        }
    });
    listening
}

/// A client on one connection.
#[derive(Default)]
struct Api {
    address: Option<SocketAddr>,
    token: Option<String>,
    stream: Option<(BufReader<TcpStream>, Instant)>,
}

impl Api {
    fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let address = self.address.context("not started")?;
        // The server ends connections that rest.
        let kept = self
            .stream
            .take()
            .filter(|(_, used_at)| used_at.elapsed() < REST);
        let (mut stream, _) = match kept {
            Some(kept) => kept,
            None => {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(API_PATIENCE))?;
                (BufReader::new(stream), Instant::now())
            }
        };
        let token = self.token.as_deref().unwrap_or("none");
        let body = body.map(Value::to_string).unwrap_or_default();
        write!(
            stream.get_mut(),
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let (status, answer) = read_answer(&mut stream)?;
        self.stream = Some((stream, Instant::now()));
        let answer: Value = serde_json::from_slice(&answer)?;
        if !(200..300).contains(&status) {
            bail!("{method} {path} was answered {status}: {answer}");
        }
        Ok(answer)
    }
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> Result<(u16, Vec<u8>)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        }
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok((status.context("no status")?, answer))
}
