//! A stake table as pages, and back (docs/formats.md, section 10).

use quorate_bls::PublicKey;
use quorate_canon::{Digest, OperatorStake, hash};

use crate::{Commitment, KEYS_PER_PAGE, ProtocolError, StakeTable, table::require_size};

impl StakeTable {
    /// A table from its pages, each checked against the commitment before it is read.
    ///
    /// # Errors
    /// [`ProtocolError`], naming what does not fit.
    pub fn from_pages(
        commitment: &Commitment,
        stakes: &[u8],
        keys: &[impl AsRef<[u8]>],
    ) -> Result<Self, ProtocolError> {
        require_hash("stakes page".into(), stakes, commitment.stakes_hash)?;
        require_size("pages of keys", keys.len(), commitment.key_pages.len())?;
        for (index, (page, expected)) in keys.iter().zip(&commitment.key_pages).enumerate() {
            require_hash(format!("keys page {index}"), page.as_ref(), *expected)?;
        }
        let keys = read_keys(keys)?;
        require_size(
            "keys",
            keys.len(),
            usize::try_from(commitment.count).unwrap_or(usize::MAX),
        )?;
        let table = Self::new(commitment.epoch, keys, read_stakes(stakes)?)?;
        if table.total() != commitment.total {
            return Err(ProtocolError::CommitmentSum { what: "total" });
        }
        if *table.aggregate_key() != commitment.aggregate_key {
            return Err(ProtocolError::CommitmentSum {
                what: "aggregate key",
            });
        }
        Ok(table)
    }

    /// The pages of keys, in order.
    pub fn key_pages(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.keys()
            .chunks(KEYS_PER_PAGE)
            .map(|page| page.iter().flat_map(PublicKey::to_bytes192).collect())
    }

    /// The page of stakes.
    #[must_use]
    pub fn stakes_page(&self) -> Vec<u8> {
        self.stakes()
            .iter()
            .flat_map(|stake| stake.get().to_be_bytes())
            .collect()
    }

    /// What L1 says of this table.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        Commitment {
            epoch: self.epoch(),
            count: self.count(),
            total: self.total(),
            aggregate_key: *self.aggregate_key(),
            stakes_hash: hash::sha256(&[&self.stakes_page()]),
            key_pages: self
                .key_pages()
                .map(|page| hash::sha256(&[&page]))
                .collect(),
        }
    }
}

fn require_hash(page: String, bytes: &[u8], expected: Digest) -> Result<(), ProtocolError> {
    let got = hash::sha256(&[bytes]);
    if got == expected {
        Ok(())
    } else {
        Err(ProtocolError::PageHash {
            page,
            got,
            expected,
        })
    }
}

/// All keys of all pages. Every page but the last is full; the hashes have said so already, unless
/// the commitment itself is of other pages.
fn read_keys(pages: &[impl AsRef<[u8]>]) -> Result<Vec<PublicKey>, ProtocolError> {
    let mut keys = Vec::new();
    for page in pages {
        if !keys.len().is_multiple_of(KEYS_PER_PAGE) {
            let (got, expected) = (keys.len(), keys.len().next_multiple_of(KEYS_PER_PAGE));
            return Err(ProtocolError::TableSize {
                what: "keys before a page",
                got,
                expected,
            });
        }
        let (chunks, rest) = page.as_ref().as_chunks::<{ PublicKey::BYTES }>();
        require_size("bytes after the keys", rest.len(), 0)?;
        for bytes in chunks {
            keys.push(PublicKey::from_bytes192(bytes)?);
        }
    }
    Ok(keys)
}

fn read_stakes(page: &[u8]) -> Result<Vec<OperatorStake>, ProtocolError> {
    let (chunks, rest) = page.as_chunks::<16>();
    require_size("bytes after the stakes", rest.len(), 0)?;
    Ok(chunks
        .iter()
        .map(|bytes| OperatorStake::new(u128::from_be_bytes(*bytes)))
        .collect())
}
