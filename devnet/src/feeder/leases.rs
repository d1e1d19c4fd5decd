//! Which leases are held, and when each is to be ended.

use std::collections::{BTreeMap, BTreeSet};

/// Who ends a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ender {
    /// The tenant of this number, before the term is over.
    Tenant(usize),
    /// Anyone, when the term is over.
    Anyone,
}

/// What the feeder knows of a request that it posted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posted {
    pub(super) ender: Ender,
    /// How long its lease is to be held, milliseconds.
    pub(super) life: u64,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    ender: Ender,
    /// When it is to be ended, Unix milliseconds.
    due: u64,
    failures: u8,
}

/// All requests of the feeder that the chain shows, and their leases.
///
/// It is told what the chain shows, again and again: hearing of a thing twice changes nothing, and
/// what a reorg shows instead takes the place of what it hid.
#[derive(Debug, Default)]
pub(super) struct Leases {
    posted: BTreeMap<u64, Posted>,
    open: BTreeMap<u64, Lease>,
    over: BTreeSet<u64>,
}

/// Milliseconds that a lease without its tenant's end stays beyond its term: the block that ends
/// it must be stamped after the term.
const GRACE: u64 = 2_000;
/// Milliseconds until an end that failed is tried again, and how often.
const AGAIN: u64 = 3_000;
const TRIALS: u8 = 5;

impl Leases {
    /// The chain shows a request.
    pub(super) fn posted(&mut self, id: u64, posted: Posted) {
        self.posted.insert(id, posted);
    }

    /// The chain shows a lease, opened at `time` (Unix seconds). One of somebody else's request is
    /// none of ours.
    pub(super) fn opened(&mut self, request: u64, time: u64) {
        let Some(posted) = self.posted.get(&request) else {
            return;
        };
        if self.over.contains(&request) {
            return;
        }
        let grace = if posted.ender == Ender::Anyone {
            GRACE
        } else {
            0
        };
        let due = time * 1_000 + posted.life + grace;
        self.open.entry(request).or_insert(Lease {
            ender: posted.ender,
            due,
            failures: 0,
        });
    }

    /// What is to be ended by `now` (Unix milliseconds), in batches of one ender. What failed
    /// before comes alone, so that it spoils nothing else.
    pub(super) fn due(&self, now: u64, batch: usize) -> Vec<(Ender, Vec<u64>)> {
        let mut fresh: BTreeMap<Ender, Vec<u64>> = BTreeMap::new();
        let mut batches = Vec::new();
        for (request, lease) in self.open.iter().filter(|(_, lease)| lease.due <= now) {
            match lease.failures {
                0 => fresh.entry(lease.ender).or_default().push(*request),
                _ => batches.push((lease.ender, vec![*request])),
            }
        }
        for (ender, requests) in fresh {
            batches.extend(requests.chunks(batch).map(|part| (ender, part.to_vec())));
        }
        batches
    }

    /// These were ended.
    pub(super) fn ended(&mut self, requests: &[u64]) {
        for request in requests {
            self.open.remove(request);
            self.over.insert(*request);
        }
    }

    /// Ending these failed at `now`; those that failed too often are given up.
    pub(super) fn failed(&mut self, requests: &[u64], now: u64) {
        for request in requests {
            let Some(lease) = self.open.get_mut(request) else {
                continue;
            };
            lease.failures += 1;
            lease.due = now + AGAIN;
            if lease.failures >= TRIALS {
                self.open.remove(request);
            }
        }
    }

    /// How many leases are open.
    pub(super) fn count(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leases() -> Leases {
        let mut leases = Leases::default();
        leases.posted(
            7,
            Posted {
                ender: Ender::Tenant(1),
                life: 500,
            },
        );
        leases.posted(
            8,
            Posted {
                ender: Ender::Anyone,
                life: 500,
            },
        );
        leases.posted(
            9,
            Posted {
                ender: Ender::Tenant(1),
                life: 500,
            },
        );
        leases
    }

    #[test]
    fn a_lease_is_due_after_its_life_at_who_ends_it() {
        let mut leases = leases();
        leases.opened(7, 10);
        leases.opened(8, 10);
        assert!(leases.due(10_499, 64).is_empty());
        assert_eq!(leases.due(10_500, 64), [(Ender::Tenant(1), vec![7])]);
        assert_eq!(
            leases.due(12_500, 64),
            [(Ender::Tenant(1), vec![7]), (Ender::Anyone, vec![8])]
        );
    }

    #[test]
    fn hearing_of_a_lease_twice_changes_nothing() {
        let mut leases = leases();
        leases.opened(7, 10);
        leases.opened(7, 10);
        assert_eq!(leases.count(), 1);
        leases.ended(&[7]);
        leases.opened(7, 10);
        assert_eq!(leases.count(), 0);
    }

    #[test]
    fn a_strangers_lease_is_none_of_ours() {
        let mut leases = leases();
        leases.opened(99, 10);
        assert_eq!(leases.count(), 0);
    }

    #[test]
    fn what_failed_is_tried_again_alone_and_given_up_in_the_end() {
        let mut leases = leases();
        leases.opened(7, 10);
        leases.opened(9, 10);
        assert_eq!(leases.due(11_000, 64), [(Ender::Tenant(1), vec![7, 9])]);
        leases.failed(&[7, 9], 11_000);
        assert!(leases.due(13_999, 64).is_empty());
        assert_eq!(
            leases.due(14_000, 64),
            [(Ender::Tenant(1), vec![7]), (Ender::Tenant(1), vec![9])]
        );
        for _ in 1..TRIALS {
            leases.failed(&[7], 14_000);
        }
        assert_eq!(leases.count(), 1);
    }

    #[test]
    fn batches_are_no_longer_than_asked() {
        let mut leases = leases();
        leases.opened(7, 10);
        leases.opened(9, 10);
        assert_eq!(leases.due(11_000, 1).len(), 2);
    }
}
