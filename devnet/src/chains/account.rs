//! A key on a chain and its transactions, one after the other.

use std::time::{Duration, Instant};

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::{BlockId, Encodable2718},
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, TxKind, U256, keccak256},
    providers::{DynProvider, Provider},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::SolCall,
};
use tokio::sync::Mutex;

use super::Anvil;
use crate::Error;

/// Most gas that one transaction may take (EIP-7825).
pub const TX_GAS_LIMIT: u64 = 16_777_216;
const FEE: u128 = 20_000_000_000;
const TIP: u128 = 1_000_000_000;
const POLL: Duration = Duration::from_millis(15);
const PATIENCE: Duration = Duration::from_secs(30);

/// A call that is to become a transaction.
#[derive(Clone, Debug)]
pub struct Call {
    /// For messages: what it does.
    pub what: String,
    /// The contract, or none to create one.
    pub to: Option<Address>,
    /// Calldata, or creation code with its arguments.
    pub data: Bytes,
    /// Wei to send along.
    pub value: U256,
}

impl Call {
    /// A call of a function; `what` is the function's signature.
    pub fn of<C: SolCall>(to: Address, call: &C) -> Self {
        Self {
            what: C::SIGNATURE.to_owned(),
            to: Some(to),
            data: call.abi_encode().into(),
            value: U256::ZERO,
        }
    }

    /// The same call with some wei.
    #[must_use]
    pub fn with_value(mut self, wei: U256) -> Self {
        self.value = wei;
        self
    }
}

/// A key that sends transactions to one chain. The devnet's set-up and its market's actors use
/// it; the protocol's own nodes have a sender that survives more than this one meets.
#[derive(Debug)]
pub struct Account {
    provider: DynProvider,
    chain_id: u64,
    signer: PrivateKeySigner,
    /// One at a time takes nonces. They are asked for and never kept: a reorg may give them back.
    sending: Mutex<()>,
}

impl Account {
    /// An account with a key that follows from a word, so that each run has the same addresses.
    /// It is for the devnet: anyone can compute the key.
    ///
    /// # Errors
    /// Never for a word that is written in this crate.
    pub fn named(anvil: &Anvil, word: &str) -> Result<Self, Error> {
        Ok(Self::new(anvil, key_of(word)?))
    }

    /// The address that [`Account::named`] has on every chain.
    ///
    /// # Errors
    /// Never for a word that is written in this crate.
    pub fn address_of(word: &str) -> Result<Address, Error> {
        Ok(key_of(word)?.address())
    }

    /// An account with a key of its own.
    #[must_use]
    pub fn new(anvil: &Anvil, signer: PrivateKeySigner) -> Self {
        Self {
            provider: anvil.provider().clone(),
            chain_id: anvil.chain_id(),
            signer,
            sending: Mutex::new(()),
        }
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.signer.address()
    }

