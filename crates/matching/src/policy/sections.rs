//! The sections of the policy that matching does not read.

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{Amount, Bps, CodecError};

/// The health section; 256 bytes, opaque here: the rules of health read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthSection(pub [u8; 256]);

impl FixedWidth for HealthSection {
    const WIDTH: usize = 256;

    fn write(&self, out: &mut Writer) {
        out.put(&self.0);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        input.take().map(Self)
    }
}

/// The money section; 60 bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct MoneySection {
    /// What posting a request costs; it is not returned.
    pub request_fee: Amount,
    /// The protocol's share of what a lease pays.
    pub protocol_fee_bps: Bps,
    /// The least that a lease pays when its tenant closes it.
    pub min_charge: Amount,
    /// How long the leases of a void round go on, in seconds.
    pub void_notice: u32,
    /// What posting earns for each entry of a chunk.
    pub posting_fee: Amount,
    /// What settling a round earns.
    pub settle_fee: Amount,
    /// The share of what an entry-tier lease pays that is kept until the provider's deposit is whole.
    pub withhold_bps: Bps,
    /// The deposit for each registered GPU of a provider with entry-tier machines.
    pub deposit: Amount,
}

impl FixedWidth for MoneySection {
    const WIDTH: usize = 60;

    fn write(&self, out: &mut Writer) {
        out.value(&self.request_fee);
        out.value(&self.protocol_fee_bps);
        out.value(&self.min_charge);
        out.value(&self.void_notice);
        out.value(&self.posting_fee);
        out.value(&self.settle_fee);
        out.value(&self.withhold_bps);
        out.value(&self.deposit);
        out.spare(12);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let section = Self {
            request_fee: input.value()?,
            protocol_fee_bps: input.value()?,
            min_charge: input.value()?,
            void_notice: input.value()?,
            posting_fee: input.value()?,
            settle_fee: input.value()?,
            withhold_bps: input.value()?,
            deposit: input.value()?,
        };
        input.spare(12)?;
        Ok(section)
    }
}
