//! Where an id stands among ids that ascend.

use std::cmp::Ordering;

/// The position of an id. Ids mostly follow each other without gaps, so the first look mostly hits.
pub(crate) fn find(count: usize, id: u64, at: impl Fn(usize) -> u64) -> Option<usize> {
    let last = count.checked_sub(1)?;
    // Ids differ by 1 at least, so none stands further on than this.
    let furthest = usize::try_from(id.checked_sub(at(0))?).unwrap_or(usize::MAX);
    let furthest = furthest.min(last);
    if at(furthest) == id {
        return Some(furthest);
    }
    let (mut low, mut high) = (0, furthest);
    while low < high {
        let middle = low + (high - low) / 2;
        match at(middle).cmp(&id) {
            Ordering::Less => low = middle + 1,
            Ordering::Equal => return Some(middle),
            Ordering::Greater => high = middle,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::find;

    proptest! {
        #[test]
        fn every_id_is_found_where_it_stands_and_no_other(
            ids: BTreeSet<u8>, start in 0_u64..3, others in proptest::collection::vec(0_u64..300, 9),
        ) {
            let ids: Vec<u64> = ids.into_iter().map(|id| u64::from(id) + start).collect();
            for id in ids.iter().copied().chain(others) {
                let expected = ids.iter().position(|other| *other == id);
                prop_assert_eq!(find(ids.len(), id, |at| ids[at]), expected);
            }
        }
    }
}
