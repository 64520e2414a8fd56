//! What is spent and held, by window. Every limit reads a meter; several may read the same.

use smallvec::SmallVec;

use crate::domain::calendar::Window;
use crate::domain::{Amount, Time};

/// What was spent and is held in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub spent: Amount,
    pub held: Amount,
}

/// Spent and held of one subject, by window.
///
/// A window that is not here has nothing spent and nothing held: it begins at zero without
/// anybody resetting it (I8). There are hardly ever more than two, so a list is searched.
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

    /// Gives back what `hold` took, in the same window (I7).
    pub fn release(&mut self, window_start: Time, amount: Amount) {
        let totals = self.at(window_start);
        totals.held -= amount;
        assert!(totals.held >= Amount::ZERO, "a hold gives back what it took, once");
    }

    /// Adds to what was spent; a correction may be negative.
    pub fn charge(&mut self, window_start: Time, amount: Amount) {
        self.at(window_start).spent += amount;
    }

    /// Forgets windows before the running one that hold nothing: nobody asks for them again.
    pub fn forget_before(&mut self, current_start: Time) {
        self.windows.retain(|(start, totals): &mut (Time, Totals)| {
            *start >= current_start || !totals.held.is_zero()
        });
    }

    /// Replaces everything, when the windows are cut anew.
    pub fn replace(&mut self, windows: Vec<(Time, Totals)>) {
        self.windows = windows.into();
    }

    /// All windows that are kept.
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
