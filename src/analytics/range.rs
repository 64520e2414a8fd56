//! Date ranges of reports in the calendar of the workspace: the period, the previous period that it
//! is compared with, and buckets of time.
//!
//! Days are local; a day of 23 or 25 hours is one day.

use chrono::{Datelike, Months, NaiveDate, TimeDelta};

use crate::domain::Time;
use crate::domain::quota::Period;
use crate::domain::time::Micros;
use crate::domain::time::calendar::{Calendar, Window};

/// Most days of one report.
pub const DAYS_MAX: i64 = 1_100;
/// Most days of a report by hours.
pub const HOUR_DAYS_MAX: i64 = 31;

const LAST_MICRO: Micros = 1;

/// A range relative to today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    Today,
    Yesterday,
    Last7Days,
    Last30Days,
    Last90Days,
    Last365Days,
    ThisWeek,
    LastWeek,
    ThisMonth,
    LastMonth,
    ThisCycle,
    LastCycle,
}

/// The range of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    Preset(Preset),
    /// First and last day, both inclusive; at most [`DAYS_MAX`], which callers check.
    Dates(NaiveDate, NaiveDate),
}

impl Default for Range {
    fn default() -> Range {
        Range::Preset(Preset::Last30Days)
    }
}

/// Whole local days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    pub first: NaiveDate,
    /// Inclusive.
    pub last: NaiveDate,
    /// From midnight to midnight.
    pub window: Window,
}

/// The period of a report, and the previous period that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportPeriod {
    pub days: Days,
    pub previous: Days,
}

/// Length of a bucket of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// Local hours.
    Hour,
    Day,
    /// From Monday.
    Week,
    Month,
}

/// One interval of a time series. The first and the last of a period may be partial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// First local day.
    pub first: NaiveDate,
    pub window: Window,
}

impl Days {
    fn new(calendar: &Calendar, first: NaiveDate, last: NaiveDate) -> Days {
        let (start, end) = (calendar.day_start(first), calendar.day_start(last + days(1)));
        Days { first, last, window: Window { start, end } }
    }

    /// Number of days.
    pub fn count(&self) -> i64 {
        (self.last - self.first).num_days() + 1
    }

    /// The buckets of these days, in order and without gaps. A day that the time zone skipped has
    /// none.
    pub fn buckets(&self, calendar: &Calendar, granularity: Granularity) -> Vec<Bucket> {
        if granularity == Granularity::Hour {
            return self.hours(calendar);
        }
        let mut buckets = Vec::new();
        let mut first = self.first;
        while first <= self.last {
            let next = match granularity {
                Granularity::Hour | Granularity::Day => first + days(1),
                Granularity::Week => {
                    first + days(7 - i64::from(first.weekday().num_days_from_monday()))
                }
                Granularity::Month => first - days(i64::from(first.day0())) + Months::new(1),
            };
            let last = next.min(self.last + days(1)) - days(1);
            let window = Days::new(calendar, first, last).window;
            if window.start < window.end {
                buckets.push(Bucket { first, window });
            }
            first = next;
        }
        buckets
    }

    fn hours(&self, calendar: &Calendar) -> Vec<Bucket> {
        let mut buckets = Vec::new();
        let mut start = self.window.start;
        while start < self.window.end {
            let end = calendar.next_hour(start).min(self.window.end);
            buckets.push(Bucket { first: calendar.date(start), window: Window { start, end } });
            start = end;
        }
        buckets
    }
}

impl ReportPeriod {
    /// The period, and the previous one.
    pub fn windows(&self) -> [Window; 2] {
        [self.days.window, self.previous.window]
    }

    /// Resolves a range at a time.
    pub fn new(range: Range, calendar: &Calendar, now: Time) -> ReportPeriod {
        match range {
            Range::Dates(first, last) => ReportPeriod::before(calendar, first, last),
            Range::Preset(preset) => ReportPeriod::of_preset(preset, calendar, now),
        }
    }

