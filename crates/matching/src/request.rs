//! The request: what a tenant wants, as it lies on chain (`docs/formats.md` section 2).

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{
    Address, Bps, CodecError, GpuCount, Mask256, MicroDollars, RequestId, Timestamp, Version,
};

use crate::capacity::Capacity;
use crate::range::{ensure, ensure_some};

/// How a tenant weighs the eight factors.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// A little of everything.
    #[default]
    Balanced,
    /// Price before all.
    Cheapest,
    /// Uptime, reputation and slash rate before all.
    Reliable,
    /// The home region before all.
    Nearest,
}

impl Profile {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 4] = [
        Self::Balanced,
        Self::Cheapest,
        Self::Reliable,
        Self::Nearest,
    ];

    /// The number that stands for the profile.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Balanced => 0,
            Self::Cheapest => 1,
            Self::Reliable => 2,
            Self::Nearest => 3,
        }
    }

    /// The profile of a number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.code() == code)
    }
}

impl FixedWidth for Profile {
    const WIDTH: usize = 1;

    fn write(&self, out: &mut Writer) {
        out.value(&self.code());
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let code: u8 = input.value()?;
        Self::from_code(code).ok_or(CodecError::Range {
            field: "profile",
            got: u64::from(code),
            expected: "0 to 3",
        })
    }
}

/// k GPUs on one machine, for one term; 320 bytes. A change is a new request.
///
/// Decoding checks the ranges of the format. `id`, `version` and `tenant` are zero in what a sender
/// submits and are filled in by the market, so the id's range is checked where a
/// [`Snapshot`](crate::Snapshot) is made.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// From 1, in sequence over all requests.
    pub id: RequestId,
    /// Always 1 on chain.
    pub version: Version,
    /// Who uses the machine.
    pub tenant: Address,
    /// Accepted models; not empty.
    pub models: Mask256,
    /// Allowed regions; not empty.
    pub regions: Mask256,
    /// Capabilities that must be there.
    pub needs: Mask256,
    /// Capabilities that must not be there.
    pub refuses: Mask256,
    /// Hash of the terms that the tenant accepts.
    pub terms_hash: [u8; 32],
    /// What the agent lets in.
    pub access_key: [u8; 32],
    /// Whose escrow is locked.
    pub payer: Address,
    /// Most that is paid, at least 1. A filter only: a higher budget buys no better place.
    pub budget: MicroDollars,
    /// Least memory of one GPU, MiB.
    pub min_vram_mib: u32,
    /// Thousandths of a core, for the whole request.
    pub cpu_milli: u32,
    /// Memory, MiB, for the whole request.
    pub memory_mib: u32,
    /// Disk, GiB, for the whole request.
    pub disk_gib: u32,
    /// Bandwidth, Mbit/s, for the whole request.
    pub mbits: u32,
    /// Length of the lease, seconds, at least 1.
    pub term: u32,
    /// The request is open before this time.
    pub valid_until: Timestamp,
    /// Least uptime of the machine.
    pub min_uptime: Bps,
    /// k: GPUs on one machine, at least 1.
    pub gpus: GpuCount,
    /// The one region against which distance is scored.
    pub home_region: u8,
    /// Accepted node kinds, one bit each; not zero.
    pub kinds: u8,
    /// Accepted tiers, one bit each; not zero.
    pub tiers: u8,
    /// The currency that pays; below 32.
    pub currency: u8,
    /// How the factors are weighed.
    pub profile: Profile,
}

impl Request {
    /// All that the request takes of a machine.
    #[must_use]
    pub const fn demand(&self) -> Capacity {
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
        ensure_some(&self.models, "models")?;
        ensure_some(&self.regions, "regions")?;
        ensure(self.budget.get() >= 1, "budget", 0_u64, "at least 1")?;
        ensure(self.term >= 1, "term", 0_u64, "at least 1")?;
        ensure(self.gpus.get() >= 1, "gpus", 0_u64, "at least 1")?;
        ensure(self.kinds != 0, "kinds", 0_u64, "at least one bit")?;
        ensure(self.tiers != 0, "tiers", 0_u64, "at least one bit")?;
        ensure(self.currency < 32, "currency", self.currency, "below 32")
    }
}

impl FixedWidth for Request {
    const WIDTH: usize = 320;

    fn write(&self, out: &mut Writer) {
        out.value(&self.id);
        out.value(&self.version);
        out.value(&self.tenant);
        for mask in [&self.models, &self.regions, &self.needs, &self.refuses] {
            out.value(mask);
        }
        out.put(&self.terms_hash);
        out.put(&self.access_key);
        out.value(&self.payer);
        out.value(&self.budget);
        for number in [
            self.min_vram_mib,
            self.cpu_milli,
            self.memory_mib,
            self.disk_gib,
            self.mbits,
            self.term,
        ] {
            out.value(&number);
        }
        out.value(&self.valid_until);
        out.value(&self.min_uptime);
        out.put(&[
            self.gpus.get(),
            self.home_region,
            self.kinds,
            self.tiers,
            self.currency,
        ]);
        out.value(&self.profile);
        out.spare(28);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let request = Self {
            id: input.value()?,
            version: input.value()?,
            tenant: input.value()?,
            models: input.value()?,
            regions: input.value()?,
            needs: input.value()?,
            refuses: input.value()?,
            terms_hash: input.take()?,
            access_key: input.take()?,
            payer: input.value()?,
            budget: input.value()?,
            min_vram_mib: input.value()?,
            cpu_milli: input.value()?,
            memory_mib: input.value()?,
            disk_gib: input.value()?,
            mbits: input.value()?,
            term: input.value()?,
            valid_until: input.value()?,
            min_uptime: input.value()?,
            gpus: input.value()?,
            home_region: input.value()?,
            kinds: input.value()?,
            tiers: input.value()?,
            currency: input.value()?,
            profile: input.value()?,
        };
        input.spare(28)?;
        request.validate()?;
        Ok(request)
    }
}
