//! A hand without gas: it signs what it wants done, and a relay carries it.

use std::path::PathBuf;

use alloy::primitives::{Address as EthAddress, U256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall as _;
use async_trait::async_trait;
use quorate_bindings::IProviders;
use quorate_bindings::erc20::IERC20;
use quorate_canon::Address;
use quorate_chain::forward::permit::{Permit, sign_permit};
use quorate_chain::forward::{ForwardError, Forwarder, Request};
use quorate_chain::sender::Receipt;
use quorate_chain::{to_address, views};
use quorate_keys::ecdsa;
use url::Url;

use super::courier::Courier;
use super::delivery::Delivery;
use super::facts::trouble;
use super::hand::{call, done, stake_of};
use super::l2::Connected;
use super::promise::{Promise, Promises};
use super::search::carried_by;
use super::{Action, ChainTrouble, Done, Hand, L2};

/// For how long a call is signed, seconds.
const VALID: u64 = 600;
/// What must be left of that for a call to be brought once more, seconds.
const LEFT: u64 = 60;

/// A key that signs, and the relay that carries.
#[derive(Debug, Clone)]
pub struct RelayedHand {
    l2: L2,
    key: PrivateKeySigner,
    courier: Courier,
    promises: Promises,
}

impl RelayedHand {
    /// A hand with a key, a relay, and a folder for what must not be signed twice.
    ///
    /// # Errors
    /// [`ChainTrouble::Own`] if the key is none, or no HTTP client can be made.
    pub fn new(
        l2: L2,
        key: &ecdsa::SecretKey,
        relay: &Url,
        folder: PathBuf,
    ) -> Result<Self, ChainTrouble> {
        let key = PrivateKeySigner::from_slice(key.expose_bytes())
            .map_err(|error| ChainTrouble::Own(error.to_string()))?;
        Ok(Self {
            l2,
            key,
            courier: Courier::new(relay)?,
            promises: Promises::new(folder),
        })
    }

    /// Signs the approval and the stake; an approval that is there is left as it is.
    async fn stake(&self, on: &Connected, millionths: u64) -> Result<Receipt, ChainTrouble> {
        let (token, amount) = stake_of(on, millionths).await?;
        let (owner, spender) = (self.key.address(), on.at.providers);
        let contract = IERC20::new(token, on.rpc.provider());
        let allowed = contract.allowance(owner, spender).call().await;
        if allowed.map_err(trouble("allowance"))? < amount {
            let data = self.approval(on, token, amount).await?;
            self.carry(on, spender, data, None).await?;
        }
        let data = IProviders::stakeCall { amount }.abi_encode();
        self.carry(on, spender, data, None).await
    }

    /// The approval as `Providers.permit` takes it.
    async fn approval(
        &self,
        on: &Connected,
        token: EthAddress,
        value: U256,
    ) -> Result<Vec<u8>, ChainTrouble> {
        let (owner, spender) = (self.key.address(), on.at.providers);
        let Some(domain) = views::permit_domain(&on.rpc, token).await? else {
            return Err(ChainTrouble::Own(format!(
                "the stake's token {token} takes no signed approvals (ERC-2612), so this one step needs gas: \
                 send approve({spender}, {value}) to it from {owner}, and run this again"
            )));
        };
        let time = on.rpc.latest().await?.head().timestamp.get();
        let permit = Permit {
            owner,
            spender,
            value,
            nonce: views::permit_nonce(&on.rpc, token, owner).await?,
            deadline: U256::from(time.saturating_add(VALID)),
        };
        let signed = sign_permit(&domain, &permit, &self.key).map_err(own)?;
        let call = IProviders::permitCall {
            owner,
            value,
            deadline: permit.deadline,
            v: signed.v,
            r: signed.r,
            s: signed.s,
        };
        Ok(call.abi_encode())
    }

    /// Has a call carried, and finds its receipt on chain. What has a name is not done twice: what was
    /// signed under it earlier is looked for, and brought again while it is good.
    async fn carry(
        &self,
        on: &Connected,
        to: EthAddress,
        data: Vec<u8>,
        name: Option<&str>,
    ) -> Result<Receipt, ChainTrouble> {
        let forwarder = views::forwarder(&on.rpc, to).await?.ok_or_else(|| {
            let why = "this network has no forwarder: nothing can be relayed, send it yourself (without --relay)";
            ChainTrouble::Own(why.to_owned())
        })?;
        let earlier = match name {
            Some(name) => self.promises.find(name)?,
            None => None,
        };
        let same = |promise: &Promise| {
            (promise.chain_id, promise.forwarder) == (on.rpc.chain_id(), forwarder.address())
        };
        if let Some(promise) = earlier.filter(same) {
            let request = &promise.call.request;
            let nonce = self.nonce(on, &forwarder).await?;
            let time = on.rpc.latest().await?.head().timestamp.get();
            if nonce > request.nonce {
                if let Some(receipt) = carried_by(on, &forwarder, &promise).await? {
                    return Ok(receipt);
                }
            } else if request.data == data && time.saturating_add(LEFT) < request.deadline {
                return self.deliver(on, &forwarder, &promise).await;
            }
            // Signed anew with the same nonce: of the two only one can be carried.
        }
        let promise = self.sign(on, &forwarder, to, data).await?;
        if let Some(name) = name {
            self.promises.keep(name, &promise)?;
        }
        self.deliver(on, &forwarder, &promise).await
    }

    /// Signs a call by what the relay takes.
    async fn sign(
        &self,
        on: &Connected,
        forwarder: &Forwarder,
        to: EthAddress,
        data: Vec<u8>,
    ) -> Result<Promise, ChainTrouble> {
        let terms = self.courier.terms().await;
        let terms = terms.map_err(|setback| self.courier.trouble(setback))?;
        let (got, expected) = (
            (terms.chain_id, terms.forwarder),
            (on.rpc.chain_id(), forwarder.address()),
        );
        if got != expected {
            return Err(ChainTrouble::Own(format!(
                "{} carries for another network: got chain {} and forwarder {}, expected {} and {}",
                self.courier.name(),
                got.0,
                got.1,
                expected.0,
                expected.1
            )));
        }
        let (from, most) = (self.key.address(), terms.limits.gas);
        let gas = forwarder.gas(&on.rpc, from, to, &data).await?;
        if gas / 2 > most {
            return Err(ChainTrouble::Own(format!(
                "{} carries calls of at most {most} gas, and this one takes {}",
                self.courier.name(),
                gas / 2
            )));
        }
        let head = on.rpc.latest().await?.head();
        let valid = VALID.min(terms.limits.deadline_seconds / 2);
        let request = Request {
            from,
            to,
            value: U256::ZERO,
            gas: gas.min(most),
            nonce: self.nonce(on, forwarder).await?,
            deadline: head.timestamp.get().saturating_add(valid),
            data: data.into(),
        };
        Ok(Promise {
            chain_id: on.rpc.chain_id(),
            forwarder: forwarder.address(),
            block: head.number,
            call: forwarder.sign(request, &self.key).map_err(own)?,
        })
    }

    async fn deliver(
        &self,
        on: &Connected,
        forwarder: &Forwarder,
        promise: &Promise,
    ) -> Result<Receipt, ChainTrouble> {
        let delivery = Delivery {
            on,
            courier: &self.courier,
            forwarder,
            promise,
        };
        delivery.run().await
    }

    async fn nonce(&self, on: &Connected, forwarder: &Forwarder) -> Result<U256, ChainTrouble> {
        let from = self.key.address();
        Ok(views::forward_nonce(&on.rpc, forwarder.address(), from).await?)
    }
}

fn own(error: ForwardError) -> ChainTrouble {
    ChainTrouble::Own(error.to_string())
}

#[async_trait]
impl Hand for RelayedHand {
    fn address(&self) -> Address {
        to_address(self.key.address())
    }

    async fn act(&self, action: &Action) -> Result<Done, ChainTrouble> {
        let on = self.l2.on().await?;
        if let Action::Stake { millionths } = action {
            return self
                .stake(on, *millionths)
                .await
                .map(|receipt| done(&receipt));
        }
        let call = call(action, &on.at)?;
        let Some(to) = call.to else {
            let why = "the creation of a contract cannot be relayed";
            return Err(ChainTrouble::Own(why.to_owned()));
        };
        let data = call.input.to_vec();
        let receipt = self.carry(on, to, data, call.key.as_deref()).await?;
        Ok(done(&receipt))
    }
}
