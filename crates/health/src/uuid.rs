//! A card's own number, as the driver tells it.

use std::fmt;
use std::str::FromStr;

use quorate_canon::CodecError;
use quorate_canon::codec::{FixedWidth, Reader, Writer};
use thiserror::Error;

/// The UUID of one whole GPU; 16 bytes, printed as the driver prints it (`GPU-8-4-4-4-12`).
///
/// A card is registered once over the whole market. That stops the lazy, not the liar: the number
/// comes from the host.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GpuUuid(pub [u8; 16]);

/// Why a text is no UUID of a GPU.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("gpu uuid: got {got:?}, expected GPU- and 8-4-4-4-12 hexadecimal digits")]
pub struct UuidError {
    /// The text.
    pub got: String,
}

/// Lengths of the groups of digits.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

impl fmt::Display for GpuUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GPU")?;
        let mut bytes = self.0.iter();
        for digits in GROUPS {
            f.write_str("-")?;
            for byte in bytes.by_ref().take(digits / 2) {
                write!(f, "{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for GpuUuid {
    type Err = UuidError;

    fn from_str(text: &str) -> Result<Self, UuidError> {
        parse(text).ok_or_else(|| UuidError {
            got: text.chars().take(64).collect(),
        })
    }
}

fn parse(text: &str) -> Option<GpuUuid> {
    let mut groups = text.strip_prefix("GPU-")?.split('-');
    let mut uuid = [0; 16];
    let mut slots = uuid.iter_mut();
    for digits in GROUPS {
        let group = groups.next().filter(|group| group.len() == digits)?;
        for pair in group.as_bytes().chunks_exact(2) {
            let [high, low] = pair else { return None };
            *slots.next()? = (nibble(*high)? << 4) | nibble(*low)?;
        }
    }
    groups.next().is_none().then_some(GpuUuid(uuid))
}

/// The value of a hexadecimal digit.
fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

impl FixedWidth for GpuUuid {
    const WIDTH: usize = 16;

    fn write(&self, out: &mut Writer) {
        out.put(&self.0);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        input.take().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_uuid_survives_its_text(bytes: [u8; 16]) {
            let uuid = GpuUuid(bytes);
            prop_assert_eq!(uuid.to_string().parse(), Ok(uuid));
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = text.parse::<GpuUuid>();
        }
    }

    #[test]
    fn the_text_is_the_drivers() {
        let text = "GPU-b850f46d-d5ea-c752-ddf3-c4453e44d3f7";
        let uuid: GpuUuid = text.parse().unwrap();
        assert_eq!(uuid.0[..5], [0xb8, 0x50, 0xf4, 0x6d, 0xd5]);
        assert_eq!(uuid.to_string(), text);
    }

    #[test]
    fn a_slice_of_a_card_is_no_card() {
        for text in [
            "MIG-b850f46d-d5ea-c752-ddf3-c4453e44d3f7",
            "GPU-b850f46d-d5ea-c752-ddf3-c4453e44d3f",
            "GPU-b850f46d-d5ea-c752-ddf3-c4453e44d3f7-00",
            "GPU-b850f46dd-5ea-c752-ddf3-c4453e44d3f7",
            "GPU-+850f46d-d5ea-c752-ddf3-c4453e44d3f7",
        ] {
            assert!(text.parse::<GpuUuid>().is_err(), "{text}");
        }
    }
}
