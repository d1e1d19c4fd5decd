//! What L1 says of a stake epoch's table (docs/formats.md, sections 10 and 12).

use quorate_bls::PublicKey;
use quorate_canon::{
    CodecError, Digest, Epoch, FixedWidth, OperatorStake,
    codec::{Reader, Writer},
};

use crate::ProtocolError;

/// Keys in a full page.
pub const KEYS_PER_PAGE: usize = 120;

/// The table of one stake epoch in short: pages are checked against it, by anyone who has L1's
/// message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// The stake epoch.
    pub epoch: Epoch,
    /// Indices ever given.
    pub count: u32,
    /// All stake.
    pub total: OperatorStake,
    /// The sum of the keys with stake.
    pub aggregate_key: PublicKey,
    /// Hash of the stakes page.
    pub stakes_hash: Digest,
    /// Hashes of the pages of keys, in order.
    pub key_pages: Vec<Digest>,
}

impl Commitment {
    /// Its bytes: the message down the bridge.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.value(&self.epoch);
        out.value(&self.count);
        out.value(&self.total);
        out.put(&self.aggregate_key.to_bytes192());
        out.value(&self.stakes_hash);
        for page in &self.key_pages {
            out.value(page);
        }
        out.into_bytes()
    }

    /// Reads its bytes. There are as many page hashes as `count` needs, no more and no fewer.
    ///
    /// # Errors
    /// [`ProtocolError::Codec`], [`ProtocolError::Point`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut input = Reader::new(bytes);
        let epoch = input.value()?;
        let count: u32 = input.value()?;
        let total = input.value()?;
        let aggregate_key = PublicKey::from_bytes192(&input.take()?)?;
        let stakes_hash = input.value()?;
        let key_pages = read_pages(&mut input, count)?;
        input.finish()?;
        Ok(Self {
            epoch,
            count,
            total,
            aggregate_key,
            stakes_hash,
            key_pages,
        })
    }
}

fn read_pages(input: &mut Reader<'_>, count: u32) -> Result<Vec<Digest>, CodecError> {
    let pages = usize::try_from(count)
        .unwrap_or(usize::MAX)
        .div_ceil(KEYS_PER_PAGE);
    let expected = pages.saturating_mul(Digest::WIDTH);
    // Looked at before anything is reserved: the count is the sender's word.
    if input.remaining() != expected {
        return Err(CodecError::Width {
            got: input.remaining(),
            expected,
        });
    }
    (0..pages).map(|_| input.value()).collect()
}
