//! What the contracts say, and where it is not what this node says.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use quorate_chain::{
    ChainError,
    views::{Judgement, PairView, Verifier},
};
use quorate_protocol::Header;
use tokio::sync::Semaphore;

use super::{
    pairs::Claim,
    questions::{Questions, Shown},
};

/// Calls under way at a time: an endpoint answers them side by side, and refuses a flood.
const AT_ONCE: usize = 8;
/// Pause before a call that came to nothing is made again.
const PAUSE: Duration = Duration::from_millis(100);

/// The contracts' answers, in the order of the questions; an `Err` is what a contract said while it
/// refused one.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) chunk: Result<(), String>,
    pub(super) pairs: Result<Vec<PairView>, String>,
    pub(super) judged: Vec<Result<Judgement, String>>,
}

/// One answer that is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// The chunk is not read as part of the outcome root.
    Chunk(String),
    /// The pairs are not looked at.
    Pairs(String),
    /// A pair is seen otherwise.
    Pair(Claim, PairView),
    /// A witness about right entries shows a fault, or is refused.
    Witness(Shown, Result<Judgement, String>),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chunk(reason) => write!(f, "the contracts refuse our chunk: {reason}"),
            Self::Pairs(reason) => write!(f, "the contracts refuse our pairs: {reason}"),
            Self::Pair(claim, theirs) => {
                let Claim {
                    request,
                    offer,
                    ours,
                } = claim;
                write!(
                    f,
                    "request {request} with offer {offer}: ours {}, the contracts' {}",
                    words(ours),
                    words(theirs)
                )
            }
            Self::Witness(shown, Ok(judged)) => write!(
                f,
                "{} at {}: got fault {} at {}, expected none",
                shown.kind, shown.position, judged.code, judged.position
            ),
            Self::Witness(shown, Err(reason)) => {
                write!(f, "{} at {}: {reason}", shown.kind, shown.position)
            }
        }
    }
}

fn words(view: &PairView) -> String {
    match view.ineligible {
        0 => format!("score {} tie {}", view.score, view.tie),
        code => format!("ineligible by rule {code}"),
    }
}

impl Answers {
    /// All answers that are not the expected ones.
    pub(super) fn differences(&self, questions: &Questions) -> Vec<Difference> {
        let mut found = Vec::new();
        if let Err(reason) = &self.chunk {
            found.push(Difference::Chunk(reason.clone()));
        }
        match &self.pairs {
            Ok(views) => found.extend(
                questions
                    .claims
                    .iter()
                    .zip(views)
                    .filter(|(claim, theirs)| !is_same(&claim.ours, theirs))
                    .map(|(claim, theirs)| Difference::Pair(*claim, *theirs)),
            ),
            Err(reason) => found.push(Difference::Pairs(reason.clone())),
        }
        let judged = questions.shown.iter().zip(&self.judged);
        found.extend(
            judged
                .filter(|(_, answer)| !matches!(answer, Ok(Judgement { code: 0, .. })))
                .map(|(shown, answer)| Difference::Witness(shown.clone(), answer.clone())),
        );
        found
    }
}

/// Score and tie say something only of a pair that exists.
fn is_same(ours: &PairView, theirs: &PairView) -> bool {
    ours.ineligible == theirs.ineligible && (ours.ineligible != 0 || ours == theirs)
}

/// Puts questions to the contracts, again and again where the endpoints and not the contracts are
/// what answers.
#[derive(Debug)]
pub(super) struct Asker<'a> {
    verifier: &'a Verifier,
    header: &'a Header,
    calls: Semaphore,
    last_error: Mutex<Option<ChainError>>,
}

impl<'a> Asker<'a> {
    pub(super) const fn new(verifier: &'a Verifier, header: &'a Header) -> Self {
        Self {
            verifier,
            header,
            calls: Semaphore::const_new(AT_ONCE),
            last_error: Mutex::new(None),
        }
    }

    /// Why the newest call came to nothing.
    pub(super) fn last_error(&self) -> String {
        let last = self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.as_ref()
            .map_or_else(|| "the answers are slow".to_owned(), ToString::to_string)
    }

