//! Windows of time in a workspace's time zone.
//!
//! A window is named by its start and computed from the clock; nothing resets it (I8).

use chrono::{Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use super::time::{MICROS_PER_HOUR, MICROS_PER_SECOND, Time};

/// A span of time, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    pub start: Time,
    pub end: Time,
}

impl Window {
    pub fn contains(&self, time: Time) -> bool {
        self.start <= time && time < self.end
    }
}

/// Computes the windows of one workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    time_zone: Tz,
    /// First day of each cycle, 1 to 31.
    start_day: u32,
}

impl Calendar {
    /// Cycles begin on the day of the month of `start_date`, or on the 1st without one.
    pub fn new(time_zone: Tz, start_date: Option<NaiveDate>) -> Calendar {
        Calendar { time_zone, start_day: start_date.map_or(1, |date| date.day()) }
    }

    /// The cycle that `time` lies in: from local midnight of the start day to that of the next
    /// month. In a month that is too short the cycle begins on its last day.
    pub fn cycle(&self, time: Time) -> Window {
        let date = self.local_date(time);
        let this = (date.year(), date.month());
        let mut start = self.cycle_start_in(this);
        let mut end = self.cycle_start_in(month_after(this));
        // Instants are compared, not dates: a zone may pass a midnight twice.
        if time < start {
            end = start;
            start = self.cycle_start_in(month_before(this));
        } else if time >= end {
            start = end;
            end = self.cycle_start_in(month_after(month_after(this)));
        }
        let window = Window { start, end };
        assert!(window.contains(time), "a cycle contains the time that it was asked for");
        window
    }

    /// Start of the local hour that `time` lies in. At most an hour before `time`, also across
    /// changes of the zone's offset.
    pub fn hour_start(&self, time: Time) -> Time {
        let local = self.time_zone.from_utc_datetime(&time.to_utc().naive_utc());
        let offset_seconds = i64::from(chrono::Offset::fix(local.offset()).local_minus_utc());
        let local_micros = time.micros() + offset_seconds * MICROS_PER_SECOND;
        time - local_micros.rem_euclid(MICROS_PER_HOUR)
    }

    /// Local days from the one that `time` lies in, included, to the end of `window`.
    pub fn days_left(&self, time: Time, window: Window) -> i64 {
        (self.local_date(window.end) - self.local_date(time)).num_days()
    }

    fn local_date(&self, time: Time) -> NaiveDate {
        self.time_zone.from_utc_datetime(&time.to_utc().naive_utc()).date_naive()
    }

    fn cycle_start_in(&self, (year, month): (i32, u32)) -> Time {
        let mut day = self.start_day;
        loop {
            if let Some(date) = NaiveDate::from_ymd_opt(year, month, day) {
                return self.midnight(date);
            }
            assert!(day > 28, "every month has 28 days");
            day -= 1;
        }
    }

    /// First instant of a local day. Where the clocks skip midnight it is the first instant after
    /// the gap; where they pass it twice, the first of the two.
    fn midnight(&self, date: NaiveDate) -> Time {
        let mut local = NaiveDateTime::new(date, NaiveTime::MIN);
        // Gaps are at most a day long (a zone that moves across the date line skips one).
        for _ in 0..=(24 * 4) {
            match self.time_zone.from_local_datetime(&local) {
                LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => {
                    return self.first_instant_on(date, Time::from_utc(instant.to_utc()));
                }
                LocalResult::None => local += chrono::TimeDelta::minutes(15),
            }
        }
        unreachable!("no zone skips more than a day");
    }

    /// `instant` lies within 15 minutes after the first instant of `date`, or is it.
    fn first_instant_on(&self, date: NaiveDate, instant: Time) -> Time {
        let on_or_after = |time: Time| self.local_date(time) >= date;
        let mut before = instant - 15 * 60 * MICROS_PER_SECOND;
        if on_or_after(before) {
            return instant;
        }
        // A gap need not end on a quarter of an hour: find the instant itself.
        let mut first = instant;
        while first - before > 1 {
            let middle = before + (first - before) / 2;
            if on_or_after(middle) { first = middle } else { before = middle }
        }
        first
    }
}

fn month_after((year, month): (i32, u32)) -> (i32, u32) {
    if month == 12 { (year + 1, 1) } else { (year, month + 1) }
}

fn month_before((year, month): (i32, u32)) -> (i32, u32) {
    if month == 1 { (year - 1, 12) } else { (year, month - 1) }
}
