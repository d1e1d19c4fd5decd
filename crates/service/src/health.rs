//! Readiness as a list of conditions, each with a name and, while it does not hold, the reason:
//! a service that is alive but deaf says what it waits for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

/// One condition as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Its name, such as `l2`.
    pub name: String,
    /// Whether it holds.
    pub ready: bool,
    /// Why it does not hold; empty if it does.
    pub missing: String,
}

/// The conditions of a process; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<BTreeMap<&'static str, Option<String>>>>,
}

impl Readiness {
    /// Without any condition.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition that does not hold yet.
    pub fn require(&self, name: &'static str) -> Requirement {
        let requirement = Requirement {
            readiness: self.clone(),
            name,
        };
        requirement.missing("not tried yet");
        requirement
    }

    /// All conditions, by name.
    pub fn conditions(&self) -> Vec<Condition> {
        let conditions = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        conditions
            .iter()
            .map(|(name, missing)| Condition {
                name: (*name).to_owned(),
                ready: missing.is_none(),
                missing: missing.clone().unwrap_or_default(),
            })
            .collect()
    }

    /// Whether all conditions hold.
    pub fn is_ready(&self) -> bool {
        self.conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .all(Option::is_none)
    }

    fn set(&self, name: &'static str, missing: Option<String>) {
        self.conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, missing);
    }
}

/// The handle of whoever knows whether a condition holds.
#[derive(Clone, Debug)]
pub struct Requirement {
    readiness: Readiness,
    name: &'static str,
}

impl Requirement {
    /// It holds.
    pub fn ready(&self) {
        self.readiness.set(self.name, None);
    }

    /// It does not, for this reason.
    pub fn missing(&self, why: impl Into<String>) {
        self.readiness.set(self.name, Some(why.into()));
    }

    /// It holds if `result` is good; hands it on.
    pub fn note<T, E: std::fmt::Display>(&self, result: Result<T, E>) -> Result<T, E> {
        match &result {
            Ok(_) => self.ready(),
            Err(error) => self.missing(error.to_string()),
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_condition_does_not_hold() {
        let readiness = Readiness::new();
        assert!(readiness.is_ready());
        let chain = readiness.require("l2");
        assert!(!readiness.is_ready());
        chain.ready();
        assert!(readiness.is_ready());
    }

    #[test]
    fn what_is_missing_is_said() {
        let readiness = Readiness::new();
        let chain = readiness.require("l2");
        let result: Result<(), &str> = chain.note(Err("connection refused"));
        assert!(result.is_err());
        assert_eq!(
            readiness.conditions(),
            [Condition {
                name: "l2".into(),
                ready: false,
                missing: "connection refused".into()
            }]
        );
    }
}
