//! Billing periods and dates of times. Caches the last of each: records come in the order of their
//! charge times.

use chrono::NaiveDate;

use crate::domain::Time;
use crate::domain::calendar::{Calendar, Window};
use crate::domain::workspace::Workspace;

pub struct CachedCalendar {
    calendar: Calendar,
    cycle: Option<Window>,
    day: Option<(Window, NaiveDate)>,
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

    pub fn date(&mut self, time: Time) -> NaiveDate {
        match self.day {
            Some((day, date)) if day.contains(time) => date,
            _ => self.day.insert((self.calendar.day(time), self.calendar.date(time))).1,
        }
    }
}
