//! What the contracts make of pairs, chunks and witnesses, without any transaction.

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes};
use quorate_bindings::{IVerifier, VerifierChunk};
use quorate_canon::{Digest, FixedWidth, OfferId, RequestId, Round};
use quorate_matching::{ChunkProof, Seed};
use quorate_protocol::Header;

use super::call::{contract_error, mismatch};
use crate::{ChainError, Rpc};

/// What the contracts make of one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairView {
    /// 0: eligible; 1 to 22: the first rule that fails; 23: the request is no input, 24: the offer
    /// is none (`docs/formats.md` section 6).
    pub ineligible: u8,
    /// The score, 0 unless eligible.
    pub score: u64,
    /// The tie, 0 unless eligible.
    pub tie: u64,
}

/// What the contracts say of a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// 0: it shows no fault; else the code of `docs/formats.md` section 13.
    pub code: u8,
    /// Position of the entry at fault, or 2^32 - 1.
    pub position: u32,
}

/// The contracts' judge of headers, asked at one block.
///
/// Asking at the snapshot's own block gives what the header speaks of, or an error that may pass
/// where an endpoint does not have that block (yet, or any more).
#[derive(Debug, Clone)]
pub struct Verifier {
    rpc: Rpc,
    address: Address,
    block: BlockId,
}

impl Verifier {
    /// The contract at `address`, with its chain's state as of the block of this hash.
    #[must_use]
    pub fn at_block(rpc: Rpc, address: Address, hash: Digest) -> Self {
        Self {
            rpc,
            address,
            block: BlockId::from(B256::new(hash.0)),
        }
    }

    /// The contract at `address`, with its chain's newest state.
    #[must_use]
    pub fn latest(rpc: Rpc, address: Address) -> Self {
        Self {
            rpc,
            address,
            block: BlockId::latest(),
        }
    }

    /// Whether a witness shows a fault of a header.
    ///
    /// # Errors
    /// [`ChainError::Contract`] if the witness is malformed; what
    /// [is retryable](ChainError::is_retryable) says nothing about it.
    pub async fn judge(&self, header: &Header, witness: &[u8]) -> Result<Judgement, ChainError> {
        let contract = IVerifier::new(self.address, self.rpc.provider());
        let answer = contract
            .judge(header.to_bytes().into(), Bytes::copy_from_slice(witness))
            .block(self.block)
            .call()
            .await
            .map_err(contract_error("judge"))?;
        Ok(Judgement {
            code: answer.code,
            position: answer.position,
        })
    }

    /// Eligibility, score and tie of pairs in a round under a seed, in the order asked; at most 256.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn pairs(
        &self,
        round: Round,
        seed: &Seed,
        pairs: &[(RequestId, OfferId)],
    ) -> Result<Vec<PairView>, ChainError> {
        let contract = IVerifier::new(self.address, self.rpc.provider());
        let ids: Vec<u8> = pairs
            .iter()
            .flat_map(|(request, offer)| {
                [request.get().to_be_bytes(), offer.get().to_be_bytes()].concat()
            })
            .collect();
        let answer = contract
            .pairs(round.get(), B256::new(seed.0), ids.into())
            .block(self.block)
            .call()
            .await
            .map_err(contract_error("pairs"))?;
        if answer.len() != pairs.len() {
            let (got, expected) = (answer.len(), pairs.len());
            return Err(mismatch("pairs", format!("got {got}, expected {expected}")));
        }
        let view = |pair: IVerifier::Pair| PairView {
            ineligible: pair.ineligible,
            score: pair.score,
            tie: pair.tie,
        };
        Ok(answer.into_iter().map(view).collect())
    }

    /// Whether the contracts read a chunk as part of an outcome root.
    ///
    /// # Errors
    /// [`ChainError::Contract`] with the contract's reason where it would refuse the chunk.
    pub async fn check_chunk(
        &self,
        round: Round,
        outcome_root: Digest,
        chunk: &ChunkProof,
    ) -> Result<(), ChainError> {
        let contract = IVerifier::new(self.address, self.rpc.provider());
        let proof = chunk.proof.iter().map(|hash| B256::new(hash.0)).collect();
        let chunk = VerifierChunk {
            n: round.get(),
            count: chunk.count,
            lowest: chunk.lowest,
            index: chunk.index,
            entries: chunk.entries.clone().into(),
            proof,
        };
        contract
            .checkChunk(B256::new(outcome_root.0), chunk)
            .block(self.block)
            .call()
            .await
            .map(|_| ())
            .map_err(contract_error("checkChunk"))
    }
}
