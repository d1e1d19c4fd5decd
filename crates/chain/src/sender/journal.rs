//! What was signed, written down before it is broadcast.
//!
//! A process that is killed between signature, broadcast, receipt and the note of it finds its
//! transactions here and watches them to their end; none is signed a second time under another
//! nonce while the first may be mined.

use std::path::Path;

use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use quorate_canon::codec::{Reader, Writer};
use quorate_canon::{CodecError, Timestamp};
use quorate_store::Table;
use quorate_store::sqlite::{Database, Migration, Schema};
use tokio::time::Instant;

use super::broadcast::Payload;
use super::fees::Fees;
use super::slot::Slot;
use super::{Call, SendError};

const CALLS: Table = Table::new("calls");
const OWNER: Table = Table::new("owner");
/// "QTXJ".
const SCHEMA: Schema = Schema {
    application_id: 0x5154_584a,
    migrations: &[Migration::AddTable(CALLS), Migration::AddTable(OWNER)],
};
/// Before a key that a caller gave, and before one that was made up.
const GIVEN: char = '=';
const MADE_UP: char = '~';
const PENDING: u8 = 1;
const DONE: u8 = 2;
/// As [`PENDING`], with the call's own cap on fees at the end.
const CAPPED: u8 = 3;

/// What the journal says of a key.
#[derive(Debug)]
pub(super) enum Entry {
    /// Signed, and not known to be mined.
    Pending(Box<Slot>),
    /// Mined, as this transaction.
    Done(B256),
}

/// The journal; without a file it keeps nothing.
pub(super) struct Journal(Option<Database>);

/// The journal's key of a call.
pub(super) fn journal_key(call: &Call, nonce: u64, hash: B256) -> String {
    call.key
        .as_ref()
        .map_or_else(|| format!("{MADE_UP}{nonce}/{hash}"), |key| given(key))
}

/// The key that the caller gave, if one did.
pub(super) fn callers_key(key: &str) -> Option<String> {
    key.strip_prefix(GIVEN).map(str::to_owned)
}

fn given(key: &str) -> String {
    format!("{GIVEN}{key}")
}

impl Journal {
    /// Opens or creates the file and binds it to a key and a chain.
    pub(super) fn open(
        path: Option<&Path>,
        chain_id: u64,
        address: Address,
    ) -> Result<Self, SendError> {
        let Some(path) = path else {
            return Ok(Self(None));
        };
        let database = Database::open_or_create(path, &SCHEMA)?;
        let owner = format!("{chain_id}/{address}");
        let found = database.transact(|transaction| {
            transaction.insert(OWNER, b"owner", owner.as_bytes())?;
            Ok::<_, SendError>(transaction.get(OWNER, b"owner")?.unwrap_or_default())
        })?;
        if found != owner.as_bytes() {
            let found = String::from_utf8_lossy(&found);
            return Err(SendError::ForeignJournal(format!(
                "got that of {found}, expected {owner}"
            )));
        }
        Ok(Self(Some(database)))
    }

    /// Everything that was signed and is not known to be mined, by nonce.
    pub(super) fn pending(&self) -> Result<Vec<Slot>, SendError> {
        let Some(database) = &self.0 else {
            return Ok(Vec::new());
        };
        let records = database.transact(|t| Ok::<_, SendError>(t.scan(CALLS, b"")?))?;
        let mut slots = Vec::new();
        for (key, record) in records {
            if let Entry::Pending(slot) = read(&key, &record)? {
                slots.push(*slot);
            }
        }
        slots.sort_by_key(|slot| slot.nonce);
        Ok(slots)
    }

    /// What is known of a caller's key.
    pub(super) fn get(&self, key: &str) -> Result<Option<Entry>, SendError> {
        let Some(database) = &self.0 else {
            return Ok(None);
        };
        let key = given(key);
        let record = database.transact(|t| Ok::<_, SendError>(t.get(CALLS, key.as_bytes())?))?;
        record
            .map(|record| read(key.as_bytes(), &record))
            .transpose()
    }

    /// Writes a slot down, durably.
    pub(super) fn put(&self, slot: &Slot) -> Result<(), SendError> {
        self.write(|t| t.put(CALLS, slot.key.as_bytes(), &pending_record(slot)))
    }

    /// Notes that a call was mined. Only callers' keys are remembered.
    pub(super) fn done(&self, key: &str, hash: B256) -> Result<(), SendError> {
        if !key.starts_with(GIVEN) {
            return self.remove(key);
        }
        let mut out = Writer::default();
        out.value(&DONE);
        out.put(hash.as_slice());
        self.write(|t| t.put(CALLS, key.as_bytes(), out.as_bytes()))
    }

    /// Forgets an entry.
    pub(super) fn remove(&self, key: &str) -> Result<(), SendError> {
        self.write(|t| t.delete(CALLS, key.as_bytes()).map(|_| ()))
    }

    /// Forgets a caller's key, if its call was mined.
    pub(super) fn forget_done(&self, key: &str) -> Result<(), SendError> {
        match self.get(key)? {
            Some(Entry::Done(_)) => self.remove(&given(key)),
            _ => Ok(()),
        }
    }

