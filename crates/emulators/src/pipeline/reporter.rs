//! The HTTP client of a pipeline: one bounded call per report, plain HTTP only.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::ReportOutcome;

/// Longest time for one report, answer included.
const REPORT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer that is read, so that the connection can be used again.
const ANSWER_LIMIT_BYTES: usize = 1 << 20;
/// Longest run id that is put into a path.
const RUN_ID_LIMIT: usize = 64;

/// What a pipeline was given to report with. `Debug` leaves out the token.
#[derive(Clone, Default)]
pub(crate) struct RunAccess {
    pub(crate) token: String,
    pub(crate) api_url: String,
    pub(crate) run_id: String,
}

impl fmt::Debug for RunAccess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RunAccess")
            .field("api_url", &self.api_url)
            .field("run_id", &self.run_id)
            .finish_non_exhaustive()
    }
}

/// Sends reports; one per emulator, shared by its builds.
#[derive(Debug)]
pub(crate) struct Reporter {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Default for Reporter {
    fn default() -> Self {
        Self {
            client: Client::builder(TokioExecutor::new())
                .retry_canceled_requests(false)
                .build_http(),
        }
    }
}

impl Reporter {
    pub(crate) async fn send(
        &self,
        access: &RunAccess,
        verb: &str,
        path: &str,
        body: &str,
    ) -> ReportOutcome {
        let request = match request(access, verb, path, body) {
            Ok(request) => request,
            Err(reason) => return ReportOutcome::Failed(reason),
        };
        match tokio::time::timeout(REPORT_TIMEOUT, self.exchange(request)).await {
            Ok(Ok(status)) => ReportOutcome::Answered(status),
            Ok(Err(reason)) => ReportOutcome::Failed(reason),
            Err(_) => ReportOutcome::Failed(format!("no answer within {REPORT_TIMEOUT:?}")),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<u16, String> {
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        // Only the status matters; a body that is cut short or too long changes nothing.
        let _ = Limited::new(answer.into_body(), ANSWER_LIMIT_BYTES)
            .collect()
            .await;
        Ok(status)
    }
}

fn is_of_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    address.map_or(host.eq_ignore_ascii_case("localhost"), |it| {
        it.is_loopback()
    })
}

/// The body came from outside: nothing of it reaches a request line or header unchecked.
fn request(
    access: &RunAccess,
    verb: &str,
    path: &str,
    body: &str,
) -> Result<Request<Full<Bytes>>, String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    if access.run_id.is_empty()
        || access.run_id.len() > RUN_ID_LIMIT
        || !access.run_id.chars().all(plain)
    {
        return Err("the trigger carried no usable run id".to_owned());
    }
    if access.token.is_empty() {
        return Err("the trigger carried no run token".to_owned());
    }
    if !access.api_url.starts_with("http://") {
        return Err("the trigger carried no API base URL that starts with http://".to_owned());
    }
    let uri: Uri = format!("{}{path}", access.api_url.trim_end_matches('/'))
        .parse()
        .map_err(|error| format!("the API base URL cannot be used: {error}"))?;
    // Whoever calls the trigger says where to report: nothing leaves this machine for it.
    if !uri.host().is_some_and(is_of_this_machine) {
        return Err("the API base URL is not on this machine's loopback".to_owned());
    }
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", access.token))
        .map_err(|_| "the run token cannot stand in a header".to_owned())?;
    bearer.set_sensitive(true);
    let method = Method::from_bytes(verb.as_bytes()).map_err(|error| error.to_string())?;
    Request::builder()
        .method(method)
        .uri(uri)
        .header(AUTHORIZATION, bearer)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{RunAccess, request};

    #[test]
    fn reports_stay_on_this_machine() {
        for (api_url, holds) in [
            ("http://127.0.0.1:3000", true),
            ("http://localhost:3000/api", true),
            ("http://[::1]:3000", true),
            ("http://127.0.0.1.example.com", false),
            ("http://169.254.169.254", false),
            ("http://user@10.0.0.1", false),
            ("https://127.0.0.1", false),
        ] {
            let access = RunAccess {
                token: "t".to_owned(),
                api_url: api_url.to_owned(),
                run_id: "r_1".to_owned(),
            };
            let made = request(&access, "POST", "/v1/actions/runs/r_1/logs", "{}");
            assert_eq!(made.is_ok(), holds, "{api_url}: {made:?}");
        }
    }
}
