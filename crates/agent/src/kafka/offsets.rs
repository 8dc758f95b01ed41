//! What of each partition is finished: everything before an offset, or it is not committed.

use std::collections::{BTreeMap, HashMap};

use longshore_backends::kafka::Partition;

use crate::work::{Stop, Stopper};

/// The partitions that are ours.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    partitions: HashMap<Partition, Ours>,
    /// Tells one time that a partition is ours from the next.
    times: u64,
}

#[derive(Debug)]
struct Ours {
    time: u64,
    /// Messages in work, and those that are finished after one that is not.
    open: BTreeMap<i64, bool>,
    stopper: Stopper,
    stop: Stop,
}

/// A message in work.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) partition: Partition,
    offset: i64,
    time: u64,
}

impl Offsets {
    /// These are ours from now on.
    pub(super) fn assign(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.times += 1;
            let (stopper, stop) = Stopper::new();
            let ours = Ours {
                time: self.times,
                open: BTreeMap::new(),
                stopper,
                stop,
            };
            self.partitions.insert(partition.clone(), ours);
        }
    }

    /// These are not any more: what is not started of them is another's.
    pub(super) fn revoke(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            if let Some(ours) = self.partitions.remove(partition) {
                ours.stopper.stop();
            }
        }
    }

    /// A message came; none where it is in work already, or its partition is not ours.
    pub(super) fn begin(&mut self, partition: &Partition, offset: i64) -> Option<(Begun, Stop)> {
        let ours = self.partitions.get_mut(partition)?;
        if ours.open.contains_key(&offset) {
            return None;
        }
        ours.open.insert(offset, false);
        let begun = Begun {
            partition: partition.clone(),
            offset,
            time: ours.time,
        };
        Some((begun, ours.stop.clone()))
    }

    /// A message is finished; the offset after the last of those that are finished without a gap,
    /// where there are more than before.
    pub(super) fn end(&mut self, begun: &Begun) -> Option<i64> {
        let ours = self.partitions.get_mut(&begun.partition)?;
        if ours.time != begun.time {
            return None;
        }
        if let Some(finished) = ours.open.get_mut(&begun.offset) {
            *finished = true;
        }
        let mut next = None;
        while let Some(first) = ours.open.first_entry() {
            if !first.get() {
                break;
            }
            next = Some(first.key() + 1);
            first.remove();
        }
        next
    }

    /// All partitions that are ours.
    pub(super) fn partitions(&self) -> Vec<Partition> {
        self.partitions.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32) -> Partition {
        Partition {
            topic: "org.runs".to_owned(),
            number,
        }
    }

    #[test]
    fn an_offset_is_finished_with_all_before_it() {
        let mut offsets = Offsets::default();
        offsets.assign(&[partition(0), partition(1)]);
        let begun: Vec<Begun> = [3, 4, 7]
            .map(|offset| offsets.begin(&partition(0), offset).unwrap().0)
            .to_vec();
        let (other, _) = offsets.begin(&partition(1), 0).unwrap();
        assert!(offsets.begin(&partition(0), 4).is_none(), "it is in work");
        assert_eq!(offsets.end(&begun[1]), None);
        assert_eq!(offsets.end(&begun[0]), Some(5));
        assert_eq!(offsets.end(&begun[2]), Some(8));
        assert_eq!(offsets.end(&other), Some(1));
    }

    #[test]
    fn what_was_revoked_counts_no_more_even_when_it_comes_back() {
        let mut offsets = Offsets::default();
        offsets.assign(&[partition(0)]);
        let (before, stop) = offsets.begin(&partition(0), 3).unwrap();
        offsets.revoke(&[partition(0)]);
        assert!(stop.is_stopped());
        assert_eq!(offsets.end(&before), None);
        assert!(offsets.begin(&partition(0), 4).is_none());
        offsets.assign(&[partition(0)]);
        let (again, _) = offsets.begin(&partition(0), 3).unwrap();
        assert_eq!(offsets.end(&before), None);
        assert_eq!(offsets.end(&again), Some(4));
    }
}
