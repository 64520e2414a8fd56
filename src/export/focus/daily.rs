//! FOCUS by day: aggregates one day at a time, in a bounded number of groups; first the days before
//! the window, of what is billed late in it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;
use hashbrown::HashMap;

use super::cached_calendar::CachedCalendar;
use super::charge::{Meter, Part, Prices, parts, pricing_nanos};
use super::columns;
use super::row::Row;
use crate::domain::attribution::{Attribution, AttributionField};
use crate::domain::record::{Record, RecordKind};
use crate::domain::time::calendar::Window;
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
    /// Until they are read: records that are charged before the window and billed in it.
    late: Option<Late>,
    /// Days before the window with what is billed in it, the last one first.
    late_days: Vec<(Day, Vec<(Key, Group)>)>,
    /// Remaining days, the last one first.
    days: Vec<Day>,
    day: Option<DayProgress>,
}

/// Late records as they are aggregated, by the day they are charged to.
struct Late {
    pages: Pages,
    days: BTreeMap<NaiveDate, (Day, HashMap<Key, Group>)>,
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
    /// Start of the billing period, and whether it is not that of the day.
    billing: (Time, bool),
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
    /// Each meter once, with the number of its records.
    parts: Vec<(Part, i64)>,
}

impl Daily {
    /// `days` are those of the window, in order.
    pub fn new(scope: LogScope, mut days: Vec<Day>) -> Daily {
        days.reverse();
        let calendar = CachedCalendar::new(&scope.workspace);
        let pages = Pages::charged_before(&scope, scope.window);
        let late = Some(Late { pages, days: BTreeMap::new() });
        Daily { scope, calendar, late, late_days: Vec::new(), days, day: None }
    }

    /// Reads a page of late records; at the end their days are to be written.
    async fn read_late(&mut self, mut late: Late) -> Result<()> {
        let Some(page) = late.pages.next().await? else {
            let days = late.days.into_values().rev();
            self.late_days = days.map(|(day, groups)| (day, last_first(groups))).collect();
            return Ok(());
        };
        for record in page {
            let day = self.calendar.day(record.charge_time);
            let (_, groups) = late.days.entry(day.date).or_insert_with(|| (day, HashMap::new()));
            self.aggregate(day.date, &[record], groups)?;
        }
        let count = late.days.values().map(|(_, groups)| groups.len()).sum::<usize>();
        if let Some(date) = late.days.keys().next().filter(|_| count > GROUPS_MAX) {
            return Err(Error::TooManyGroups { date: *date, max: GROUPS_MAX });
        }
        self.late = Some(late);
        Ok(())
    }

    /// Adds the records of a page that are billed in the window to the groups of their day.
    fn aggregate(
        &mut self,
        date: NaiveDate,
        page: &[Record],
        groups: &mut HashMap<Key, Group>,
    ) -> Result<()> {
        for record in page {
            let (billing_time, is_late) = self.calendar.billing_time(record);
            if !self.scope.window.contains(billing_time) {
                continue;
            }
            let prices = Prices::of(record, &self.scope.catalog);
            let parts = parts(record, prices.as_ref())?;
            if parts.is_empty() {
                continue;
            }
            let period = self.calendar.billing_period(billing_time);
            let key = Key::of(record, (period.start, is_late), prices.as_ref());
            let group = groups.entry(key).or_insert_with(|| Group::new(prices));
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
                billing_period: self.calendar.billing_period(key.billing.0),
                charge_period: day.window,
                date: day.date,
                kind: key.kind,
                is_late: key.billing.1,
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
        if let Some(late) = self.late.take() {
            self.read_late(late).await?;
            return Ok(true);
        }
        self.day = match self.day.take() {
            None if !self.late_days.is_empty() => {
                self.late_days.pop().map(|(day, groups)| DayProgress::Writing(day, groups))
            }
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
    fn of(record: &Record, billing: (Time, bool), prices: Option<&Prices>) -> Key {
        Key {
            kind: record.kind,
            billing,
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
        let rest = |key: &Key| (key.tier as u8, key.kind as u8, key.billing);
        self.attribution
            .cmp(&other.attribution)
            .then_with(|| self.model_id.cmp(&other.model_id))
            .then_with(|| rest(self).cmp(&rest(other)))
            .then_with(|| self.prices.cmp(&other.prices))
    }
}

impl Group {
    fn new(prices: Option<Prices>) -> Group {
        Group { prices, parts: Vec::new() }
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
