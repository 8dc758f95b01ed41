//! One vector: its inputs into the emulator's functions, the outcome against what is expected.
//!
//! Every field of `expected` that a kind may carry is compared; what only a JDK decides is left out
//! by rule (`comparable.rs`), never by a vector's name.

use std::collections::{BTreeMap, BTreeSet};

use longshore_emulators::Secret;
use longshore_emulators::jenkins::gwt::decide::{Decision, Resolved, decide};
use longshore_emulators::jenkins::gwt::hmac;
use longshore_emulators::jenkins::gwt::model::{
    Credentials, DeclaredParameter, ParameterValue, Trigger, Whitelist,
};
use longshore_emulators::jenkins::gwt::parameters::{build_parameters, is_dry_run, quiet_period_s};
use longshore_emulators::jenkins::gwt::render::{matches, render, resolve_order};
use longshore_emulators::jenkins::gwt::request::{GwtRequest, Values, form_as_json};
use longshore_emulators::jenkins::gwt::response::{self, GwtAnswer, JobAnswer, JobResult};
use longshore_emulators::jenkins::gwt::whitelist::{self, Refusal};
use longshore_emulators::jenkins::gwt::{Thrown, cause, token};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::comparable::{same_answer, same_value, without_java_places};

type Outcome = Result<(), String>;

pub(crate) fn run(vector: &Value) -> Outcome {
    let expected = &vector["expected"];
    match vector["kind"].as_str().unwrap() {
        "token" => {
            let request = request(vector);
            let given = token::given(&request.parameters, &request.headers);
            same(&json!(given), &expected["token"])
        }
        "render" => run_render(vector),
        "match" => {
            let found = matches(vector["text"].as_str(), vector["expression"].as_str());
            run_match(found, expected)
        }
        "hmac" => run_hmac(vector),
        "whitelist" => run_whitelist(vector),
        "notFoundMessage" => {
            let message = token::not_found_message(vector["token"].as_str());
            same(&json!(message), &expected["message"])
        }
        "quietPeriod" => {
            let request = request(vector);
            let headers = match vector["rawHeaderMap"].as_bool() {
                Some(true) => take(&vector["request"]["headers"]),
                _ => request.headers,
            };
            let seconds = quiet_period_s(&request.parameters, &headers);
            same(&json!(seconds), &expected["quietPeriod"])
        }
        "dryRun" => same(
            &json!(is_dry_run(&request(vector).headers)),
            &expected["dryRun"],
        ),
        "cause" => {
            let shown = cause::short_description(vector["cause"].as_str());
            same(&json!(shown), &expected["shortDescription"])
        }
        "headerMap" => same(&json!(request(vector).headers), &expected["headerMap"]),
        "jobFinder" => run_job_finder(vector),
        "exceptionMessage" => run_exception_message(vector),
        "variableOrder" => run_variable_order(vector),
        "parameters" => run_parameters(vector),
        "trigger" => run_trigger(vector),
        "invoke" => run_invoke(vector),
        kind => Err(format!("unknown kind {kind}")),
    }
}

fn same(actual: &Value, expected: &Value) -> Outcome {
    if actual == expected {
        return Ok(());
    }
    Err(format!("got {actual}, expected {expected}"))
}

fn take<T: DeserializeOwned + Default>(value: &Value) -> T {
    match value {
        Value::Null => T::default(),
        value => serde_json::from_value(value.clone()).unwrap(),
    }
}

