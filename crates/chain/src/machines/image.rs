//! The index as bytes, for the reader's cache.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use quorate_canon::CodecError;
use quorate_canon::codec::{Reader, Writer};

use super::life::{Leases, Machine, Planned};
use super::{Endpoint, MachineIndex};
use crate::market::ImageError;
use crate::market::image::{read_all, read_steps, write_all, write_count, write_steps};

impl MachineIndex {
    /// The index without what can be taken back; equal indices give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        self.write(&mut out);
        out.into_bytes()
    }

    /// Reads [`MachineIndex::to_bytes`] back; nothing in it can be taken back.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ImageError> {
        let mut input = Reader::new(bytes);
        let index = Self::read(&mut input)?;
        input.finish()?;
        Ok(index)
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        write_all(out, &self.machines, |out, machine| {
            write_machine(out, machine)
        });
        write_all(out, &self.leases, |out, leases| {
            write_all(out, &leases.open, Writer::value);
            write_steps(out, &leases.states);
        });
    }

    pub(crate) fn read(input: &mut Reader<'_>) -> Result<Self, ImageError> {
        Ok(Self {
            machines: read_all(input, |input| Ok(Arc::new(read_machine(input)?)))?,
            leases: read_all(input, |input| {
                let open: BTreeMap<u64, u64> = read_all(input, |input| Ok(input.value()?))?;
                let states = read_steps(input)?;
                Ok(Arc::new(Leases { open, states }))
            })?,
            revision: 0,
            tail: VecDeque::new(),
        })
    }
}

fn write_machine(out: &mut Writer, machine: &Machine) {
    out.value(&machine.provider);
    out.value(&machine.registered);
    out.value(&machine.retired);
    write_count(out, machine.cards.len());
    machine.cards.iter().for_each(|card| out.value(card));
    write_count(out, machine.endpoints.len());
    for (since, endpoint) in &machine.endpoints {
        out.value(since);
        write_count(out, endpoint.url.len());
        out.put(endpoint.url.as_bytes());
        out.value(&endpoint.certificate);
    }
    out.value(&machine.forgotten);
    write_count(out, machine.maintenances.len());
    for planned in &machine.maintenances {
        let (since, until) = planned.ended.unwrap_or_default();
        for time in [planned.announced, planned.from, planned.until, since, until] {
            out.value(&time);
        }
        out.value(&u8::from(planned.ended.is_some()));
    }
}

fn read_machine(input: &mut Reader<'_>) -> Result<Machine, CodecError> {
    Ok(Machine {
        provider: input.value()?,
        registered: input.value()?,
        retired: input.value()?,
        cards: read_many(input, |input| input.value())?.into(),
        endpoints: read_many(input, |input| Ok((input.value()?, read_endpoint(input)?)))?,
        forgotten: input.value()?,
        maintenances: read_many(input, read_planned)?,
    })
}

fn read_endpoint(input: &mut Reader<'_>) -> Result<Endpoint, CodecError> {
    let bytes: Vec<u8> = read_many(input, |input| input.value())?;
    Ok(Endpoint {
        url: String::from_utf8_lossy(&bytes).into(),
        certificate: input.value()?,
    })
}

fn read_planned(input: &mut Reader<'_>) -> Result<Planned, CodecError> {
    let (announced, from, until) = (input.value()?, input.value()?, input.value()?);
    let end = (input.value()?, input.value()?);
    let ended = (input.value::<u8>()? != 0).then_some(end);
    Ok(Planned {
        announced,
        from,
        until,
        ended,
    })
}

fn read_many<T>(
    input: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, CodecError>,
) -> Result<Vec<T>, CodecError> {
    let count: u64 = input.value()?;
    (0..count).map(|_| read(input)).collect()
}
