//! From what came of a call to its outcome: the rows that hold for every receiver.
//!
//! Pure; a receiver's own rows go first and stand in its own module.

use std::time::Duration;

use http::StatusCode;
use http::header::LOCATION;
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::outcome::{Acceptance, Outcome, Repeat, Retry};
use longshore_domain::time::Timestamp;

use crate::client::{
    AddressFault, Answer, BodyEnd, NotSent, NotSentCause, Reply, Unanswered, UnansweredCause,
};
use crate::quote::{gist, quote};
use crate::retry_after::retry_after;
use crate::target::Target;

/// What was asked, as far as the meaning of its answer depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The URL that was called.
    pub target: &'a Target,
    /// Whether a second call does harm.
    pub repeat: Repeat,
    /// Whether the answer's body is the run's response.
    pub synchronized: bool,
    /// The instant of the answer.
    pub now: Timestamp,
}

/// The outcome by the rows that hold for every receiver.
pub(crate) fn by_common_rows(reply: &Reply, asked: &Asked<'_>) -> Outcome {
    match reply {
        Reply::Answered(answer) => by_status(answer, asked),
        Reply::NotSent(failure) => retry(not_sent(failure, asked)),
        Reply::Forbidden(fault) => Outcome::Refused(forbidden(fault, asked)),
        Reply::Unanswered(failure) => Outcome::Unknown(unanswered(failure, asked)),
    }
}

/// The outcome of an answer by its status alone.
pub(crate) fn by_status(answer: &Answer, asked: &Asked<'_>) -> Outcome {
    if answer.status.is_success() {
        return Outcome::Accepted(Acceptance {
            warning: body_warning(answer, asked),
            ..Acceptance::default()
        });
    }
    by_failure_status(answer, asked, status_diagnosis(answer, asked))
}

/// The outcome of an answer whose status is no success, with a receiver's own `diagnosis`.
pub(crate) fn by_failure_status(
    answer: &Answer,
    asked: &Asked<'_>,
    diagnosis: Diagnosis,
) -> Outcome {
    let wait = retry_after(&answer.headers, asked.now);
    let only_waits = match answer.status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::SERVICE_UNAVAILABLE => wait.is_some(),
        _ => false,
    };
    let may_have_passed = matches!(
        answer.status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT
    );
    if only_waits {
        return Outcome::Retry(Retry {
            diagnosis,
            retry_after: wait,
            uses_attempt: false,
        });
    }
    if !may_have_passed && !answer.status.is_server_error() {
        return Outcome::Refused(diagnosis);
    }
    match asked.repeat {
        Repeat::Allowed => retry_waiting(diagnosis, wait),
        Repeat::Harm => Outcome::Unknown(diagnosis),
    }
}

/// Nothing started: the same delivery may be sent again.
pub(crate) const fn retry(diagnosis: Diagnosis) -> Outcome {
    retry_waiting(diagnosis, None)
}

const fn retry_waiting(diagnosis: Diagnosis, retry_after: Option<Duration>) -> Outcome {
    Outcome::Retry(Retry {
        diagnosis,
        retry_after,
        uses_attempt: true,
    })
}

pub(crate) fn diagnosis(
    reason: Reason,
    message: impl Into<String>,
    fix: impl Into<String>,
) -> Diagnosis {
    Diagnosis {
        reason,
        message: message.into(),
        fix: fix.into(),
    }
}

