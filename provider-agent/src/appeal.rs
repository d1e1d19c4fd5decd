//! Shows receipts against lists that call the machine DOWN.

mod case;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{HealthEpoch, OfferId, OperatorIndex, Timestamp};
use quorate_health::Window;
use quorate_service::Shutdown;
use tokio::time::Instant;

use crate::AgentError;
use crate::chain::{Action, Appeal, Chain, ChainTrouble, Hand};
use crate::config::DutiesSection;
use crate::observe::Observe;
use crate::shared::Shared;
use crate::store::{CertifiedDown, Store, StoredReceipt};

use case::{Case, is_final};

/// The receipts for one window in the order in which they are to be shown, most seats first, so that it
/// falls by as few transactions as can be. Those of operators without a seat are left out.
#[must_use]
pub fn order(seats: &[OperatorIndex], receipts: &[StoredReceipt]) -> Vec<StoredReceipt> {
    let mut weights: BTreeMap<OperatorIndex, usize> = BTreeMap::new();
    for operator in seats {
        *weights.entry(*operator).or_default() += 1;
    }
    let weight = |receipt: &StoredReceipt| weights.get(&receipt.operator).copied().unwrap_or(0);
    let with_seats = receipts.iter().filter(|receipt| weight(receipt) > 0);
    let mut usable: Vec<StoredReceipt> = with_seats.copied().collect();
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

/// Refusals in a row after which a list is left alone until the next look: one that an endpoint does not
/// have yet refuses all its receipts.
const IN_A_ROW: u32 = 4;

/// What an appealer is made of.
#[derive(Clone)]
pub struct Parts {
    /// The machine.
    pub offer: OfferId,
    /// What is known of it: the newest block, and which epochs are settled.
    pub shared: Shared,
    /// The store of receipts, and of what the chain says of the machine.
    pub store: Store,
    /// Reads.
    pub chain: Arc<dyn Chain>,
    /// Sends.
    pub hand: Arc<dyn Hand>,
    /// Log lines and metrics.
    pub observe: Observe,
}

/// Shows what there is to show. A part of its own: a transaction that is not mined for minutes keeps
/// nothing back but itself.
pub struct Appealer {
    parts: Parts,
    cases: BTreeMap<(HealthEpoch, u32), Case>,
}

impl std::fmt::Debug for Appealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Appealer")
            .field("offer", &self.parts.offer)
            .field("cases", &self.cases)
            .finish_non_exhaustive()
    }
}

impl Appealer {
    /// One that has tried nothing yet; none where no appeals are wanted.
    #[must_use]
    pub fn new(parts: Parts, duties: &DutiesSection) -> Option<Self> {
        let cases = BTreeMap::new();
        duties.appeal.then_some(Self { parts, cases })
    }

    /// Appeals until the end is asked for.
    ///
    /// # Errors
    /// [`AgentError`] of the store. Trouble with the chain is said, and tried again.
    pub async fn run(mut self, poll: Duration, shutdown: Shutdown) -> Result<(), AgentError> {
        loop {
            match shutdown.or(self.turn()).await {
                None => return Ok(()),
                Some(done) => done?,
            }
            if !shutdown.sleep(poll).await {
                return Ok(());
            }
        }
    }

    /// Appeals against every list of an epoch that is not settled, as far as the chain was read. What is
    /// not taken is tried at later turns, until the epoch is settled; only what the contract would refuse
    /// for ever is not. One list's trouble keeps no other list back.
    ///
    /// # Errors
    /// [`AgentError`] of the store.
    pub async fn turn(&mut self) -> Result<(), AgentError> {
        let (unsettled, head) = {
            let known = self.parts.shared.known();
            (known.unsettled, known.head)
        };
        let (Some(unsettled), Some(head)) = (unsettled, head) else {
            return Ok(());
        };
        let mut before = std::mem::take(&mut self.cases);
        for down in self.parts.store.downs()? {
            if down.epoch < unsettled {
                continue;
            }
            let (epoch, number) = (down.epoch, down.number);
            let case = before.remove(&(epoch, number));
            let case = case.filter(|case| case.is_of(&down));
            let mut case = case.unwrap_or_else(|| Case::new(down.clone()));
            let done = self.parts.against(&down, &mut case, head.timestamp).await;
            self.cases.insert((epoch, number), case);
            match done {
                Err(AgentError::Chain(trouble)) => {
                    self.parts.observe.unappealed(epoch, number, &trouble);
                }
                done => done?,
            }
        }
        Ok(())
    }
}

