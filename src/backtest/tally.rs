//! What a replay counts: in all, and by limit, model, department and user; and which of these stand
//! first when two replays are compared.

use std::cmp::Reverse;
use std::hash::Hash;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::replay::add;
use crate::domain::check::LimitKey;
use crate::domain::record::Record;
use crate::domain::{Amount, Time};

/// Most limits, models, departments and users that a comparison names, each.
pub const TOP_MAX: usize = 20;
/// Most of each that a replay tells apart; those that come later are not named.
pub const MEMBERS_MAX: usize = 50_000;

/// What a replay came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub request_count: i64,
    /// Of these: admitted on the model that was asked for.
    pub allowed_count: i64,
    /// Of these: those that the ledger could not decide on or bill.
    pub undecided_count: i64,
    /// Of the requests that were served.
    pub cost: Amount,
    /// Zero or negative.
    pub credits: Amount,
    pub refused: Counts,
}

/// Requests that were blocked or routed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub blocked_count: i64,
    pub routed_count: i64,
    /// What routed requests would have cost on the model asked for, less what they cost.
    pub saved: Amount,
    /// What blocked requests would have cost on the model asked for.
    pub not_served: Amount,
    pub first_blocked: Option<Time>,
    pub first_routed: Option<Time>,
}

/// A request that was blocked or routed.
pub struct Refused<'a> {
    pub record: &'a Record,
    /// What was in its way; each once.
    pub limits: &'a [LimitKey],
    pub counts: Counts,
}

/// The counts of one replay.
#[derive(Debug, Default)]
pub struct Tally {
    pub totals: Totals,
    limits: Table<LimitKey>,
    models: Table<String>,
    departments: Table<String>,
    users: Table<String>,
}

/// Counts by what they are of.
#[derive(Debug)]
struct Table<K> {
    counts: HashMap<K, Counts>,
}

impl<K> Default for Table<K> {
    fn default() -> Table<K> {
        Table { counts: HashMap::new() }
    }
}

/// One limit, model, department or user, in both replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<K> {
    pub key: K,
    pub today: Counts,
    pub changed: Counts,
}

/// What was refused most, by what was in the way and by whose it was: at most [`TOP_MAX`] each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top {
    pub limits: Vec<Row<LimitKey>>,
    pub models: Vec<Row<String>>,
    pub departments: Vec<Row<String>>,
    pub users: Vec<Row<String>>,
}

impl Tally {
    /// Counts a request that was blocked or routed.
    pub fn refuse(&mut self, refused: &Refused<'_>) {
        let Refused { record, limits, mut counts } = *refused;
        let time = Some(record.charge_time);
        counts.first_blocked = time.filter(|_| counts.blocked_count > 0);
        counts.first_routed = time.filter(|_| counts.routed_count > 0);
        self.totals.refused.add(&counts);
        for limit in limits {
            self.limits.add(limit.clone(), &counts);
        }
        self.models.add(record.metered_model_id.to_string(), &counts);
        let attribution = &record.attribution;
        self.departments.add(attribution.department_id.clone(), &counts);
        self.users.add(attribution.user_id.clone(), &counts);
    }
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.blocked_count += other.blocked_count;
        self.routed_count += other.routed_count;
        self.saved = add(self.saved, other.saved);
        self.not_served = add(self.not_served, other.not_served);
        self.first_blocked = earlier(self.first_blocked, other.first_blocked);
        self.first_routed = earlier(self.first_routed, other.first_routed);
    }

    /// What ranks them: money that was saved or not served, then requests.
    fn weight(&self) -> (i64, i64) {
        let money = self.saved.nanos().saturating_add(self.not_served.nanos());
        (money, self.blocked_count + self.routed_count)
    }
}

fn earlier(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    a.into_iter().chain(b).min()
}

impl<K: Eq + Hash> Table<K> {
    fn add(&mut self, key: K, counts: &Counts) {
        let is_full = self.counts.len() >= MEMBERS_MAX;
        match self.counts.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().add(counts),
            Entry::Vacant(new) if !is_full => drop(new.insert(*counts)),
            Entry::Vacant(_) => {}
        }
    }
}

impl Top {
    /// Of two replays.
    pub fn of(today: Tally, changed: Tally) -> Top {
        Top {
            limits: top(today.limits, changed.limits),
            models: top(today.models, changed.models),
            departments: top(today.departments, changed.departments),
            users: top(today.users, changed.users),
        }
    }
}

/// The heaviest of either replay first, then by key.
fn top<K: Clone + Eq + Hash + Ord>(today: Table<K>, changed: Table<K>) -> Vec<Row<K>> {
    let mut rows: HashMap<K, Row<K>> = HashMap::new();
    let row = |key: &K| {
        let (today, changed) = (Counts::default(), Counts::default());
        Row { key: key.clone(), today, changed }
    };
    for (key, counts) in today.counts {
        rows.entry(key.clone()).or_insert_with(|| row(&key)).today = counts;
    }
    for (key, counts) in changed.counts {
        rows.entry(key.clone()).or_insert_with(|| row(&key)).changed = counts;
    }
    let mut rows: Vec<Row<K>> = rows.into_values().collect();
    rows.sort_unstable_by(|a, b| {
        let weight = |row: &Row<K>| Reverse(row.today.weight().max(row.changed.weight()));
        weight(a).cmp(&weight(b)).then_with(|| a.key.cmp(&b.key))
    });
    rows.truncate(TOP_MAX);
    rows
}
