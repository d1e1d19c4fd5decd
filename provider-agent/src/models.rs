//! Which model of the policy's table a card is, from the driver's name for it and its memory.

use quorate_matching::policy::models::MODELS;

/// Words of names that tell nothing of the model.
const FILLERS: [&str; 6] = ["NVIDIA", "TESLA", "GEFORCE", "QUADRO", "GENERATION", "GPU"];

/// How far a card's memory may lie from what its name in the table says, in percent: drivers show
/// less than the maker prints.
const TOLERANCE: u32 = 10;

/// The words of a name, told apart by what they say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Name {
    /// The model itself: `RTX`, `6000`, `ADA`.
    model: Vec<String>,
    /// How it is mounted: `PCIE`, `SXM4`.
    form: Vec<String>,
    /// GiB, where the name says so.
    gib: Option<u32>,
}

impl Name {
    fn of(text: &str) -> Self {
        let mut name = Self::default();
        for word in text.to_uppercase().split([' ', '-']) {
            if word.is_empty() || FILLERS.contains(&word) {
            } else if let Some(gib) = gib(word) {
                name.gib = Some(gib);
            } else if is_form(word) {
                name.form.push(word.to_owned());
            } else {
                name.model.push(word.to_owned());
            }
        }
        name
    }

    /// Whether a card of this name, with so much memory, is of the table's model.
    fn is(&self, listed: &Self, memory_mib: u32) -> bool {
        self.model == listed.model
            && listed.form.iter().all(|form| self.form.contains(form))
            && listed.gib.is_none_or(|gib| near(memory_mib, gib))
    }

    /// How much a table's name says, so that the one that says more goes first.
    fn detail(&self) -> usize {
        self.form.len() + usize::from(self.gib.is_some())
    }
}

/// `80GB` and `80G`.
fn gib(word: &str) -> Option<u32> {
    word.strip_suffix("GB")
        .or_else(|| word.strip_suffix('G'))?
        .parse()
        .ok()
}

fn is_form(word: &str) -> bool {
    word == "PCIE" || word.starts_with("SXM") || word.starts_with("HBM")
}

fn near(memory_mib: u32, gib: u32) -> bool {
    let named = u64::from(gib) * 1_024;
    let apart = u64::from(memory_mib).abs_diff(named);
    apart * 100 <= named * u64::from(TOLERANCE)
}

/// The index of the model, or 0 where the table has none that fits: such a card cannot be offered.
#[must_use]
pub fn recognise(name: &str, memory_mib: u32) -> u8 {
    let name = Name::of(name);
    MODELS
        .iter()
        .map(|model| (model.index, Name::of(model.name)))
        .filter(|(_, listed)| name.is(listed, memory_mib))
        .max_by_key(|(_, listed)| listed.detail())
        .map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names as drivers print them, with the memory that they show.
    #[test]
    fn drivers_names_are_recognised() {
        let short = |name: &str, mib: u32| {
            let index = recognise(name, mib);
            MODELS
                .iter()
                .find(|model| model.index == index)
                .map_or("none", |model| model.short)
        };
        for (name, mib, expected) in [
            ("NVIDIA H100 80GB HBM3", 81_559, "h100"),
            ("NVIDIA H200", 143_771, "h200"),
            ("NVIDIA B200", 183_359, "b200"),
            ("NVIDIA GH200 480GB", 97_871, "gh200"),
            ("NVIDIA A100-SXM4-40GB", 40_960, "a100-sxm-40g"),
            ("NVIDIA A100-PCIE-40GB", 40_960, "a100-pcie-40g"),
            ("NVIDIA A100-SXM4-80GB", 81_920, "a100-80g"),
            ("NVIDIA A100 80GB PCIe", 81_920, "a100-80g"),
            ("Tesla V100-SXM2-16GB", 16_160, "v100"),
            ("Tesla V100-SXM2-32GB", 32_510, "v100-32g"),
            ("Tesla T4", 15_360, "t4"),
            ("NVIDIA L4", 23_034, "l4"),
            ("NVIDIA L40S", 46_068, "l40s"),
            ("NVIDIA A10G", 23_028, "a10g"),
            ("Quadro RTX 8000", 46_080, "rtx8000"),
            ("NVIDIA RTX 6000 Ada Generation", 49_140, "rtx6000-ada"),
            ("NVIDIA GeForce RTX 4090", 24_564, "rtx4090"),
            ("NVIDIA GeForce RTX 4070 Ti SUPER", 16_376, "rtx4070tisuper"),
            ("NVIDIA GeForce GTX 1660", 5_944, "gtx1660"),
        ] {
            assert_eq!(short(name, mib), expected, "{name}");
        }
    }

    #[test]
    fn what_the_table_does_not_have_is_not_guessed() {
        assert_eq!(recognise("NVIDIA H100 NVL", 95_830), 0, "94 GB are no 80");
        assert_eq!(recognise("NVIDIA GeForce RTX 4060 Laptop GPU", 8_188), 0);
        assert_eq!(recognise("NVIDIA A100-SXM4-40GB MIG 1g.5gb", 4_864), 0);
        assert_eq!(recognise("", 0), 0);
    }

    #[test]
    fn every_model_is_recognised_by_its_own_name() {
        for model in MODELS {
            let mib = Name::of(model.name).gib.unwrap_or(1) * 1_024;
            assert_eq!(recognise(model.name, mib), model.index, "{}", model.name);
        }
    }
}
