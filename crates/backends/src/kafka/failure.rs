//! What goes wrong with Kafka, and what that means for a message.

use longshore_domain::diagnosis::{Diagnosis, Reason};
use rdkafka::error::{KafkaError as Native, RDKafkaErrorCode as Code};
use thiserror::Error;

use super::MESSAGE_BYTES_LIMIT;

/// Why something was not to be had from the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KafkaError {
    /// The settings make no client.
    #[error("the Kafka client cannot be made: {0}")]
    Settings(String),
    /// No broker answered in time.
    #[error("Kafka does not answer: {0}")]
    Unreachable(String),
    /// A topic is missing, and we may not make it.
    #[error(
        "the topic {topic} does not exist, and Kafka does not let us create it: grant {user} the \
         operation Create on it, or create it"
    )]
    MayNotCreate {
        /// The topic.
        topic: String,
        /// Who would need the right.
        user: String,
    },
    /// A topic cannot be made for another reason.
    #[error("the topic {topic} cannot be created: {cause}")]
    NotCreated {
        /// The topic.
        topic: String,
        /// What the broker says.
        cause: String,
    },
    /// The broker refuses.
    #[error("Kafka refuses: {0}")]
    Refused(String),
    /// The client is of no use any more and has to be opened anew.
    #[error("the Kafka client has failed for good: {0}")]
    Fatal(String),
}

/// Why a message was not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishFailure {
    /// It was not confirmed in time: to be tried again, which uses up no attempt.
    Unavailable(Diagnosis),
    /// It will not be taken, however often it is sent.
    Refused(Diagnosis),
}

/// The library's words. A setting's value, which may be a secret, is left out.
pub(super) fn told(error: &Native) -> String {
    match error {
        Native::ClientConfig(_, problem, key, value) => {
            let problem = match value.is_empty() {
                true => problem.clone(),
                false => problem.replace(value.as_str(), "…"),
            };
            format!("{key}: {problem}")
        }
        Native::ClientCreation(problem) | Native::AdminOpCreation(problem) => problem.clone(),
        other => match other.rdkafka_error_code() {
            Some(code) => code.to_string(),
            None => other.to_string(),
        },
    }
}

/// A message with which the library gave up.
pub(super) struct Unsent {
    pub(super) code: Option<Code>,
    pub(super) text: String,
    pub(super) trouble: Option<String>,
}

impl Unsent {
    pub(super) const fn is_unknown_topic(&self) -> bool {
        matches!(
            self.code,
            Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition)
        )
    }

    /// What that means for it.
    pub(super) fn told(self, topic: &str) -> PublishFailure {
        publish_failure(topic, self.code, &self.text, self.trouble)
    }

    /// What that means for it where the topic is known to exist: brokers that know of none do not
    /// know of it yet.
    pub(super) fn told_of_existing(self, topic: &str) -> PublishFailure {
        match self.is_unknown_topic() {
            true => unavailable(&self.text, self.trouble),
            false => self.told(topic),
        }
    }
}

/// Whether the library gave up waiting, or a broker may do later what it does not do now.
pub(super) const fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::AllBrokersDown
            | Code::BrokerNotAvailable
            | Code::BrokerTransportFailure
            | Code::KafkaStorageError
            | Code::LeaderNotAvailable
            | Code::MessageTimedOut
            | Code::NetworkException
            | Code::NotController
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::ThrottlingQuotaExceeded
            | Code::TimedOutQueue
            | Code::Unknown
    )
}

/// What it means for a message that its topic could not be made.
pub(super) fn missing_topic(error: &KafkaError) -> PublishFailure {
    match error {
        KafkaError::Unreachable(cause) => unavailable(cause, None),
        other => refused(
            format!("The message cannot be published: {other}."),
            "Create the topic, or let Longshore's user create it.".to_owned(),
        ),
    }
}

fn refused(message: String, fix: String) -> PublishFailure {
    PublishFailure::Refused(Diagnosis {
        reason: Reason::KafkaRefused,
        message,
        fix,
    })
}

fn unavailable(error: &str, trouble: Option<String>) -> PublishFailure {
    PublishFailure::Unavailable(Diagnosis {
        reason: Reason::KafkaUnavailable,
        message: match trouble {
            Some(trouble) => format!("Kafka did not confirm the message: {error} ({trouble})."),
            None => format!("Kafka did not confirm the message: {error}."),
        },
        fix: "Look at the brokers, and at the address and login that Longshore has for them; \
              the message is published once Kafka answers."
            .to_owned(),
    })
}

fn publish_failure(
    topic: &str,
    code: Option<Code>,
    error: &str,
    trouble: Option<String>,
) -> PublishFailure {
    match code {
        Some(Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize) => {
            refused(
                format!("The message is too large for the topic {topic}."),
                format!(
                    "Send less, or raise max.message.bytes of the topic; Longshore sends up to \
                 {MESSAGE_BYTES_LIMIT} bytes."
                ),
            )
        }
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition) => {
            refused(
                format!("The topic {topic} does not exist."),
                "Create it, or let Longshore's user create it and restart Longshore.".to_owned(),
            )
        }
        Some(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed) => refused(
            format!("Kafka does not let us write to the topic {topic}: {error}."),
            "Grant Longshore's user the operations Write and Describe on the topic.".to_owned(),
        ),
        Some(
            Code::InvalidTopic
            | Code::InvalidRecord
            | Code::PolicyViolation
            | Code::UnsupportedForMessageFormat,
        ) => refused(
            format!("Kafka refuses the message for the topic {topic}: {error}."),
            "Look at the topic's configuration.".to_owned(),
        ),
        _ => unavailable(error, trouble),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsent(code: Code) -> Unsent {
        Unsent {
            code: Some(code),
            text: "as the broker says".to_owned(),
            trouble: None,
        }
    }

    #[test]
    fn a_topic_that_exists_is_never_missing() {
        for code in [Code::UnknownTopic, Code::UnknownTopicOrPartition] {
            let told = unsent(code).told("org_a.runs");
            assert!(matches!(told, PublishFailure::Refused(_)), "{told:?}");
            let told = unsent(code).told_of_existing("org_a.runs");
            assert!(matches!(told, PublishFailure::Unavailable(_)), "{told:?}");
        }
        let told = unsent(Code::TopicAuthorizationFailed).told_of_existing("org_a.runs");
        assert!(matches!(told, PublishFailure::Refused(_)), "{told:?}");
    }
}
