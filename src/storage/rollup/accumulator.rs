//! The accumulator of the fold: sums up records, to be added to the rollups.
//!
//! A record is counted once for each of its values: in the cell of that value, its hour, its day
//! and its metered model. The buckets of all three grains are made of these cells at the end, so
//! that a busy server pays for one look-up of a value and one of a cell, and copies no text that
//! it has seen before. Knows nothing of storage.

use std::fmt::Write;
use std::sync::Arc;

use hashbrown::HashMap;

use super::latency::Latencies;
use super::{DayRow, Folded, Grain, RollupRow, SeenRow, Sums, TAG_SEPARATOR, latency_of};
use crate::domain::Time;
use crate::domain::attribution::Dimension;
use crate::domain::record::Record;
use crate::storage::directory::Seen;

#[derive(Default)]
pub struct Accumulator {
    workspaces: HashMap<Arc<str>, OfWorkspace>,
    cells: usize,
    /// A tag as a value, to be looked up.
    tag: String,
}

/// Index of a value, a place or a day among those of its workspace.
type Index = u32;

#[derive(Default)]
struct OfWorkspace {
    values: Vec<Value>,
    value_indices: [HashMap<Arc<str>, Index>; Dimension::COUNT],
    places: Vec<Place>,
    place_indices: HashMap<Place, Index>,
    days: Vec<Day>,
    day_indices: HashMap<Time, Index>,
    /// By value and place.
    cells: HashMap<(Index, Index), Sums>,
    /// By value and day.
    latencies: HashMap<(Index, Index), Latencies>,
}

struct Value {
    dimension: Dimension,
    text: Arc<str>,
    seen: Option<Seen>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    hour: Time,
    day: Time,
    model_id: Arc<str>,
}

struct Day {
    start: Time,
    first_time: Time,
    last_time: Time,
}

/// What one record adds to each of its cells.
struct Addition<'a> {
    record: &'a Record,
    place: Index,
    day: Index,
    seen: Option<Seen>,
}

impl Accumulator {
    pub fn add(&mut self, record: &Record) {
        if !self.workspaces.contains_key(&record.workspace_id) {
            self.workspaces.insert(record.workspace_id.clone(), OfWorkspace::default());
        }
        let Some(of) = self.workspaces.get_mut(&record.workspace_id) else { return };
        let before = of.cells.len();
        let addition = Addition {
            record,
            place: of.place(record),
            day: of.day(record),
            seen: Seen::of(record),
        };
        for dimension in Dimension::ALL {
            if dimension != Dimension::Tag {
                of.count(dimension, dimension.value_of(record), &addition);
            }
        }
        for (key, value) in &record.attribution.tags {
            self.tag.clear();
            // Writing to a text cannot fail.
            let _ = write!(self.tag, "{key}{TAG_SEPARATOR}{value}");
            of.count(Dimension::Tag, &self.tag, &addition);
        }
        self.cells += of.cells.len() - before;
    }

    /// Number of cells. Each makes at most one bucket of each grain.
    pub fn len(&self) -> usize {
        self.cells
    }

    pub fn is_empty(&self) -> bool {
        self.cells == 0
    }

    pub fn into_folded(self) -> Folded {
        let mut folded = Folded::default();
        let mut workspaces: Vec<_> = self.workspaces.into_iter().collect();
        workspaces.sort_by(|a, b| a.0.cmp(&b.0));
        for (workspace_id, of) in workspaces {
            of.append_to(&workspace_id, &mut folded);
        }
        folded
    }
}

impl OfWorkspace {
    fn place(&mut self, record: &Record) -> Index {
        let place =
            Place { hour: record.hour, day: record.day, model_id: record.metered_model_id.clone() };
        if let Some(index) = self.place_indices.get(&place) {
            return *index;
        }
        let index = self.places.len() as Index;
        self.places.push(place.clone());
        self.place_indices.insert(place, index);
        index
    }

    fn day(&mut self, record: &Record) -> Index {
        let time = record.charge_time;
        let index = *self.day_indices.entry(record.day).or_insert_with(|| {
            self.days.push(Day { start: record.day, first_time: time, last_time: time });
            (self.days.len() - 1) as Index
        });
        let day = &mut self.days[index as usize];
        day.first_time = day.first_time.min(time);
        day.last_time = day.last_time.max(time);
        index
    }

    fn count(&mut self, dimension: Dimension, text: &str, addition: &Addition<'_>) {
        let indices = &mut self.value_indices[dimension as usize];
        let index = match indices.get(text) {
            Some(index) => *index,
            None => {
                let index = self.values.len() as Index;
                let text: Arc<str> = text.into();
                self.values.push(Value { dimension, text: text.clone(), seen: None });
                indices.insert(text, index);
                index
            }
        };
        if let Some(seen) = &addition.seen
            && dimension.is_seen()
            && !text.is_empty()
        {
            self.values[index as usize].seen.get_or_insert(*seen).merge(seen);
        }
        self.cells.entry((index, addition.place)).or_default().add(addition.record);
        if let Some(latency) = latency_of(addition.record) {
            self.latencies.entry((index, addition.day)).or_default().add(latency);
        }
    }

