//! x
use peers::{
    market::{self, Demand},
    naive,
};
use std::time::Instant;
fn main() -> anyhow::Result<()> {
    for demand in [Demand::AsPublished, Demand::HalfSeveral] {
        for percent in [80, 100, 130] {
            let m = market::trace(1, demand, percent)?;
            let s = &m.snapshot;
            let t = Instant::now();
            let pairs = naive::pairs(s, &m.policy, &m.context, &m.seed);
            let t_pairs = t.elapsed();
            let t = Instant::now();
            let out = quorate_solver::match_round(s, &m.policy, &m.context, &m.seed, 2);
            let t_ours = t.elapsed();
            let asked: u32 = s
                .requests()
                .iter()
                .map(|r| u32::from(r.request.gpus.get()))
                .sum();
            let has: u32 = s
                .offers()
                .iter()
                .map(|r| u32::from(r.offer.gpus.get()))
                .sum();
            let placed: u32 = out
                .matches
                .iter()
                .map(|x| u32::from(s.request(x.request).map_or(0, |r| r.request.gpus.get())))
                .sum();
            println!(
                "{demand:?} {percent} offers {} requests {} gpus {has} asked {asked} pairs {} ({t_pairs:?}) placed {placed} requests {} {t_ours:?}",
                s.offers().len(),
                s.requests().len(),
                pairs.len(),
                out.matches.len()
            );
        }
    }
    Ok(())
}
