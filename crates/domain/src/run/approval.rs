//! Approvals: who has to agree before a run is executed, and what one answer changes.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::conclude::write;
use super::{DocumentsPatch, EventKind, Run, RunChange, Status};
use crate::time::Timestamp;

/// An approver's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Decision {
    /// Execute it.
    Approve,
    /// Do not.
    Decline,
}

/// What one approver said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vote {
    /// Who.
    pub user_id: String,
    /// What.
    pub decision: Decision,
    /// Why, in the approver's words.
    pub description: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Why an answer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalRejection {
    /// The run does not wait for approval.
    NotWaiting(Status),
    /// This approver has answered already.
    AlreadyAnswered,
}

/// What an accepted answer leads to.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one for each answer of a person, matched at once"
)]
pub enum Approved {
    /// More approvals are needed, or the run was declined: this change is all.
    Recorded(RunChange),
    /// Enough have agreed: the run is to be executed with these votes.
    Execute(Vec<Vote>),
}

/// Takes one approver's answer.
///
/// # Errors
/// When the run does not wait, or the approver has answered already.
pub fn approve(run: &Run, votes: &[Vote], vote: Vote) -> Result<Approved, ApprovalRejection> {
    if run.status != Status::WaitingForApproval {
        return Err(ApprovalRejection::NotWaiting(run.status));
    }
    if votes.iter().any(|earlier| earlier.user_id == vote.user_id) {
        return Err(ApprovalRejection::AlreadyAnswered);
    }
    let mut votes = votes.to_vec();
    let (now, by, decision) = (vote.at, vote.user_id.clone(), vote.decision);
    votes.push(vote);
    let mut after = run.clone();
    if decision == Decision::Decline {
        after.status = Status::Declined;
        after.ended_at = Some(now);
    } else if votes.len() >= run.required_approval.approvals_needed() {
        return Ok(Approved::Execute(votes));
    }
    let documents = DocumentsPatch {
        votes: Some(votes),
        ..DocumentsPatch::default()
    };
    Ok(Approved::Recorded(write(
        run,
        after,
        documents,
        EventKind::RunApproval,
        &by,
        now,
    )))
}

/// The `approval` object of a run's JSON: the newest answer.
#[must_use]
pub(super) fn approval_json(votes: &[Vote]) -> Value {
    votes.last().map_or(Value::Null, |vote| {
        let state = match vote.decision {
            Decision::Approve => "APPROVED",
            Decision::Decline => "DECLINED",
        };
        let mut shown = json!({"state": state, "userId": vote.user_id});
        if let Some(description) = &vote.description {
            shown["description"] = description.as_str().into();
        }
        shown
    })
}
