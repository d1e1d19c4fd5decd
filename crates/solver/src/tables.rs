//! What a pair adds to a score beside the two orders' own parts: nearness and fit, by table.

use quorate_canon::GpuCount;
use quorate_matching::{
    Offer, OfferInput, Profile, Request, RequestInput, RoundContext, ScorePolicy, factors,
};

/// Regions, homes, sizes: all of them fit a byte.
const BYTE: usize = 256;

/// Nearness and fit, each times its weight.
#[derive(Debug)]
pub(crate) struct Tables {
    /// By profile, home and place of the region: what nearness adds.
    near: Vec<i32>,
    /// Places of regions in a row.
    width: usize,
    /// By GPUs asked and GPUs free: the factor of the fit.
    fit: Vec<u16>,
    /// By profile: the weight of the fit.
    fit_weight: [u32; 4],
}

impl Tables {
    /// For offers of these regions and these numbers of free GPUs. A row of regions is `width` wide.
    pub(crate) fn new(
        policy: &ScorePolicy,
        context: &RoundContext,
        regions: &[u8],
        width: usize,
        free: &[u8],
    ) -> Self {
        Self {
            near: nearness(policy, context, regions, width),
            width,
            fit: fits(policy, context, free),
            fit_weight: Profile::ALL.map(|profile| u32::from(policy.weights_of(profile)[4])),
        }
    }

    /// What nearness adds, by the region's place.
    pub(crate) fn near(&self, profile: usize, home: u8) -> &[i32] {
        &self.near[(profile * BYTE + usize::from(home)) * self.width..][..self.width]
    }

    /// What the fit adds.
    pub(crate) fn fit(&self, profile: usize, gpus: u8, free: u8) -> u32 {
        let factor = self.fit[usize::from(gpus) * BYTE + usize::from(free)];
        self.fit_weight[profile] * u32::from(factor)
    }

    /// The most that the fit adds.
    pub(crate) const fn most_fit(&self, profile: usize) -> u32 {
        self.fit_weight[profile] * 10_000
    }
}

fn nearness(
    policy: &ScorePolicy,
    context: &RoundContext,
    regions: &[u8],
    width: usize,
) -> Vec<i32> {
    let mut near = vec![0; 4 * BYTE * width];
    for home in 0..=u8::MAX {
        for (place, region) in regions.iter().enumerate() {
            let request = request_of(Request {
                home_region: home,
                ..Request::default()
            });
            let offer = offer_of(Offer {
                region: *region,
                ..Offer::default()
            });
            let factor = i32::from(factors(&request, &offer, policy, context, 0).region);
            for profile in Profile::ALL {
                let weight = i32::from(policy.weights_of(profile)[0]);
                let row = usize::from(profile.code()) * BYTE + usize::from(home);
                near[row * width + place] = weight * factor;
            }
        }
    }
    near
}

fn fits(policy: &ScorePolicy, context: &RoundContext, free: &[u8]) -> Vec<u16> {
    let mut table = vec![0; BYTE * BYTE];
    for free in free {
        for gpus in 1..=u8::MAX {
            let request = request_of(Request {
                gpus: GpuCount::new(gpus),
                ..Request::default()
            });
            let offer = offer_of(Offer {
                gpus: GpuCount::new(*free),
                ..Offer::default()
            });
            let fit = factors(&request, &offer, policy, context, 0).availability;
            table[usize::from(gpus) * BYTE + usize::from(*free)] = fit;
        }
    }
    table
}

fn request_of(request: Request) -> RequestInput {
    RequestInput {
        request,
        ..RequestInput::default()
    }
}

fn offer_of(offer: Offer) -> OfferInput {
    OfferInput {
        offer,
        ..OfferInput::default()
    }
}
