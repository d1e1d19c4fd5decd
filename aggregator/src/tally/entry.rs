//! One stake epoch's receipts, and who sent bad ones.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use quorate_bls::Signature;
use quorate_canon::OperatorIndex;
use quorate_rpc::ReceiptRejection;

use super::Sheet;

/// Bad receipts from one address in one operator's name in one stake epoch before no more are checked.
const FAILURES: u32 = 16;
/// Senders whose failures are counted apart, in one stake epoch; further ones share one count.
const SOURCES: usize = 4096;

/// An address that speaks in an operator's name.
pub(super) type Source = (Option<IpAddr>, OperatorIndex);
/// Signatures of sampled receipts, by sample and operator.
pub(super) type Receipts = BTreeMap<u16, BTreeMap<OperatorIndex, Signature>>;

/// A stake epoch whose work is shown.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) sheet: Arc<Sheet>,
    pub(super) receipts: Receipts,
    failures: BTreeMap<Source, u32>,
}

impl Entry {
    /// Of which these receipts are here.
    pub(super) const fn new(sheet: Arc<Sheet>, receipts: Receipts) -> Self {
        Self {
            sheet,
            receipts,
            failures: BTreeMap::new(),
        }
    }

    /// Counts a request against its sender, unless too many were bad before.
    pub(super) fn claim(&mut self, source: Source) -> Result<(), (ReceiptRejection, String)> {
        let count = self.failures.entry(self.apart(source)).or_insert(0);
        if *count >= FAILURES {
            let detail = format!("{FAILURES} bad receipts under index {}", source.1);
            return Err((ReceiptRejection::TooManyFailures, detail));
        }
        *count = count.saturating_add(1);
        Ok(())
    }

    /// A request was good, or it was not its sender's fault.
    pub(super) fn forgive(&mut self, source: Source) {
        let source = self.apart(source);
        if let Some(count) = self.failures.get_mut(&source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.failures.remove(&source);
            }
        }
    }

    /// Sources are counted apart, so that nobody can silence an operator by forging in its name,
    /// until there are too many to remember.
    fn apart(&self, source: Source) -> Source {
        if self.failures.len() < SOURCES || self.failures.contains_key(&source) {
            source
        } else {
            (None, source.1)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use quorate_canon::{Epoch, Timestamp};
    use quorate_protocol::StakeTable;

    use super::*;
    use crate::testing::World;

    fn entry(table: Arc<StakeTable>) -> Entry {
        let until = Timestamp::new(u64::MAX);
        let sheet = Sheet {
            epoch: Epoch::new(0),
            first: until,
            last: until,
            until,
            rounds: BTreeSet::new(),
            probes: BTreeMap::new(),
            table,
        };
        Entry::new(Arc::new(sheet), BTreeMap::new())
    }

    fn from(number: u32, operator: u32) -> Source {
        let address = IpAddr::from(number.to_be_bytes());
        (Some(address), OperatorIndex::new(operator))
    }

    #[test]
    fn the_number_of_sources_that_are_remembered_is_bounded() {
        let mut entry = entry(World::new(&[1]).table);
        for number in 0..10_000 {
            drop(entry.claim(from(number, number % 3)));
        }
        assert!(
            entry.failures.len() <= SOURCES + 3,
            "{}",
            entry.failures.len()
        );
    }

    #[test]
    fn requests_that_turn_out_to_be_good_count_against_nobody() {
        let mut entry = entry(World::new(&[1]).table);
        for _ in 0..100 {
            entry.claim(from(1, 0)).unwrap();
            entry.forgive(from(1, 0));
        }
        assert!(entry.failures.is_empty());
        for _ in 0..FAILURES {
            entry.claim(from(1, 0)).unwrap();
        }
        let refused = entry.claim(from(1, 0)).unwrap_err();
        assert_eq!(refused.0, ReceiptRejection::TooManyFailures);
        entry.claim(from(2, 0)).unwrap();
        entry.claim(from(1, 1)).unwrap();
    }
}
