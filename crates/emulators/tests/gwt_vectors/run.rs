//! One vector: its inputs into the emulator's functions, the outcome against what is expected.

use std::collections::BTreeMap;

use longshore_emulators::Secret;
use longshore_emulators::jenkins::gwt::decide::{Decision, Resolved, decide};
use longshore_emulators::jenkins::gwt::hmac;
use longshore_emulators::jenkins::gwt::model::{
    Credentials, DeclaredParameter, ParameterValue, Trigger, Whitelist,
};
use longshore_emulators::jenkins::gwt::parameters::{build_parameters, is_dry_run, quiet_period_s};
use longshore_emulators::jenkins::gwt::render::{matches, render};
use longshore_emulators::jenkins::gwt::request::{GwtRequest, Values, form_as_json};
use longshore_emulators::jenkins::gwt::response::{self, GwtAnswer, JobAnswer, JobResult};
use longshore_emulators::jenkins::gwt::whitelist::{self, Refusal};
use longshore_emulators::jenkins::gwt::{Thrown, cause, token};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

type Outcome = Result<(), String>;

pub(crate) fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("../vectors/gwt.json")).unwrap()
}

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
    let form = headers.get("content-type").is_some_and(|values| {
        values
            .iter()
            .any(|value| value.contains("application/x-www-form-urlencoded"))
    });
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
    let rendered = render(vector["text"].as_str(), &variables).unwrap();
    let expected = &vector["expected"];
    same(&json!(rendered), &expected["rendered"])?;
    if expected["matches"].is_null() {
        return Ok(());
    }
    run_match(
        matches(Some(&rendered), vector["expression"].as_str()),
        expected,
    )
}

fn verdict(result: Result<(), Refusal>, expected: &Value) -> Outcome {
    match result {
        Ok(()) => same(&json!(true), &expected["accepted"]),
        Err(Refusal::Thrown(exception)) => {
            let text = format!("{}: {}", exception.class, exception.message.unwrap());
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
        vector["secret"].as_str().unwrap(),
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
    let names: Vec<_> = vector["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|job| token::calls(&take::<Trigger>(job), &Credentials::new(), given))
        .map(|job| job["name"].clone())
        .collect();
    same(&Value::Array(names), &vector["expected"]["jobs"])
}

fn run_exception_message(vector: &Value) -> Outcome {
    let text = Thrown {
        class: "java.lang.IndexOutOfBoundsException",
        message: vector["exceptionMessage"].as_str().map(str::to_owned),
        thrown_in: vector["stackTop"].as_str().map(|_| "CLASS:LINE"),
    }
    .job_message();
    match vector["expected"]["messageStartsWith"].as_str() {
        Some(start) if text.starts_with(start) => Ok(()),
        Some(start) => Err(format!("{text} does not start with {start}")),
        None => same(&json!(text), &vector["expected"]["message"]),
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
    let several = vector["allowSeveralTriggersPerBuild"].as_bool().unwrap();
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
    let (_, result) = &jobs[0];
    let expected = &vector["expected"];
    match result {
        Err(exception) if expected["exception"].is_string() => thrown(exception, expected),
        Err(exception) => same(&json!(exception.job_message()), expected),
        Ok(resolved) => compare_trigger(vector, resolved),
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
        same(
            &json!(resolved.filter_text),
            &expected["renderedFilterText"],
        )?;
    }
    let exact = vector["exact"].as_bool() == Some(true);
    let variables = if exact {
        &expected["resolvedVariables"]
    } else {
        &vector["observed"]["resolvedVariables"]
    };
    same(&json!(resolved.variables.values), &sorted(variables))
}

fn sorted(value: &Value) -> Value {
    let members: BTreeMap<String, Value> = take(value);
    json!(members)
}

fn run_invoke(vector: &Value) -> Outcome {
    let expected = &vector["expected"];
    if vector["request"]["method"] == "OPTIONS" {
        // Answered before the plugin's own code; over HTTP in `jenkins.rs`.
        return same(&json!(200), &expected["status"]);
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
        let parameters: String = build_parameters(&[], &resolved.variables.values, unique)
            .iter()
            .map(|(name, value)| format!("{name}={};", parameter_json(value).as_str().unwrap()))
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

fn compare_answer(answer: &GwtAnswer, scheduled: &[String], expected: &Value) -> Outcome {
    same(&json!(answer.status), &expected["status"])?;
    same(&json!(scheduled), &expected["scheduled"])?;
    let body = answer.body.clone().unwrap_or_default();
    let text = expected["bodyText"].as_str().unwrap();
    // Java line numbers are not part of the contract.
    let comparable = |text: &str| {
        text.split("Thrown in: ")
            .enumerate()
            .map(|(part, text)| match part {
                0 => text.to_owned(),
                _ => text[text.find('"').unwrap()..].to_owned(),
            })
            .collect::<String>()
    };
    same(&json!(comparable(&body)), &json!(comparable(text)))
}
