//! Byte strings with a meaning: digests, addresses, masks.

use std::fmt;
use std::str::FromStr;

use crate::codec::{CodecError, FixedWidth, Reader, Writer};
use crate::hex::{self, HexError};

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident, $width:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $width]);

        impl $name {
            /// All bytes zero.
            pub const ZERO: Self = Self([0; $width]);

            /// Wraps the bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $width]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub const fn get(self) -> [u8; $width] {
                self.0
            }

            /// Whether all bytes are zero.
            #[must_use]
            pub fn is_zero(&self) -> bool {
                self.0 == [0; $width]
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::ZERO
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex::write(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = HexError;

            fn from_str(text: &str) -> Result<Self, HexError> {
                hex::parse(text).map(Self)
            }
        }

        impl FixedWidth for $name {
            const WIDTH: usize = $width;

            fn write(&self, out: &mut Writer) {
                out.put(&self.0);
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
                input.take().map(Self)
            }
        }
    };
}

bytes!(
    /// A SHA-256 digest.
    Digest,
    32
);
bytes!(
    /// An account or contract on an EVM chain.
    Address,
    20
);
bytes!(
    /// A set of numbers 0 to 255, as a 256-bit big-endian number: bit 0 is the last byte's lowest.
    Mask256,
    32
);

impl Mask256 {
    /// Every number.
    pub const ALL: Self = Self([0xff; 32]);

    /// The set of the given numbers.
    #[must_use]
    pub fn of(members: &[u8]) -> Self {
        members
            .iter()
            .fold(Self::ZERO, |mask, member| mask.with(*member))
    }

    /// This set and one number more.
    #[must_use]
    pub fn with(mut self, member: u8) -> Self {
        // 31 - member / 8: complementing five bits is subtracting from 31.
        if let Some(byte) = self.0.get_mut(usize::from(!(member >> 3) & 31)) {
            *byte |= 1 << (member & 7);
        }
        self
    }

    /// Whether `member` is in the set.
    #[must_use]
    pub fn bit(&self, member: u8) -> bool {
        let byte = self
            .0
            .get(usize::from(!(member >> 3) & 31))
            .copied()
            .unwrap_or(0);
        (byte >> (member & 7)) & 1 == 1
    }

    /// Whether every member is one of `other`.
    #[must_use]
    pub fn is_subset_of(&self, other: &Self) -> bool {
        // Without an early end, so that it becomes a few wide instructions: every pair asks this.
        self.0
            .iter()
            .zip(&other.0)
            .fold(0, |rest, (a, b)| rest | (a & !b))
            == 0
    }

    /// Whether some member is one of `other`.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(&other.0)
            .fold(0, |common, (a, b)| common | (a & b))
            != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_0_is_the_lowest_of_the_last_byte() {
        let mask = Mask256::of(&[0, 9, 255]);
        assert_eq!((mask.0[31], mask.0[30], mask.0[0]), (1, 2, 0x80));
        let members: Vec<u8> = (0..=255).filter(|i| mask.bit(*i)).collect();
        assert_eq!(members, [0, 9, 255]);
    }

    #[test]
    fn subset_and_intersection_follow_the_members() {
        let (small, large, other) = (
            Mask256::of(&[3, 200]),
            Mask256::of(&[3, 4, 200]),
            Mask256::of(&[5]),
        );
        assert!(small.is_subset_of(&large) && !large.is_subset_of(&small));
        assert!(small.intersects(&large) && !large.intersects(&other));
        assert!(Mask256::ZERO.is_subset_of(&other) && !Mask256::ZERO.intersects(&Mask256::ALL));
    }

    #[test]
    fn hex_is_read_with_and_without_prefix_and_nothing_else() {
        let address: Address = "0x00000000000000000000000000000000000000fF"
            .parse()
            .unwrap();
        assert_eq!(address.0[19], 0xff);
        assert_eq!(address.to_string().parse(), Ok(address));
        assert_eq!(address.to_string()[2..].parse(), Ok(address));
        assert_eq!(
            "0x12".parse::<Address>(),
            Err(HexError::Length {
                got: 2,
                expected: 40
            })
        );
        let wrong = format!("{}g", "0".repeat(39));
        assert_eq!(wrong.parse::<Address>(), Err(HexError::Digit { at: 39 }));
    }
}
