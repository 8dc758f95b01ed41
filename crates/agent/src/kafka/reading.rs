//! Reads the topics: begins work on what comes, the oldest first, commits what is finished, and
//! pauses while there is no room or the server is away.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_backends::kafka::{Consumer, Event, KafkaError, Partition, Received};
use longshore_domain::agent::PartitionPosition;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::ahead::Ahead;
use super::connect::{Connected, KafkaFailure, connect};
use super::dead;
use super::message::{self, Read};
use super::offsets::{Begun, Offsets};
use crate::config::{Kafka, Secrets};
use crate::work::{Desk, Ending, Place, Stop, Work, bytes_of, bytes_of_message};

/// How often it is looked at whether reading may go on.
const LOOK: Duration = Duration::from_millis(100);
/// How long what comes waits for room before the partitions are paused: a pause lets go of all that
/// was fetched ahead, which is fetched again then.
const FULL: Duration = Duration::from_secs(1);
/// How often the brokers are asked how far the group has come.
const POSITIONS: Duration = Duration::from_secs(10);
/// Changes in work at once: more wait on their topic, so that they leave room for runs.
const CHANGES_LIMIT: usize = 100;
/// How often it is told at most that the cluster gives no answer.
const TROUBLE_TOLD_EVERY: Duration = Duration::from_secs(10);

/// The topics as this agent reads them.
pub(crate) struct Topics {
    kafka: Kafka,
    secrets: Secrets,
    dead: String,
    positions: Mutex<Vec<PartitionPosition>>,
}

/// How work on a message ended.
struct Ended {
    begun: Begun,
    ending: Ending,
}

/// One time of reading, from joining the group to leaving it.
struct Reading<'a> {
    topics: &'a Topics,
    desk: &'a Arc<Desk>,
    connected: Connected,
    offsets: Offsets,
    /// Runs that have come and are not begun.
    ahead: Ahead,
    jobs: JoinSet<Ended>,
    changes: usize,
    /// Since when there is no room.
    full_since: Option<Instant>,
    /// Whether the partitions are paused; none where some may be and others not.
    runs_paused: Option<bool>,
    changes_paused: Option<bool>,
    /// When it was told last that the cluster gives no answer.
    trouble_told_at: Option<Instant>,
}

impl Topics {
    pub(crate) fn new(kafka: Kafka, secrets: Secrets) -> Self {
        Self {
            dead: format!("{}.dead", kafka.runs),
            kafka,
            secrets,
            positions: Mutex::default(),
        }
    }

    /// The group.
    pub(crate) fn group(&self) -> &str {
        &self.kafka.group
    }

    /// How far the group has come in the partitions of the runs' topic that are ours.
    pub(crate) fn positions(&self) -> Vec<PartitionPosition> {
        let positions = self.positions.lock();
        positions.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads until the agent stops; ends when all work on what came has ended.
    ///
    /// # Errors
    /// Where no client can be made.
    pub(crate) async fn run(&self, desk: &Arc<Desk>) -> Result<(), KafkaFailure> {
        while !desk.stop.is_stopped() {
            let Some(connected) = connect(desk, &self.kafka).await? else {
                return Ok(());
            };
            let mut reading = Reading {
                topics: self,
                desk,
                connected,
                offsets: Offsets::default(),
                ahead: Ahead::default(),
                jobs: JoinSet::new(),
                changes: 0,
                full_since: None,
                runs_paused: None,
                changes_paused: None,
                trouble_told_at: None,
            };
            reading.read().await;
            reading.finish().await;
        }
        Ok(())
    }

    async fn watch_positions(&self, consumer: Arc<Consumer>) {
        let mut ticks = interval(POSITIONS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let asked = Arc::clone(&consumer);
            let positions = tokio::task::spawn_blocking(move || asked.positions()).await;
            match positions {
                Ok(Ok(positions)) => {
                    let ours = positions.into_iter();
                    let ours = ours.filter(|(partition, ..)| partition.topic == self.kafka.runs);
                    let told = ours.map(|(partition, committed, end)| PartitionPosition {
                        partition: partition.number,
                        committed,
                        end,
                    });
                    *self
                        .positions
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner) = told.collect();
                }
                Ok(Err(error)) => tracing::debug!(%error, "positions could not be read"),
                Err(error) => tracing::debug!(%error, "positions were not read"),
            }
        }
    }
}

