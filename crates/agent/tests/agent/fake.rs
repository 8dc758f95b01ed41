//! A server that speaks the agent's side of the API from memory, and remembers what it was told.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Longer than anything takes on a loaded machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// What the server holds and has seen.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Runs to be claimed: run, delivery, attempt and message.
    pub(crate) pending: VecDeque<(String, String, u32, Value)>,
    /// Deliveries whose repeat is harm for the server.
    pub(crate) harm: Vec<String>,
    /// Deliveries that must not be started.
    pub(crate) superseded: Vec<String>,
    /// Every call, as method and path with its body.
    pub(crate) calls: Vec<(String, Value)>,
    /// Every settlement that was taken.
    pub(crate) settled: Vec<Value>,
    /// Every attempt that was started.
    pub(crate) started: Vec<String>,
    /// Which session started each.
    pub(crate) sessions: HashMap<String, String>,
    /// Answers that the next calls of a path get instead: path, status.
    pub(crate) faults: Vec<(&'static str, u16)>,
    /// Secrets that obtain a token.
    pub(crate) secrets: Vec<String>,
    /// What it names as Kafka's brokers.
    pub(crate) brokers: Vec<String>,
    /// How many tokens were issued; only the last one is taken.
    pub(crate) tokens: u32,
}

impl Held {
    /// How often a path was called.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.calls
            .iter()
            .filter(|(it, _)| it.ends_with(path))
            .count()
    }
}

/// A server that ends with its owner.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    held: Arc<Shared>,
    _serving: JoinSet<()>,
}

struct Shared {
    held: Mutex<Held>,
    changed: watch::Sender<u64>,
}

impl Fake {
    /// Starts one that knows `secret`.
    pub(crate) async fn start(secret: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let held = Arc::new(Shared {
            held: Mutex::new(Held {
                secrets: vec![secret.to_owned()],
                ..Held::default()
            }),
            changed: watch::channel(0).0,
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&held)));
        Self {
            address,
            held,
            _serving: serving,
        }
    }

    /// Changes or reads what it holds.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Held) -> T) -> T {
        let seen = look(&mut self.held.held.lock().unwrap());
        self.held.changed.send_modify(|count| *count += 1);
        seen
    }

    /// Adds a run; answers its id.
    pub(crate) fn add(&self, number: u32, message: &Value) -> String {
        let run = format!("r_{number:016}");
        let mut message = message.clone();
        message["context"]["runId"] = run.clone().into();
        let delivery = format!("d_{number:016}");
        self.with(|held| held.pending.push_back((run.clone(), delivery, 1, message)));
        run
    }

    /// Waits until `found` finds something.
    pub(crate) async fn wait_for<T>(&self, mut found: impl FnMut(&Held) -> Option<T>) -> T {
        let mut changed = self.held.changed.subscribe();
        let waiting = async {
            loop {
                changed.mark_unchanged();
                if let Some(found) = found(&self.held.held.lock().unwrap()) {
                    return found;
                }
                changed.changed().await.unwrap();
            }
        };
        match timeout(SOON, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("it did not come: {:#?}", self.held.held.lock().unwrap()),
        }
    }

    /// Waits until so many settlements came.
    pub(crate) async fn settled(&self, count: usize) -> Vec<Value> {
        self.wait_for(|held| (held.settled.len() >= count).then(|| held.settled.clone()))
            .await
    }
}

