//! Windows of time in a workspace's time zone.
//!
//! A window is named by its start and computed from the clock; nothing resets it (I8).

use chrono::{Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::domain::Time;
use crate::domain::quota::Period;
use crate::domain::time::{MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, Micros};

/// Offsets of zones are whole multiples of this.
const HOUR_STEP: Micros = 15 * MICROS_PER_MINUTE;
/// The next local hour begins within two hours, also where half an hour passes twice.
const HOUR_STEPS_MAX: i64 = 8;

/// Months of a quarter, and of a year.
const QUARTER_MONTHS: i64 = 3;
const YEAR_MONTHS: i64 = 12;

coded_enum! {
    /// A day of the week.
    #[derive(Default)]
    pub enum DayOfWeek {
        #[default]
        Monday = 0,
        Tuesday = 1,
        Wednesday = 2,
        Thursday = 3,
        Friday = 4,
        Saturday = 5,
        Sunday = 6,
    }
}

/// A span of time, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    pub start: Time,
    pub end: Time,
}

impl Window {
    /// The window of what has none.
    pub const ALWAYS: Window = Window { start: Time::EARLIEST, end: Time::LATEST };

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
    /// First day of each week.
    week_start: DayOfWeek,
}

impl Calendar {
    /// Cycles begin on the day of the month of `start_date`, or on the 1st without one; weeks on
    /// Monday.
    pub fn new(time_zone: Tz, start_date: Option<NaiveDate>) -> Calendar {
        let start_day = start_date.map_or(1, |date| date.day());
        Calendar { time_zone, start_day, week_start: DayOfWeek::Monday }
    }

    /// The same with another first day of the week.
    pub fn with_week_start(self, week_start: DayOfWeek) -> Calendar {
        Calendar { week_start, ..self }
    }

    pub fn time_zone(&self) -> Tz {
        self.time_zone
    }

    /// The cycle that `time` lies in: from local midnight of the start day to that of the next
    /// month. In a month that is too short the cycle begins on its last day.
    pub fn cycle(&self, time: Time) -> Window {
        self.months_from(1, self.start_day, time)
    }

    /// The window of a period that `time` lies in; none for one that is reset by hand.
    pub fn window(&self, period: Period, time: Time) -> Option<Window> {
        match period {
            Period::Hour => Some(hour_of(self.day(time), time)),
            Period::Day => Some(self.day(time)),
            Period::Week => Some(self.week(time)),
            Period::Month => Some(self.months_from(1, 1, time)),
            Period::Quarter => Some(self.months_from(QUARTER_MONTHS, 1, time)),
            Period::Year => Some(self.months_from(YEAR_MONTHS, 1, time)),
            Period::Cycle => Some(self.cycle(time)),
            Period::UntilReset => None,
            Period::InFlight | Period::Request => Some(Window::ALWAYS),
        }
    }

    /// From local midnight to the next: 23 or 25 hours where the clocks change.
    pub fn day(&self, time: Time) -> Window {
        let date = self.local_date(time);
        tile(time, |step| self.midnight(date + TimeDelta::days(step)))
    }

    /// From the local midnight of the first day of the week.
    fn week(&self, time: Time) -> Window {
        let date = self.local_date(time);
        let days = i64::from(date.weekday().num_days_from_monday()) - self.week_start as i64;
        let first = date - TimeDelta::days(days.rem_euclid(7));
        tile(time, |step| self.midnight(first + TimeDelta::weeks(step)))
    }

