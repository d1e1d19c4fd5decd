//! Orders with their values at T (`docs/formats.md` section 3): all that a round is computed from.

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{Bps, CodecError, HealthEpoch, Stake, Timestamp};

use crate::capacity::Capacity;
use crate::offer::Offer;
use crate::request::Request;

/// Bit 0 of machine and provider flags.
pub const FLAG_JAILED: u8 = 1;
/// Bit 1 of machine and provider flags.
pub const FLAG_MAINTENANCE: u8 = 2;

/// Stands in the bytes for "no observation".
const UNOBSERVED: u16 = u16::MAX;

/// What the network has seen of a machine. The default is nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MachineState {
    /// Windows passed over windows judged; `None` stands for the policy's prior.
    pub uptime: Option<Bps>,
    /// Bit 0 jailed, bit 1 in maintenance; anything but 0 means not active.
    pub flags: u8,
}

/// What the network has seen of a provider. The default is nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProviderState {
    /// Stake that is not yet unbonding.
    pub stake: Stake,
    /// All GPUs that the provider has registered, on all machines.
    pub registered_gpus: u32,
    /// `None` stands for the policy's prior.
    pub reputation: Option<Bps>,
    /// Share of stake lost, as last written.
    pub slash: Bps,
    /// When `slash` was last written.
    pub slash_epoch: HealthEpoch,
    /// Bit 0 jailed, bit 1 in maintenance; anything but 0 means not active.
    pub flags: u8,
}

/// An offer with its values at T; 209 bytes.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct OfferInput {
    /// The version that is open at T.
    pub offer: Offer,
    /// When that version was written.
    pub created: Timestamp,
    /// What leases hold of the machine.
    pub used: Capacity,
    /// The machine's values.
    pub machine: MachineState,
    /// The provider's values.
    pub provider: ProviderState,
}

impl OfferInput {
    /// What leases leave of the machine, no component below zero.
    #[must_use]
    pub const fn free(&self) -> Capacity {
        self.offer.capacity().saturating_sub(&self.used)
    }
}

/// A request that is open at T; 328 bytes.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct RequestInput {
    /// The request.
    pub request: Request,
    /// When it was written.
    pub created: Timestamp,
}

fn write_observed(value: Option<Bps>, out: &mut Writer) {
    out.value(&value.map_or(UNOBSERVED, Bps::get));
}

fn read_observed(field: &'static str, input: &mut Reader<'_>) -> Result<Option<Bps>, CodecError> {
    match input.value()? {
        UNOBSERVED => Ok(None),
        value => Bps::new(value).map(Some).ok_or(CodecError::Range {
            field,
            got: u64::from(value),
            expected: "0 to 10000, or 65535",
        }),
    }
}

impl FixedWidth for MachineState {
    const WIDTH: usize = 3;

    fn write(&self, out: &mut Writer) {
        write_observed(self.uptime, out);
        out.value(&self.flags);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            uptime: read_observed("uptime", input)?,
            flags: input.value()?,
        })
    }
}

impl FixedWidth for ProviderState {
    const WIDTH: usize = 21;

    fn write(&self, out: &mut Writer) {
        out.value(&self.stake);
        out.value(&self.registered_gpus);
        write_observed(self.reputation, out);
        out.value(&self.slash);
        out.value(&self.slash_epoch);
        out.value(&self.flags);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            stake: input.value()?,
            registered_gpus: input.value()?,
            reputation: read_observed("reputation", input)?,
            slash: input.value()?,
            slash_epoch: input.value()?,
            flags: input.value()?,
        })
    }
}

impl FixedWidth for OfferInput {
    const WIDTH: usize = 209;

    fn write(&self, out: &mut Writer) {
        out.value(&self.offer);
        out.value(&self.created);
        out.value(&self.used);
        out.value(&self.machine);
        out.value(&self.provider);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            offer: input.value()?,
            created: input.value()?,
            used: input.value()?,
            machine: input.value()?,
            provider: input.value()?,
        })
    }
}

impl FixedWidth for RequestInput {
    const WIDTH: usize = 328;

    fn write(&self, out: &mut Writer) {
        out.value(&self.request);
        out.value(&self.created);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            request: input.value()?,
            created: input.value()?,
        })
    }
}
