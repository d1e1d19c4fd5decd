//! The GPU models that the default policy knows.
//!
//! Names and, where there is one, the price per hour are those that Spheron has published:
//! `nodejs/src/utils/gpu-config.ts` of `spheronFdn/protocol-sdk` at 2099397 (Apache-2.0) and the
//! provider tiers of `spheron-core/foundation-docs` at 33ce519 (MIT). The tables publish no price for
//! the models from the L40 up, nor do they tell the 32 GB V100 of Alibaba's GPU trace of 2023 from the
//! other: those prices are this policy's own. A model's tier follows from its price
//! (`docs/decisions/standing.md` has the eleven that the published tables put elsewhere).
//!
//! The trace's T4, P100, A10, V100M16 (here `v100`) and V100M32 (here `v100-32g`) are in the table;
//! what stands for its undisclosed G1, G2 and G3 is said where the trace is mapped.
//!
//! A model's index is its id in the SDK's table, from 80 up our own number. Index 0 names no model.

use super::standing::{DEFAULT_FLOORS, Tier, tier_at};

/// A GPU model of the default policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// What offers and requests call it.
    pub index: u8,
    /// The maker's name.
    pub name: &'static str,
    /// The short name of the published tables.
    pub short: &'static str,
    /// The hardware tier of its price under the default policy.
    pub tier: Tier,
    /// Micro-dollars for one GPU and one hour.
    pub reference_price: u64,
    /// Whether the price is a published one; otherwise it is this policy's own.
    pub published: bool,
}

const fn published(
    index: u8,
    name: &'static str,
    short: &'static str,
    reference_price: u64,
) -> Model {
    Model {
        index,
        name,
        short,
        tier: tier_at(&DEFAULT_FLOORS, reference_price),
        reference_price,
        published: true,
    }
}

const fn own(index: u8, name: &'static str, short: &'static str, reference_price: u64) -> Model {
    Model {
        index,
        name,
        short,
        tier: tier_at(&DEFAULT_FLOORS, reference_price),
        reference_price,
        published: false,
    }
}

/// The model of a short name.
#[must_use]
pub fn by_short_name(short: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.short == short)
}

