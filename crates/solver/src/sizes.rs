//! The numbers of GPUs that requests ask for, and which of them share a shelf.

/// Shelves of a profile at most.
const MOST: usize = 8;

/// Which shelf a number of GPUs looks at.
#[derive(Debug)]
pub(crate) struct Sizes {
    /// By number of GPUs.
    shelf: [u8; 256],
    /// By shelf: the smallest number of GPUs on it.
    least: Vec<u8>,
    /// Whether several numbers look at the last shelf.
    shared: bool,
}

impl Sizes {
    /// Of the numbers that occur, at least 1 each. The smallest have shelves of their own.
    pub(crate) fn new(occurring: &[u8]) -> Self {
        let mut shelf = [0; 256];
        for (at, gpus) in occurring.iter().enumerate() {
            shelf[usize::from(*gpus)] = at.min(MOST - 1) as u8;
        }
        Self {
            shelf,
            least: occurring.iter().take(MOST).copied().collect(),
            shared: occurring.len() > MOST,
        }
    }

    /// Shelves of a profile.
    pub(crate) const fn shelves(&self) -> usize {
        self.least.len()
    }

    /// The smallest number of GPUs on a shelf.
    pub(crate) fn least(&self, shelf: usize) -> u8 {
        self.least[shelf]
    }

    /// Whether several numbers look at the shelf.
    pub(crate) const fn is_shared(&self, shelf: usize) -> bool {
        self.shared && shelf + 1 == self.least.len()
    }

    /// The shelf among all, those of a profile in a row.
    pub(crate) fn place(&self, profile: usize, gpus: u8) -> usize {
        profile * self.least.len() + usize::from(self.shelf[usize::from(gpus)])
    }
}
