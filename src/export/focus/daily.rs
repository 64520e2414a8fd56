//! FOCUS by day: aggregates one day at a time, in a bounded number of groups.

use std::cmp::Ordering;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;
use hashbrown::HashMap;

use super::by_record::corrects_past;
use super::cached_calendar::CachedCalendar;
use super::charge::{Meter, Part, Prices, parts, pricing_nanos};
use super::columns;
use super::row::Row;
use crate::domain::attribution::{Attribution, AttributionField};
use crate::domain::calendar::Window;
use crate::domain::record::{Record, RecordKind};
use crate::domain::usage::ServiceTier;
use crate::domain::{Amount, Time};
use crate::export::error::{Error, Result};
use crate::export::log_pages::{LogScope, Pages};
use crate::export::row_writer::{RowSource, RowWriter};
use crate::export::sink::Column;

/// Most groups of one day.
pub const GROUPS_MAX: usize = 100_000;
/// Rows that are written at a time.
const ROWS_AT_ONCE: usize = 4_096;

/// Attribution fields that days are grouped by, in the order of the rows.
const FIELDS: [AttributionField; 4] = [
    AttributionField::Department,
    AttributionField::Project,
    AttributionField::ApiKey,
    AttributionField::User,
];

/// A local day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub date: NaiveDate,
    pub window: Window,
}

/// A row for each meter of each day, model, tier, price, factors, department, project, API key and
/// user.
pub struct Daily {
    scope: LogScope,
    calendar: CachedCalendar,
    /// Remaining days, the last one first.
    days: Vec<Day>,
    day: Option<DayProgress>,
}

/// Progress of the export within a day.
enum DayProgress {
    /// Records are aggregated.
    Reading(Day, Pages, HashMap<Key, Group>),
    /// Groups are written; those that remain, the last one first.
    Writing(Day, Vec<(Key, Group)>),
}

/// What the records of a group have in common.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    kind: RecordKind,
    corrects_past: bool,
    model_id: Arc<str>,
    tier: ServiceTier,
    prices: Option<PriceKey>,
    /// Values of [`FIELDS`].
    attribution: [String; FIELDS.len()],
}

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct PriceKey {
    id: Arc<str>,
    list_id: Arc<str>,
    from_input_tokens: i64,
    list_from_input_tokens: i64,
    rate_nanos: i64,
    factors: Vec<Arc<str>>,
}

struct Group {
    prices: Option<Prices>,
    /// Any time of its billing period.
    time: Time,
    /// Each meter once, with the number of its records.
    parts: Vec<(Part, i64)>,
}

impl Daily {
    /// `days` are those of the window, in order.
    pub fn new(scope: LogScope, mut days: Vec<Day>) -> Daily {
        days.reverse();
        let calendar = CachedCalendar::new(&scope.workspace);
        Daily { scope, calendar, days, day: None }
    }

    /// Adds the records of a page to the groups of their day.
    fn aggregate(
        &mut self,
        date: NaiveDate,
        page: &[Record],
        groups: &mut HashMap<Key, Group>,
    ) -> Result<()> {
        for record in page {
            let prices = Prices::of(record, &self.scope.catalog);
            let parts = parts(record, prices.as_ref())?;
            if parts.is_empty() {
                continue;
            }
            let billing_period = self.calendar.billing_period(record.charge_time);
            let key = Key::of(record, corrects_past(record, billing_period), prices.as_ref());
            let time = record.charge_time;
            let group = groups.entry(key).or_insert_with(|| Group::new(prices, time));
            for part in &parts {
                group.add(part)?;
            }
            if groups.len() > GROUPS_MAX {
                return Err(Error::TooManyGroups { date, max: GROUPS_MAX });
            }
        }
        Ok(())
    }

