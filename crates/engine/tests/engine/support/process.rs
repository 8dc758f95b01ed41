//! One process of the engine: its own runtime, so that it can end as if it had been killed.

use std::future::Future;
use std::sync::Arc;

use longshore_backends::client::{Client, ClientConfig, NetworkRules};
use longshore_domain::delivery::{Attempt, Delivery};
use longshore_domain::id::RunId;
use longshore_domain::run::Report;
use longshore_domain::secret::Secret;
use longshore_engine::caller::{Caller, Scope};
use longshore_engine::error::Error;
use longshore_engine::runs::{RunText, StartRun};
use longshore_engine::{DeliveryFilter, Engine, Parts};
use longshore_jq::{Config as JqConfig, Evaluator, WorkerCommand};
use longshore_store::Upkeep;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use super::seam::Seam;
use super::world::{CLIENT, CLIENT_SECRET, SOON, World, runtime, seconds};

/// An engine that can be killed.
pub(crate) struct Process {
    pub(crate) engine: Arc<Engine>,
    pub(crate) seam: Arc<Seam>,
    runtime: Option<Runtime>,
}

impl Process {
    pub(super) fn open(world: &World) -> Self {
        let runtime = runtime("process");
        let seam = Seam::new(world.store());
        let allow = world
            .allow
            .iter()
            .map(|net| net.parse().expect("a range"))
            .collect();
        let client = Client::new(ClientConfig {
            rules: NetworkRules { allow },
            system_roots: false,
            ..ClientConfig::default()
        });
        let worker = WorkerCommand {
            program: "no-worker-is-needed".into(),
            args: Vec::new(),
        };
        let engine = runtime.block_on(async {
            let engine = Engine::open(Parts {
                store: Arc::clone(&seam) as Arc<dyn longshore_store::Store>,
                environment: Arc::new(world.clock.clone()),
                client: client.expect("a client"),
                kafka: None,
                evaluator: Evaluator::new(JqConfig::new(worker)),
                master_key: Secret::new([7; 32]),
                organization: None,
                settings: world.settings.clone(),
            })
            .await
            .expect("the engine opens");
            if engine.identity.is_empty() {
                let pair = (CLIENT.to_owned(), Secret::new(CLIENT_SECRET.to_owned()));
                let made = engine
                    .identity
                    .create_app("Tests", Scope::Full, Some(pair))
                    .await;
                made.expect("a credential");
            }
            engine
        });
        Self {
            engine,
            seam,
            runtime: Some(runtime),
        }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it runs")
    }