    fn append_to(mut self, workspace_id: &Arc<str>, folded: &mut Folded) {
        let mut cells: Vec<((Index, Index), Sums)> = self.cells.drain().collect();
        let mut latencies = std::mem::take(&mut self.latencies);
        let order = Order::of(&self);
        for grain in [Grain::Hour, Grain::Day, Grain::DayByModel] {
            let key = |&((value, place), _): &((Index, Index), Sums)| {
                self.key(&order, grain, value, place)
            };
            cells.sort_unstable_by_key(key);
            let mut last = None;
            for cell in &cells {
                let ((value, place), sums) = *cell;
                let Value { dimension, text, .. } = &self.values[value as usize];
                if grain == Grain::DayByModel && !dimension.is_by_model() {
                    continue;
                }
                if last == Some(key(cell))
                    && let Some(row) = folded.rollups.last_mut()
                {
                    row.sums.merge(&sums);
                    continue;
                }
                last = Some(key(cell));
                let Place { hour, day, model_id } = &self.places[place as usize];
                let is_day = grain == Grain::Day;
                folded.rollups.push(RollupRow {
                    workspace_id: workspace_id.clone(),
                    grain,
                    dimension: *dimension,
                    start: if grain == Grain::Hour { *hour } else { *day },
                    value: text.clone(),
                    model_id: match grain {
                        Grain::DayByModel => model_id.clone(),
                        Grain::Hour | Grain::Day => order.no_model.clone(),
                    },
                    sums,
                    latencies: match self.day_indices.get(day).filter(|_| is_day) {
                        Some(day) => latencies.remove(&(value, *day)).unwrap_or_default(),
                        None => Latencies::default(),
                    },
                });
            }
        }
        self.append_seen(workspace_id, &order, folded);
        self.append_days(workspace_id, folded);
    }

    /// What the bucket of a cell is ordered by, in the order of its table.
    fn key(
        &self,
        order: &Order,
        grain: Grain,
        value: Index,
        place: Index,
    ) -> (usize, Time, Index, Index) {
        let dimension = self.values[value as usize].dimension as usize;
        let Place { hour, day, .. } = &self.places[place as usize];
        let value = order.values[value as usize];
        match grain {
            Grain::Hour => (dimension, *hour, value, 0),
            Grain::Day => (dimension, *day, value, 0),
            Grain::DayByModel => (dimension, *day, value, order.models[place as usize]),
        }
    }

    fn append_seen(&self, workspace_id: &Arc<str>, order: &Order, folded: &mut Folded) {
        for index in &order.sorted_values {
            let Value { dimension, text, seen } = &self.values[*index as usize];
            if let Some(seen) = seen {
                folded.seen.push(SeenRow {
                    workspace_id: workspace_id.clone(),
                    dimension: *dimension,
                    value: text.clone(),
                    seen: *seen,
                });
            }
        }
    }

    fn append_days(mut self, workspace_id: &Arc<str>, folded: &mut Folded) {
        self.days.sort_by_key(|day| day.start);
        for Day { start, first_time, last_time } in self.days {
            let workspace_id = workspace_id.clone();
            folded.days.push(DayRow { workspace_id, day: start, first_time, last_time });
        }
    }
}

/// Ranks of values and models in the order of their texts, so that cells are sorted by numbers.
struct Order {
    /// Indices of values by dimension and text.
    sorted_values: Vec<Index>,
    /// Of each value.
    values: Vec<Index>,
    /// Of the model of each place; places of the same model have the same rank.
    models: Vec<Index>,
    no_model: Arc<str>,
}

