//! Lists, part by part.

use quorate_canon::Digest;
use quorate_matching::{ListError, OutcomeList};
use quorate_proto::{ENTRY_BYTES, PART_ENTRIES, v1};

use super::{WireError, fixed};
use crate::WireLimits;

/// Puts the parts of one list together; memory grows only with what has really come.
#[derive(Debug)]
pub struct ListAssembler {
    digest: Digest,
    count: u32,
    lowest: u32,
    next: u32,
    bytes: Vec<u8>,
}

impl ListAssembler {
    /// Begins with the first part, which is taken by [`Self::push`] like all others.
    pub fn begin(first: &v1::OutcomePart, limits: &WireLimits) -> Result<Self, WireError> {
        let digest = Digest(fixed("header_digest", &first.header_digest)?);
        if first.count > limits.entries {
            return Err(WireError::TooLong {
                got: first.count,
                most: limits.entries,
            });
        }
        Ok(Self {
            digest,
            count: first.count,
            lowest: first.lowest,
            next: 0,
            bytes: Vec::new(),
        })
    }

    /// The header that the list is said to belong to.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Adds the next part.
    pub fn push(&mut self, part: &v1::OutcomePart) -> Result<(), WireError> {
        if part.index != self.next {
            return Err(WireError::PartOrder {
                got: part.index,
                expected: self.next,
            });
        }
        if part.header_digest != self.digest.0 {
            return Err(WireError::PartsDiffer("header_digest"));
        }
        if (part.count, part.lowest) != (self.count, self.lowest) {
            return Err(WireError::PartsDiffer("count or lowest"));
        }
        let left = self.expected().saturating_sub(self.bytes.len());
        let expected = left.min(PART_ENTRIES * ENTRY_BYTES);
        if part.entries.len() != expected || (left == 0 && self.next > 0) {
            return Err(WireError::Width {
                field: "entries",
                got: part.entries.len(),
                expected,
            });
        }
        self.bytes.extend_from_slice(&part.entries);
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// The whole list, as it was claimed: whether it fits a root is asked by who has one.
    pub fn finish(self) -> Result<OutcomeList, WireError> {
        let expected = self.expected();
        if self.next == 0 || self.bytes.len() != expected {
            return Err(WireError::Short {
                got: self.bytes.len(),
                expected,
            });
        }
        let bad = |error: ListError| WireError::List(error.to_string());
        let list = OutcomeList::from_bytes(&self.bytes).map_err(bad)?;
        if list.lowest() == self.lowest {
            return Ok(list);
        }
        // A wrong position can be signed too, and is settled and refuted like any other lie.
        OutcomeList::claimed(list.entries().to_vec(), self.lowest).map_err(bad)
    }

    /// Bytes of the whole list.
    fn expected(&self) -> usize {
        usize::try_from(self.count)
            .unwrap_or(usize::MAX)
            .saturating_mul(ENTRY_BYTES)
    }
}

/// The parts of `list`, in order.
pub fn parts(digest: Digest, list: &OutcomeList) -> Vec<v1::OutcomePart> {
    let bytes = list.bytes();
    let count = u32::try_from(bytes.len() / ENTRY_BYTES).unwrap_or(u32::MAX);
    let part = |index: usize, entries: &[u8]| v1::OutcomePart {
        header_digest: digest.0.to_vec(),
        index: u32::try_from(index).unwrap_or(u32::MAX),
        count,
        lowest: list.lowest(),
        entries: entries.to_vec(),
    };
    if count == 0 {
        return vec![part(0, &[])];
    }
    bytes
        .chunks(PART_ENTRIES * ENTRY_BYTES)
        .enumerate()
        .map(|(index, entries)| part(index, entries))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quorate_canon::{OfferId, RequestId};
    use quorate_matching::{Capacity, Entry, NO_LOWEST};

    fn list(count: u64) -> OutcomeList {
        let entry = |n| Entry {
            offer: OfferId::new(n + 1),
            request: RequestId::new(n + 1),
            score: 1_000_000 - n,
            tie: n,
            used: Capacity::default(),
        };
        let lowest = u32::try_from(count)
            .unwrap()
            .checked_sub(1)
            .unwrap_or(NO_LOWEST);
        OutcomeList::claimed((0..count).map(entry).collect(), lowest).unwrap()
    }

    fn assemble(parts: &[v1::OutcomePart]) -> Result<OutcomeList, WireError> {
        let first = parts.first().unwrap();
        let mut assembler = ListAssembler::begin(first, &WireLimits::default())?;
        for part in parts {
            assembler.push(part)?;
        }
        assembler.finish()
    }

    #[test]
    fn lists_of_any_length_survive_the_wire() {
        for count in [0, 1, 255, 256, 257, 600] {
            let list = list(count);
            assert_eq!(
                assemble(&parts(Digest([7; 32]), &list)),
                Ok(list),
                "{count} entries"
            );
        }
    }

    #[test]
    fn a_claimed_lowest_that_is_wrong_is_kept_as_claimed() {
        let claimed = OutcomeList::claimed(list(3).entries().to_vec(), 0).unwrap();
        let got = assemble(&parts(Digest([7; 32]), &claimed)).unwrap();
        assert_eq!(got.outcome_root(), claimed.outcome_root());
    }

    #[test]
    fn parts_out_of_turn_missing_or_different_are_refused() {
        let whole = parts(Digest([7; 32]), &list(600));
        let swapped = [whole[1].clone(), whole[0].clone()];
        assert_eq!(
            assemble(&swapped),
            Err(WireError::PartOrder {
                got: 1,
                expected: 0
            })
        );
        assert!(matches!(
            assemble(&whole[..2]),
            Err(WireError::Short { .. })
        ));
        let mut other = whole.clone();
        other[1].count = 601;
        assert_eq!(
            assemble(&other),
            Err(WireError::PartsDiffer("count or lowest"))
        );
        let mut short = whole;
        short[0].entries.pop();
        assert!(matches!(
            assemble(&short),
            Err(WireError::Width {
                field: "entries",
                ..
            })
        ));
    }

    #[test]
    fn parts_beyond_the_last_are_refused() {
        let mut whole = parts(Digest([7; 32]), &list(256));
        whole.push(v1::OutcomePart {
            index: 1,
            entries: Vec::new(),
            ..whole[0].clone()
        });
        assert!(matches!(assemble(&whole), Err(WireError::Width { .. })));
    }

    #[test]
    fn a_list_beyond_the_limit_is_refused_by_its_first_part() {
        let part = v1::OutcomePart {
            count: 11,
            header_digest: vec![0; 32],
            ..Default::default()
        };
        let error = ListAssembler::begin(&part, &WireLimits { entries: 10 }).unwrap_err();
        assert_eq!(error, WireError::TooLong { got: 11, most: 10 });
    }

    proptest! {
        #[test]
        fn no_part_makes_the_assembler_panic_or_grow(
            digest in proptest::collection::vec(any::<u8>(), 31..34),
            index in 0u32..3, count in any::<u32>(), lowest in any::<u32>(),
            entries in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let part = v1::OutcomePart { header_digest: digest, index, count, lowest, entries };
            if let Ok(mut assembler) = ListAssembler::begin(&part, &WireLimits::default()) {
                let _ = assembler.push(&part);
                prop_assert!(assembler.bytes.capacity() <= 400);
                let _ = assembler.finish();
            }
        }
    }
}
