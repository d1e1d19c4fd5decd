//! The header of a round with all that came beside it, out of the event that carries them.

use alloy::{
    primitives::{B256, U256},
    rpc::types::{Filter, Log},
    sol_types::SolEvent as _,
};
use quorate_bindings::IRounds::RoundCertified;
use quorate_bls::Signature;
use quorate_canon::{Digest, Round};
use quorate_chain::rounds::CertifiedRound;
use quorate_matching::Seed;
use quorate_protocol::{Certificate, Domain, Header, StakeTable, UnverifiedCertificate};

use crate::{AuditError, l2::L2};

/// A header that stands in a round, whoever answers for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The header.
    pub header: Header,
    /// The beacon's signature as it was posted; the chain has not verified it.
    pub beacon_signature: [u8; 48],
    /// Who signed, if the round was certified; `None` for a proposal.
    pub signers: Option<Signers>,
}

/// The signers of a certificate, as posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers {
    /// Operator indices, one bit each.
    pub bitmap: Vec<u8>,
    /// Their aggregate signature, EIP-2537, 128 bytes.
    pub aggregate: Vec<u8>,
}

impl Signers {
    /// The certificate that they make of a header, verified.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn certificate(&self, header: Header, table: &StakeTable) -> Result<Certificate, String> {
        let bytes: &[u8; 128] = self.aggregate.as_slice().try_into().map_err(|_| {
            format!(
                "aggregate: got {} bytes, expected 128",
                self.aggregate.len()
            )
        })?;
        let aggregate = Signature::from_eip2537(bytes).map_err(|error| error.to_string())?;
        UnverifiedCertificate::new(header, self.bitmap.clone(), aggregate)
            .verify(table)
            .map_err(|error| error.to_string())
    }
}

impl L2 {
    /// The header that stands in a round, checked against its digest.
    ///
    /// # Errors
    /// [`AuditError::Missing`] if its event is not in the block that the log of rounds names (the
    /// chain has changed) or its fields do not give the digest; [`AuditError::Chain`].
    pub async fn record(
        &self,
        round: Round,
        certified: &CertifiedRound,
    ) -> Result<Record, AuditError> {
        let filter = Filter::new()
            .address(self.rounds())
            .event_signature(RoundCertified::SIGNATURE_HASH)
            .topic1(B256::from(U256::from(round.get())))
            .from_block(certified.block)
            .to_block(certified.block);
        let logs: Vec<Log> = self.logs(&filter).await?;
        // A proposal and the certificate that takes its place may share a block.
        logs.iter()
            .filter_map(|log| RoundCertified::decode_log(&log.inner).ok())
            .find_map(|event| read(&self.domain, &event.data, certified.digest))
            .ok_or_else(|| {
                let what = format!(
                    "no event with header {} in block {}: the endpoint lost a log, or the chain changed",
                    certified.digest, certified.block
                );
                AuditError::missing(round, what)
            })
    }

    /// Logs of a range of blocks.
    pub(crate) async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, AuditError> {
        let answer = self.rpc().client().request("eth_getLogs", (filter,)).await;
        Ok(answer.map_err(quorate_chain::ChainError::from)?)
    }
}

/// The record of an event, if its header has this digest.
fn read(domain: &Domain, event: &RoundCertified, digest: Digest) -> Option<Record> {
    let header = Header {
        domain: *domain,
        round: Round::new(event.n),
        snapshot_number: event.snapshotNumber,
        snapshot_hash: Digest(event.snapshotHash.0),
        policy_hash: Digest(event.policyHash.0),
        inputs_root: Digest(event.inputsRoot.0),
        seed: Seed(event.seed.0),
        outcome_root: Digest(event.outcomeRoot.0),
    };
    if header.digest() != digest {
        return None;
    }
    let signers = (!event.bitmap.is_empty()).then(|| Signers {
        bitmap: event.bitmap.to_vec(),
        aggregate: event.aggregate.to_vec(),
    });
    Some(Record {
        header,
        beacon_signature: event.beaconSignature.as_ref().try_into().ok()?,
        signers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_canon::{Address, ChainId};

    fn event(bitmap: &[u8]) -> (Domain, RoundCertified) {
        let domain = Domain {
            l1_chain: ChainId::new(1),
            l2_chain: ChainId::new(2),
            rounds: Address([3; 20]),
            avs: Address([4; 20]),
            operator_set: 0,
        };
        let event = RoundCertified {
            n: 7,
            digest: B256::ZERO,
            time: 0,
            signedStake: U256::ZERO,
            totalStake: U256::ZERO,
            snapshotNumber: 9,
            snapshotHash: B256::repeat_byte(1),
            policyHash: B256::repeat_byte(2),
            inputsRoot: B256::repeat_byte(3),
            seed: B256::repeat_byte(4),
            outcomeRoot: B256::repeat_byte(5),
            beaconSignature: vec![6; 48].into(),
            bitmap: bitmap.to_vec().into(),
            aggregate: vec![8; 128].into(),
        };
        (domain, event)
    }

    fn digest_of(domain: &Domain, event: &RoundCertified) -> Digest {
        Header {
            domain: *domain,
            round: Round::new(7),
            snapshot_number: 9,
            snapshot_hash: Digest([1; 32]),
            policy_hash: Digest([2; 32]),
            inputs_root: Digest([3; 32]),
            seed: Seed([4; 32]),
            outcome_root: Digest(event.outcomeRoot.0),
        }
        .digest()
    }

    #[test]
    fn an_event_is_believed_only_for_its_own_digest() {
        let (domain, mut event) = event(&[1]);
        let digest = digest_of(&domain, &event);
        let record = read(&domain, &event, digest).unwrap();
        assert_eq!(record.beacon_signature, [6; 48]);
        assert_eq!(record.signers.unwrap().bitmap, [1]);
        event.outcomeRoot = B256::repeat_byte(9);
        assert_eq!(read(&domain, &event, digest), None);
    }

    #[test]
    fn a_proposal_has_no_signers() {
        let (domain, event) = event(&[]);
        let digest = digest_of(&domain, &event);
        assert_eq!(read(&domain, &event, digest).unwrap().signers, None);
    }
}
