//! L2 as the tests see it: by a reader of their own, no node asked.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use devnet::World;
use quorate_canon::{Epoch, OperatorIndex, Round};
use quorate_chain::{
    Contracts, Reader, ReaderConfig, Rpc, RpcConfig, rounds::CertifiedRound, to_alloy_address,
    views,
};
use quorate_protocol::{Certificate, Domain, Schedule, StakeTable};

/// Follows L2 from its beginning.
#[derive(Debug)]
pub(crate) struct View {
    reader: Reader,
    l1: Rpc,
    domain: Domain,
    schedule: Schedule,
    tables: BTreeMap<Epoch, StakeTable>,
}

impl View {
    pub(crate) async fn open(world: &World) -> Result<Self> {
        let chains = &world.chains;
        let l1 = connect(chains.l1.url().clone(), chains.l1.chain_id()).await?;
        let l2 = connect(chains.l2.url().clone(), chains.l2.chain_id()).await?;
        let contracts = Contracts {
            market: world.contracts.l2.market,
            providers: world.contracts.l2.providers,
            rounds: world.contracts.l2.rounds,
        };
        let schedule = views::schedule(&l2, contracts.rounds).await?;
        Ok(Self {
            reader: Reader::open(l2, ReaderConfig::new(contracts, 1)).await?,
            l1,
            domain: world.domain(),
            schedule,
            tables: BTreeMap::new(),
        })
    }

    /// Reads what is new.
    pub(crate) async fn advance(&mut self) -> Result<()> {
        match self.reader.advance().await {
            Err(error) if !error.is_retryable() => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub(crate) const fn reader(&self) -> &Reader {
        &self.reader
    }

    pub(crate) const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// A certified round, as far as has been read.
    pub(crate) fn round(&self, round: Round) -> Option<&CertifiedRound> {
        self.reader.state().rounds.get(round)
    }

    /// The rounds that are certified.
    pub(crate) fn certified(&self) -> BTreeSet<Round> {
        let all = self.reader.state().rounds.iter();
        all.map(|(round, _)| round).collect()
    }

    /// The rounds whose last chunk stands.
    pub(crate) fn settled(&self) -> BTreeSet<Round> {
        let all = self.reader.state().rounds.iter();
        let settled = all.filter(|(_, certified)| certified.settled.is_some());
        settled.map(|(round, _)| round).collect()
    }

    /// A round's certificate, verified against the table that L1 fixed.
    pub(crate) async fn certificate(&mut self, round: Round) -> Result<Certificate> {
        let certified = self.round(round).context("not certified")?.clone();
        let rpc = self.reader.source().clone();
        let record = views::certified_record(&rpc, &self.domain, round, &certified).await?;
        let epoch = self.schedule.epoch_of(round)?;
        let table = self.table(epoch).await?;
        Ok(record.certificate.verify(&table)?)
    }

    /// The operators that a round's certificate names.
    pub(crate) async fn signers(&mut self, round: Round) -> Result<BTreeSet<usize>> {
        let certificate = self.certificate(round).await?;
        let table = self.table(self.schedule.epoch_of(round)?).await?;
        let bit = |number: &usize| {
            let index = OperatorIndex::new(u32::try_from(*number).unwrap_or(u32::MAX));
            certificate.signers().contains(index)
        };
        Ok((0..table.keys().len()).filter(bit).collect())
    }

    /// The table that L1 fixed for an epoch.
    pub(crate) async fn table(&mut self, epoch: Epoch) -> Result<StakeTable> {
        if let Some(table) = self.tables.get(&epoch) {
            return Ok(table.clone());
        }
        let found = views::l1_table(&self.l1, to_alloy_address(self.domain.avs), epoch)
            .await?
            .with_context(|| format!("no table of epoch {epoch}"))?;
        self.tables.insert(epoch, found.table.clone());
        Ok(found.table)
    }
}

async fn connect(url: url::Url, chain_id: u64) -> Result<Rpc> {
    Ok(Rpc::connect(RpcConfig::new(vec![url], chain_id)).await?)
}