    fn of_preset(preset: Preset, calendar: &Calendar, now: Time) -> ReportPeriod {
        let today = calendar.date(now);
        let last_days = |count: i64| ReportPeriod::before(calendar, today - days(count - 1), today);
        match preset {
            Preset::Today => last_days(1),
            Preset::Yesterday => ReportPeriod::before(calendar, today - days(1), today - days(1)),
            Preset::Last7Days => last_days(7),
            Preset::Last30Days => last_days(30),
            Preset::Last90Days => last_days(90),
            Preset::Last365Days => last_days(365),
            Preset::ThisWeek => ReportPeriod::to_date(calendar, Period::Week, now),
            Preset::LastWeek => ReportPeriod::complete(calendar, Period::Week, now),
            Preset::ThisMonth => ReportPeriod::to_date(calendar, Period::Month, now),
            Preset::LastMonth => ReportPeriod::complete(calendar, Period::Month, now),
            Preset::ThisCycle => ReportPeriod::to_date(calendar, Period::Cycle, now),
            Preset::LastCycle => ReportPeriod::complete(calendar, Period::Cycle, now),
        }
    }

    /// Compared with as many days directly before.
    fn before(calendar: &Calendar, first: NaiveDate, last: NaiveDate) -> ReportPeriod {
        let count = (last - first) + days(1);
        let previous = Days::new(calendar, first - count, first - days(1));
        ReportPeriod { days: Days::new(calendar, first, last), previous }
    }

    /// The current week, month or cycle to date, compared with as many days of the one before, at
    /// most all of them.
    fn to_date(calendar: &Calendar, period: Period, now: Time) -> ReportPeriod {
        let (this, today) = (whole(calendar, period, now), calendar.date(now));
        let before = whole(calendar, period, this.window.start - LAST_MICRO);
        let last = (before.first + (today - this.first)).min(before.last);
        ReportPeriod {
            days: Days::new(calendar, this.first, today),
            previous: Days::new(calendar, before.first, last),
        }
    }

    /// The last complete week, month or cycle, compared with the one before it.
    fn complete(calendar: &Calendar, period: Period, now: Time) -> ReportPeriod {
        let this = whole(calendar, period, now);
        let last = whole(calendar, period, this.window.start - LAST_MICRO);
        let previous = whole(calendar, period, last.window.start - LAST_MICRO);
        ReportPeriod { days: last, previous }
    }
}

/// The days of the week, month or cycle that contains `time`.
fn whole(calendar: &Calendar, period: Period, time: Time) -> Days {
    let window = calendar.window(period, time).expect("weeks, months and cycles end by the clock");
    Days {
        first: calendar.date(window.start),
        last: calendar.date(window.end - LAST_MICRO),
        window,
    }
}

