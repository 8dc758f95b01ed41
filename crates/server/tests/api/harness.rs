//! A server to test: the real router and engine over SQLite in a directory of its own, a clock
//! that tests move, a webhook receiver on loopback. Every answer is checked for its form.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use longshore_backends::client::{Client, ClientConfig, NetworkRules};
use longshore_domain::connection::Defaults;
use longshore_domain::delivery::Schedule;
use longshore_domain::secret::Secret;
use longshore_domain::time::Timestamp;
use longshore_emulators::webhook_sink::{self, WebhookSink};
use longshore_engine::caller::Scope;
use longshore_engine::environment::FixedEnvironment;
use longshore_engine::{
    AzureSettings, Engine, Parts, RetentionSettings, RunFilter, Settings, Window,
};
use longshore_jq::{Config as JqConfig, Evaluator, WorkerCommand};
use longshore_server::api::{self, App};
use longshore_server::config::{Kafka, Limits};
use longshore_store::sqlite::{Config as SqliteConfig, Sqlite};
use longshore_store::{Runs as _, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use tower::util::BoxCloneService;

/// The pair that the organisation starts with.
pub(crate) const CLIENT_ID: &str = "admin";
pub(crate) const CLIENT_SECRET: &str = "a client secret of at least 32 bytes";
/// Where every test's clock starts: 2026-01-02T03:04:05.678Z.
pub(crate) const START_MICROS: i64 = 1_767_323_045_678_000;
pub(crate) const START: &str = "2026-01-02T03:04:05.678Z";
/// Bytes of a body and of a log message, as configured by default.
pub(crate) const BODY_BYTES: usize = 1 << 20;
pub(crate) const LOG_MESSAGE_BYTES: usize = 64 << 10;
/// The waits between attempts.
pub(crate) const RETRIES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];
pub(crate) const REPORT_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// A server, and an admin's token for it.
pub(crate) struct Server {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: FixedEnvironment,
    /// Receives webhooks, checks no signature, answers 200 unless told otherwise.
    pub(crate) sink: WebhookSink,
    pub(crate) token: String,
    store: Arc<Sqlite>,
    service: BoxCloneService<Request<Body>, Response, Infallible>,
    directory: TempDir,
}

/// A request that is being written; awaiting it sends it.
pub(crate) struct Call<'s> {
    server: &'s Server,
    request: http::request::Builder,
    body: Vec<u8>,
}

