//! A market as other programs read it: sizes, what each pair scores, and our outcome; one file.
//!
//! All numbers are u32, little-endian. Positions count from 0 in the order of ids.
//!
//! | part | numbers |
//! | --- | --- |
//! | magic | `QPEERS01`, 8 bytes |
//! | counts | offers n, requests m, pairs p |
//! | free | n times (GPUs, CPU milli, memory MiB, disk GiB, Mbit/s) |
//! | demand | m times the same |
//! | matched | for each request the offer that our outcome gives it, or 2^32 - 1 |
//! | starts | m + 1: where each request's pairs begin, and p |
//! | offers, scores, places | p of each: pairs by request, a request's best first; place 0 is the highest of all pairs |

use std::path::Path;

use quorate_matching::{Capacity, Match, PairRank, Snapshot};

use crate::{
    Error,
    naive::{offer_place, request_place},
};

const MAGIC: &[u8; 8] = b"QPEERS01";
/// Stands in the file for "not matched".
const NOBODY: u32 = u32::MAX;

/// An eligible pair of the request under which it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// Position of the offer.
    pub offer: u32,
    /// The score.
    pub score: u32,
    /// How many pairs of the market stand above it.
    pub place: u32,
}

/// All that a matcher needs to know of a market.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// What is free of each machine.
    pub free: Vec<Capacity>,
    /// What each request takes.
    pub demand: Vec<Capacity>,
    /// Who serves each request in our outcome.
    pub matched: Vec<Option<u32>>,
    /// The pairs of each request, its best first.
    pub pairs: Vec<Vec<Pair>>,
}

impl Instance {
    /// Of a market, all its pairs highest first, and our matches.
    ///
    /// # Errors
    /// If a score or the number of pairs does not fit 32 bits.
    pub fn new(snapshot: &Snapshot, ranks: &[PairRank], matches: &[Match]) -> Result<Self, Error> {
        let requests = snapshot.requests();
        let mut pairs = vec![Vec::new(); requests.len()];
        for (place, rank) in ranks.iter().enumerate() {
            pairs[request_place(snapshot, rank.request)].push(Pair {
                offer: narrow("position of an offer", offer_place(snapshot, rank.offer))?,
                score: narrow("score", rank.score)?,
                place: narrow("number of pairs", place)?,
            });
        }
        let mut matched = vec![None; requests.len()];
        for pair in matches {
            let offer = narrow("position of an offer", offer_place(snapshot, pair.offer))?;
            matched[request_place(snapshot, pair.request)] = Some(offer);
        }
        Ok(Self {
            free: snapshot.offers().iter().map(|o| o.free()).collect(),
            demand: requests.iter().map(|r| r.request.demand()).collect(),
            matched,
            pairs,
        })
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// If a count does not fit 32 bits.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut starts = vec![0];
        for pairs in &self.pairs {
            starts.push(starts.last().unwrap_or(&0) + pairs.len());
        }
        let count = starts.last().copied().unwrap_or(0);
        let mut numbers =
            Vec::with_capacity(3 * count + 7 * self.pairs.len() + 5 * self.free.len());
        for size in [self.free.len(), self.demand.len(), count] {
            numbers.push(narrow("count", size)?);
        }
        for capacity in self.free.iter().chain(&self.demand) {
            numbers.extend(row(capacity));
        }
        numbers.extend(self.matched.iter().map(|offer| offer.unwrap_or(NOBODY)));
        for start in starts {
            numbers.push(narrow("count", start)?);
        }
        let pairs = || self.pairs.iter().flatten();
        numbers.extend(pairs().map(|pair| pair.offer));
        numbers.extend(pairs().map(|pair| pair.score));
        numbers.extend(pairs().map(|pair| pair.place));
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
        Ok(MAGIC.iter().copied().chain(bytes).collect())
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// Names the first part that is not as described.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut source = Source::new(bytes)?;
        let [offers, requests, count] = [source.next()?, source.next()?, source.next()?];
        let free = source.capacities(offers)?;
        let demand = source.capacities(requests)?;
        let matched = source.take(requests)?;
        let starts = source.take(requests.saturating_add(1))?;
        let columns = [
            source.take(count)?,
            source.take(count)?,
            source.take(count)?,
        ];
        source.end()?;
        let all: Vec<Pair> = (0..columns[0].len())
            .map(|at| Pair {
                offer: columns[0][at],
                score: columns[1][at],
                place: columns[2][at],
            })
            .collect();
        within("offer of a pair", all.iter().map(|pair| pair.offer), offers)?;
        let served = matched.iter().copied().filter(|offer| *offer != NOBODY);
        within("offer of a match", served, offers)?;
        Ok(Self {
            free,
            demand,
            matched: matched
                .iter()
                .map(|o| (*o != NOBODY).then_some(*o))
                .collect(),
            pairs: split(&starts, &all)?,
        })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        std::fs::write(path, self.to_bytes()?).map_err(Error::file(path))
    }
}

