//! What the ledger holds of a round's vote.

use quorate_bls::Signature;
use quorate_canon::{FixedWidth, Round};
use quorate_protocol::Header;
use quorate_store::StoreError;
use quorate_store::sqlite::Transaction;

use super::{VOTES, key, round_of};
use crate::{Result, SignerError};

/// How far a recorded vote has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordState {
    /// Recorded here; the signature, which is deterministic, may be made (again) at any time.
    Recorded,
    /// Signed, with the signature.
    Signed(Signature),
    /// Imported beside another header of the round, or without a signature: never signed, never
    /// sent.
    Withheld,
}

/// The one header of a round that this key is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoteRecord {
    /// The header.
    pub header: Header,
    /// What may be done with it.
    pub state: RecordState,
}

const RECORDED: u8 = 0;
const SIGNED: u8 = 1;
const WITHHELD: u8 = 2;

pub(crate) fn get_vote(transaction: &Transaction<'_>, round: Round) -> Result<Option<VoteRecord>> {
    let found = transaction.get(VOTES, &key(round))?;
    found.map(|found| decode(round, &found)).transpose()
}

pub(crate) fn put_vote(
    transaction: &Transaction<'_>,
    record: &VoteRecord,
) -> Result<(), StoreError> {
    transaction.put(VOTES, &key(record.header.round), &encode(record))
}

pub(crate) fn all_votes(transaction: &Transaction<'_>) -> Result<Vec<VoteRecord>> {
    let found = transaction.scan(VOTES, b"")?;
    found
        .iter()
        .map(|(key, payload)| decode(round_of(key)?, payload))
        .collect()
}

/// `state u8 ‖ header 272`, and behind them 96 bytes of signature if there is one.
fn encode(record: &VoteRecord) -> Vec<u8> {
    let (state, signature) = match &record.state {
        RecordState::Recorded => (RECORDED, None),
        RecordState::Signed(signature) => (SIGNED, Some(signature)),
        RecordState::Withheld => (WITHHELD, None),
    };
    let mut payload = vec![state];
    payload.extend_from_slice(&record.header.to_bytes());
    if let Some(signature) = signature {
        payload.extend_from_slice(&signature.to_bytes96());
    }
    payload
}

fn decode(round: Round, payload: &[u8]) -> Result<VoteRecord> {
    let damaged = || SignerError::Damaged(format!("vote of round {round}"));
    let (state, rest) = payload.split_first().ok_or_else(damaged)?;
    let (header, signature) = rest.split_at_checked(Header::WIDTH).ok_or_else(damaged)?;
    let header = Header::from_bytes(header).map_err(|_| damaged())?;
    let state = match (*state, signature) {
        (RECORDED, []) => RecordState::Recorded,
        (WITHHELD, []) => RecordState::Withheld,
        (SIGNED, bytes) => {
            let bytes = bytes.try_into().map_err(|_| damaged())?;
            RecordState::Signed(Signature::from_bytes96(bytes).map_err(|_| damaged())?)
        }
        _ => return Err(damaged()),
    };
    if header.round != round {
        return Err(damaged());
    }
    Ok(VoteRecord { header, state })
}
