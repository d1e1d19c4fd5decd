//! Somebody who holds no operator's key, has seen a wrong list, and shows it to the contracts.

use alloy::primitives::Bytes;
use anyhow::{Context as _, Result, ensure};
use devnet::chains::Account;
use quorate_bindings::IDisputes;
use quorate_canon::{FixedWidth as _, Round};
use quorate_chain::views;
use quorate_matching::{OutcomeList, Witness, witness_for};
use quorate_protocol::Header;

use super::Network;

/// What is said about a header.
#[derive(Clone, Debug)]
pub(crate) struct Accusation {
    header: Header,
    pub(crate) witness: Witness,
}

impl Network {
    /// The witness against a header, from the chain and the list that its liars gave away.
    pub(crate) async fn accuse(&self, header: Header) -> Result<Accusation> {
        let list = self.recorder.list_behind(header.digest()).await?;
        let witness = self.witness(&header, &list).await?;
        Ok(Accusation { header, witness })
    }

    async fn witness(&self, header: &Header, list: &OutcomeList) -> Result<Witness> {
        let round: Round = header.round;
        let (reader, schedule) = (self.view.reader(), self.view.schedule());
        let context = schedule.context(round)?;
        let inputs = reader.snapshot(round, context.time)?;
        let inputs = inputs.context("the inputs are gone")?;
        let rounds = self.world.contracts.l2.rounds;
        let policy = views::policy_of(reader.source(), rounds, round).await?;
        ensure!(list.outcome_root() == header.outcome_root, "another list");
        witness_for(&inputs, &policy.score, &context, &header.seed, list)
            .context("the list is right")
    }

    /// Challenges in one transaction.
    pub(crate) async fn challenge(&self, by: &Account, accusation: &Accusation) -> Result<()> {
        let call = IDisputes::challengeCall {
            header: accusation.header.to_bytes().into(),
            witness: Bytes::from(accusation.witness.to_bytes()),
        };
        by.call(self.world.contracts.l2.disputes, &call).await?;
        Ok(())
    }
}
