//! Which operators signed (docs/formats.md, section 9).

use quorate_canon::OperatorIndex;

use crate::ProtocolError;

/// A set of operator indices below a table's count. Index i is bit `i mod 8`, least significant
/// first, of byte `i div 8`; there is exactly one form of each set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bitmap {
    bytes: Vec<u8>,
    count: u32,
}

impl Bitmap {
    /// The empty set of a table of `count` indices.
    #[must_use]
    pub fn empty(count: u32) -> Self {
        Self {
            bytes: vec![0; byte_count(count)],
            count,
        }
    }

    /// Reads the form for a table of `count` indices.
    ///
    /// # Errors
    /// [`ProtocolError::BitmapLength`], [`ProtocolError::BitmapTail`].
    pub fn from_bytes(bytes: &[u8], count: u32) -> Result<Self, ProtocolError> {
        let expected = byte_count(count);
        if bytes.len() != expected {
            return Err(ProtocolError::BitmapLength {
                got: bytes.len(),
                expected,
            });
        }
        // With a multiple of eight the last byte has no tail, and the shift by 8 leaves nothing.
        let used = match count % 8 {
            0 => 8,
            bits => bits,
        };
        let tail = bytes
            .last()
            .and_then(|last| last.checked_shr(used))
            .unwrap_or(0);
        if tail != 0 {
            return Err(ProtocolError::BitmapTail { count });
        }
        Ok(Self {
            bytes: bytes.to_vec(),
            count,
        })
    }

    /// The form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// Indices of the table, in the set or not.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Whether an index is in the set.
    #[must_use]
    pub fn contains(&self, index: OperatorIndex) -> bool {
        let (byte, bit) = place(index);
        self.bytes.get(byte).is_some_and(|byte| byte & bit != 0)
    }

    /// Adds an index and says whether it is new to the set.
    ///
    /// # Errors
    /// [`ProtocolError::UnknownOperator`] beyond the table.
    pub fn insert(&mut self, index: OperatorIndex) -> Result<bool, ProtocolError> {
        let unknown = ProtocolError::UnknownOperator {
            got: index,
            count: self.count,
        };
        if index.get() >= self.count {
            return Err(unknown);
        }
        let (byte, bit) = place(index);
        let byte = self.bytes.get_mut(byte).ok_or(unknown)?;
        let new = *byte & bit == 0;
        *byte |= bit;
        Ok(new)
    }

    /// The indices in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = OperatorIndex> + '_ {
        (0..self.count)
            .map(OperatorIndex::new)
            .filter(|index| self.contains(*index))
    }

    /// How many indices are in the set.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.bytes
            .iter()
            .fold(0, |sum: u32, byte| sum.saturating_add(byte.count_ones()))
    }

    /// Whether nobody is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn byte_count(count: u32) -> usize {
    // A table is bounded far below what a 32-bit address space holds.
    usize::try_from(count.div_ceil(8)).unwrap_or(usize::MAX)
}

fn place(index: OperatorIndex) -> (usize, u8) {
    let byte = usize::try_from(index.get() >> 3).unwrap_or(usize::MAX);
    (byte, 1 << (index.get() & 7))
}
