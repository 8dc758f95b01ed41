//! Makes a prepared call and tells what came of it, without the secrets that went into it.

use http::HeaderMap;
use longshore_backends::client::{Call, CallProfile, Exchange, MAX_ANSWER_BYTES, Reply};
use longshore_backends::outcome;
use longshore_backends::receiver;
use longshore_backends::request::{Envelope, SignatureHeader};
use longshore_backends::scrub::{Scrubber, may_tell};
use longshore_backends::webhook::{self, Webhook};
use longshore_domain::agent::{AttemptRef, LOGS_LIMIT, Reported, RunReport, Settlement};
use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::id::RunId;
use longshore_domain::outcome::{Outcome, Repeat};
use longshore_domain::signature::{self, RUN_ID_HEADER, SIGNATURE_HEADER};
use longshore_domain::time::Timestamp;
use serde_json::{Map, Value, json};

use super::{Caller, Prepared};
use crate::clock;
use crate::mapping::ReportContext;

/// How much of an answer an attempt keeps.
const EXCERPT_BYTES: usize = 4 * 1024;
/// How much of an answer a line of the run's log repeats.
const LOG_EXCERPT_BYTES: usize = 1_000;
/// The most bytes of one line.
const LINE_BYTES: usize = 2_000;

/// The settlement of a call that was not made.
#[must_use]
pub fn refused(attempt: AttemptRef, diagnosis: Diagnosis) -> Settlement {
    let line = format!("No call was made: {}. {}", diagnosis.message, diagnosis.fix);
    ended(attempt, Outcome::Refused(diagnosis).into(), vec![line])
}

fn ended(attempt: AttemptRef, outcome: Reported, logs: Vec<String>) -> Settlement {
    Settlement {
        attempt,
        outcome,
        started_at: None,
        duration_ms: 0,
        status: None,
        answer: None,
        response: None,
        logs: lines(logs),
        report: None,
    }
}

/// As many lines as a settlement carries, none too long.
fn lines(mut logs: Vec<String>) -> Vec<String> {
    logs.truncate(LOGS_LIMIT);
    for line in &mut logs {
        line.truncate(line.floor_char_boundary(LINE_BYTES));
    }
    logs
}

impl Caller {
    /// Makes the call, once; without a run it is a change's. A repeat is harm where it is for the
    /// server, by `repeat`, or for this agent.
    pub async fn make(
        &self,
        run: Option<&RunId>,
        attempt: AttemptRef,
        repeat: Repeat,
        prepared: Prepared,
    ) -> Settlement {
        let repeat = prepared.route.policy.repeat.stricter(repeat);
        let started_at = clock::now();
        let value = self.signature(&prepared, started_at);
        let call = match call(run, &attempt, started_at, &prepared, &value) {
            Ok(call) => call,
            Err(diagnosis) => return refused(attempt, diagnosis),
        };
        let host = prepared.route.target.host_and_port();
        let mut logs = vec![format!(
            "Agent {} calls {} {host} (attempt {}).",
            self.id, call.method, attempt.attempt
        )];
        let reads_answer = prepared.plan.reads_answer();
        let request = reads_answer.then(|| request(&call, &prepared));
        let exchange = self.client.send(call, &profile(&prepared, repeat)).await;
        let asked = outcome::Asked {
            target: &prepared.route.target,
            repeat,
            synchronized: prepared.synchronized,
            now: clock::now(),
        };
        let receiver = prepared.route.receiver;
        let outcome = receiver::outcome(receiver, &exchange.reply, &asked);
        let scrubber = self.scrubber(&prepared, &value, &outcome, &exchange.reply);
        let outcome = scrubber.scrub_outcome(outcome);
        let duration_ms = u64::try_from(exchange.timings.total.as_millis()).unwrap_or(u64::MAX);
        logs.extend(self.told(&outcome, &exchange, host, duration_ms, &scrubber));
        logs.extend(prepared.plan.notes.iter().cloned());
        let mut settlement = ended(attempt, outcome.into(), Vec::new());
        settlement.started_at = Some(started_at);
        settlement.duration_ms = duration_ms;
        if let Reply::Answered(answer) = &exchange.reply {
            settlement.status = Some(answer.status.as_u16());
            let redacted = receiver::redact(receiver, &answer.body);
            if self.detailed && !redacted.is_empty() {
                let excerpt = scrubber.excerpt(&redacted, answer.truncated, EXCERPT_BYTES);
                settlement.answer = Some(excerpt);
            }
            let scrubbed = scrubber.scrub(&redacted);
            if prepared.synchronized {
                settlement.response = Some(as_value(&scrubbed));
            }
            if let Some(request) = request {
                let response = response(answer.status.as_u16(), &answer.headers, &scrubbed);
                let report = self.report(prepared, request, response, &scrubber);
                let (report, notes) = Box::pin(report).await;
                settlement.report = report;
                logs.extend(notes);
            }
        }
        settlement.logs = lines(logs);
        settlement
    }