impl Reading<'_> {
    /// Reads until the agent stops or the client has failed for good.
    async fn read(&mut self) {
        let consumer = Arc::clone(&self.connected.consumer);
        let topics = self.topics;
        let watching = topics.watch_positions(Arc::clone(&consumer));
        tokio::pin!(watching);
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.desk.stop.stopped() => return,
                () = &mut watching => return,
                Some(ended) = self.jobs.join_next() => {
                    if let Ok(ended) = ended {
                        self.ended(&ended);
                    }
                    self.begin_oldest();
                }
                _ = looks.tick() => {
                    self.begin_oldest();
                    self.look();
                }
                event = consumer.next(), if self.takes() => match event {
                    Ok(event) => self.happened(event),
                    Err(KafkaError::Fatal(cause)) => {
                        tracing::error!(cause, "the Kafka client has failed and is made anew");
                        return;
                    }
                    Err(error) => self.troubled(&error),
                },
            }
        }
    }

    /// Finishes what is in work, and leaves the group.
    async fn finish(mut self) {
        while let Some(ended) = self.jobs.join_next().await {
            if let Ok(ended) = ended {
                self.ended(&ended);
            }
        }
        let Connected { consumer, producer } = self.connected;
        // Leaving commits what is finished, which takes a word with the brokers.
        let left = tokio::task::spawn_blocking(move || drop((consumer, producer))).await;
        if let Err(error) = left {
            tracing::warn!(%error, "the group was not left in order");
        }
    }

    /// The client tries again by itself, and queues several errors a second meanwhile. Each is taken
    /// at once: what comes after the outage stands behind them all.
    fn troubled(&mut self, error: &KafkaError) {
        let told_at = self.trouble_told_at;
        if told_at.is_some_and(|at| at.elapsed() < TROUBLE_TOLD_EVERY) {
            tracing::debug!(%error, "the topics are read again later");
        } else {
            tracing::warn!(%error, "the topics are read again later");
            self.trouble_told_at = Some(Instant::now());
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Assigned(partitions) => {
                tracing::info!(partitions = partitions.len(), "partitions were assigned");
                self.offsets.assign(&partitions);
                // New ones begin unpaused, those that stay are as they were.
                (self.runs_paused, self.changes_paused) = (None, None);
                self.look();
            }
            Event::Revoked(partitions) => {
                tracing::info!(partitions = partitions.len(), "partitions were revoked");
                self.offsets.revoke(&partitions);
                self.ahead.forget(&partitions);
            }
            Event::Message(record) if record.partition.topic == self.topics.kafka.changes => {
                self.begin(record);
            }
            Event::Message(record) => {
                self.ahead.add(record);
                self.begin_oldest();
            }
        }
    }

    /// Begins work on as many runs as there is room for.
    fn begin_oldest(&mut self) {
        while self.desk.room.free() > 0 {
            let Some(record) = self.ahead.next() else {
                return;
            };
            self.begin(record);
        }
    }

    fn begin(&mut self, record: Received) {
        let Some((begun, revoked)) = self.offsets.begin(&record.partition, record.offset) else {
            return;
        };
        let is_change = record.partition.topic == self.topics.kafka.changes;
        let read = if is_change {
            message::change(&record)
        } else {
            message::run(&record, &self.topics.secrets)
        };
        let desk = Arc::clone(self.desk);
        match read {
            Read::NotForAgents => {
                let ending = Ending::NotOurs;
                self.ended(&Ended { begun, ending });
            }
            Read::Run(run, attempt, message) => {
                let work = Work {
                    place: desk.room.take(bytes_of_message(&message)),
                    run,
                    attempt,
                    message,
                    lease_until: None,
                    revoked: Some(revoked),
                };
                self.spawn(begun, async move { desk.handle(work).await });
            }
            Read::Unverified(attempt, fault) => {
                let place = desk.room.take(record.value.len());
                self.spawn(begun, async move {
                    let ending = desk.unverified(attempt, &fault).await;
                    drop(place);
                    ending
                });
            }
            Read::Change(delivery, message) => {
                let place = desk.room.take(bytes_of(&message));
                self.changes += 1;
                self.spawn(begun, async move {
                    desk.change(delivery, message, place, revoked).await
                });
            }
            Read::Dead(reason) => {
                let place = desk.room.take(record.value.len());
                self.bury(begun, record, reason, place, revoked);
            }
        }
        self.look();
    }

    fn bury(
        &mut self,
        begun: Begun,
        record: Received,
        reason: String,
        place: Place,
        revoked: Stop,
    ) {
        let desk = Arc::clone(self.desk);
        let producer = self.connected.producer.clone();
        let topic = self.topics.dead.clone();
        self.spawn(begun, async move {
            let buried = dead::bury(&desk, &producer, &topic, &record, &reason);
            let ending = tokio::select! {
                ending = buried => ending,
                () = revoked.stopped() => Ending::Abandoned,
            };
            drop(place);
            ending
        });
    }

    fn spawn(&mut self, begun: Begun, work: impl Future<Output = Ending> + Send + 'static) {
        // Boxed: what is awaited would be held twice, where it comes from and where it is polled.
        let work = Box::pin(work);
        self.jobs.spawn(async move {
            let ending = work.await;
            Ended { begun, ending }
        });
    }

    fn ended(&mut self, ended: &Ended) {
        if ended.begun.partition.topic == self.topics.kafka.changes {
            self.changes = self.changes.saturating_sub(1);
        }
        if ended.ending == Ending::Abandoned {
            return;
        }
        let Some(next) = self.offsets.end(&ended.begun) else {
            return;
        };
        let finished = self
            .connected
            .consumer
            .finished(&ended.begun.partition, next);
        if let Err(error) = finished {
            // It was revoked at this moment: whoever has it now is told that it is over.
            tracing::debug!(%error, "an offset could not be committed");
        }
    }

    /// Whether to take what comes: there is room for it, or what comes is no run, as those are paused.
    fn takes(&self) -> bool {
        self.runs_paused == Some(true) || self.ahead.has_room()
    }

    /// Pauses where there is no room for long, and goes on where there is.
    fn look(&mut self) {
        let room = &self.desk.room;
        let away = self.desk.contact.is_away();
        self.full_since = match room.free() {
            0 => self.full_since.or_else(|| Some(Instant::now())),
            _ => None,
        };
        let for_long = self.full_since.is_some_and(|since| since.elapsed() >= FULL);
        // Some room is wanted before reading goes on, or it would stop at once again.
        let full = for_long || (self.runs_paused == Some(true) && room.is_tight());
        let many = self.changes >= CHANGES_LIMIT;
        let shall = (Some(full || away), Some(full || many));
        if shall == (self.runs_paused, self.changes_paused) {
            return;
        }
        let (runs, changes): (Vec<Partition>, Vec<Partition>) = self
            .offsets
            .partitions()
            .into_iter()
            .partition(|partition| partition.topic == self.topics.kafka.runs);
        let consumer = &self.connected.consumer;
        set(consumer, &runs, &mut self.runs_paused, shall.0);
        set(consumer, &changes, &mut self.changes_paused, shall.1);
    }
}

/// Pauses or resumes `partitions` where they are not so already.
fn set(consumer: &Consumer, partitions: &[Partition], is: &mut Option<bool>, shall: Option<bool>) {
    if *is == shall {
        return;
    }
    let done = if partitions.is_empty() {
        Ok(())
    } else if shall == Some(true) {
        consumer.pause(partitions)
    } else {
        consumer.resume(partitions)
    };
    match done {
        Ok(()) => *is = shall,
        Err(error) => tracing::debug!(%error, "partitions could not be paused or resumed"),
    }
}
