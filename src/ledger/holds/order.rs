//! The order of live holds by the time of their check, for lists: runs of holds in the order in
//! which they were taken, each with the times that it spans.
//!
//! A check adds to the end of a run and the end of a hold counts it down, so that neither looks for
//! a place as in a tree, where that is ten times dearer with many holds. A list sorts no more than
//! the runs that its page spans. Times that do not grow, as after a restart, make runs overlap:
//! lists stay exact and look at more of them.

use slab::Slab;

use crate::domain::Time;

/// Holds of a run.
pub const RUN_HOLDS: usize = 256;
/// Shorter runs are not tidied up.
const TIDY_HOLDS_MIN: usize = 32;

#[derive(Default)]
pub struct CheckOrder {
    runs: Slab<Run>,
    /// The run that is added to; it may be gone.
    last: u32,
}

/// The nodes of some holds, and of holds that have ended since, whose nodes may be others' now.
#[derive(Default)]
struct Run {
    nodes: Vec<u32>,
    /// How many of them hold.
    live: usize,
    first: Time,
    until: Time,
}

impl CheckOrder {
    /// Adds a hold; returns the run that it is in. `run_of` is that of a node's hold.
    pub fn add(&mut self, node: u32, check_time: Time, run_of: impl Fn(u32) -> Option<u32>) -> u32 {
        let last = self.runs.get_mut(self.last as usize);
        let has_room = last.as_ref().is_some_and(|run| run.nodes.len() < RUN_HOLDS);
        if !has_room {
            if let Some(full) = last {
                full.tidy(self.last, run_of);
            }
            let run = self.runs.insert(Run::default());
            self.last = u32::try_from(run).expect("there are no more runs than holds");
        }
        let run = &mut self.runs[self.last as usize];
        if run.nodes.is_empty() {
            (run.first, run.until) = (check_time, check_time);
        }
        run.first = run.first.min(check_time);
        run.until = run.until.max(check_time);
        run.nodes.push(node);
        run.live += 1;
        self.last
    }

    /// Notes that a hold of a run has ended.
    pub fn end(&mut self, run: u32, run_of: impl Fn(u32) -> Option<u32>) {
        let is_last = run == self.last;
        let ended = &mut self.runs[run as usize];
        ended.live -= 1;
        match ended.live {
            0 if is_last => ended.nodes.clear(),
            0 => drop(self.runs.remove(run as usize)),
            _ if is_last => {}
            _ => ended.tidy(run, run_of),
        }
    }

    /// The runs with holds that may be checked at `from` or later, earliest first: the earliest
    /// time of each, its number, and its nodes.
    pub fn runs_from(&self, from: Option<Time>) -> Vec<(Time, u32, &[u32])> {
        let mut runs = Vec::new();
        for (number, run) in &self.runs {
            if run.live > 0 && from.is_none_or(|from| run.until >= from) {
                runs.push((run.first, number as u32, &*run.nodes));
            }
        }
        runs.sort_unstable_by_key(|(first, ..)| *first);
        runs
    }

    /// Entries that are kept, those of ended holds included.
    #[cfg(test)]
    pub fn entry_count(&self) -> usize {
        self.runs.iter().map(|(_, run)| run.nodes.len()).sum()
    }
}

impl Run {
    /// Drops the nodes of holds that have ended, once they are most.
    fn tidy(&mut self, run: u32, run_of: impl Fn(u32) -> Option<u32>) {
        if self.nodes.len() < TIDY_HOLDS_MIN || self.live * 4 > self.nodes.len() {
            return;
        }
        self.nodes.retain(|node| run_of(*node) == Some(run));
        // A node that was given back and taken again is there twice.
        self.nodes.sort_unstable();
        self.nodes.dedup();
        self.nodes.shrink_to_fit();
    }
}
