//! The lists that an aggregator proposes: what enough operators say together, in few messages.

use std::collections::{BTreeMap, BTreeSet};

use quorate_canon::{Mask256, OperatorIndex};

use crate::claims::{Judged, union};
use crate::{Claims, Committee, DownEntry, DownList, Subject};

/// The most lists of one proposal.
pub const MAX_LISTS: usize = 8;

/// A list, and who can sign it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The list.
    pub list: DownList,
    /// All operators with stake, less the members of a committee that do not call DOWN what the list
    /// does. Without those that are silent it may still stand: members that agree hold more than two
    /// thirds of each machine's seats.
    pub signers: BTreeSet<OperatorIndex>,
}

/// The lists of a health epoch that its operators can sign, at most [`MAX_LISTS`].
///
/// `words` is what each operator calls DOWN, by its own signed lists; `staked` are the operators with
/// stake; `certified` is what needs no list any more. For each machine those windows count on which
/// members with more than two thirds of the seats agree. Windows of a machine that the same members
/// agree on stay together. Piece by piece, those first with which most operators agree, each goes to
/// the first list that can take it: where afterwards, for every machine of the list, members with more
/// than two thirds of the seats still agree with the whole list. What no list can take waits: once the
/// others are certified, it is proposed next.
///
/// The same facts give the same lists, in the same order.
#[must_use]
pub fn propose(
    words: &BTreeMap<OperatorIndex, Claims>,
    staked: &BTreeSet<OperatorIndex>,
    certified: &Claims,
    judged: &Judged<'_>,
) -> Vec<Proposal> {
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    for piece in pieces(words, certified, judged) {
        let taken = drafts.iter_mut().any(|draft| draft.take(&piece));
        if !taken && drafts.len() < MAX_LISTS {
            drafts.push(Draft::of(&piece));
        }
    }
    drafts
        .into_iter()
        .filter_map(|draft| draft.finish(staked, judged))
        .collect()
}

/// Windows of one machine on which the same members agree.
struct Piece<'a> {
    entry: DownEntry,
    committee: &'a Committee,
    /// The members that do not agree.
    against: BTreeSet<OperatorIndex>,
}

/// All pieces with enough seats, those with the fewest against them first.
fn pieces<'a>(
    words: &BTreeMap<OperatorIndex, Claims>,
    certified: &Claims,
    judged: &Judged<'a>,
) -> Vec<Piece<'a>> {
    let mut pieces: Vec<_> = judged
        .committees
        .iter()
        .flat_map(|(subject, committee)| {
            let known = certified.of(*subject);
            pieces_of(*subject, committee, words, &known, judged.windows)
        })
        .collect();
    // Stable: otherwise by subject, then by first window.
    pieces.sort_by_key(|piece| piece.against.len());
    pieces
}

fn pieces_of<'a>(
    subject: Subject,
    committee: &'a Committee,
    words: &BTreeMap<OperatorIndex, Claims>,
    certified: &Mask256,
    windows: u16,
) -> Vec<Piece<'a>> {
    let members: Vec<_> = committee
        .members()
        .into_iter()
        .map(|member| {
            let own = words.get(&member).map(|claims| claims.of(subject));
            (member, own.unwrap_or(Mask256::ZERO))
        })
        .collect();
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    for bit in (0..=u8::MAX).filter(|bit| u16::from(*bit) < windows && !certified.bit(*bit)) {
        let against: BTreeSet<_> = members
            .iter()
            .filter(|(_, own)| !own.bit(bit))
            .map(|(member, _)| *member)
            .collect();
        if !stands(committee, &against) {
            continue;
        }
        match pieces.iter_mut().find(|piece| piece.against == against) {
            Some(piece) => piece.entry.windows = piece.entry.windows.with(bit),
            None => pieces.push(Piece {
                entry: DownEntry {
                    subject,
                    windows: Mask256::of(&[bit]),
                },
                committee,
                against,
            }),
        }
    }
    pieces
}

/// Whether the others hold more than two thirds of the seats.
fn stands(committee: &Committee, against: &BTreeSet<OperatorIndex>) -> bool {
    committee.stands_by(|seat| !against.contains(&seat))
}

/// A list in the making.
struct Draft<'a> {
    machines: BTreeMap<Subject, (Mask256, &'a Committee)>,
    against: BTreeSet<OperatorIndex>,
}

impl<'a> Draft<'a> {
    fn of(piece: &Piece<'a>) -> Self {
        let machine = (piece.entry.windows, piece.committee);
        Self {
            machines: BTreeMap::from([(piece.entry.subject, machine)]),
            against: piece.against.clone(),
        }
    }

    /// Takes the piece, if the list still stands with it.
    fn take(&mut self, piece: &Piece<'a>) -> bool {
        let subject = piece.entry.subject;
        let known = self.machines.contains_key(&subject);
        if !known && self.machines.len() >= DownList::MOST {
            return false;
        }
        let against: BTreeSet<_> = self.against.union(&piece.against).copied().collect();
        let same = against.len() == self.against.len();
        let others = || self.machines.values().map(|(_, committee)| *committee);
        if !(same || others().all(|committee| stands(committee, &against)))
            || !stands(piece.committee, &against)
        {
            return false;
        }
        let (windows, _) = self
            .machines
            .entry(subject)
            .or_insert((Mask256::ZERO, piece.committee));
        *windows = union(windows, &piece.entry.windows);
        self.against = against;
        true
    }

    /// A draft has 1 to 256 machines in order, each with a window: there is a list of it.
    fn finish(self, staked: &BTreeSet<OperatorIndex>, judged: &Judged<'_>) -> Option<Proposal> {
        let entries = self.machines.iter();
        let entries = entries.map(|(subject, (windows, _))| DownEntry {
            subject: *subject,
            windows: *windows,
        });
        let list = DownList::new(judged.network, judged.epoch, entries.collect()).ok()?;
        let signers = staked.difference(&self.against).copied().collect();
        Some(Proposal { list, signers })
    }
}
