//! Billing periods and days that times lie in: by the calendar of the workspace, remembered,
//! because entries come in the order of their times.

use chrono::{NaiveDate, TimeZone};
use chrono_tz::Tz;

use crate::ledger::Time;
use crate::ledger::calendar::{Calendar, Window};
use crate::ledger::quota::Period;
use crate::ledger::workspace::Workspace;

pub struct Moments {
    calendar: Calendar,
    time_zone: Tz,
    cycle: Option<Window>,
    day: Option<(Window, NaiveDate)>,
}

impl Moments {
    pub fn new(workspace: &Workspace) -> Moments {
        let start_date = workspace.plan.as_ref().map(|plan| plan.start_date);
        let time_zone = workspace.time_zone;
        Moments {
            calendar: Calendar::new(time_zone, start_date),
            time_zone,
            cycle: None,
            day: None,
        }
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
            _ => {
                let day = self.calendar.window(Period::Day, time).expect("the clock ends days");
                let local = self.time_zone.from_utc_datetime(&time.to_utc().naive_utc());
                self.day.insert((day, local.date_naive())).1
            }
        }
    }
}
