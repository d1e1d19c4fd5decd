//! Reading old logs in ranges that the endpoint agrees to.

use tracing::debug;

use super::source::Source;
use super::state::{Followed, State};
use crate::ChainError;

/// Folds the logs of the blocks `from..=to` into `state` as final. Ranges begin at `widest` blocks,
/// are halved where the endpoint refuses (too many logs, too wide, too slow) and doubled again where
/// it does not.
pub(super) async fn backfill<S: Source>(
    source: &S,
    followed: &Followed,
    state: &mut State,
    from: u64,
    to: u64,
    widest: u64,
) -> Result<(), ChainError> {
    let addresses = followed.addresses();
    let widest = widest.max(1);
    let mut width = widest;
    let mut next = from;
    while next <= to {
        let end = to.min(next.saturating_add(width - 1));
        match source.logs_between(&addresses, next, end).await {
            Ok(logs) => {
                state.apply_final(followed, &logs)?;
                next = end + 1;
                width = widest.min(width.saturating_mul(2));
            }
            Err(error) if error.is_retryable() && width > 1 => {
                debug!(from = next, to = end, %error, "range of logs refused, halving it");
                width /= 2;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
