//! Eight machines side by side, as wide registers read them.

/// Machines of one block.
pub(crate) const LANES: usize = 8;

/// Eight slots in three cache lines. A slot without a machine has nothing left.
#[derive(Debug, Default, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Block {
    /// What the offer alone adds to a score; does not rise from slot to slot of a group.
    pub(crate) part: [u32; LANES],
    pub(crate) ask: [u32; LANES],
    pub(crate) uptime: [u16; LANES],
    /// GPUs left; 0 where not even the smallest request fits.
    pub(crate) left: [u8; LANES],
    /// The machine.
    pub(crate) machine: [u32; LANES],
    /// The offers' keys in the lottery: last, because most blocks are left before they are read.
    pub(crate) key: [u64; LANES],
}

/// One slot, to be moved about.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) key: u64,
    pub(crate) part: u32,
    pub(crate) ask: u32,
    pub(crate) machine: u32,
    pub(crate) uptime: u16,
    pub(crate) left: u8,
}

impl Block {
    pub(crate) const fn get(&self, lane: usize) -> Slot {
        Slot {
            key: self.key[lane],
            part: self.part[lane],
            ask: self.ask[lane],
            machine: self.machine[lane],
            uptime: self.uptime[lane],
            left: self.left[lane],
        }
    }

    /// The first slot, from a lane on, with more than `size` GPUs left; `size` is below 128.
    pub(crate) const fn seek(&self, lane: usize, size: usize) -> Option<usize> {
        const ONES: u64 = u64::MAX / 0xff;
        const HIGH: u64 = ONES << 7;
        let left = u64::from_le_bytes(self.left);
        // Byte by byte: the highest bit says whether the byte is above the size. No byte carries.
        let above = ((left & !HIGH) + ONES * (0x7f - size as u64)) | left;
        let found = above & HIGH & u64::MAX << (lane * 8);
        if found == 0 {
            None
        } else {
            Some(found.trailing_zeros() as usize / 8)
        }
    }

    pub(crate) const fn set(&mut self, lane: usize, slot: &Slot) {
        self.key[lane] = slot.key;
        self.part[lane] = slot.part;
        self.ask[lane] = slot.ask;
        self.machine[lane] = slot.machine;
        self.uptime[lane] = slot.uptime;
        self.left[lane] = slot.left;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn seeking_finds_the_first_lane_with_more_left(
            left: [u8; LANES], lane in 0..LANES, size in 0_usize..128,
        ) {
            let block = Block { left, ..Block::default() };
            let expected = (lane..LANES).find(|lane| usize::from(left[*lane]) > size);
            prop_assert_eq!(block.seek(lane, size), expected);
        }
    }
}