impl Parts {
    /// Shows what is due against one list; `time` is the newest block's.
    async fn against(
        &self,
        down: &CertifiedDown,
        case: &mut Case,
        time: Timestamp,
    ) -> Result<(), AgentError> {
        let mut facts = None;
        let mut in_a_row = 0;
        for window in 0..256_u16 {
            if !down.windows.bit(usize::from(window)) {
                continue;
            }
            let due = self.due(down, case, Window(window))?;
            if due.is_empty() {
                continue;
            }
            let (seats, until) = match &facts {
                Some(facts) => facts,
                None => facts.insert(self.facts(down.epoch).await?),
            };
            if time > *until {
                return Ok(());
            }
            for receipt in order(seats, &due) {
                match self.show(down, case, &receipt, time, *until).await {
                    Shown::Struck => in_a_row = 0,
                    Shown::Fell => {
                        in_a_row = 0;
                        break;
                    }
                    Shown::Refused => in_a_row += 1,
                    Shown::Unheard => return Ok(()),
                }
                if in_a_row >= IN_A_ROW {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The receipts of a window that say something against the list, are not known to be struck, and
    /// wait for nothing.
    fn due(
        &self,
        down: &CertifiedDown,
        case: &Case,
        window: Window,
    ) -> Result<Vec<StoredReceipt>, AgentError> {
        let (struck, fell) = self.store.struck(down.epoch, down.number, window)?;
        if fell {
            return Ok(Vec::new());
        }
        let now = Instant::now();
        let mut receipts = self.store.receipts_of(down.epoch, window)?;
        receipts.retain(|receipt| {
            let operator = receipt.operator;
            signed(&down.signers, operator)
                && !struck.contains(&operator)
                && case.is_due(window, operator, now)
        });
        Ok(receipts)
    }

    /// Who sits on the machine's committee, and until when receipts are taken.
    async fn facts(
        &self,
        epoch: HealthEpoch,
    ) -> Result<(Vec<OperatorIndex>, Timestamp), ChainTrouble> {
        let seats = self.chain.seats(epoch, self.offer).await?;
        Ok((seats, self.chain.appealable_until(epoch).await?))
    }

    async fn show(
        &self,
        down: &CertifiedDown,
        case: &mut Case,
        receipt: &StoredReceipt,
        time: Timestamp,
        until: Timestamp,
    ) -> Shown {
        let (window, operator) = (receipt.window, receipt.operator);
        let appeal = Appeal {
            epoch: down.epoch,
            number: down.number,
            offer: self.offer,
            window,
            operator,
            signature: receipt.signature,
            until,
        };
        let result = self.hand.act(&Action::Appeal(appeal.clone())).await;
        let last = result.as_ref().err().is_some_and(is_final);
        self.observe.appealed(&appeal, result.as_ref(), last);
        let trouble = match result {
            Ok(done) => {
                case.shown(window, operator, done.fell, Instant::now());
                return if done.fell {
                    Shown::Fell
                } else {
                    Shown::Struck
                };
            }
            Err(trouble) => trouble,
        };
        let left = Duration::from_secs(until.get().saturating_sub(time.get()));
        case.not_taken(window, operator, &trouble, left, Instant::now());
        match trouble.refusal() {
            // The contract has spoken for good: no endpoint that is behind.
            Some(_) if last => Shown::Struck,
            Some(_) => Shown::Refused,
            None => Shown::Unheard,
        }
    }
}

/// What became of a receipt.
enum Shown {
    /// It counts, or never will.
    Struck,
    /// The window is not DOWN any more.
    Fell,
    /// The contract refused it for now.
    Refused,
    /// Nobody carried it there.
    Unheard,
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

    fn ordered(seats: &[u32], held: &[u32]) -> Vec<u32> {
        let seats: Vec<_> = seats.iter().copied().map(OperatorIndex::new).collect();
        let receipts: Vec<_> = held.iter().copied().map(receipt).collect();
        order(&seats, &receipts)
            .iter()
            .map(|receipt| receipt.operator.get())
            .collect()
    }

    #[test]
    fn most_seats_come_first() {
        assert_eq!(ordered(&[0, 1, 1, 2, 2, 2, 9], &[0, 1, 2]), [2, 1, 0]);
    }

    #[test]
    fn operators_without_a_seat_are_left_out() {
        assert_eq!(ordered(&[0, 1, 2, 9], &[0, 1, 3]), [0, 1]);
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
