//! What a signed call must pass before anything is paid for it. The order is that of cost: what can be
//! seen of the call alone comes before the chain is asked.

use alloy::primitives::{B256, U256, hex};
use quorate_chain::forward::{Request, SignedCall};

use super::book::Place;
use super::budget::{Aside, Lack};
use super::carrier::{Carrier, Ceiling};
use super::desk::{Checked, Desk, now};
use super::functions::Stranger;
use super::refusal::Refusal;
use crate::chain::Fault;

/// Fees may rise until a call is mined: so many times today's price is set aside, and no more is paid.
const PRICE_RISE: u128 = 2;

impl<C: Carrier> Desk<C> {
    /// Every check. The place keeps other calls of the same account out until it is dropped.
    pub(super) async fn begin(&self, call: &SignedCall) -> Result<(Place, Checked), Refusal> {
        let function = self.check_fields(&call.request)?;
        let forwarder = &self.plan.forwarder;
        forwarder.verify(call).map_err(Refusal::Signature)?;
        let (from, digest) = (call.request.from, forwarder.digest(&call.request));
        // After the signature: only who can sign for an account uses up its minute.
        self.accounts
            .take(from, now())
            .map_err(|seconds| Refusal::AccountTooOften(from, seconds))?;
        let place = self.book.place(from, digest)?;
        let _permit = self.asking.try_acquire().map_err(|_| Refusal::Busy)?;
        let look = self.carrier.look(from).await.map_err(unsent)?;
        self.check_nonce(&call.request, digest, look.nonce)?;
        self.check_deadline(call.request.deadline, look.time)?;
        let gas = self.try_out(call).await?;
        let price: u128 = look.gas_price.saturating_to();
        let fee = price.saturating_mul(PRICE_RISE);
        let ceiling = Ceiling { gas, fee };
        let aside = self.set_aside(ceiling.wei())?;
        let checked = Checked {
            digest,
            function,
            ceiling,
            aside,
        };
        Ok((place, checked))
    }

    /// What can be seen of a request alone.
    fn check_fields(&self, request: &Request) -> Result<&'static str, Refusal> {
        let Request { to, data, gas, .. } = request;
        let function = self
            .plan
            .targets
            .find(*to, data)
            .map_err(|stranger| match stranger {
                Stranger::Contract => Refusal::Target(*to),
                Stranger::Function(contract) => Refusal::Function {
                    got: hex::encode_prefixed(data.get(..4).unwrap_or(data)),
                    contract,
                },
            })?;
        if !request.value.is_zero() {
            return Err(Refusal::Value(request.value));
        }
        let (got, most) = (*gas, self.plan.limits.gas);
        if got > most {
            return Err(Refusal::Gas { got, most });
        }
        Ok(function)
    }

    fn check_nonce(&self, request: &Request, digest: B256, expected: U256) -> Result<(), Refusal> {
        if request.nonce == expected {
            return Ok(());
        }
        // A call that was carried from here is named, so that who brings it again learns that it was.
        Err(Refusal::Nonce {
            got: request.nonce,
            expected,
            carried: self.book.carried(digest),
        })
    }

    fn check_deadline(&self, got: u64, now: u64) -> Result<(), Refusal> {
        let latest = now.saturating_add(self.plan.limits.deadline_seconds);
        if got <= now {
            return Err(Refusal::Expired { got, now });
        }
        if got > latest {
            return Err(Refusal::TooFar { got, latest });
        }
        Ok(())
    }

    /// Tries the call by itself, for its reason, and then in its transaction, for the gas.
    async fn try_out(&self, call: &SignedCall) -> Result<u64, Refusal> {
        self.carrier.try_call(call).await.map_err(unsent)?;
        match self.carrier.measure(call).await {
            Ok(gas) => Ok(gas),
            // The target takes it with gas enough, and through the forwarder it fails: what is left
            // is the gas that was signed.
            Err(Fault::Refused(why)) if why.starts_with("FailedCall") => {
                Err(Refusal::LittleGas(call.request.gas))
            }
            Err(fault) => Err(unsent(fault)),
        }
    }

    fn set_aside(&self, wei: U256) -> Result<Aside, Refusal> {
        self.budget
            .set_aside(wei, now())
            .map_err(|lack| match lack {
                Lack::Exhausted(seconds) => Refusal::Budget(seconds),
                Lack::File(why) => Refusal::NotReady(why),
            })
    }
}

/// A fault before anything was sent.
fn unsent(fault: Fault) -> Refusal {
    match fault {
        Fault::Refused(why) => Refusal::Reverts(why),
        other => Refusal::Chain(other.to_string()),
    }
}
