//! What an operator says about one machine and window, and the receipt that says PASS.

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::hash::{sha256, tag};
use quorate_canon::{CodecError, Digest, Domain, HealthEpoch};

use crate::range::ensure;
use crate::{Subject, Window};

/// The version of the messages' bytes.
pub(crate) const WORD_VERSION: u32 = 1;
/// What a receipt begins with.
const RECEIPT: &str = "quorate/receipt/v1";

/// Which network a word belongs to: the domain of its headers.
pub type Network = Domain;

/// What a word is about: one network, subject, health epoch and window. An operator says one word
/// about a place, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The network.
    pub network: Network,
    /// The subject.
    pub subject: Subject,
    /// The health epoch.
    pub epoch: HealthEpoch,
    /// The window.
    pub window: Window,
}

impl FixedWidth for Place {
    const WIDTH: usize = 75;

    fn write(&self, out: &mut Writer) {
        out.value(&self.network);
        out.value(&self.subject);
        out.value(&self.epoch);
        out.value(&self.window);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            network: input.value()?,
            subject: input.value()?,
            epoch: input.value()?,
            window: input.value()?,
        })
    }
}

/// "I probed it there, and it passed"; 128 bytes. The provider keeps it. All members say it in the same
/// bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Receipt(pub Place);

impl Receipt {
    /// What an operator signs, as it signs a vote: SHA-256 of the 128 bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        sha256(&[&self.to_bytes()])
    }
}

impl FixedWidth for Receipt {
    const WIDTH: usize = 128;

    fn write(&self, out: &mut Writer) {
        out.put(&tag(RECEIPT));
        out.value(&WORD_VERSION);
        out.value(&self.0);
        out.spare(17);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        read_beginning(input, RECEIPT)?;
        let place = input.value()?;
        input.spare(17)?;
        Ok(Self(place))
    }
}

/// The tag and the version with which receipts and lists begin.
pub(crate) fn read_beginning(
    input: &mut Reader<'_>,
    expected: &'static str,
) -> Result<(), CodecError> {
    let found: [u8; 32] = input.take()?;
    ensure(found == tag(expected), "tag", 0_u64, expected)?;
    let version: u32 = input.value()?;
    ensure(version == WORD_VERSION, "version", version, "1")
}
