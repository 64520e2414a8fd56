//! The outbox: alerts and counts of refusals that are waiting to be stored.

use std::collections::HashSet;

use super::Ledger;
use crate::domain::Time;
use crate::domain::alert::{Alert, AlertKey, AlertSubject, AlertType};
use crate::domain::check::{RefusalCounts, RefusalKey};
use crate::domain::record::Record;
use crate::ledger::models::ModelIndex;

impl Ledger {
    /// Start of the earliest window that runs: alerts of earlier ones are not raised again.
    pub fn earliest_window(&self) -> Time {
        let windows = self.context.windows();
        let fixed = [windows.week.start, windows.month.start, windows.cycle.start];
        let starts = fixed.into_iter().chain(self.limits.earliest_window(&self.context));
        starts.min().unwrap_or(windows.day.start)
    }

    /// Marks what was raised before the ledger was loaded, and raises what is due and was not.
    /// Alerts of windows before [`Ledger::earliest_window`] are needed of large records alone.
    pub fn set_raised(&mut self, now: Time, raised: Vec<AlertKey>) {
        self.advance(now);
        let earliest = self.earliest_window();
        for key in &raised {
            if key.window_start >= earliest || key.alert_type == AlertType::LargeRecord {
                self.mark_raised(key);
            }
        }
        let raised: HashSet<AlertKey> = raised.into_iter().collect();
        self.alerts.drop_raised(&raised);
        self.raise_all();
    }

    /// Sets how many large records the day that begins at `day` has by the log, after
    /// [`Ledger::set_raised`]. Returns which of them, counted from 1, are to be raised with
    /// [`Ledger::raise_large_record`].
    pub fn set_large_count(&mut self, day: Time, count: i64) -> Vec<i64> {
        self.alerts.set_large_count(day, count)
    }

    /// Raises the alert of a large record of the log, which has this number on its day.
    pub fn raise_large_record(&mut self, record: &Record, number: i64) {
        self.alerts.raise_large(record, number, self.context.now());
    }

    fn mark_raised(&mut self, key: &AlertKey) {
        if key.alert_type == AlertType::Anomaly {
            // The ledger raises none.
            return;
        }
        match &key.subject {
            AlertSubject::Member { .. } => {}
            AlertSubject::Workspace => self.alerts.mark_workspace(key, &self.context),
            AlertSubject::Model(id) => {
                let index = self.models.find_or_add(id, self.context.catalog());
                self.alerts.mark_model(index, key, &self.context);
            }
            AlertSubject::Quota { quota_id, kind, subject_id } => {
                let subject = (*kind, &**subject_id);
                self.limits.mark_raised(&self.context, quota_id, subject, key);
            }
        }
    }

    /// Whether any alert is due.
    pub fn has_alerts(&self) -> bool {
        !self.alerts.is_empty()
    }

    /// Takes the alerts that are due, in order. What could not be stored is put back with
    /// [`Ledger::return_alerts`].
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        self.alerts.take()
    }

    pub fn return_alerts(&mut self, alerts: Vec<Alert>) {
        self.alerts.put_back(alerts);
    }

    /// Takes at most `limit` counts of refusals, in the order of their keys.
    pub fn take_refusals(&mut self, limit: usize) -> Vec<(RefusalKey, RefusalCounts)> {
        self.refusals.take(limit)
    }

    pub fn has_refusals(&self) -> bool {
        !self.refusals.is_empty()
    }

    /// Moves the refusals of one user to another.
    pub fn rename_refused(&mut self, from: &str, to: &str) {
        self.refusals.rename_user(from, to);
    }

    /// Raises what is due of everything: after a load, or a change of limits.
    pub(in crate::ledger) fn raise_all(&mut self) {
        self.raise_envelope();
        for (index, model) in self.models.iter() {
            self.alerts.raise_cap(&self.context, index, model);
        }
        self.limits.raise_all(&self.context, &mut self.alerts);
    }

    pub(in crate::ledger) fn raise_envelope(&mut self) {
        let spent = self.models.totals(self.context.cycle()).spent;
        self.alerts.raise_envelope(&self.context, spent);
    }

    pub(in crate::ledger) fn raise_cap(&mut self, index: ModelIndex) {
        self.alerts.raise_cap(&self.context, index, self.models.get(index));
    }
}