/// An answer whose form was checked.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// One that publishes to Kafka, as it says.
    pub(crate) async fn start_with(kafka: Option<Kafka>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = FixedEnvironment::at(Timestamp::from_micros(START_MICROS));
        let store = Sqlite::open(&SqliteConfig::new(directory.path().join("longshore.db")));
        let store = Arc::new(store.unwrap());
        let engine = Engine::open(Parts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            environment: Arc::new(clock.clone()),
            client: client(),
            kafka: None,
            evaluator: evaluator(),
            master_key: Secret::new([7; 32]),
            organization: Some("org_0123456789abcdef".into()),
            settings: settings(),
        });
        let engine = engine.await.unwrap();
        let pair = (CLIENT_ID.to_owned(), Secret::new(CLIENT_SECRET.to_owned()));
        let identity = &engine.identity;
        let made = identity.create_app("Default", Scope::Full, Some(pair));
        made.await.unwrap();
        engine.take_over().await.unwrap();
        let limits = Limits {
            body_bytes: BODY_BYTES,
            connections: 16,
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            log_message_bytes: LOG_MESSAGE_BYTES,
            writer_queue: 8_192,
            writer_group: 512,
        };
        let sink = webhook_sink::Config {
            tolerance: None,
            ..webhook_sink::Config::default()
        };
        let mut server = Self {
            service: BoxCloneService::new(api::service(Arc::new(App {
                engine: Arc::clone(&engine),
                limits,
                public_url: None,
                kafka,
            }))),
            engine,
            store,
            clock,
            sink: WebhookSink::start(sink).await.unwrap(),
            token: String::new(),
            directory,
        };
        server.token = server.token_for(CLIENT_ID, CLIENT_SECRET).await;
        server
    }

    /// The access token of a credential.
    pub(crate) async fn token_for(&self, id: &str, secret: &str) -> String {
        let pair = json!({"clientId": id, "clientSecret": secret});
        let answer = self.anonymous(Method::POST, "/v1/auth/access_token");
        let answer = answer.json(&pair).send().await.expect(200);
        answer["accessToken"].as_str().unwrap().to_owned()
    }

    /// A new credential's id, secret and, where it obtains one, token.
    pub(crate) async fn credential(&self, name: &str, scope: &str) -> (String, String) {
        let made = self.post("/v1/apps", json!({"name": name, "scope": scope}));
        let app = &made.await.expect(200)["app"];
        let text = |key: &str| app[key].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    }

    pub(crate) fn anonymous(&self, method: Method, path: &str) -> Call<'_> {
        Call {
            server: self,
            request: Request::builder().method(method).uri(path),
            body: Vec::new(),
        }
    }

    /// A request by whoever holds `token`.
    pub(crate) fn by(&self, token: &str, method: Method, path: &str) -> Call<'_> {
        let call = self.anonymous(method, path);
        call.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// A request by the admin.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.by(&self.token, method, path)
    }

    pub(crate) fn get<'s>(&'s self, path: &str) -> impl Future<Output = Answer> + use<'s> {
        self.call(Method::GET, path).send()
    }

    pub(crate) fn post<'s>(
        &'s self,
        path: &str,
        body: Value,
    ) -> impl Future<Output = Answer> + use<'s> {
        self.call(Method::POST, path).json(body).send()
    }

    pub(crate) fn put<'s>(
        &'s self,
        path: &str,
        body: Value,
    ) -> impl Future<Output = Answer> + use<'s> {
        self.call(Method::PUT, path).json(body).send()
    }

    pub(crate) fn patch<'s>(
        &'s self,
        path: &str,
        body: Value,
    ) -> impl Future<Output = Answer> + use<'s> {
        self.call(Method::PATCH, path).json(body).send()
    }

    pub(crate) fn delete<'s>(&'s self, path: &str) -> impl Future<Output = Answer> + use<'s> {
        self.call(Method::DELETE, path).send()
    }

    /// Stores an action.
    pub(crate) async fn action(&self, action: Value) {
        self.post("/v1/actions", action).await.expect(201);
    }

    /// Executes an action, waits until nothing is under way, and answers the run's id.
    pub(crate) async fn run(&self, action: &str, properties: Value) -> String {
        let body = json!({"properties": properties});
        let answer = self.post(&format!("/v1/actions/{action}/runs"), body);
        let run = &answer.await.expect(202)["run"];
        self.engine.settled().await;
        run["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn show(&self, run: &str) -> Value {
        let answer = self.get(&format!("/v1/actions/runs/{run}")).await;
        answer.expect(200)["run"].clone()
    }

    /// The one delivery of a run.
    pub(crate) async fn delivery(&self, run: &str) -> Value {
        let answer = self.get(&format!("/v1/deliveries?run={run}")).await;
        let found = answer.expect(200)["deliveries"].clone();
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
        found[0].clone()
    }

    /// Moves the clock, and does what is due then.
    pub(crate) async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.engine.dispatch_once();
        self.engine.settled().await;
        self.engine.watch_once().await.unwrap();
        self.engine.settled().await;
    }

    /// The body of the newest call that the sink received.
    pub(crate) fn received(&self) -> Value {
        let deliveries = self.sink.deliveries();
        serde_json::from_slice(&deliveries.last().expect("a call").body).unwrap()
    }

    /// Every byte of the database, its log included.
    pub(crate) fn stored_bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        let read = files.map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
        read.flatten().collect()
    }

    /// The same as text, with what runs' documents say, which may be packed there; what is no text does not matter.
    pub(crate) async fn stored(&self) -> String {
        let filter = RunFilter {
            limit: 100,
            ..RunFilter::default()
        };
        let runs = self.store.runs(filter).await.unwrap().items;
        format!("{}{runs:?}", String::from_utf8_lossy(&self.stored_bytes()))
    }

    /// What of `text` differs from one test run to the next, named.
    pub(crate) fn stable(&self, text: &str, id: &str) -> String {
        let text = text.replace(&self.sink.base_url(), "http://sink");
        text.replace(id, "RUN")
    }
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn header_value(mut self, name: &str, value: http::HeaderValue) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn json(self, body: impl Borrow<Value>) -> Self {
        self.raw(body.borrow().to_string())
    }

    pub(crate) fn raw(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE.as_str(), "application/json")
    }

    /// Sends it, and goes away as soon as there is something to wait for.
    pub(crate) async fn abandon(self) {
        let server = self.server;
        {
            let mut answer = pin!(self.send());
            let answered = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context).is_ready()));
            assert!(!answered.await, "answered before it was abandoned");
        }
        server.engine.settled().await;
    }

    /// Sends it, and checks what holds for every answer (contract §1).
    pub(crate) async fn send(self) -> Answer {
        let request = self.request.body(Body::from(self.body)).unwrap();
        let asked = format!("{} {}", request.method(), request.uri());
        let is_head = request.method() == Method::HEAD;
        let answered = self.server.service.clone().oneshot(request).await;
        let (parts, body) = answered.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = match is_head {
            true => Value::Null,
            false => serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{asked}: {error}: {text}")),
        };
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            text,
            body,
        };
        if !is_head {
            answer.check(&asked);
        }
        answer
    }
}

