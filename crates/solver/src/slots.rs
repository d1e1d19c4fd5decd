//! The machines of all groups for one profile, in columns that wide registers read.

/// How far a wide load may reach beyond a group's end.
pub(crate) const OVERHANG: usize = 8;

/// Columns by slot. Within a group the slots stand by `part`, largest first.
#[derive(Debug, Default, Clone)]
pub(crate) struct Slots {
    pub(crate) key: Vec<u64>,
    pub(crate) part: Vec<u32>,
    pub(crate) ask: Vec<u32>,
    pub(crate) uptime: Vec<u32>,
    /// GPUs left.
    pub(crate) left: Vec<u32>,
    pub(crate) offer: Vec<u32>,
}

/// One row, to be moved about.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) key: u64,
    pub(crate) part: u32,
    pub(crate) ask: u32,
    pub(crate) uptime: u32,
    pub(crate) left: u32,
    pub(crate) offer: u32,
}

impl Slots {
    pub(crate) fn push(&mut self, slot: Slot) {
        self.key.push(slot.key);
        self.part.push(slot.part);
        self.ask.push(slot.ask);
        self.uptime.push(slot.uptime);
        self.left.push(slot.left);
        self.offer.push(slot.offer);
    }

    pub(crate) fn get(&self, at: usize) -> Slot {
        Slot {
            key: self.key[at],
            part: self.part[at],
            ask: self.ask[at],
            uptime: self.uptime[at],
            left: self.left[at],
            offer: self.offer[at],
        }
    }

    pub(crate) fn set(&mut self, at: usize, slot: Slot) {
        self.key[at] = slot.key;
        self.part[at] = slot.part;
        self.ask[at] = slot.ask;
        self.uptime[at] = slot.uptime;
        self.left[at] = slot.left;
        self.offer[at] = slot.offer;
    }
}
