//! From a call to its first broadcast.

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::network::TxSignerSync;
use alloy::primitives::{B256, Bytes, TxKind, U256};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::fees::Fees;
use super::slot::Slot;
use super::wire::Reception;
use super::{Call, Inner, SendError};

/// What a nonce is used for, fees aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payload {
    pub to: TxKind,
    pub input: Bytes,
    pub value: U256,
    pub gas: u64,
    /// The call's own cap on wei per gas.
    pub fee_cap: Option<u128>,
}

impl Payload {
    /// Most that is paid for a unit of gas, where the manager pays `most`.
    pub(super) fn cap(&self, most: u128) -> u128 {
        self.fee_cap.map_or(most, |cap| cap.min(most))
    }

    /// Likewise for a filler of its nonce that needs `gas`: in all no more than the call itself.
    pub(super) fn filler_cap(&self, gas: u64, most: u128) -> u128 {
        let Some(cap) = self.fee_cap else {
            return most;
        };
        let ceiling = cap.saturating_mul(u128::from(self.gas));
        (ceiling / u128::from(gas.max(1))).min(most)
    }
}

impl Inner {
    /// Simulates a call and finds its gas limit. Waits while the endpoints do not answer, and while
    /// the chain is dearer than the cap.
    pub(super) async fn prepare(&self, call: &Call, since: Instant) -> Result<u64, SendError> {
        let request = call.request(self.signer.address());
        loop {
            let error = match self.try_prepare(call, &request).await {
                Ok(gas) => return Ok(gas),
                Err(error @ (SendError::Rpc(_) | SendError::FeeCap { .. })) => error,
                Err(error) => return Err(error),
            };
            if since.elapsed() >= self.config.patience {
                return Err(error);
            }
            debug!(%error, "call not prepared yet");
            tokio::time::sleep(self.config.poll).await;
        }
    }

    async fn try_prepare(
        &self,
        call: &Call,
        request: &alloy::rpc::types::TransactionRequest,
    ) -> Result<u64, SendError> {
        let look = self.rpc.look(self.signer.address(), &[]).await?;
        if let Some(deadline) = call
            .deadline
            .filter(|deadline| look.timestamp >= deadline.get())
        {
            return Err(SendError::Deadline { deadline, sent: 0 });
        }
        let (got, expected) = (
            look.base_fee.saturating_add(self.config.tip),
            self.config.fee_cap,
        );
        if got > expected {
            return Err(SendError::FeeCap { got, expected });
        }
        // Under its own cap a call gives up of the tip what does not fit beside the base fee.
        if let Some(expected) = call.fee_cap.filter(|cap| look.base_fee > *cap) {
            let got = look.base_fee;
            return Err(SendError::FeeCap { got, expected });
        }
        if let Some(gas) = call.gas_limit {
            self.rpc.simulate(request, None).await?;
            return Ok(gas);
        }
        // An estimate is a simulation: it reverts where the call would, with the same reason.
        let gas = self.rpc.estimate(request).await?;
        Ok(gas.saturating_add(gas.saturating_mul(self.config.gas_margin) / 100))
    }

    /// Takes a nonce, signs, writes the journal, broadcasts; all under the lane's lock, so that
    /// nonces reach the endpoint in their order and one that was refused leaves no gap.
    pub(super) async fn begin(
        &self,
        call: &Call,
        gas: u64,
        since: Instant,
    ) -> Result<Slot, SendError> {
        let mut lane = self.lane.lock().await;
        let look = loop {
            match self.rpc.look(self.signer.address(), &[]).await {
                Ok(look) => break look,
                Err(error) if since.elapsed() >= self.config.patience => return Err(error.into()),
                Err(error) => debug!(%error, "nonce not known yet"),
            }
            tokio::time::sleep(self.config.poll).await;
        };
        let nonce = lane.next(look.count, look.number);
        let payload = Payload {
            to: call.kind(),
            input: call.input.clone(),
            value: call.value,
            gas,
            fee_cap: call.fee_cap,
        };
        let cap = payload.cap(self.config.fee_cap);
        let fees = Fees::first(look.base_fee, self.config.tip, cap);
        let (hash, raw) = self.sign(nonce, &payload, fees)?;
        let key = super::journal::journal_key(call, nonce, hash);
        let mut slot = Slot::new(key, call.deadline, since, nonce, payload, fees);
        slot.signed(hash, raw, fees);
        self.journal.put(&slot)?;
        lane.insert(nonce);
        debug!(key = %slot.key, nonce, %hash, "transaction signed");
        if let Reception::Refused(reason) = self.broadcast(&mut slot).await {
            lane.release(nonce);
            self.journal.remove(&slot.key)?;
            return Err(SendError::Refused(reason));
        }
        Ok(slot)
    }

    /// Broadcasts a slot's newest transaction.
    pub(super) async fn broadcast(&self, slot: &mut Slot) -> Reception {
        let reception = self.rpc.broadcast(&slot.raw).await;
        slot.last_broadcast = Instant::now();
        slot.reception = reception.clone();
        match &reception {
            Reception::Accepted => {}
            Reception::Underpriced | Reception::NonceUsed => {
                debug!(nonce = slot.nonce, ?reception, "transaction not taken");
            }
            Reception::Refused(reason) | Reception::Unclear(reason) => {
                warn!(nonce = slot.nonce, %reason, "transaction not confirmed by the endpoint");
            }
        }
        reception
    }

    /// Signs a transaction with every field written out.
    pub(super) fn sign(
        &self,
        nonce: u64,
        payload: &Payload,
        fees: Fees,
    ) -> Result<(B256, Bytes), SendError> {
        let mut transaction = TxEip1559 {
            chain_id: self.rpc.chain_id(),
            nonce,
            gas_limit: payload.gas,
            max_fee_per_gas: fees.max,
            max_priority_fee_per_gas: fees.tip,
            to: payload.to,
            value: payload.value,
            access_list: alloy::eips::eip2930::AccessList::default(),
            input: payload.input.clone(),
        };
        let signature = self
            .signer
            .sign_transaction_sync(&mut transaction)
            .map_err(|error| SendError::Signer(error.to_string()))?;
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        Ok((*envelope.tx_hash(), envelope.encoded_2718().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(fee_cap: Option<u128>) -> Payload {
        Payload {
            to: TxKind::Create,
            input: Bytes::new(),
            value: U256::ZERO,
            gas: 300_000,
            fee_cap,
        }
    }

    #[test]
    fn the_lower_cap_counts() {
        for (own, most, expected) in [(None, 9, 9), (Some(3), 9, 3), (Some(12), 9, 9)] {
            assert_eq!(payload(own).cap(most), expected);
        }
    }

    #[test]
    fn a_filler_costs_no_more_than_the_call_might_have() {
        assert_eq!(payload(None).filler_cap(21_000, 500), 500);
        let capped = payload(Some(10));
        for gas in [1, 21_000, 299_999, 300_000, 500_000, 4_000_000] {
            let cap = capped.filler_cap(gas, u128::MAX);
            let (least, ceiling) = (cap * u128::from(gas), 10 * 300_000);
            assert!(
                least <= ceiling && least + u128::from(gas) > ceiling,
                "{gas}"
            );
        }
        assert_eq!(capped.filler_cap(21_000, 100), 100);
    }
}
