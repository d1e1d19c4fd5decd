//! Endpoints whose answers cannot be right, beside one that is honest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::primitives::{Address, B256};
use alloy::rpc::types::Log;
use quorate_canon::Timestamp;
use quorate_chain::{ChainError, Head, Header, Reader, ReaderConfig, Source};

use crate::fake::{CONTRACTS, FakeChain};

const FINAL_DEPTH: u64 = 10;
const PAUSE: Duration = Duration::from_millis(1);

/// What an endpoint does to its answers.
#[derive(Clone, Copy, PartialEq)]
enum Lie {
    None,
    /// Its logs are others than were asked for.
    Logs,
    /// Its newest block is stamped so.
    Stamp(u64),
}

/// Endpoints of which one is asked until it is turned away.
#[derive(Clone)]
struct Endpoints(Arc<Vec<(FakeChain, Lie)>>, Arc<AtomicUsize>);

impl Endpoints {
    /// As many chains, all the same, as lies.
    fn of(lies: &[Lie]) -> (Self, Vec<FakeChain>) {
        let chains: Vec<_> = lies.iter().map(|_| FakeChain::new(7, 60)).collect();
        let told = chains.iter().cloned().zip(lies.iter().copied());
        (Self(Arc::new(told.collect()), Arc::default()), chains)
    }

    fn asked(&self) -> &(FakeChain, Lie) {
        &self.0[self.1.load(Ordering::SeqCst) % self.0.len()]
    }

    fn logs(&self, block: u64) -> Result<(), ChainError> {
        let (log, detail) = (0, "not asked for".to_owned());
        match self.asked().1 {
            Lie::Logs => Err(ChainError::BadEvent { block, log, detail }),
            Lie::None | Lie::Stamp(_) => Ok(()),
        }
    }
}

impl Source for Endpoints {
    async fn latest(&self) -> Result<Header, ChainError> {
        let (chain, lie) = self.asked();
        let latest = chain.latest().await?;
        let Lie::Stamp(time) = *lie else {
            return Ok(latest);
        };
        let head = Head {
            number: latest.number() + 1,
            hash: quorate_canon::Digest([8; 32]),
            timestamp: Timestamp::new(time),
        };
        Ok(Header::new(
            head,
            B256::new(latest.hash.0),
            latest.logs_bloom,
        ))
    }

    async fn headers(&self, from: u64, to: u64) -> Result<Vec<Header>, ChainError> {
        self.asked().0.headers(from, to).await
    }

    async fn logs_of(
        &self,
        addresses: &[Address],
        header: &Header,
    ) -> Result<Vec<Log>, ChainError> {
        self.logs(header.number())?;
        if matches!(self.asked().1, Lie::Stamp(_)) && header.hash == B256::repeat_byte(8) {
            return Ok(Vec::new());
        }
        self.asked().0.logs_of(addresses, header).await
    }

    async fn logs_between(
        &self,
        addresses: &[Address],
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, ChainError> {
        self.logs(from)?;
        self.asked().0.logs_between(addresses, from, to).await
    }

    fn endpoints(&self) -> usize {
        self.0.len()
    }

    fn turn(&self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

fn config() -> ReaderConfig {
    ReaderConfig {
        final_depth: FINAL_DEPTH,
        range: 16,
        ahead: Some(300),
        ..ReaderConfig::new(CONTRACTS, 1)
    }
}

async fn open(endpoints: &Endpoints) -> Result<Reader<Endpoints>, ChainError> {
    Reader::open(endpoints.clone(), config()).await
}

fn clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

#[tokio::test]
async fn logs_that_were_not_asked_for_are_asked_of_another_endpoint() {
    let (endpoints, chains) = Endpoints::of(&[Lie::Logs, Lie::None]);
    // From the start on, and in the middle.
    let mut reader = open(&endpoints).await.unwrap();
    endpoints.turn();
    chains.iter().for_each(|chain| chain.grow(3));
    let advance = reader.next(PAUSE).await.unwrap();
    assert_eq!(advance.head, chains[1].head());
    let honest = Reader::open(chains[1].clone(), config()).await.unwrap();
    assert_eq!(
        reader.state().market.to_bytes(),
        honest.state().market.to_bytes()
    );
}

#[tokio::test]
async fn one_endpoint_on_another_chain_below_what_is_final_is_left() {
    let (endpoints, chains) = Endpoints::of(&[Lie::None, Lie::None]);
    let mut reader = open(&endpoints).await.unwrap();
    chains[0].fork(usize::try_from(FINAL_DEPTH).unwrap() + 5, 3);
    chains[1].grow(1);
    let advance = reader.next(PAUSE).await.unwrap();
    assert_eq!((advance.head, advance.taken_back), (chains[1].head(), 0));
}

#[tokio::test]
async fn what_every_endpoint_says_is_believed_to_be_wrong_for_good() {
    let (endpoints, chains) = Endpoints::of(&[Lie::None, Lie::None]);
    let mut reader = open(&endpoints).await.unwrap();
    for chain in &chains {
        chain.fork(usize::try_from(FINAL_DEPTH).unwrap() + 5, 3);
    }
    let error = reader.next(PAUSE).await.unwrap_err();
    assert!(matches!(error, ChainError::DeepReorg { .. }), "{error}");
    let (endpoints, _) = Endpoints::of(&[Lie::Logs, Lie::Logs]);
    let error = open(&endpoints).await.err().unwrap();
    assert!(matches!(error, ChainError::BadEvent { .. }), "{error}");
}

#[tokio::test]
async fn a_block_from_the_future_is_not_followed() {
    let (endpoints, chains) = Endpoints::of(&[Lie::Stamp(clock() + 3_600), Lie::None]);
    let mut reader = open(&endpoints).await.unwrap();
    endpoints.turn();
    let before = reader.head();
    let error = reader.advance().await.unwrap_err();
    assert!(matches!(error, ChainError::Ahead { .. }), "{error}");
    assert!(error.is_retryable());
    assert_eq!(reader.head(), before);
    // The other one is asked, and goes on.
    chains[1].grow(1);
    assert_eq!(reader.next(PAUSE).await.unwrap().head, chains[1].head());
    // A little ahead is no fault.
    let (endpoints, _) = Endpoints::of(&[Lie::None, Lie::Stamp(clock() + 60)]);
    let mut reader = open(&endpoints).await.unwrap();
    endpoints.turn();
    assert_eq!(reader.advance().await.unwrap().added, 1);
}
