//! A type for each word of the domain, so that a price is never taken for a stake.
//!
//! No type converts into another. Arithmetic is offered only where the domain needs it, and only in
//! checked form: `None` where the result does not fit. Nothing wraps, nothing saturates unseen.

use std::fmt;

use crate::codec::{CodecError, FixedWidth, Reader, Writer};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $int:ident) => {
        $(#[$doc])*
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($int);

        impl $name {
            /// Wraps the number.
            #[must_use]
            pub const fn new(value: $int) -> Self {
                Self(value)
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> $int {
                self.0
            }

            /// The sum, or `None` where it does not fit.
            #[must_use]
            pub const fn checked_add(self, more: $int) -> Option<Self> {
                match self.0.checked_add(more) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// The difference, or `None` below zero.
            #[must_use]
            pub const fn checked_sub(self, less: $int) -> Option<Self> {
                match self.0.checked_sub(less) {
                    Some(difference) => Some(Self(difference)),
                    None => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FixedWidth for $name {
            const WIDTH: usize = $int::WIDTH;

            fn write(&self, out: &mut Writer) {
                out.value(&self.0);
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
                input.value().map(Self)
            }
        }
    };
}

unit!(
    /// The number of a round, from 0.
    Round,
    u64
);
unit!(
    /// The id of an offer, from 1 in sequence over the whole market.
    OfferId,
    u64
);
unit!(
    /// The id of a request, from 1 in sequence over the whole market.
    RequestId,
    u64
);
unit!(
    /// An operator's place in the stake table, from 0. It belongs to one operator for ever.
    OperatorIndex,
    u32
);
unit!(
    /// The number of a stake epoch, from 0.
    Epoch,
    u64
);
unit!(
    /// The number of a health epoch, from 0. Another clock than [`Epoch`].
    HealthEpoch,
    u32
);
unit!(
    /// Unix time in seconds.
    Timestamp,
    u64
);
unit!(
    /// A price: millionths of a dollar for one GPU and one hour.
    MicroDollars,
    u64
);
unit!(
    /// An amount of money: millionths of a dollar.
    Amount,
    u64
);
unit!(
    /// A provider's stake: millionths of the stake token.
    Stake,
    u64
);
unit!(
    /// An operator's slashable stake, as `EigenLayer` counts it.
    OperatorStake,
    u128
);
unit!(
    /// A number of GPUs on one machine.
    GpuCount,
    u8
);
unit!(
    /// An EVM chain id.
    ChainId,
    u64
);
unit!(
    /// The number of a version: of an offer, or of a policy.
    Version,
    u32
);

/// A share in basis points, 0 to 10 000: the type holds nothing above.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bps(u16);

impl Bps {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole: 10 000.
    pub const ONE: Self = Self(10_000);

    /// The share, or `None` above 10 000.
    #[must_use]
    pub const fn new(value: u16) -> Option<Self> {
        if value > Self::ONE.0 {
            None
        } else {
            Some(Self(value))
        }
    }

    /// The number of basis points.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Bps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bps", self.0)
    }
}

impl FixedWidth for Bps {
    const WIDTH: usize = 2;

    fn write(&self, out: &mut Writer) {
        out.value(&self.0);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let value: u16 = input.value()?;
        Self::new(value).ok_or(CodecError::Range {
            field: "share",
            got: u64::from(value),
            expected: "0 to 10000 basis points",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_above_the_whole_does_not_exist() {
        assert_eq!(Bps::new(10_000), Some(Bps::ONE));
        assert_eq!(Bps::new(10_001), None);
        let error = CodecError::Range {
            field: "share",
            got: 10_001,
            expected: "0 to 10000 basis points",
        };
        assert_eq!(Bps::from_bytes(&[0x27, 0x11]), Err(error));
    }

    #[test]
    fn sums_that_do_not_fit_are_none() {
        assert_eq!(Round::new(u64::MAX).checked_add(1), None);
        assert_eq!(Round::new(7).checked_add(1), Some(Round::new(8)));
        assert_eq!(Timestamp::new(3).checked_sub(4), None);
    }
}
