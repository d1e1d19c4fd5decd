//! The whole index as bytes: for a cache that saves a backfill, and to compare two indices.

use std::collections::BTreeMap;

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{Address, CodecError, Round};
use quorate_matching::{Capacity, MachineState, ProviderState};

use super::{Lease, MarketIndex, OfferHistory, OfferVersion, RequestHistory, Steps};

/// Bytes that are no index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// A record in it.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A history whose times fall.
    #[error("times in the image fall")]
    Time,
}

impl MarketIndex {
    /// The index without what can be taken back; equal indices give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        self.write(&mut out);
        out.into_bytes()
    }

    /// Appends [`MarketIndex::to_bytes`].
    pub(crate) fn write(&self, out: &mut Writer) {
        out.value(&self.offer_count);
        out.value(&self.request_count);
        write_all(out, &self.offers, |out, history| {
            write_count(out, history.versions.len());
            for version in &history.versions {
                out.value(&version.offer);
                out.value(&version.created);
                out.value(&version.closed);
            }
            write_steps(out, &history.used);
        });
        write_all(out, &self.requests, write_request);
        write_all(out, &self.providers, write_steps);
        write_all(out, &self.machines, write_steps);
    }

    /// Reads [`MarketIndex::to_bytes`] back; nothing in it can be taken back.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ImageError> {
        let mut input = Reader::new(bytes);
        let index = Self::read(&mut input)?;
        input.finish()?;
        Ok(index)
    }

    /// Reads what [`MarketIndex::write`] has written.
    pub(crate) fn read(input: &mut Reader<'_>) -> Result<Self, ImageError> {
        Ok(Self {
            offer_count: input.value()?,
            request_count: input.value()?,
            offers: read_all(input, read_offer)?,
            requests: read_all(input, |input| Ok(read_request(input)?))?,
            providers: read_all::<Address, _>(input, read_steps::<ProviderState>)?,
            machines: read_all(input, read_steps::<MachineState>)?,
            tail: std::collections::VecDeque::new(),
        })
    }
}

pub(crate) fn write_count(out: &mut Writer, count: usize) {
    out.value(&u64::try_from(count).unwrap_or(u64::MAX));
}

pub(crate) fn write_all<K: FixedWidth, V>(
    out: &mut Writer,
    map: &BTreeMap<K, V>,
    write: impl Fn(&mut Writer, &V),
) {
    write_count(out, map.len());
    for (key, value) in map {
        out.value(key);
        write(out, value);
    }
}

pub(crate) fn write_steps<T: Copy + PartialEq + FixedWidth>(out: &mut Writer, steps: &Steps<T>) {
    write_count(out, steps.iter().len());
    for (time, value) in steps.iter() {
        out.value(time);
        out.value(value);
    }
}

fn write_request(out: &mut Writer, history: &RequestHistory) {
    out.value(&history.request);
    out.value(&history.created);
    out.value(&history.closed);
    out.value(&u8::from(history.lease.is_some()));
    if let Some(lease) = history.lease {
        out.value(&lease.round);
        out.value(&lease.time);
    }
}

pub(crate) fn read_all<K: FixedWidth + Ord, V>(
    input: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<V, ImageError>,
) -> Result<BTreeMap<K, V>, ImageError> {
    let count: u64 = input.value()?;
    (0..count)
        .map(|_| Ok((input.value()?, read(input)?)))
        .collect()
}

pub(crate) fn read_steps<T: Copy + PartialEq + FixedWidth>(
    input: &mut Reader<'_>,
) -> Result<Steps<T>, ImageError> {
    let count: u64 = input.value()?;
    let mut steps = Steps::default();
    for _ in 0..count {
        if !steps.push(input.value()?, input.value()?) {
            return Err(ImageError::Time);
        }
    }
    Ok(steps)
}

fn read_offer(input: &mut Reader<'_>) -> Result<OfferHistory, ImageError> {
    let count: u64 = input.value()?;
    let versions = (0..count).map(|_| {
        Ok(OfferVersion {
            offer: input.value()?,
            created: input.value()?,
            closed: input.value()?,
        })
    });
    let versions = versions.collect::<Result<_, CodecError>>()?;
    Ok(OfferHistory {
        versions,
        used: read_steps::<Capacity>(input)?,
    })
}

fn read_request(input: &mut Reader<'_>) -> Result<RequestHistory, CodecError> {
    Ok(RequestHistory {
        request: input.value()?,
        created: input.value()?,
        closed: input.value()?,
        lease: match input.value::<u8>()? {
            0 => None,
            _ => {
                let round: Round = input.value()?;
                Some(Lease {
                    round,
                    time: input.value()?,
                })
            }
        },
    })
}