    fn write(
        &self,
        action: impl FnOnce(&quorate_store::sqlite::Transaction<'_>) -> quorate_store::Result<()>,
    ) -> Result<(), SendError> {
        let Some(database) = &self.0 else {
            return Ok(());
        };
        Ok(database.transact(action)?)
    }
}

fn pending_record(slot: &Slot) -> Vec<u8> {
    let mut out = Writer::default();
    let cap = slot.payload.fee_cap;
    out.value(if cap.is_some() { &CAPPED } else { &PENDING });
    out.value(&slot.nonce);
    out.value(&slot.deadline.map_or(u64::MAX, Timestamp::get));
    out.value(&u8::from(slot.given_up.is_some()));
    out.value(&slot.fees.max);
    out.value(&slot.fees.tip);
    let to = slot.payload.to.to();
    out.value(&u8::from(to.is_some()));
    out.put(to.copied().unwrap_or_default().as_slice());
    out.put(&slot.payload.value.to_be_bytes::<32>());
    out.value(&slot.payload.gas);
    write_bytes(&mut out, &slot.payload.input);
    write_bytes(&mut out, &slot.raw);
    write_bytes(&mut out, &slot.hashes.concat());
    write_bytes(&mut out, &slot.fillers.concat());
    if let Some(cap) = cap {
        out.value(&cap);
    }
    out.into_bytes()
}

fn write_bytes(out: &mut Writer, bytes: &[u8]) {
    out.value(&u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    out.put(bytes);
}

fn read(key: &[u8], record: &[u8]) -> Result<Entry, SendError> {
    let entry = match record.split_first() {
        Some((&DONE, hash)) => B256::try_from(hash).ok().map(Entry::Done),
        Some((&tag @ (PENDING | CAPPED), rest)) => {
            let key = String::from_utf8_lossy(key).into_owned();
            read_slot(key, rest, tag == CAPPED)
                .ok()
                .map(|slot| Entry::Pending(Box::new(slot)))
        }
        _ => None,
    };
    let key = String::from_utf8_lossy(key);
    entry.ok_or_else(|| SendError::ForeignJournal(format!("record of {key} is not ours")))
}

fn read_slot(key: String, record: &[u8], capped: bool) -> Result<Slot, CodecError> {
    let mut input = Reader::new(record);
    let nonce = input.value()?;
    let deadline: u64 = input.value()?;
    let given_up: u8 = input.value()?;
    let fees = Fees {
        max: input.value()?,
        tip: input.value()?,
    };
    let has_to: u8 = input.value()?;
    let to = Address::new(input.take()?);
    let to = if has_to == 1 {
        TxKind::Call(to)
    } else {
        TxKind::Create
    };
    let value = U256::from_be_bytes::<32>(input.take()?);
    let gas = input.value()?;
    let payload = Payload {
        to,
        value,
        gas,
        fee_cap: None,
        input: read_bytes(&mut input)?,
    };
    let deadline = (deadline != u64::MAX).then_some(Timestamp::new(deadline));
    let mut slot = Slot::new(key, deadline, Instant::now(), nonce, payload, fees);
    slot.raw = read_bytes(&mut input)?;
    slot.hashes = hashes(&read_bytes(&mut input)?);
    slot.fillers = hashes(&read_bytes(&mut input)?);
    slot.given_up = (given_up == 1).then_some(SendError::Stopped);
    if capped {
        slot.payload.fee_cap = Some(input.value()?);
    }
    input.finish()?;
    Ok(slot)
}

fn read_bytes(input: &mut Reader<'_>) -> Result<Bytes, CodecError> {
    let length: u64 = input.value()?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(Bytes::copy_from_slice(input.slice(length)?))
}

fn hashes(bytes: &[u8]) -> Vec<B256> {
    bytes
        .as_chunks::<32>()
        .0
        .iter()
        .map(|hash| B256::new(*hash))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(fee_cap: Option<u128>) -> Slot {
        let payload = Payload {
            to: TxKind::Call(Address::repeat_byte(1)),
            input: Bytes::from_static(&[1, 2, 3]),
            value: U256::from(4),
            gas: 5,
            fee_cap,
        };
        let fees = Fees { max: 7, tip: 6 };
        let mut slot = Slot::new("=a".into(), None, Instant::now(), 8, payload, fees);
        slot.signed(B256::repeat_byte(9), Bytes::from_static(&[10]), fees);
        slot
    }

    #[test]
    fn a_restart_keeps_a_call_s_own_cap_and_reads_records_without_one() {
        for cap in [None, Some(u128::MAX), Some(0)] {
            let (written, folder) = (slot(cap), tempfile::tempdir().unwrap());
            let file = folder.path().join("sent.sqlite");
            let open = || Journal::open(Some(&file), 1, Address::ZERO).unwrap();
            open().put(&written).unwrap();
            let found = open().pending().unwrap();
            let of = |slot: &Slot| (slot.payload.clone(), slot.hashes.clone(), slot.raw.clone());
            assert_eq!(found.iter().map(of).collect::<Vec<_>>(), [of(&written)]);
        }
        // As they were written before there were caps: the mark 1, and nothing after the fillers.
        assert_eq!(pending_record(&slot(None)).first(), Some(&1));
    }
}
