//! What one operator calls DOWN in one health epoch, and whether a list says no more than that.

use std::collections::BTreeMap;

use quorate_canon::{HealthEpoch, Mask256, OperatorIndex};

use crate::{Committee, DownEntry, DownList, HealthError, Network, Subject};

/// Windows DOWN by subject: one operator's words of a health epoch, or what several lists say together.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Claims(BTreeMap<Subject, Mask256>);

impl Claims {
    /// Adds the windows of an entry.
    pub fn add(&mut self, entry: &DownEntry) {
        let windows = self.0.entry(entry.subject).or_insert(Mask256::ZERO);
        *windows = union(windows, &entry.windows);
    }

    /// The windows DOWN of a subject.
    #[must_use]
    pub fn of(&self, subject: Subject) -> Mask256 {
        self.0.get(&subject).copied().unwrap_or(Mask256::ZERO)
    }

    /// One entry for each subject, by subject.
    pub fn entries(&self) -> impl Iterator<Item = DownEntry> {
        self.0.iter().map(|(subject, windows)| DownEntry {
            subject: *subject,
            windows: *windows,
        })
    }
}

impl<'a> FromIterator<&'a DownEntry> for Claims {
    fn from_iter<T: IntoIterator<Item = &'a DownEntry>>(entries: T) -> Self {
        let mut claims = Self::default();
        for entry in entries {
            claims.add(entry);
        }
        claims
    }
}

pub(crate) fn union(a: &Mask256, b: &Mask256) -> Mask256 {
    let mut both = *a;
    for (to, from) in both.0.iter_mut().zip(b.0) {
        *to |= from;
    }
    both
}

/// A health epoch, as far as its lists depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The network.
    pub network: Network,
    /// The epoch.
    pub epoch: HealthEpoch,
    /// How many windows it has, by its policy.
    pub windows: u16,
    /// The committee of each machine that is judged in it.
    pub committees: &'a BTreeMap<Subject, Committee>,
}

/// Whether an operator may sign a list as far as its own words go: it is of this network and epoch and
/// well formed, and wherever the operator sits on a committee, the entry is among its own words DOWN.
/// Of other machines a signature says nothing, so that any entry will do. The ledger asks once more.
///
/// # Errors
/// [`HealthError::OtherNetwork`], [`HealthError::OtherEpoch`], [`HealthError::Windows`],
/// [`HealthError::NoCommittee`], [`HealthError::NotOurWord`]; the first that applies.
pub fn agrees(
    list: &DownList,
    own: &Claims,
    operator: OperatorIndex,
    judged: &Judged<'_>,
) -> Result<(), HealthError> {
    require_same(list, judged)?;
    list.require_windows(judged.windows)?;
    for entry in list.entries() {
        let subject = entry.subject;
        let committee = judged
            .committees
            .get(&subject)
            .ok_or(HealthError::NoCommittee { subject })?;
        let own = own.of(subject);
        if committee.seats.contains(&operator) && !entry.windows.is_subset_of(&own) {
            return Err(HealthError::NotOurWord {
                subject,
                got: entry.windows,
                own,
            });
        }
    }
    Ok(())
}

fn require_same(list: &DownList, judged: &Judged<'_>) -> Result<(), HealthError> {
    let (got, expected) = (list.network(), &judged.network);
    if got != expected {
        return Err(HealthError::OtherNetwork {
            got: got.rounds,
            got_chain: got.l2_chain,
            expected: expected.rounds,
            chain: expected.l2_chain,
        });
    }
    if list.epoch() != judged.epoch {
        return Err(HealthError::OtherEpoch {
            got: list.epoch(),
            expected: judged.epoch,
        });
    }
    Ok(())
}
