//! L2 as an auditor reads it: followed by its logs, asked for code pages and calldata; never for the
//! state of an old block, and no relay of the beacon is needed.

use alloy::primitives::Address;
use quorate_canon::{Digest, Round};
use quorate_chain::{Contracts, Reader, ReaderConfig, Rpc, to_alloy_address, views};
use quorate_matching::Policy;
use quorate_protocol::{Domain, Header, Schedule};
use quorate_service::ConfigError;

use crate::{
    AuditError, Config,
    finding::{Finding, Kind},
    inputs::RoundInputs,
};

/// L2, followed to its head.
#[derive(Debug)]
pub struct L2 {
    /// The follower.
    pub reader: Reader,
    /// `Market`.
    pub market: Address,
    /// Whom headers must name.
    pub domain: Domain,
    /// The schedule.
    pub schedule: Schedule,
    /// The first block that has to be read.
    pub deployed_at: u64,
}

impl L2 {
    /// Connects, compares what the contracts say with the configuration, and reads the chain to its
    /// head, from an image of an earlier reader on if there is one that fits.
    ///
    /// # Errors
    /// [`AuditError`].
    pub async fn open(config: &Config, image: Option<&[u8]>) -> Result<Self, AuditError> {
        config.check()?;
        let rpc = Rpc::connect(config.l2.rpc("l2", config.network)?).await?;
        let rounds = to_alloy_address(config.contracts.rounds);
        let domain = views::domain(&rpc, rounds).await?;
        check_domain(&domain, config)?;
        let market = views::market_of(&rpc, rounds).await?;
        let contracts = Contracts {
            market,
            providers: views::providers_of(&rpc, market).await?,
            rounds,
        };
        let mut follow = ReaderConfig::new(contracts, config.contracts.deployed_at);
        follow.final_depth = config.l2.final_depth;
        follow.range = config.l2.log_range;
        Ok(Self {
            schedule: views::schedule(&rpc, rounds).await?,
            reader: Reader::open_from(rpc, follow, image).await?,
            deployed_at: config.contracts.deployed_at,
            market,
            domain,
        })
    }

    /// The chain.
    #[must_use]
    pub const fn rpc(&self) -> &Rpc {
        self.reader.source()
    }

    /// `Rounds`.
    #[must_use]
    pub const fn rounds(&self) -> Address {
        to_alloy_address(self.domain.rounds)
    }

    /// Everything that goes into a round's matching but the seed.
    ///
    /// # Errors
    /// [`AuditError::Missing`] while the chain does not show all of it; [`AuditError::Chain`].
    pub async fn inputs(&self, round: Round) -> Result<RoundInputs, AuditError> {
        let context = self.schedule.context(round)?;
        let snapshot = self
            .reader
            .snapshot(round, context.time)
            .map_err(|error| AuditError::missing(round, error))?
            .ok_or_else(|| AuditError::missing(round, "its snapshot is not complete yet"))?;
        Ok(RoundInputs {
            snapshot,
            policy: self.policy(round).await?,
            context,
        })
    }

    /// Whether the header's round was live when its header came.
    ///
    /// # Errors
    /// [`AuditError::Protocol`] for rounds beyond the schedule's range.
    pub fn check_live(&self, round: Round) -> Result<Option<Finding>, AuditError> {
        let live = self.reader.state().rounds.is_live(&self.schedule, round)?;
        Ok((!live)
            .then(|| Finding::new(Kind::NotLive, "certified", "no live round by the schedule")))
    }

    /// Whether a header names the last block before its round's close.
    ///
    /// # Errors
    /// [`AuditError::Missing`] while no block at or after the close is known; [`AuditError::Chain`].
    pub async fn check_snapshot(&self, header: &Header) -> Result<Option<Finding>, AuditError> {
        let close = self.schedule.close(header.round)?;
        let block = match self.reader.snapshot_block(close, 0) {
            Some(block) => Some(block),
            None => {
                let lowest = self.deployed_at.saturating_sub(1);
                self.rpc().last_block_before(close, lowest).await?
            }
        };
        let block = block.ok_or_else(|| {
            AuditError::missing(header.round, format!("no block before {close} is known"))
        })?;
        let show = |number: u64, hash: &Digest| format!("block {number} {hash}");
        Ok(Finding::unless_equal(
            Kind::Snapshot,
            &show(header.snapshot_number, &header.snapshot_hash),
            &show(block.number, &block.hash),
        ))
    }

    async fn policy(&self, round: Round) -> Result<Policy, AuditError> {
        let entry = self.reader.state().rounds.policy_of(round);
        let entry = entry.ok_or_else(|| AuditError::missing(round, "no policy on chain"))?;
        Ok(views::policy(self.rpc(), entry).await?)
    }
}

fn check_domain(domain: &Domain, config: &Config) -> Result<(), ConfigError> {
    let expected = (config.contracts.service_manager, config.l1.chain_id);
    if (domain.avs, domain.l1_chain.get()) == expected {
        return Ok(());
    }
    let detail = format!(
        "Rounds serves AVS {} on chain {}, expected {} on chain {}",
        domain.avs, domain.l1_chain, expected.0, expected.1
    );
    Err(ConfigError::value("contracts", detail))
}
