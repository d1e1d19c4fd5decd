//! Signatures checked on behalf of senders, a few at a time.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Semaphore;

use super::{FAILURES, Refused, Sender, Suspects, Ticket};

/// Requests whose signatures are verified at a time.
const AT_A_TIME: usize = 4;

/// Why nothing came of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Unchecked<E> {
    /// A signature is bad.
    Bad(E),
    /// Too many of this sender were bad before: so many.
    CutOff(u32),
    /// It could not be checked now, for this reason; later it may be.
    Busy(String),
}

/// A place where signatures are checked that anybody may send.
#[derive(Debug)]
pub struct Checking<S> {
    suspects: Arc<Mutex<Suspects<S>>>,
    turns: Arc<Semaphore>,
}

/// A request that is being checked. Whatever becomes of it, it ends: dropped, it counts against nobody.
struct Claim<S: Ord + Copy> {
    suspects: Arc<Mutex<Suspects<S>>>,
    who: Sender<S>,
    ticket: Option<Ticket>,
}

impl<S: Ord + Copy> Claim<S> {
    fn end(mut self, good: bool) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let mut suspects = lock(&self.suspects);
        match good {
            true => suspects.good(self.who, ticket, Instant::now()),
            false => suspects.bad(self.who, ticket),
        }
    }
}

impl<S: Ord + Copy> Drop for Claim<S> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            lock(&self.suspects).withdraw(self.who, ticket, Instant::now());
        }
    }
}

impl<S: Ord + Copy> Default for Checking<S> {
    fn default() -> Self {
        Self {
            suspects: Arc::new(Mutex::new(Suspects::new(FAILURES))),
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }
}

impl<S: Ord + Copy + Send + 'static> Checking<S> {
    /// Has so many signatures be checked by `verify`, beside everything else. A sender that hangs up
    /// while it waits is forgiven; once the check has begun it is answerable for what is found.
    ///
    /// # Errors
    /// [`Unchecked`].
    pub async fn check<T: Send + 'static, E: Send + 'static>(
        &self,
        who: Sender<S>,
        signatures: usize,
        verify: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, Unchecked<E>> {
        // Before the turn is waited for: a flood that comes at once is bounded as well.
        let claim = self.claim(who, signatures)?;
        let busy = |error: String| Unchecked::Busy(error);
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|error| busy(error.to_string()))?;
        let checked = tokio::task::spawn_blocking(move || {
            let checked = verify();
            claim.end(checked.is_ok());
            drop(turn);
            checked
        });
        let checked = checked.await.map_err(|error| busy(error.to_string()))?;
        checked.map_err(Unchecked::Bad)
    }

    /// Forgets failures of spans before this one.
    pub fn forget_before(&self, span: S) {
        lock(&self.suspects).forget_before(span);
    }

    fn claim<E>(&self, who: Sender<S>, signatures: usize) -> Result<Claim<S>, Unchecked<E>> {
        let checks = u32::try_from(signatures).unwrap_or(u32::MAX);
        let claimed = lock(&self.suspects).claim(who, checks, Instant::now());
        let ticket = claimed.map_err(|refused| match refused {
            Refused::CutOff(failures) => Unchecked::CutOff(failures),
            Refused::Busy => Unchecked::Busy("too many signatures wait to be checked".to_owned()),
        })?;
        Ok(Claim {
            suspects: Arc::clone(&self.suspects),
            who,
            ticket: Some(ticket),
        })
    }
}

fn lock<S>(suspects: &Mutex<Suspects<S>>) -> MutexGuard<'_, Suspects<S>> {
    suspects.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use quorate_canon::OperatorIndex;

    use super::*;

    const SENDER: Sender<u64> = Sender {
        span: 1,
        source: None,
        operator: OperatorIndex::new(0),
    };

    #[tokio::test]
    async fn bad_signatures_count_against_their_sender_and_good_ones_do_not() {
        let checking = Checking::default();
        for _ in 0..2 * FAILURES {
            assert_eq!(checking.check(SENDER, 1, || Ok::<_, ()>(5)).await, Ok(5));
        }
        for _ in 0..FAILURES {
            let bad = checking.check(SENDER, 1, || Err::<(), _>(7)).await;
            assert_eq!(bad, Err(Unchecked::Bad(7)));
        }
        let refused = checking.check(SENDER, 1, || Ok::<_, ()>(5)).await;
        assert_eq!(refused, Err(Unchecked::CutOff(FAILURES)));
        checking.forget_before(2);
        assert_eq!(checking.check(SENDER, 1, || Ok::<_, ()>(5)).await, Ok(5));
    }

    #[tokio::test]
    async fn whoever_hangs_up_while_it_waits_is_forgiven_and_later_it_is_not() {
        let checking = Checking::default();
        let all = Arc::clone(&checking.turns);
        let held = all.acquire_many(u32::try_from(AT_A_TIME).unwrap()).await;
        let hangs_up = async |moment| {
            let call = checking.check(SENDER, 1, || Err::<(), _>(()));
            drop(tokio::time::timeout(moment, call).await);
        };
        for _ in 0..2 * FAILURES {
            hangs_up(std::time::Duration::ZERO).await;
        }
        assert!(!lock(&checking.suspects).is_cut_off(&SENDER));
        drop(held);
        for _ in 0..FAILURES {
            hangs_up(std::time::Duration::ZERO).await;
        }
        // The checks end by themselves.
        let _all = all.acquire_many(u32::try_from(AT_A_TIME).unwrap()).await;
        assert!(lock(&checking.suspects).is_cut_off(&SENDER));
    }

    #[tokio::test]
    async fn a_check_that_panics_is_nobodys_fault() {
        let checking = Checking::default();
        for _ in 0..2 * FAILURES {
            let found = checking.check(SENDER, 1, || -> Result<(), ()> { panic!("on purpose") });
            assert!(matches!(found.await, Err(Unchecked::Busy(_))));
        }
        assert_eq!(checking.check(SENDER, 1, || Ok::<_, ()>(5)).await, Ok(5));
    }
}
