//! Numbers from 0 to 255 that occur, as bits of one word.

use quorate_canon::Mask256;

/// Numbers from 0 to 255 that occur, ascending; the i-th is bit i modulo 64 of a word.
#[derive(Debug)]
pub(crate) struct Bits {
    occurring: Vec<u8>,
}

impl Bits {
    pub(crate) fn new(numbers: impl Iterator<Item = u8>) -> Self {
        let mut seen = [false; 256];
        for number in numbers {
            seen[usize::from(number)] = true;
        }
        let occurring = (0..=u8::MAX).filter(|n| seen[usize::from(*n)]).collect();
        Self { occurring }
    }

    /// The numbers.
    pub(crate) fn numbers(&self) -> &[u8] {
        &self.occurring
    }

    /// Whether a bit stands for one number only.
    pub(crate) const fn exact(&self) -> bool {
        self.occurring.len() <= 64
    }

    /// Where the number stands among those that occur.
    pub(crate) fn place(&self, number: u8) -> Option<usize> {
        self.occurring.binary_search(&number).ok()
    }

    /// The bits of those that the mask holds; others may share them where the bits are not exact.
    pub(crate) fn bits_of(&self, mask: &Mask256) -> u64 {
        if *mask == Mask256::ALL {
            return u64::MAX;
        }
        let all = self.occurring.iter().enumerate();
        all.filter(|(_, number)| mask.bit(**number))
            .fold(0, |bits, (at, _)| bits | 1 << (at % 64))
    }
}
