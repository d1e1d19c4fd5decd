//! Eight machines side by side, as wide registers read them.

/// Machines of one block.
pub(crate) const LANES: usize = 8;

/// Stands for a machine in slots without a machine.
pub(crate) const NOBODY: u32 = u32::MAX;

/// Eight slots in three cache lines.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Block {
    /// What the machine adds to a score; does not rise from slot to slot of a cell.
    pub(crate) part: [u32; LANES],
    pub(crate) ask: [u32; LANES],
    pub(crate) uptime: [u16; LANES],
    /// The machine, or [`NOBODY`].
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
}

impl Default for Block {
    fn default() -> Self {
        Self {
            part: [0; LANES],
            ask: [0; LANES],
            uptime: [0; LANES],
            machine: [NOBODY; LANES],
            key: [0; LANES],
        }
    }
}

impl Block {
    pub(crate) const fn get(&self, lane: usize) -> Slot {
        Slot {
            key: self.key[lane],
            part: self.part[lane],
            ask: self.ask[lane],
            machine: self.machine[lane],
            uptime: self.uptime[lane],
        }
    }

    pub(crate) const fn set(&mut self, lane: usize, slot: &Slot) {
        self.key[lane] = slot.key;
        self.part[lane] = slot.part;
        self.ask[lane] = slot.ask;
        self.machine[lane] = slot.machine;
        self.uptime[lane] = slot.uptime;
    }
}
