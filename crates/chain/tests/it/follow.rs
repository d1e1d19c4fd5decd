//! Following a chain that forks, lags and fails, against reading it afresh (R12, small).

use std::time::Duration;

use proptest::prelude::*;
use quorate_canon::{Round, Timestamp};
use quorate_chain::{ChainError, Reader, ReaderConfig};

use crate::fake::{CONTRACTS, FakeChain};
use crate::world::PERIOD;

const FINAL_DEPTH: u64 = 40;

fn config() -> ReaderConfig {
    ReaderConfig {
        final_depth: FINAL_DEPTH,
        range: 64,
        ..ReaderConfig::new(CONTRACTS, 1)
    }
}

async fn open(chain: &FakeChain) -> Reader<FakeChain> {
    Reader::open(chain.clone(), config()).await.unwrap()
}

/// Steps until the head is the chain's; what passes by itself is tried again.
async fn catch_up(reader: &mut Reader<FakeChain>, chain: &FakeChain) {
    for _ in 0..200 {
        match reader.advance().await {
            Ok(_) => {}
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
        if reader.head() == chain.head() {
            return;
        }
    }
    panic!(
        "not caught up: {:?}, expected {:?}",
        reader.head(),
        chain.head()
    );
}

fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn after_forks_of_every_depth_the_state_is_that_of_a_fresh_reader(
        seed: u64, forks in prop::collection::vec((prop::sample::select(vec![1, 2, 7, 33]), 0_usize..4, 0_usize..20), 1..8),
    ) {
        run(async {
            let chain = FakeChain::new(seed, 60);
            let mut reader = open(&chain).await;
            for (depth, more, quiet) in forks {
                chain.fork(depth, more);
                catch_up(&mut reader, &chain).await;
                chain.grow(quiet);
                catch_up(&mut reader, &chain).await;
            }
            let fresh = open(&chain).await;
            assert_eq!(reader.state().market.to_bytes(), fresh.state().market.to_bytes());
        });
    }

    #[test]
    fn calls_that_fail_lag_and_fork_underneath_change_nothing_in_the_end(seed: u64, fail in 2_u64..9, fork in 11_u64..30) {
        run(async {
            let chain = FakeChain::new(seed, 50);
            let mut reader = open(&chain).await;
            chain.set_faults(fail, fork, 5);
            for _ in 0..30 {
                chain.grow(1);
                if let Err(error) = reader.advance().await {
                    assert!(error.is_retryable(), "{error}");
                }
            }
            chain.set_faults(0, 0, 0);
            catch_up(&mut reader, &chain).await;
            let fresh = open(&chain).await;
            assert_eq!(reader.state().market.to_bytes(), fresh.state().market.to_bytes());
        });
    }
}

#[test]
fn a_fork_below_what_is_final_stops_the_reader() {
    run(async {
        let chain = FakeChain::new(7, 100);
        let mut reader = open(&chain).await;
        let before = reader.state().clone();
        chain.fork(usize::try_from(FINAL_DEPTH).unwrap() + 1, 1);
        let error = reader.advance().await.unwrap_err();
        assert!(
            matches!(
                error,
                ChainError::DeepReorg {
                    final_block: 60,
                    ..
                }
            ),
            "{error}"
        );
        assert!(!error.is_retryable());
        assert_eq!(*reader.state(), before);
    });
}

#[test]
fn an_endpoint_one_block_behind_takes_nothing_back() {
    run(async {
        let chain = FakeChain::new(7, 60);
        let mut reader = open(&chain).await;
        chain.set_faults(0, 0, 1);
        let advance = reader.advance().await.unwrap();
        assert!(!advance.changed());
        assert_eq!(advance.head, chain.head());
    });
}

