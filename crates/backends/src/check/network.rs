//! The way to the receiver: name, address rules, proxy, connection, TLS.

use longshore_domain::diagnosis::{Diagnosis, Reason};

use super::{Disclosure, Finding, Report, Step, Subject, certificate};
use crate::client::{Client, Handshake, Inspection, NotSent, NotSentCause, Reply};
use crate::outcome::{by_common_rows, diagnosis};
use crate::target::{Scheme, Target};

/// Adds what was found on the way; false where no call would arrive.
pub(super) async fn check(client: &Client, subject: &Subject<'_>, report: &mut Report) -> bool {
    let seen = client.inspect(&subject.target, &subject.profile).await;
    if let Some(proxy) = &seen.proxy {
        report.push(Finding::ok(
            Step::Proxy,
            format!("Calls go through the egress proxy {proxy}, which resolves the name."),
        ));
    } else if !addresses(&seen, subject, report) {
        return false;
    }
    let took = match &seen.connected {
        Ok(took) => took.as_millis(),
        Err(reply) => {
            report.push(unreached(reply, &seen, subject));
            return false;
        }
    };
    let through = match &seen.proxy {
        Some(_) => " through the proxy",
        None => "",
    };
    report.push(Finding::ok(
        Step::Connection,
        format!(
            "Connected to {}{through} in {took} ms.",
            subject.target.host_and_port()
        ),
    ));
    match &seen.handshake {
        Some(handshake) => tls(handshake, subject, report),
        None => {
            if subject.target.scheme() == Scheme::Http {
                report.push(Finding::ok(
                    Step::Tls,
                    "Plain HTTP: whoever is on the way can read tokens and payloads.",
                ));
            }
            true
        }
    }
}

fn addresses(seen: &Inspection, subject: &Subject<'_>, report: &mut Report) -> bool {
    let found = match &seen.addresses {
        Ok(found) => found,
        Err(failure) => {
            report.push(Finding::failed(
                Step::Name,
                not_sent(failure, &subject.target, subject),
            ));
            return false;
        }
    };
    let told = |address: &crate::client::Judged| match (address.forbidden, subject.disclosure) {
        (None, _) => address.address.to_string(),
        (Some(class), Disclosure::Operator) => {
            format!("{} ({class}, forbidden)", address.address)
        }
        (Some(_), Disclosure::Api) => "one that the network rules forbid".to_owned(),
    };
    let list: Vec<String> = found.iter().map(told).collect();
    let host = subject.target.host().map(|host| host.to_string());
    let host = host.unwrap_or_default();
    report.push(Finding::ok(
        Step::Name,
        format!("{host} leads to {}.", list.join(", ")),
    ));
    let permitted = found.iter().any(|it| it.forbidden.is_none());
    if permitted {
        report.push(Finding::ok(
            Step::Address,
            "The network rules let it be called.",
        ));
    }
    true
}

fn unreached(reply: &Reply, seen: &Inspection, subject: &Subject<'_>) -> Finding {
    let found = common(reply, &subject.target, subject);
    match reply {
        Reply::Forbidden(_) if subject.disclosure == Disclosure::Api => {
            Finding::failed(Step::Address, withheld(&subject.target))
        }
        Reply::Forbidden(_) => Finding::failed(Step::Address, found),
        Reply::NotSent(failure) if failure.cause == NotSentCause::Proxy => {
            Finding::failed(Step::Proxy, found)
        }
        _ if seen.proxy.is_some() => Finding::failed(Step::Proxy, found),
        _ => Finding::failed(Step::Connection, found),
    }
}

/// The diagnosis of a forbidden address, without the address.
pub(super) fn withheld(target: &Target) -> Diagnosis {
    diagnosis(
        Reason::AddressForbidden,
        format!(
            "{} leads to an address that must not be called.",
            target.host_and_port()
        ),
        "If it is meant to be called, add its range to network.allow in Longshore's \
         configuration; some ranges are never called.",
    )
}

fn tls(handshake: &Handshake, subject: &Subject<'_>, report: &mut Report) -> bool {
    match &handshake.version {
        Ok(version) => report.push(Finding::ok(
            Step::Tls,
            format!("{version}; the certificate's chain and name hold."),
        )),
        Err(failure) => {
            let found = not_sent(failure, &subject.target, subject);
            let ours = failure.cause == NotSentCause::TlsClientCertificate;
            let step = if ours {
                Step::ClientCertificate
            } else {
                Step::Tls
            };
            report.push(Finding::failed(step, found));
        }
    }
    if let Some(own) = handshake.chain.first() {
        let chain = handshake.chain.len();
        report.push(certificate::finding(own, chain, subject.now));
    }
    if handshake.version.is_err() {
        return false;
    }
    if let Some(finding) = client_certificate(handshake) {
        report.push(finding);
    }
    true
}

fn client_certificate(handshake: &Handshake) -> Option<Finding> {
    match (handshake.asked_for_certificate, handshake.has_certificate) {
        (false, false) => None,
        (false, true) => Some(Finding::ok(
            Step::ClientCertificate,
            "It does not ask for the client certificate that the connection has.",
        )),
        (true, true) => Some(Finding::ok(
            Step::ClientCertificate,
            "It asks for a client certificate, and was shown the connection's.",
        )),
        (true, false) => Some(Finding::warning(
            Step::ClientCertificate,
            diagnosis(
                Reason::TlsClientCertificate,
                "It asks for a client certificate, and there is none to show.",
                "Put a client certificate that the receiver trusts into the connection.",
            ),
        )),
    }
}

fn not_sent(failure: &NotSent, target: &Target, subject: &Subject<'_>) -> Diagnosis {
    common(&Reply::NotSent(failure.clone()), target, subject)
}

/// What a call that comes to `reply` would have its run show.
fn common(reply: &Reply, target: &Target, subject: &Subject<'_>) -> Diagnosis {
    super::told(by_common_rows(reply, &subject.asked(target))).unwrap_or_else(|| {
        diagnosis(
            Reason::AnswerInvalid,
            "The receiver could not be judged.",
            "Try again.",
        )
    })
}
