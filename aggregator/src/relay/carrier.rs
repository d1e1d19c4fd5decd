//! The chain as a relay needs it: a few questions, and the transaction. Tests put another in its place.

use std::future::Future;

use alloy::primitives::{Address, B256, U256};
use quorate_canon::Timestamp;
use quorate_chain::forward::{Forwarder, SignedCall};
use quorate_chain::sender::{Receipt, SendError, TxSender, estimate_call, try_call};
use quorate_chain::{Rpc, views};
use tracing::debug;

use crate::chain::Fault;

/// What a call is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The newest block's time.
    pub time: u64,
    /// The forwarder's nonce of the account.
    pub nonce: U256,
    /// What gas costs now, wei.
    pub gas_price: U256,
}

/// What a transaction may take and cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// Its gas limit.
    pub gas: u64,
    /// Wei for a unit of gas.
    pub fee: u128,
}

impl Ceiling {
    /// What it costs then. Nothing that is sent for the call costs more, filling its nonce included.
    #[must_use]
    pub fn wei(&self) -> U256 {
        U256::from(self.gas).saturating_mul(U256::from(self.fee))
    }
}

/// A call that was carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The transaction.
    pub transaction: B256,
    /// Its block.
    pub block: u64,
    /// Gas that it used.
    pub gas: u64,
    /// What it cost.
    pub wei: U256,
}

/// A call that came to nothing after the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Why.
    pub fault: Fault,
    /// The transaction, if one was mined and reverted.
    pub transaction: Option<B256>,
    /// What that cost, where it is known.
    pub wei: Option<U256>,
}

/// What a relay asks of its chain.
pub trait Carrier: Send + Sync + 'static {
    /// What a call of this account is judged by.
    fn look(&self, from: Address) -> impl Future<Output = Result<Look, Fault>> + Send;

    /// Tries the call as its target gets it: [`Fault::Refused`] has the target's reason.
    fn try_call(&self, call: &SignedCall) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The gas limit of the transaction that carries it, which is tried with that.
    fn measure(&self, call: &SignedCall) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// Sends it and waits until it is mined. What has this digest is sent once, and what would cost
    /// more than the ceiling is given up.
    fn carry(
        &self,
        call: &SignedCall,
        digest: B256,
        ceiling: Ceiling,
    ) -> impl Future<Output = Result<Paid, Loss>> + Send;
}

/// L2, with a sender of its own.
#[derive(Debug)]
pub struct Ethereum {
    forwarder: Forwarder,
    sender: TxSender,
}

impl Ethereum {
    /// Carries calls of a forwarder with the sender's key.
    #[must_use]
    pub const fn new(forwarder: Forwarder, sender: TxSender) -> Self {
        Self { forwarder, sender }
    }

    fn rpc(&self) -> &Rpc {
        self.sender.rpc()
    }

    /// What a transaction cost that was mined, and reverted.
    async fn cost(&self, transaction: B256) -> Option<U256> {
        let answer = self
            .rpc()
            .client()
            .request("eth_getTransactionReceipt", (transaction,));
        let receipt: Option<Receipt> = answer.await.ok()?;
        receipt.map(|receipt| cost(&receipt))
    }

    async fn loss(&self, error: SendError) -> Loss {
        let transaction = match &error {
            SendError::Reverted { hash, .. } => Some(*hash),
            _ => None,
        };
        let wei = match &error {
            SendError::Reverted { hash, .. } => self.cost(*hash).await,
            // Nothing was broadcast.
            SendError::Refused(_)
            | SendError::FeeCap { .. }
            | SendError::Deadline { sent: 0, .. }
            | SendError::TimedOut { sent: 0, .. } => Some(U256::ZERO),
            _ => None,
        };
        Loss {
            fault: fault(error),
            transaction,
            wei,
        }
    }
}

impl Carrier for Ethereum {
    async fn look(&self, from: Address) -> Result<Look, Fault> {
        let rpc = self.rpc();
        let head = rpc.latest().await?.head();
        let price: Result<U256, _> = rpc.client().request_noparams("eth_gasPrice").await;
        Ok(Look {
            time: head.timestamp.get(),
            nonce: views::forward_nonce(rpc, self.forwarder.address(), from).await?,
            gas_price: price.map_err(|error| Fault::Unreachable(error.to_string()))?,
        })
    }

    async fn try_call(&self, call: &SignedCall) -> Result<(), Fault> {
        let request = &call.request;
        let inner = self
            .forwarder
            .inner(request.from, request.to, &request.data);
        let tried = try_call(self.rpc(), self.forwarder.address(), &inner).await;
        tried.map(drop).map_err(fault)
    }

    async fn measure(&self, call: &SignedCall) -> Result<u64, Fault> {
        let execute = self.forwarder.execute(call);
        let from = self.sender.address();
        let gas = estimate_call(self.rpc(), from, &execute)
            .await
            .map_err(fault)?;
        // The whole gas that was signed can be used: the next block may need more of it than the last,
        // where a checkpoint of the same second was overwritten.
        Ok(gas.saturating_add(call.request.gas))
    }

    async fn carry(&self, call: &SignedCall, digest: B256, ceiling: Ceiling) -> Result<Paid, Loss> {
        let last = Timestamp::new(call.request.deadline.saturating_add(1));
        let key = format!("relay/{digest}");
        let execute = self
            .forwarder
            .execute(call)
            .gas_limit(ceiling.gas)
            .fee_cap(ceiling.fee)
            .deadline(last)
            .key(&key);
        let ended = self.sender.send(execute).await;
        // The nonce says from now on that it was carried; the journal need not grow for it.
        if let Err(error) = self.sender.forget(&key) {
            debug!(%error, key, "journal of the relay");
        }
        match ended {
            Ok(receipt) => Ok(Paid {
                transaction: receipt.hash,
                block: receipt.block(),
                gas: receipt.gas_used(),
                wei: cost(&receipt),
            }),
            Err(error) => Err(self.loss(error).await),
        }
    }
}

fn cost(receipt: &Receipt) -> U256 {
    U256::from(receipt.gas_used()).saturating_mul(U256::from(receipt.gas_price()))
}

/// A sender's fault; a contract's reason with its arguments.
fn fault(error: SendError) -> Fault {
    match error.revert() {
        Some(revert) if !revert.data.is_empty() => {
            Fault::Refused(quorate_bindings::reverts::spoken(&revert.data))
        }
        _ => error.into(),
    }
}
