//! What differs, written down for whoever has to find out why.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy::primitives::Address;
use quorate_canon::FixedWidth as _;
use quorate_chain::views::PairView;
use serde_json::{Value, json};

use super::{
    answers::{Answers, Difference},
    pairs::Claim,
    questions::Questions,
};
use crate::compute::{Computed, Prepared};

/// Both sides of a disagreement.
pub(super) struct Report<'a> {
    pub(super) verifier: Address,
    pub(super) prepared: &'a Prepared,
    pub(super) computed: &'a Computed,
    pub(super) questions: &'a Questions,
    pub(super) answers: &'a Answers,
    pub(super) differences: &'a [Difference],
}

impl Report<'_> {
    /// Writes `self-check-<round>.json`, and the list's entries beside it; gives the former's path.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let stem = format!("self-check-{}", self.prepared.round);
        fs::write(
            folder.join(format!("{stem}.list")),
            self.computed.list.bytes(),
        )?;
        let path = folder.join(format!("{stem}.json"));
        let text = serde_json::to_string_pretty(&self.json())?;
        fs::write(&path, text + "\n")?;
        Ok(path)
    }

    fn json(&self) -> Value {
        let header = &self.computed.header;
        let words: Vec<_> = self.differences.iter().map(ToString::to_string).collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "round": header.round.get(),
            "header": hex::encode(header.to_bytes()),
            "block": header.snapshot_hash.to_string(),
            "verifier": self.verifier.to_string(),
            "differences": words,
            "chunk": {
                "index": self.questions.chunk.as_ref().map(|chunk| chunk.index),
                "refused": self.answers.chunk.as_ref().err(),
            },
            "pairs": self.pairs(),
            "witnesses": self.witnesses(),
        })
    }

    /// Every pair that was asked for; of one that is seen otherwise its inputs, too.
    fn pairs(&self) -> Value {
        let views = match &self.answers.pairs {
            Ok(views) => views,
            Err(refused) => return json!({ "refused": refused }),
        };
        let pair = |(claim, theirs): (&Claim, &PairView)| {
            let differs = self
                .differences
                .contains(&Difference::Pair(*claim, *theirs));
            let inputs = self.prepared.inputs();
            let request = inputs.request(claim.request).filter(|_| differs);
            let offer = inputs.offer(claim.offer).filter(|_| differs);
            json!({
                "request": claim.request.get(),
                "offer": claim.offer.get(),
                "ours": view(&claim.ours),
                "theirs": view(theirs),
                "request_input": request.map(|input| hex::encode(input.to_bytes())),
                "offer_input": offer.map(|input| hex::encode(input.to_bytes())),
            })
        };
        self.questions.claims.iter().zip(views).map(pair).collect()
    }

    fn witnesses(&self) -> Value {
        let asked = self.questions.shown.iter().zip(&self.answers.judged);
        let witness = asked.map(|(shown, answer)| {
            json!({
                "kind": shown.kind,
                "position": shown.position,
                "witness": hex::encode(&shown.bytes),
                "code": answer.as_ref().ok().map(|judged| judged.code),
                "refused": answer.as_ref().err(),
            })
        });
        witness.collect()
    }
}

fn view(pair: &PairView) -> Value {
    json!({ "ineligible": pair.ineligible, "score": pair.score, "tie": pair.tie })
}
