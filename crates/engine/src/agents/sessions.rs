//! Which sessions live, and what each has started.

use std::collections::{BTreeMap, HashSet, VecDeque};

use longshore_domain::agent::{
    AttemptRef, EXECUTION_AGENT, Heartbeat, NAME_CHARS_LIMIT, Session, Streamer,
};
use longshore_domain::delivery::{Position, Reading};
use longshore_domain::id::DeliveryId;
use longshore_domain::time::Timestamp;

use super::SESSION;
use super::leases::Leases;
use crate::error::Error;

/// The most agents that are known at once.
const AGENTS_LIMIT: usize = 1_000;
/// The most partitions that one agent is shown with.
const PARTITIONS_LIMIT: usize = 1_000;
/// How many of an agent's former sessions are remembered, so that none comes back.
const FORMER_LIMIT: usize = 16;
/// How many sessions that took leave are remembered, so that none comes back.
const DEPARTED_LIMIT: usize = AGENTS_LIMIT;

/// What a session has started and not settled.
pub(super) type StartedSet = HashSet<DeliveryId>;

/// What a session that is over had under way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) started: StartedSet,
    pub(super) claimed: Vec<AttemptRef>,
}

impl Left {
    pub(super) fn claimed(claimed: Vec<AttemptRef>) -> Self {
        Self {
            claimed,
            ..Self::default()
        }
    }
}

/// Every agent that was heard of, by name.
#[derive(Default)]
pub(super) struct Sessions {
    agents: BTreeMap<String, KnownAgent>,
    /// What sessions that are over had started, and what could not be written yet.
    over: Vec<(Session, StartedSet)>,
    /// Sessions that took leave. What one sent before may be read after it, over another
    /// connection: a claim that it gave up, a heartbeat.
    departed: VecDeque<Session>,
}

/// One agent.
pub(super) struct KnownAgent {
    /// Its present session; empty for one that names none.
    pub(super) session: String,
    pub(super) streamer: Streamer,
    pub(super) last_seen_at: Timestamp,
    pub(super) started: StartedSet,
    claimed: Leases,
    /// It takes no more.
    is_draining: bool,
    /// What it said of itself last.
    pub(super) told: Option<Heartbeat>,
    former: VecDeque<String>,
}

impl KnownAgent {
    fn new(session: &str, now: Timestamp) -> Self {
        Self {
            session: session.to_owned(),
            streamer: Streamer::Polling,
            last_seen_at: now,
            started: StartedSet::new(),
            claimed: Leases::default(),
            is_draining: false,
            told: None,
            former: VecDeque::new(),
        }
    }

    fn take_left(&mut self, now: Timestamp) -> Left {
        Left {
            started: std::mem::take(&mut self.started),
            claimed: self.claimed.take(now),
        }
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        now.since(self.last_seen_at) < SESSION
    }
}

impl Sessions {
    /// Notes that a session speaks; answers the one that it replaces, with what that leaves.
    pub(super) fn meet(
        &mut self,
        by: &Session,
        now: Timestamp,
    ) -> Result<Option<(Session, Left)>, Error> {
        if self.departed.contains(by) {
            return Err(Error::Conflict(format!(
                "the session {:?} of the agent {:?} has taken its leave; start a new one",
                by.session, by.agent
            )));
        }
        if !self.agents.contains_key(&by.agent) {
            self.make_room(now)?;
        }
        let known = self
            .agents
            .entry(by.agent.clone())
            .or_insert_with(|| KnownAgent::new(&by.session, now));
        if known.session == by.session {
            known.last_seen_at = now;
            return Ok(None);
        }
        if known.former.contains(&by.session) {
            return Err(Error::Conflict(format!(
                "a newer process of the agent {:?} has taken its place; give each agent its own id",
                by.agent
            )));
        }
        let older = Session {
            agent: by.agent.clone(),
            session: std::mem::replace(&mut known.session, by.session.clone()),
        };
        let left = known.take_left(now);
        known.is_draining = false;
        known.told = None;
        known.last_seen_at = now;
        known.former.push_back(older.session.clone());
        if known.former.len() > FORMER_LIMIT {
            known.former.pop_front();
        }
        Ok(Some((older, left)))
    }