/// What to tell about an accepted answer whose body was not read to its end.
pub(crate) fn body_warning(answer: &Answer, asked: &Asked<'_>) -> Option<Diagnosis> {
    let host = asked.target.host_and_port();
    let read = answer.body.len();
    let (reason, what) = match answer.body_end {
        BodyEnd::Complete => return None,
        BodyEnd::Cut => (Reason::AnswerIncomplete, "broke off"),
        BodyEnd::TimedOut => (Reason::AnswerIncomplete, "did not end in time"),
        // Nobody waits for more than the excerpt of an asynchronous call's answer.
        BodyEnd::TooLong | BodyEnd::OverBudget if !asked.synchronized => return None,
        BodyEnd::TooLong => (Reason::AnswerTooLong, "is longer than what is read"),
        BodyEnd::OverBudget => (
            Reason::AnswerTooLong,
            "was not read further, because other answers fill the memory set aside for them",
        ),
    };
    Some(diagnosis(
        reason,
        format!("{host} accepted the call, but its answer's body {what}; {read} bytes were kept."),
        "The call counts as accepted. Let the receiver answer with a short, complete body.",
    ))
}

fn status_diagnosis(answer: &Answer, asked: &Asked<'_>) -> Diagnosis {
    let (reason, fix) = status_reason(answer.status);
    let mut message = said(answer, asked);
    if answer.status.is_redirection()
        && let Some(place) = location(answer, asked.target)
    {
        message.push_str(&format!(" It points to {place}."));
    }
    diagnosis(reason, message, fix)
}

/// "HOST answered STATUS: gist".
pub(crate) fn said(answer: &Answer, asked: &Asked<'_>) -> String {
    let host = asked.target.host_and_port();
    let status = answer.status;
    match gist(&answer.headers, &answer.body) {
        Some(gist) => format!("{host} answered {status}: {gist}"),
        None => format!("{host} answered {status}."),
    }
}

fn status_reason(status: StatusCode) -> (Reason, &'static str) {
    match status.as_u16() {
        300..=399 => (
            Reason::Redirected,
            "Redirects are never followed. Put the final URL into the action or the connection; \
             a redirect from http to https or to a sign-in page is the usual cause.",
        ),
        401 | 403 => (
            Reason::CredentialsRefused,
            "Check the credentials in the action's headers, the receiver's allow-list and the \
             signing secret.",
        ),
        404 | 410 => (
            Reason::NotFound,
            "Check the path of the action's URL against the receiver's documentation.",
        ),
        407 => (
            Reason::ProxyFailed,
            "The egress proxy asks for credentials: put them into its URL in Longshore's \
             configuration.",
        ),
        408 | 502 | 504 => (
            Reason::GatewayFailed,
            "A proxy before the receiver gave up waiting. Look into the receiver's log whether \
             the call arrived; let the receiver answer before it starts its work.",
        ),
        429 => (
            Reason::RateLimited,
            "Lower the connection's rate or concurrency, or raise the receiver's limit.",
        ),
        503 => (
            Reason::ReceiverUnavailable,
            "The receiver is overloaded, starting or in maintenance; look at its own state.",
        ),
        500..=599 => (
            Reason::ReceiverFailed,
            "The failure is on the receiver's side: its log for this delivery id tells more.",
        ),
        _ => (
            Reason::RequestRefused,
            "The receiver refuses this request as it is. Compare the action's method, headers \
             and body with what the receiver expects.",
        ),
    }
}

/// Where a redirect leads, without its query, which may hold secrets.
pub(crate) fn location(answer: &Answer, target: &Target) -> Option<String> {
    let place = answer.headers.get(LOCATION)?.to_str().ok()?;
    let place = target.url().join(place).ok()?;
    let origin = place.origin().ascii_serialization();
    Some(quote(&format!("{origin}{}", place.path())))
}

fn not_sent(failure: &NotSent, asked: &Asked<'_>) -> Diagnosis {
    let host = asked.target.host_and_port();
    let (reason, what, fix) = not_sent_reason(failure.cause);
    let detail = quote(&failure.detail);
    diagnosis(reason, format!("{host}: {what} ({detail})."), fix)
}

