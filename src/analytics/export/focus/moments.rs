//! Billing periods and days that times lie in: by the calendar of the workspace, remembered,
//! because entries come in the order of their times.

use chrono::NaiveDate;

use crate::domain::Time;
use crate::domain::calendar::{Calendar, Window};
use crate::domain::workspace::Workspace;

pub struct Moments {
    calendar: Calendar,
    cycle: Option<Window>,
    day: Option<(Window, NaiveDate)>,
}

impl Moments {
    pub fn new(workspace: &Workspace) -> Moments {
        let start_date = workspace.plan.as_ref().map(|plan| plan.start_date);
        let calendar = Calendar::new(workspace.time_zone, start_date);
        Moments { calendar, cycle: None, day: None }
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
