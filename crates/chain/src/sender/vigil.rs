//! Watching a nonce until something is mined at it.

use alloy::primitives::{Bytes, TxKind, U256};
use quorate_canon::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::broadcast::Payload;
use super::slot::{Ending, Slot};
use super::wire::{Look, Reception};
use super::{Call, Inner, Outcome, Receipt, SendError};

/// Gas of a filler where it cannot be estimated; rollups charge for its data in gas too.
const FILLER_GAS: u64 = 500_000;
/// Simulations in a row that must revert before a call in flight is given up: the first may have
/// run after the call itself was mined, before its receipt was there.
const REVERTS: u32 = 2;
impl Inner {
    /// Watches a nonce until something is mined at it, renewing the transaction as it takes.
    pub(super) async fn watch(
        &self,
        mut slot: Slot,
        report: &watch::Sender<Option<Outcome>>,
    ) -> Ending {
        loop {
            tokio::time::sleep(self.config.poll).await;
            let hashes: Vec<_> = slot.hashes.iter().chain(&slot.fillers).copied().collect();
            let look = match self.rpc.look(self.signer.address(), &hashes).await {
                Ok(look) => look,
                Err(error) => {
                    debug!(nonce = slot.nonce, %error, "chain not seen");
                    self.check_time(&mut slot, None, report);
                    continue;
                }
            };
            if let Some(receipt) = look.receipt {
                if look.number >= receipt.block().saturating_add(self.config.confirmations) {
                    return self.close(slot, receipt).await;
                }
                continue;
            }
            if self.is_lost(&mut slot, look.count).await {
                return self.lose(slot).await;
            }
            self.check_time(&mut slot, Some(look.timestamp), report);
            if let Err(error) = self.renew(&mut slot, &look, report).await {
                warn!(nonce = slot.nonce, %error, "transaction not renewed");
            }
        }
    }

    fn check_time(
        &self,
        slot: &mut Slot,
        chain_time: Option<u64>,
        report: &watch::Sender<Option<Outcome>>,
    ) {
        let sent = slot.hashes.len();
        let passed = |deadline: &Timestamp| chain_time.is_some_and(|time| time >= deadline.get());
        if slot.given_up.is_some() {
        } else if let Some(deadline) = slot.deadline.filter(passed) {
            slot.give_up(SendError::Deadline { deadline, sent }, report);
        } else if slot.since.elapsed() >= self.config.patience {
            let seconds = self.config.patience.as_secs();
            slot.give_up(SendError::TimedOut { seconds, sent }, report);
        }
    }

    /// Whether the chain has contradicted this nonce for too long: it is used and none of our
    /// hashes has a receipt, or it is not the next and none of ours is before it.
    async fn is_lost(&self, slot: &mut Slot, count: u64) -> bool {
        let gap = count < slot.nonce && self.lane.lock().await.is_first(slot.nonce);
        if count <= slot.nonce && !gap {
            slot.contradicted = None;
            return false;
        }
        slot.contradicted.get_or_insert_with(Instant::now).elapsed() >= self.config.lost
    }

    async fn lose(&self, slot: Slot) -> Ending {
        self.lane.lock().await.lost(slot.nonce);
        self.note(self.journal.remove(&slot.key));
        slot.given_up.map_or(Ending::Lost, Ending::GivenUp)
    }

    async fn close(&self, slot: Slot, receipt: Receipt) -> Ending {
        let block = receipt.block();
        self.lane.lock().await.mined(slot.nonce, block);
        let ours = slot.hashes.contains(&receipt.hash);
        if ours && receipt.succeeded() {
            self.note(self.journal.done(&slot.key, receipt.hash));
        } else {
            self.note(self.journal.remove(&slot.key));
        }
        debug!(key = %slot.key, nonce = slot.nonce, hash = %receipt.hash, ours, "nonce mined");
        match slot.given_up {
            Some(error) if !ours => Ending::GivenUp(error),
            _ => Ending::Mined(receipt),
        }
    }

    /// A journal that cannot be written now is made good at the next start: the receipt is there.
    fn note(&self, written: Result<(), SendError>) {
        if let Err(error) = written {
            warn!(address = %self.signer.address(), %error, "end of a transaction not written down");
        }
    }

    /// Sends the transaction again where it is time to.
    async fn renew(
        &self,
        slot: &mut Slot,
        look: &Look,
        report: &watch::Sender<Option<Outcome>>,
    ) -> Result<(), SendError> {
        // Something was mined at this nonce: its receipt is on the way.
        if look.count > slot.nonce {
            return Ok(());
        }
        let age = slot.last_broadcast.elapsed();
        let unclear =
            matches!(slot.reception, Reception::Unclear(_)) && age >= self.config.poll * 2;
        let bump = slot.wants_filler()
            || slot.reception == Reception::Underpriced
            || age >= self.config.resubmit;
        if !bump && !unclear {
            return Ok(());
        }
        if slot.given_up.is_none() && !self.still_succeeds(slot, report).await? {
            return Ok(());
        }
        let stays = bump && !self.replace(slot, look.base_fee).await?;
        // What may not be dearer is offered again at its pace, and a call that was given up is not.
        if stays && (slot.wants_filler() || age < self.config.resubmit) {
            return Ok(());
        }
        self.broadcast(slot).await;
        Ok(())
    }

    /// Whether the call would still succeed; gives it up when it would not, twice in a row.
    async fn still_succeeds(
        &self,
        slot: &mut Slot,
        report: &watch::Sender<Option<Outcome>>,
    ) -> Result<bool, SendError> {
        let request = slot.call().request(self.signer.address());
        match self.rpc.simulate(&request, None).await {
            Ok(_) => slot.reverts = 0,
            Err(SendError::Revert(revert)) => {
                slot.reverts += 1;
                if slot.reverts >= REVERTS {
                    slot.give_up(SendError::Revert(revert), report);
                }
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Signs a dearer transaction for the slot; `false` if the cap does not allow one.
    async fn replace(&self, slot: &mut Slot, base_fee: u128) -> Result<bool, SendError> {
        let (tip, most) = (self.config.tip, self.config.fee_cap);
        let (payload, cap) = match slot.given_up {
            Some(_) => {
                let filler = self.filler().await;
                let cap = slot.payload.filler_cap(filler.gas, most);
                (filler, cap)
            }
            None => (slot.payload.clone(), slot.payload.cap(most)),
        };
        let Some(fees) = slot.fees.bumped(base_fee, tip, cap) else {
            return Ok(false);
        };
        let (hash, raw) = self.sign(slot.nonce, &payload, fees)?;
        slot.signed(hash, raw, fees);
        self.journal.put(slot)?;
        debug!(nonce = slot.nonce, %hash, max = fees.max, "transaction replaced");
        Ok(true)
    }

    /// A transaction to ourselves that does nothing.
    async fn filler(&self) -> Payload {
        let to = self.signer.address();
        let request = Call::raw(to, Bytes::new()).request(to);
        let gas = self.rpc.estimate(&request).await.unwrap_or(FILLER_GAS);
        Payload {
            to: TxKind::Call(to),
            input: Bytes::new(),
            value: U256::ZERO,
            gas,
            fee_cap: None,
        }
    }
}
