//! The windows of a health epoch in which machines were DOWN, as operators sign them.

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::hash::{sha256, tag};
use quorate_canon::{CodecError, Digest, HealthEpoch, Mask256};

use crate::range::ensure;
use crate::word::{WORD_VERSION, read_beginning};
use crate::{HealthError, Network, Receipt, Subject, Window};

/// What a list begins with.
const LIST: &str = "quorate/down/v1";

/// One subject's windows DOWN; 41 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DownEntry {
    /// The subject.
    pub subject: Subject,
    /// Its windows DOWN: window `w` is bit `w`. Not empty.
    pub windows: Mask256,
}

impl DownEntry {
    /// Whether the window is among them.
    #[must_use]
    pub fn has(&self, window: Window) -> bool {
        u8::try_from(window.0).is_ok_and(|bit| self.windows.bit(bit))
    }
}

impl FixedWidth for DownEntry {
    const WIDTH: usize = 41;

    fn write(&self, out: &mut Writer) {
        out.value(&self.subject);
        out.value(&self.windows);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let entry = Self {
            subject: input.value()?,
            windows: input.value()?,
        };
        ensure(!entry.windows.is_zero(), "windows", 0_u64, "at least one")?;
        Ok(entry)
    }
}

/// Windows DOWN of one health epoch, for many machines in one message: 102 bytes and 41 for each
/// entry. Whoever signs it speaks of those machines on whose committees it sits, and of no other.
///
/// Every list that exists has 1 to 256 entries, strictly ascending by subject, none of them empty.
/// That its windows are windows of the epoch is for [`DownList::require_windows`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DownList {
    network: Network,
    epoch: HealthEpoch,
    entries: Vec<DownEntry>,
}

impl DownList {
    /// The most entries of a list.
    pub const MOST: usize = 256;
    /// Bytes before the first entry.
    pub const HEADER: usize = 102;
    /// Bytes of the longest list.
    pub const MAX_WIDTH: usize = Self::HEADER + Self::MOST * DownEntry::WIDTH;

    /// A list of entries that stand by subject, strictly ascending.
    ///
    /// # Errors
    /// [`HealthError::Entries`], [`HealthError::Unsorted`], and [`HealthError::Windows`] for an entry
    /// without a window.
    pub fn new(
        network: Network,
        epoch: HealthEpoch,
        entries: Vec<DownEntry>,
    ) -> Result<Self, HealthError> {
        check_count(entries.len())?;
        let pairs = entries.iter().zip(entries.iter().skip(1));
        for (at, (before, after)) in (1..).zip(pairs) {
            if after.subject <= before.subject {
                return Err(HealthError::Unsorted { at });
            }
        }
        let list = Self {
            network,
            epoch,
            entries,
        };
        list.require_windows(256)?;
        Ok(list)
    }

    /// Which network it belongs to.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// The health epoch whose windows they are.
    #[must_use]
    pub const fn epoch(&self) -> HealthEpoch {
        self.epoch
    }

    /// The entries, by subject.
    #[must_use]
    pub fn entries(&self) -> &[DownEntry] {
        &self.entries
    }

    /// The entry of a subject, if it has one.
    #[must_use]
    pub fn entry(&self, subject: Subject) -> Option<&DownEntry> {
        let at = self
            .entries
            .binary_search_by_key(&subject, |entry| entry.subject)
            .ok()?;
        self.entries.get(at)
    }

    /// What an operator signs, as it signs a vote: SHA-256 of the bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        sha256(&[&self.to_bytes()])
    }

    /// Whether every window is one of an epoch of `windows` windows.
    ///
    /// # Errors
    /// [`HealthError::Windows`] for the first entry of which that is not so.
    pub fn require_windows(&self, windows: u16) -> Result<(), HealthError> {
        let known = windows_below(windows);
        match self
            .entries
            .iter()
            .find(|entry| entry.windows.is_zero() || !entry.windows.is_subset_of(&known))
        {
            None => Ok(()),
            Some(entry) => Err(HealthError::Windows {
                subject: entry.subject,
                got: entry.windows,
                windows,
            }),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let entries = self.entries.len().saturating_mul(DownEntry::WIDTH);
        let mut out = Writer::with_capacity(Self::HEADER.saturating_add(entries));
        out.put(&tag(LIST));
        out.value(&WORD_VERSION);
        out.value(&self.network);
        out.value(&self.epoch);
        // At most 256, as `new` has it.
        out.value(&u16::try_from(self.entries.len()).unwrap_or(u16::MAX));
        for entry in &self.entries {
            out.value(entry);
        }
        out.into_bytes()
    }

    /// Reads a list, all of `bytes`. Never takes more memory than the longest list.
    ///
    /// # Errors
    /// [`HealthError::Bytes`] if they are no list; and as [`Self::new`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HealthError> {
        let mut input = Reader::new(bytes);
        read_beginning(&mut input, LIST)?;
        let network = input.value()?;
        let epoch = input.value()?;
        let count: u16 = input.value()?;
        check_count(count.into())?;
        let entries = (0..count)
            .map(|_| input.value())
            .collect::<Result<_, _>>()?;
        input.finish()?;
        Self::new(network, epoch, entries)
    }
}

fn check_count(got: usize) -> Result<(), HealthError> {
    if (1..=DownList::MOST).contains(&got) {
        return Ok(());
    }
    Err(HealthError::Entries {
        got,
        most: DownList::MOST,
    })
}

/// The windows 0 to `windows - 1`, as a mask.
fn windows_below(windows: u16) -> Mask256 {
    (0..=u8::MAX)
        .filter(|bit| u16::from(*bit) < windows)
        .fold(Mask256::ZERO, Mask256::with)
}

/// Whether the two, signed by the same operator, prove a false attestation: the list calls DOWN what
/// the receipt says passed. A receipt contradicts nothing else.
#[must_use]
pub fn contradicts(receipt: &Receipt, list: &DownList) -> bool {
    let place = &receipt.0;
    let entry = list.entry(place.subject);
    place.network == list.network
        && place.epoch == list.epoch
        && entry.is_some_and(|entry| entry.has(place.window))
}
