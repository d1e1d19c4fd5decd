//! A `doctor` command names the check that fails, and says what to do about it.

use std::{future::Future, time::Duration};

use serde::Serialize;

use crate::{
    cli::Exit,
    terminal::{self, Tone},
};

/// How long one check may take.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the check.
    pub check: String,
    /// Whether all is well, and what was seen or is wrong.
    #[serde(flatten)]
    pub result: Outcome,
}

/// Good or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "lowercase")]
pub enum Outcome {
    /// All is well.
    Ok {
        /// What was seen.
        seen: String,
    },
    /// Something is wrong.
    Failed {
        /// What.
        why: String,
        /// What can be done.
        remedy: String,
    },
    /// It could not be checked, because a check before it failed.
    Skipped {
        /// Which.
        needs: String,
    },
}

/// The findings of a doctor, in the order of the checks.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Doctor {
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Doctor {
    /// Without findings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs one check; hands on what it gave. What hangs is a failure.
    pub async fn check<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        remedy: &str,
        seen: impl FnOnce(&T) -> String,
        check: impl Future<Output = Result<T, E>>,
    ) -> Option<T> {
        let (given, result) = match tokio::time::timeout(CHECK_TIMEOUT, check).await {
            Ok(Ok(given)) => {
                let seen = seen(&given);
                (Some(given), Outcome::Ok { seen })
            }
            Ok(Err(error)) => (
                None,
                Outcome::Failed {
                    why: error.to_string(),
                    remedy: remedy.to_owned(),
                },
            ),
            Err(_) => (
                None,
                Outcome::Failed {
                    why: format!("no answer in {} s", CHECK_TIMEOUT.as_secs()),
                    remedy: remedy.to_owned(),
                },
            ),
        };
        self.findings.push(Finding {
            check: name.to_owned(),
            result,
        });
        given
    }

    /// Notes that a check could not be made because `needs` failed.
    pub fn skip(&mut self, name: &str, needs: &str) {
        self.findings.push(Finding {
            check: name.to_owned(),
            result: Outcome::Skipped {
                needs: needs.to_owned(),
            },
        });
    }

    /// 0 if all is well, 1 if something is wrong, 2 if nothing is wrong but something could not be checked.
    pub fn exit(&self) -> Exit {
        let any = |wanted: fn(&Outcome) -> bool| {
            self.findings.iter().any(|finding| wanted(&finding.result))
        };
        if any(|result| matches!(result, Outcome::Failed { .. })) {
            Exit::Fault
        } else if any(|result| matches!(result, Outcome::Skipped { .. })) {
            Exit::Unchecked
        } else {
            Exit::Well
        }
    }

    /// The findings for people.
    pub fn table(&self) -> String {
        let mut table = terminal::table(&["check", "", "what"]);
        for finding in &self.findings {
            let (mark, tone, words) = match &finding.result {
                Outcome::Ok { seen } => ("ok", Tone::Good, seen.clone()),
                Outcome::Failed { why, remedy } => {
                    ("FAILED", Tone::Bad, format!("{why}\n{remedy}"))
                }
                Outcome::Skipped { needs } => ("skipped", Tone::Faint, format!("needs {needs}")),
            };
            table.add_row(vec![
                terminal::cell(&finding.check, Tone::Plain),
                terminal::cell(mark, tone),
                terminal::cell(&words, Tone::Plain),
            ]);
        }
        table.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_failing_check_is_named_with_its_remedy() {
        let mut doctor = Doctor::new();
        let chain = doctor
            .check(
                "chain id",
                "check l2.urls",
                |id| format!("chain {id}"),
                async { Ok::<u64, String>(7) },
            )
            .await;
        assert_eq!(chain, Some(7));
        assert_eq!(doctor.exit(), Exit::Well);
        let none = doctor
            .check(
                "balance",
                "send it some ether",
                |(): &()| String::new(),
                async { Err("0 wei") },
            )
            .await;
        assert!(none.is_none());
        doctor.skip("call", "balance");
        assert_eq!(doctor.exit(), Exit::Fault);
        let table = doctor.table();
        for words in [
            "balance",
            "FAILED",
            "0 wei",
            "send it some ether",
            "chain 7",
            "needs balance",
        ] {
            assert!(table.contains(words), "{words} not in\n{table}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_fails() {
        let mut doctor = Doctor::new();
        doctor
            .check(
                "endpoint",
                "",
                |(): &()| String::new(),
                std::future::pending::<Result<(), String>>(),
            )
            .await;
        assert_eq!(doctor.exit(), Exit::Fault);
    }

    #[test]
    fn findings_are_json() {
        let doctor = Doctor {
            findings: vec![Finding {
                check: "x".into(),
                result: Outcome::Skipped { needs: "y".into() },
            }],
        };
        assert_eq!(
            serde_json::to_string(&doctor).unwrap(),
            r#"{"findings":[{"check":"x","result":"skipped","needs":"y"}]}"#
        );
    }
}
