//! Why the plugin's allow-list refused: the numbered reasons of its answer, one per entry.

use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::signature::SIGNATURE_HEADER;

use crate::outcome::diagnosis;
use crate::quote::quote;

/// How many reasons a message repeats.
const MAX_REASONS: usize = 10;

/// Why one entry of the list did not accept; never with the values that the answer echoes.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Mismatch { header: String, algorithm: String },
    HeaderMissing { header: String },
    CredentialMissing,
    Host { detail: String },
}

/// What an answer "did not pass whitelist" means.
pub(super) fn refused(message: &str) -> Diagnosis {
    let sender = message
        .split_once("Sender, ")
        .and_then(|(_, rest)| rest.split_once(", with headers"))
        .map_or("an address that it does not tell", |(sender, _)| sender);
    let sender = quote(sender);
    let refusals = refusals(message);
    let told: Vec<String> = refusals
        .iter()
        .take(MAX_REASONS)
        .map(|(number, refusal)| format!("{number}) {}", told(refusal)))
        .collect();
    let message = format!(
        "The allow-list of Jenkins' Generic Webhook Trigger refused the call from {sender}. {}",
        told.join(" ")
    );
    // An entry whose host matched says more than one whose host did not.
    let rank = |refusal: &Refusal| match refusal {
        Refusal::Mismatch { .. } => 0,
        Refusal::HeaderMissing { .. } => 1,
        Refusal::CredentialMissing => 2,
        Refusal::Host { .. } => 3,
    };
    let telling = refusals.iter().min_by_key(|(_, refusal)| rank(refusal));
    let (reason, fix) = reason_and_fix(telling.map(|(_, refusal)| refusal), &sender);
    diagnosis(reason, message.trim_end(), fix)
}

fn refusals(message: &str) -> Vec<(u32, Refusal)> {
    let reasons = message
        .rsplit_once("did not pass whitelist")
        .map_or("", |(_, reasons)| reasons);
    let numbered = |line: &str| {
        let (number, reason) = line.trim().split_once(") ")?;
        Some((number.parse().ok()?, refusal(reason)))
    };
    reasons.lines().filter_map(numbered).collect()
}

fn refusal(reason: &str) -> Refusal {
    let between = |start: &str, end: &str| {
        let (_, rest) = reason.split_once(start)?;
        Some(quote(rest.split_once(end)?.0))
    };
    if reason.starts_with("HMAC verification failed") {
        let algorithm = reason
            .rsplit_once("and algorithm ")
            .map_or("", |(_, name)| name);
        Refusal::Mismatch {
            header: between("with \"", "\"").unwrap_or_default(),
            algorithm: quote(algorithm),
        }
    } else if reason.starts_with("Was unable to find header") {
        Refusal::HeaderMissing {
            header: between("with name \"", "\"").unwrap_or_default(),
        }
    } else if reason.starts_with("Was unable to find secret text credential") {
        Refusal::CredentialMissing
    } else {
        Refusal::Host {
            detail: quote(reason),
        }
    }
}

fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Mismatch { header, algorithm } => {
            format!("The signature in {header} is not the {algorithm} that it computed.")
        }
        Refusal::HeaderMissing { header } => {
            format!("There is not exactly one header {header}.")
        }
        Refusal::CredentialMissing => "Its secret text credential does not exist.".to_owned(),
        Refusal::Host { detail } => detail.clone(),
    }
}

const PLACE: &str = "In Jenkins, Manage Jenkins → System → Generic Webhook Trigger:";

fn reason_and_fix(refusal: Option<&Refusal>, sender: &str) -> (Reason, String) {
    match refusal {
        Some(Refusal::Mismatch { algorithm, .. })
            if !algorithm.eq_ignore_ascii_case("HmacSHA1") =>
        {
            (
                Reason::JenkinsSignatureMismatch,
                format!(
                    "{PLACE} set the entry's algorithm to HmacSHA1; it is {algorithm} (the form \
                 offers HmacSHA256 first)."
                ),
            )
        }
        Some(Refusal::Mismatch { .. }) => (
            Reason::JenkinsSignatureMismatch,
            format!(
                "{PLACE} the entry's secret text credential must hold exactly the secret that \
                 Longshore signs with (the connection's own, else the organization's client \
                 secret), without a line break at its end; the body must be sent as JSON, and \
                 no proxy may change it."
            ),
        ),
        Some(Refusal::HeaderMissing { header })
            if header.eq_ignore_ascii_case(SIGNATURE_HEADER) =>
        {
            (
                Reason::JenkinsSignatureHeaderMissing,
                format!("A proxy before Jenkins drops or repeats {header}: let it pass once."),
            )
        }
        Some(Refusal::HeaderMissing { header }) => (
            Reason::JenkinsSignatureHeaderMissing,
            format!(
                "{PLACE} set the entry's HMAC header to {SIGNATURE_HEADER}, or set the \
                 connection's signature header to {header}."
            ),
        ),
        Some(Refusal::CredentialMissing) => (
            Reason::JenkinsHmacCredentialMissing,
            format!(
                "{PLACE} choose a credential of kind \"Secret text\" that the global \
                 configuration can see (not one of a folder)."
            ),
        ),
        Some(Refusal::Host { .. }) | None => (
            Reason::JenkinsSenderNotAllowed,
            format!(
                "{PLACE} add {sender} to the list. Behind a proxy, or where the address is IPv6, \
                 leave the entry's host empty and enable HMAC instead."
            ),
        ),
    }
}
