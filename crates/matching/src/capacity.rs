//! What a machine has, what leases hold of it, and what a request takes: one vector of five.

use quorate_canon::CodecError;
use quorate_canon::codec::{FixedWidth, Reader, Writer};

/// GPUs and the four resources beside them; 17 bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capacity {
    /// Whole GPUs.
    pub gpus: u8,
    /// Thousandths of a core.
    pub cpu_milli: u32,
    /// Memory, MiB.
    pub memory_mib: u32,
    /// Disk, GiB.
    pub disk_gib: u32,
    /// Bandwidth, Mbit/s.
    pub mbits: u32,
}

impl Capacity {
    /// Nothing of anything.
    pub const ZERO: Self = Self {
        gpus: 0,
        cpu_milli: 0,
        memory_mib: 0,
        disk_gib: 0,
        mbits: 0,
    };

    /// Whether `demand` fits into this, component by component.
    #[must_use]
    pub const fn holds(&self, demand: &Self) -> bool {
        demand.gpus <= self.gpus
            && demand.cpu_milli <= self.cpu_milli
            && demand.memory_mib <= self.memory_mib
            && demand.disk_gib <= self.disk_gib
            && demand.mbits <= self.mbits
    }

    /// The sum, or `None` where a component does not fit its width.
    #[must_use]
    pub fn checked_add(&self, more: &Self) -> Option<Self> {
        Some(Self {
            gpus: self.gpus.checked_add(more.gpus)?,
            cpu_milli: self.cpu_milli.checked_add(more.cpu_milli)?,
            memory_mib: self.memory_mib.checked_add(more.memory_mib)?,
            disk_gib: self.disk_gib.checked_add(more.disk_gib)?,
            mbits: self.mbits.checked_add(more.mbits)?,
        })
    }

    /// What is left after `less`, no component below zero.
    #[must_use]
    pub const fn saturating_sub(&self, less: &Self) -> Self {
        Self {
            gpus: self.gpus.saturating_sub(less.gpus),
            cpu_milli: self.cpu_milli.saturating_sub(less.cpu_milli),
            memory_mib: self.memory_mib.saturating_sub(less.memory_mib),
            disk_gib: self.disk_gib.saturating_sub(less.disk_gib),
            mbits: self.mbits.saturating_sub(less.mbits),
        }
    }
}

impl FixedWidth for Capacity {
    const WIDTH: usize = 17;

    fn write(&self, out: &mut Writer) {
        out.value(&self.gpus);
        out.value(&self.cpu_milli);
        out.value(&self.memory_mib);
        out.value(&self.disk_gib);
        out.value(&self.mbits);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            gpus: input.value()?,
            cpu_milli: input.value()?,
            memory_mib: input.value()?,
            disk_gib: input.value()?,
            mbits: input.value()?,
        })
    }
}
