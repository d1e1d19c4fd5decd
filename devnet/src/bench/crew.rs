//! 128 operators that exist only as keys: what signs where no process is to be measured.

use quorate_bls::{Domain, SecretKey, aggregate};
use quorate_canon::{Epoch, OperatorIndex, OperatorStake};
use quorate_protocol::{Bitmap, Certificate, Header, StakeTable, Vote};

use crate::Error;

/// How many operators.
pub(super) const OPERATORS: u32 = 128;
/// A hundred absent of 128 are no quorum where stakes are equal. So 28 operators, every fourth
/// one, have eight times the stake of the others: 69 % of all.
pub(super) const HEAVY: u32 = 28;
const HEAVY_STAKE: u128 = 8_000;
const LIGHT_STAKE: u128 = 1_000;

/// The operators' keys and their table, which is the same in every stake epoch.
pub(super) struct Crew {
    keys: Vec<SecretKey>,
    pub(super) table: StakeTable,
}

impl Crew {
    /// The same 128 in every run.
    ///
    /// # Errors
    /// Never with these keys.
    pub(super) fn new() -> Result<Self, Error> {
        let master = SecretKey::from_seed(b"quorate/devnet/bench/operators/v1").map_err(key)?;
        let keys: Vec<_> = (0..OPERATORS).map(|index| master.child(index)).collect();
        let stakes = (0..OPERATORS).map(|index| {
            OperatorStake::new(if is_heavy(index) {
                HEAVY_STAKE
            } else {
                LIGHT_STAKE
            })
        });
        let stakes: Vec<_> = stakes.collect();
        let table = table_of(&keys, stakes, 0)?;
        Ok(Self { keys, table })
    }

    /// The table of a stake epoch.
    ///
    /// # Errors
    /// Never with these keys.
    pub(super) fn table_of(&self, epoch: u64) -> Result<StakeTable, Error> {
        table_of(&self.keys, self.table.stakes().to_vec(), epoch)
    }

    /// A certificate that `absent` operators of little stake have not signed.
    ///
    /// # Errors
    /// When those who signed are no quorum.
    pub(super) fn certify(&self, header: &Header, absent: usize) -> Result<Certificate, Error> {
        let digest = header.digest().get();
        let sign = |(index, secret): (OperatorIndex, &SecretKey)| {
            Vote::new(*header, index, secret.sign(Domain::Vote, &digest))
        };
        let votes: Vec<_> = self.without(absent).map(sign).collect();
        Certificate::of_votes(header, &votes, &self.table)
            .map_err(|e| Error::program("certificate", e.to_string()))
    }

    /// The bitmap, and the sum (EIP-2537), of all signatures of a digest but those of `absent`
    /// operators of little stake.
    ///
    /// # Errors
    /// If all are absent.
    pub(super) fn sign_all(
        &self,
        digest: &[u8; 32],
        absent: usize,
    ) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let mut bitmap = Bitmap::empty(OPERATORS);
        let mut signatures = Vec::with_capacity(self.keys.len());
        for (index, secret) in self.without(absent) {
            bitmap.insert(index).map_err(key)?;
            signatures.push(secret.sign(Domain::Vote, digest));
        }
        let sum = aggregate(&signatures).ok_or_else(|| key("nobody signs"))?;
        Ok((bitmap.to_bytes(), sum.to_eip2537().to_vec()))
    }

    /// One operator's key.
    ///
    /// # Errors
    /// If there are not so many.
    pub(super) fn key(&self, operator: u32) -> Result<&SecretKey, Error> {
        let at = usize::try_from(operator).map_err(key)?;
        self.keys.get(at).ok_or_else(|| key("no such operator"))
    }

    /// All but the first `absent` operators of little stake.
    fn without(&self, absent: usize) -> impl Iterator<Item = (OperatorIndex, &SecretKey)> {
        let mut to_skip = absent;
        let all = (0..).zip(&self.keys).filter(move |(index, _)| {
            let skipped = to_skip > 0 && !is_heavy(*index);
            to_skip -= usize::from(skipped);
            !skipped
        });
        all.map(|(index, secret)| (OperatorIndex::new(index), secret))
    }
}

const fn is_heavy(index: u32) -> bool {
    index.is_multiple_of(4) && index / 4 < HEAVY
}

fn table_of(
    keys: &[SecretKey],
    stakes: Vec<OperatorStake>,
    epoch: u64,
) -> Result<StakeTable, Error> {
    let keys = keys.iter().map(SecretKey::public_key).collect();
    StakeTable::new(Epoch::new(epoch), keys, stakes).map_err(key)
}

fn key(error: impl std::fmt::Display) -> Error {
    Error::Key(error.to_string())
}
