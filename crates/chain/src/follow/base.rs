//! Where a reader begins: an image of an earlier one, or everything read from the deployment on.

use tracing::warn;

use super::backfill::backfill;
use super::image::Image;
use super::{ReaderConfig, Source, State};
use crate::{ChainError, Header};

/// The image, if it fits these contracts and its block still is on the chain.
pub(super) async fn usable<S: Source>(
    source: &S,
    config: &ReaderConfig,
    bytes: &[u8],
) -> Result<Option<Image>, ChainError> {
    let image = match Image::from_bytes(bytes, config) {
        Ok(Some(image)) => image,
        Ok(None) => return Ok(None),
        Err(error) => {
            warn!(%error, "image of the chain not usable, reading the chain again");
            return Ok(None);
        }
    };
    let there = match single(source, image.head.number).await {
        Err(ChainError::NoBlock(_)) => return Ok(None),
        there => there?,
    };
    Ok((there.head() == image.head).then_some(image))
}

/// Reads everything up to the newest block that is final now.
pub(super) async fn read_base<S: Source>(
    source: &S,
    config: &ReaderConfig,
) -> Result<Image, ChainError> {
    let latest = source.latest().await?;
    if latest.number() < config.deployed_at {
        return Err(ChainError::NoBlock(config.deployed_at));
    }
    let below_tail = latest.number().saturating_sub(config.final_depth);
    let base = below_tail.max(config.deployed_at.saturating_sub(1));
    let mut state = State::default();
    let head = single(source, base).await?;
    let (followed, range) = (&config.followed(), config.range);
    backfill(
        source,
        followed,
        &mut state,
        config.deployed_at,
        base,
        range,
    )
    .await?;
    require_same(single(source, base).await?, head)?;
    Ok(Image {
        head: head.head(),
        state,
    })
}

pub(super) async fn single<S: Source>(source: &S, number: u64) -> Result<Header, ChainError> {
    let headers = source.headers(number, number).await?;
    headers
        .into_iter()
        .next()
        .ok_or(ChainError::NoBlock(number))
}

/// The block below which everything is taken for final must stand still while it is read.
fn require_same(got: Header, expected: Header) -> Result<(), ChainError> {
    if got.hash == expected.hash {
        return Ok(());
    }
    let number = expected.number();
    Err(ChainError::Moved {
        number,
        got: got.hash,
        expected: expected.hash,
    })
}
