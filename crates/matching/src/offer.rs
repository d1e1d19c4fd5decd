//! The offer: one machine, as it lies on chain (`docs/formats.md` section 2).

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{
    Address, CodecError, GpuCount, Mask256, MicroDollars, OfferId, Timestamp, Version,
};

use crate::capacity::Capacity;
use crate::range::ensure;

/// One machine of a provider; 160 bytes. Each change makes a new version.
///
/// Decoding checks the ranges of the format. `id`, `version` and `provider` are zero in what a
/// sender submits and are filled in by the market, so their ranges are checked where a
/// [`Snapshot`](crate::Snapshot) is made.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct Offer {
    /// From 1, in sequence over all offers.
    pub id: OfferId,
    /// From 1.
    pub version: Version,
    /// Who is paid.
    pub provider: Address,
    /// The agent's key, by hash; zero before an agent exists.
    pub machine_key: [u8; 32],
    /// Capabilities, by the policy's numbers.
    pub has: Mask256,
    /// Price, at least 1.
    pub ask: MicroDollars,
    /// Memory of one GPU, MiB.
    pub vram_mib: u32,
    /// Thousandths of a core, whole machine.
    pub cpu_milli: u32,
    /// Memory, MiB, whole machine.
    pub memory_mib: u32,
    /// Disk, GiB, whole machine.
    pub disk_gib: u32,
    /// Bandwidth, Mbit/s, whole machine.
    pub mbits: u32,
    /// Accepted currencies, one bit each; not zero.
    pub currencies: u32,
    /// The machine is on offer before this time.
    pub available_until: Timestamp,
    /// Shortest lease, seconds.
    pub min_term: u32,
    /// Longest lease, seconds, at least `min_term`.
    pub max_term: u32,
    /// How long before the provider may take the machine back, seconds.
    pub notice: u32,
    /// Index into the policy's model table.
    pub model: u8,
    /// GPUs of the machine, at least 1.
    pub gpus: GpuCount,
    /// Index into the policy's region table.
    pub region: u8,
    /// 0 provider node, 1 fizz node; below 8.
    pub kind: u8,
    /// 0 entry, 1 low, 2 medium, 3 high, 4 ultra-high; below 8.
    pub tier: u8,
}

impl Offer {
    /// All that the machine has.
    #[must_use]
    pub const fn capacity(&self) -> Capacity {
        Capacity {
            gpus: self.gpus.get(),
            cpu_milli: self.cpu_milli,
            memory_mib: self.memory_mib,
            disk_gib: self.disk_gib,
            mbits: self.mbits,
        }
    }

    /// Whether every field that the sender chooses is within its range.
    ///
    /// # Errors
    /// Names the first field that is not.
    pub fn validate(&self) -> Result<(), CodecError> {
        ensure(self.ask.get() >= 1, "ask", self.ask.get(), "at least 1")?;
        ensure(
            self.currencies != 0,
            "currencies",
            0_u64,
            "at least one bit",
        )?;
        ensure(
            self.max_term >= self.min_term,
            "max_term",
            self.max_term,
            "at least min_term",
        )?;
        ensure(self.gpus.get() >= 1, "gpus", 0_u64, "at least 1")?;
        ensure(self.kind < 8, "kind", self.kind, "below 8")?;
        ensure(self.tier < 8, "tier", self.tier, "below 8")
    }
}

impl FixedWidth for Offer {
    const WIDTH: usize = 160;

    fn write(&self, out: &mut Writer) {
        out.value(&self.id);
        out.value(&self.version);
        out.value(&self.provider);
        out.put(&self.machine_key);
        out.value(&self.has);
        out.value(&self.ask);
        for number in [
            self.vram_mib,
            self.cpu_milli,
            self.memory_mib,
            self.disk_gib,
            self.mbits,
        ] {
            out.value(&number);
        }
        out.value(&self.currencies);
        out.value(&self.available_until);
        for seconds in [self.min_term, self.max_term, self.notice] {
            out.value(&seconds);
        }
        out.put(&[
            self.model,
            self.gpus.get(),
            self.region,
            self.kind,
            self.tier,
        ]);
        out.spare(7);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let offer = Self {
            id: input.value()?,
            version: input.value()?,
            provider: input.value()?,
            machine_key: input.take()?,
            has: input.value()?,
            ask: input.value()?,
            vram_mib: input.value()?,
            cpu_milli: input.value()?,
            memory_mib: input.value()?,
            disk_gib: input.value()?,
            mbits: input.value()?,
            currencies: input.value()?,
            available_until: input.value()?,
            min_term: input.value()?,
            max_term: input.value()?,
            notice: input.value()?,
            model: input.value()?,
            gpus: input.value()?,
            region: input.value()?,
            kind: input.value()?,
            tier: input.value()?,
        };
        input.spare(7)?;
        offer.validate()?;
        Ok(offer)
    }
}
