//! From configuration to connected sources.

use quorate_chain::{Rpc, views};
use quorate_service::install_crypto;

use crate::{AuditError, Config, l2::L2, replay::Sources};

/// Connects both chains, reads L2 from the deployment to its head, and makes sure that the parts
/// belong together.
///
/// # Errors
/// [`AuditError`].
pub async fn open(config: &Config) -> Result<Sources, AuditError> {
    install_crypto();
    config.check()?;
    let l1 = Rpc::connect(config.l1.rpc("l1", config.network)?).await?;
    let l2 = L2::open(config, None).await?;
    Ok(Sources {
        table: views::table_of(l2.rpc(), l2.rounds()).await?,
        beacon: config.beacon.client(config.network)?,
        l1,
        l2,
    })
}
