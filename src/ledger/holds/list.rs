//! Lists of holds, by the time of their check and request id. They cost what a page costs, however
//! many holds there are: nobody is decided on meanwhile.

use super::{Hold, Holds};
use crate::domain::Time;

/// Which holds to list.
#[derive(Clone, Debug, Default)]
pub struct HoldFilter {
    /// Those that live, or those that expired lately; both without it.
    pub live: Option<bool>,
    /// Those after this time of the check and request id.
    pub after: Option<(Time, String)>,
}

/// A hold, and whether it lives.
pub type Listed<'a> = (&'a Hold, bool);

impl HoldFilter {
    fn is_after(&self, hold: &Hold) -> bool {
        self.after.as_ref().is_none_or(|(time, id)| key(hold) > (*time, id.as_str()))
    }
}

impl Holds {
    /// The first `limit` holds that match, in order.
    pub fn list(&self, filter: &HoldFilter, limit: usize) -> Vec<Listed<'_>> {
        let mut page = Vec::new();
        if filter.live != Some(true) {
            let expired = self.expired.iter().filter(|hold| filter.is_after(hold));
            page.extend(expired.map(|hold| (hold, false)));
        }
        if filter.live != Some(false) {
            self.add_live(&mut page, filter, limit);
        }
        cut(&mut page, limit);
        page
    }

    /// How many holds match, wherever the page begins.
    pub fn count(&self, filter: &HoldFilter) -> usize {
        match filter.live {
            Some(true) => self.len(),
            Some(false) => self.expired.len(),
            None => self.len() + self.expired.len(),
        }
    }

    /// Adds live holds, run by run, until no later one can be on the page.
    fn add_live<'a>(&'a self, page: &mut Vec<Listed<'a>>, filter: &HoldFilter, limit: usize) {
        for (first, run, nodes) in self.by_check.runs_from(filter.after.as_ref().map(|at| at.0)) {
            if page.len() >= limit {
                cut(page, limit);
                let is_full = page.len() == limit;
                if is_full && page.last().is_none_or(|(last, _)| last.check_time < first) {
                    break;
                }
            }
            #[cfg(test)]
            tests::VISITED.set(tests::VISITED.get() + nodes.len());
            // Of a hold that has ended the node may be that of another, in this run or not.
            let nodes = nodes.iter().filter_map(|node| self.nodes.get(*node as usize));
            let holds = nodes.filter(|node| node.run == run).map(|node| &node.hold);
            page.extend(holds.filter(|hold| filter.is_after(hold)).map(|hold| (hold, true)));
        }
    }
}

/// Brings a page into order and to its size.
fn cut(page: &mut Vec<Listed<'_>>, limit: usize) {
    page.sort_unstable_by(|(a, _), (b, _)| key(a).cmp(&key(b)));
    page.dedup_by(|(a, _), (b, _)| std::ptr::eq(*a, *b));
    page.truncate(limit);
}

fn key(hold: &Hold) -> (Time, &str) {
    (hold.check_time, &hold.request_id)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::super::EXPIRY_STEP;
    use super::super::order::RUN_HOLDS;
    use super::*;
    use crate::ledger::holds::hold::tests::hold;

    thread_local! {
        /// How many nodes of runs this thread has looked at.
        pub static VISITED: Cell<usize> = const { Cell::new(0) };
    }

    const PAGE: usize = 100;

    fn ids(page: &[Listed<'_>]) -> Vec<(Arc<str>, bool)> {
        page.iter().map(|(hold, live)| (hold.request_id.clone(), *live)).collect()
    }

    fn after(last: &Hold) -> Option<(Time, String)> {
        Some((last.check_time, last.request_id.to_string()))
    }

    #[test]
    fn a_page_costs_the_same_however_many_holds_there_are() {
        let mut holds = Holds::default();
        let count = 100_000;
        for number in 0..count {
            holds.insert(hold(&format!("r{number}"), Time::from_micros(number * 10)));
        }
        for start in [0, count / 2, count - 1] {
            let filter = HoldFilter {
                after: Some((Time::from_micros(start * 10), String::new())),
                live: None,
            };
            VISITED.set(0);
            let page = holds.list(&filter, PAGE);
            assert_eq!(&*page[0].0.request_id, format!("r{start}"));
            assert!(VISITED.get() <= 3 * RUN_HOLDS, "{}", VISITED.get());
        }
    }

    #[test]
    fn runs_are_kept_for_live_holds_alone() {
        let mut holds = Holds::default();
        for number in 0..100_000 {
            holds.insert(hold(&format!("r{number}"), Time::from_micros(number)));
            if number % 500 != 0 {
                holds.remove(&format!("r{number}"));
            }
        }
        assert_eq!(holds.len(), 200);
        let kept = holds.by_check.entry_count();
        assert!(kept <= 200 * 4 + 2 * RUN_HOLDS, "{kept}");
        assert_eq!(holds.list(&HoldFilter::default(), usize::MAX).len(), 200);
    }

    /// Pages of any size, joined, are all holds in order, whatever was taken and ended meanwhile
    /// and also where the clock went back.
    #[test]
    fn pages_are_exact() {
        for seed in 0..50 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut holds = Holds::default();
            let mut now = 1_000_000;
            for number in 0..rng.random_range(0..3_000) {
                now += [0, 0, 1, 7, -400][rng.random_range(0..5)];
                match rng.random_range(0..10) {
                    0..=5 => {
                        holds.insert(hold(&format!("r{number}"), Time::from_micros(now)));
                    }
                    6..=8 => drop(holds.remove(&format!("r{}", rng.random_range(0..=number)))),
                    _ => {
                        let until = now + rng.random_range(0..20) * EXPIRY_STEP;
                        if let Some(hold) = holds.take_expired(Time::from_micros(until)) {
                            holds.keep_expired(hold);
                        }
                    }
                }
            }
            for live in [None, Some(true), Some(false)] {
                assert_exact(&holds, live, rng.random_range(1..600), seed);
            }
        }
    }

    fn assert_exact(holds: &Holds, live: Option<bool>, size: usize, seed: u64) {
        let mut expected: Vec<Listed<'_>> = holds.iter().map(|hold| (hold, true)).collect();
        expected.extend(holds.expired().map(|hold| (hold, false)));
        expected.retain(|(_, is_live)| live.is_none_or(|live| live == *is_live));
        expected.sort_by(|(a, _), (b, _)| key(a).cmp(&key(b)));
        let mut pages = Vec::new();
        let mut filter = HoldFilter { live, after: None };
        loop {
            let page = holds.list(&filter, size);
            assert!(page.len() <= size);
            let Some((last, _)) = page.last() else { break };
            filter.after = after(last);
            pages.extend(ids(&page));
        }
        assert_eq!(pages, ids(&expected), "seed {seed}, {live:?}, pages of {size}");
    }
}
