//! What is counted.

/// What came of machines with one fault. Verdicts are those of operators that do not lie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) epochs: u64,
    pub(crate) windows: u64,
    pub(crate) verdicts: u64,
    pub(crate) fails: u64,
    pub(crate) unknowns: u64,
    /// FAILs for silence because packets were lost.
    pub(crate) lost: u64,
    pub(crate) false_fails: u64,
    pub(crate) false_passes: u64,
    pub(crate) false_unknowns: u64,
    /// Windows that were certified.
    pub(crate) down: u64,
    /// Windows that had to be.
    pub(crate) due: u64,
    pub(crate) false_downs: u64,
    /// Windows that had to be and were not.
    pub(crate) missed: u64,
    /// Outages with a window that has to be DOWN, and those of them with one that was not certified.
    pub(crate) outages: u64,
    pub(crate) missed_outages: u64,
    /// Receipts of operators that do not lie against lists that they signed.
    pub(crate) slashable: u64,
}

impl Counts {
    /// Whether nothing was false or missed.
    pub(crate) const fn is_right(&self) -> bool {
        self.false_fails == 0
            && self.false_passes == 0
            && self.false_unknowns == 0
            && self.false_downs == 0
            && self.missed == 0
            && self.missed_outages == 0
            && self.slashable == 0
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.epochs, other.epochs),
            (&mut self.windows, other.windows),
            (&mut self.verdicts, other.verdicts),
            (&mut self.fails, other.fails),
            (&mut self.unknowns, other.unknowns),
            (&mut self.lost, other.lost),
            (&mut self.false_fails, other.false_fails),
            (&mut self.false_passes, other.false_passes),
            (&mut self.false_unknowns, other.false_unknowns),
            (&mut self.down, other.down),
            (&mut self.due, other.due),
            (&mut self.false_downs, other.false_downs),
            (&mut self.missed, other.missed),
            (&mut self.outages, other.outages),
            (&mut self.missed_outages, other.missed_outages),
            (&mut self.slashable, other.slashable),
        ];
        for (sum, more) in sums {
            *sum += more;
        }
    }
}
