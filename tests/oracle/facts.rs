//! What follows from the calendar and the catalog alone.

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Weekday};
use chrono_tz::Tz;
use std::sync::Arc;

use tollgate::domain::Time;
use tollgate::domain::catalog::Model;
use tollgate::domain::catalog::bill::{COST_MAX, Multiplier};
use tollgate::domain::catalog::price::{Price, Rate, RateCard};
use tollgate::domain::check::Check;
use tollgate::domain::record::RecordKind;
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::domain::time::calendar::{DayOfWeek, Window};
use tollgate::domain::usage::{Extras, Outcome, TOKENS_MAX, TokenClass, UnitKind, Usage};
use tollgate::domain::workspace::Workspace;
use tollgate::ledger::Error;

use super::Oracle;

/// The cycle that a time lies in: between the last start day up to it and the first one after.
pub fn cycle(workspace: &Workspace, time: Time) -> Window {
    let start_day = workspace.plan.map_or(1, |plan| plan.start_date.day());
    between(workspace.time_zone, time, 33, |date| {
        // In a month that is too short the cycle starts on its last day.
        let is_last_of_month = (date + TimeDelta::days(1)).month() != date.month();
        date.day() == start_day || (is_last_of_month && date.day() < start_day)
    })
}

/// The local day that a time lies in.
pub fn day(workspace: &Workspace, time: Time) -> Window {
    between(workspace.time_zone, time, 3, |_| true)
}

/// From the day that the workspace has set.
pub fn week(workspace: &Workspace, time: Time) -> Window {
    let days = [
        (DayOfWeek::Monday, Weekday::Mon),
        (DayOfWeek::Tuesday, Weekday::Tue),
        (DayOfWeek::Wednesday, Weekday::Wed),
        (DayOfWeek::Thursday, Weekday::Thu),
        (DayOfWeek::Friday, Weekday::Fri),
        (DayOfWeek::Saturday, Weekday::Sat),
        (DayOfWeek::Sunday, Weekday::Sun),
    ];
    let first = days.into_iter().find(|(day, _)| *day == workspace.week_start);
    let first = first.expect("one of seven").1;
    between(workspace.time_zone, time, 9, |date| date.weekday() == first)
}

/// From the 1st of January, April, July or October.
pub fn quarter(workspace: &Workspace, time: Time) -> Window {
    let begins = |date: NaiveDate| date.day() == 1 && [1, 4, 7, 10].contains(&date.month());
    between(workspace.time_zone, time, 95, begins)
}

/// From the 1st of January.
pub fn year(workspace: &Workspace, time: Time) -> Window {
    between(workspace.time_zone, time, 368, |date| date.ordinal() == 1)
}

/// An hour of a day, of those that are counted from its first instant.
pub fn whole_hour(workspace: &Workspace, time: Time) -> Window {
    let day = day(workspace, time);
    let mut start = day.start;
    while start + MICROS_PER_HOUR <= time {
        start = start + MICROS_PER_HOUR;
    }
    Window { start, end: day.end.min(start + MICROS_PER_HOUR) }
}

/// From the 1st.
pub fn month(workspace: &Workspace, time: Time) -> Window {
    between(workspace.time_zone, time, 33, |date| date.day() == 1)
}

/// From the beginning of the last such day to that of the next.
fn between(zone: Tz, time: Time, days: i64, begins: impl Fn(NaiveDate) -> bool) -> Window {
    let today = zone.from_utc_datetime(&time.to_utc().naive_utc()).date_naive();
    let mut starts = Vec::new();
    for days in -days..=days {
        let date = today + TimeDelta::days(days);
        if begins(date) {
            starts.push(midnight(zone, date));
        }
    }
    let start = starts.iter().copied().filter(|start| *start <= time).max();
    let end = starts.iter().copied().filter(|start| *start > time).min();
    Window { start: start.expect("days back"), end: end.expect("days ahead") }
}

/// The start of the local hour that a time lies in.
pub fn hour(workspace: &Workspace, time: Time) -> Time {
    let local = workspace.time_zone.from_utc_datetime(&time.to_utc().naive_utc());
    let micros_of_hour = (i64::from(local.minute()) * 60 + i64::from(local.second())) * 1_000_000
        + i64::from(local.timestamp_subsec_micros());
    time - micros_of_hour
}

/// The first instant of a local day, also where the clocks skip midnight.
fn midnight(zone: Tz, date: NaiveDate) -> Time {
    let mut local = date.and_time(NaiveTime::MIN);
    loop {
        if let Some(instant) = zone.from_local_datetime(&local).earliest() {
            return Time::from_utc(instant.to_utc());
        }
        local += TimeDelta::minutes(1);
    }
}

/// A request on a model: what it needs at most, and the price that says so. Without a price it
/// needs nothing.
#[derive(Clone, Debug)]
pub struct Offer {
    pub need: i128,
    pub price: Option<(Price, Rate)>,
    /// There is no price, or it lacks something that the request declares.
    pub unpriced: bool,
    /// The most output that it counts with.
    pub output: i64,
    /// Declared reads of a warm cache.
    pub cache_reads: i64,
}

impl Oracle {
    /// The catalog's model of that id, else of that alias.
    pub fn model(&self, name: &str) -> Option<&Model> {
        let models = &self.catalog.models;
        models
            .iter()
            .find(|model| *model.id == *name)
            .or_else(|| models.iter().find(|model| model.aliases.iter().any(|alias| alias == name)))
    }

