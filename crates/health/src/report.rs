//! What an agent says about its machine in answer to one probe.

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::hash::{sha256, tag};
use quorate_canon::{CodecError, Digest, HealthEpoch, OfferId, OperatorIndex, Timestamp};

use crate::range::ensure;
use crate::{GpuRecord, LeaseState, Window};

/// The version of the report's bytes.
pub const REPORT_VERSION: u32 = 1;

/// The most cards of one machine.
pub const MAX_GPUS: usize = 16;

/// Width of a machine key's signature: r, s, and v (27 or 28).
pub const SIGNATURE: usize = 65;

/// Width of what stands before the cards.
const HEAD: usize = 96;

/// Flag bit: the cards are simulated.
const SIMULATED: u8 = 1;

/// Whom a probe asks, and of whom a word speaks.
///
/// A later version will add the endpoint of a lease (code 2). A word about one subject never
/// contradicts a word about another. Subjects stand in the order of their bytes: by code, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Code 1: a machine, by its offer.
    Machine(OfferId),
}

impl FixedWidth for Subject {
    const WIDTH: usize = 9;

    fn write(&self, out: &mut Writer) {
        match self {
            Self::Machine(offer) => {
                out.value(&1_u8);
                out.value(offer);
            }
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let code: u8 = input.value()?;
        ensure(code == 1, "subject", code, "1, a machine")?;
        input.value().map(Self::Machine)
    }
}

/// What an operator draws for one probe, so that no answer fits another.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(pub [u8; 16]);

impl FixedWidth for Nonce {
    const WIDTH: usize = 16;

    fn write(&self, out: &mut Writer) {
        out.put(&self.0);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        input.take().map(Self)
    }
}

/// What a probe asks for; 32 bits. A later version adds checks that need the card, such as a proof of
/// work that only the claimed card can do in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checks(u32);

impl Checks {
    /// Bit 0: the report itself, which every probe asks for. The only one so far.
    pub const REPORT: Self = Self(1);
}

impl FixedWidth for Checks {
    const WIDTH: usize = 4;

    fn write(&self, out: &mut Writer) {
        out.value(&self.0);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let bits: u32 = input.value()?;
        ensure(bits == Self::REPORT.0, "checks", bits, "1, a report")?;
        Ok(Self(bits))
    }
}

/// Three numbers of a program's version; 6 bytes. Ordered as versions are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// The first number.
    pub major: u16,
    /// The second.
    pub minor: u16,
    /// The third.
    pub patch: u16,
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FixedWidth for Release {
    const WIDTH: usize = 6;

    fn write(&self, out: &mut Writer) {
        for number in [self.major, self.minor, self.patch] {
            out.value(&number);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            major: input.value()?,
            minor: input.value()?,
            patch: input.value()?,
        })
    }
}

/// A report: 96 bytes, and 224 for each card.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Report {
    /// Whom the probe asked.
    pub subject: Subject,
    /// The operator whom it answers.
    pub operator: OperatorIndex,
    /// The health epoch of the probe.
    pub epoch: HealthEpoch,
    /// The window of the probe.
    pub window: Window,
    /// The probe's nonce.
    pub nonce: Nonce,
    /// Leases on chain, as the probe said.
    pub lease: LeaseState,
    /// What the probe asked for.
    pub checks: Checks,
    /// When the report was made, by the machine's clock. No verdict reads it.
    pub time: Timestamp,
    /// Since when the agent has listened for events, by the machine's clock.
    pub listening_since: Timestamp,
    /// The agent's version.
    pub agent: Release,
    /// The driver's version.
    pub driver: Release,
    /// Whether the cards are simulated.
    pub simulated: bool,
    /// The cards, by UUID, strictly ascending, at most [`MAX_GPUS`].
    pub gpus: Vec<GpuRecord>,
}

