//! Choices from a number.

/// `SplitMix64`: the same number makes the same choices everywhere.
pub(super) struct Draw(u64);

impl Draw {
    pub(super) const fn new(number: u64) -> Self {
        Self(number)
    }

    pub(super) const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 to `sides - 1`; 0 of nothing.
    pub(super) fn below(&mut self, sides: usize) -> usize {
        let sides = u64::try_from(sides).unwrap_or(u64::MAX);
        let rolled = self.roll().checked_rem(sides).unwrap_or(0);
        usize::try_from(rolled).unwrap_or(0)
    }

    /// One of the items.
    pub(super) fn one_of<'t, T>(&mut self, items: &'t [T]) -> Option<&'t T> {
        let at = self.below(items.len());
        items.get(at)
    }

    /// The items, from a drawn one on and round again.
    pub(super) fn around<'t, T>(
        &mut self,
        items: &'t [T],
    ) -> impl Iterator<Item = &'t T> + use<'t, T> {
        let at = self.below(items.len());
        items.iter().cycle().skip(at).take(items.len())
    }
}
