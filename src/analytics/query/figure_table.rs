//! The result of a query of figures: a sparse table by window and group.

use hashbrown::HashMap;

use crate::analytics::figures::Figures;
use crate::analytics::metric::Counted;

/// Values of a group, in the order of `group_by`; empty for the total.
pub type Key = Vec<String>;

/// Figures by window and group. Groups without usage are absent.
#[derive(Default)]
pub struct FigureTable {
    groups: HashMap<(usize, Key), Figures>,
    /// Figures of the groups that were not selected which cannot be computed as the total minus the
    /// selected groups: refusals and counts of distinct values.
    others: HashMap<usize, Figures>,
    /// Dimensions whose distinct values are counted.
    counted: Vec<Counted>,
}

/// The figures of the total and of the groups over the same windows.
pub struct ResultSet {
    pub total: FigureTable,
    /// Empty if the query has no groups.
    pub groups: FigureTable,
}

/// Everything that a report needs.
pub struct Results {
    /// The whole period, as one window.
    pub period: ResultSet,
    /// The period that it is compared with, if the query asks for one.
    pub previous: Option<ResultSet>,
    /// The time series: each bucket is a window.
    pub points: Option<ResultSet>,
}

impl FigureTable {
    pub fn new(counted: &[Counted]) -> FigureTable {
        FigureTable { counted: counted.to_vec(), ..FigureTable::default() }
    }

    /// The entry of a group in a window; begins empty.
    pub fn group(&mut self, window: usize, key: Key) -> &mut Figures {
        self.groups.entry((window, key)).or_default()
    }

    /// The entry of the other groups in a window; begins empty.
    pub fn others(&mut self, window: usize) -> &mut Figures {
        self.others.entry(window).or_default()
    }

    /// Drops all groups but these.
    pub fn retain(&mut self, keys: &[Key]) {
        self.groups.retain(|(_, key), _| keys.contains(key));
    }

    /// The figures of a group; zero if nothing was used.
    pub fn get(&self, window: usize, key: &Key) -> Figures {
        let found = self.groups.get(&(window, key.clone())).cloned();
        found.unwrap_or_else(|| {
            let mut zero = Figures::default();
            for counted in &self.counted {
                zero.counts[*counted as usize] = Some(0);
            }
            zero
        })
    }

    /// Figures of the groups that were not selected; absent counts are unknown.
    pub fn get_others(&self, window: usize) -> Figures {
        self.others.get(&window).cloned().unwrap_or_default()
    }

    /// All groups of the first window.
    pub fn first_window(&self) -> Vec<(Key, Figures)> {
        let first = self.groups.iter().filter(|((window, _), _)| *window == 0);
        first.map(|((_, key), figures)| (key.clone(), figures.clone())).collect()
    }

    /// Sets absent counts of distinct values to 0. `index_in_key` returns the place of a counted
    /// dimension in the keys, if the query groups by it: then a group with requests counts 1.
    pub fn complete_counts(
        &mut self,
        index_in_key: impl Fn(Counted) -> Option<usize>,
        others_are_counted: bool,
    ) {
        for counted in &self.counted {
            let index = *counted as usize;
            for ((_, key), figures) in &mut self.groups {
                let count = match index_in_key(*counted).and_then(|place| key.get(place)) {
                    Some(value) => i64::from(figures.sums.record_count > 0 && !value.is_empty()),
                    None => figures.counts[index].unwrap_or(0),
                };
                figures.counts[index] = Some(count);
            }
            if others_are_counted {
                for figures in self.others.values_mut() {
                    figures.counts[index].get_or_insert(0);
                }
            }
        }
    }
}