    /// Price and exchange rate of a model at a time: the workspace's own before the catalog's,
    /// the later before the earlier.
    pub fn price(&self, model: &str, time: Time) -> Result<Option<(Price, Rate)>, Error> {
        let latest = |own: bool| {
            let prices = self.catalog.prices.iter().filter(|price| {
                let is_own = price.workspace_id.as_ref() == Some(&self.workspace.id);
                let is_shared = price.workspace_id.is_none();
                *price.model_id == *model
                    && price.effective_time <= time
                    && (if own { is_own } else { is_shared })
            });
            prices.max_by_key(|price| (price.effective_time, price.create_time, price.id.clone()))
        };
        let Some(price) = latest(true).or_else(|| latest(false)) else { return Ok(None) };
        let (from, to) = (price.currency, self.workspace.currency);
        if from == to {
            return Ok(Some((price.clone(), Rate::ONE)));
        }
        let rates = self
            .catalog
            .rates
            .iter()
            .filter(|rate| rate.from == from && rate.to == to && rate.effective_time <= time);
        match rates.max_by_key(|rate| (rate.effective_time, rate.create_time)) {
            Some(rate) => Ok(Some((price.clone(), rate.rate))),
            None => Err(Error::ExchangeRateMissing { from, to }),
        }
    }

    /// The worst case of a request on a model of the catalog, now.
    pub fn offer(&self, model: &str, check: &Check) -> Result<Offer, Error> {
        let room = TOKENS_MAX - check.input.total_input();
        let output = check.max_output.unwrap_or_else(|| self.expected_output(model).min(room));
        let most = self.model(model).and_then(|model| model.max_output);
        let output = most.map_or(output, |most| most.min(output));
        let price = self.price(model, self.now)?;
        let need =
            price.as_ref().map_or(0, |(price, rate)| worst_case(price, *rate, check, output));
        let unpriced = price
            .as_ref()
            .is_none_or(|(price, _)| lacks(price, &check.input, check.extras.as_deref()));
        let cache_reads = check.input.get(TokenClass::CacheRead);
        Ok(Offer { need, price, unpriced, output, cache_reads })
    }

    /// Where the caller names no maximum: the 95th percentile of what successful requests to the
    /// model produced, rounded up to the end of its bucket (four buckets per doubling); 1,024
    /// before there are twenty of them.
    fn expected_output(&self, model: &str) -> i64 {
        let is_sample = |record: &&tollgate::domain::record::Record| {
            record.kind == RecordKind::Usage
                && record.outcome == Outcome::Success
                && *record.metered_model_id == *model
        };
        let samples = self.log.iter().filter(is_sample);
        let mut outputs: Vec<i64> = samples.map(|record| record.usage.total_output()).collect();
        if outputs.len() < 20 {
            return 1_024;
        }
        outputs.sort_unstable();
        let rank = (outputs.len() * 95).div_ceil(100);
        let percentile = outputs[rank - 1].max(1);
        let mut ends = Vec::new();
        for doublings in 0..27 {
            for quarters in 5..=8 {
                let next: i64 = quarters << doublings;
                ends.push(next.div_euclid(4) + i64::from(next % 4 != 0) - 1);
            }
        }
        ends.into_iter().filter(|end| *end >= percentile).min().expect("within the bound")
    }
}

/// All declared input, and all output in whichever class is dearest. That is the dearest request
/// as long as rates do not fall with the size of the input, which prices of tests keep to.
///
/// Factors below 1 may not apply after all.
fn worst_case(price: &Price, rate: Rate, check: &Check, output: i64) -> i128 {
    let extras = check.extras.as_ref().map(|extras| {
        let raises = |name: &&std::sync::Arc<str>| {
            let factor = price.factors.iter().find(|factor| factor.name == **name);
            factor.is_some_and(|factor| factor.multiplier > Multiplier::ONE)
        };
        let factors = extras.factors.iter().filter(raises).cloned().collect();
        Extras { factors, ..(**extras).clone() }
    });
    let card = RateCard::new(Arc::new(price.clone()));
    let mut worst = 0;
    for class in [
        TokenClass::Output,
        TokenClass::Reasoning,
        TokenClass::AudioOutput,
        TokenClass::ImageOutput,
    ] {
        let usage = check.input.with(class, output);
        let cost = card.bill(&usage, extras.as_ref(), check.tier, rate);
        worst = worst.max(i128::from(cost.unwrap_or(COST_MAX).nanos()));
    }
    worst
}

/// Whether a price has no rate for units, or no factor, that are there. Prices of tests have their
/// rates of units for all tiers and sizes.
pub fn lacks(price: &Price, usage: &Usage, extras: Option<&Extras>) -> bool {
    let has_tokens = usage.tokens.iter().sum::<i64>() > 0;
    let lacks_tokens = has_tokens && price.base[TokenClass::Input as usize].is_none();
    let lacks_extras = extras.is_some_and(|extras| {
        let without_rate = |kind: &UnitKind| price.unit_rates[*kind as usize].is_none();
        UnitKind::ALL.iter().filter(|kind| extras.get(**kind) > 0).any(without_rate)
            || extras
                .factors
                .iter()
                .any(|name| price.factors.iter().all(|factor| factor.name != *name))
    });
    lacks_tokens || lacks_extras
}
