//! The network that operators' words name: bytes 36 to 96 of every header, receipt and list
//! (docs/formats.md, sections 9 and 14).

use crate::{
    Address, ChainId, CodecError, FixedWidth,
    codec::{Reader, Writer},
};

/// Whose words they are: both chains, both contracts, the operator set; 60 bytes. In every digest, so
/// that a signature for one network says nothing on another.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Domain {
    /// Chain id of L1.
    pub l1_chain: ChainId,
    /// Chain id of L2.
    pub l2_chain: ChainId,
    /// `Rounds` on L2.
    pub rounds: Address,
    /// The AVS, that is `ServiceManager`, on L1.
    pub avs: Address,
    /// The AVS's operator set.
    pub operator_set: u32,
}

impl FixedWidth for Domain {
    const WIDTH: usize = 60;

    fn write(&self, out: &mut Writer) {
        out.value(&self.l1_chain);
        out.value(&self.l2_chain);
        out.value(&self.rounds);
        out.value(&self.avs);
        out.value(&self.operator_set);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            l1_chain: input.value()?,
            l2_chain: input.value()?,
            rounds: input.value()?,
            avs: input.value()?,
            operator_set: input.value()?,
        })
    }
}
