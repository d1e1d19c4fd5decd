//! Fixed-width, big-endian encoding: a record has one width, one encoding and no second way in.
//!
//! Reading is exact. Bytes that are too few, too many, set where the format says `spare`, or outside
//! a field's range are errors, so that `from_bytes(to_bytes(x)) == x` and
//! `to_bytes(from_bytes(b)) == b` both hold wherever they are defined, and a record has one hash.

use thiserror::Error;

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CodecError {
    /// The input as a whole has the wrong length.
    #[error("wrong width: got {got} bytes, expected {expected}")]
    Width {
        /// Bytes that were given.
        got: usize,
        /// Bytes that the record takes.
        expected: usize,
    },
    /// The input ended inside a field.
    #[error("input ends at byte {at}: got {got} bytes more, expected {expected}")]
    Short {
        /// Offset of the field.
        at: usize,
        /// Bytes that were left.
        got: usize,
        /// Bytes that the field takes.
        expected: usize,
    },
    /// A spare byte is not zero.
    #[error("spare byte at {at}: got {got}, expected 0")]
    Spare {
        /// Offset of the byte.
        at: usize,
        /// What stood there.
        got: u8,
    },
    /// A field holds a value that the format excludes.
    #[error("field {field}: got {got}, expected {expected}")]
    Range {
        /// The field's name in the format.
        field: &'static str,
        /// What stood there; 0 for a mask without a bit.
        got: u64,
        /// What the format allows, in words.
        expected: &'static str,
    },
}

/// A type that always encodes to the same number of bytes.
pub trait FixedWidth: Sized {
    /// The number of bytes.
    const WIDTH: usize;

    /// Appends exactly `WIDTH` bytes.
    fn write(&self, out: &mut Writer);

    /// Reads exactly `WIDTH` bytes.
    ///
    /// # Errors
    /// Where the bytes end early or break the format.
    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError>;

    /// The encoding as a vector of its own.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(Self::WIDTH);
        self.write(&mut out);
        out.into_bytes()
    }

    /// Decodes `bytes`, all of them.
    ///
    /// # Errors
    /// As [`FixedWidth::read`], and where the length is not `WIDTH`.
    fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() != Self::WIDTH {
            return Err(CodecError::Width {
                got: bytes.len(),
                expected: Self::WIDTH,
            });
        }
        Self::read(&mut Reader::new(bytes))
    }
}

/// Collects an encoding.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty writer with room for `width` bytes.
    #[must_use]
    pub fn with_capacity(width: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(width),
        }
    }

    /// Appends bytes as they are.
    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a value in its own encoding.
    pub fn value<T: FixedWidth>(&mut self, value: &T) {
        value.write(self);
    }

    /// Appends `count` zero bytes.
    pub fn spare(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len().saturating_add(count), 0);
    }

    /// Empties the writer and keeps its memory, for the next record.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// What was written so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Walks over an encoding.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            offset: 0,
        }
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// If fewer are left.
    pub fn slice(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(CodecError::Short {
            at: self.offset,
            got: self.rest.len(),
            expected: count,
        })?;
        self.rest = rest;
        self.offset = self.offset.saturating_add(count);
        Ok(head)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// If fewer are left.
    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(CodecError::Short {
                at: self.offset,
                got: self.rest.len(),
                expected: N,
            })?;
        self.rest = rest;
        self.offset = self.offset.saturating_add(N);
        Ok(*head)
    }

    /// The next value in its own encoding.
    ///
    /// # Errors
    /// As [`FixedWidth::read`] of that type.
    pub fn value<T: FixedWidth>(&mut self) -> Result<T, CodecError> {
        T::read(self)
    }

    /// Passes over `count` bytes that have to be zero.
    ///
    /// # Errors
    /// If fewer are left, or at the first that is not zero.
    pub fn spare(&mut self, count: usize) -> Result<(), CodecError> {
        let start = self.offset;
        let bytes = self.slice(count)?;
        match bytes.iter().enumerate().find(|(_, byte)| **byte != 0) {
            None => Ok(()),
            Some((i, byte)) => Err(CodecError::Spare {
                at: start.saturating_add(i),
                got: *byte,
            }),
        }
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// If bytes are left.
    pub fn finish(self) -> Result<(), CodecError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(CodecError::Width {
            got: self.offset.saturating_add(self.rest.len()),
            expected: self.offset,
        })
    }
}

macro_rules! integers {
    ($($int:ident: $width:literal),*) => {$(
        impl FixedWidth for $int {
            const WIDTH: usize = $width;

            fn write(&self, out: &mut Writer) {
                out.put(&self.to_be_bytes());
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
                input.take().map(Self::from_be_bytes)
            }
        }
    )*};
}

integers!(u8: 1, u16: 2, u32: 4, u64: 8, u128: 16);

/// The values one after another.
impl<T: FixedWidth + Copy + Default, const N: usize> FixedWidth for [T; N] {
    const WIDTH: usize = T::WIDTH.saturating_mul(N);

    fn write(&self, out: &mut Writer) {
        for value in self {
            value.write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut values = [T::default(); N];
        for value in &mut values {
            *value = T::read(input)?;
        }
        Ok(values)
    }
}
