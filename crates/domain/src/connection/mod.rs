//! Connections: known servers, and how they are called.
//!
//! A connection is data that an API credential may change, so it never holds what protects the
//! operator's network (address ranges, proxies, CA bundle, bind address): that is configuration.

mod place;

use std::time::Duration;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::delivery::{Receiver, Schedule};
use crate::outcome::Repeat;
use crate::signature::Preset;
use crate::violation::Violation;

pub use place::{Place, PlaceError};

/// Bounds of a connection's settings.
mod bound {
    pub(super) const NAME_CHARS: usize = 100;
    pub(super) const SCHEDULE_STEPS: usize = 50;
    pub(super) const SCHEDULE_SPAN_SECONDS: u64 = 30 * 24 * 3600;
    pub(super) const TIMEOUT_MS: u64 = 10 * 60 * 1000;
    pub(super) const REPORT_TIMEOUT_SECONDS: u64 = 365 * 24 * 3600;
    pub(super) const CONCURRENCY: u32 = 1_000;
    pub(super) const RATE_PER_SECOND: f64 = 100_000.0;
    pub(super) const PEM_BYTES: usize = 64 * 1024;
}

/// How a known server is called; what is absent follows the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connection {
    /// A name for people and metrics, unique.
    pub name: String,
    /// Scheme, host, port and the path that calls must start with.
    pub url: String,
    /// The form of the signature.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "preset"
    )]
    pub preset: Option<Preset>,
    /// The header that carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_header: Option<String>,
    /// What stands before it in the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_prefix: Option<String>,
    /// Milliseconds until the connection must stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout_ms: Option<u64>,
    /// Milliseconds until the answer must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The waits between attempts, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_schedule: Option<Vec<u64>>,
    /// Whether a call with an unknown outcome is sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_unknown: Option<bool>,
    /// Seconds that an accepted run may be silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_timeout_seconds: Option<u64>,
    /// How many calls may be under way at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// How many calls may be started a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<f64>,
    /// CA certificates (PEM) that this server's certificate may come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// The certificate chain (PEM) shown to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// The base of Azure DevOps URLs (Azure DevOps Server), in place of the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
}

/// How deliveries without a connection are sent; from the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    /// Calls at once where a repeat is allowed.
    pub concurrency: u32,
    /// Calls at once where a repeat is harm.
    pub concurrency_harm: u32,
    /// Until the connection must stand.
    pub connect_timeout: Duration,
    /// Until the answer must be there.
    pub timeout: Duration,
    /// The waits between attempts.
    pub schedule: Schedule,
    /// How long an accepted run may be silent.
    pub report_timeout: Duration,
}

/// How one destination's deliveries are sent: a connection over the defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Whether a repeat is harm.
    pub repeat: Repeat,
    /// The form of the signature.
    pub preset: Preset,
    /// Calls at once.
    pub concurrency: u32,
    /// Calls that may be started a second.
    pub rate_per_second: Option<f64>,
    /// Until the connection must stand.
    pub connect_timeout: Duration,
    /// Until the answer must be there.
    pub timeout: Duration,
    /// The waits between attempts.
    pub schedule: Schedule,
    /// How long an accepted run may be silent.
    pub report_timeout: Duration,
}

/// A string alone: an enum's derived reader takes `{"jenkins": null}` as well.
fn preset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Preset>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    name.map(|name| Preset::deserialize(name.into_deserializer()))
        .transpose()
}

