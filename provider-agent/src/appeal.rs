//! Shows receipts against lists that call the machine DOWN.

use std::collections::BTreeMap;
use std::sync::Arc;

use quorate_canon::{HealthEpoch, OfferId, OperatorIndex};
use quorate_health::Window;

use crate::AgentError;
use crate::chain::{Action, Appeal, Chain, ChainTrouble, Hand};
use crate::observe::Observe;
use crate::store::{CertifiedDown, Store, StoredReceipt};

/// Whose receipts are to be shown for one window, most seats first, so that it falls by as few
/// transactions as can be.
#[must_use]
pub fn order(
    seats: &[OperatorIndex],
    signers: &[u8],
    struck: &[OperatorIndex],
    receipts: &[StoredReceipt],
) -> Vec<StoredReceipt> {
    let mut weights: BTreeMap<OperatorIndex, usize> = BTreeMap::new();
    for operator in seats {
        *weights.entry(*operator).or_default() += 1;
    }
    let weight = |receipt: &StoredReceipt| weights.get(&receipt.operator).copied().unwrap_or(0);
    let mut usable: Vec<StoredReceipt> = receipts
        .iter()
        .filter(|receipt| weight(receipt) > 0)
        .filter(|receipt| signed(signers, receipt.operator) && !struck.contains(&receipt.operator))
        .copied()
        .collect();
    usable.sort_by_key(|receipt| (std::cmp::Reverse(weight(receipt)), receipt.operator));
    usable
}

/// Whether an operator's bit is set: bit `i mod 8`, least significant first, of byte `i div 8`.
fn signed(signers: &[u8], operator: OperatorIndex) -> bool {
    let Ok(index) = usize::try_from(operator.get()) else {
        return false;
    };
    signers
        .get(index / 8)
        .is_some_and(|byte| byte & (1 << (index % 8)) != 0)
}

/// Shows what there is to show.
#[derive(Clone)]
pub struct Appealer {
    /// The machine.
    pub offer: OfferId,
    /// The store of receipts.
    pub store: Store,
    /// Reads.
    pub chain: Arc<dyn Chain>,
    /// Sends.
    pub hand: Arc<dyn Hand>,
    /// Log lines and metrics.
    pub observe: Observe,
}

impl std::fmt::Debug for Appealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Appealer")
            .field("offer", &self.offer)
            .finish_non_exhaustive()
    }
}

impl Appealer {
    /// Appeals against every list of an epoch that is not settled. What the chain does not take now
    /// is tried at the next call; what a contract refuses is never tried again.
    ///
    /// # Errors
    /// [`AgentError`] of the store, or the first passing trouble of the chain.
    pub async fn run(&self, unsettled: HealthEpoch) -> Result<(), AgentError> {
        for down in self.store.downs()? {
            if down.epoch >= unsettled {
                self.against(&down).await?;
            }
        }
        Ok(())
    }

    async fn against(&self, down: &CertifiedDown) -> Result<(), AgentError> {
        let mut seats = None;
        for window in 0..256_u16 {
            if !down.windows.bit(usize::from(window)) {
                continue;
            }
            let window = Window(window);
            let receipts = self.store.receipts_of(down.epoch, window)?;
            let (struck, fell) = self.store.struck(down.epoch, down.number, window)?;
            if fell || receipts.is_empty() {
                continue;
            }
            let seats = match &seats {
                Some(seats) => seats,
                None => seats.insert(self.chain.seats(down.epoch, self.offer).await?),
            };
            let usable = order(seats, &down.signers, &struck, &receipts);
            self.window(down, &usable).await?;
        }
        Ok(())
    }

    /// One receipt after the other until the window falls.
    async fn window(
        &self,
        down: &CertifiedDown,
        usable: &[StoredReceipt],
    ) -> Result<(), AgentError> {
        if usable.is_empty() {
            return Ok(());
        }
        let until = self.chain.appealable_until(down.epoch).await?;
        for receipt in usable {
            let appeal = Appeal {
                epoch: down.epoch,
                number: down.number,
                offer: self.offer,
                window: receipt.window,
                operator: receipt.operator,
                signature: receipt.signature,
                until,
            };
            let result = self.hand.act(&Action::Appeal(appeal.clone())).await;
            self.observe.appealed(&appeal, result.as_ref());
            let fell = match result {
                Ok(done) => done.fell,
                // Somebody else showed it, or the epoch is settled.
                Err(ChainTrouble::Refused(_)) => false,
                Err(trouble) => return Err(trouble.into()),
            };
            self.store.strike(
                down.epoch,
                down.number,
                receipt.window,
                receipt.operator,
                fell,
            )?;
            if fell {
                return Ok(());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use quorate_canon::Timestamp;

    use super::*;

    fn receipt(operator: u32) -> StoredReceipt {
        StoredReceipt {
            epoch: HealthEpoch::new(1),
            window: Window(0),
            operator: OperatorIndex::new(operator),
            signature: [0; 96],
            at: Timestamp::new(0),
        }
    }

    fn ordered(seats: &[u32], signers: &[u8], struck: &[u32], held: &[u32]) -> Vec<u32> {
        let indices = |list: &[u32]| {
            list.iter()
                .copied()
                .map(OperatorIndex::new)
                .collect::<Vec<_>>()
        };
        let receipts: Vec<_> = held.iter().copied().map(receipt).collect();
        order(&indices(seats), signers, &indices(struck), &receipts)
            .iter()
            .map(|receipt| receipt.operator.get())
            .collect()
    }

    #[test]
    fn most_seats_come_first() {
        let seats = [0, 1, 1, 2, 2, 2, 9];
        assert_eq!(ordered(&seats, &[0b111], &[], &[0, 1, 2]), [2, 1, 0]);
    }

    #[test]
    fn only_signers_with_seats_that_still_stand_are_shown() {
        let seats = [0, 1, 2, 9];
        // 3 has no seat, 9 did not sign, 1 is struck.
        assert_eq!(ordered(&seats, &[0b1111], &[1], &[0, 1, 2, 3, 9]), [0, 2]);
        assert!(ordered(&seats, &[], &[], &[0, 1]).is_empty());
    }

    #[test]
    fn bits_are_a_certificates() {
        let mut bitmap = quorate_protocol::Bitmap::empty(20);
        for operator in [0, 7, 8, 19] {
            bitmap.insert(OperatorIndex::new(operator)).unwrap();
        }
        for operator in 0..64 {
            let operator = OperatorIndex::new(operator);
            assert_eq!(
                signed(&bitmap.to_bytes(), operator),
                bitmap.contains(operator)
            );
        }
    }
}