/// All models, by index ascending.
pub const MODELS: &[Model] = &[
    published(1, "NVIDIA T1000", "t1000", 44_000),
    published(2, "NVIDIA Tesla P4", "p4", 46_000),
    published(3, "NVIDIA GTX 1050", "gtx1050", 50_000),
    published(4, "NVIDIA GTX 1050 Ti", "gtx1050ti", 70_000),
    published(5, "NVIDIA GTX 1060", "gtx1060", 50_000),
    published(6, "NVIDIA GTX 1070", "gtx1070", 50_000),
    published(7, "NVIDIA GTX 1070 Ti", "gtx1070ti", 70_000),
    published(8, "NVIDIA GTX 1080", "gtx1080", 53_000),
    published(9, "NVIDIA GTX 1080 Ti", "gtx1080ti", 72_000),
    published(10, "NVIDIA RTX 2060", "rtx2060", 45_000),
    published(11, "NVIDIA RTX 2060 Super", "rtx2060super", 55_000),
    published(12, "NVIDIA RTX 2070", "rtx2070", 50_000),
    published(13, "NVIDIA RTX 2080", "rtx2080", 50_000),
    published(14, "NVIDIA RTX 2080 Super", "rtx2080super", 56_000),
    published(15, "NVIDIA RTX 3050", "rtx3050", 51_000),
    published(16, "NVIDIA RTX 3060", "rtx3060", 52_000),
    published(17, "NVIDIA RTX 3060 Ti", "rtx3060ti", 58_000),
    published(18, "NVIDIA RTX 3070", "rtx3070", 52_000),
    published(19, "NVIDIA RTX 3070 Ti", "rtx3070ti", 63_000),
    published(20, "NVIDIA RTX 4060", "rtx4060", 55_000),
    published(21, "NVIDIA RTX 4060 Ti", "rtx4060ti", 65_000),
    published(22, "NVIDIA RTX 4070", "rtx4070", 58_000),
    published(23, "NVIDIA Tesla P100 PCIe", "p100", 60_000),
    published(24, "NVIDIA RTX A4000", "rtxa4000", 81_000),
    published(25, "NVIDIA RTX 2080 Ti", "rtx2080ti", 70_000),
    published(26, "NVIDIA RTX 3080", "rtx3080", 70_000),
    published(27, "NVIDIA RTX 3080 Ti", "rtx3080ti", 72_000),
    published(28, "NVIDIA RTX 4070 Ti", "rtx4070ti", 75_000),
    published(29, "NVIDIA RTX 4000", "rtx4000", 60_000),
    published(30, "NVIDIA P40", "p40", 85_000),
    published(31, "NVIDIA Tesla T4", "t4", 35_000),
    published(32, "NVIDIA RTX 4080", "rtx4080", 85_000),
    published(33, "NVIDIA Titan RTX", "titanrtx", 132_000),
    published(34, "NVIDIA RTX 3090", "rtx3090", 126_000),
    published(35, "NVIDIA RTX 3090 Ti", "rtx3090ti", 148_000),
    published(36, "NVIDIA RTX 4090", "rtx4090", 175_000),
    published(37, "NVIDIA RTX A5000", "rtxa5000", 88_000),
    published(38, "NVIDIA A10", "a10", 91_000),
    published(39, "NVIDIA A10G", "a10g", 123_000),
    published(40, "NVIDIA L4", "l4", 98_000),
    published(41, "NVIDIA Tesla V100", "v100", 88_000),
    published(42, "NVIDIA A40", "a40", 112_000),
    own(43, "NVIDIA L40", "l40", 500_000),
    own(44, "NVIDIA RTX 8000", "rtx8000", 400_000),
    own(45, "NVIDIA RTX A6000", "rtxa6000", 450_000),
    own(46, "NVIDIA L40S", "l40s", 750_000),
    own(47, "NVIDIA RTX 6000 Ada", "rtx6000-ada", 700_000),
    own(48, "NVIDIA A100 PCIE 40GB", "a100-pcie-40g", 850_000),
    own(49, "NVIDIA A100 SXM4 40GB", "a100-sxm-40g", 950_000),
    own(50, "NVIDIA A100 80GB", "a100-80g", 1_300_000),
    own(51, "NVIDIA H100 80G", "h100", 2_200_000),
    published(52, "NVIDIA GTX 1650", "gtx1650", 40_000),
    published(53, "NVIDIA GTX 1660", "gtx1660", 40_000),
    published(54, "NVIDIA GTX 1660 Ti", "gtx1660ti", 50_000),
    published(55, "NVIDIA GTX 1660 Super", "gtx1660super", 55_000),
    published(56, "NVIDIA RTX 4070 Ti Super", "rtx4070tisuper", 78_000),
    published(57, "NVIDIA RTX 4050", "rtx4050", 55_000),
    published(58, "NVIDIA GTX 1650 Ti", "gtx1650ti", 50_000),
    published(59, "NVIDIA RTX 4000 Ada", "rtx4000-ada", 140_000),
    published(60, "NVIDIA RTX 2050", "rtx2050", 42_000),
    published(61, "NVIDIA Tesla V100S", "v100s", 92_000),
    published(62, "NVIDIA RTX 3050 Ti", "rtx3050ti", 55_000),
    published(63, "NVIDIA RTX 4000 SFF Ada", "rtx4000-sff-ada", 145_000),
    published(64, "NVIDIA RTX 4080 Super", "rtx4080super", 90_000),
    published(65, "NVIDIA RTX 4070 Super", "rtx4070super", 77_000),
    published(66, "NVIDIA RTX 5090", "rtx5090", 250_000),
    published(67, "NVIDIA RTX 5080", "rtx5080", 185_000),
    published(68, "NVIDIA RTX 5070 Ti", "rtx5070ti", 150_000),
    published(76, "NVIDIA RTX 5060 Ti", "rtx5060ti", 140_000),
    own(80, "NVIDIA A30", "a30", 300_000),
    own(81, "NVIDIA A16", "a16", 150_000),
    own(82, "NVIDIA RTX 6000", "rtx6000", 400_000),
    own(83, "NVIDIA RTX 8000 Ada", "rtx8000-ada", 700_000),
    own(84, "NVIDIA GH200 96G", "gh200", 2_400_000),
    own(85, "NVIDIA H200 142G", "h200", 2_800_000),
    own(86, "NVIDIA B200 192G", "b200", 4_500_000),
    own(90, "NVIDIA Tesla V100 32GB", "v100-32g", 110_000),
];