    /// Runs `work` in this process.
    pub(crate) fn on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime().block_on(async {
            tokio::time::timeout(SOON, work)
                .await
                .expect("it takes too long")
        })
    }

    /// Starts `work` in this process and does not wait for it.
    pub(crate) fn beside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.runtime().spawn(work)
    }

    /// Ends it where it stands: no task goes on. What the store's writer has been given already is
    /// waited for, since a thread of a dead process writes nothing.
    pub(crate) fn kill(mut self) {
        let runtime = self.runtime.take().expect("it runs");
        runtime.shutdown_timeout(seconds(10));
        let last = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        last.block_on(Upkeep::close(&*self.seam, SOON))
            .expect("the writer ends");
    }

    pub(crate) fn take_over(&self) {
        self.on(self.engine.take_over()).expect("taken over");
    }

    /// Starts what can be started now, and waits for nothing.
    pub(crate) fn dispatch(&self) {
        self.on(async { self.engine.dispatch_once() });
    }

    /// Lets everything happen that can happen now.
    pub(crate) fn pump(&self) {
        self.on(async {
            self.engine.dispatch_once();
            self.engine.settled().await;
        });
    }

    /// Looks at what only time tells, then lets everything happen that can happen now.
    pub(crate) fn watch(&self) {
        self.on(self.engine.watch_once()).expect("watched");
        self.pump();
    }

    pub(crate) fn admin() -> Caller {
        Caller::Machine {
            credential: CLIENT.to_owned(),
        }
    }

    /// Adds a connection and answers its id.
    pub(crate) fn connect(&self, connection: &Value) -> String {
        let made = self.on(self.engine.create_connection(&Self::admin(), connection));
        made.expect("a connection").id.as_str().to_owned()
    }

    /// Adds an action whose one input is a text, `name`.
    pub(crate) fn define(&self, identifier: &str, invocation: &Value) {
        let action = action(identifier, invocation);
        self.on(self.engine.create_action(&Self::admin(), &action))
            .expect("an action");
    }

    /// Adds an action whose runs wait for approval.
    pub(crate) fn define_approved(&self, identifier: &str, invocation: &Value) {
        let mut action = action(identifier, invocation);
        action["requiredApproval"] = true.into();
        self.on(self.engine.create_action(&Self::admin(), &action))
            .expect("an action");
    }

    /// Replaces an action.
    pub(crate) fn redefine(&self, identifier: &str, invocation: &Value) {
        let action = action(identifier, invocation);
        self.on(self
            .engine
            .replace_action(&Self::admin(), identifier, &action))
            .expect("replaced");
    }

    pub(crate) fn request(action: &str, name: &str) -> StartRun {
        StartRun {
            action: action.to_owned(),
            properties: json!({"name": name}),
            entity: None,
            run_as: None,
            idempotency_key: None,
            body_hash: [0; 32],
            rerun_of: None,
        }
    }

    /// Requests a run: its id once it is accepted.
    pub(crate) fn start(&self, action: &str) -> RunId {
        self.start_named(action, "a name")
    }

    pub(crate) fn start_named(&self, action: &str, name: &str) -> RunId {
        let request = Self::request(action, name);
        let run = self
            .on(self.engine.start_run(&Self::admin(), request))
            .expect("accepted");
        new_id(&run)
    }

    /// Requests a run without waiting for the answer.
    pub(crate) fn launch(&self, action: &str) -> JoinHandle<Result<RunText, Error>> {
        let (engine, request) = (Arc::clone(&self.engine), Self::request(action, "a name"));
        self.beside(async move { engine.start_run(&Self::admin(), request).await })
    }

    /// The run as the API shows it.
    pub(crate) fn run(&self, id: &RunId) -> Value {
        self.on(self.engine.run(&Self::admin(), id, false))
            .expect("a run")
    }

    /// Every run, newest first.
    pub(crate) fn runs(&self) -> Vec<Value> {
        let filter = longshore_engine::RunFilter {
            limit: 1_000,
            ..Default::default()
        };
        self.on(self.engine.runs(&Self::admin(), filter, false))
            .expect("runs")
            .runs
    }

    pub(crate) fn delivery(&self, run: &RunId) -> Delivery {
        let filter = DeliveryFilter {
            run: Some(run.clone()),
            limit: 1,
            ..DeliveryFilter::default()
        };
        let page = self
            .on(self.engine.deliveries(&Self::admin(), filter))
            .expect("deliveries");
        page.items.into_iter().next().expect("a delivery")
    }

    pub(crate) fn attempts(&self, run: &RunId) -> Vec<Attempt> {
        let delivery = self.delivery(run);
        self.on(self.engine.attempts(&Self::admin(), &delivery.id))
            .expect("attempts")
    }

    /// What the attempts came to, oldest first.
    pub(crate) fn outcomes(&self, run: &RunId) -> Vec<&'static str> {
        self.attempts(run)
            .iter()
            .map(|attempt| attempt.outcome.name())
            .collect()
    }

    /// Reports with the token of an attempt.
    pub(crate) fn report(&self, run: &RunId, attempt: u32, report: Report) -> Result<Value, Error> {
        let caller = Caller::RunToken {
            run: run.clone(),
            attempt,
        };
        self.on(self.engine.report(&caller, run, report))
    }

    /// Redeems with the token of an attempt.
    pub(crate) fn redeem(&self, run: &RunId, attempt: u32, by: &str) -> Result<bool, Error> {
        let caller = Caller::RunToken {
            run: run.clone(),
            attempt,
        };
        self.on(self.engine.redeem(&caller, run, Some(by.to_owned())))
    }
}

fn action(identifier: &str, invocation: &Value) -> Value {
    json!({
        "identifier": identifier,
        "trigger": {
            "type": "self-service",
            "operation": "CREATE",
            "userInputs": {"properties": {"name": {"type": "string"}}, "required": []},
        },
        "invocationMethod": invocation,
    })
}

/// The id of a run that the API showed.
pub(crate) fn run_id(run: &Value) -> RunId {
    RunId::parse(run["id"].as_str().expect("an id")).expect("a run's id")
}

/// The id of a run that was just requested.
pub(crate) fn new_id(run: &RunText) -> RunId {
    run_id(&serde_json::from_str(&run.0).expect("JSON"))
}
