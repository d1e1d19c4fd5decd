//! Windows: the pieces of a health epoch.

use std::fmt;

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{CodecError, HealthEpoch, Timestamp};

use crate::HealthError;

/// The number of a window within its health epoch, from 0.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window(pub u16);

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FixedWidth for Window {
    const WIDTH: usize = 2;

    fn write(&self, out: &mut Writer) {
        out.value(&self.0);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        input.value().map(Self)
    }
}

/// The clock of health: `genesis` and the epoch's length never change; the number of windows is that
/// of the policy in force when the epoch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WindowClock {
    /// Second 0 of health epoch 0.
    pub genesis: Timestamp,
    /// Seconds of a health epoch, at least 1.
    pub epoch_seconds: u32,
    /// Windows of a health epoch, at least 1.
    pub windows: u16,
}

impl WindowClock {
    /// The health epoch and window of a time: window `w` holds the seconds `s` of its epoch with
    /// `w = s x windows div epoch_seconds`. Before genesis it is the very first.
    ///
    /// # Errors
    /// If the clock has no seconds or no windows, or the epoch does not fit in 32 bits.
    pub fn at(&self, time: Timestamp) -> Result<(HealthEpoch, Window), HealthError> {
        let (seconds, windows) = self.checked()?;
        let elapsed = time.get().saturating_sub(self.genesis.get());
        let epoch = elapsed.checked_div(seconds).unwrap_or(0);
        let within = elapsed.checked_rem(seconds).unwrap_or(0);
        let window = within
            .saturating_mul(windows)
            .checked_div(seconds)
            .unwrap_or(0);
        Ok((
            u32::try_from(epoch)
                .map(HealthEpoch::new)
                .map_err(|_| HealthError::TooLarge {
                    what: "health epoch",
                })?,
            Window(u16::try_from(window).map_err(|_| HealthError::TooLarge { what: "window" })?),
        ))
    }

    /// The first second of a window, and the first second after it. A window of an epoch with more
    /// windows than seconds may hold none.
    ///
    /// # Errors
    /// If the epoch has no such window, the clock is empty, or the time does not fit.
    pub fn span(
        &self,
        epoch: HealthEpoch,
        window: Window,
    ) -> Result<(Timestamp, Timestamp), HealthError> {
        let (seconds, windows) = self.checked()?;
        if window.0 >= self.windows {
            return Err(HealthError::NoSuchWindow {
                got: window.0,
                windows: self.windows,
            });
        }
        let start = u64::from(epoch.get())
            .checked_mul(seconds)
            .and_then(|past| past.checked_add(self.genesis.get()))
            .ok_or(HealthError::TooLarge { what: "time" })?;
        // The first s with s x windows >= w x seconds; both factors are below 2^32.
        let offset = |window: u64| window.saturating_mul(seconds).div_ceil(windows);
        let time = |window: u64| {
            start
                .checked_add(offset(window))
                .map(Timestamp::new)
                .ok_or(HealthError::TooLarge { what: "time" })
        };
        let window = u64::from(window.0);
        Ok((time(window)?, time(window.saturating_add(1))?))
    }

    fn checked(&self) -> Result<(u64, u64), HealthError> {
        if self.epoch_seconds == 0 {
            return Err(HealthError::Zero {
                what: "health epoch",
            });
        }
        if self.windows == 0 {
            return Err(HealthError::Zero { what: "windows" });
        }
        Ok((self.epoch_seconds.into(), self.windows.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clock(epoch_seconds: u32, windows: u16) -> WindowClock {
        WindowClock {
            genesis: Timestamp::new(1_000_000),
            epoch_seconds,
            windows,
        }
    }

    proptest! {
        /// The two directions are one rule: each second lies in the span of its own window.
        #[test]
        fn a_time_lies_in_its_window(seconds in 1_u32..200_000, windows in 1_u16.., after in 0_u64..10_000_000) {
            let clock = clock(seconds, windows);
            let time = Timestamp::new(1_000_000 + after);
            let (epoch, window) = clock.at(time).unwrap();
            let (from, until) = clock.span(epoch, window).unwrap();
            prop_assert!(from <= time && time < until, "{from:?} {time:?} {until:?}");
        }

        #[test]
        fn windows_follow_one_another_without_gap(seconds in 1_u32..200_000, windows in 1_u16..500) {
            let clock = clock(seconds, windows);
            let epoch = HealthEpoch::new(7);
            let mut end = 1_000_000 + 7 * u64::from(seconds);
            for window in 0..windows {
                let (from, until) = clock.span(epoch, Window(window)).unwrap();
                prop_assert_eq!(from.get(), end);
                end = until.get();
            }
            prop_assert_eq!(end, 1_000_000 + 8 * u64::from(seconds));
        }
    }

    #[test]
    fn before_genesis_it_is_the_first_window() {
        let start = (HealthEpoch::new(0), Window(0));
        assert_eq!(clock(600, 2).at(Timestamp::new(5)), Ok(start));
    }

    #[test]
    fn what_does_not_exist_is_an_error() {
        let epoch = HealthEpoch::new(0);
        assert_eq!(
            clock(600, 2).span(epoch, Window(2)),
            Err(HealthError::NoSuchWindow { got: 2, windows: 2 })
        );
        assert!(clock(0, 2).at(Timestamp::new(0)).is_err());
        assert!(clock(600, 0).span(epoch, Window(0)).is_err());
        assert!(clock(1, 1).at(Timestamp::new(u64::MAX)).is_err());
    }
}
