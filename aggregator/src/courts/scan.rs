//! Finds refuted rounds on L2 and opens their trials.

use std::sync::Arc;

use quorate_canon::{Round, Timestamp};

use super::Trial;
use super::trials::Trials;
use crate::chain::{Chain, Fault};
use crate::clock::now;
use crate::settle::Beacons;
use crate::store::{HeaderId, blocking};

/// Looks at L2 in a row, of a bounded number of blocks each, before trials are worked on again.
const LOOKS: u32 = 16;

impl<C: Chain, B: Beacons> Trials<C, B> {
    /// Looks for refutations from where the last look ended. Rounds whose signers cannot be found
    /// now stop it there: nobody gets away because an endpoint erred.
    pub(super) async fn scan(&self) -> Result<(), Fault> {
        for _ in 0..LOOKS {
            let store = Arc::clone(&self.store);
            let from = blocking(move || store.refutations_from())
                .await
                .map_err(Fault::Unreachable)?;
            let since = Timestamp::new(now().get().saturating_sub(self.kept));
            let scan = self.chain.refutations(from, since).await?;
            let mut trials = Vec::new();
            for (round, code) in scan.refuted {
                trials.extend(self.indict(round, code).await?);
            }
            let (store, next) = (Arc::clone(&self.store), scan.next);
            blocking(move || store.open_trials(&trials, next))
                .await
                .map_err(Fault::Unreachable)?;
            if scan.complete {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The trial of a round that was refuted; `None` if it is open already, or if nobody signed: then
    /// the proposer's bond pays.
    async fn indict(&self, round: Round, code: u8) -> Result<Option<Trial>, Fault> {
        let digest = self.chain.round(round).await?.digest;
        let store = Arc::clone(&self.store);
        let known = blocking(move || store.has_trial(HeaderId { round, digest }))
            .await
            .map_err(Fault::Unreachable)?;
        if known {
            return Ok(None);
        }
        let signers = match self.chain.signers(round).await {
            Ok(Some(signers)) => signers,
            Ok(None) => {
                self.observe.hindered(
                    "trial",
                    format!("round {round} was proposed, nobody signed"),
                );
                return Ok(None);
            }
            // What no answer will change must not stop the look at other rounds.
            Err(fault @ Fault::BadData(_)) => {
                self.observe.hindered("trial", fault);
                return Ok(None);
            }
            Err(fault) => return Err(fault),
        };
        self.observe
            .round_refuted(round, code, signers.operators().count());
        Ok(Some(Trial::new(signers, code)))
    }
}
