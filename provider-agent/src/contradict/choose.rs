//! Which receipts contradict which accusers.

use std::collections::BTreeMap;

use quorate_canon::{Mask256, OperatorIndex};
use quorate_health::Window;
use quorate_rpc::Accuser;

use crate::store::StoredReceipt;

/// One receipt of each accuser for a window that it called DOWN, the lowest, by operator. Windows that
/// the epoch does not have are passed over. Receipts are asked for one window after the other, and only
/// for windows that somebody who is not contradicted yet called DOWN: whatever an answer names, it costs
/// at most one lookup a window.
///
/// # Errors
/// Those of `receipts_of`.
pub fn choose<E>(
    accusers: &[Accuser],
    windows: u16,
    mut receipts_of: impl FnMut(Window) -> Result<Vec<StoredReceipt>, E>,
) -> Result<Vec<StoredReceipt>, E> {
    let each = accusers
        .iter()
        .map(|accuser| (accuser.operator, accuser.windows));
    let mut left: BTreeMap<OperatorIndex, Mask256> = each.collect();
    let mut chosen = BTreeMap::new();
    for bit in 0..=u8::MAX {
        let window = Window(bit.into());
        if window.0 >= windows {
            break;
        }
        if !left.values().any(|mask| mask.bit(bit)) {
            continue;
        }
        for receipt in receipts_of(window)? {
            let accused = left.get(&receipt.operator);
            if accused.is_some_and(|mask| mask.bit(bit)) {
                left.remove(&receipt.operator);
                chosen.insert(receipt.operator, receipt);
            }
        }
    }
    Ok(chosen.into_values().collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::convert::Infallible;

    use proptest::prelude::*;
    use quorate_canon::{HealthEpoch, Timestamp};

    use super::*;

    fn receipt(operator: u32, window: u16) -> StoredReceipt {
        StoredReceipt {
            epoch: HealthEpoch::new(1),
            window: Window(window),
            operator: OperatorIndex::new(operator),
            signature: [u8::try_from(operator).unwrap(); 96],
            at: Timestamp::new(0),
        }
    }

    fn accuser(operator: u32, windows: &[u8]) -> Accuser {
        Accuser {
            operator: OperatorIndex::new(operator),
            windows: Mask256::of(windows),
        }
    }

    /// What is chosen, by operator and window, and which windows were looked up.
    fn chosen(
        accusers: &[Accuser],
        windows: u16,
        held: &BTreeSet<(u32, u16)>,
    ) -> (Vec<StoredReceipt>, Vec<u16>) {
        let mut asked = Vec::new();
        let chosen = choose(accusers, windows, |window| {
            asked.push(window.0);
            let of = held.iter().filter(|(_, at)| *at == window.0);
            Ok::<_, Infallible>(of.map(|(operator, at)| receipt(*operator, *at)).collect())
        });
        let Ok(chosen) = chosen;
        (chosen, asked)
    }

    proptest! {
        #[test]
        fn each_accuser_with_a_receipt_gets_its_lowest_and_nobody_else_any(
            accused in proptest::collection::btree_map(
                0_u32..6, proptest::collection::btree_set(0_u8..14, 0..5), 0..6),
            held in proptest::collection::btree_set((0_u32..6, 0_u16..14), 0..30),
            windows in 0_u16..14,
        ) {
            let accusers: Vec<_> = accused
                .iter()
                .map(|(operator, down)| accuser(*operator, &down.iter().copied().collect::<Vec<_>>()))
                .collect();
            // By trying every pair, operator by operator.
            let mut expected = Vec::new();
            for (operator, down) in &accused {
                let both = down.iter().copied().map(u16::from);
                let both = both.filter(|at| *at < windows && held.contains(&(*operator, *at)));
                expected.extend(both.min().map(|at| receipt(*operator, at)));
            }
            let (chosen, asked) = chosen(&accusers, windows, &held);
            prop_assert_eq!(chosen, expected);
            let once: BTreeSet<_> = asked.iter().collect();
            prop_assert_eq!(once.len(), asked.len());
            let any = |at: &u16| accused.values().any(|down| down.iter().any(|bit| u16::from(*bit) == *at));
            prop_assert!(asked.iter().all(|at| *at < windows && any(at)));
        }
    }

    #[test]
    fn the_last_of_256_windows_counts_and_none_behind_the_epoch_s() {
        let held = BTreeSet::from([(1, 255)]);
        let accusers = [accuser(1, &[255])];
        assert_eq!(chosen(&accusers, 256, &held).0, [receipt(1, 255)]);
        assert_eq!(chosen(&accusers, u16::MAX, &held).0, [receipt(1, 255)]);
        assert_eq!(chosen(&accusers, 255, &held), (vec![], vec![]));
    }

    #[test]
    fn nothing_is_looked_up_once_all_are_contradicted() {
        let held = BTreeSet::from([(1, 0), (1, 1), (1, 2)]);
        let all: Vec<u8> = (0..=255).collect();
        let (chosen, asked) = chosen(&[accuser(1, &all)], 256, &held);
        assert_eq!((chosen, asked), (vec![receipt(1, 0)], vec![0]));
    }
}
