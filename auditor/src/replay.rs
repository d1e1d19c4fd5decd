//! A round replayed: everything that a certificate claims, computed again from what cannot be chosen
//! by those who signed it.
//!
//! Reads: orders and values out of L2's logs, the snapshot's block from L2, the table from L1, the
//! beacon from its relays. Believes: nothing of the certificate but which round it speaks of.

use quorate_beacon::Client;
use quorate_canon::{Round, hash::sha256};
use quorate_chain::{Rpc, rounds::CertifiedRound, to_alloy_address, views};
use quorate_matching::{Seed, check_outcome};
use quorate_protocol::{Header, StakeTable};
use serde::Serialize;

use crate::{
    AuditError,
    finding::{Finding, Kind},
    inputs::RoundInputs,
    l2::L2,
    record::Record,
};

/// What is read from.
#[derive(Debug)]
pub struct Sources {
    /// L1.
    pub l1: Rpc,
    /// L2, followed to its head.
    pub l2: L2,
    /// `StakeTable` on L2.
    pub table: alloy::primitives::Address,
    /// The beacon.
    pub beacon: Client,
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

impl Sources {
    /// Replays one certified round.
    ///
    /// # Errors
    /// [`AuditError`] if something needed cannot be had. A difference is no error: it is a finding.
    pub async fn replay(&self, round: Round) -> Result<Replay, AuditError> {
        let certified = self.l2.reader.state().rounds.get(round);
        let certified = certified.ok_or(AuditError::NotCertified(round))?;
        let record = self.l2.record(round, certified).await?;
        let header = record.header;
        let mut findings = Vec::new();
        findings.extend(self.l2.check_live(round)?);
        findings.extend(self.l2.check_snapshot(&header).await?);
        let beacon_round = self.l2.schedule.beacon_round(round)?;
        let seed = self.seed(&record, beacon_round, &mut findings).await?;
        let inputs = self.l2.inputs(round).await?;
        let (policy, root) = (inputs.policy.hash(), inputs.snapshot.inputs_root());
        findings.extend(Finding::unless_equal(
            Kind::Policy,
            &header.policy_hash,
            &policy,
        ));
        findings.extend(Finding::unless_equal(
            Kind::Inputs,
            &header.inputs_root,
            &root,
        ));
        let right = inputs.right(&seed)?;
        findings.extend(Finding::unless_equal(
            Kind::Outcome,
            &header.outcome_root,
            &right.list.outcome_root(),
        ));
        findings.extend(self.check_list(&header, certified, &inputs, &seed).await?);
        let signed_bps = self.check_certificate(&record, &mut findings).await?;
        Ok(Replay {
            round: round.get(),
            snapshot: header.snapshot_number,
            beacon_round,
            requests: inputs.snapshot.requests().len(),
            matched: right.list.entries().len(),
            outcome_root: right.list.outcome_root().to_string(),
            signed_bps,
            settled: certified.settled.is_some(),
            findings,
        })
    }

    /// The seed out of a relay's beacon, compared with what was posted.
    async fn seed(
        &self,
        record: &Record,
        number: u64,
        findings: &mut Vec<Finding>,
    ) -> Result<Seed, AuditError> {
        let beacon = self.beacon.get(number).await?;
        if beacon.signature != record.beacon_signature {
            findings.push(Finding::new(
                Kind::Beacon,
                "another signature posted",
                format!("that of beacon round {number}"),
            ));
        }
        let (round, hash) = (record.header.round, &self.l2.schedule.beacon_chain_hash);
        let seed = quorate_protocol::seed(&self.l2.domain, round, hash, number, &beacon.signature);
        findings.extend(Finding::unless_equal(
            Kind::Seed,
            &record.header.seed,
            &seed,
        ));
        Ok(seed)
    }

    /// The list that was posted, checked without the solver: no pair in it is wrong, none blocks it.
    async fn check_list(
        &self,
        header: &Header,
        certified: &CertifiedRound,
        inputs: &RoundInputs,
        seed: &Seed,
    ) -> Result<Option<Finding>, AuditError> {
        if certified.settled.is_none() {
            return Ok(None);
        }
        let posted = self.l2.posted(header, certified.block).await?;
        let missing = || AuditError::missing(header.round, "its list is not posted in full");
        let list = posted.list().ok_or_else(missing)?;
        let RoundInputs {
            snapshot,
            policy,
            context,
        } = inputs;
        Ok(check_outcome(snapshot, &policy.score, context, seed, list)
            .err()
            .map(|fault| Finding::new(Kind::List, fault, "the round's unique outcome")))
    }

    async fn check_certificate(
        &self,
        record: &Record,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<u64>, AuditError> {
        let round = record.header.round;
        let Some(signers) = &record.signers else {
            // A proposal: whoever posted the bond answers for it, and nobody signed.
            return Ok(None);
        };
        let epoch = self.l2.schedule.epoch_of(round)?;
        let manager = to_alloy_address(self.l2.domain.avs);
        let l1 = views::l1_table(&self.l1, manager, epoch).await?;
        let table = l1
            .ok_or_else(|| AuditError::missing(round, "L1 has fixed no table for its epoch"))?
            .table;
        let l2 = views::l2_table(self.l2.rpc(), self.table, epoch).await?;
        let hash = |table: &StakeTable| sha256(&[&table.commitment().to_bytes()]).to_string();
        let got = l2.as_ref().map_or_else(|| "none".to_owned(), hash);
        findings.extend(Finding::unless_equal(Kind::StakeTable, &got, &hash(&table)));
        match signers.certificate(record.header, &table) {
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