fn row(capacity: &Capacity) -> [u32; 5] {
    [
        u32::from(capacity.gpus),
        capacity.cpu_milli,
        capacity.memory_mib,
        capacity.disk_gib,
        capacity.mbits,
    ]
}

/// The requests' shares of the pairs.
fn split(starts: &[u32], pairs: &[Pair]) -> Result<Vec<Vec<Pair>>, Error> {
    let ends = (starts.first(), starts.last());
    if ends.0 != Some(&0) || ends.1.map(|end| *end as usize) != Some(pairs.len()) {
        let last = ends.1.copied().unwrap_or(0);
        return Err(content("starts", last, format!("0 to {}", pairs.len())));
    }
    let shares = starts.windows(2).map(|share| {
        let (from, to) = (share[0] as usize, share[1] as usize);
        let share = pairs.get(from..to).map(<[Pair]>::to_vec);
        share.ok_or_else(|| content("starts", from as u64, format!("at most {to}")))
    });
    shares.collect()
}

/// The numbers of a file, one after the other.
struct Source<'a> {
    rest: &'a [u8],
}

impl<'a> Source<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let rest = bytes.strip_prefix(MAGIC.as_slice());
        let length = bytes.len() as u64;
        rest.map(|rest| Self { rest })
            .ok_or_else(|| content("magic of a file of so many bytes", length, "QPEERS01"))
    }

    fn take(&mut self, count: u32) -> Result<Vec<u32>, Error> {
        let length = 4 * count as usize;
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            let got = self.rest.len() as u64;
            return Err(content("bytes left", got, format!("at least {length}")));
        };
        self.rest = rest;
        let (numbers, _) = taken.as_chunks::<4>();
        Ok(numbers.iter().copied().map(u32::from_le_bytes).collect())
    }

    fn next(&mut self) -> Result<u32, Error> {
        self.take(1).map(|numbers| numbers[0])
    }

    fn capacities(&mut self, count: u32) -> Result<Vec<Capacity>, Error> {
        let numbers = self.take(count.saturating_mul(5))?;
        let (rows, _) = numbers.as_chunks::<5>();
        let capacity = |[gpus, cpu_milli, memory_mib, disk_gib, mbits]: &[u32; 5]| {
            Ok(Capacity {
                gpus: u8::try_from(*gpus).map_err(|_| content("GPUs", *gpus, "at most 255"))?,
                cpu_milli: *cpu_milli,
                memory_mib: *memory_mib,
                disk_gib: *disk_gib,
                mbits: *mbits,
            })
        };
        rows.iter().map(capacity).collect()
    }

    fn end(&self) -> Result<(), Error> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(content("bytes left", left as u64, "0")),
        }
    }
}

fn within(
    field: &'static str,
    mut numbers: impl Iterator<Item = u32>,
    bound: u32,
) -> Result<(), Error> {
    match numbers.find(|number| *number >= bound) {
        Some(got) => Err(content(field, got, format!("below {bound}"))),
        None => Ok(()),
    }
}

fn narrow<T: Copy + TryInto<u32> + TryInto<u64>>(
    field: &'static str,
    number: T,
) -> Result<u32, Error> {
    let got = number.try_into().unwrap_or(u64::MAX);
    u32::try_from(got).map_err(|_| content(field, got, "below 2^32"))
}

fn content(field: &'static str, got: impl Into<u64>, expected: impl Into<String>) -> Error {
    Error::Content {
        field,
        got: got.into(),
        expected: expected.into(),
    }
}
