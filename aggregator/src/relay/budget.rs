//! What may be spent in a day. It is written down before it is spent, so that no restart and no crash
//! makes the day's budget anew.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use alloy::primitives::U256;
use serde::{Deserialize, Serialize};

const DAY: u64 = 86_400;

/// The day's budget.
#[derive(Debug)]
pub struct Budget {
    file: PathBuf,
    per_day: U256,
    spent: Mutex<Spent>,
}

/// What was spent on a day, with what is set aside for calls under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Spent {
    /// Days since 1970, UTC.
    day: u64,
    wei: U256,
}

/// Wei that are set aside. Dropped without [`Budget::settle`], they count as spent.
#[derive(Debug)]
#[must_use]
pub struct Aside {
    day: u64,
    wei: U256,
}

/// Why nothing was set aside.
#[derive(Debug, PartialEq, Eq)]
pub enum Lack {
    /// Too little is left; there is more after so many seconds.
    Exhausted(u64),
    /// The file could not be written.
    File(String),
}

impl Budget {
    /// The budget that is kept in a file.
    ///
    /// # Errors
    /// If the file is there and cannot be read: what was spent today is not known then.
    pub fn open(file: &Path, per_day: U256) -> Result<Self, String> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let spent = match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| named(&error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Spent::default(),
            Err(error) => return Err(named(&error)),
        };
        Ok(Self {
            file: file.to_owned(),
            per_day,
            spent: Mutex::new(spent),
        })
    }

    /// Sets wei aside at second `now`.
    ///
    /// # Errors
    /// [`Lack`].
    pub fn set_aside(&self, wei: U256, now: u64) -> Result<Aside, Lack> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let today = of_today(*spent, now);
        let total = today.wei.saturating_add(wei);
        if total > self.per_day {
            return Err(Lack::Exhausted(DAY - now % DAY));
        }
        let day = today.day;
        self.write(&mut spent, Spent { day, wei: total })
            .map_err(Lack::File)?;
        Ok(Aside { day, wei })
    }

    /// Puts what was paid in place of what was set aside; `None` where that is not known.
    ///
    /// # Errors
    /// If the file could not be written: the day's count is too high then, never too low.
    pub fn settle(&self, aside: Aside, paid: Option<U256>) -> Result<(), String> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(paid) = paid.filter(|_| spent.day == aside.day) else {
            return Ok(());
        };
        let wei = spent.wei.saturating_sub(aside.wei).saturating_add(paid);
        let day = spent.day;
        self.write(&mut spent, Spent { day, wei })
    }

    /// What was spent and set aside on the day of second `now`.
    #[must_use]
    pub fn spent(&self, now: u64) -> U256 {
        of_today(
            *self.spent.lock().unwrap_or_else(PoisonError::into_inner),
            now,
        )
        .wei
    }

    /// What may be spent in a day.
    #[must_use]
    pub const fn per_day(&self) -> U256 {
        self.per_day
    }

    /// Written whole and put in place: a crash leaves the one or the other.
    fn write(&self, spent: &mut Spent, next: Spent) -> Result<(), String> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", self.file.display());
        let text = serde_json::to_vec(&next).map_err(|error| named(&error))?;
        let part = self.file.with_extension("part");
        let put = || {
            let mut file = std::fs::File::create(&part)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&part, &self.file)
        };
        put().map_err(|error| named(&error))?;
        *spent = next;
        Ok(())
    }
}

/// A day that lies before the one that is counted, by a clock that was set back, is no new one.
fn of_today(spent: Spent, now: u64) -> Spent {
    let day = now / DAY;
    if day <= spent.day {
        return spent;
    }
    Spent {
        day,
        wei: U256::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_000 * DAY + DAY / 2;

    fn wei(wei: u64) -> U256 {
        U256::from(wei)
    }

    fn budget(folder: &tempfile::TempDir) -> Budget {
        Budget::open(&folder.path().join("relay.json"), wei(100)).unwrap()
    }

    #[test]
    fn a_day_s_budget_is_not_passed_and_the_next_day_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let budget = budget(&folder);
        let first = budget.set_aside(wei(70), NOON).unwrap();
        assert_eq!(
            budget.set_aside(wei(31), NOON).unwrap_err(),
            Lack::Exhausted(DAY / 2)
        );
        budget.settle(first, Some(wei(69))).unwrap();
        let second = budget.set_aside(wei(31), NOON).unwrap();
        assert_eq!(budget.spent(NOON), wei(100));
        drop(second);
        assert_eq!(budget.spent(NOON + DAY), wei(0));
        assert!(budget.set_aside(wei(100), NOON + DAY).is_ok());
    }

    #[test]
    fn what_is_not_known_counts_as_spent() {
        let folder = tempfile::tempdir().unwrap();
        let budget = budget(&folder);
        let aside = budget.set_aside(wei(60), NOON).unwrap();
        budget.settle(aside, None).unwrap();
        assert_eq!(budget.spent(NOON), wei(60));
    }

    #[test]
    fn a_restart_and_a_clock_that_is_set_back_forget_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(budget(&folder).set_aside(wei(60), NOON).unwrap());
        let again = budget(&folder);
        assert_eq!(again.spent(NOON), wei(60));
        assert!(again.set_aside(wei(41), NOON - DAY).is_err());
    }

    #[test]
    fn what_was_set_aside_yesterday_is_not_taken_off_today() {
        let folder = tempfile::tempdir().unwrap();
        let budget = budget(&folder);
        let yesterday = budget.set_aside(wei(60), NOON).unwrap();
        drop(budget.set_aside(wei(50), NOON + DAY).unwrap());
        budget.settle(yesterday, Some(wei(0))).unwrap();
        assert_eq!(budget.spent(NOON + DAY), wei(50));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_no_new_day() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.json");
        std::fs::write(&file, "{").unwrap();
        assert!(
            Budget::open(&file, wei(1))
                .unwrap_err()
                .contains("relay.json")
        );
    }

    #[test]
    fn nothing_is_spent_that_is_not_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let budget = budget(&folder);
        drop(folder);
        assert!(matches!(budget.set_aside(wei(1), NOON), Err(Lack::File(_))));
        assert_eq!(budget.spent(NOON), wei(0));
    }
}
