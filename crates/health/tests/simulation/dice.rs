//! Numbers that look drawn and are always the same (SplitMix64).

pub(super) struct Dice(u64);

impl Dice {
    /// Of a seed and what they are for.
    pub(super) fn of(parts: &[u64]) -> Self {
        let mut dice = Self(0x9e37_79b9_7f4a_7c15);
        for part in parts {
            dice.0 = dice.roll() ^ part;
        }
        dice
    }

    pub(super) const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// At least `from`, below `until`.
    pub(super) const fn between(&mut self, from: u64, until: u64) -> u64 {
        from + self.roll() % (until - from)
    }

    /// Below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.between(0, end as u64)).unwrap_or(0)
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// True so many times in ten thousand.
    pub(super) const fn happens(&mut self, of_10_000: u64) -> bool {
        self.between(0, 10_000) < of_10_000
    }
}
