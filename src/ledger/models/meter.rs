//! Fixed-window counters of money: spent and held in each window.

use smallvec::SmallVec;

use crate::domain::time::calendar::Window;
use crate::domain::{Amount, Time};

/// Spent and held in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub spent: Amount,
    pub held: Amount,
}

/// Totals by the start of their window.
///
/// A window that is absent has zero totals, so no window needs a reset when it begins (I8). There
/// are rarely more than two: a list is searched.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    windows: SmallVec<[(Time, Totals); 2]>,
}

impl Meter {
    pub fn totals(&self, window: Window) -> Totals {
        self.windows
            .iter()
            .find(|(start, _)| *start == window.start)
            .map_or(Totals::default(), |(_, totals)| *totals)
    }

    pub fn hold(&mut self, window_start: Time, amount: Amount) {
        assert!(amount >= Amount::ZERO, "a hold is never negative");
        self.at(window_start).held += amount;
    }

    /// Reverses [`Meter::hold`], in the same window (I7).
    pub fn release(&mut self, window_start: Time, amount: Amount) {
        let totals = self.at(window_start);
        totals.held -= amount;
        assert!(totals.held >= Amount::ZERO, "a hold is released once, as it was taken");
    }

    /// Adds to what is spent; a correction may be negative.
    pub fn charge(&mut self, window_start: Time, amount: Amount) {
        self.at(window_start).spent += amount;
    }

    /// Drops windows before the running one that hold nothing.
    pub fn forget_before(&mut self, current_start: Time) {
        self.windows.retain(|(start, totals): &mut (Time, Totals)| {
            *start >= current_start || !totals.held.is_zero()
        });
    }

    pub fn replace(&mut self, windows: Vec<(Time, Totals)>) {
        self.windows = windows.into();
    }

    pub fn windows(&self) -> &[(Time, Totals)] {
        &self.windows
    }

    fn at(&mut self, start: Time) -> &mut Totals {
        let position = self.windows.iter().position(|(other, _)| *other == start);
        let position = position.unwrap_or_else(|| {
            self.windows.push((start, Totals::default()));
            self.windows.len() - 1
        });
        &mut self.windows[position].1
    }
}
