//! What a person should know about an attempt, and what to change.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A finding about one attempt: stable code, what happened, what to change and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The stable code, also the name of its page under `docs/errors/`.
    pub reason: Reason,
    /// What happened; scrubbed of secrets and signatures.
    pub message: String,
    /// What to change, and where.
    pub fix: String,
}

/// The codes of diagnoses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The receiver's name has no address, or the name service did not answer.
    DnsFailed,
    /// The connection was refused.
    ConnectionRefused,
    /// There is no route to the receiver.
    HostUnreachable,
    /// The receiver was not connected to in time.
    ConnectTimeout,
    /// The connection was closed before the request was sent.
    ConnectionClosed,
    /// No local address or file descriptor was free to call from.
    LocalNetworkFailed,
    /// The egress proxy could not be used, or refused.
    ProxyFailed,
    /// The receiver's certificate comes from an authority that is not trusted.
    TlsUntrusted,
    /// The receiver's certificate is for another name.
    TlsNameMismatch,
    /// The receiver's certificate is expired or not yet valid.
    TlsExpired,
    /// The receiver refused our client certificate, or misses one.
    TlsClientCertificate,
    /// The TLS handshake failed otherwise.
    TlsFailed,
    /// The network rules forbid the receiver's address.
    AddressForbidden,
    /// The rendered URL cannot be called.
    UrlInvalid,
    /// A rendered header cannot be sent.
    HeaderInvalid,
    /// The rendered method is none of the five that are sent.
    MethodInvalid,
    /// Sent; no answer came in time.
    AnswerTimeout,
    /// Sent; the connection ended without an answer.
    AnswerLost,
    /// Sent; what came back is not a valid HTTP answer.
    AnswerInvalid,
    /// Accepted, but the answer's body broke off or did not end in time.
    AnswerIncomplete,
    /// Accepted, but the answer's body is longer than what is read.
    AnswerTooLong,
    /// The worker stopped between sending and recording the answer.
    WorkerLost,
    /// Accepted, but the receiver has been silent for longer than the connection allows.
    NoReport,
    /// Sent without an answer, and no receipt came in time.
    NeverConfirmed,
    /// Every attempt of the schedule failed.
    AttemptsExhausted,
    /// No enabled credential may sign, so the call was not made.
    NoSigner,
    /// An encrypted input could not be encrypted for the call, which was not made.
    EncryptionFailed,
    /// The certificates or key of the connection cannot be used.
    TlsConfiguration,
    /// The destination accepted nothing for as long as the schedule lasts.
    DestinationDown,
    /// The receiver asks for fewer calls (429).
    RateLimited,
    /// The receiver says that it is unavailable (503).
    ReceiverUnavailable,
    /// The receiver, or a proxy before it, gave up waiting (408, 502, 504).
    GatewayFailed,
    /// The receiver failed (500 and other 5xx).
    ReceiverFailed,
    /// The receiver redirects elsewhere; redirects are not followed.
    Redirected,
    /// The receiver refuses the credentials, or misses them (401, 403).
    CredentialsRefused,
    /// Nothing is at this URL (404, 410).
    NotFound,
    /// The receiver refuses the request (other 4xx).
    RequestRefused,
    /// No Jenkins job triggered: the filter did not match, or the job is disabled.
    JenkinsFilterMismatch,
    /// The Jenkins job cannot be built: disabled, or refused by the queue.
    JenkinsJobNotBuildable,
    /// Several Jenkins jobs answered the same token.
    JenkinsSeveralJobs,
    /// Some Jenkins jobs of the token failed to start.
    JenkinsSomeJobsFailed,
    /// Every Jenkins job of the token failed to start.
    JenkinsJobsFailed,
    /// Jenkins answered 200 with an empty body: a silent job, or every job failed.
    JenkinsSilentAnswer,
    /// The answer is not one of the Generic Webhook Trigger plugin.
    JenkinsUnexpectedAnswer,
    /// No Jenkins job has the token that was sent.
    JenkinsNoJobForToken,
    /// No token was sent, and no job without a token may be started.
    JenkinsTokenMissing,
    /// The plugin's allow-list does not hold the address that we call from.
    JenkinsSenderNotAllowed,
    /// The plugin computed another signature.
    JenkinsSignatureMismatch,
    /// The plugin looks for the signature in another header.
    JenkinsSignatureHeaderMissing,
    /// The plugin does not find the credential that holds the signing secret.
    JenkinsHmacCredentialMissing,
    /// The plugin takes calls without a signature as well; told by checks only.
    JenkinsSignatureNotRequired,
    /// The URL is not that of the Generic Webhook Trigger plugin, or the plugin is missing.
    JenkinsWrongPath,
    /// Jenkins is starting, or about to restart.
    JenkinsStarting,
    /// Azure DevOps knows no such incoming webhook yet.
    AzureWebhookUnknown,
    /// The service connection expects the signature in another header.
    AzureSignatureHeaderMissing,
    /// Azure DevOps computed another signature.
    AzureSignatureMismatch,
    /// Azure DevOps answered with its sign-in page.
    AzureCredentialsRefused,
    /// The organization or the path of the URL is wrong.
    AzureWrongPath,
    /// The agent that had started the call fell silent before it told what became of it.
    AgentLost,
    /// The message on the topic was not signed as it should be, so the agent did not call.
    MessageUnverified,
    /// The agent's payload mapping gives no call for this run.
    MappingFailed,
    /// The message could not be written to the topic in time.
    KafkaUnavailable,
    /// Kafka refuses the message: too large, no such topic, or no right to write there.
    KafkaRefused,
    /// Published, but no agent started it although its group has read past it.
    NotTaken,
    /// Published, and nobody has started or reported it for a while.
    NotPickedUp,
    /// Its message is on the topic, but agents get their work by polling now.
    LeftOnTopic,
}

