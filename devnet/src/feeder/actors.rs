//! Those who live on the market: providers with their machines, tenants with their money.

use alloy::primitives::{Address, Bytes, U256};
use futures::future::try_join_all;
use quorate_bindings::{IMarket, IProviders, erc20::IERC20};
use quorate_canon::codec::FixedWidth;
use quorate_matching::Policy;

use crate::{
    Error,
    chains::{Account, Anvil, Call},
    deploy::L2,
    trace::{MachineOffer, PROVIDERS, Script, TENANTS},
};

/// Most records in one transaction: with 64 requests it stays far below the gas of a transaction.
pub(super) const BATCH: usize = 64;
/// A million dollars for each tenant: no run spends it.
const PURSE: u128 = 1_000_000_000_000;
/// Units of the staked token (18 decimals) in a millionth.
const MILLIONTH: u128 = 1_000_000_000_000;

/// The market's accounts, provider and tenant numbers being those of the script.
#[derive(Debug)]
pub struct Actors {
    pub(super) providers: Vec<Account>,
    pub(super) tenants: Vec<Account>,
    /// Ends leases whose term is over: anyone may.
    pub(super) janitor: Account,
}

impl Actors {
    /// Makes the accounts, gives them tokens, stakes for the providers and posts all machines.
    /// L2 mines a block for each transaction meanwhile.
    ///
    /// # Errors
    /// When a call reverts or the node fails.
    pub async fn prepare(
        l2: &Anvil,
        treasury: &Account,
        contracts: &L2,
        policy: &Policy,
        script: &Script,
    ) -> Result<Self, Error> {
        let named = |word: &str, count| {
            (0..count)
                .map(|i| Account::named(l2, &format!("{word} {i}")))
                .collect::<Result<Vec<_>, _>>()
        };
        let actors = Self {
            providers: named("provider", PROVIDERS)?,
            tenants: named("tenant", TENANTS)?,
            janitor: Account::named(l2, "janitor")?,
        };
        let ether = U256::from(10_u128.pow(21));
        for account in actors
            .providers
            .iter()
            .chain(&actors.tenants)
            .chain([&actors.janitor])
        {
            l2.fund(account.address(), ether).await?;
        }
        for tenant in &actors.tenants {
            give(
                treasury,
                contracts.dollar,
                tenant,
                contracts.escrow,
                U256::from(PURSE),
            )
            .await?;
        }
        for (number, provider) in actors.providers.iter().enumerate() {
            let machines: Vec<_> = script
                .machines
                .iter()
                .filter(|m| m.provider == number)
                .collect();
            let stake = stake_for(number, &machines, policy);
            give(
                treasury,
                contracts.token,
                provider,
                contracts.providers,
                stake,
            )
            .await?;
            provider
                .call(
                    contracts.providers,
                    &IProviders::stakeCall { amount: stake },
                )
                .await?;
        }
        try_join_all(
            actors
                .providers
                .iter()
                .enumerate()
                .map(|(number, provider)| {
                    let machines = script.machines.iter().filter(move |m| m.provider == number);
                    post_offers(provider, contracts.market, machines.collect())
                }),
        )
        .await?;
        Ok(actors)
    }
}

/// Sends tokens and lets `spender` take them.
async fn give(
    treasury: &Account,
    token: Address,
    to: &Account,
    spender: Address,
    value: U256,
) -> Result<(), Error> {
    treasury
        .call(
            token,
            &IERC20::transferCall {
                to: to.address(),
                value,
            },
        )
        .await?;
    to.call(token, &IERC20::approveCall { spender, value })
        .await?;
    Ok(())
}

/// The least stake of the dearest tier that a provider has, for all its GPUs, times one to three:
/// so that every machine is active and the stake factor differs from provider to provider.
fn stake_for(number: usize, machines: &[&MachineOffer], policy: &Policy) -> U256 {
    let gpus: u64 = machines.iter().map(|m| u64::from(m.offer.gpus.get())).sum();
    let least = machines
        .iter()
        .map(|m| policy.score.min_stake_of(m.offer.tier).get())
        .max()
        .unwrap_or(0);
    let quarters = 4 + u64::try_from(number % 9).unwrap_or(0);
    let millionths = least.max(1) * gpus.max(1) * quarters / 4;
    U256::from(millionths) * U256::from(MILLIONTH)
}

async fn post_offers(
    provider: &Account,
    market: Address,
    machines: Vec<&MachineOffer>,
) -> Result<(), Error> {
    for batch in machines.chunks(BATCH) {
        let records: Vec<u8> = batch.iter().flat_map(|m| m.offer.to_bytes()).collect();
        let call = IMarket::postOffersCall {
            records: Bytes::from(records),
        };
        provider.send(Call::of(market, &call)).await?;
    }
    Ok(())
}