    /// So many months from a day of the month, the first ones from January.
    fn months_from(&self, count: i64, day: u32, time: Time) -> Window {
        let date = self.local_date(time);
        let this = i64::from(date.year()) * 12 + i64::from(date.month0());
        let first = this - this.rem_euclid(count);
        tile(time, |step| self.month_start(first + step * count, day))
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

    /// The local day that `time` lies in: that of the window, also where the clocks pass midnight
    /// twice.
    pub fn date(&self, time: Time) -> NaiveDate {
        self.local_date(self.day(time).start)
    }

    /// First instant of a local day. Days that a zone has skipped begin where the next one does.
    pub fn day_start(&self, date: NaiveDate) -> Time {
        self.midnight(date)
    }

    /// Start of the local hour after the one that begins at `hour`: an hour later, or less where
    /// the clocks change by a part of an hour.
    pub fn next_hour(&self, hour: Time) -> Time {
        for step in 1..=HOUR_STEPS_MAX {
            let next = self.hour_start(hour + step * HOUR_STEP);
            if next > hour {
                return next;
            }
        }
        hour + MICROS_PER_HOUR
    }

    fn local_date(&self, time: Time) -> NaiveDate {
        self.time_zone.from_utc_datetime(&time.to_utc().naive_utc()).date_naive()
    }

    /// Midnight of a day of a month, or of the month's last day if it has fewer. Months are counted
    /// from year 0.
    fn month_start(&self, month: i64, mut day: u32) -> Time {
        let year = i32::try_from(month.div_euclid(12)).expect("times are bounded");
        let month = u32::try_from(month.rem_euclid(12)).expect("one of twelve") + 1;
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
                LocalResult::None => local += TimeDelta::minutes(15),
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

/// The window that `time` lies in, of windows that begin where `start` says: the one at step 0
/// begins on the local date of `time` or before. Instants are compared, not dates: a zone may pass
/// a midnight twice.
fn tile(time: Time, start: impl Fn(i64) -> Time) -> Window {
    let mut window = Window { start: start(0), end: start(1) };
    if time < window.start {
        window = Window { start: start(-1), end: window.start };
    } else if time >= window.end {
        window = Window { start: window.end, end: start(2) };
    }
    assert!(window.contains(time), "a window contains the time that it was asked for");
    window
}

/// The hour of a day that `time` lies in. Hours are counted from the day's first instant; where
/// the clocks change by a part of an hour, the last one is shorter.
fn hour_of(day: Window, time: Time) -> Window {
    let start = time - (time - day.start).rem_euclid(MICROS_PER_HOUR);
    Window { start, end: day.end.min(start + MICROS_PER_HOUR) }
}

/// The running windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    pub hour: Window,
    pub day: Window,
    pub week: Window,
    pub month: Window,
    pub quarter: Window,
    pub year: Window,
    pub cycle: Window,
}

impl Windows {
    pub fn at(calendar: &Calendar, time: Time) -> Windows {
        let day = calendar.day(time);
        Windows {
            hour: hour_of(day, time),
            day,
            week: calendar.week(time),
            month: calendar.months_from(1, 1, time),
            quarter: calendar.months_from(QUARTER_MONTHS, 1, time),
            year: calendar.months_from(YEAR_MONTHS, 1, time),
            cycle: calendar.cycle(time),
        }
    }

    /// The windows after some have ended: only the hour, mostly.
    pub fn after(self, calendar: &Calendar, time: Time) -> Windows {
        match self.day.contains(time) {
            true => Windows { hour: hour_of(self.day, time), ..self },
            false => Windows::at(calendar, time),
        }
    }

    /// The running window of a period; none for one that is reset by hand.
    pub fn of(&self, period: Period) -> Option<Window> {
        match period {
            Period::Hour => Some(self.hour),
            Period::Day => Some(self.day),
            Period::Week => Some(self.week),
            Period::Month => Some(self.month),
            Period::Quarter => Some(self.quarter),
            Period::Year => Some(self.year),
            Period::Cycle => Some(self.cycle),
            Period::UntilReset => None,
            Period::InFlight | Period::Request => Some(Window::ALWAYS),
        }
    }

    /// Whether all of them still run: every window ends with an hour, so that the hour ends first.
    pub fn contain(&self, time: Time) -> bool {
        self.hour.contains(time)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn calendar(zone: &str, start_day: u32) -> Calendar {
        let date = NaiveDate::from_ymd_opt(2024, 1, start_day).unwrap();
        Calendar::new(zone.parse().unwrap(), Some(date))
    }

    /// The instant of an RFC 3339 text.
    fn at(text: &str) -> Time {
        Time::from_utc(chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc())
    }

    #[test]
    fn cycles_begin_on_their_day_or_the_last_of_a_short_month() {
        let check = |start_day, time: &str, start: &str, end: &str| {
            let time = at(&format!("{time}Z"));
            let window = calendar("UTC", start_day).cycle(time);
            let midnight = |date: &str| at(&format!("{date}T00:00:00Z"));
            let expected = Window { start: midnight(start), end: midnight(end) };
            assert_eq!(window, expected, "{start_day} {time:?}");
        };
        check(1, "2026-02-01T00:00:00", "2026-02-01", "2026-03-01");
        check(1, "2026-01-31T23:59:59.999999", "2026-01-01", "2026-02-01");
        check(15, "2026-01-14T12:00:00", "2025-12-15", "2026-01-15");
        check(15, "2025-12-31T12:00:00", "2025-12-15", "2026-01-15");
        // A start day of 31 in short months, and back to itself after.
        check(31, "2026-01-31T00:00:00", "2026-01-31", "2026-02-28");
        check(31, "2026-02-28T00:00:00", "2026-02-28", "2026-03-31");
        check(31, "2026-04-29T00:00:00", "2026-03-31", "2026-04-30");
        check(31, "2026-04-30T00:00:00", "2026-04-30", "2026-05-31");
        check(30, "2026-02-27T23:59:59", "2026-01-30", "2026-02-28");
        check(30, "2026-03-29T23:59:59", "2026-02-28", "2026-03-30");
        check(29, "2026-02-28T00:00:00", "2026-02-28", "2026-03-29");
        // Leap years.
        check(31, "2028-02-28T23:59:59", "2028-01-31", "2028-02-29");
        check(30, "2028-02-29T00:00:00", "2028-02-29", "2028-03-30");
        check(29, "2028-02-29T00:00:00", "2028-02-29", "2028-03-29");
        check(29, "2028-03-28T00:00:00", "2028-02-29", "2028-03-29");
        check(29, "2100-02-28T00:00:00", "2100-02-28", "2100-03-29");
    }

    #[test]
    fn weeks_begin_on_the_day_that_was_set() {
        // A Thursday.
        let time = at("2026-01-15T12:00:00Z");
        for (day, start) in DayOfWeek::ALL.into_iter().zip([12, 13, 14, 15, 9, 10, 11]) {
            let week = calendar("UTC", 1).with_week_start(day).window(Period::Week, time).unwrap();
            assert_eq!(week.start, at(&format!("2026-01-{start:02}T00:00:00Z")), "{day:?}");
            assert_eq!(week.end - week.start, 7 * 24 * MICROS_PER_HOUR);
        }
    }

    #[test]
    fn without_a_date_cycles_begin_on_the_first() {
        let calendar = Calendar::new(Tz::UTC, None);
        let window = calendar.cycle(at("2026-05-17T12:00:00Z"));
        assert_eq!(window.start, at("2026-05-01T00:00:00Z"));
    }

    #[test]
    fn cycles_follow_the_clocks_of_the_zone() {
        let check = |zone, start_day, time: &str, start: &str, end: &str| {
            let window = calendar(zone, start_day).cycle(at(time));
            assert_eq!(window, Window { start: at(start), end: at(end) }, "{zone} {time}");
        };
        // Over both changes of the clocks.
        let berlin = "Europe/Berlin";
        check(
            berlin,
            1,
            "2026-03-01T00:00:00+01:00",
            "2026-02-28T23:00:00Z",
            "2026-03-31T22:00:00Z",
        );
        check(
            berlin,
            1,
            "2026-10-15T00:00:00+02:00",
            "2026-09-30T22:00:00Z",
            "2026-10-31T23:00:00Z",
        );
        check(
            berlin,
            29,
            "2026-03-29T03:00:00+02:00",
            "2026-03-28T23:00:00Z",
            "2026-04-28T22:00:00Z",
        );
        let new_york = "America/New_York";
        check(new_york, 8, "2026-03-08T07:30:00Z", "2026-03-08T05:00:00Z", "2026-04-08T04:00:00Z");
        check(new_york, 1, "2026-11-01T06:30:00Z", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z");
        let kathmandu = "Asia/Kathmandu";
        check(
            kathmandu,
            1,
            "2026-06-01T00:00:00+05:45",
            "2026-05-31T18:15:00Z",
            "2026-06-30T18:15:00Z",
        );
        let lord_howe = "Australia/Lord_Howe";
        check(lord_howe, 5, "2026-04-05T12:00:00Z", "2026-04-04T13:00:00Z", "2026-05-04T13:30:00Z");
        // Midnight is skipped: the day begins at one.
        let santiago = "America/Santiago";
        check(santiago, 6, "2026-09-06T04:00:00Z", "2026-09-06T04:00:00Z", "2026-10-06T03:00:00Z");
        check(santiago, 6, "2026-09-06T03:59:59Z", "2026-08-06T04:00:00Z", "2026-09-06T04:00:00Z");
        // The hour before midnight passes twice: the day begins after the second.
        check(santiago, 5, "2026-04-05T03:30:00Z", "2026-03-05T03:00:00Z", "2026-04-05T04:00:00Z");
        // A minute after midnight the clocks went back to the day before: the first one counts.
        let st_johns = "America/St_Johns";
        check(st_johns, 1, "2009-11-01T03:00:00Z", "2009-11-01T02:30:00Z", "2009-12-01T03:30:00Z");
        check(st_johns, 1, "2009-11-01T02:29:59Z", "2009-10-01T02:30:00Z", "2009-11-01T02:30:00Z");
        // A whole day was skipped: its cycle begins with the next.
        let apia = "Pacific/Apia";
        check(
            apia,
            30,
            "2011-12-31T00:00:00+14:00",
            "2011-12-30T10:00:00Z",
            "2012-01-29T10:00:00Z",
        );
    }

    #[test]
    fn hours_are_those_of_the_zone() {
        let check = |zone, time: &str, expected: &str| {
            assert_eq!(calendar(zone, 1).hour_start(at(time)), at(expected), "{zone} {time}");
        };
        check("UTC", "2026-05-17T12:34:56.789Z", "2026-05-17T12:00:00Z");
        check("UTC", "1969-12-31T23:59:59Z", "1969-12-31T23:00:00Z");
        check("Asia/Kathmandu", "2026-05-17T12:10:00Z", "2026-05-17T11:15:00Z");
        // The repeated hour is two hours.
        check("Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z");
        check("Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z");
        check("Australia/Lord_Howe", "2026-07-01T00:00:00Z", "2026-06-30T23:30:00Z");
    }

    #[test]
    fn hours_follow_one_another_across_changes_of_the_clocks() {
        let check = |zone, time: &str, minutes: &[i64]| {
            let (calendar, mut hour) = (calendar(zone, 1), at(time));
            for expected in minutes {
                let next = calendar.next_hour(hour);
                let minutes = (next - hour) / super::MICROS_PER_MINUTE;
                assert_eq!(minutes, *expected, "{zone} {hour:?}");
                hour = next;
            }
        };
        check("UTC", "2026-05-17T12:00:00Z", &[60, 60]);
        check("Asia/Kathmandu", "2026-05-17T12:15:00Z", &[60, 60]);
        check("Europe/Berlin", "2026-03-29T00:00:00Z", &[60, 60]);
        check("Europe/Berlin", "2026-10-25T00:00:00Z", &[60, 60]);
        // Half an hour more, and less: the hour after begins at its half.
        check("Australia/Lord_Howe", "2026-04-04T14:00:00Z", &[30, 60]);
        check("Australia/Lord_Howe", "2026-10-03T14:30:00Z", &[30, 60, 60]);
    }

    #[test]
    fn a_date_is_that_of_the_window() {
        let check = |zone, time: &str, expected: &str| {
            let calendar = calendar(zone, 1);
            let date = calendar.date(at(time));
            assert_eq!(date.to_string(), expected, "{zone} {time}");
            assert_eq!(Some(calendar.day_start(date)), Some(calendar.day(at(time)).start));
        };
        check("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29");
        check("Europe/Berlin", "2026-03-28T22:59:59Z", "2026-03-28");
        check("America/Santiago", "2026-09-06T04:00:00Z", "2026-09-06");
        // The clocks say the day before again; the day goes on.
        check("America/St_Johns", "2009-11-01T02:45:00Z", "2009-11-01");
        check("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31");
    }

    #[test]
    fn days_left_count_today() {
        let check = |time: &str, expected| {
            let calendar = calendar("Europe/Berlin", 1);
            let time = at(time);
            assert_eq!(calendar.days_left(time, calendar.cycle(time)), expected, "{time:?}");
        };
        check("2026-03-01T00:00:00+01:00", 31);
        check("2026-03-29T12:00:00+02:00", 3);
        check("2026-03-31T23:59:59+02:00", 1);
        check("2026-10-31T23:59:59+01:00", 1);
    }

    #[test]
    fn hours_quarters_and_years_follow_the_clocks_of_the_zone() {
        let check = |zone, period, time: &str, start: &str, end: &str| {
            let window = calendar(zone, 15).window(period, at(time));
            assert_eq!(window, Some(Window { start: at(start), end: at(end) }), "{zone} {time}");
        };
        let (berlin, howe) = ("Europe/Berlin", "Australia/Lord_Howe");
        let (hour, quarter, year) = (Period::Hour, Period::Quarter, Period::Year);
        check(berlin, hour, "2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z");
        check(howe, hour, "2026-04-05T13:10:00Z", "2026-04-05T13:00:00Z", "2026-04-05T13:30:00Z");
        let asia = "Asia/Kathmandu";
        check(asia, hour, "2026-06-01T00:00:00Z", "2026-05-31T23:15:00Z", "2026-06-01T00:15:00Z");
        check(
            "UTC",
            quarter,
            "2026-03-31T23:59:59Z",
            "2026-01-01T00:00:00Z",
            "2026-04-01T00:00:00Z",
        );
        check(
            "UTC",
            quarter,
            "2026-11-26T00:00:00Z",
            "2026-10-01T00:00:00Z",
            "2027-01-01T00:00:00Z",
        );
        check(
            berlin,
            quarter,
            "2026-06-30T22:00:00Z",
            "2026-06-30T22:00:00Z",
            "2026-09-30T22:00:00Z",
        );
        check(berlin, year, "2026-12-31T22:59:59Z", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z");
    }

    #[test]
    fn days_weeks_and_months_follow_the_clocks_of_the_zone() {
        let check = |zone, period, time: &str, start: &str, end: &str| {
            let window = calendar(zone, 15).window(period, at(time));
            assert_eq!(window, Some(Window { start: at(start), end: at(end) }), "{zone} {time}");
        };
        let (day, week, month) = (Period::Day, Period::Week, Period::Month);
        // 23 and 25 hours.
        let berlin = "Europe/Berlin";
        check(berlin, day, "2026-03-29T10:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
        check(berlin, day, "2026-10-25T10:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
        let new_york = "America/New_York";
        check(
            new_york,
            day,
            "2026-11-01T12:00:00Z",
            "2026-11-01T04:00:00Z",
            "2026-11-02T05:00:00Z",
        );
        // Half an hour more or less.
        let howe = "Australia/Lord_Howe";
        check(howe, day, "2026-04-05T01:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z");
        check(howe, day, "2026-10-03T20:00:00Z", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z");
        let kathmandu = "Asia/Kathmandu";
        check(
            kathmandu,
            day,
            "2026-06-01T00:00:00Z",
            "2026-05-31T18:15:00Z",
            "2026-06-01T18:15:00Z",
        );
        // From Monday, over a change of the clocks and of the year.
        check(berlin, week, "2026-03-29T21:59:59Z", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z");
        check("UTC", week, "2026-01-01T00:00:00Z", "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z");
        check(
            berlin,
            month,
            "2026-03-29T10:00:00Z",
            "2026-02-28T23:00:00Z",
            "2026-03-31T22:00:00Z",
        );
        // A day that was skipped, and a midnight that was passed twice.
        check(
            "Pacific/Apia",
            day,
            "2011-12-30T09:59:59Z",
            "2011-12-29T10:00:00Z",
            "2011-12-30T10:00:00Z",
        );
        check(
            "America/St_Johns",
            day,
            "2009-11-01T02:45:00Z",
            "2009-11-01T02:30:00Z",
            "2009-11-02T03:30:00Z",
        );
        assert_eq!(
            calendar(berlin, 1).window(Period::UntilReset, at("2026-03-29T10:00:00Z")),
            None
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn every_window_ends_with_a_day(
            zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
            start_day in 1..=31_u32,
            micros in Time::EARLIEST.micros()..Time::LATEST.micros(),
        ) {
            let week_start = DayOfWeek::ALL[start_day as usize % 7];
            let calendar = Calendar { time_zone: zone, start_day, week_start };
            let time = Time::from_micros(micros);
            let windows = Windows::at(&calendar, time);
            let hour = windows.hour;
            prop_assert!(windows.day.start <= hour.start && hour.end <= windows.day.end);
            prop_assert!(hour.contains(time) && hour.end - hour.start <= MICROS_PER_HOUR);
            prop_assert_eq!(calendar.window(Period::Hour, hour.end - 1), Some(hour));
            let next = calendar.window(Period::Hour, hour.end).unwrap();
            prop_assert_eq!(next.start, hour.end);
            prop_assert_eq!(windows.after(&calendar, hour.end), Windows::at(&calendar, hour.end));
            for period in [
                Period::Day,
                Period::Week,
                Period::Month,
                Period::Quarter,
                Period::Year,
                Period::Cycle,
            ] {
                let window = windows.of(period).unwrap();
                prop_assert!(window.contains(time));
                prop_assert!(window.start <= windows.day.start && windows.day.end <= window.end);
                prop_assert_eq!(calendar.window(period, window.start), Some(window));
                prop_assert_eq!(calendar.window(period, window.end - 1), Some(window));
                let next = calendar.window(period, window.end).unwrap();
                prop_assert_eq!(next.start, window.end);
            }
        }

        #[test]
        fn windows_tile_time_in_every_zone(
            zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
            start_day in 1..=31_u32,
            micros in Time::EARLIEST.micros()..Time::LATEST.micros(),
            step in 0..=2 * MICROS_PER_HOUR,
        ) {
            let week_start = DayOfWeek::Monday;
            let calendar = Calendar { time_zone: zone, start_day, week_start };
            let time = Time::from_micros(micros);
            let window = calendar.cycle(time);
            prop_assert!(window.contains(time));
            // The next and the one before, without a gap or an overlap.
            prop_assert_eq!(calendar.cycle(window.start), window);
            prop_assert_eq!(calendar.cycle(window.end - 1), window);
            prop_assert_eq!(calendar.cycle(window.end).start, window.end);
            prop_assert_eq!(calendar.cycle(window.start - 1).end, window.start);
            let days = (window.end - window.start) / (24 * MICROS_PER_HOUR);
            prop_assert!((26..=32).contains(&days), "{days} days");

            // Hours lie in one cycle, hold the time, and do not go back.
            for time in [time, window.start, window.end - 1] {
                let hour = calendar.hour_start(time);
                prop_assert!(window.start <= hour && hour <= time);
                prop_assert!(time - hour < MICROS_PER_HOUR);
                prop_assert!(calendar.hour_start(time + step) >= hour);
            }
            let left = calendar.days_left(time, window);
            prop_assert!((1..=32).contains(&left), "{left} days left");
        }
    }
}
