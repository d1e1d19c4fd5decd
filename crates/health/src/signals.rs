//! Which signals a card gave.

use quorate_canon::CodecError;
use quorate_canon::codec::{FixedWidth, Reader, Writer};

use crate::range::ensure;

/// A set of signals; 32 bits. A card that cannot give a signal (a desktop card has no ECC, a virtual
/// machine hides the bus) leaves it out, and its field is zero.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signals(u32);

impl Signals {
    /// No signal.
    pub const NONE: Self = Self(0);
    /// Bit 0: PCI device and subsystem ids.
    pub const PCI: Self = Self(1);
    /// Bit 1: total memory and bytes held.
    pub const MEMORY: Self = Self(1 << 1);
    /// Bit 2: number of processes.
    pub const PROCESSES: Self = Self(1 << 2);
    /// Bit 3: temperature.
    pub const TEMPERATURE: Self = Self(1 << 3);
    /// Bit 4: the card's own temperature of slowdown.
    pub const SLOWDOWN: Self = Self(1 << 4);
    /// Bit 5: the card's own temperature of shutdown.
    pub const SHUTDOWN: Self = Self(1 << 5);
    /// Bit 6: volatile ECC counters (since the driver was loaded).
    pub const ECC_VOLATILE: Self = Self(1 << 6);
    /// Bit 7: aggregate ECC counters (over the card's life).
    pub const ECC_AGGREGATE: Self = Self(1 << 7);
    /// Bit 8: row remapping.
    pub const REMAP: Self = Self(1 << 8);
    /// Bit 9: reasons for throttling.
    pub const THROTTLE: Self = Self(1 << 9);
    /// Bit 10: PCIe replay counter.
    pub const REPLAYS: Self = Self(1 << 10);
    /// Bit 11: width and generation of the PCIe link, current and greatest.
    pub const LINK: Self = Self(1 << 11);
    /// Bit 12: XID events.
    pub const XIDS: Self = Self(1 << 12);
    /// Every signal that has a bit.
    pub const ALL: Self = Self((1 << 13) - 1);

    /// The signals that have a bit, with the names that people read.
    pub const NAMES: [(Self, &'static str); 13] = [
        (Self::PCI, "pci ids"),
        (Self::MEMORY, "memory"),
        (Self::PROCESSES, "processes"),
        (Self::TEMPERATURE, "temperature"),
        (Self::SLOWDOWN, "slowdown threshold"),
        (Self::SHUTDOWN, "shutdown threshold"),
        (Self::ECC_VOLATILE, "volatile ecc"),
        (Self::ECC_AGGREGATE, "aggregate ecc"),
        (Self::REMAP, "row remapping"),
        (Self::THROTTLE, "throttle reasons"),
        (Self::REPLAYS, "pcie replays"),
        (Self::LINK, "pcie link"),
        (Self::XIDS, "xid events"),
    ];

    /// These and those.
    #[must_use]
    pub const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// These without those.
    #[must_use]
    pub const fn without(self, less: Self) -> Self {
        Self(self.0 & !less.0)
    }

    /// Whether all of `these` are in the set.
    #[must_use]
    pub const fn has(self, these: Self) -> bool {
        self.0 & these.0 == these.0
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The set of these bits, or `None` where a bit names no signal.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 {
            Some(Self(bits))
        } else {
            None
        }
    }
}

impl FixedWidth for Signals {
    const WIDTH: usize = 4;

    fn write(&self, out: &mut Writer) {
        out.value(&self.0);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let bits: u32 = input.value()?;
        ensure(
            bits & !Self::ALL.0 == 0,
            "signals",
            bits,
            "no bit above that of XID events",
        )?;
        Ok(Self(bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_has_one_name() {
        let all = Signals::NAMES
            .iter()
            .fold(Signals::NONE, |all, (signal, _)| {
                assert!(!all.has(*signal), "named twice");
                all.with(*signal)
            });
        assert_eq!(all, Signals::ALL);
    }

    #[test]
    fn a_bit_without_a_name_is_refused() {
        assert!(Signals::from_bytes(&[0, 0, 0x20, 0]).is_err());
        assert_eq!(Signals::from_bytes(&[0, 0, 0x1f, 0xff]), Ok(Signals::ALL));
    }
}
