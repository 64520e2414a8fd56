//! Rate limits: bounds on requests and tokens in sliding windows.

use std::sync::Arc;

use crate::domain::Time;
use crate::domain::quota::{Enforcement, Scope, Unit};
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, Micros};

coded_enum! {
    /// Window of a rate limit: it slides.
    pub enum RateWindow {
        Minute = 0,
        Day = 1,
        Hour = 2,
    }
}

impl RateWindow {
    pub const fn micros(self) -> Micros {
        match self {
            RateWindow::Minute => MICROS_PER_MINUTE,
            RateWindow::Hour => MICROS_PER_HOUR,
            RateWindow::Day => MICROS_PER_DAY,
        }
    }

    /// Length of the buckets in which it is counted: a sixtieth.
    pub const fn bucket(self) -> Micros {
        self.micros() / 60
    }
}

/// At most so many requests, or tokens, in any span of time as long as the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateBound {
    /// Requests or tokens.
    pub unit: Unit,
    pub window: RateWindow,
    pub amount: i64,
}

impl RateBound {
    /// Those that have an amount.
    pub fn list<const N: usize>(bounds: [(Unit, RateWindow, Option<i64>); N]) -> Vec<RateBound> {
        let bound = |(unit, window, amount): (Unit, RateWindow, Option<i64>)| {
            amount.map(|amount| RateBound { unit, window, amount })
        };
        bounds.into_iter().filter_map(bound).collect()
    }
}

/// Bounds on what a subject, or each subject of one kind, may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub id: Arc<str>,
    pub display_name: String,
    pub scope: Scope,
    /// At most one of each unit and window; shorter windows first, and requests before tokens.
    pub bounds: Vec<RateBound>,
    pub enforcement: Enforcement,
    pub create_time: Time,
    pub update_time: Time,
}

impl RateLimit {
    /// Its bounds: window, unit and amount.
    pub fn limits(&self) -> impl Iterator<Item = (RateWindow, Unit, i64)> {
        self.bounds.iter().map(|bound| (bound.window, bound.unit, bound.amount))
    }

    /// The amount of one of its bounds; absent if it does not have it.
    pub fn bound(&self, unit: Unit, window: RateWindow) -> Option<i64> {
        let is_it = |bound: &&RateBound| bound.unit == unit && bound.window == window;
        self.bounds.iter().find(is_it).map(|bound| bound.amount)
    }

    /// Sets one of its bounds, or takes it off.
    pub fn set_bound(&mut self, unit: Unit, window: RateWindow, amount: Option<i64>) {
        self.bounds.retain(|bound| bound.unit != unit || bound.window != window);
        self.bounds.extend(amount.map(|amount| RateBound { unit, window, amount }));
        let order = |bound: &RateBound| (bound.window.micros(), bound.unit != Unit::Requests);
        self.bounds.sort_by_key(order);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attribution::SubjectKind;

    #[test]
    fn bounds_are_set_in_one_order() {
        let mut limit = RateLimit {
            id: "r".into(),
            display_name: String::new(),
            scope: Scope { kind: SubjectKind::User, subject_id: None, model_id: None },
            bounds: Vec::new(),
            enforcement: Enforcement::Hard,
            create_time: Time::default(),
            update_time: Time::default(),
        };
        for unit in [Unit::Tokens, Unit::Requests] {
            for window in RateWindow::ALL {
                limit.set_bound(unit, window, Some(1));
            }
        }
        limit.set_bound(Unit::Tokens, RateWindow::Hour, Some(7));
        limit.set_bound(Unit::Requests, RateWindow::Day, None);
        let bounds: Vec<_> =
            limit.bounds.iter().map(|it| (it.window, it.unit, it.amount)).collect();
        let expected = [
            (RateWindow::Minute, Unit::Requests, 1),
            (RateWindow::Minute, Unit::Tokens, 1),
            (RateWindow::Hour, Unit::Requests, 1),
            (RateWindow::Hour, Unit::Tokens, 7),
            (RateWindow::Day, Unit::Tokens, 1),
        ];
        assert_eq!(bounds, expected);
        assert_eq!(limit.bound(Unit::Tokens, RateWindow::Hour), Some(7));
        assert_eq!(limit.bound(Unit::Requests, RateWindow::Day), None);
    }
}
