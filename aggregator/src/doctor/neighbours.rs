//! Whether the contracts about machines and money are there, and name each other.

use alloy::primitives::Address;
use quorate_chain::{ChainError, Rpc, to_alloy_address, views};
use quorate_service::doctor::Doctor;

use crate::config::Config;

/// What one contract says of another, and what it should.
struct Link {
    what: &'static str,
    found: Address,
    expected: Address,
}

/// `what`, `found`, `expected`.
const fn link(what: &'static str, found: Address, expected: Address) -> Link {
    Link {
        what,
        found,
        expected,
    }
}

/// Names every link that is another than it should be.
fn agree(links: &[Link]) -> Result<(), String> {
    let wrong = links.iter().filter(|link| link.found != link.expected);
    let wrong: Vec<String> = wrong
        .map(|link| {
            format!(
                "{} is {}, expected {}",
                link.what, link.found, link.expected
            )
        })
        .collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("; ")),
    }
}

/// The contracts that everything else is compared with.
#[derive(Clone, Copy)]
struct Market {
    rounds: Address,
    market: Address,
    /// Zero where nothing is paid.
    escrow: Address,
}

/// Checks `Health`, `Machines` and `Escrow`.
pub(super) async fn examine(doctor: &mut Doctor, config: &Config, l2: Option<&Rpc>) {
    let Some(l2) = l2 else {
        for name in ["Health", "Machines", "Escrow"] {
            doctor.skip(name, "L2");
        }
        return;
    };
    let rounds = to_alloy_address(config.contracts.rounds);
    let market = match market_of(l2, rounds).await {
        Ok(market) => market,
        // "contracts on L2" says what is wrong.
        Err(_) => {
            for name in ["Health", "Machines", "Escrow"] {
                doctor.skip(name, "contracts on L2");
            }
            return;
        }
    };
    let machines = health(doctor, config, l2, market).await;
    match (config.contracts.health, machines) {
        (None, _) => {}
        (Some(_), None) => doctor.skip("Machines", "Health"),
        (Some(_), Some(at)) => self::machines(doctor, config, l2, market, at).await,
    }
    escrow(doctor, config, l2, market).await;
}

async fn market_of(l2: &Rpc, rounds: Address) -> Result<Market, ChainError> {
    let market = views::market_of(l2, rounds).await?;
    let escrow = views::escrow_of(l2, market).await?;
    Ok(Market {
        rounds,
        market,
        escrow,
    })
}

/// `Health`; gives the `Machines` that it names.
async fn health(doctor: &mut Doctor, config: &Config, l2: &Rpc, market: Market) -> Option<Address> {
    let remedy = "set contracts.health to this network's Health: the one that Escrow names, and whose rounds() is contracts.rounds; or leave it out, and no downtime is certified here";
    let found = async {
        let Some(at) = config.contracts.health.map(to_alloy_address) else {
            return Ok(None);
        };
        let named = there(l2, at, views::health_neighbours(l2, at)).await?;
        agree(&[
            link("Health.rounds", named.rounds, market.rounds),
            link("Health.market", named.market, market.market),
            link("Health.escrow", named.escrow, market.escrow),
        ])?;
        Ok::<_, String>(Some(named.machines))
    };
    let seen = |machines: &Option<Address>| match machines {
        Some(_) => "code is there, it names Rounds, Market and Escrow".to_owned(),
        None => "not configured: no downtime is certified here".to_owned(),
    };
    doctor.check("Health", remedy, seen, found).await.flatten()
}

async fn machines(doctor: &mut Doctor, config: &Config, l2: &Rpc, market: Market, at: Address) {
    let remedy = "set contracts.machines to the Machines that Health names, or leave it out; if Machines itself names others, contracts.health is another network's";
    let found = async {
        let named = there(l2, at, views::machines_neighbours(l2, at)).await?;
        let configured = config.contracts.machines.map_or(at, to_alloy_address);
        agree(&[
            link("contracts.machines", configured, at),
            link("Machines.rounds", named.rounds, market.rounds),
            link("Machines.market", named.market, market.market),
        ])?;
        // One without it is too old for the duties about machines.
        views::machine_count(l2, at)
            .await
            .map_err(|error| error.to_string())
    };
    let seen = |count: &u64| format!("code is there, {count} machines were registered");
    doctor.check("Machines", remedy, seen, found).await;
}

async fn escrow(doctor: &mut Doctor, config: &Config, l2: &Rpc, market: Market) {
    let remedy = "Market names this Escrow: if that has another Health, set contracts.health to it; else contracts.rounds is another network's, or the deployment is broken";
    let found = async {
        if market.escrow.is_zero() {
            return Ok("Market names none: nothing is paid for settling".to_owned());
        }
        let at = market.escrow;
        let named = there(l2, at, views::escrow_neighbours(l2, at)).await?;
        let health = config.contracts.health.map(to_alloy_address);
        agree(&[
            link("Escrow.rounds", named.rounds, market.rounds),
            link("Escrow.market", named.market, market.market),
            link(
                "Escrow.health",
                named.health,
                health.unwrap_or(named.health),
            ),
        ])?;
        Ok::<_, String>("code is there, it names Rounds, Market and Health".to_owned())
    };
    doctor.check("Escrow", remedy, String::clone, found).await;
}

/// What a contract names, if it is there.
async fn there(
    l2: &Rpc,
    at: Address,
    named: impl Future<Output = Result<views::Neighbours, ChainError>>,
) -> Result<views::Neighbours, String> {
    let code = views::require_code(l2, at).await;
    code.map_err(|error| error.to_string())?;
    named.await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_link_is_named_with_what_was_found_and_expected() {
        let (one, two) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let links = [
            link("Health.rounds", one, two),
            link("Health.market", two, two),
            link("Health.escrow", two, one),
        ];
        let wrong = agree(&links).unwrap_err();
        let expected = format!(
            "Health.rounds is {one}, expected {two}; Health.escrow is {two}, expected {one}"
        );
        assert_eq!(wrong, expected);
        assert_eq!(agree(&links[1..2]), Ok(()));
    }
}
