//! Rows for whole days: one day at a time is gone through and summed up, in a bounded number of
//! groups.

use std::cmp::Ordering;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;
use hashbrown::HashMap;

use super::super::log::Pages;
use super::super::table::{Column, File};
use super::super::{Error, LogScope, Result, Source};
use super::charge::{Part, Prices, parts};
use super::entries::corrects_past;
use super::moments::Moments;
use super::row::{COLUMNS, Row};
use crate::domain::calendar::Window;
use crate::domain::record::{Record, RecordKind};
use crate::domain::usage::ServiceTier;
use crate::domain::{Amount, Time};

/// Most groups of one day.
pub const GROUPS_MAX: usize = 100_000;
/// Rows that are put into the file at once.
const ROWS_AT_ONCE: usize = 4_096;

/// A local day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub date: NaiveDate,
    pub window: Window,
}

/// A row for each token class of each day, model, tier, price, and attribution to department,
/// project, API key and user.
pub struct Daily {
    scope: LogScope,
    moments: Moments,
    /// Days that are to come, the last one first.
    days: Vec<Day>,
    day: Option<OfDay>,
}

/// Where the export is in a day.
enum OfDay {
    /// Its entries are summed up.
    Reading(Day, Pages, HashMap<Key, Group>),
    /// Its groups go into the file; the last one first.
    Writing(Day, Vec<(Key, Group)>),
}

/// What entries have in common that are summed up.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    kind: RecordKind,
    corrects_past: bool,
    model_id: Arc<str>,
    tier: ServiceTier,
    prices: Option<PriceKey>,
    department_id: String,
    project_id: String,
    api_key_id: String,
    user_id: String,
}

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct PriceKey {
    id: Arc<str>,
    list_id: Arc<str>,
    from_input_tokens: i64,
    list_from_input_tokens: i64,
    rate_nanos: i64,
}

struct Group {
    prices: Option<Prices>,
    /// Any time of its billing period.
    time: Time,
    /// Each token class once, with the number of its entries.
    parts: Vec<(Part, i64)>,
}

impl Daily {
    /// `days` are those of the window, in order.
    pub fn new(scope: LogScope, mut days: Vec<Day>) -> Daily {
        days.reverse();
        let moments = Moments::new(&scope.workspace);
        Daily { scope, moments, days, day: None }
    }

    /// Adds the entries of a page to the groups of their day.
    fn sum_up(
        &mut self,
        date: NaiveDate,
        page: &[Record],
        groups: &mut HashMap<Key, Group>,
    ) -> Result<()> {
        for record in page {
            let prices = Prices::of(record, &self.scope.catalogue);
            let parts = parts(record, prices.as_ref())?;
            if parts.is_empty() {
                continue;
            }
            let billing_period = self.moments.billing_period(record.charge_time);
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

    fn write(&mut self, day: Day, key: &Key, group: &Group, file: &mut File) -> Result<()> {
        let model = self.scope.catalogue.model(&key.model_id).map(|entry| entry.model());
        for (part, entry_count) in &group.parts {
            let row = Row {
                billing_period: self.moments.billing_period(group.time),
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
                entry_count: *entry_count,
                department_id: &key.department_id,
                department_name: "",
                project_id: &key.project_id,
                api_key_id: &key.api_key_id,
                user_id: &key.user_id,
                entry: None,
            };
            row.write(&self.scope, file)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Source for Daily {
    fn columns(&self) -> Vec<Column> {
        COLUMNS.to_vec()
    }

    async fn add_rows(&mut self, file: &mut File) -> Result<bool> {
        self.day = match self.day.take() {
            None => {
                let Some(day) = self.days.pop() else { return Ok(false) };
                let pages = Pages::new(&self.scope, day.window);
                Some(OfDay::Reading(day, pages, HashMap::new()))
            }
            Some(OfDay::Reading(day, mut pages, mut groups)) => match pages.next().await? {
                Some(page) => {
                    self.sum_up(day.date, &page, &mut groups)?;
                    Some(OfDay::Reading(day, pages, groups))
                }
                None => Some(OfDay::Writing(day, last_first(groups))),
            },
            Some(OfDay::Writing(day, mut groups)) => {
                for _ in 0..ROWS_AT_ONCE {
                    let Some((key, group)) = groups.pop() else { break };
                    self.write(day, &key, &group, file)?;
                }
                (!groups.is_empty()).then_some(OfDay::Writing(day, groups))
            }
        };
        Ok(true)
    }
}

impl Key {
    fn of(record: &Record, corrects_past: bool, prices: Option<&Prices>) -> Key {
        let of = &record.attribution;
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
            }),
            department_id: of.department_id.clone(),
            project_id: of.project_id.clone(),
            api_key_id: of.api_key_id.clone(),
            user_id: of.user_id.clone(),
        }
    }

    fn attribution(&self) -> [&str; 4] {
        [&self.department_id, &self.project_id, &self.api_key_id, &self.user_id]
    }

    /// By whom and what it is for, so that files of the same usage are the same.
    fn cmp(&self, other: &Key) -> Ordering {
        let rest = |key: &Key| (key.tier as u8, key.kind as u8, key.corrects_past);
        self.attribution()
            .cmp(&other.attribution())
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
        let Some((sum, entry_count)) =
            self.parts.iter_mut().find(|(sum, _)| sum.class == part.class)
        else {
            self.parts.push((*part, 1));
            self.parts.sort_by_key(|(sum, _)| sum.class.map(|class| class as usize));
            return Ok(());
        };
        *entry_count += 1;
        sum.tokens += part.tokens;
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