async fn serve(listener: TcpListener, held: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let held = Arc::clone(&held);
        connections.spawn(async move {
            let service = service_fn(|request| answer(&held, request));
            let _ended = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    held: &Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let bearer = request.headers().get("authorization").cloned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (status, answer) = answered(held, &method, &path, bearer.as_ref(), body).await;
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    *response.status_mut() = status;
    Ok(response)
}

async fn answered(
    held: &Arc<Shared>,
    method: &Method,
    path: &str,
    bearer: Option<&http::HeaderValue>,
    body: Value,
) -> (StatusCode, Value) {
    let refusal = |status: u16| {
        let status = StatusCode::from_u16(status).unwrap();
        (
            status,
            json!({"ok": false, "error": "fault", "message": "as the test wants"}),
        )
    };
    {
        let mut now = held.held.lock().unwrap();
        now.calls.push((format!("{method} {path}"), body.clone()));
        let fault = now.faults.iter().position(|(it, _)| path.ends_with(it));
        let fault = fault.map(|at| now.faults.remove(at));
        let token = format!("Bearer token-{}", now.tokens);
        let is_known = bearer.is_some_and(|it| it.to_str().unwrap() == token);
        drop(now);
        held.changed.send_modify(|count| *count += 1);
        if let Some((_, status)) = fault {
            return refusal(status);
        }
        if !is_known && !path.ends_with("/access_token") {
            return refusal(401);
        }
    }
    let answer = match path {
        "/v1/auth/access_token" => {
            let mut now = held.held.lock().unwrap();
            if !now
                .secrets
                .iter()
                .any(|it| body["clientSecret"] == it.as_str())
            {
                return refusal(401);
            }
            now.tokens += 1;
            json!({"ok": true, "accessToken": format!("token-{}", now.tokens), "expiresIn": 3600})
        }
        "/v1/actions/runs/claim-pending" => claim(held, &body).await,
        "/v1/deliveries/start" => start(&mut held.held.lock().unwrap(), &body),
        "/v1/deliveries/settle" => {
            let items = body["items"].as_array().unwrap().clone();
            let answers = items.iter().map(|item| verdict(item, "settled"));
            let answer = json!({"ok": true, "items": answers.collect::<Vec<_>>()});
            held.held.lock().unwrap().settled.extend(items);
            answer
        }
        "/v1/kafka-credentials" => {
            let brokers = held.held.lock().unwrap().brokers.clone();
            json!({"ok": true, "credentials": {"brokers": brokers, "username": "", "password": ""}})
        }
        "/v1/agents/heartbeat" => json!({"ok": true, "heartbeatSeconds": 10, "sessionSeconds": 60}),
        _ => json!({"ok": true}),
    };
    held.changed.send_modify(|count| *count += 1);
    (StatusCode::OK, answer)
}

/// Waits for runs as long as the claim wants.
async fn claim(held: &Arc<Shared>, body: &Value) -> Value {
    let limit = usize::try_from(body["limit"].as_u64().unwrap()).unwrap();
    let mut changed = held.changed.subscribe();
    let waits = Duration::from_secs(body["waitSeconds"].as_u64().unwrap());
    let some = changed.wait_for(|_| !held.held.lock().unwrap().pending.is_empty());
    let _late = timeout(waits, some).await.is_ok();
    let mut now = held.held.lock().unwrap();
    let count = limit.min(now.pending.len());
    let claimed: Vec<_> = now.pending.drain(..count).collect();
    let runs: Vec<Value> = claimed
        .iter()
        .map(|(run, _, _, message)| json!({"id": run, "message": message}))
        .collect();
    let deliveries: Vec<Value> = claimed
        .iter()
        .map(|(run, delivery, attempt, _)| {
            json!({"run": run, "delivery": delivery, "attempt": attempt})
        })
        .collect();
    json!({"ok": true, "runs": runs, "deliveries": deliveries})
}

fn start(now: &mut Held, body: &Value) -> Value {
    let mut answers = Vec::new();
    for item in body["items"].as_array().unwrap() {
        let delivery = item["delivery"].as_str().unwrap().to_owned();
        let session = body["session"].as_str().unwrap().to_owned();
        let is_settled = now.settled.iter().any(|it| it["delivery"] == *delivery);
        let by = now.sessions.get(&delivery);
        let reason = if is_settled || now.superseded.contains(&delivery) {
            Some("superseded")
        } else if by.is_some_and(|by| *by != session) {
            Some("started_elsewhere")
        } else {
            None
        };
        if let Some(reason) = reason {
            let mut no = verdict(item, "no");
            no["reason"] = reason.into();
            answers.push(no);
        } else {
            let mut started = verdict(item, "started");
            started["repeatUnknown"] = (!now.harm.contains(&delivery)).into();
            now.sessions.insert(delivery.clone(), session);
            now.started.push(delivery);
            answers.push(started);
        }
    }
    json!({"ok": true, "items": answers})
}

fn verdict(item: &Value, answer: &str) -> Value {
    json!({"delivery": item["delivery"], "attempt": item["attempt"], "answer": answer})
}
