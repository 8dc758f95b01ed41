//! Messages that have come and wait for room: the oldest of all partitions is next.
//!
//! A partition comes in long pieces, of which each would hold every sixth run, say, of a long time.
//! In the order in which they were published, runs that the server keeps side by side are started
//! and settled together.

use std::collections::{BTreeMap, VecDeque};

use longshore_backends::kafka::{Partition, Received};

/// The most messages that wait: about as many as a fetch brings of six partitions.
const MESSAGES_LIMIT: usize = 1_000;
/// The most bytes of them, passed by at most one message.
const BYTES_LIMIT: usize = 4 << 20;

/// The messages that wait.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Of each partition in its own order; none of them empty.
    partitions: BTreeMap<Partition, VecDeque<Received>>,
    messages: usize,
    bytes: usize,
}

impl Ahead {
    /// Whether more may come.
    pub(super) const fn has_room(&self) -> bool {
        self.messages < MESSAGES_LIMIT && self.bytes < BYTES_LIMIT
    }

    /// A message came.
    pub(super) fn add(&mut self, record: Received) {
        self.messages += 1;
        self.bytes += record.value.len();
        match self.partitions.get_mut(&record.partition) {
            Some(waiting) => waiting.push_back(record),
            None => {
                let partition = record.partition.clone();
                self.partitions.insert(partition, VecDeque::from([record]));
            }
        }
    }

    /// The oldest of those that are the next of their partition.
    pub(super) fn next(&mut self) -> Option<Received> {
        let first = |waiting: &VecDeque<Received>| waiting.front().map(|it| it.timestamp_millis);
        let (_, waiting) = self
            .partitions
            .iter_mut()
            .min_by_key(|(_, waiting)| first(waiting))?;
        let record = waiting.pop_front()?;
        if waiting.is_empty() {
            self.partitions.remove(&record.partition);
        }
        self.messages -= 1;
        self.bytes -= record.value.len();
        Some(record)
    }

    /// These partitions are another's: what waits of them comes to it.
    pub(super) fn forget(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            let waiting = self.partitions.remove(partition).unwrap_or_default();
            self.messages -= waiting.len();
            self.bytes -= waiting.iter().map(|it| it.value.len()).sum::<usize>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: i32, offset: i64, timestamp_millis: i64, bytes: usize) -> Received {
        Received {
            partition: partition(number),
            offset,
            timestamp_millis,
            key: None,
            headers: Vec::new(),
            value: vec![0; bytes],
        }
    }

    fn partition(number: i32) -> Partition {
        Partition {
            topic: "org.runs".to_owned(),
            number,
        }
    }

    fn places(ahead: &mut Ahead) -> Vec<(i32, i64)> {
        let next = std::iter::from_fn(|| ahead.next());
        next.map(|it| (it.partition.number, it.offset)).collect()
    }

    #[test]
    fn the_oldest_is_next_and_no_partition_is_read_out_of_order() {
        let mut ahead = Ahead::default();
        // The clock of whoever published to partition 0 was set back.
        for (number, offset, at) in [(0, 7, 30), (0, 8, 10), (1, 3, 20), (1, 4, 40), (2, 1, 20)] {
            ahead.add(record(number, offset, at, 1));
        }
        let expected = [(1, 3), (2, 1), (0, 7), (0, 8), (1, 4)];
        assert_eq!(places(&mut ahead), expected);
        assert_eq!(ahead.next(), None);
    }

    #[test]
    fn what_is_another_s_is_forgotten() {
        let mut ahead = Ahead::default();
        for (number, offset) in [(0, 1), (1, 1), (0, 2)] {
            ahead.add(record(number, offset, 0, BYTES_LIMIT / 2));
        }
        assert!(!ahead.has_room());
        ahead.forget(&[partition(0), partition(5)]);
        assert!(ahead.has_room());
        assert_eq!(places(&mut ahead), [(1, 1)]);
    }

    #[test]
    fn few_messages_wait() {
        let mut ahead = Ahead::default();
        for offset in 0.. {
            if !ahead.has_room() {
                break;
            }
            ahead.add(record(0, offset, 0, 1));
        }
        assert_eq!(places(&mut ahead).len(), MESSAGES_LIMIT);
        assert!(ahead.has_room());
    }
}