impl Reason {
    /// Every code.
    pub const ALL: &[Self] = &[
        Self::DnsFailed,
        Self::ConnectionRefused,
        Self::HostUnreachable,
        Self::ConnectTimeout,
        Self::ConnectionClosed,
        Self::LocalNetworkFailed,
        Self::ProxyFailed,
        Self::TlsUntrusted,
        Self::TlsNameMismatch,
        Self::TlsExpired,
        Self::TlsClientCertificate,
        Self::TlsFailed,
        Self::AddressForbidden,
        Self::UrlInvalid,
        Self::HeaderInvalid,
        Self::MethodInvalid,
        Self::AnswerTimeout,
        Self::AnswerLost,
        Self::AnswerInvalid,
        Self::AnswerIncomplete,
        Self::AnswerTooLong,
        Self::WorkerLost,
        Self::NoReport,
        Self::NeverConfirmed,
        Self::AttemptsExhausted,
        Self::NoSigner,
        Self::EncryptionFailed,
        Self::TlsConfiguration,
        Self::DestinationDown,
        Self::RateLimited,
        Self::ReceiverUnavailable,
        Self::GatewayFailed,
        Self::ReceiverFailed,
        Self::Redirected,
        Self::CredentialsRefused,
        Self::NotFound,
        Self::RequestRefused,
        Self::JenkinsFilterMismatch,
        Self::JenkinsJobNotBuildable,
        Self::JenkinsSeveralJobs,
        Self::JenkinsSomeJobsFailed,
        Self::JenkinsJobsFailed,
        Self::JenkinsSilentAnswer,
        Self::JenkinsUnexpectedAnswer,
        Self::JenkinsNoJobForToken,
        Self::JenkinsTokenMissing,
        Self::JenkinsSenderNotAllowed,
        Self::JenkinsSignatureMismatch,
        Self::JenkinsSignatureHeaderMissing,
        Self::JenkinsHmacCredentialMissing,
        Self::JenkinsSignatureNotRequired,
        Self::JenkinsWrongPath,
        Self::JenkinsStarting,
        Self::AzureWebhookUnknown,
        Self::AzureSignatureHeaderMissing,
        Self::AzureSignatureMismatch,
        Self::AzureCredentialsRefused,
        Self::AzureWrongPath,
        Self::AgentLost,
        Self::MessageUnverified,
        Self::MappingFailed,
        Self::KafkaUnavailable,
        Self::KafkaRefused,
        Self::NotTaken,
        Self::NotPickedUp,
        Self::LeftOnTopic,
    ];

