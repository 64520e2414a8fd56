//! Outages of storage: what checks hold while it takes no writes. The workspace says for how long
//! they go on, and for how much; the ledger is told since when storage takes none.

use super::Ledger;
use crate::domain::time::{MICROS_PER_SECOND, Micros};
use crate::domain::{Amount, Time};
use crate::ledger::context::Context;
use crate::ledger::error::Error;

/// Checks that went on without for longer raise an alert. A shorter outage is one of many things
/// that storage recovers from by itself, such as a fail-over.
const ALERT_AFTER: Micros = 10 * MICROS_PER_SECOND;

/// What was decided in the running outage.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outage {
    /// When the oldest write began that storage has not taken; absent while it takes them.
    since: Option<Time>,
    /// Sum of what checks have held since then. What was held and has ended meanwhile is part of
    /// it: it may have been spent, and is not recorded.
    held: Amount,
    /// When the last hold was taken.
    held_time: Option<Time>,
    /// When the first check was refused.
    refused_time: Option<Time>,
}

/// An outage, as callers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutageView {
    pub since: Time,
    /// When checks are refused at the latest.
    pub end_of_checks: Time,
    pub held: Amount,
    pub held_limit: Amount,
    /// Whether a check was refused.
    pub has_refused: bool,
}

impl Outage {
    pub fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// # Errors
    /// If the workspace lets no more checks be decided in an outage that has lasted so long.
    pub fn require_time(&mut self, context: &Context) -> Result<(), Error> {
        let Some(since) = self.since else { return Ok(()) };
        if context.now() - since < context.workspace().outage.duration {
            return Ok(());
        }
        Err(self.refuse(context, "outage_duration_limit"))
    }

    /// Counts what a check will hold.
    ///
    /// # Errors
    /// If the workspace lets no more be held in an outage.
    pub fn hold(&mut self, context: &Context, need: Amount) -> Result<(), Error> {
        if !need.is_zero() && need > held_limit(context) - self.held {
            return Err(self.refuse(context, "outage_held_limit"));
        }
        self.held += need;
        self.held_time = Some(context.now());
        Ok(())
    }

    fn refuse(&mut self, context: &Context, limit: &'static str) -> Error {
        self.refused_time.get_or_insert(context.now());
        Error::StorageOutage { limit }
    }
}

impl Ledger {
    /// Tells since when storage takes no writes; nothing while it takes them. Whether that is news.
    /// Called before each check: the same as before costs a comparison.
    #[inline]
    pub fn note_outage(&mut self, now: Time, since: Option<Time>) -> bool {
        if self.outage.since == since {
            return false;
        }
        self.begin_outage(now, since);
        true
    }

    /// What checks have held since storage takes no writes; zero while it takes them.
    pub fn held_in_outage(&self) -> Amount {
        self.outage.held
    }

    /// Ends the outage before, and begins this one, if it is one.
    #[cold]
    fn begin_outage(&mut self, now: Time, since: Option<Time>) {
        self.advance(now);
        let Outage { since: began, held, held_time, refused_time } = self.outage;
        if let Some(began) = began {
            let figures = (held, held_limit(&self.context));
            let has_refused = refused_time.is_some();
            if held_time.is_some_and(|last| has_refused || last - began > ALERT_AFTER) {
                self.alerts.raise_outage(&self.context, false, figures);
            }
            if has_refused {
                self.alerts.raise_outage(&self.context, true, figures);
            }
        }
        self.outage = Outage { since, ..Outage::default() };
    }

    /// The outage, if storage takes no writes.
    pub(super) fn outage_view(&self) -> Option<OutageView> {
        let since = self.outage.since?;
        Some(OutageView {
            since,
            end_of_checks: since + self.context.workspace().outage.duration,
            held: self.outage.held,
            held_limit: held_limit(&self.context),
            has_refused: self.outage.refused_time.is_some(),
        })
    }
}

fn held_limit(context: &Context) -> Amount {
    context.workspace().outage.held_limit(context.envelope())
}
