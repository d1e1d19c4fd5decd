//! How an operator lies, and its word on a command line.

use std::{fmt, str::FromStr};

use super::Wrong;

/// How an operator lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Signs the right header and a second one of the same round.
    Equivocate,
    /// Signs the same inputs with another outcome, and not the right one.
    Diverge,
    /// Signs the wrong outcome of a kind that every colluder makes of the same round, so that a
    /// quorum of them has a certificate, and gives its list to whoever posts it.
    Collude(Wrong),
    /// The same, and keeps the list to itself.
    Withhold(Wrong),
    /// Signs nothing.
    Silent,
    /// Calls the machine of this offer DOWN in every window, whatever its probes found.
    Attest(u64),
}

/// No lie has this word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no lie is called {0:?}; expected equivocate, diverge, silent, attest:OFFER, collude:KIND or \
     withhold:KIND, where KIND is one of {1}"
)]
pub struct UnknownLie(String, String);

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equivocate => f.write_str("equivocate"),
            Self::Diverge => f.write_str("diverge"),
            Self::Silent => f.write_str("silent"),
            Self::Collude(wrong) => write!(f, "collude:{}", word(*wrong)),
            Self::Withhold(wrong) => write!(f, "withhold:{}", word(*wrong)),
            Self::Attest(offer) => write!(f, "attest:{offer}"),
        }
    }
}

impl FromStr for Lie {
    type Err = UnknownLie;

    fn from_str(text: &str) -> Result<Self, UnknownLie> {
        let (how, kind) = text.split_once(':').unwrap_or((text, ""));
        let wrong = Wrong::ALL
            .iter()
            .copied()
            .find(|wrong| word(*wrong) == kind);
        match (how, kind, wrong) {
            ("equivocate", "", _) => Ok(Self::Equivocate),
            ("diverge", "", _) => Ok(Self::Diverge),
            ("silent", "", _) => Ok(Self::Silent),
            ("collude", _, Some(wrong)) => Ok(Self::Collude(wrong)),
            ("withhold", _, Some(wrong)) => Ok(Self::Withhold(wrong)),
            ("attest", offer, _) if offer.parse::<u64>().is_ok() => {
                Ok(Self::Attest(offer.parse().unwrap_or_default()))
            }
            _ => {
                let kinds: Vec<_> = Wrong::ALL.iter().map(|wrong| word(*wrong)).collect();
                Err(UnknownLie(text.to_owned(), kinds.join(", ")))
            }
        }
    }
}

/// The kind's name in small letters, with dashes between its words.
fn word(wrong: Wrong) -> String {
    let mut word = String::new();
    for letter in format!("{wrong:?}").chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lie_is_called_by_its_word() {
        let mut all = vec![Lie::Equivocate, Lie::Diverge, Lie::Silent, Lie::Attest(7)];
        all.extend(Wrong::ALL.iter().copied().map(Lie::Collude));
        all.extend(Wrong::ALL.iter().copied().map(Lie::Withhold));
        for lie in all {
            assert_eq!(lie.to_string().parse(), Ok(lie));
        }
        assert_eq!(
            Lie::Collude(Wrong::DropMatch).to_string(),
            "collude:drop-match"
        );
    }

    #[test]
    fn a_word_of_no_lie_is_refused_with_those_that_there_are() {
        for text in [
            "",
            "collude",
            "collude:",
            "collude:everything",
            "silent:drop-match",
            "attest:",
            "attest:seven",
        ] {
            let error = text.parse::<Lie>().unwrap_err().to_string();
            assert!(error.contains("drop-match"), "{error}");
        }
    }
}
