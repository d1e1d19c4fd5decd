//! Rounds as they appear on L2, with the time at which this process saw them.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{primitives::B256, providers::Provider};
use quorate_canon::Round;
use quorate_chain::{
    Contracts, Reader, ReaderConfig, Rpc, RpcConfig, rounds::CertifiedRound, to_alloy_address,
    views,
};
use quorate_protocol::{Domain, Schedule, StakeTable};

use crate::{Error, World, unix_now};

/// One settled round.
#[derive(Clone, Debug)]
pub(super) struct RoundLine {
    /// The round.
    pub round: u64,
    /// The snapshot's block.
    pub snapshot: u64,
    /// The beacon's round.
    pub beacon: u64,
    /// Requests that were open at T.
    pub requests: usize,
    /// Matches.
    pub matched: u32,
    /// Outcome root, hex.
    pub outcome_root: String,
    /// Stake that signed, basis points; `None` of a round that was settled by a proposal.
    pub signed_bps: Option<u64>,
    /// Gas of the transaction with the certificate, or with the proposal, from its receipt.
    pub gas: u64,
    /// Milliseconds from the beacon's time to the certificate, or the proposal, seen on L2.
    pub beacon_to_certificate_ms: u64,
}

/// Follows L2.
#[derive(Debug)]
pub(super) struct Watch {
    reader: Reader,
    l1: Rpc,
    domain: Domain,
    schedule: Schedule,
    /// When each certificate was first seen, Unix milliseconds.
    seen: BTreeMap<Round, u64>,
    done: BTreeSet<Round>,
    lines: Vec<RoundLine>,
    tables: BTreeMap<u64, StakeTable>,
}

impl Watch {
    /// Follows the world's L2 from its beginning.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(super) async fn open(world: &World) -> Result<Self, Error> {
        let rpc = connect(world.chains.l2.url().clone(), world.chains.l2.chain_id()).await?;
        let l1 = connect(world.chains.l1.url().clone(), world.chains.l1.chain_id()).await?;
        let l2 = &world.contracts.l2;
        let contracts = Contracts {
            market: l2.market,
            providers: l2.providers,
            rounds: l2.rounds,
        };
        let schedule = views::schedule(&rpc, l2.rounds).await.map_err(chain)?;
        let reader = Reader::open(rpc, ReaderConfig::new(contracts, 1))
            .await
            .map_err(chain)?;
        Ok(Self {
            reader,
            l1,
            domain: world.domain(),
            schedule,
            seen: BTreeMap::new(),
            done: BTreeSet::new(),
            lines: Vec::new(),
            tables: BTreeMap::new(),
        })
    }

    /// The rounds that were settled since the last call.
    ///
    /// # Errors
    /// When the chain does not answer or contradicts itself.
    pub(super) async fn advance(&mut self) -> Result<Vec<RoundLine>, Error> {
        self.reader.advance().await.map_err(chain)?;
        let now = u64::try_from(unix_now().as_millis()).unwrap_or(u64::MAX);
        let rounds: Vec<(Round, CertifiedRound)> = self
            .reader
            .state()
            .rounds
            .iter()
            .map(|(n, c)| (n, c.clone()))
            .collect();
        let mut fresh = Vec::new();
        for (round, certified) in rounds {
            self.seen.entry(round).or_insert(now);
            if certified.settled.is_some() && self.done.insert(round) {
                fresh.push(self.line(round, &certified).await?);
            }
        }
        self.lines.extend(fresh.iter().cloned());
        Ok(fresh)
    }

    /// All settled rounds so far.
    pub(super) fn lines(&self) -> &[RoundLine] {
        &self.lines
    }

    /// How many rounds are settled.
    pub(super) fn settled(&self) -> usize {
        self.lines.len()
    }

    async fn line(&mut self, round: Round, certified: &CertifiedRound) -> Result<RoundLine, Error> {
        let rpc = self.reader.source().clone();
        let record = views::round_record(&rpc, &self.domain, round, certified)
            .await
            .map_err(chain)?;
        let beacon = self.schedule.beacon_round(round).map_err(wrong)?;
        let due = self.schedule.beacon_time(beacon).map_err(wrong)?.get() * 1_000;
        let time = self.schedule.t_of(round).map_err(wrong)?;
        let snapshot = self.reader.snapshot(round, time).map_err(wrong)?;
        let header = record.header;
        let signed_bps = match record.certificate {
            None => None,
            Some(certificate) => {
                let epoch = self.schedule.epoch_of(round).map_err(wrong)?.get();
                let table = self.table(epoch).await?;
                let certificate = certificate.verify(&table).map_err(wrong)?;
                let signed = certificate.signed_stake().get();
                Some(bps(signed, table.total().get()))
            }
        };
        let receipt = rpc
            .provider()
            .get_transaction_receipt(B256::new(certified.transaction.0))
            .await?;
        Ok(RoundLine {
            round: round.get(),
            snapshot: header.snapshot_number,
            beacon,
            requests: snapshot.map_or(0, |s| s.requests().len()),
            matched: certified.settled.map_or(0, |s| s.count),
            outcome_root: header.outcome_root.to_string(),
            signed_bps,
            gas: receipt.map_or(0, |r| r.gas_used),
            beacon_to_certificate_ms: self
                .seen
                .get(&round)
                .map_or(0, |seen| seen.saturating_sub(due)),
        })
    }

    async fn table(&mut self, epoch: u64) -> Result<StakeTable, Error> {
        if let Some(table) = self.tables.get(&epoch) {
            return Ok(table.clone());
        }
        let avs = to_alloy_address(self.domain.avs);
        let found = views::l1_table(&self.l1, avs, quorate_canon::Epoch::new(epoch))
            .await
            .map_err(chain)?
            .ok_or_else(|| Error::program("stake table", format!("none of epoch {epoch}")))?;
        self.tables.insert(epoch, found.table.clone());
        Ok(found.table)
    }
}

fn bps(part: u128, whole: u128) -> u64 {
    let bps = part.saturating_mul(10_000).checked_div(whole).unwrap_or(0);
    u64::try_from(bps).unwrap_or(u64::MAX)
}

/// A client of one chain.
pub(super) async fn connect(url: url::Url, chain_id: u64) -> Result<Rpc, Error> {
    Rpc::connect(RpcConfig::new(vec![url], chain_id))
        .await
        .map_err(chain)
}

pub(super) fn chain(error: quorate_chain::ChainError) -> Error {
    Error::program("chain", error.to_string())
}

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::program("round", error.to_string())
}