    fn make_room(&mut self, now: Timestamp) -> Result<(), Error> {
        if self.agents.len() < AGENTS_LIMIT {
            return Ok(());
        }
        let before = self.agents.len();
        self.agents
            .retain(|_, known| known.is_alive(now) || !known.started.is_empty());
        match self.agents.len() < before {
            true => Ok(()),
            false => Err(Error::Overloaded),
        }
    }

    /// Somebody claims without naming a session.
    pub(super) fn meet_nameless(&mut self, installation: &str, now: Timestamp) {
        let name = match installation {
            EXECUTION_AGENT => EXECUTION_AGENT.to_owned(),
            other => other.chars().take(NAME_CHARS_LIMIT).collect(),
        };
        if !self.agents.contains_key(&name) && self.make_room(now).is_err() {
            return;
        }
        let known = self
            .agents
            .entry(name)
            .or_insert_with(|| KnownAgent::new("", now));
        // It speaks for no session that happens to have its name.
        if known.session.is_empty() {
            known.last_seen_at = now;
        }
    }

    pub(super) fn describe(&mut self, mut heartbeat: Heartbeat) {
        let group = heartbeat.group.iter_mut();
        for text in group.chain([&mut heartbeat.version]) {
            text.truncate(text.floor_char_boundary(NAME_CHARS_LIMIT));
        }
        heartbeat.partitions.truncate(PARTITIONS_LIMIT);
        if let Some(known) = self.agents.get_mut(&heartbeat.by.agent) {
            known.streamer = heartbeat.streamer;
            known.told = Some(heartbeat);
        }
    }

    /// The session has ended by itself; answers what it leaves, once.
    pub(super) fn leave(&mut self, by: &Session, now: Timestamp) -> Left {
        if self.departed.contains(by) {
            return Left::default();
        }
        self.departed.push_back(by.clone());
        if self.departed.len() > DEPARTED_LIMIT {
            self.departed.pop_front();
        }
        let known = self.agents.get(&by.agent);
        if known.is_none_or(|known| known.session != by.session) {
            return Left::default();
        }
        let left = self.agents.remove(&by.agent);
        left.map(|mut known| known.take_left(now))
            .unwrap_or_default()
    }

    /// The session takes no more; answers what it has claimed and not started.
    pub(super) fn drain(&mut self, by: &Session, now: Timestamp) -> Vec<AttemptRef> {
        let known = self.of(by);
        known.map_or_else(Vec::new, |known| {
            known.is_draining = true;
            known.claimed.take(now)
        })
    }

    pub(super) fn is_draining(&mut self, by: &Session) -> bool {
        self.of(by).is_some_and(|known| known.is_draining)
    }

    /// Whether the session can be handed these: false where it is over or takes no more.
    pub(super) fn will_hold(
        &mut self,
        by: &Session,
        attempts: &[AttemptRef],
        until: Timestamp,
        now: Timestamp,
    ) -> bool {
        match self.of(by) {
            Some(known) if !known.is_draining => {
                known.claimed.add(attempts, until, now);
                true
            }
            _ => false,
        }
    }

    /// Before the start is written, so that no loss of the session can miss it.
    pub(super) fn will_start(&mut self, by: &Session, delivery: &DeliveryId) {
        if let Some(known) = self.of(by) {
            known.claimed.end(delivery);
            known.started.insert(delivery.clone());
        }
    }

    /// Whether the start still is this session's; false where the session was lost meanwhile.
    pub(super) fn holds(&mut self, by: &Session, delivery: &DeliveryId) -> bool {
        self.of(by)
            .is_some_and(|known| known.started.contains(delivery))
    }

    /// Looks again at what a session that is over had started.
    pub(super) fn look_again(&mut self, by: &Session, started: StartedSet) {
        if !started.is_empty() {
            self.over.push((by.clone(), started));
        }
    }

    pub(super) fn has_ended(&mut self, by: &Session, delivery: &DeliveryId) {
        if let Some(known) = self.of(by) {
            known.started.remove(delivery);
        }
    }

    fn of(&mut self, by: &Session) -> Option<&mut KnownAgent> {
        let known = self.agents.get_mut(&by.agent);
        known.filter(|known| known.session == by.session)
    }

