//! The reputation of a provider: how its leases ended, weighted by the fees that they paid.

use quorate_canon::{Amount, Bps};

/// The whole, in basis points.
const WHOLE: u64 = 10_000;

/// How a lease ended, when its last money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseEnd {
    /// It ran to its end or was closed by its tenant, and of its seconds so many were paid.
    Served {
        /// Seconds that were paid: neither DOWN nor in maintenance.
        paid: u64,
        /// All its seconds.
        seconds: u64,
    },
    /// Its provider closed it early.
    Reclaimed,
    /// It was annulled with its round: it does not count.
    Annulled,
}

impl LeaseEnd {
    /// The lease's quality in basis points, if it counts. A lease without seconds does not.
    fn quality(self) -> Option<u64> {
        match self {
            Self::Served { paid, seconds } => {
                let paid = u128::from(paid.min(seconds)).saturating_mul(WHOLE.into());
                let quality = paid.checked_div(seconds.into())?;
                u64::try_from(quality).ok()
            }
            Self::Reclaimed => Some(0),
            Self::Annulled => None,
        }
    }
}

/// A provider's reputation; the default is that of one without leases.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reputation {
    /// The mean quality, weighted by fees. Of no meaning while the weight is 0.
    pub value: Bps,
    /// The fees that it rests on, at most the policy's `reputation_memory`.
    pub weight: Amount,
}

impl Reputation {
    /// What it is after a lease that paid `fee`. Without a fee nothing changes.
    #[must_use]
    pub fn after(self, fee: Amount, end: LeaseEnd, memory: Amount) -> Self {
        let Some(quality) = end.quality().filter(|_| fee.get() > 0) else {
            return self;
        };
        let (old, new) = (u128::from(self.weight.get()), u128::from(fee.get()));
        // Weights are below 2^64 and shares below 2^14: nothing leaves the 128 bits.
        let sum = u128::from(self.value.get())
            .saturating_mul(old)
            .saturating_add(u128::from(quality).saturating_mul(new));
        let weight = old.saturating_add(new);
        let value = sum.checked_div(weight).unwrap_or(0);
        let weight = weight.min(memory.get().into());
        Self {
            value: u16::try_from(value)
                .ok()
                .and_then(Bps::new)
                .unwrap_or(Bps::ONE),
            weight: Amount::new(u64::try_from(weight).unwrap_or(u64::MAX)),
        }
    }
}