    /// Asks everything; does not end before everything is answered.
    pub(super) async fn ask(&self, questions: &Questions) -> Answers {
        let judged: Vec<_> = questions
            .shown
            .iter()
            .map(|shown| self.judge(shown))
            .collect();
        let (chunk, pairs, judged) = tokio::join!(
            self.chunk(questions),
            self.pairs(questions),
            join_all(judged)
        );
        Answers {
            chunk,
            pairs,
            judged,
        }
    }

    async fn chunk(&self, questions: &Questions) -> Result<(), String> {
        let Header {
            round,
            outcome_root,
            ..
        } = self.header;
        let Some(chunk) = &questions.chunk else {
            return Err("the list has no such chunk".to_owned());
        };
        loop {
            let _call = self.calls.acquire().await;
            let answer = self.verifier.check_chunk(*round, *outcome_root, chunk);
            if let Some(word) = self.word(answer.await).await {
                return word;
            }
        }
    }

    async fn pairs(&self, questions: &Questions) -> Result<Vec<PairView>, String> {
        let pair = |claim: &Claim| (claim.request, claim.offer);
        let ids: Vec<_> = questions.claims.iter().map(pair).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let Header { round, seed, .. } = self.header;
        loop {
            let _call = self.calls.acquire().await;
            let answer = self.verifier.pairs(*round, seed, &ids).await;
            if let Some(word) = self.word(answer).await {
                return word;
            }
        }
    }

    async fn judge(&self, shown: &Shown) -> Result<Judgement, String> {
        loop {
            let _call = self.calls.acquire().await;
            let answer = self.verifier.judge(self.header, &shown.bytes).await;
            if let Some(word) = self.word(answer).await {
                return word;
            }
        }
    }

    /// What a contract has said; `None`, after a pause, if none was heard.
    async fn word<T>(&self, answer: Result<T, ChainError>) -> Option<Result<T, String>> {
        let error = match answer {
            Ok(word) => return Some(Ok(word)),
            Err(error) if !error.is_retryable() => return Some(Err(error.to_string())),
            Err(error) => error,
        };
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(error);
        tokio::time::sleep(PAUSE).await;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_check::market::round;

    /// What contracts that see everything as this node does would answer.
    fn agreeing(questions: &Questions) -> Answers {
        let none = Judgement {
            code: 0,
            position: u32::MAX,
        };
        Answers {
            chunk: Ok(()),
            pairs: Ok(questions.claims.iter().map(|claim| claim.ours).collect()),
            judged: questions.shown.iter().map(|_| Ok(none)).collect(),
        }
    }

    fn asked() -> Questions {
        let (prepared, computed) = round(12, 40, 1);
        Questions::draw(16, &prepared, &computed)
    }

    #[test]
    fn the_same_answers_differ_nowhere() {
        let questions = asked();
        assert_eq!(agreeing(&questions).differences(&questions), []);
    }

    #[test]
    fn each_answer_that_is_another_one_is_a_difference() {
        let questions = asked();
        let changes: [fn(&mut Answers); 6] = [
            |answers| answers.chunk = Err("no".to_owned()),
            |answers| answers.pairs = Err("no".to_owned()),
            |answers| answers.pairs.as_mut().unwrap()[0].score += 1,
            |answers| answers.pairs.as_mut().unwrap()[0].ineligible = 7,
            |answers| answers.judged[3].as_mut().unwrap().code = 11,
            |answers| answers.judged[3] = Err("no".to_owned()),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut answers = agreeing(&questions);
            change(&mut answers);
            assert_eq!(answers.differences(&questions).len(), 1, "change {number}");
        }
    }

    #[test]
    fn of_a_pair_that_does_not_exist_only_the_rule_counts() {
        let view = |ineligible, tie| PairView {
            ineligible,
            score: 0,
            tie,
        };
        assert!(is_same(&view(3, 0), &view(3, 9)));
        assert!(!is_same(&view(3, 0), &view(4, 0)));
        assert!(!is_same(&view(0, 0), &view(0, 9)));
    }
}
