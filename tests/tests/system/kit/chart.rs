//! Clocks of the scenarios, and how long they are patient.

use std::time::Duration;

use devnet::deploy::Clock;

/// How long anything is waited for. Far more than it takes: a machine may be busy.
pub(crate) const LONG: Duration = Duration::from_secs(90);

/// The devnet's clock with shorter waits: a round that fails costs 12 seconds, windows last 6.
pub(crate) fn brisk(clock: Clock) -> Clock {
    Clock {
        settle_timeout: 10,
        table_lead: 2,
        challenge_window: 4,
        reveal_window: 2,
        forced_inclusion: 2,
        ..clock
    }
}

/// The same with more time between beacon and deadline, for what is held back meanwhile.
pub(crate) fn patient(clock: Clock) -> Clock {
    Clock {
        settle_timeout: 12,
        ..brisk(clock)
    }
}

/// The same with stake epochs of twelve rounds.
pub(crate) fn short_epochs(clock: Clock) -> Clock {
    Clock {
        stake_epoch: 24,
        table_window: 8,
        ..brisk(clock)
    }
}