    fn signature(&self, prepared: &Prepared, at: Timestamp) -> String {
        let secret = self.signing_secret(prepared).as_bytes();
        let preset = prepared.route.policy.preset;
        signature::sign(preset, secret, at.as_seconds(), &prepared.body)
    }

    /// The secret of the connection, else the client secret.
    fn signing_secret<'a>(&'a self, prepared: &'a Prepared) -> &'a str {
        let known = prepared.route.known.as_ref();
        let own = known.and_then(|known| known.connection.signing_secret.as_ref());
        own.unwrap_or(&self.secrets.current).expose()
    }

    /// Takes out what the call carried; nothing where no text that is told can hold any of it.
    fn scrubber(
        &self,
        prepared: &Prepared,
        value: &str,
        outcome: &Outcome,
        reply: &Reply,
    ) -> Scrubber {
        let mapped = prepared.plan.secrets.iter();
        let mapped = mapped.map(|secret| secret.expose().as_str());
        let own = [value, self.signing_secret(prepared)];
        let secrets: Vec<&str> = mapped.chain(own).chain(self.secrets.all()).collect();
        // A report may be made of more than the answer.
        if prepared.plan.reads_answer() || may_tell(outcome, reply, &secrets) {
            return Scrubber::new(secrets);
        }
        Scrubber::default()
    }

    /// The lines of what came of the call.
    fn told(
        &self,
        outcome: &Outcome,
        exchange: &Exchange,
        host: &str,
        duration_ms: u64,
        scrubber: &Scrubber,
    ) -> Vec<String> {
        let fault = |found: &Diagnosis| format!("{} {}", found.message, found.fix);
        let mut told = Vec::new();
        if let Reply::Answered(answer) = &exchange.reply {
            let status = answer.status;
            told.push(format!("{host} answered {status} after {duration_ms} ms."));
        }
        match outcome {
            Outcome::Accepted(accepted) => told.extend(accepted.warning.as_ref().map(fault)),
            Outcome::Retry(retry) => told.push(fault(&retry.diagnosis)),
            Outcome::Unknown(found) | Outcome::Refused(found) => told.push(fault(found)),
        }
        if let (true, Reply::Answered(answer)) = (self.detailed, &exchange.reply)
            && !answer.status.is_success()
            && !answer.body.is_empty()
        {
            let excerpt = scrubber.excerpt(&answer.body, answer.truncated, LOG_EXCERPT_BYTES);
            told.push(format!("The answer begins: {excerpt}"));
        }
        told
    }

    async fn report(
        &self,
        prepared: Prepared,
        request: Value,
        response: Value,
        scrubber: &Scrubber,
    ) -> (Option<RunReport>, Vec<String>) {
        let Prepared { plan, message, .. } = prepared;
        let context = ReportContext {
            body: message,
            request,
            response,
        };
        let (report, notes) = self.mappings.report(&plan, &self.evaluator, context).await;
        let scrubbed = report.map(|report| RunReport {
            status: report.status,
            link: report.link.map(|link| scrub_links(link, scrubber)),
            summary: report.summary.map(|text| scrubber.scrub_text(&text)),
            external_run_id: report
                .external_run_id
                .map(|text| scrubber.scrub_text(&text)),
        });
        (scrubbed, notes)
    }
}