impl Report {
    /// The report with its cards in order and bounded, as the format wants them.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.gpus = self.gpus.into_iter().map(GpuRecord::bounded).collect();
        self.gpus.sort_by_key(|gpu| gpu.uuid);
        self.gpus.dedup_by_key(|gpu| gpu.uuid);
        self.gpus.truncate(MAX_GPUS);
        self
    }

    /// The bytes that are hashed and sent. Only a [`Self::canonical`] report reads back as itself.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let cards = self.gpus.iter().take(MAX_GPUS);
        let width = GpuRecord::WIDTH.saturating_mul(cards.len());
        let mut out = Writer::with_capacity(HEAD.saturating_add(width));
        out.value(&REPORT_VERSION);
        out.value(&self.subject);
        out.value(&self.operator);
        out.value(&self.epoch);
        out.value(&self.window);
        out.value(&self.nonce);
        out.value(&self.lease);
        out.value(&self.checks);
        out.value(&self.time);
        out.value(&self.listening_since);
        out.value(&self.agent);
        out.value(&self.driver);
        out.value(&u8::from(self.simulated));
        out.value(&u8::try_from(cards.len()).unwrap_or(u8::MAX));
        out.spare(14);
        for card in cards {
            out.value(card);
        }
        out.into_bytes()
    }

    /// Reads a report; total over all bytes.
    ///
    /// # Errors
    /// For another version or subject, for cards that are too many, twice or out of order, for
    /// fields out of range, and for bytes that are too few or too many.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut input = Reader::new(bytes);
        let version: u32 = input.value()?;
        ensure(version == REPORT_VERSION, "version", version, "1")?;
        let mut report = Self {
            subject: input.value()?,
            operator: input.value()?,
            epoch: input.value()?,
            window: input.value()?,
            nonce: input.value()?,
            lease: input.value()?,
            checks: input.value()?,
            time: input.value()?,
            listening_since: input.value()?,
            agent: input.value()?,
            driver: input.value()?,
            simulated: read_flags(&mut input)?,
            gpus: Vec::new(),
        };
        let count: u8 = input.value()?;
        input.spare(14)?;
        ensure(usize::from(count) <= MAX_GPUS, "gpus", count, "at most 16")?;
        for position in 0..count {
            let card: GpuRecord = input.value()?;
            let ascending = report.gpus.last().is_none_or(|last| last.uuid < card.uuid);
            ensure(ascending, "gpus", position, "uuids strictly ascending")?;
            report.gpus.push(card);
        }
        input.finish()?;
        Ok(report)
    }

    /// What the machine key signs: SHA-256 of the padded tag and the bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        sha256(&[&tag("quorate/report/v1"), &self.to_bytes()])
    }
}

fn read_flags(input: &mut Reader<'_>) -> Result<bool, CodecError> {
    let flags: u8 = input.value()?;
    ensure(flags <= SIMULATED, "flags", flags, "0 or 1")?;
    Ok(flags == SIMULATED)
}

/// A report and its signature as they travel: the report's bytes, then r, s and v.
///
/// Whose signature it is, and whether it is good, is for the caller to find out: recover the address
/// from [`Report::digest`] and compare it with the machine key on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedReport {
    /// The report.
    pub report: Report,
    /// r (32 bytes), s (32 bytes), v (27 or 28).
    pub signature: [u8; SIGNATURE],
}

impl SignedReport {
    /// The longest that one can be.
    pub const MAX_WIDTH: usize = HEAD + MAX_GPUS * GpuRecord::WIDTH + SIGNATURE;

    /// The bytes that are sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.report.to_bytes();
        bytes.extend_from_slice(&self.signature);
        bytes
    }

    /// Reads what was sent; the signature stands at the end.
    ///
    /// # Errors
    /// As [`Report::from_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let (report, signature) =
            bytes
                .split_last_chunk::<SIGNATURE>()
                .ok_or(CodecError::Short {
                    at: 0,
                    got: bytes.len(),
                    expected: SIGNATURE,
                })?;
        Ok(Self {
            report: Report::from_bytes(report)?,
            signature: *signature,
        })
    }
}
