//! A round replayed: everything that a certificate claims, computed again from what cannot be chosen
//! by those who signed it.
//!
//! Reads: orders and values out of L2's logs, the snapshot's block from L2, the table from L1, the
//! beacon from its relays. Believes: nothing of the certificate but which round it speaks of.

use quorate_beacon::Client;
use quorate_canon::{Digest, Round, hash::sha256};
use quorate_chain::{Reader, Rpc, rounds::CertifiedRound, to_alloy_address, views};
use quorate_matching::{
    OutcomeList, Policy, RoundContext, Seed, Snapshot, check_outcome, match_round,
};
use quorate_protocol::{Domain, Header, Schedule, StakeTable};
use serde::Serialize;

use crate::{
    AuditError,
    finding::{Finding, Kind},
};

/// What is read from.
#[derive(Debug)]
pub struct Sources {
    /// L1.
    pub l1: Rpc,
    /// L2, followed to its head.
    pub reader: Reader,
    /// The market's address.
    pub market: alloy::primitives::Address,
    /// `StakeTable` on L2.
    pub table: alloy::primitives::Address,
    /// Whom headers must name.
    pub domain: Domain,
    /// The schedule.
    pub schedule: Schedule,
    /// The beacon.
    pub beacon: Client,
    /// The first block that has to be read.
    pub deployed_at: u64,
}

/// A replayed round.
#[derive(Clone, Debug, Serialize)]
pub struct Replay {
    /// The round.
    pub round: u64,
    /// The snapshot's block.
    pub snapshot: u64,
    /// The beacon's round.
    pub beacon_round: u64,
    /// Open requests.
    pub requests: usize,
    /// Matches by the replay.
    pub matched: usize,
    /// The replay's outcome root.
    pub outcome_root: String,
    /// Stake behind the certificate, basis points of the table; `None` if it does not verify.
    pub signed_bps: Option<u64>,
    /// Whether all chunks were posted.
    pub settled: bool,
    /// What differs; empty if nothing does.
    pub findings: Vec<Finding>,
}

impl Replay {
    /// Whether the round is what it must be.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.findings.is_empty()
    }
}

/// All that goes into a matching, by our own reading.
struct Inputs {
    snapshot: Snapshot,
    policy: Policy,
    context: RoundContext,
    seed: Seed,
}

impl Sources {
    /// Replays one certified round.
    ///
    /// # Errors
    /// [`AuditError`] if something needed cannot be had. A difference is no error: it is a finding.
    pub async fn replay(&self, round: Round) -> Result<Replay, AuditError> {
        let certified = self
            .reader
            .state()
            .rounds
            .get(round)
            .ok_or(AuditError::NotCertified(round))?;
        let l2 = self.reader.source();
        let record = views::certified_record(l2, &self.domain, round, certified).await?;
        let header = record.header;
        let mut findings = Vec::new();
        findings.extend(self.check_live(round)?);
        findings.extend(self.check_snapshot(&header).await?);
        let (inputs, beacon_round) = self
            .inputs(&header, &record.beacon_signature, &mut findings)
            .await?;
        let right = right_list(&inputs, round)?;
        findings.extend(Finding::unless_equal(
            Kind::Outcome,
            &header.outcome_root,
            &right.outcome_root(),
        ));
        findings.extend(self.check_list(&header, certified, &inputs).await?);
        let signed_bps = self.check_certificate(&record, &mut findings).await?;
        Ok(Replay {
            round: round.get(),
            snapshot: header.snapshot_number,
            beacon_round,
            requests: inputs.snapshot.requests().len(),
            matched: right.entries().len(),
            outcome_root: right.outcome_root().to_string(),
            signed_bps,
            settled: certified.settled.is_some(),
            findings,
        })
    }

    fn check_live(&self, round: Round) -> Result<Option<Finding>, AuditError> {
        let live = self.reader.state().rounds.is_live(&self.schedule, round)?;
        Ok((!live)
            .then(|| Finding::new(Kind::NotLive, "certified", "no live round by the schedule")))
    }

    async fn check_snapshot(&self, header: &Header) -> Result<Option<Finding>, AuditError> {
        let close = self.schedule.close(header.round)?;
        let l2 = self.reader.source();
        let lowest = self.deployed_at.saturating_sub(1);
        let block =
            l2.last_block_before(close, lowest)
                .await?
                .ok_or_else(|| AuditError::Missing {
                    round: header.round,
                    what: format!("no block before {close} is known"),
                })?;
        let show = |number: u64, hash: &Digest| format!("block {number} {hash}");
        Ok(Finding::unless_equal(
            Kind::Snapshot,
            &show(header.snapshot_number, &header.snapshot_hash),
            &show(block.number, &block.hash),
        ))
    }