fn scrub_links(link: Value, scrubber: &Scrubber) -> Value {
    match link {
        Value::String(text) => Value::String(scrubber.scrub_text(&text)),
        Value::Array(links) => {
            let links = links.into_iter().map(|link| scrub_links(link, scrubber));
            Value::Array(links.collect())
        }
        other => other,
    }
}

fn profile(prepared: &Prepared, repeat: Repeat) -> CallProfile {
    let Prepared { route, plan, .. } = prepared;
    let whole = prepared.synchronized || plan.reads_answer();
    CallProfile {
        repeat,
        connect_timeout: route.policy.connect_timeout,
        total_timeout: route.policy.timeout,
        tls: route.known.as_ref().and_then(|known| known.tls.clone()),
        keep_answer_bytes: if whole {
            MAX_ANSWER_BYTES
        } else {
            receiver::keep_answer_bytes(route.receiver)
        },
    }
}

fn call(
    run: Option<&RunId>,
    attempt: &AttemptRef,
    timestamp: Timestamp,
    prepared: &Prepared,
    value: &str,
) -> Result<Call, Diagnosis> {
    let known = prepared.route.known.as_ref();
    let settings = known.map(|known| &known.connection.settings);
    let envelope = Envelope {
        run_id: run.map_or("", RunId::as_str),
        delivery_id: attempt.delivery.as_str(),
        attempt: attempt.attempt,
        timestamp,
        signature: SignatureHeader {
            name: settings
                .and_then(|known| known.signature_header.as_deref())
                .unwrap_or(SIGNATURE_HEADER),
            prefix: settings
                .and_then(|known| known.signature_prefix.as_deref())
                .unwrap_or_default(),
            value,
        },
    };
    let mut call = webhook::request(
        prepared.route.target.clone(),
        &Webhook {
            method: prepared.plan.method.as_deref(),
            headers: &prepared.plan.headers,
            body: &prepared.body,
        },
        &envelope,
    )?;
    if run.is_none() {
        call.headers.remove(RUN_ID_HEADER);
    }
    Ok(call)
}

/// JSON where it is, else text.
fn as_value(body: &[u8]) -> Value {
    let text = || Value::String(String::from_utf8_lossy(body).into_owned());
    serde_json::from_slice(body).unwrap_or_else(|_| text())
}

/// What a report's expressions see of the request.
fn request(call: &Call, prepared: &Prepared) -> Value {
    let plan = &prepared.plan;
    let object = |pairs: &[(String, String)]| -> Map<String, Value> {
        let pairs = pairs.iter().cloned();
        pairs.map(|(name, value)| (name, value.into())).collect()
    };
    json!({
        "method": call.method.as_str(),
        "url": plan.url,
        "headers": object(&plan.headers),
        "query": object(&plan.query),
        "body": plan.body.of(&prepared.message),
    })
}

/// What they see of the answer. Header names stand in lower case and as they are usually written.
fn response(status: u16, headers: &HeaderMap, body: &[u8]) -> Value {
    let mut named = Map::new();
    for (name, value) in headers {
        let value = Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned());
        named.insert(usual_case(name.as_str()), value.clone());
        named.insert(name.as_str().to_owned(), value);
    }
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    json!({
        "statusCode": status,
        "headers": named,
        "text": String::from_utf8_lossy(body),
        "json": parsed,
    })
}

fn usual_case(name: &str) -> String {
    let mut begins = true;
    name.chars()
        .map(|c| {
            let shown = if begins { c.to_ascii_uppercase() } else { c };
            begins = c == '-';
            shown
        })
        .collect()
}