    /// A delivery that a session had started before this process did: its silence counts from now.
    pub(super) fn remember(&mut self, by: &Session, delivery: &DeliveryId, now: Timestamp) {
        let known = self
            .agents
            .entry(by.agent.clone())
            .or_insert_with(|| KnownAgent::new(&by.session, now));
        if known.session == by.session {
            known.started.insert(delivery.clone());
        } else {
            // A newer session has started something too, so this one is over.
            self.over
                .push((by.clone(), StartedSet::from([delivery.clone()])));
        }
    }

    /// The sessions that are over or were silent for too long, with what they leave.
    pub(super) fn lost(&mut self, now: Timestamp) -> Vec<(Session, Left)> {
        let over = std::mem::take(&mut self.over).into_iter();
        let mut lost: Vec<_> = over
            .map(|(by, started)| {
                let claimed = Vec::new();
                (by, Left { started, claimed })
            })
            .collect();
        for (name, known) in &mut self.agents {
            let holds = !known.started.is_empty() || !known.claimed.is_empty();
            if !known.is_alive(now) && holds {
                let by = Session {
                    agent: name.clone(),
                    session: known.session.clone(),
                };
                lost.push((by, known.take_left(now)));
            }
        }
        lost
    }

    pub(super) fn alive(&self, now: Timestamp) -> impl Iterator<Item = (&str, &KnownAgent)> {
        self.agents
            .iter()
            .filter(move |(_, known)| known.is_alive(now))
            .map(|(name, known)| (name.as_str(), known))
    }