impl Answer {
    fn check(&self, asked: &str) {
        let form = self.headers.get(CONTENT_TYPE).unwrap();
        assert_eq!(form, "application/json", "{asked}");
        let trace = self.headers.get("x-trace-id").unwrap();
        assert!(!trace.is_empty(), "{asked}");
        if self.status.is_success() {
            let is_document = self.body.get("openapi").is_some();
            assert!(is_document || self.body["ok"] == true, "{asked}: {self:?}");
            return;
        }
        let keys: Vec<&String> = self.body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["ok", "error", "message"], "{asked}: {self:?}");
        assert_eq!(self.body["ok"], false, "{asked}");
        assert!(self.message().len() < 64 << 10, "{asked}");
        assert!(!self.message().is_empty(), "{asked}");
        let code = self.code();
        let is_snake_case = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(
            !code.is_empty() && code.chars().all(is_snake_case),
            "{asked}: {code}"
        );
        let waits = self.headers.contains_key(RETRY_AFTER);
        assert_eq!(
            waits,
            self.status == StatusCode::SERVICE_UNAVAILABLE,
            "{asked}"
        );
    }

    pub(crate) fn code(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }

    /// The message of a refusal with this status and code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> String {
        assert_eq!(
            (self.status.as_u16(), self.code()),
            (status, code),
            "{}",
            self.text
        );
        self.message().to_owned()
    }
}

/// Runs `test` on as many threads as the real server would use.
pub(crate) fn with_threads<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build();
    runtime.unwrap().block_on(test)
}

fn client() -> Client {
    let client = Client::new(ClientConfig {
        rules: NetworkRules {
            allow: vec!["127.0.0.0/8".parse().unwrap()],
        },
        ..ClientConfig::default()
    });
    client.unwrap()
}

/// Plain expressions need no worker, and the tests use no others.
fn evaluator() -> Evaluator {
    Evaluator::new(JqConfig::new(WorkerCommand {
        program: "jq-worker-that-no-test-needs".into(),
        args: Vec::new(),
    }))
}

fn settings() -> Settings {
    Settings {
        delivery: Defaults {
            concurrency: 64,
            concurrency_harm: 8,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            schedule: Schedule::new(RETRIES.to_vec()),
            report_timeout: REPORT_TIMEOUT,
        },
        window: Window {
            count: 1_024,
            bytes: 4 << 20,
        },
        memory_bytes: 16 << 20,
        breaker_failures: 10,
        azure: AzureSettings {
            base_url: "https://dev.azure.com".into(),
            api_version: "6.0-preview".into(),
        },
        egress_addresses: vec!["192.0.2.10".into(), "198.51.100.0/28".into()],
        retention: RetentionSettings {
            age: Duration::from_secs(90 * 24 * 60 * 60),
            count: 5_000_000,
            interval: Duration::from_secs(60),
            batch: 200,
        },
    }
}

/// An action that calls the sink with what it is given, and with the token of its run.
pub(crate) fn webhook(server: &Server, identifier: &str) -> Value {
    json!({
        "identifier": identifier,
        "trigger": {
            "type": "self-service",
            "operation": "CREATE",
            "userInputs": {"properties": {"name": {"type": "string"}}},
        },
        "invocationMethod": {
            "type": "WEBHOOK",
            "url": format!("{}/hook", server.sink.base_url()),
            "body": {
                "run": "{{ .run.id }}",
                "name": "{{ .inputs.name }}",
                "token": "{{ .run.token }}",
            },
        },
    })
}

/// A server with the action `deploy`.
pub(crate) async fn with_action() -> Server {
    let server = Server::start().await;
    server.action(webhook(&server, "deploy")).await;
    server
}