    /// Our own reading of everything that goes into the matching, compared on the way.
    async fn inputs(
        &self,
        header: &Header,
        posted: &[u8; 48],
        findings: &mut Vec<Finding>,
    ) -> Result<(Inputs, u64), AuditError> {
        let round = header.round;
        let missing = |what: String| AuditError::Missing { round, what };
        let context = self.schedule.context(round)?;
        let number = self.schedule.beacon_round(round)?;
        let beacon = self.beacon.get(number).await?;
        if beacon.signature != *posted {
            findings.push(Finding::new(
                Kind::Beacon,
                "another signature posted",
                format!("that of beacon round {number}"),
            ));
        }
        let hash = &self.schedule.beacon_chain_hash;
        let seed = quorate_protocol::seed(&self.domain, round, hash, number, &beacon.signature);
        findings.extend(Finding::unless_equal(Kind::Seed, &header.seed, &seed));
        let entry = self.reader.state().rounds.policy_of(round);
        let entry = entry.ok_or_else(|| missing("no policy on chain".to_owned()))?;
        let policy = views::policy(self.reader.source(), entry).await?;
        findings.extend(Finding::unless_equal(
            Kind::Policy,
            &header.policy_hash,
            &policy.hash(),
        ));
        let snapshot = self
            .reader
            .snapshot(round, context.time)
            .map_err(|error| missing(error.to_string()))?
            .ok_or_else(|| missing("its snapshot is not complete yet".to_owned()))?;
        let root = snapshot.inputs_root();
        findings.extend(Finding::unless_equal(
            Kind::Inputs,
            &header.inputs_root,
            &root,
        ));
        Ok((
            Inputs {
                snapshot,
                policy,
                context,
                seed,
            },
            number,
        ))
    }

    /// The list that was posted, checked without the solver: no pair in it is wrong, none blocks it.
    async fn check_list(
        &self,
        header: &Header,
        certified: &CertifiedRound,
        inputs: &Inputs,
    ) -> Result<Option<Finding>, AuditError> {
        let Some(settled) = certified.settled else {
            return Ok(None);
        };
        let blocks = (certified.block, self.reader.head().number);
        let (rpc, root) = (self.reader.source(), header.outcome_root);
        let posted =
            views::outcome_list(rpc, self.market, header.round, root, settled.count, blocks)
                .await?;
        let Inputs {
            snapshot,
            policy,
            context,
            seed,
        } = inputs;
        Ok(
            check_outcome(snapshot, &policy.score, context, seed, &posted)
                .err()
                .map(|fault| Finding::new(Kind::List, fault, "the round's unique outcome")),
        )
    }

    async fn check_certificate(
        &self,
        record: &views::CertifiedRecord,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<u64>, AuditError> {
        let round = record.header.round;
        let epoch = self.schedule.epoch_of(round)?;
        let manager = to_alloy_address(self.domain.avs);
        let missing = |what: &str| AuditError::Missing {
            round,
            what: what.to_owned(),
        };
        let l1 = views::l1_table(&self.l1, manager, epoch).await?;
        let table = l1
            .ok_or_else(|| missing("L1 has fixed no table for its epoch"))?
            .table;
        let l2 = views::l2_table(self.reader.source(), self.table, epoch).await?;
        let hash = |table: &StakeTable| sha256(&[&table.commitment().to_bytes()]).to_string();
        let got = l2.as_ref().map_or_else(|| "none".to_owned(), hash);
        findings.extend(Finding::unless_equal(Kind::StakeTable, &got, &hash(&table)));
        match record.certificate.clone().verify(&table) {
            Ok(certificate) => Ok(share(certificate.signed_stake().get(), table.total().get())),
            Err(error) => {
                findings.push(Finding::new(
                    Kind::Certificate,
                    error,
                    "a quorum's signature",
                ));
                Ok(None)
            }
        }
    }
}

fn right_list(inputs: &Inputs, round: Round) -> Result<OutcomeList, AuditError> {
    let Inputs {
        snapshot,
        policy,
        context,
        seed,
    } = inputs;
    let outcome = match_round(snapshot, &policy.score, context, seed);
    OutcomeList::new(&outcome, snapshot).map_err(|error| AuditError::Missing {
        round,
        what: error.to_string(),
    })
}

/// Basis points, rounded down.
fn share(part: u128, whole: u128) -> Option<u64> {
    // Shifted down together where the product would not fit: only shown, never decided on.
    let shift = 128_u32
        .saturating_sub(whole.leading_zeros())
        .saturating_sub(100);
    let (part, whole) = (part >> shift, whole >> shift);
    part.checked_mul(10_000)?
        .checked_div(whole)
        .and_then(|bps| u64::try_from(bps).ok())
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_share_is_in_basis_points_for_any_stake() {
        assert_eq!(share(3, 4), Some(7_500));
        assert_eq!(share(0, 4), Some(0));
        assert_eq!(share(u128::MAX, u128::MAX), Some(10_000));
        assert_eq!(share(1, 0), None);
    }
}
