//! The stake table of an epoch (docs/formats.md, section 10).

use quorate_bls::{PublicKey, aggregate_keys, subtract_keys};
use quorate_canon::{Epoch, OperatorIndex, OperatorStake};

use crate::{Bitmap, ProtocolError};

/// A bitmap's length is a u16.
const MOST_OPERATORS: usize = 8 * 65_535;

/// Keys and stakes by operator index, as L1 fixed them for one stake epoch.
///
/// Some stake is in it, and the keys with stake have a sum. Proof of possession was asked for on
/// L1 before a key got its index; without it no sum of these keys would mean anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StakeTable {
    epoch: Epoch,
    keys: Vec<PublicKey>,
    stakes: Vec<OperatorStake>,
    total: OperatorStake,
    aggregate: PublicKey,
    count: u32,
}

impl StakeTable {
    /// A table of keys and stakes, both by operator index.
    ///
    /// # Errors
    /// [`ProtocolError::TableSize`] for lists of different length or too many operators,
    /// [`ProtocolError::EmptyTable`], [`ProtocolError::OutOfRange`] for a total beyond 128 bits,
    /// [`ProtocolError::Cancelled`] if the keys with stake have no sum.
    pub fn new(
        epoch: Epoch,
        keys: Vec<PublicKey>,
        stakes: Vec<OperatorStake>,
    ) -> Result<Self, ProtocolError> {
        require_size("keys", keys.len(), stakes.len())?;
        if keys.len() > MOST_OPERATORS {
            let (got, expected) = (keys.len(), MOST_OPERATORS);
            return Err(ProtocolError::TableSize {
                what: "operators, at most",
                got,
                expected,
            });
        }
        let count = u32::try_from(keys.len())
            .map_err(|_| ProtocolError::OutOfRange { what: "operators" })?;
        let total = sum(&stakes).ok_or(ProtocolError::OutOfRange {
            what: "total stake",
        })?;
        if total.get() == 0 {
            return Err(ProtocolError::EmptyTable);
        }
        let staked: Vec<_> = (keys.iter().zip(&stakes))
            .filter(|(_, stake)| stake.get() > 0)
            .map(|(key, _)| *key)
            .collect();
        let aggregate = aggregate_keys(&staked).ok_or(ProtocolError::Cancelled { what: "keys" })?;
        Ok(Self {
            epoch,
            keys,
            stakes,
            total,
            aggregate,
            count,
        })
    }

    /// The stake epoch that it serves, and no other.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Indices ever given.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// All stake; never zero.
    #[must_use]
    pub const fn total(&self) -> OperatorStake {
        self.total
    }

    /// The sum of the keys with stake.
    #[must_use]
    pub const fn aggregate_key(&self) -> &PublicKey {
        &self.aggregate
    }

    /// The keys, by operator index.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The stakes, by operator index.
    #[must_use]
    pub fn stakes(&self) -> &[OperatorStake] {
        &self.stakes
    }

    /// An operator's stake, if the index is in the table. It may be zero.
    #[must_use]
    pub fn stake(&self, operator: OperatorIndex) -> Option<OperatorStake> {
        self.stakes.get(position(operator)).copied()
    }

    /// An operator's key, if the index is in the table.
    #[must_use]
    pub fn key(&self, operator: OperatorIndex) -> Option<&PublicKey> {
        self.keys.get(position(operator))
    }

    /// The index of a key, the first if it was registered twice.
    #[must_use]
    pub fn index_of(&self, key: &PublicKey) -> Option<OperatorIndex> {
        let place = self.keys.iter().position(|other| other == key)?;
        u32::try_from(place).ok().map(OperatorIndex::new)
    }

    /// The key and stake of an operator that may sign.
    ///
    /// # Errors
    /// [`ProtocolError::UnknownOperator`], [`ProtocolError::NoStake`].
    pub fn signer(
        &self,
        operator: OperatorIndex,
    ) -> Result<(&PublicKey, OperatorStake), ProtocolError> {
        let unknown = ProtocolError::UnknownOperator {
            got: operator,
            count: self.count,
        };
        let (key, stake) = self
            .key(operator)
            .zip(self.stake(operator))
            .ok_or(unknown)?;
        if stake.get() == 0 {
            return Err(ProtocolError::NoStake(operator));
        }
        Ok((key, stake))
    }

    /// The stake of a set of signers.
    ///
    /// # Errors
    /// [`ProtocolError::UnknownOperator`], [`ProtocolError::NoStake`] for a signer that may not
    /// sign.
    pub fn signed_stake(&self, signers: &Bitmap) -> Result<OperatorStake, ProtocolError> {
        signers
            .iter()
            .try_fold(OperatorStake::new(0), |sum, operator| {
                let (_, stake) = self.signer(operator)?;
                let out_of_range = ProtocolError::OutOfRange {
                    what: "signed stake",
                };
                sum.checked_add(stake.get()).ok_or(out_of_range)
            })
    }

    /// The sum of the signers' keys: the total less those with stake who are absent, or their own
    /// sum, whichever adds fewer points.
    ///
    /// # Errors
    /// [`ProtocolError::Cancelled`] if it is infinity.
    pub fn signers_key(&self, signers: &Bitmap) -> Result<PublicKey, ProtocolError> {
        let mut present = Vec::new();
        let mut absent = Vec::new();
        for (index, (key, stake)) in (0..self.count).zip(self.keys.iter().zip(&self.stakes)) {
            match (stake.get(), signers.contains(OperatorIndex::new(index))) {
                (0, _) => {}
                (_, true) => present.push(*key),
                (_, false) => absent.push(*key),
            }
        }
        let sum = if absent.len() < present.len() {
            subtract_keys(&self.aggregate, &absent)
        } else {
            aggregate_keys(&present)
        };
        sum.ok_or(ProtocolError::Cancelled { what: "keys" })
    }
}

fn position(operator: OperatorIndex) -> usize {
    usize::try_from(operator.get()).unwrap_or(usize::MAX)
}

fn sum(stakes: &[OperatorStake]) -> Option<OperatorStake> {
    stakes.iter().try_fold(OperatorStake::new(0), |sum, stake| {
        sum.checked_add(stake.get())
    })
}

pub(crate) fn require_size(
    what: &'static str,
    got: usize,
    expected: usize,
) -> Result<(), ProtocolError> {
    if got == expected {
        Ok(())
    } else {
        Err(ProtocolError::TableSize {
            what,
            got,
            expected,
        })
    }
}
