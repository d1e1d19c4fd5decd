//! Made-up orders: as many and as alike as a figure needs, from one provider and one tenant.

use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::SolCall,
};
use quorate_bindings::{IMarket, IProviders, erc20::IERC20};
use quorate_canon::{
    Address as CanonAddress, FixedWidth, GpuCount, Mask256, MicroDollars, Timestamp, hash::sha256,
};
use quorate_matching::{
    Offer, Request,
    policy::models::{self, Model},
};

use crate::{
    Error,
    chains::{Account, Anvil, Call},
    deploy::L2,
};

/// Records in one transaction: the most that the market takes.
const BATCH: usize = 64;
/// Transactions that are sent before the first is waited for: a block of them takes a block's gas.
const AT_ONCE: usize = 12;
const TOKENS: u128 = 10_u128.pow(25);
const LIFE: u64 = 30 * 86_400;

/// A provider and a tenant with more of both tokens than they need.
pub(super) struct Stall {
    pub(super) provider: Account,
    pub(super) tenant: Account,
    market: Address,
}

impl Stall {
    /// Makes both accounts on L2, which mines a block for each transaction or every second, and
    /// stakes for the provider.
    ///
    /// # Errors
    /// When a call reverts.
    pub(super) async fn open(anvil: &Anvil, treasury: &Account, l2: &L2) -> Result<Self, Error> {
        let stall = Self {
            provider: Account::named(anvil, "provider of the bench")?,
            tenant: Account::named(anvil, "tenant of the bench")?,
            market: l2.market,
        };
        let value = U256::from(TOKENS);
        for (account, token, spender) in [
            (&stall.provider, l2.token, l2.providers),
            (&stall.tenant, l2.dollar, l2.escrow),
        ] {
            let wei = U256::from(10_u128.pow(21));
            anvil.fund(account.address(), wei).await?;
            let to = account.address();
            treasury
                .call(token, &IERC20::transferCall { to, value })
                .await?;
            account
                .call(token, &IERC20::approveCall { spender, value })
                .await?;
        }
        let stake = IProviders::stakeCall { amount: value };
        stall.provider.call(l2.providers, &stake).await?;
        Ok(stall)
    }

    /// Posts offers, and says after each lot how many there are.
    ///
    /// # Errors
    /// When a transaction reverts.
    pub(super) async fn post_offers(
        &self,
        offers: &[Offer],
        seen: impl Fn(usize),
    ) -> Result<(), Error> {
        let batches = offers.chunks(BATCH).map(|batch| IMarket::postOffersCall {
            records: records(batch),
        });
        self.post(&self.provider, batches, seen).await
    }

    /// Posts requests, and says after each lot how many there are.
    ///
    /// # Errors
    /// When a transaction reverts.
    pub(super) async fn post_requests(
        &self,
        requests: &[Request],
        seen: impl Fn(usize),
    ) -> Result<(), Error> {
        let payer = CanonAddress(self.tenant.address().into_array());
        let ours = |request: &Request| Request {
            payer,
            ..request.clone()
        };
        let batches = requests.chunks(BATCH).map(|batch| {
            let batch: Vec<_> = batch.iter().map(ours).collect();
            IMarket::postRequestsCall {
                records: records(&batch),
            }
        });
        self.post(&self.tenant, batches, seen).await
    }

    async fn post<C: SolCall>(
        &self,
        from: &Account,
        batches: impl Iterator<Item = C>,
        seen: impl Fn(usize),
    ) -> Result<(), Error> {
        let calls: Vec<_> = batches.map(|call| Call::of(self.market, &call)).collect();
        for lot in calls.chunks(AT_ONCE) {
            from.send_all(lot.to_vec()).await?;
            seen(lot.len() * BATCH);
        }
        Ok(())
    }

    /// Ends leases as their tenant.
    ///
    /// # Errors
    /// When a lease is not there.
    pub(super) async fn close(&self, requests: std::ops::Range<u64>) -> Result<(), Error> {
        let call = IMarket::closeLeasesCall {
            requestIds: requests.collect(),
        };
        self.tenant.call(self.market, &call).await?;
        Ok(())
    }
}

fn records<T: FixedWidth>(batch: &[T]) -> Bytes {
    let records: Vec<u8> = batch.iter().flat_map(FixedWidth::to_bytes).collect();
    records.into()
}

/// The model of a short name.
///
/// # Errors
/// When the policy's table has none.
pub(super) fn model(short: &str) -> Result<&'static Model, Error> {
    models::by_short_name(short).ok_or_else(|| Error::program("bench", format!("no model {short}")))
}

/// The `number`-th machine of a model: `gpus` GPUs at a price within 10 % of the reference.
pub(super) fn offer(model: &Model, gpus: u8, number: u64, now: u64) -> Offer {
    let draw = draw("offer", number);
    let price = model.reference_price;
    Offer {
        machine_key: draw,
        ask: MicroDollars::new((price * (90 + u64::from(draw[0] % 21)) / 100).max(1)),
        vram_mib: 16_384,
        cpu_milli: 8_000 * u32::from(gpus),
        memory_mib: 32_768 * u32::from(gpus),
        disk_gib: 200 * u32::from(gpus),
        mbits: 1_000 * u32::from(gpus),
        currencies: 1,
        available_until: Timestamp::new(now + LIFE),
        min_term: 1,
        max_term: 86_400,
        notice: 300,
        model: model.index,
        gpus: GpuCount::new(gpus),
        region: draw[1] % 32,
        tier: model.tier.code(),
        ..Offer::default()
    }
}

/// The `number`-th request of one GPU of a model, at a budget of so many percent of the reference
/// price: from 110 on every machine of [`offer`] will do, below 90 none.
pub(super) fn request(model: &Model, percent: u64, number: u64, now: u64) -> Request {
    let draw = draw("request", number);
    Request {
        models: Mask256::of(&[model.index]),
        regions: Mask256([0xff; 32]),
        access_key: draw,
        terms_hash: self::draw("terms", 0),
        budget: MicroDollars::new((model.reference_price * percent / 100).max(1)),
        min_vram_mib: 8_192,
        cpu_milli: 8_000,
        memory_mib: 32_768,
        disk_gib: 200,
        mbits: 1_000,
        term: 600,
        valid_until: Timestamp::new(now + LIFE),
        gpus: GpuCount::new(1),
        home_region: draw[0] % 32,
        kinds: 0b11,
        tiers: 0b0001_1111,
        ..Request::default()
    }
}

/// 32 bytes that look like a hash, the same in every run.
pub(super) fn draw(purpose: &str, number: u64) -> [u8; 32] {
    sha256(&[purpose.as_bytes(), &number.to_be_bytes()]).get()
}