fn request(vector: &Value) -> GwtRequest {
    let given = &vector["request"];
    let mut headers = Values::new();
    for (name, values) in take::<Values>(&given["headers"]) {
        headers
            .entry(name.to_lowercase())
            .or_default()
            .extend(values);
    }
    let mut parameters: Values = take(&given["query"]);
    for (name, values) in take::<Values>(&given["form"]) {
        parameters.entry(name).or_default().extend(values);
    }
    let form = is_form(vector);
    let post_content = match (form, given["body"].as_str(), given["bodyBase64"].as_str()) {
        (true, _, _) => form_as_json(&parameters),
        (false, _, Some(encoded)) => {
            use base64::Engine;
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(encoded)
                .unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        (false, body, None) => body.unwrap_or_default().to_owned(),
    };
    GwtRequest {
        parameters,
        headers,
        post_content,
        remote_address: given["remoteAddr"]
            .as_str()
            .unwrap_or("127.0.0.1")
            .to_owned(),
    }
}

/// Whether the post content is made from the parameters.
fn is_form(vector: &Value) -> bool {
    let headers: Values = take(&vector["request"]["headers"]);
    headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .flat_map(|(_, values)| values)
        .any(|value| value.contains("application/x-www-form-urlencoded"))
}

fn thrown(thrown: &Thrown, expected: &Value) -> Outcome {
    let text = expected["exception"].as_str().unwrap_or_default();
    // The wording of syntax errors is the JDK's own.
    if text.starts_with(thrown.class) {
        return Ok(());
    }
    Err(format!("threw {thrown:?}, expected {expected}"))
}

fn run_match(found: Result<bool, Thrown>, expected: &Value) -> Outcome {
    match found {
        Ok(found) => same(&json!(found), &expected["matches"]),
        Err(exception) => thrown(&exception, expected),
    }
}

fn run_render(vector: &Value) -> Outcome {
    let variables: BTreeMap<String, String> = take(&vector["variables"]);
    let expected = &vector["expected"];
    let rendered = match render(vector["text"].as_str(), &variables) {
        Ok(rendered) => rendered,
        Err(exception) => return thrown(&exception, expected),
    };
    if expected["matches"].is_null() || !expected["rendered"].is_null() {
        same(&json!(rendered), &expected["rendered"])?;
    }
    if expected["matches"].is_null() {
        return Ok(());
    }
    run_match(
        matches(Some(&rendered), vector["expression"].as_str()),
        expected,
    )
}

/// Names as a list, or as the members of the variables' object.
fn run_variable_order(vector: &Value) -> Outcome {
    let names = match &vector["variables"] {
        Value::Object(variables) => variables.keys().cloned().collect(),
        Value::Null => take::<Vec<String>>(&vector["names"]),
        names => take(names),
    };
    let expected = &vector["expected"];
    let expected = match expected {
        Value::Object(fields) => fields.values().find(|field| field.is_array()),
        order => Some(order),
    };
    let order = resolve_order(names.iter().map(String::as_str));
    same(&json!(order), expected.unwrap_or(&Value::Null))
}

fn verdict(result: Result<(), Refusal>, expected: &Value) -> Outcome {
    match result {
        Ok(()) => same(&json!(true), &expected["accepted"]),
        Err(Refusal::Thrown(exception)) => {
            let message = exception.message.map(|message| format!(": {message}"));
            let text = format!("{}{}", exception.class, message.unwrap_or_default());
            same(&json!(text), &expected["exception"])
        }
        Err(Refusal::Refused(reason)) => {
            same(&json!(false), &expected["accepted"])?;
            if let Some(part) = expected["errorContains"].as_str()
                && !reason.contains(part)
            {
                return Err(format!("{reason} lacks {part}"));
            }
            match &expected["error"] {
                Value::Null => Ok(()),
                error => same(&json!(reason), error),
            }
        }
    }
}

fn run_hmac(vector: &Value) -> Outcome {
    let request = request(vector);
    let result = hmac::verify(
        &request.headers,
        &request.post_content,
        vector["hmacHeader"].as_str(),
        vector["secret"].as_str().unwrap_or_default(),
        vector["algorithm"].as_str(),
    );
    verdict(result.map_err(Refusal::from), &vector["expected"])
}

fn run_whitelist(vector: &Value) -> Outcome {
    let configured: Whitelist = take(&vector["whitelist"]);
    let credentials: Credentials = take(&vector["whitelist"]["credentials"]);
    let result = whitelist::check(&configured, &credentials, &request(vector));
    verdict(result, &vector["expected"])
}

fn run_job_finder(vector: &Value) -> Outcome {
    let given = vector["givenToken"].as_str();
    let credentials: Credentials = take(&vector["credentials"]);
    let expected = &vector["expected"];
    let names: BTreeSet<_> = vector["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|job| token::calls(&take::<Trigger>(job), &credentials, given))
        .map(|job| job["name"].as_str().unwrap().to_owned())
        .collect();
    let wanted: BTreeSet<String> = take(&expected["jobs"]);
    same(&json!(names), &json!(wanted))?;
    match &expected["asSystem"] {
        Value::Null => Ok(()),
        wanted => same(&json!(!token::needs_read(given)), wanted),
    }
}

fn run_exception_message(vector: &Value) -> Outcome {
    let class = vector["exceptionClass"].as_str().unwrap().to_owned();
    let place = vector["stackTop"].as_str().map(str::to_owned);
    let text = Thrown {
        // Classes are known by name in the emulator; a vector may bring any.
        class: class.leak(),
        message: vector["exceptionMessage"].as_str().map(str::to_owned),
        thrown_in: place.map(|place| &*place.leak()),
    }
    .job_message();
    let expected = &vector["expected"];
    if let Some(start) = expected["messageStartsWith"].as_str()
        && !text.starts_with(start)
    {
        return Err(format!("{text} does not start with {start}"));
    }
    match &expected["message"] {
        Value::Null if expected["messageStartsWith"].is_string() => Ok(()),
        message => same(
            &json!(without_java_places(&text)),
            &json!(without_java_places(message.as_str().unwrap_or_default())),
        ),
    }
}

fn parameter_json(value: &ParameterValue) -> Value {
    match value {
        ParameterValue::Boolean(truth) => json!(truth),
        ParameterValue::Text(text) => json!(text),
    }
}

fn run_parameters(vector: &Value) -> Outcome {
    let declared: Vec<DeclaredParameter> = take(&vector["parameters"]);
    let several = vector["allowSeveralTriggersPerBuild"].as_bool() == Some(true);
    let unique = (!several).then(|| "<uuid>".to_owned());
    let parameters = build_parameters(&declared, &take(&vector["variables"]), unique);
    let expected = &vector["expected"];
    if !expected["parameterCount"].is_null() {
        same(&json!(parameters.len()), &expected["parameterCount"])?;
    }
    if expected["parameters"].is_null() {
        return Ok(());
    }
    let listed: Vec<_> = parameters
        .iter()
        .map(|(name, value)| json!([name, parameter_json(value)]))
        .collect();
    same(&json!(listed), &expected["parameters"])
}

fn run_trigger(vector: &Value) -> Outcome {
    let trigger: Trigger = take(&vector["trigger"]);
    if let Some((_, reason)) = trigger.unsupported() {
        return Err(reason);
    }
    let Decision::Jobs { jobs, .. } = decide_untokened(&trigger, &request(vector)) else {
        return Err("refused".to_owned());
    };
    let (_, result) = jobs.into_iter().next().unwrap();
    let expected = &vector["expected"];
    match result {
        Err(exception) => thrown(&exception, expected),
        Ok(_) if expected["exception"].is_string() => {
            Err(format!("threw nothing, expected {expected}"))
        }
        Ok(resolved) => {
            compare_trigger(vector, &resolved)?;
            let mut scheduled = Vec::new();
            let job = json!({"job": "a"});
            let answer = job_answer((&job, &trigger), Ok(resolved), false, &mut scheduled);
            let status = response::for_jobs(vec![answer]).map(|answer| answer.status);
            match (&expected["status"], status) {
                (Value::Null, _) => Ok(()),
                (wanted, Ok(status)) => same(&json!(status), wanted),
                (_, Err(exception)) => thrown(&exception, expected),
            }
        }
    }
}

/// The vectors call the plugin below its token check.
fn decide_untokened(trigger: &Trigger, request: &GwtRequest) -> Decision {
    let given = token::given(&request.parameters, &request.headers);
    let trigger = Trigger {
        token: given.map(|token| token.as_str().into()),
        token_credential_id: None,
        ..trigger.clone()
    };
    decide(
        [&trigger].into_iter(),
        &Whitelist::default(),
        &Credentials::new(),
        request,
    )
}

fn compare_trigger(vector: &Value, resolved: &Resolved) -> Outcome {
    let expected = &vector["expected"];
    if !expected["triggered"].is_null() {
        same(&json!(resolved.matches), &expected["triggered"])?;
    }
    if !expected["renderedFilterText"].is_null() {
        let rendered = &expected["renderedFilterText"];
        same_value(
            &resolved.filter_text,
            rendered.as_str().unwrap(),
            is_form(vector),
        )?;
    }
    let exact = vector["exact"].as_bool() == Some(true);
    if exact {
        return complete(vector, resolved, &expected["resolvedVariables"]);
    }
    compare_loosely(vector, resolved)?;
    match &vector["observed"]["resolvedVariables"] {
        Value::Null => Ok(()),
        observed => complete(vector, resolved, observed),
    }
}

/// All variables, and no others.
fn complete(vector: &Value, resolved: &Resolved, expected: &Value) -> Outcome {
    let expected: BTreeMap<String, String> = take(expected);
    let names: Vec<_> = resolved.variables.values.keys().collect();
    same(&json!(names), &json!(expected.keys().collect::<Vec<_>>()))?;
    for (name, value) in &expected {
        let given = resolved
            .variables
            .values
            .get(name)
            .map_or("", String::as_str);
        same_value(given, value, is_form(vector))
            .map_err(|difference| format!("{name}: {difference}"))?;
    }
    Ok(())
}

/// What the plugin's own tests look at; there an empty text may also be absent.
fn compare_loosely(vector: &Value, resolved: &Resolved) -> Outcome {
    let expected = &vector["expected"];
    let variables = &resolved.variables.values;
    let wanted: BTreeMap<String, String> = take(&expected["resolvedVariables"]);
    for (name, value) in &wanted {
        let given = variables.get(name).map_or("", String::as_str);
        same_value(given, value, is_form(vector))
            .map_err(|difference| format!("{name}: {difference}"))?;
    }
    if !expected["variableCount"].is_null() {
        same(&json!(variables.len()), &expected["variableCount"])?;
    }
    if !expected["onlyKeys"].is_null() {
        let wanted: BTreeSet<String> = take(&expected["onlyKeys"]);
        same(&json!(variables.keys().collect::<Vec<_>>()), &json!(wanted))?;
    }
    let without_space = |text: &str| text.split_whitespace().collect::<String>();
    let spaced: BTreeMap<String, String> = take(&expected["resolvedVariablesIgnoringWhitespace"]);
    for (name, value) in &spaced {
        let given = variables.get(name).map_or("", String::as_str);
        same(&json!(without_space(given)), &json!(without_space(value)))?;
    }
    Ok(())
}

fn run_invoke(vector: &Value) -> Outcome {
    let expected = &vector["expected"];
    if vector["request"]["method"] == "OPTIONS" {
        // Answered before the plugin's own code; over HTTP in `jenkins.rs`.
        let empty = GwtAnswer {
            status: 200,
            body: None,
        };
        return compare_answer(&empty, &[], expected);
    }
    let jobs = vector["jobs"].as_array().unwrap();
    let triggers: Vec<Trigger> = jobs.iter().map(take).collect();
    let configured: Whitelist = take(&vector["whitelist"]);
    let credentials: Credentials = take(&vector["whitelist"]["credentials"]);
    let request = request(vector);
    let decision = decide(triggers.iter(), &configured, &credentials, &request);
    let mut scheduled = Vec::new();
    let answer = match decision {
        Decision::Refused(reason) => {
            response::refused(&request.remote_address, &request.header_text(), &reason)
        }
        Decision::Uncaught(exception) => return thrown(&exception, expected),
        Decision::Jobs {
            token,
            jobs: called,
            ..
        } if called.is_empty() => response::not_found(&token::not_found_message(
            token.as_ref().map(Secret::expose),
        )),
        Decision::Jobs {
            dry_run,
            jobs: called,
            ..
        } => {
            let answers = called
                .into_iter()
                .map(|(index, result)| {
                    let job = (&jobs[index], &triggers[index]);
                    job_answer(job, result, dry_run, &mut scheduled)
                })
                .collect();
            match response::for_jobs(answers) {
                Ok(answer) => answer,
                Err(exception) => return thrown(&exception, expected),
            }
        }
    };
    compare_answer(&answer, &scheduled, expected)
}

fn job_answer(
    (job, trigger): (&Value, &Trigger),
    result: Result<Resolved, Thrown>,
    dry_run: bool,
    scheduled: &mut Vec<String>,
) -> JobAnswer {
    let name = job["job"].as_str().unwrap().to_owned();
    let resolved = match result {
        Ok(resolved) => resolved,
        Err(thrown) => return JobAnswer::Threw(name, thrown),
    };
    let goes = resolved.matches && job["disabled"].as_bool() != Some(true);
    let (id, url) = if !goes {
        (0, String::new())
    } else if dry_run {
        let path = name.replace('/', "/job/");
        (0, format!("http://localhost:8080/jenkins/job/{path}/"))
    } else {
        let unique = (!trigger.allow_several_triggers_per_build).then(|| "<uuid>".to_owned());
        let declared: Vec<DeclaredParameter> = take(&job["parameters"]);
        let parameters: String = build_parameters(&declared, &resolved.variables.values, unique)
            .iter()
            .map(|(name, value)| match value {
                ParameterValue::Boolean(truth) => format!("{name}={truth};"),
                ParameterValue::Text(text) => format!("{name}={text};"),
            })
            .collect();
        scheduled.push(format!(
            "{name} quiet={} cause={} params={parameters}",
            resolved.quiet_period_s,
            cause::short_description(Some(&resolved.cause)),
        ));
        let id = scheduled.len() as u64;
        (id, format!("queue/item/{id}/"))
    };
    if trigger.silent_response {
        return JobAnswer::Silent;
    }
    let result = JobResult {
        regexp_filter_expression: trigger.regexp_filter_expression.clone().unwrap_or_default(),
        triggered: goes,
        resolved_variables: resolved.variables.values,
        regexp_filter_text: resolved.filter_text,
        id,
        url,
    };
    JobAnswer::Result(name, result)
}

/// Jobs are answered in an order that the plugin does not promise.
fn compare_answer(answer: &GwtAnswer, scheduled: &[String], expected: &Value) -> Outcome {
    same(&json!(answer.status), &expected["status"])?;
    let content_type = answer.body.is_some().then_some(response::CONTENT_TYPE);
    same(&json!(content_type), &expected["contentType"])?;
    let given: BTreeSet<&String> = scheduled.iter().collect();
    let wanted: BTreeSet<String> = take(&expected["scheduled"]);
    same(&json!(given), &json!(wanted))?;
    same(
        &json!(scheduled.len()),
        &json!(take::<Vec<String>>(&expected["scheduled"]).len()),
    )?;
    let body = answer.body.as_deref().unwrap_or_default();
    same_answer(body, expected["bodyText"].as_str().unwrap_or_default())?;
    match &expected["body"] {
        Value::Null => Ok(()),
        wanted => same_answer(body, &wanted.to_string()),
    }
}
