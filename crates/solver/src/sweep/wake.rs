//! Finding the best pairs of the requests of a band, side by side.

use super::{AHEAD, Bucket, DEPTH, JOB, Place, Sweep};
use crate::ask::Class;
use crate::lanes::{Lanes, Work, fetch};
use crate::sleeper::Sleeper;

impl Sweep<'_> {
    /// Passes over the machines of a list that have no room any more.
    pub(super) fn settle(&self, sleeper: &mut Sleeper) {
        let demand = self.book.asks[sleeper.rank as usize].demand();
        while let Some((_, machine)) = sleeper.first() {
            if self.stock.left[machine as usize].holds(&demand) {
                return;
            }
            sleeper.pass();
        }
    }

    /// Searches for a request, or says what it can reach where that is less than a search looks for.
    #[inline(always)]
    pub(super) fn search<L: Lanes>(
        &self,
        lanes: L,
        sleeper: &mut Sleeper,
        floor: u32,
        place: &mut Place,
    ) {
        let view = self.view();
        let luck = view.luck(&sleeper.shape);
        let least = floor.saturating_sub(DEPTH);
        let lowest = least.saturating_sub(sleeper.part).cast_signed() - luck;
        view.cells(lanes, &sleeper.shape, lowest, &mut place.cells);
        if !place.cells.is_empty() {
            let found = view.search(lanes, sleeper, &place.cells, least);
            return place.take(sleeper, &found);
        }
        match view.reach(lanes, &sleeper.shape) {
            reach if reach < 0 => sleeper.bound(0),
            reach => sleeper.bound(sleeper.part + (reach + luck).cast_unsigned() + 1),
        }
    }

    /// The score that the request sleeps until; none if nothing is left for it.
    pub(super) fn until(sleeper: &Sleeper) -> Option<u32> {
        let first = sleeper.first().map(|(score, _)| score);
        first.or(sleeper.below.checked_sub(1))
    }
}

/// Puts classes to sleep until the most that their first requests can reach; those without any
/// machine for good.
pub(super) struct FirstTops<'s, 'm> {
    pub(super) sweep: &'s Sweep<'m>,
    pub(super) classes: &'s [Class],
    pub(super) place: &'s mut Place,
}

impl Work for FirstTops<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let view = self.sweep.view();
        for class in self.classes {
            let reach = view.reach(lanes, &class.shape);
            if reach >= 0 {
                let top = class.part + (reach + view.luck(&class.shape)).cast_unsigned();
                self.place.wait(top, *class);
            }
        }
    }
}

/// One job of waking.
pub(super) struct Wake<'s, 'm> {
    pub(super) sweep: &'s Sweep<'m>,
    pub(super) active: &'s Bucket,
    pub(super) floor: u32,
    pub(super) job: usize,
    pub(super) of_classes: usize,
    pub(super) place: &'s mut Place,
}

impl Work for Wake<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        if let Some(job) = self.job.checked_sub(self.of_classes) {
            let all = &self.active.sleepers;
            let some = &all[job * JOB..all.len().min((job + 1) * JOB)];
            let mut soon = some.iter().skip(AHEAD);
            for sleeper in some {
                if let Some(soon) = soon.next() {
                    fetch(&self.sweep.book.asks[soon.rank as usize]);
                }
                self.sleeper(lanes, *sleeper);
            }
        } else {
            let all = &self.active.classes;
            let some = &all[self.job * JOB..all.len().min((self.job + 1) * JOB)];
            self.classes(lanes, some);
        }
    }
}

impl Wake<'_, '_> {
    #[inline(always)]
    fn sleeper<L: Lanes>(&mut self, lanes: L, mut sleeper: Sleeper) {
        if sleeper.first().is_some() {
            self.sweep.settle(&mut sleeper);
        }
        if sleeper.first().is_none() && sleeper.below > self.floor {
            self.sweep
                .search(lanes, &mut sleeper, self.floor, self.place);
        }
        self.found(sleeper);
    }

    /// Wakes the requests of classes that can reach the band: first those are found and memory is
    /// asked for them, then they are searched for.
    #[inline(always)]
    fn classes<L: Lanes>(&mut self, lanes: L, classes: &[Class]) {
        let sweep = self.sweep;
        let view = sweep.view();
        let mut due = std::mem::take(&mut self.place.due);
        for class in classes {
            let reach = view.reach(lanes, &class.shape);
            if reach < 0 {
                continue;
            }
            let reach = (reach + view.luck(&class.shape)).cast_unsigned();
            if class.part + reach < self.floor {
                self.place.wait(class.part + reach, *class);
            } else {
                fetch(&sweep.book.asks[class.first as usize]);
                due.push((*class, reach));
            }
        }
        for (class, _) in &due {
            let position = sweep.book.asks[class.first as usize].position;
            fetch(&sweep.keys[position as usize]);
        }
        for (class, reach) in due.drain(..) {
            self.class(lanes, class, reach);
        }
        self.place.due = due;
    }

    /// Wakes the requests of a class that can reach the band.
    #[inline(always)]
    fn class<L: Lanes>(&mut self, lanes: L, class: Class, reach: u32) {
        let sweep = self.sweep;
        let view = sweep.view();
        let asks = &sweep.book.asks[class.first as usize..class.end as usize];
        let due = asks.partition_point(|ask| ask.part + reach >= self.floor);
        let least = self.floor.saturating_sub(DEPTH);
        let lowest = least.saturating_sub(class.part).cast_signed() - view.luck(&class.shape);
        view.cells(lanes, &class.shape, lowest, &mut self.place.cells);
        let mut soon = asks[..due].iter().skip(AHEAD);
        for (rank, ask) in (class.first..).zip(&asks[..due]) {
            if let Some(soon) = soon.next() {
                fetch(&sweep.keys[soon.position as usize]);
            }
            if !ask.hopeless {
                let key = sweep.keys[ask.position as usize];
                let mut sleeper = Sleeper::new(rank, ask, &class.shape, key);
                let found = view.search(lanes, &sleeper, &self.place.cells, least);
                self.place.take(&mut sleeper, &found);
                self.found(sleeper);
            }
        }
        if let Some(next) = asks.get(due) {
            let rest = Class {
                first: class.first + due as u32,
                part: next.part,
                ..class
            };
            self.place.wait(next.part + reach, rest);
        }
    }

    #[inline(always)]
    fn found(&mut self, sleeper: Sleeper) {
        match Sweep::until(&sleeper) {
            Some(until) if until >= self.floor => {
                let at = self.place.awake.len() as u32;
                self.place.heads.extend(self.sweep.head(at, &sleeper));
                self.place.awake.push(sleeper);
            }
            Some(until) => self.place.sleep(until, sleeper),
            None => {}
        }
    }
}