#[test]
fn a_shorter_fork_is_followed() {
    run(async {
        let chain = FakeChain::new(7, 60);
        let mut reader = open(&chain).await;
        let longer = FakeChain::new(7, 60);
        assert_eq!(longer.head(), chain.head());
        chain.fork(5, 0);
        let taller = chain.head().number;
        let advance = reader.advance().await.unwrap();
        assert_eq!((advance.taken_back, advance.added), (5, 5));
        assert_eq!(advance.head.number, taller);
    });
}

#[test]
fn a_snapshot_block_is_known_once_its_closer_is_deep_enough() {
    run(async {
        let chain = FakeChain::new(21, 60);
        let mut reader = open(&chain).await;
        let close = Timestamp::new(reader.head().timestamp.get() + 3);
        assert_eq!(reader.snapshot_block(close, 0), None);
        let (before, closer) = loop {
            chain.grow(1);
            reader.advance().await.unwrap();
            if let Some(found) = chain.around(close) {
                break found;
            }
            assert_eq!(reader.snapshot_block(close, 0), None);
        };
        let depth = 3;
        for _ in 0..depth {
            assert_eq!(reader.snapshot_block(close, depth), None);
            chain.grow(1);
            reader.advance().await.unwrap();
        }
        assert_eq!(closer + u64::from(depth), reader.head().number);
        assert_eq!(reader.snapshot_block(close, depth), Some(before));
    });
}

#[test]
fn waiting_ends_with_the_next_block() {
    run(async {
        let chain = FakeChain::new(5, 60);
        let mut reader = open(&chain).await;
        let grower = chain.clone();
        let grow = async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            grower.grow(1);
        };
        let (advance, ()) = tokio::join!(reader.next(Duration::from_millis(5)), grow);
        assert_eq!(advance.unwrap().added, 1);
    });
}

#[test]
fn an_image_saves_the_backfill_and_gives_the_same_state() {
    run(async {
        let chain = FakeChain::new(9, 150);
        let image = open(&chain).await.image().unwrap();
        chain.grow(30);
        let before = chain.ranges();
        let mut reader = Reader::open_from(chain.clone(), config(), Some(&image))
            .await
            .unwrap();
        assert_eq!(chain.ranges(), before);
        assert_eq!(reader.state(), open(&chain).await.state());
        assert!(chain.ranges() > before);
        // The image is of a final block: the tail can still fork.
        chain.fork(33, 1);
        catch_up(&mut reader, &chain).await;
        assert_eq!(reader.state(), open(&chain).await.state());
    });
}

#[test]
fn an_image_of_another_chain_of_other_contracts_or_damaged_is_not_used() {
    run(async {
        let (chain, other) = (FakeChain::new(9, 150), FakeChain::new(10, 150));
        let image = open(&other).await.image().unwrap();
        let mut damaged = open(&chain).await.image().unwrap();
        damaged.pop();
        for image in [&image, &damaged] {
            let reader = Reader::open_from(chain.clone(), config(), Some(image))
                .await
                .unwrap();
            assert_eq!(reader.state(), open(&chain).await.state());
        }
    });
}

#[test]
fn what_may_be_forgotten_is_forgotten_once_it_is_final() {
    run(async {
        let chain = FakeChain::new(13, 60);
        let mut reader = open(&chain).await;
        let t = Timestamp::new(reader.head().timestamp.get() - 30);
        reader.prune(Round::new(t.get() / PERIOD), t);
        let whole = reader.state().market.to_bytes().len();
        let all = open(&chain).await;
        assert_eq!(whole, all.state().market.to_bytes().len());
        chain.grow(usize::try_from(FINAL_DEPTH).unwrap() + 1);
        catch_up(&mut reader, &chain).await;
        let all = open(&chain).await;
        assert!(reader.state().market.to_bytes().len() < all.state().market.to_bytes().len());
        let later = reader.head().timestamp.get() - 2;
        let round = Round::new(later / PERIOD);
        let snapshot =
            |reader: &Reader<FakeChain>| reader.snapshot(round, Timestamp::new(later)).unwrap();
        assert_eq!(snapshot(&reader), snapshot(&all));
    });
}
