//! Billing periods and days of times. Caches the last of each: records come in the order of their
//! charge times.
//!
//! A billing period is closed when it ends: what is recorded later is billed in the period in which
//! it is recorded, and keeps its charge period. So a period that was exported after it had ended
//! stays as it was exported, and nothing is in two of them.

use super::daily::Day;
use crate::domain::Time;
use crate::domain::record::Record;
use crate::domain::time::calendar::{Calendar, Window};
use crate::domain::workspace::Workspace;

pub struct CachedCalendar {
    calendar: Calendar,
    cycle: Option<Window>,
    day: Option<Day>,
}

impl CachedCalendar {
    pub fn new(workspace: &Workspace) -> CachedCalendar {
        let start_date = workspace.plan.as_ref().map(|plan| plan.start_date);
        let calendar = Calendar::new(workspace.time_zone, start_date);
        CachedCalendar { calendar, cycle: None, day: None }
    }

    pub fn billing_period(&mut self, time: Time) -> Window {
        match self.cycle {
            Some(cycle) if cycle.contains(time) => cycle,
            _ => *self.cycle.insert(self.calendar.cycle(time)),
        }
    }

    /// When a record is billed, and whether that is late: its own period had ended.
    pub fn billing_time(&mut self, record: &Record) -> (Time, bool) {
        let is_late = record.record_time >= self.billing_period(record.charge_time).end;
        (if is_late { record.record_time } else { record.charge_time }, is_late)
    }

    /// The local day that contains a time.
    pub fn day(&mut self, time: Time) -> Day {
        match self.day {
            Some(day) if day.window.contains(time) => day,
            _ => {
                let (date, window) = (self.calendar.date(time), self.calendar.day(time));
                *self.day.insert(Day { date, window })
            }
        }
    }
}