fn days(count: i64) -> TimeDelta {
    TimeDelta::days(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::MICROS_PER_HOUR;

    fn calendar(zone: &str, start_day: u32) -> Calendar {
        let date = NaiveDate::from_ymd_opt(2024, 1, start_day).unwrap();
        Calendar::new(zone.parse().unwrap(), Some(date))
    }

    fn at(text: &str) -> Time {
        Time::from_utc(chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc())
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn presets_are_resolved_with_the_period_that_they_are_compared_with() {
        let check = |start_day, now: &str, preset, expected: [&str; 4]| {
            let calendar = calendar("UTC", start_day);
            let range = Range::Preset(preset);
            let period = ReportPeriod::new(range, &calendar, at(&format!("{now}T12:00:00Z")));
            let found =
                [period.days.first, period.days.last, period.previous.first, period.previous.last];
            assert_eq!(found, expected.map(date), "{now} {preset:?}");
            let midnight = |date| at(&format!("{date}T00:00:00Z"));
            assert_eq!(period.days.window.start, midnight(found[0]));
            assert_eq!(period.days.window.end, midnight(found[1] + days(1)));
            assert_eq!(period.previous.window.end, midnight(found[3] + days(1)));
        };
        let day = "2026-03-31";
        check(1, day, Preset::Today, [day, day, "2026-03-30", "2026-03-30"]);
        check(1, day, Preset::Yesterday, ["2026-03-30", "2026-03-30", "2026-03-29", "2026-03-29"]);
        check(1, day, Preset::Last7Days, ["2026-03-25", day, "2026-03-18", "2026-03-24"]);
        check(1, day, Preset::Last30Days, ["2026-03-02", day, "2026-01-31", "2026-03-01"]);
        check(1, day, Preset::Last90Days, ["2026-01-01", day, "2025-10-03", "2025-12-31"]);
        check(1, day, Preset::Last365Days, ["2025-04-01", day, "2024-04-01", "2025-03-31"]);
        // A Tuesday.
        check(1, day, Preset::ThisWeek, ["2026-03-30", day, "2026-03-23", "2026-03-24"]);
        check(1, day, Preset::LastWeek, ["2026-03-23", "2026-03-29", "2026-03-16", "2026-03-22"]);
        // The shorter month ends before the day is reached.
        check(1, day, Preset::ThisMonth, ["2026-03-01", day, "2026-02-01", "2026-02-28"]);
        check(
            1,
            "2026-02-28",
            Preset::ThisMonth,
            ["2026-02-01", "2026-02-28", "2026-01-01", "2026-01-28"],
        );
        check(1, day, Preset::LastMonth, ["2026-02-01", "2026-02-28", "2026-01-01", "2026-01-31"]);
        check(15, day, Preset::ThisCycle, ["2026-03-15", day, "2026-02-15", "2026-03-03"]);
        check(15, day, Preset::LastCycle, ["2026-02-15", "2026-03-14", "2026-01-15", "2026-02-14"]);
        check(
            31,
            "2026-03-30",
            Preset::ThisCycle,
            ["2026-02-28", "2026-03-30", "2026-01-31", "2026-02-27"],
        );
    }

    #[test]
    fn dates_are_inclusive() {
        let calendar = calendar("Europe/Berlin", 1);
        let range = Range::Dates(date("2026-03-29"), date("2026-03-29"));
        let period = ReportPeriod::new(range, &calendar, at("2026-03-15T12:00:00Z"));
        assert_eq!(period.days.window.end - period.days.window.start, 23 * MICROS_PER_HOUR);
        assert_eq!(period.previous.first, date("2026-03-28"));
        assert_eq!(period.days.count(), 1);
    }

    #[test]
    fn buckets_are_partial_at_the_ends_and_have_no_gaps() {
        let check = |zone, first: &str, last: &str, granularity, expected: &[&str]| {
            let calendar = calendar(zone, 1);
            let range = Range::Dates(date(first), date(last));
            let period = ReportPeriod::new(range, &calendar, at("2026-03-15T12:00:00Z"));
            let buckets = period.days.buckets(&calendar, granularity);
            let firsts: Vec<String> = buckets.iter().map(|b| b.first.to_string()).collect();
            assert_eq!(firsts, expected, "{zone} {first} {granularity:?}");
            let mut end = period.days.window.start;
            for bucket in &buckets {
                assert_eq!(bucket.window.start, end);
                end = bucket.window.end;
            }
            assert_eq!(end, period.days.window.end);
        };
        let (day, week, month) = (Granularity::Day, Granularity::Week, Granularity::Month);
        let berlin = "Europe/Berlin";
        check(berlin, "2026-03-28", "2026-03-30", day, &["2026-03-28", "2026-03-29", "2026-03-30"]);
        // From a Saturday to a Tuesday.
        check(
            berlin,
            "2026-03-28",
            "2026-04-07",
            week,
            &["2026-03-28", "2026-03-30", "2026-04-06"],
        );
        check(
            berlin,
            "2026-01-31",
            "2026-03-01",
            month,
            &["2026-01-31", "2026-02-01", "2026-03-01"],
        );
        check(berlin, "2026-02-28", "2026-02-28", month, &["2026-02-28"]);
        // A day that was skipped.
        check("Pacific/Apia", "2011-12-29", "2011-12-31", day, &["2011-12-29", "2011-12-31"]);
    }

    #[test]
    fn a_day_has_the_hours_of_its_clocks() {
        let check = |zone, day: &str, expected: usize| {
            let calendar = calendar(zone, 1);
            let range = Range::Dates(date(day), date(day));
            let period = ReportPeriod::new(range, &calendar, at("2026-03-15T12:00:00Z"));
            let hours = period.days.buckets(&calendar, Granularity::Hour);
            assert_eq!(hours.len(), expected, "{zone} {day}");
            assert_eq!(hours.last().unwrap().window.end, period.days.window.end);
            assert!(hours.iter().all(|hour| hour.first == date(day)));
        };
        check("Europe/Berlin", "2026-03-28", 24);
        check("Europe/Berlin", "2026-03-29", 23);
        check("Europe/Berlin", "2026-10-25", 25);
        check("America/Santiago", "2026-09-06", 23);
        check("Australia/Lord_Howe", "2026-04-05", 25);
        check("Australia/Lord_Howe", "2026-10-04", 24);
        check("Asia/Kathmandu", "2026-06-01", 24);
    }
}