    /// The chain that it sends to.
    #[must_use]
    pub const fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// The address of the contract that this account creates after `skip` more transactions.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn next_contract(&self, skip: u64) -> Result<Address, Error> {
        let nonce = self
            .provider
            .get_transaction_count(self.address())
            .pending()
            .await?;
        Ok(self.address().create(nonce + skip))
    }

    /// Its key.
    #[must_use]
    pub const fn signer(&self) -> &PrivateKeySigner {
        &self.signer
    }

    /// Creates a contract and gives its address.
    ///
    /// # Errors
    /// When the creation reverts or the node fails.
    pub async fn deploy(&self, what: &str, code: Bytes) -> Result<Address, Error> {
        let call = Call {
            what: format!("creation of {what}"),
            to: None,
            data: code,
            value: U256::ZERO,
        };
        let receipt = self.send(call).await?;
        receipt.contract_address.ok_or_else(|| Error::Unexpected {
            what: format!("creation of {what}"),
            got: "no address".into(),
            expected: "an address".into(),
        })
    }

    /// Calls a function and waits for the receipt.
    ///
    /// # Errors
    /// When it would revert, reverts, or the node fails.
    pub async fn call<C: SolCall>(
        &self,
        to: Address,
        call: &C,
    ) -> Result<TransactionReceipt, Error> {
        self.send(Call::of(to, call)).await
    }

    /// Asks a view.
    ///
    /// # Errors
    /// When it reverts, its answer does not decode, or the node fails.
    pub async fn view<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, Error> {
        let request = TransactionRequest::default()
            .to(to)
            .input(call.abi_encode().into());
        let answer = self.provider.call(request).await;
        let answer = answer.map_err(|error| Error::program("view", error.to_string()))?;
        C::abi_decode_returns(&answer).map_err(|error| Error::program("view", error.to_string()))
    }

    /// Sends one transaction and waits for its receipt.
    ///
    /// # Errors
    /// When it would revert, reverts, or the node fails.
    pub async fn send(&self, call: Call) -> Result<TransactionReceipt, Error> {
        let mut receipts = self.send_all(vec![call]).await?;
        receipts
            .pop()
            .ok_or_else(|| Error::program("account", "no receipt"))
    }

    /// Sends transactions with nonces in sequence, all before the first is mined, and waits for
    /// all receipts. Each is estimated as the pool stands, so none may need one before it.
    ///
    /// # Errors
    /// At the first that would revert or reverts, or when the node fails.
    pub async fn send_all(&self, calls: Vec<Call>) -> Result<Vec<TransactionReceipt>, Error> {
        let mut sent = Vec::with_capacity(calls.len());
        {
            let _one = self.sending.lock().await;
            let mut nonce = self
                .provider
                .get_transaction_count(self.address())
                .pending()
                .await?;
            for call in calls {
                let hash = self.broadcast(&call, nonce).await?;
                nonce += 1;
                sent.push((call.what, hash));
            }
        }
        let mut receipts = Vec::with_capacity(sent.len());
        for (what, hash) in sent {
            receipts.push(self.receipt(what, hash).await?);
        }
        Ok(receipts)
    }

    async fn broadcast(&self, call: &Call, nonce: u64) -> Result<B256, Error> {
        let gas = self.estimate(call).await?;
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit: gas,
            max_fee_per_gas: FEE,
            max_priority_fee_per_gas: TIP,
            to: call.to.map_or(TxKind::Create, TxKind::Call),
            value: call.value,
            access_list: Default::default(),
            input: call.data.clone(),
        };
        let signature = self
            .signer
            .sign_hash_sync(&transaction.signature_hash())
            .map_err(|e| Error::Key(e.to_string()))?;
        let raw = TxEnvelope::from(transaction.into_signed(signature)).encoded_2718();
        Ok(*self.provider.send_raw_transaction(&raw).await?.tx_hash())
    }

    async fn estimate(&self, call: &Call) -> Result<u64, Error> {
        let mut request = TransactionRequest::default()
            .with_from(self.address())
            .with_input(call.data.clone())
            .with_value(call.value);
        request.to = Some(call.to.map_or(TxKind::Create, TxKind::Call));
        let estimate = self
            .provider
            .estimate_gas(request)
            .block(BlockId::pending())
            .await
            .map_err(|e| match e.as_error_resp() {
                Some(answer) => Error::WouldRevert {
                    what: call.what.clone(),
                    reason: answer.to_string(),
                },
                None => Error::Rpc(e),
            })?;
        // As much again: what stands in the same block before it may turn a cheap write into a dear one
        // (the first checkpoint of a second costs a slot, the next ones do not).
        Ok((2 * estimate).min(TX_GAS_LIMIT))
    }

    async fn receipt(&self, what: String, hash: B256) -> Result<TransactionReceipt, Error> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match self.provider.get_transaction_receipt(hash).await? {
                Some(receipt) if receipt.status() => return Ok(receipt),
                Some(_) => {
                    return Err(Error::Reverted {
                        what,
                        from: self.address(),
                        hash,
                    });
                }
                None => tokio::time::sleep(POLL).await,
            }
        }
        Err(Error::TimedOut {
            what: format!("receipt of {what}"),
            seconds: PATIENCE.as_secs(),
        })
    }
}

fn key_of(word: &str) -> Result<PrivateKeySigner, Error> {
    let key = keccak256(format!("quorate/devnet/account/{word}"));
    PrivateKeySigner::from_bytes(&key).map_err(|e| Error::Key(e.to_string()))
}
