//! A loaded workspace: its ledger behind a lock, and the signals to those who watch it.
//!
//! A ledger that fails, because an assertion in it does not hold, decides on nothing any more: its
//! workspace is quarantined, and is loaded again from storage when somebody asks for it. That ends
//! its live holds that are not stored, as a crash would, and touches no other workspace.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::usage::RefusalLog;
use crate::domain::{Currency, Time};
use crate::ledger::{Ledger, LiveFigures};
use crate::telemetry;

pub struct WorkspaceHandle {
    id: Arc<str>,
    /// A std mutex: held for a microsecond, never across an await.
    ledger: Mutex<Ledger>,
    /// Signalled after each committed change.
    changes: watch::Sender<()>,
    /// Signalled after alerts were stored.
    alerts: watch::Sender<()>,
    /// Notified after holds were stored. Wakes in order, so that a simulation is deterministic.
    stored: Notify,
    /// Whether the writer knows of holds that are to be stored.
    has_waiting_holds: AtomicBool,
    load_time: Instant,
    is_failure_noticed: AtomicBool,
    is_failure_counted: AtomicBool,
    refusals: RefusalLog,
}

impl WorkspaceHandle {
    pub(super) fn new(ledger: Ledger, now: Time) -> WorkspaceHandle {
        let id = ledger.workspace().id.clone();
        WorkspaceHandle {
            id,
            ledger: Mutex::new(ledger),
            changes: watch::Sender::new(()),
            alerts: watch::Sender::new(()),
            stored: Notify::new(),
            has_waiting_holds: AtomicBool::new(false),
            load_time: Instant::now(),
            is_failure_noticed: AtomicBool::new(false),
            is_failure_counted: AtomicBool::new(false),
            refusals: RefusalLog::new(now),
        }
    }

    pub(super) fn refusals(&self) -> &RefusalLog {
        &self.refusals
    }

    /// Its ledger, where nobody else has the workspace and the ledger has not failed.
    pub(super) fn into_ledger(self: Arc<Self>) -> Option<Ledger> {
        Arc::into_inner(self)?.ledger.into_inner().ok()
    }

    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// # Panics
    /// If a thread panicked while it held the lock: the ledger failed an assertion, and must not
    /// decide on money any more.
    pub fn lock(&self) -> MutexGuard<'_, Ledger> {
        let id = &self.id;
        self.lock_sound().unwrap_or_else(|| panic!("the ledger of workspace {id} has failed"))
    }

    /// The same; nothing where a thread panicked. For what must be done for all others.
    pub(super) fn lock_sound(&self) -> Option<MutexGuard<'_, Ledger>> {
        self.ledger.lock().ok()
    }

    /// Does something with the ledger; nothing where that has failed, or fails with this. For what
    /// must not end with one workspace.
    pub(super) fn attempt<T>(&self, act: impl FnOnce(&mut Ledger) -> T) -> Option<T> {
        // Unwind-safe: a panic poisons the lock, so nobody sees this ledger again.
        let acted =
            catch_unwind(AssertUnwindSafe(|| self.lock_sound().map(|mut ledger| act(&mut ledger))));
        acted.unwrap_or_else(|_| {
            self.notice_failure();
            None
        })
    }

    /// Whether its ledger has failed, and this was not noticed before.
    pub(super) fn notice_failure(&self) -> bool {
        self.has_failed() && !self.is_failure_noticed.swap(true, Ordering::Relaxed)
    }

    /// Whether its ledger has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.ledger.is_poisoned()
    }

    /// The same, for the metrics: the first who sees it counts it.
    pub(super) fn count_failure(&self) -> bool {
        let has_failed = self.has_failed();
        if has_failed && !self.is_failure_counted.swap(true, Ordering::Relaxed) {
            telemetry::QUARANTINES.inc();
        }
        has_failed
    }

    pub(super) fn load_time(&self) -> Instant {
        self.load_time
    }

    /// Figures for the metrics; none where the ledger has failed.
    pub fn figures(&self) -> Option<(Currency, LiveFigures)> {
        let ledger = self.lock_sound()?;
        Some((ledger.workspace().currency, ledger.live_figures()))
    }

    /// Wakes those who watch the workspace. A watch that begins now has this change in its first
    /// state.
    pub(super) fn announce(&self) {
        if self.changes.receiver_count() > 0 {
            self.changes.send_replace(());
        }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Notes that holds are to be stored. Whether the writer did not know.
    pub(super) fn begin_waiting(&self) -> bool {
        !self.has_waiting_holds.swap(true, Ordering::AcqRel)
    }

    pub(super) fn end_waiting(&self) {
        self.has_waiting_holds.store(false, Ordering::Release);
    }

    /// Notifies those who wait that holds were stored, or could not be.
    pub(super) fn stored(&self) -> &Notify {
        &self.stored
    }

    /// Wakes those who watch its alerts.
    pub(super) fn announce_alerts(&self) {
        self.alerts.send_replace(());
    }

    pub(super) fn subscribe_alerts(&self) -> watch::Receiver<()> {
        self.alerts.subscribe()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::domain::Currency;
    use crate::domain::alert::AlertPolicy;
    use crate::domain::catalog::Catalog;
    use crate::domain::workspace::{
        HoldDurability, HoldExpiryPolicy, UnknownKeyPolicy, UnpricedModelPolicy, Workspace,
    };
    use crate::engine::registry::Registry;

    /// A workspace without anything.
    pub fn workspace(id: &str) -> Workspace {
        Workspace {
            id: id.into(),
            display_name: String::new(),
            currency: Currency::EUR,
            time_zone: chrono_tz::UTC,
            automatic_fallback: true,
            unpriced_models: UnpricedModelPolicy::Deny,
            hold_expiry: HoldExpiryPolicy::Release,
            hold_durability: HoldDurability::Memory,
            outage: Default::default(),
            unknown_keys: UnknownKeyPolicy::Accept,
            required_fields: Vec::new(),
            week_start: Default::default(),
            reported_cost: Default::default(),
            alerts: AlertPolicy::default(),
            may_have_expiry_charges: false,
            usage_retention_days: None,
            price_max_age_days: None,
            plan: None,
            archive_time: None,
            create_time: Time::EARLIEST,
            update_time: Time::EARLIEST,
        }
    }

    /// Its ledger.
    pub fn ledger(id: &str) -> Ledger {
        let catalog = Catalog::default().into();
        Ledger::new(workspace(id), Vec::new(), catalog, Vec::new(), Time::EARLIEST)
    }

    #[test]
    fn one_that_fails_is_found_no_more() {
        let registry = Registry::default();
        let handle = |id: &str| Arc::new(WorkspaceHandle::new(ledger(id), Time::EARLIEST));
        let (sound, failing) = (handle("sound"), handle("failing"));
        for handle in [&sound, &failing] {
            registry.insert(handle.clone());
        }
        assert!(failing.attempt(|ledger| ledger.has_alerts()).is_some());
        assert_eq!(failing.attempt(|_| -> i32 { panic!("a defect") }), None);
        assert!(failing.has_failed() && failing.attempt(|_| ()).is_none());
        assert!(!failing.notice_failure() && !sound.notice_failure(), "it was noticed before");
        assert!(registry.get("failing").is_none() && registry.failed("failing").is_some());
        assert!(registry.get("sound").is_some() && registry.failed("sound").is_none());
        assert_eq!((registry.sound().len(), registry.all().len()), (1, 2));
    }
}
