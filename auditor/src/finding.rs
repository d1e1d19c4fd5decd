//! What a replay can find wrong; one public table (docs/auditors.md lists it).

use serde::Serialize;

/// One difference between a settled round and its replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What differs.
    pub kind: Kind,
    /// What the chain shows.
    pub got: String,
    /// What the replay gives.
    pub expected: String,
}

/// The kinds of differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The header names another network or contract.
    Domain,
    /// The round was not live.
    NotLive,
    /// The header names another block than the last one before the close.
    Snapshot,
    /// Another policy was in force.
    Policy,
    /// The posted beacon signature is not the beacon's.
    Beacon,
    /// The seed does not follow from the beacon.
    Seed,
    /// The inputs differ.
    Inputs,
    /// The outcome differs.
    Outcome,
    /// The posted list is not the right one; names a witness.
    List,
    /// The stake table of L2 is not that of L1.
    StakeTable,
    /// The certificate does not verify, or has no quorum.
    Certificate,
}

impl Finding {
    /// A finding if the two differ.
    pub(crate) fn unless_equal<T: PartialEq + ToString>(
        kind: Kind,
        got: &T,
        expected: &T,
    ) -> Option<Self> {
        (got != expected).then(|| Self {
            kind,
            got: got.to_string(),
            expected: expected.to_string(),
        })
    }

    /// A finding with its words.
    pub(crate) fn new(kind: Kind, got: impl ToString, expected: impl ToString) -> Self {
        Self {
            kind,
            got: got.to_string(),
            expected: expected.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_no_finding() {
        assert_eq!(Finding::unless_equal(Kind::Seed, &1, &1), None);
        let finding = Finding::unless_equal(Kind::Seed, &1, &2).unwrap();
        assert_eq!(
            (finding.got.as_str(), finding.expected.as_str()),
            ("1", "2")
        );
    }
}