impl Order {
    fn of(of: &OfWorkspace) -> Order {
        let mut sorted_values: Vec<Index> = (0..of.values.len() as Index).collect();
        sorted_values.sort_by_key(|index| {
            let value = &of.values[*index as usize];
            (value.dimension, &*value.text)
        });
        let mut values = vec![0; of.values.len()];
        for (rank, index) in sorted_values.iter().enumerate() {
            values[*index as usize] = rank as Index;
        }
        let mut texts: Vec<&Arc<str>> = of.places.iter().map(|place| &place.model_id).collect();
        texts.sort();
        texts.dedup();
        let mut models = Vec::with_capacity(of.places.len());
        for place in &of.places {
            models.push(texts.partition_point(|text| **text < place.model_id) as Index);
        }
        Order { sorted_values, values, models, no_model: "".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Amount;
    use crate::domain::attribution::Attribution;
    use crate::domain::catalog::price::Rate;
    use crate::domain::record::RecordKind;
    use crate::domain::usage::{Outcome, ServiceTier, Usage, UsageSource};

    fn record(model: &str, user: &str, hour: i64, day: i64) -> Record {
        Record {
            seq: 1,
            workspace_id: "w".into(),
            request_id: "r".into(),
            attempt: 0,
            revision: 0,
            kind: RecordKind::Usage,
            model_id: model.into(),
            metered_model_id: model.into(),
            tier: ServiceTier::Standard,
            usage: Usage::default(),
            extras: None,
            answer: None,
            outcome: Outcome::Error,
            source: UsageSource::Provider,
            cost: Amount::from_nanos(1),
            unpriced: false,
            price_id: None,
            exchange_rate: Rate::ONE,
            charge_time: Time::from_micros(hour + 1),
            hour: Time::from_micros(hour),
            day: Time::from_micros(day),
            start_time: Time::from_micros(0),
            start_time_adjusted: false,
            large_above: None,
            record_time: Time::from_micros(0),
            latency: 2_000,
            attribution: Attribution { user_id: user.to_owned(), ..Attribution::default() },
            key_group_id: "".into(),
            fingerprint: 0,
        }
    }

    fn folded(records: &[Record]) -> Folded {
        let mut accumulator = Accumulator::default();
        for record in records {
            accumulator.add(record);
        }
        accumulator.into_folded()
    }

    /// Start, value, model, cost and latencies of the buckets of a grain and dimension.
    fn buckets(
        folded: &Folded,
        grain: Grain,
        dimension: Dimension,
    ) -> Vec<(i64, &str, &str, i64, u64)> {
        let of =
            folded.rollups.iter().filter(|row| row.grain == grain && row.dimension == dimension);
        of.map(|row| {
            let (start, count) = (row.start.micros(), row.latencies.count());
            (start, &*row.value, &*row.model_id, row.sums.cost_nanos, count)
        })
        .collect()
    }

    #[test]
    fn cells_are_joined_by_hour_by_day_and_by_model() {
        let log = [
            record("b", "u", 10, 5),
            record("a", "u", 10, 5),
            record("a", "", 10, 5),
            record("a", "u", 20, 5),
            // The same hour may be of another day, where the zone has changed.
            record("a", "u", 20, 20),
        ];
        let folded = folded(&log);
        assert!(folded.rollups.is_sorted_by(|a, b| a.key() < b.key()));
        let of = |grain, dimension| buckets(&folded, grain, dimension);
        let user = Dimension::User;
        let expected = [(10, "", "", 1, 0), (10, "u", "", 2, 0), (20, "u", "", 2, 0)];
        assert_eq!(of(Grain::Hour, user), expected);
        let expected = [(5, "", "", 1, 1), (5, "u", "", 3, 3), (20, "u", "", 1, 1)];
        assert_eq!(of(Grain::Day, user), expected);
        let expected =
            [(5, "", "a", 1, 0), (5, "u", "a", 2, 0), (5, "u", "b", 1, 0), (20, "u", "a", 1, 0)];
        assert_eq!(of(Grain::DayByModel, user), expected);
        assert_eq!(of(Grain::DayByModel, Dimension::Model), []);
        assert_eq!(of(Grain::DayByModel, Dimension::Workspace), []);
        assert_eq!(of(Grain::Day, Dimension::Workspace), [(5, "", "", 4, 4), (20, "", "", 1, 1)]);
        let expected = [(5, "error", "", 4, 4), (20, "error", "", 1, 1)];
        assert_eq!(of(Grain::Day, Dimension::Outcome), expected);
    }

    #[test]
    fn a_record_counts_for_each_of_its_tags() {
        let mut tagged = record("a", "u", 10, 5);
        for (key, value) in [("team", "blue"), ("cost", "7")] {
            tagged.attribution.tags.insert(key.to_owned(), value.to_owned());
        }
        let folded = folded(&[tagged, record("a", "u", 10, 5)]);
        let tag = super::super::tag_value;
        let (cost, team) = (tag("cost", "7"), tag("team", "blue"));
        let expected = [(5, &*cost, "", 1, 1), (5, &*team, "", 1, 1)];
        assert_eq!(buckets(&folded, Grain::Day, Dimension::Tag), expected);
    }

    #[test]
    fn only_attempts_are_seen_and_have_latencies() {
        let first = Record { outcome: Outcome::Success, ..record("a", "u", 10, 5) };
        let without = Record { latency: 0, ..record("a", "u", 7, 5) };
        let correction = Record { kind: RecordKind::Correction, ..record("a", "u", 3, 5) };
        let folded = folded(&[first, without, correction]);
        let expected = [(5, "u", "", 3, 1)];
        assert_eq!(buckets(&folded, Grain::Day, Dimension::User), expected);
        let time = Time::from_micros;
        let seen =
            Seen { first_time: time(8), last_time: time(11), first_success_time: Some(time(11)) };
        let of: Vec<_> =
            folded.seen.iter().map(|row| (row.dimension, &*row.value, row.seen)).collect();
        // Not of empty values.
        assert_eq!(of, [(Dimension::User, "u", seen), (Dimension::Model, "a", seen)]);
        let days: Vec<_> =
            folded.days.iter().map(|day| (day.day, day.first_time, day.last_time)).collect();
        assert_eq!(days, [(time(5), time(4), time(11))]);
    }
}