impl Connection {
    /// Reads a connection.
    ///
    /// # Errors
    /// Every mistake, each with its key.
    pub fn parse(document: &Value) -> Result<Self, Vec<Violation>> {
        let parsed: Self = serde_path_to_error::deserialize(document).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { "" } else { path.as_str() };
            vec![Violation::new(path, error.inner().to_string())]
        })?;
        let violations = parsed.violations();
        if violations.is_empty() {
            Ok(parsed)
        } else {
            Err(violations)
        }
    }

    fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut check = |holds: bool, path: &str, expected: String| {
            if !holds {
                found.push(Violation::new(path, expected));
            }
        };
        let chars = self.name.chars().count();
        let name_length = format!("expected 1 to {} characters", bound::NAME_CHARS);
        check(
            (1..=bound::NAME_CHARS).contains(&chars),
            "name",
            name_length,
        );
        if let Err(error) = Place::parse(&self.url) {
            check(false, "url", error.to_string());
        }
        if let Some(Err(error)) = self.base_url.as_deref().map(Place::parse) {
            check(false, "baseUrl", error.to_string());
        }
        let within = |value: Option<u64>, most: u64| value.is_none_or(|v| (1..=most).contains(&v));
        let range = |most: u64| format!("expected 1 to {most}");
        check(
            within(self.connect_timeout_ms, bound::TIMEOUT_MS),
            "connectTimeoutMs",
            range(bound::TIMEOUT_MS),
        );
        check(
            within(self.timeout_ms, bound::TIMEOUT_MS),
            "timeoutMs",
            range(bound::TIMEOUT_MS),
        );
        check(
            within(self.report_timeout_seconds, bound::REPORT_TIMEOUT_SECONDS),
            "reportTimeoutSeconds",
            range(bound::REPORT_TIMEOUT_SECONDS),
        );
        check(
            within(self.concurrency.map(u64::from), bound::CONCURRENCY.into()),
            "concurrency",
            range(bound::CONCURRENCY.into()),
        );
        let rate_holds = self
            .rate_per_second
            .is_none_or(|rate| rate > 0.0 && rate <= bound::RATE_PER_SECOND);
        let rate = format!(
            "expected more than 0 and at most {}",
            bound::RATE_PER_SECOND
        );
        check(rate_holds, "ratePerSecond", rate);
        self.check_schedule(&mut check);
        self.check_texts(&mut check);
        found
    }

    fn check_schedule(&self, check: &mut impl FnMut(bool, &str, String)) {
        let waits = self.retry_schedule.as_deref().unwrap_or_default();
        let span = waits
            .iter()
            .fold(0u64, |sum, wait| sum.saturating_add(*wait));
        check(
            waits.len() <= bound::SCHEDULE_STEPS && span <= bound::SCHEDULE_SPAN_SECONDS,
            "retrySchedule",
            format!(
                "expected at most {} waits of together at most {} seconds",
                bound::SCHEDULE_STEPS,
                bound::SCHEDULE_SPAN_SECONDS
            ),
        );
    }

    fn check_texts(&self, check: &mut impl FnMut(bool, &str, String)) {
        let token = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
        };
        let header_holds = self.signature_header.as_deref().is_none_or(token);
        check(
            header_holds,
            "signatureHeader",
            "expected the name of an HTTP header".into(),
        );
        let prefix_holds = self
            .signature_prefix
            .as_deref()
            .is_none_or(|text| text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        check(
            prefix_holds,
            "signaturePrefix",
            "expected printable ASCII".into(),
        );
        for (path, pem) in [
            ("caCertificate", &self.ca_certificate),
            ("clientCertificate", &self.client_certificate),
        ] {
            let holds = pem.as_deref().is_none_or(|pem| {
                pem.len() <= bound::PEM_BYTES && pem.contains("-----BEGIN CERTIFICATE-----")
            });
            let expected = format!(
                "expected PEM certificates of at most {} bytes",
                bound::PEM_BYTES
            );
            check(holds, path, expected);
        }
    }
}

impl Policy {
    /// How calls to `receiver` are sent: `connection` over `defaults`.
    #[must_use]
    pub fn of(
        connection: Option<&Connection>,
        defaults: &Defaults,
        receiver: Receiver,
        preset: Preset,
    ) -> Self {
        let millis = |value: Option<u64>| value.map(Duration::from_millis);
        let vendor = matches!(receiver, Receiver::Jenkins | Receiver::AzurePipelines);
        let repeat_unknown = connection
            .and_then(|known| known.repeat_unknown)
            .unwrap_or(!vendor);
        let repeat = if repeat_unknown {
            Repeat::Allowed
        } else {
            Repeat::Harm
        };
        let concurrency = match repeat {
            Repeat::Harm => defaults.concurrency_harm,
            Repeat::Allowed => defaults.concurrency,
        };
        let schedule = connection
            .and_then(|known| known.retry_schedule.as_ref())
            .map(|waits| Schedule::new(waits.iter().copied().map(Duration::from_secs).collect()));
        Self {
            repeat,
            preset: connection.and_then(|known| known.preset).unwrap_or(preset),
            concurrency: connection
                .and_then(|known| known.concurrency)
                .unwrap_or(concurrency),
            rate_per_second: connection.and_then(|known| known.rate_per_second),
            connect_timeout: millis(connection.and_then(|known| known.connect_timeout_ms))
                .unwrap_or(defaults.connect_timeout),
            timeout: millis(connection.and_then(|known| known.timeout_ms))
                .unwrap_or(defaults.timeout),
            schedule: schedule.unwrap_or_else(|| defaults.schedule.clone()),
            report_timeout: connection
                .and_then(|known| known.report_timeout_seconds)
                .map_or(defaults.report_timeout, Duration::from_secs),
        }
    }
}