    /// The code as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DnsFailed => "dns_failed",
            Self::ConnectionRefused => "connection_refused",
            Self::HostUnreachable => "host_unreachable",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectionClosed => "connection_closed",
            Self::LocalNetworkFailed => "local_network_failed",
            Self::ProxyFailed => "proxy_failed",
            Self::TlsUntrusted => "tls_untrusted",
            Self::TlsNameMismatch => "tls_name_mismatch",
            Self::TlsExpired => "tls_expired",
            Self::TlsClientCertificate => "tls_client_certificate",
            Self::TlsFailed => "tls_failed",
            Self::AddressForbidden => "address_forbidden",
            Self::UrlInvalid => "url_invalid",
            Self::HeaderInvalid => "header_invalid",
            Self::MethodInvalid => "method_invalid",
            Self::AnswerTimeout => "answer_timeout",
            Self::AnswerLost => "answer_lost",
            Self::AnswerInvalid => "answer_invalid",
            Self::AnswerIncomplete => "answer_incomplete",
            Self::AnswerTooLong => "answer_too_long",
            Self::WorkerLost => "worker_lost",
            Self::NoReport => "no_report",
            Self::NeverConfirmed => "never_confirmed",
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::NoSigner => "no_signer",
            Self::EncryptionFailed => "encryption_failed",
            Self::TlsConfiguration => "tls_configuration",
            Self::DestinationDown => "destination_down",
            Self::RateLimited => "rate_limited",
            Self::ReceiverUnavailable => "receiver_unavailable",
            Self::GatewayFailed => "gateway_failed",
            Self::ReceiverFailed => "receiver_failed",
            Self::Redirected => "redirected",
            Self::CredentialsRefused => "credentials_refused",
            Self::NotFound => "not_found",
            Self::RequestRefused => "request_refused",
            Self::JenkinsFilterMismatch => "jenkins_filter_mismatch",
            Self::JenkinsJobNotBuildable => "jenkins_job_not_buildable",
            Self::JenkinsSeveralJobs => "jenkins_several_jobs",
            Self::JenkinsSomeJobsFailed => "jenkins_some_jobs_failed",
            Self::JenkinsJobsFailed => "jenkins_jobs_failed",
            Self::JenkinsSilentAnswer => "jenkins_silent_answer",
            Self::JenkinsUnexpectedAnswer => "jenkins_unexpected_answer",
            Self::JenkinsNoJobForToken => "jenkins_no_job_for_token",
            Self::JenkinsTokenMissing => "jenkins_token_missing",
            Self::JenkinsSenderNotAllowed => "jenkins_sender_not_allowed",
            Self::JenkinsSignatureMismatch => "jenkins_signature_mismatch",
            Self::JenkinsSignatureHeaderMissing => "jenkins_signature_header_missing",
            Self::JenkinsHmacCredentialMissing => "jenkins_hmac_credential_missing",
            Self::JenkinsSignatureNotRequired => "jenkins_signature_not_required",
            Self::JenkinsWrongPath => "jenkins_wrong_path",
            Self::JenkinsStarting => "jenkins_starting",
            Self::AzureWebhookUnknown => "azure_webhook_unknown",
            Self::AzureSignatureHeaderMissing => "azure_signature_header_missing",
            Self::AzureSignatureMismatch => "azure_signature_mismatch",
            Self::AzureCredentialsRefused => "azure_credentials_refused",
            Self::AzureWrongPath => "azure_wrong_path",
            Self::AgentLost => "agent_lost",
            Self::MessageUnverified => "message_unverified",
            Self::MappingFailed => "mapping_failed",
            Self::KafkaUnavailable => "kafka_unavailable",
            Self::KafkaRefused => "kafka_refused",
            Self::NotTaken => "not_taken",
            Self::NotPickedUp => "not_picked_up",
            Self::LeftOnTopic => "left_on_topic",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_code_is_written_and_stored_alike_and_once() {
        let mut seen = HashSet::new();
        for reason in Reason::ALL {
            let stored = serde_json::to_value(reason).unwrap();
            assert_eq!(stored, reason.as_str());
            let read: Reason = serde_json::from_value(stored).unwrap();
            assert_eq!(read, *reason);
            assert!(seen.insert(reason.as_str()), "{reason} stands twice");
        }
    }
}
