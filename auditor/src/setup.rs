//! From configuration to connected sources.

use quorate_chain::{Contracts, Reader, ReaderConfig, Rpc, to_alloy_address, views};
use quorate_service::{ConfigError, install_crypto};

use crate::{AuditError, Config, replay::Sources};

/// Connects, reads L2 from the deployment to its head, and makes sure that the parts belong together.
///
/// # Errors
/// [`AuditError`].
pub async fn open(config: &Config) -> Result<Sources, AuditError> {
    install_crypto();
    config.check()?;
    let l1 = Rpc::connect(config.l1.rpc("l1", config.network)?).await?;
    let l2 = Rpc::connect(config.l2.rpc("l2", config.network)?).await?;
    let rounds = to_alloy_address(config.contracts.rounds);
    let domain = views::domain(&l2, rounds).await?;
    if (domain.avs, domain.l1_chain.get()) != (config.contracts.service_manager, l1.chain_id()) {
        let detail = format!(
            "Rounds serves AVS {} on chain {}, expected {} on chain {}",
            domain.avs,
            domain.l1_chain,
            config.contracts.service_manager,
            l1.chain_id()
        );
        return Err(ConfigError::value("contracts", detail).into());
    }
    let market = views::market_of(&l2, rounds).await?;
    let providers = views::providers_of(&l2, market).await?;
    let mut follow = ReaderConfig::new(
        Contracts {
            market,
            providers,
            rounds,
        },
        config.contracts.deployed_at,
    );
    follow.final_depth = config.l2.final_depth;
    follow.range = config.l2.log_range;
    Ok(Sources {
        schedule: views::schedule(&l2, rounds).await?,
        table: views::table_of(&l2, rounds).await?,
        reader: Reader::open(l2, follow).await?,
        beacon: config.beacon.client(config.network)?,
        deployed_at: config.contracts.deployed_at,
        l1,
        market,
        domain,
    })
}
