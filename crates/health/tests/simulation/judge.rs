//! One epoch with one machine of each fault: from words to certified windows, and these against the
//! truth.

use std::collections::BTreeMap;

use quorate_canon::{Mask256, OperatorIndex};
use quorate_health::{
    Claims, Committee, DownEntry, DownList, HealthPolicy, Judged, Place, Receipt, Subject, Window,
    agrees, contradicts, propose,
};

use super::counts::Counts;
use super::crew::{Crew, some_seats};
use super::dice::Dice;
use super::draw::third;
use super::probing::{Member, Words};
use super::spans::{Ms, SECOND};
use super::story::{BASE, Lie, Story};
use super::{Fault, Rows};

/// A machine, what its committee may say of it, and who of them lies.
struct Case {
    story: Story,
    subject: Subject,
    words: BTreeMap<OperatorIndex, Words>,
    liars: Vec<OperatorIndex>,
    counts: Counts,
}

/// The rows of one epoch.
pub(super) fn epoch(seed: u64, number: u64) -> Rows {
    let policy = HealthPolicy::recommended();
    let crew = Crew::new(seed, number, &policy);
    let mut committees = BTreeMap::new();
    let mut cases = Vec::new();
    for (machine, fault) in (1..).zip(Fault::ALL) {
        let mut dice = Dice::of(&[seed, number, 2, machine]);
        let story = Story::of(fault, &mut dice, &policy);
        let (subject, committee) = crew.committee(machine, &policy);
        cases.push(case(&crew, &policy, story, subject, &committee, dice));
        committees.insert(subject, committee);
    }
    let judged = Judged {
        network: crew.network,
        epoch: crew.epoch,
        windows: policy.windows,
        committees: &committees,
    };
    let certified = certify(&crew, &judged, &mut cases);
    for case in &mut cases {
        let down = certified.of(case.subject);
        compare(&crew, &policy, &case.story, &down, &mut case.counts);
    }
    let counts = cases.into_iter().map(|case| case.counts);
    Fault::ALL.into_iter().zip(counts).collect()
}

/// Lets the committee of a machine probe it all day.
fn case(
    crew: &Crew,
    policy: &HealthPolicy,
    story: Story,
    subject: Subject,
    committee: &Committee,
    mut dice: Dice,
) -> Case {
    let cut = some_seats(committee, story.cut_seats, &mut dice);
    let liars = match story.lie {
        Some(_) => some_seats(committee, third(policy), &mut dice),
        None => Vec::new(),
    };
    let mut counts = Counts {
        epochs: 1,
        windows: policy.windows.into(),
        ..Counts::default()
    };
    let mut words = BTreeMap::new();
    for operator in committee.members() {
        let off = dice.between(0, 2 * story.skew + 1);
        let own = Dice::of(&[dice.roll()]);
        let said = if let (true, Some(lie)) = (liars.contains(&operator), story.lie) {
            lie.words(policy)
        } else {
            let member = Member {
                crew,
                policy,
                story: &story,
                subject,
                operator,
                cut: cut.contains(&operator),
                ahead: off.cast_signed() - story.skew.cast_signed(),
                dice: own,
            };
            member.work(&mut counts)
        };
        words.insert(operator, said);
    }
    Case {
        story,
        subject,
        words,
        liars,
        counts,
    }
}

impl Lie {
    fn words(self, policy: &HealthPolicy) -> Words {
        let all = (0..policy.windows)
            .filter_map(|window| u8::try_from(window).ok())
            .fold(Mask256::ZERO, Mask256::with);
        Words {
            receipts: Mask256::ZERO,
            down: match self {
                Self::Accuses => all,
                Self::Shields => Mask256::ZERO,
            },
        }
    }
}

/// Proposes, has signed and certifies lists until nothing is left that enough seats say.
fn certify(crew: &Crew, judged: &Judged<'_>, cases: &mut [Case]) -> Claims {
    let mut words: BTreeMap<OperatorIndex, Claims> = BTreeMap::new();
    for case in &*cases {
        for (operator, said) in &case.words {
            if !said.down.is_zero() {
                let own = words.entry(*operator).or_default();
                own.add(&DownEntry {
                    subject: case.subject,
                    windows: said.down,
                });
            }
        }
    }
    let mut certified = Claims::default();
    loop {
        let proposals = propose(&words, &crew.staked, &certified, judged);
        if proposals.is_empty() {
            return certified;
        }
        for proposal in proposals {
            let none = Claims::default();
            let agreeing = |operator: &OperatorIndex| {
                let own = words.get(operator).unwrap_or(&none);
                agrees(&proposal.list, own, *operator, judged).is_ok()
            };
            let signers: Vec<_> = proposal.signers.into_iter().filter(agreeing).collect();
            for entry in proposal.list.entries() {
                if judged.committees[&entry.subject].is_two_thirds(&signers) {
                    certified.add(entry);
                }
            }
            for case in &mut *cases {
                case.counts.slashable += case.slashable(&proposal.list, &signers, judged);
            }
        }
    }
}

impl Case {
    /// How many receipts of honest signers the list contradicts.
    fn slashable(&self, list: &DownList, signers: &[OperatorIndex], judged: &Judged<'_>) -> u64 {
        let Some(entry) = list.entry(self.subject) else {
            return 0;
        };
        let honest = signers.iter().filter(|signer| !self.liars.contains(signer));
        let passed = honest.filter_map(|signer| self.words.get(signer));
        let against = |words: &Words, bit: u8| {
            let receipt = Receipt(Place {
                network: judged.network,
                subject: self.subject,
                epoch: judged.epoch,
                window: Window(bit.into()),
            });
            words.receipts.bit(bit) && entry.windows.bit(bit) && contradicts(&receipt, list)
        };
        let found = passed.map(|words| (0..=u8::MAX).filter(|bit| against(words, *bit)).count());
        found.sum::<usize>() as u64
    }
}

/// Holds what is certified against what is true.
fn compare(crew: &Crew, policy: &HealthPolicy, story: &Story, down: &Mask256, counts: &mut Counts) {
    let mut due = Vec::new();
    for window in 0..policy.windows {
        let bit = u8::try_from(window).expect("at most 256 windows");
        let (start, end) = crew
            .windows
            .span(crew.epoch, Window(window))
            .expect("a window of the epoch");
        let [start, end] = [start, end].map(|time| (time.get() - BASE) * SECOND);
        // As far as any clock is off.
        let (from, until) = (start - story.skew, end + story.skew);
        let slice = (end - start) / Ms::from(policy.fails);
        let is_down = down.bit(bit);
        counts.down += u64::from(is_down);
        if story.out.covers(from, until) {
            counts.due += 1;
            counts.missed += u64::from(!is_down);
            due.push((from, is_down));
        } else if is_down && story.may_be_down.overlap(from, until) < slice {
            counts.false_downs += 1;
        }
    }
    for outage in story.out.iter() {
        let within = |at: Ms| outage.from <= at && at < outage.until;
        let mut windows = due.iter().filter(|(from, _)| within(*from)).peekable();
        if windows.peek().is_some() {
            counts.outages += 1;
            counts.missed_outages += u64::from(windows.any(|(_, found)| !found));
        }
    }
}
