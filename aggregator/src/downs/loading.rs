//! Who loads an epoch's terms: one caller at a time, so that a thousand do not ask the chain a thousand
//! times; and an epoch whose terms cannot be had keeps no other waiting.

use std::time::{Duration, Instant};

use quorate_canon::HealthEpoch;
use quorate_rpc::ListRejection;
use tokio::sync::Mutex;

/// Why an epoch's terms are not here.
pub(super) type Unready = (ListRejection, String);

/// How long callers hear why an epoch could not be loaded, without anybody being asked again: operators
/// try again after a second at the earliest, strangers ask as often as they like.
const REMEMBERED: Duration = Duration::from_millis(500);

/// Epochs that are loaded at a time. Those that operators hand in lists for are neighbours.
const AT_A_TIME: usize = 8;

/// An epoch that could not be loaded.
#[derive(Debug)]
struct Failed {
    epoch: HealthEpoch,
    at: Instant,
    why: Unready,
}

/// The epochs that are being loaded.
#[derive(Debug, Default)]
pub(super) struct Loading {
    turns: [Mutex<Option<Failed>>; AT_A_TIME],
}

impl Loading {
    /// What is `known` of an epoch; loaded first if it is not known, by one caller of many.
    pub(super) async fn once<T>(
        &self,
        epoch: HealthEpoch,
        known: impl Fn() -> Option<T>,
        load: impl AsyncFnOnce() -> Result<T, Unready>,
    ) -> Result<T, Unready> {
        let mut failed = self.turns[epoch.get() as usize % AT_A_TIME].lock().await;
        if let Some(known) = known() {
            return Ok(known);
        }
        // Whoever waited for another hears what that one heard.
        if let Some(failed) = failed.as_ref()
            && failed.epoch == epoch
            && failed.at.elapsed() < REMEMBERED
        {
            return Err(failed.why.clone());
        }
        let loaded = load().await;
        *failed = loaded.as_ref().err().map(|why| Failed {
            epoch,
            at: Instant::now(),
            why: why.clone(),
        });
        loaded
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const EPOCH: HealthEpoch = HealthEpoch::new(7);

    fn unready() -> Unready {
        (ListRejection::NotReady, "the table is missing".to_owned())
    }

    #[tokio::test]
    async fn of_many_callers_one_loads() {
        let (loading, loads) = (Loading::default(), Cell::new(0));
        let known = || (loads.get() > 0).then_some(5);
        let load = async || {
            tokio::task::yield_now().await;
            loads.set(loads.get() + 1);
            Ok(5)
        };
        let (a, b, c) = tokio::join!(
            loading.once(EPOCH, known, load),
            loading.once(EPOCH, known, load),
            loading.once(EPOCH, known, load),
        );
        assert_eq!((a, b, c), (Ok(5), Ok(5), Ok(5)));
        assert_eq!(loads.get(), 1);
    }

    #[tokio::test]
    async fn those_who_waited_for_a_load_that_failed_ask_nobody_again() {
        let (loading, loads) = (Loading::default(), Cell::new(0));
        let load = async || {
            tokio::task::yield_now().await;
            loads.set(loads.get() + 1);
            Err::<(), _>(unready())
        };
        let (a, b) = tokio::join!(
            loading.once(EPOCH, || None, load),
            loading.once(EPOCH, || None, load),
        );
        assert_eq!((a, b), (Err(unready()), Err(unready())));
        assert_eq!(loads.get(), 1);
    }

    #[tokio::test]
    async fn an_epoch_that_cannot_be_loaded_is_tried_again_later() {
        let loading = Loading::default();
        let failed = loading.once(EPOCH, || None, async || Err::<u8, _>(unready()));
        assert_eq!(failed.await, Err(unready()));
        let end = Instant::now() + 20 * REMEMBERED;
        let again = async || loading.once(EPOCH, || None, async || Ok(5)).await;
        while again().await.is_err() {
            assert!(Instant::now() < end, "it is not tried again");
            tokio::time::sleep(REMEMBERED / 5).await;
        }
    }

    #[tokio::test]
    async fn an_epoch_that_never_loads_keeps_no_neighbour_waiting() {
        let loading = Loading::default();
        let hanging = loading.once(
            EPOCH,
            || None,
            async || std::future::pending::<Result<u8, Unready>>().await,
        );
        let next = HealthEpoch::new(EPOCH.get() + 1);
        tokio::select! {
            biased;
            _ = hanging => panic!("it cannot be loaded"),
            loaded = loading.once(next, || None, async || Ok(5)) => assert_eq!(loaded, Ok(5)),
            () = tokio::time::sleep(20 * REMEMBERED) => panic!("the neighbour waits"),
        }
    }
}
