//! The log of rounds as bytes, for the reader's cache.

use std::collections::VecDeque;

use quorate_canon::CodecError;
use quorate_canon::codec::{Reader, Writer};

use super::{CertifiedRound, PolicyEntry, Refuted, RoundLog, Settled};

impl RoundLog {
    /// Appends the log without what can be taken back; equal logs give equal bytes.
    pub(crate) fn write(&self, out: &mut Writer) {
        write_count(out, self.rounds.len());
        for (round, certified) in &self.rounds {
            out.value(round);
            write_round(out, certified);
        }
        write_count(out, self.policies.len());
        for policy in &self.policies {
            out.value(&policy.version);
            out.value(&policy.effective_from);
            out.value(&policy.hash);
            out.value(&policy.page);
        }
    }

    /// Reads what [`RoundLog::write`] has written; nothing in it can be taken back.
    pub(crate) fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let rounds: u64 = input.value()?;
        let rounds = (0..rounds)
            .map(|_| Ok((input.value()?, read_round(input)?)))
            .collect::<Result<_, CodecError>>()?;
        let policies: u64 = input.value()?;
        let policies = (0..policies)
            .map(|_| read_policy(input))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rounds,
            policies,
            tail: VecDeque::new(),
        })
    }
}

fn write_count(out: &mut Writer, count: usize) {
    out.value(&u64::try_from(count).unwrap_or(u64::MAX));
}

fn write_round(out: &mut Writer, certified: &CertifiedRound) {
    out.value(&certified.digest);
    out.value(&certified.certified);
    out.value(&certified.transaction);
    out.value(&certified.block);
    out.value(&u8::from(certified.proposer.is_some()));
    if let Some(proposer) = &certified.proposer {
        out.value(proposer);
    }
    out.value(&u8::from(certified.settled.is_some()));
    if let Some(settled) = &certified.settled {
        out.value(&settled.time);
        out.value(&settled.count);
        out.value(&settled.block);
    }
    out.value(&u8::from(certified.refuted.is_some()));
    if let Some(refuted) = &certified.refuted {
        out.value(&refuted.time);
        out.value(&refuted.code);
        out.value(&refuted.position);
    }
}

fn read_round(input: &mut Reader<'_>) -> Result<CertifiedRound, CodecError> {
    Ok(CertifiedRound {
        digest: input.value()?,
        certified: input.value()?,
        transaction: input.value()?,
        block: input.value()?,
        proposer: optional(input, |input| input.value())?,
        settled: optional(input, |input| {
            Ok(Settled {
                time: input.value()?,
                count: input.value()?,
                block: input.value()?,
            })
        })?,
        refuted: optional(input, |input| {
            Ok(Refuted {
                time: input.value()?,
                code: input.value()?,
                position: input.value()?,
            })
        })?,
    })
}

fn read_policy(input: &mut Reader<'_>) -> Result<PolicyEntry, CodecError> {
    Ok(PolicyEntry {
        version: input.value()?,
        effective_from: input.value()?,
        hash: input.value()?,
        page: input.value()?,
    })
}

fn optional<T>(
    input: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, CodecError>,
) -> Result<Option<T>, CodecError> {
    match input.value::<u8>()? {
        0 => Ok(None),
        _ => read(input).map(Some),
    }
}
