//! Operators' work of a stake epoch that is over, shown on L2, told to L1 and paid there
//! (docs/formats.md, section 15): the sample is drawn, whoever signed is shown with signatures that
//! are here, and after the time for that the epoch is counted. Nothing here is believed: the
//! contract verifies every sum. What one aggregator keeps back another one shows.

mod clerk;
mod intake;
mod payday;
mod sheet;
mod show;
mod sum;

pub use clerk::{Clerk, Desks};
pub use intake::{Intake, Overview};
pub use sheet::{Probe, Sheet};

/// Which contracts about operators' work are configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// `Tally` on L2: without it nothing is drawn, shown or told.
    pub tally: bool,
    /// `Attendance` on L2: without it signers of rounds are not shown.
    pub attendance: bool,
    /// `Rewards` on L1: without it nobody is paid or ejected from here.
    pub rewards: bool,
}

impl Work {
    /// Whether votes are kept after their round is over.
    #[must_use]
    pub const fn keeps_signers(&self) -> bool {
        self.tally && self.attendance
    }
}
