//! Who rents the agents' machines: a tenant whose jobs nothing else in the market can run.

use alloy::primitives::{Address, Bytes, U256};
use quorate_bindings::{IMarket, erc20::IERC20};
use quorate_canon::{
    Address as CanonAddress, FixedWidth as _, GpuCount, Mask256, MicroDollars, Timestamp,
};
use quorate_matching::{Profile, Request, policy::models};

use super::{
    CARDS,
    files::{MODEL_CODE, capability},
};
use crate::{
    Error, World,
    chains::{Account, Call},
    unix_now,
};

/// A million dollars, in micro-dollars.
const PURSE: u128 = 1_000_000_000_000;
/// What it pays at most for a GPU and an hour, micro-dollars.
const BUDGET: u64 = 9_000_000;
/// Seconds that its jobs may take.
const TERM: u32 = 3_600;
/// The currency that everybody takes and pays in.
const CURRENCY: u8 = 0;

/// The tenant.
#[derive(Debug)]
pub struct Tenant {
    account: Account,
    market: Address,
}

/// One of its leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rented {
    /// The request.
    pub request: u64,
    /// The machine.
    pub offer: u64,
    /// Since when, Unix seconds.
    pub start: u64,
}

impl Tenant {
    /// A tenant of its own.
    ///
    /// # Errors
    /// When a call reverts or the node fails.
    pub async fn create(world: &World) -> Result<Self, Error> {
        Self::of(
            world,
            Account::named(&world.chains.l2, "tenant of the agents")?,
        )
        .await
    }

    /// Somebody as a tenant, with money that the escrow may take.
    ///
    /// # Errors
    /// When a call reverts or the node fails.
    pub async fn of(world: &World, account: Account) -> Result<Self, Error> {
        let l2 = &world.chains.l2;
        l2.fund(account.address(), U256::from(10_u128.pow(21)))
            .await?;
        let (dollar, escrow) = (world.contracts.l2.dollar, world.contracts.l2.escrow);
        let give = IERC20::transferCall {
            to: account.address(),
            value: U256::from(PURSE),
        };
        world.owners.l2.call(dollar, &give).await?;
        let allow = IERC20::approveCall {
            spender: escrow,
            value: U256::from(PURSE),
        };
        account.call(dollar, &allow).await?;
        Ok(Self {
            account,
            market: world.contracts.l2.market,
        })
    }

    /// Posts a request for all cards of each of these agents' machines; gives their ids, in that order.
    ///
    /// # Errors
    /// When the call reverts or the node fails.
    pub async fn post(&self, agents: &[usize]) -> Result<Vec<u64>, Error> {
        let mut records = Vec::new();
        for number in agents {
            records.extend(self.request(*number)?.to_bytes());
        }
        let call = IMarket::postRequestsCall {
            records: Bytes::from(records),
        };
        let receipt = self.account.send(Call::of(self.market, &call)).await?;
        let posted = receipt
            .decoded_log::<IMarket::RequestsPosted>()
            .ok_or_else(|| Error::program("tenant", "no requests were posted"))?;
        let first = posted.firstId;
        Ok((first..).take(agents.len()).collect())
    }

    /// The leases that its requests have by now.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn rented(&self, requests: &[u64]) -> Result<Vec<Rented>, Error> {
        let mut rented = Vec::new();
        for request in requests {
            let ask = IMarket::leaseMoneyCall {
                requestId: *request,
            };
            let lease = self.account.view(self.market, &ask).await?;
            if lease.round != 0 {
                rented.push(Rented {
                    request: *request,
                    offer: lease.offerId,
                    start: lease.start,
                });
            }
        }
        Ok(rented)
    }

    /// Ends leases.
    ///
    /// # Errors
    /// When the call reverts or the node fails.
    pub async fn close(&self, requests: &[u64]) -> Result<(), Error> {
        let call = IMarket::closeLeasesCall {
            requestIds: requests.to_vec(),
        };
        self.account
            .send(Call::of(self.market, &call))
            .await
            .map(drop)
    }

    /// Its account, for calls that anyone may make.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    fn request(&self, number: usize) -> Result<Request, Error> {
        let model = models::by_short_name(MODEL_CODE)
            .ok_or_else(|| Error::content("tenant", format!("model {MODEL_CODE} is unknown")))?;
        Ok(Request {
            models: Mask256::of(&[model.index]),
            regions: Mask256([0xff; 32]),
            needs: Mask256::of(&[capability(number)]),
            access_key: [7; 32],
            payer: CanonAddress(self.account.address().into_array()),
            budget: MicroDollars::new(BUDGET),
            cpu_milli: 1_000,
            memory_mib: 1_024,
            disk_gib: 1,
            mbits: 1,
            term: TERM,
            valid_until: Timestamp::new(unix_now().as_secs() + 600),
            gpus: GpuCount::new(CARDS),
            kinds: 0b1111_1111,
            tiers: 0b0001_1111,
            currency: CURRENCY,
            profile: Profile::Balanced,
            ..Request::default()
        })
    }
}