    /// How far the groups that read the topic have come: past `position` where all of them have
    /// committed past it, or where it is not known.
    pub(super) fn reading(&self, position: Option<Position>, now: Timestamp) -> Reading {
        let mut groups: BTreeMap<&str, i64> = BTreeMap::new();
        for (_, known) in self.alive(now) {
            let Some(told) = known.told.as_ref() else {
                continue;
            };
            let Some(group) = told.group.as_deref() else {
                continue;
            };
            let committed = position.and_then(|position| {
                let found = told
                    .partitions
                    .iter()
                    .find(|known| known.partition == position.partition);
                found.map(|found| found.committed)
            });
            let furthest = groups.entry(group).or_insert(i64::MIN);
            *furthest = committed.unwrap_or(i64::MIN).max(*furthest);
        }
        let passed = position.is_none_or(|position| {
            let mut committed = groups.values();
            committed.all(|committed| *committed > position.offset)
        });
        match (groups.is_empty(), passed) {
            (true, _) => Reading::Unseen,
            (false, true) => Reading::Passed,
            (false, false) => Reading::Behind,
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_domain::agent::PartitionPosition;

    use super::*;

    fn session(name: &str) -> Session {
        Session {
            agent: "dock".into(),
            session: name.into(),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn started<const COUNT: usize>(ids: [&DeliveryId; COUNT]) -> Left {
        Left {
            started: ids.into_iter().cloned().collect(),
            claimed: Vec::new(),
        }
    }

    fn claim(random: u64) -> AttemptRef {
        AttemptRef {
            delivery: DeliveryId::mint(at(0), random),
            attempt: 1,
        }
    }

    #[test]
    fn a_session_leaves_what_it_claimed_and_did_not_start() {
        let mut sessions = Sessions::default();
        sessions.meet(&session("s1"), at(0)).unwrap();
        let (first, second) = (claim(1), claim(2));
        let both = [first.clone(), second.clone()];
        assert!(sessions.will_hold(&session("s1"), &both, at(60), at(0)));
        sessions.will_start(&session("s1"), &first.delivery);
        let expected = Left {
            claimed: vec![second],
            ..started([&first.delivery])
        };
        assert_eq!(sessions.leave(&session("s1"), at(1)), expected);
        assert!(!sessions.will_hold(&session("s1"), &[claim(3)], at(60), at(1)));
    }

    #[test]
    fn what_a_session_sent_before_its_leave_does_not_bring_it_back() {
        let mut sessions = Sessions::default();
        sessions.meet(&session("s1"), at(0)).unwrap();
        sessions.leave(&session("s1"), at(1));
        assert!(matches!(
            sessions.meet(&session("s1"), at(1)),
            Err(Error::Conflict(_))
        ));
        assert_eq!(sessions.alive(at(1)).count(), 0);
        assert_eq!(sessions.meet(&session("s2"), at(1)).unwrap(), None);
        assert_eq!(sessions.alive(at(1)).count(), 1);
    }

    #[test]
    fn a_draining_session_is_handed_nothing_and_its_next_life_is() {
        let mut sessions = Sessions::default();
        sessions.meet(&session("s1"), at(0)).unwrap();
        assert!(sessions.will_hold(&session("s1"), &[claim(1)], at(60), at(0)));
        assert_eq!(sessions.drain(&session("s1"), at(1)), [claim(1)]);
        assert!(!sessions.will_hold(&session("s1"), &[claim(2)], at(60), at(1)));
        sessions.meet(&session("s2"), at(2)).unwrap();
        assert!(sessions.will_hold(&session("s2"), &[claim(2)], at(62), at(2)));
    }

    #[test]
    fn a_silent_session_leaves_what_it_claimed_for_long() {
        let mut sessions = Sessions::default();
        sessions.meet(&session("s1"), at(0)).unwrap();
        sessions.will_hold(&session("s1"), &[claim(1)], at(3_600), at(0));
        // This lease is over by then, so that others may have it.
        sessions.will_hold(&session("s1"), &[claim(2)], at(60), at(0));
        assert_eq!(sessions.lost(at(59)), []);
        let lost = sessions.lost(at(60));
        assert_eq!(lost.len(), 1);
        assert_eq!(lost[0].1.claimed, [claim(1)]);
    }

    #[test]
    fn a_start_that_is_written_after_its_session_was_lost_is_noticed() {
        let (mut sessions, id) = (Sessions::default(), DeliveryId::mint(at(0), 1));
        sessions.meet(&session("s1"), at(0)).unwrap();
        sessions.will_start(&session("s1"), &id);
        assert!(sessions.holds(&session("s1"), &id));
        let replaced = sessions.meet(&session("s2"), at(1)).unwrap();
        assert_eq!(replaced, Some((session("s1"), started([&id]))));
        assert!(!sessions.holds(&session("s1"), &id));
    }

    #[test]
    fn a_loss_that_could_not_be_written_is_looked_at_again() {
        let (mut sessions, id) = (Sessions::default(), DeliveryId::mint(at(0), 1));
        sessions.look_again(&session("s1"), StartedSet::from([id.clone()]));
        assert_eq!(sessions.lost(at(1)), [(session("s1"), started([&id]))]);
        assert_eq!(sessions.lost(at(2)), []);
    }

    #[test]
    fn both_lives_of_an_agent_are_remembered_after_a_restart() {
        let ids = [1, 2].map(|random| DeliveryId::mint(at(0), random));
        let mut sessions = Sessions::default();
        sessions.remember(&session("s1"), &ids[0], at(0));
        sessions.remember(&session("s2"), &ids[1], at(0));
        let lost: Vec<Session> = sessions
            .lost(at(120))
            .into_iter()
            .map(|(by, _)| by)
            .collect();
        assert_eq!(lost, [session("s2"), session("s1")]);
    }

    #[test]
    fn how_far_a_message_was_read_is_what_the_slowest_group_tells() {
        let position = |offset| {
            Some(Position {
                partition: 0,
                offset,
            })
        };
        let mut sessions = Sessions::default();
        assert_eq!(sessions.reading(position(7), at(1)), Reading::Unseen);
        for (agent, group, committed) in [("dock", Some("a"), 8), ("pier", Some("b"), 7)] {
            let by = Session {
                agent: agent.into(),
                session: "s1".into(),
            };
            sessions.meet(&by, at(0)).unwrap();
            sessions.describe(Heartbeat {
                by,
                version: "1".into(),
                streamer: Streamer::Kafka,
                in_flight: 0,
                group: group.map(str::to_owned),
                partitions: vec![PartitionPosition {
                    partition: 0,
                    committed,
                    end: 9,
                }],
                draining: false,
                leaving: false,
            });
        }
        assert_eq!(sessions.reading(position(6), at(1)), Reading::Passed);
        assert_eq!(sessions.reading(position(7), at(1)), Reading::Behind);
        assert_eq!(sessions.reading(None, at(1)), Reading::Passed);
        // Both fell silent.
        assert_eq!(sessions.reading(position(6), at(61)), Reading::Unseen);
    }

    #[test]
    fn who_names_no_session_keeps_none_alive() {
        let mut sessions = Sessions::default();
        sessions.meet(&session("s1"), at(0)).unwrap();
        sessions.meet_nameless("dock", at(50));
        assert_eq!(sessions.alive(at(100)).count(), 0);
    }
}
