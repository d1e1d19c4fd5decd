//! Naming forgers, after a check of the plain sum has failed.
//!
//! A vote's *defect* is zero exactly if its signature is good, and the defect of a sum is the sum
//! of the defects. It costs one evaluation (two pairings) for however many votes, and that of a
//! second half follows from the first half's. So halving finds the forgers; what makes it fast is a
//! second sum, with the votes' places as weights: where only the vote at place `j` is forged, this
//! sum's defect is `j` times the plain one's, and a score of steps in the target group finds `j`
//! (Law and Matt, 2007). A place found so is only *claimed*, for two forgers can choose their
//! defects so that they point at an honest third. All claims are therefore proven together, by one
//! randomised check that what surrounds each of them is good without it.

use crate::{
    PublicKey, Signature,
    equation::{Equation, Gt, is_zero, plus, rest, times},
    randomised,
    sums::Sums,
};

/// Votes that are searched with their places as weights; a place fits a byte.
const CHUNK: usize = 128;

type Votes<'a> = &'a [(PublicKey, Signature)];

/// Positions of forged votes, ascending, each proven, such that the sum of the others is good.
/// `defect` is that of the sum of all votes, not zero.
pub(crate) fn forged(equation: &Equation<'_>, votes: Votes<'_>, defect: Gt) -> Vec<usize> {
    let mut search = Search {
        equation,
        forged: Vec::new(),
        claims: Vec::new(),
    };
    let chunks: Vec<Run<'_>> = (0..votes.len())
        .step_by(CHUNK)
        .zip(votes.chunks(CHUNK))
        .map(|(start, votes)| Run::new(votes, start, 0))
        .collect();
    search.chunks(&chunks, defect);
    search.prove();
    search.forged.sort_unstable();
    search.forged
}

/// Neighbouring votes of one chunk.
#[derive(Clone, Copy)]
struct Run<'a> {
    votes: Votes<'a>,
    /// Position of the first vote among all.
    position: usize,
    /// Place of the first vote in its chunk.
    place: usize,
    sums: Sums,
}

impl<'a> Run<'a> {
    fn new(votes: Votes<'a>, position: usize, place: usize) -> Self {
        Self {
            votes,
            position,
            place,
            sums: Sums::of(votes),
        }
    }

    /// Both halves; adds only the first one's votes.
    fn halve(&self) -> (Self, Self) {
        let (left, right) = self.votes.split_at(self.votes.len() / 2);
        let position = self.position.saturating_add(left.len());
        let place = self.place.saturating_add(left.len());
        let left = Self::new(left, self.position, self.place);
        let sums = self.sums.minus(&left.sums);
        (
            left,
            Self {
                votes: right,
                position,
                place,
                sums,
            },
        )
    }

    /// The sums of all votes but one, if they are finite; they look like one good vote if the
    /// others are good.
    fn without(&self, offset: usize) -> Option<(PublicKey, Signature)> {
        let vote = self.votes.get(offset).map(std::slice::from_ref)?;
        let (signature, key) = self.sums.minus(&Sums::of(vote)).affine();
        key.map(PublicKey::from_valid)
            .zip(signature.map(Signature::from_valid))
    }

    /// The sums with places as weights.
    fn weighted(&self) -> Sums {
        let places = (0..=u8::MAX).skip(self.place).take(self.votes.len());
        Sums::weighted(self.votes, &places.map(u8::to_le_bytes).collect::<Vec<_>>())
    }

    /// The offset of the one vote that alone would explain both defects, the plain and the weighted
    /// one: by baby steps and giant steps.
    fn explained_by(&self, defect: &Gt, weighted: &Gt) -> Option<usize> {
        let stride = self.votes.len().isqrt().saturating_add(1);
        let steps = std::iter::successors(Some(Gt::default()), |step| Some(plus(step, defect)));
        let baby: Vec<Gt> = steps.take(stride).collect();
        let giant = times(defect, stride);
        let mut left = rest(weighted, &times(defect, self.place));
        for base in (0..self.votes.len()).step_by(stride) {
            if let Some(step) = baby.iter().position(|step| *step == left) {
                return Some(base.saturating_add(step)).filter(|it| *it < self.votes.len());
            }
            left = rest(&left, &giant);
        }
        None
    }
}

/// That one vote is all that is wrong with a run.
struct Claim<'a> {
    position: usize,
    run: Run<'a>,
    defect: Gt,
    others: (PublicKey, Signature),
}

struct Search<'a> {
    equation: &'a Equation<'a>,
    forged: Vec<usize>,
    claims: Vec<Claim<'a>>,
}

impl<'a> Search<'a> {
    fn defect(&self, sums: &Sums) -> Gt {
        self.equation.defect_of(sums)
    }

    /// Halves a list of chunks, down to single chunks with a defect.
    fn chunks(&mut self, chunks: &[Run<'a>], defect: Gt) {
        if is_zero(&defect) {
            return;
        }
        if let [chunk] = chunks {
            let weighted = self.defect(&chunk.weighted());
            return self.places(*chunk, defect, weighted);
        }
        let (left, right) = chunks.split_at(chunks.len() / 2);
        let sums = left
            .iter()
            .fold(Sums::default(), |sum, chunk| sum.plus(&chunk.sums));
        let left_defect = self.defect(&sums);
        self.chunks(left, left_defect);
        self.chunks(right, rest(&defect, &left_defect));
    }

    /// Finds the forged votes of a run with a defect, given its weighted one as well.
    fn places(&mut self, run: Run<'a>, defect: Gt, weighted: Gt) {
        if run.votes.len() == 1 {
            return self.forged.push(run.position);
        }
        if let Some(offset) = run.explained_by(&defect, &weighted)
            && let Some(others) = run.without(offset)
        {
            let position = run.position.saturating_add(offset);
            return self.claims.push(Claim {
                position,
                run,
                defect,
                others,
            });
        }
        let (left, right) = run.halve();
        let left_defect = self.defect(&left.sums);
        let right_defect = rest(&defect, &left_defect);
        match (is_zero(&left_defect), is_zero(&right_defect)) {
            (true, _) => self.places(right, right_defect, weighted),
            (_, true) => self.places(left, left_defect, weighted),
            (false, false) => {
                let left_weighted = self.defect(&left.weighted());
                self.places(left, left_defect, left_weighted);
                self.places(right, right_defect, rest(&weighted, &left_weighted));
            }
        }
    }

    /// Turns claims into certainty: those that hold name their vote, the runs of the others are
    /// searched again by halving alone, which is exact.
    fn prove(&mut self) {
        let claims = std::mem::take(&mut self.claims);
        let others: Vec<_> = claims.iter().map(|claim| claim.others).collect();
        let wrong = randomised::forged(self.equation, &others);
        for (index, claim) in claims.iter().enumerate() {
            if wrong.binary_search(&index).is_err() {
                self.forged.push(claim.position);
            } else {
                self.exactly(claim.run, claim.defect);
            }
        }
    }

    /// Halving alone, down to single votes.
    fn exactly(&mut self, run: Run<'a>, defect: Gt) {
        if is_zero(&defect) {
            return;
        }
        if run.votes.len() == 1 {
            return self.forged.push(run.position);
        }
        let (left, right) = run.halve();
        let left_defect = self.defect(&left.sums);
        self.exactly(left, left_defect);
        self.exactly(right, rest(&defect, &left_defect));
    }
}