    fn write(&mut self, day: Day, key: &Key, group: &Group, out: &mut RowWriter) -> Result<()> {
        let model = self.scope.catalog.by_id_or_alias(&key.model_id).map(|entry| entry.model());
        let attribution = key.attribution();
        for (part, record_count) in &group.parts {
            let row = Row {
                workspace: &self.scope.workspace,
                billing_period: self.calendar.billing_period(group.time),
                charge_period: day.window,
                date: day.date,
                kind: key.kind,
                corrects_past: key.corrects_past,
                model_id: &key.model_id,
                provider: model.map_or("", |model| &model.provider),
                model_name: model.map_or("", |model| &model.display_name),
                tier: key.tier,
                prices: group.prices.as_ref(),
                part: *part,
                pricing_nanos: pricing_nanos(part.pricing_cost)?,
                record_count: *record_count,
                attribution: &attribution,
                record: None,
            };
            columns::write(&row, out);
        }
        Ok(())
    }
}

#[async_trait]
impl RowSource for Daily {
    fn columns(&self) -> Vec<Column> {
        columns::columns()
    }

    async fn write_rows(&mut self, out: &mut RowWriter) -> Result<bool> {
        self.day = match self.day.take() {
            None => {
                let Some(day) = self.days.pop() else { return Ok(false) };
                let pages = Pages::new(&self.scope, day.window);
                Some(DayProgress::Reading(day, pages, HashMap::new()))
            }
            Some(DayProgress::Reading(day, mut pages, mut groups)) => match pages.next().await? {
                Some(page) => {
                    self.aggregate(day.date, &page, &mut groups)?;
                    Some(DayProgress::Reading(day, pages, groups))
                }
                None => Some(DayProgress::Writing(day, last_first(groups))),
            },
            Some(DayProgress::Writing(day, mut groups)) => {
                for _ in 0..ROWS_AT_ONCE {
                    let Some((key, group)) = groups.pop() else { break };
                    self.write(day, &key, &group, out)?;
                }
                (!groups.is_empty()).then_some(DayProgress::Writing(day, groups))
            }
        };
        Ok(true)
    }
}

impl Key {
    fn of(record: &Record, corrects_past: bool, prices: Option<&Prices>) -> Key {
        Key {
            kind: record.kind,
            corrects_past,
            model_id: Arc::clone(&record.metered_model_id),
            tier: record.tier,
            prices: prices.map(|prices| PriceKey {
                id: Arc::clone(&prices.id),
                list_id: Arc::clone(&prices.list_id),
                from_input_tokens: prices.from_input_tokens,
                list_from_input_tokens: prices.list_from_input_tokens,
                rate_nanos: prices.rate.nanos(),
                factors: prices.factors.clone(),
            }),
            attribution: FIELDS.map(|field| record.attribution.get(field).to_owned()),
        }
    }

    fn attribution(&self) -> Attribution {
        let mut attribution = Attribution::default();
        for (field, value) in FIELDS.into_iter().zip(&self.attribution) {
            value.clone_into(attribution.get_mut(field));
        }
        attribution
    }

    /// Order of the rows: a function of the usage, so that the same usage gives the same file.
    fn cmp(&self, other: &Key) -> Ordering {
        let rest = |key: &Key| (key.tier as u8, key.kind as u8, key.corrects_past);
        self.attribution
            .cmp(&other.attribution)
            .then_with(|| self.model_id.cmp(&other.model_id))
            .then_with(|| rest(self).cmp(&rest(other)))
            .then_with(|| self.prices.cmp(&other.prices))
    }
}

impl Group {
    fn new(prices: Option<Prices>, time: Time) -> Group {
        Group { prices, time, parts: Vec::new() }
    }

    fn add(&mut self, part: &Part) -> Result<()> {
        let Some((sum, record_count)) =
            self.parts.iter_mut().find(|(sum, _)| sum.meter == part.meter)
        else {
            self.parts.push((*part, 1));
            self.parts.sort_by_key(|(sum, _)| sum.meter.map(Meter::place));
            return Ok(());
        };
        *record_count += 1;
        sum.count += part.count;
        sum.cost = add(sum.cost, part.cost)?;
        sum.list_cost = add(sum.list_cost, part.list_cost)?;
        sum.pricing_cost += part.pricing_cost;
        Ok(())
    }
}

fn add(a: Amount, b: Amount) -> Result<Amount> {
    a.checked_add(b).ok_or(Error::SumTooLarge)
}

fn last_first(groups: HashMap<Key, Group>) -> Vec<(Key, Group)> {
    let mut groups: Vec<(Key, Group)> = groups.into_iter().collect();
    groups.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
    groups
}
