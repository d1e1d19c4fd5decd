//! What follows from counted votes and from what L2 says: certificates, jobs, charges.

use std::collections::BTreeSet;
use std::sync::Arc;

use quorate_canon::{Digest, OperatorIndex, Round};
use quorate_protocol::Certificate;
use quorate_rpc::RoundFailure;
use tokio::sync::watch;

use super::actor::Collector;
use super::{Millis, Progress};
use crate::chain::{Chain, Standing};
use crate::courts::Case;
use crate::settle::Job;

/// Pause before a certificate that could not be built is tried again.
const REBUILD: Millis = Millis(1_000);

impl<C: Chain> Collector<C> {
    /// Takes news of a round; what L2 certified convicts those who signed another outcome.
    pub(super) async fn progress(&mut self, round: Round, progress: Progress) {
        if let Progress::OnChain(on_chain, _) = &progress
            && matches!(on_chain.standing, Standing::Certified | Standing::Settled)
            // A certificate may still take a proposal's place.
            && !on_chain.proposed
        {
            self.confirm(round, on_chain.digest).await;
        }
        if let Progress::Failed(reason, detail) = &progress {
            self.tools.observe.round_failed(round, *reason, detail);
        }
        self.books.entry(round).or_default().note(progress);
    }

    /// Learns what L2 certified.
    pub(super) async fn confirm(&mut self, round: Round, digest: Digest) {
        let Some(votes) = self.state.round_mut(round) else {
            return;
        };
        votes.decide(digest);
        let book = self.books.entry(round).or_default();
        book.on_chain = Some(digest);
        let header = votes.header(digest).copied();
        let Some(header) = header.filter(|_| book.confirmed.is_none()) else {
            return;
        };
        let found = votes.divergences(&header);
        let cases: Vec<_> = found
            .into_iter()
            .map(|(operator, evidence)| Case::new(operator, evidence))
            .collect();
        if cases.is_empty() || self.store(Vec::new(), cases).await.is_ok() {
            self.books.entry(round).or_default().confirmed = Some(header);
        }
    }

    /// L2 takes no certificate with these signers: the round is open again, without their votes.
    pub(super) fn struck(&mut self, round: Round, operators: BTreeSet<OperatorIndex>) {
        let millis = self.millis();
        let Some(votes) = self.state.round_mut(round) else {
            return;
        };
        votes.strike(operators, millis);
        if let Some(certificate) = self
            .books
            .get(&round)
            .and_then(|book| book.certificate.as_ref())
        {
            certificate.send_replace(None);
        }
    }

    /// A vote was counted: perhaps the first for a header that L2 certified before.
    pub(super) async fn recognise(&mut self, round: Round, digest: Digest) {
        let book = self.books.get(&round);
        if book.is_some_and(|book| book.on_chain == Some(digest) && book.confirmed.is_none()) {
            self.confirm(round, digest).await;
        }
    }

    /// Builds the certificates that are due.
    pub(super) fn certify(&mut self) {
        let (millis, grace) = (self.millis(), self.state.limits().grace);
        let due: Vec<(Round, Digest)> = self
            .state
            .rounds()
            .filter(|(round, _)| {
                self.books
                    .get(round)
                    .is_none_or(|book| book.not_before <= millis)
            })
            .filter_map(|(round, votes)| Some((round, votes.due(millis, grace)?)))
            .collect();
        for (round, digest) in due {
            let built = self
                .state
                .round(round)
                .and_then(|votes| votes.certificate(digest));
            match built {
                Some(Ok(certificate)) => self.certified(round, certificate),
                Some(Err(error)) => {
                    self.tools.observe.hindered("certificate", error);
                    self.books.entry(round).or_default().not_before = millis.after(REBUILD);
                }
                None => {}
            }
        }
    }

    /// Fixes the round and hands its certificate on.
    pub(super) fn certified(&mut self, round: Round, certificate: Certificate) {
        let Some(votes) = self.state.round_mut(round) else {
            return;
        };
        votes.decide(certificate.digest());
        let total = votes.table().total().get();
        let (digest, signed) = (certificate.digest(), certificate.signed_stake().get());
        self.tools.observe.round_certified(
            round,
            digest,
            certificate.signers().len(),
            signed,
            total,
        );
        let book = self.books.entry(round).or_default();
        book.certifying();
        let (sender, _) = watch::channel(None);
        let sender = book.certificate.get_or_insert(sender);
        sender.send_replace(Some(Arc::new(certificate)));
    }

    /// Starts a job for every round that has votes and no job yet. After its deadline a job still
    /// looks at what became of the round.
    pub(super) fn hand_on(&mut self) {
        let rounds: Vec<Round> = self
            .state
            .rounds()
            .filter(|(_, votes)| votes.leader().is_some())
            .map(|(round, _)| round)
            .collect();
        for round in rounds {
            let book = self.books.entry(round).or_default();
            let started = book
                .certificate
                .as_ref()
                .is_some_and(|sender| sender.receiver_count() > 0);
            if started || book.is_over() {
                continue;
            }
            let sender = book
                .certificate
                .get_or_insert_with(|| watch::channel(None).0);
            let job = Job {
                round,
                certificate: sender.subscribe(),
            };
            if self.tools.jobs.try_send(job).is_err() {
                // Dropping the job dropped its receiver, so the next turn tries again.
                book.note(Progress::Waits(
                    RoundFailure::ChainUnreachable,
                    "too many rounds are being settled".into(),
                ));
            }
        }
    }
}
