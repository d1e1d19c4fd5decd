//! Which leases are held, and when each is to be ended.

use std::collections::BTreeMap;

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

/// Leases that are open, by the time (Unix milliseconds) at which each is to be ended.
#[derive(Debug, Default)]
pub(super) struct Leases {
    posted: BTreeMap<u64, Posted>,
    open: BTreeMap<(u64, u64), Ender>,
}

/// Seconds that a lease without its tenant's end stays beyond its term: the block that ends it
/// must be stamped after the term.
const GRACE: u64 = 2_000;

impl Leases {
    /// Requests were posted.
    pub(super) fn post(&mut self, id: u64, posted: Posted) {
        self.posted.insert(id, posted);
    }

    /// A lease was opened at `time` (Unix seconds). Hearing of it twice changes nothing; a lease of
    /// somebody else's request is none of ours.
    pub(super) fn opened(&mut self, request: u64, time: u64) {
        if let Some(posted) = self.posted.remove(&request) {
            let grace = if posted.ender == Ender::Anyone {
                GRACE
            } else {
                0
            };
            self.open
                .insert((time * 1_000 + posted.life + grace, request), posted.ender);
        }
    }

    /// Takes out what is to be ended by `now` (Unix milliseconds), by who ends it.
    pub(super) fn due(&mut self, now: u64) -> BTreeMap<Ender, Vec<u64>> {
        let later = self.open.split_off(&(now + 1, 0));
        let due = std::mem::replace(&mut self.open, later);
        let mut by_ender: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for ((_, request), ender) in due {
            by_ender.entry(ender).or_default().push(request);
        }
        by_ender
    }

    /// How many leases are open.
    pub(super) fn count(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_ended_once_by_who_ends_it() {
        let mut leases = Leases::default();
        leases.post(
            7,
            Posted {
                ender: Ender::Tenant(1),
                life: 500,
            },
        );
        leases.post(
            8,
            Posted {
                ender: Ender::Anyone,
                life: 500,
            },
        );
        leases.opened(7, 10);
        leases.opened(7, 11);
        leases.opened(8, 10);
        leases.opened(9, 10);
        assert_eq!(leases.count(), 2);
        assert!(leases.due(10_499).is_empty());
        assert_eq!(
            leases.due(10_500),
            BTreeMap::from([(Ender::Tenant(1), vec![7])])
        );
        assert_eq!(
            leases.due(12_500),
            BTreeMap::from([(Ender::Anyone, vec![8])])
        );
        assert_eq!(leases.count(), 0);
    }
}