fn not_sent_reason(cause: NotSentCause) -> (Reason, &'static str, &'static str) {
    match cause {
        NotSentCause::Dns => (
            Reason::DnsFailed,
            "the name could not be resolved",
            "Check the host in the URL, and that the machine Longshore runs on can resolve it.",
        ),
        NotSentCause::Refused => (
            Reason::ConnectionRefused,
            "the connection was refused",
            "Check that the receiver runs and listens on this port, and no firewall rejects us.",
        ),
        NotSentCause::Unreachable => (
            Reason::HostUnreachable,
            "there is no route to it",
            "Check routes and firewalls between Longshore and the receiver.",
        ),
        NotSentCause::ConnectTimeout => (
            Reason::ConnectTimeout,
            "no connection in time",
            "A firewall that drops packets is the usual cause: let the receiver's network accept \
             Longshore's egress addresses, or set up an egress proxy.",
        ),
        NotSentCause::Closed => (
            Reason::ConnectionClosed,
            "the connection was closed before the request",
            "Check that the port speaks the URL's scheme (http or https), and that no proxy \
             between closes connections.",
        ),
        NotSentCause::Local => (
            Reason::LocalNetworkFailed,
            "Longshore could not open a connection on its own side",
            "Check network.bind_address, the limit of open files and the free ports of Longshore's machine.",
        ),
        NotSentCause::Proxy => (
            Reason::ProxyFailed,
            "the egress proxy could not be used",
            "Check the proxy's URL and credentials in Longshore's configuration, and that the \
             proxy permits this host.",
        ),
        _ => tls_reason(cause),
    }
}

fn tls_reason(cause: NotSentCause) -> (Reason, &'static str, &'static str) {
    match cause {
        NotSentCause::TlsUntrusted => (
            Reason::TlsUntrusted,
            "its certificate is not trusted",
            "Add the authority that issued it to the connection, or to the CA bundle in \
             Longshore's configuration; the receiver must send its intermediate certificates.",
        ),
        NotSentCause::TlsName => (
            Reason::TlsNameMismatch,
            "its certificate is for another name",
            "Call it by a name that stands in its certificate, or issue one with this name.",
        ),
        NotSentCause::TlsExpired => (
            Reason::TlsExpired,
            "its certificate is expired or not yet valid",
            "Renew the receiver's certificate, and check both machines' clocks.",
        ),
        NotSentCause::TlsClientCertificate => (
            Reason::TlsClientCertificate,
            "it asks for a client certificate, or refuses ours",
            "Put a client certificate that the receiver trusts into the connection.",
        ),
        _ => (
            Reason::TlsFailed,
            "the TLS handshake failed",
            "Check that the port speaks TLS 1.2 or 1.3.",
        ),
    }
}

fn forbidden(fault: &AddressFault, asked: &Asked<'_>) -> Diagnosis {
    let host = asked.target.host_and_port();
    let AddressFault { address, class } = fault;
    let fix = if class.may_be_allowed() {
        "If it is meant to be called, add its range to network.allow in Longshore's configuration."
    } else {
        "Addresses of this kind are never called, whatever the configuration allows."
    };
    diagnosis(
        Reason::AddressForbidden,
        format!("{host}: {address} is {class}, which must not be called."),
        fix,
    )
}

fn unanswered(failure: &Unanswered, asked: &Asked<'_>) -> Diagnosis {
    let host = asked.target.host_and_port();
    let (reason, what) = match failure.cause {
        UnansweredCause::Timeout => (Reason::AnswerTimeout, "did not answer in time"),
        UnansweredCause::Reset => (
            Reason::AnswerLost,
            "closed the connection without an answer",
        ),
        UnansweredCause::Garbage => (Reason::AnswerInvalid, "did not answer in valid HTTP"),
    };
    let fix = match asked.repeat {
        Repeat::Harm => {
            "Look at the receiver whether it was started. If not, redeliver; if so, its report \
             settles this run."
        }
        Repeat::Allowed => {
            "It is sent again with the same delivery id; the receiver should ignore an id that \
             it has seen."
        }
    };
    let detail = quote(&failure.detail);
    diagnosis(reason, format!("{host} {what} ({detail})."), fix)
}
