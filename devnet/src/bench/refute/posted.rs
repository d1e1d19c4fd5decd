//! Makes `Rounds` believe that the newest round's list is posted in full.

use alloy::{
    primitives::{B256, U256},
    providers::Provider,
};
use quorate_matching::chunk_count;

use crate::{
    Error,
    bench::ground::{Ground, failed},
};

/// Slots that are looked through for the newest round's state (`RoundState.sol`).
const SLOTS: u64 = 32;
const CERTIFIED: u64 = 1;
const SETTLED: u64 = 2;
/// Where the fields begin, bits.
const STATUS: usize = 40;
const ENDED: usize = 88;
const POSTED: usize = 160;

/// Writes what the last chunk would have left: all chunks stand, the round has ended now.
///
/// # Errors
/// When no slot holds the round's state.
pub(super) async fn believe(ground: &Ground, n: u64, count: u32) -> Result<(), Error> {
    let (provider, rounds) = (ground.anvil.provider(), ground.l2.rounds);
    let head = provider.get_block(Default::default()).await?;
    let now = head.map_or(0, |block| block.header.timestamp);
    for slot in (0..SLOTS).map(U256::from) {
        let word = provider.get_storage_at(rounds, slot).await?;
        let field = |from: usize, bits: usize| (word >> from) & ((U256::ONE << bits) - U256::ONE);
        if field(0, STATUS) != U256::from(n) || field(STATUS, 8) != U256::from(CERTIFIED) {
            continue;
        }
        let set = |word: U256, from: usize, bits: usize, value: u64| {
            let mask = ((U256::ONE << bits) - U256::ONE) << from;
            (word & !mask) | (U256::from(value) << from)
        };
        let word = set(word, STATUS, 8, SETTLED);
        let word = set(word, ENDED, 40, now);
        let word = set(word, POSTED, 24, chunk_count(count).into());
        let value = B256::from(word);
        let params = (rounds, B256::from(slot), value);
        let _: serde_json::Value = provider
            .raw_request("anvil_setStorageAt".into(), params)
            .await?;
        return Ok(());
    }
    Err(failed(format!("no slot of Rounds holds round {n}")))
}
