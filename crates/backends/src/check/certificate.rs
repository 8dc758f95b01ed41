//! The receiver's certificate, for people: its names, who issued it, how long it is good.

use std::time::Duration;

use longshore_domain::diagnosis::Reason;
use longshore_domain::time::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::{Finding, Step};
use crate::outcome::diagnosis;
use crate::quote::quote;

/// A certificate that ends sooner is told of.
pub(super) const ENDS_SOON: Duration = Duration::from_hours(21 * 24);
/// How many names are told.
const MAX_TOLD_NAMES: usize = 10;

/// What `own`, the first of a chain of `chain`, says. Whether it holds is the handshake's to say.
pub(super) fn finding(own: &[u8], chain: usize, now: Timestamp) -> Finding {
    let Ok((_, certificate)) = X509Certificate::from_der(own) else {
        return Finding::unknown(Step::Certificate, "The certificate could not be read.");
    };
    let names = names(&certificate);
    let issuer = quote(&certificate.issuer().to_string());
    let begins = seconds(certificate.validity().not_before.timestamp());
    let ends = seconds(certificate.validity().not_after.timestamp());
    let sent = match chain {
        1 => "no intermediate certificate".to_owned(),
        2 => "one intermediate certificate".to_owned(),
        more => format!("{} intermediate certificates", more - 1),
    };
    let facts =
        format!("For {names}; issued by {issuer}; good from {begins} to {ends}; sent with {sent}.");
    if now < begins || now > ends {
        return Finding::failed(
            Step::Certificate,
            diagnosis(
                Reason::TlsExpired,
                facts,
                "Renew the receiver's certificate, and check both machines' clocks.",
            ),
        );
    }
    let left = ends.since(now);
    if left < ENDS_SOON {
        let days = left.as_secs() / (24 * 60 * 60);
        return Finding::warning(
            Step::Certificate,
            diagnosis(
                Reason::TlsExpired,
                format!("{facts} It ends in {days} days."),
                "Renew the receiver's certificate before it ends.",
            ),
        );
    }
    Finding::ok(Step::Certificate, facts)
}

fn names(certificate: &X509Certificate<'_>) -> String {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let mut found: Vec<String> = alternatives
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(quote(name)),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        })
        .take(MAX_TOLD_NAMES)
        .collect();
    if found.is_empty() {
        found.push(format!(
            "no name of a host ({})",
            quote(&certificate.subject().to_string())
        ));
    }
    found.join(", ")
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
    let v6 = <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from);
    v4.or(v6).ok().map(|address| address.to_string())
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}
