//! A loaded workspace: its ledger behind a lock, and the signals to those who watch it.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use crate::domain::Currency;
use crate::ledger::{Ledger, LiveFigures};

pub struct WorkspaceHandle {
    id: Arc<str>,
    /// A std mutex: held for a microsecond, never across an await.
    ledger: Mutex<Ledger>,
    /// Signalled after each committed change.
    changes: watch::Sender<()>,
    /// Signalled after alerts were stored.
    alerts: watch::Sender<()>,
}

impl WorkspaceHandle {
    pub(super) fn new(ledger: Ledger) -> WorkspaceHandle {
        let id = ledger.workspace().id.clone();
        let (changes, alerts) = (watch::Sender::new(()), watch::Sender::new(()));
        WorkspaceHandle { id, ledger: Mutex::new(ledger), changes, alerts }
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

    /// LiveFigures for those who watch the server; none where the ledger has failed.
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

    /// Wakes those who watch its alerts.
    pub(super) fn announce_alerts(&self) {
        self.alerts.send_replace(());
    }

    pub(super) fn subscribe_alerts(&self) -> watch::Receiver<()> {
        self.alerts.subscribe()
    }
}
