//! Holds that storage keeps: they ride with the next group of records, at the latest after
//! [`HOLDS_WAIT`], and a check whose hold is to be committed waits until it is.

use std::mem::take;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::outage::OUTAGE_KNOWN_AFTER;
use super::{Entry, Writer, WriterHandle};
use crate::domain::record::Record;
use crate::domain::workspace::HoldDurability;
use crate::engine::WRITE_DEADLINE;
use crate::engine::error::{Error, Result};
use crate::engine::loading::stored_hold;
use crate::engine::workspace::WorkspaceHandle;
use crate::ledger::Stored;
use crate::storage::log::HoldChanges;

/// How long holds wait for a group of records.
const HOLDS_WAIT: Duration = Duration::from_millis(20);
/// Most holds of a workspace that are stored with one group.
const HOLDS_PER_GROUP_MAX: usize = 2_048;

/// Workspaces with holds that are to be stored, or deleted in storage.
#[derive(Default)]
pub(super) struct DueHolds {
    state: Mutex<Due>,
    arrived: Notify,
}

#[derive(Default)]
struct Due {
    workspaces: Vec<Arc<WorkspaceHandle>>,
    /// When they are to be stored.
    at: Option<Instant>,
}

impl DueHolds {
    fn add(&self, workspace: &Arc<WorkspaceHandle>, wait: Duration) {
        let at = Instant::now() + wait;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.workspaces.push(workspace.clone());
        let is_earlier = state.at.is_none_or(|due| at < due);
        if is_earlier {
            state.at = Some(at);
        }
        drop(state);
        if is_earlier {
            self.arrived.notify_one();
        }
    }

    /// Whether some are to be stored now: with jobs alone there is no group.
    pub fn are_due(&self) -> bool {
        let at = self.state.lock().unwrap_or_else(PoisonError::into_inner).at;
        at.is_some_and(|at| at <= Instant::now())
    }

    /// Until some are to be stored.
    pub async fn wait(&self) {
        loop {
            let at = self.state.lock().unwrap_or_else(PoisonError::into_inner).at;
            match at {
                None => self.arrived.notified().await,
                Some(at) if at <= Instant::now() => return,
                Some(at) => tokio::select! {
                    () = self.arrived.notified() => {}
                    () = sleep_until(at) => return,
                },
            }
        }
    }

    fn take(&self) -> Vec<Arc<WorkspaceHandle>> {
        take(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner)).workspaces
    }
}

impl WriterHandle {
    /// Has the holds of a workspace stored soon, or at once where a check waits for it.
    pub fn store_holds(&self, workspace: &Arc<WorkspaceHandle>, durability: HoldDurability) {
        let wait = match durability {
            HoldDurability::Committed => Duration::ZERO,
            HoldDurability::Memory | HoldDurability::Journaled => HOLDS_WAIT,
        };
        if workspace.begin_waiting() {
            self.holds.add(workspace, wait);
        }
    }

    /// Waits until storage has the hold of a request as `is_enough` says, at most
    /// [`WRITE_DEADLINE`]. Whether there is one: it may have ended meanwhile.
    ///
    /// # Errors
    /// If it has not: it may be stored later, unless it is released.
    pub async fn hold_stored(
        &self,
        workspace: &WorkspaceHandle,
        (request_id, attempt): (&str, Option<i32>),
        is_enough: fn(Stored) -> bool,
    ) -> Result<bool> {
        let deadline = Instant::now() + WRITE_DEADLINE;
        loop {
            // From here on, so that nothing is missed.
            let mut stored = pin!(workspace.stored().notified());
            stored.as_mut().enable();
            let found = workspace.attempt(|ledger| {
                let durability = ledger.workspace().hold_durability;
                (durability, ledger.stored_hold(request_id, attempt))
            });
            match found {
                None => return Err(Error::Quarantined),
                Some((_, None)) => return Ok(false),
                Some((_, Some(stored))) if is_enough(stored) => return Ok(true),
                Some((HoldDurability::Committed, Some(_))) => {}
                // Nobody waits any more.
                Some((HoldDurability::Memory | HoldDurability::Journaled, Some(_))) => {
                    return Ok(true);
                }
            }
            self.require_storage()?;
            if self.queue.is_closed() {
                return Err(Error::Stopping);
            }
            if Instant::now() >= deadline {
                return Err(Error::StorageUnavailable);
            }
            // Looked at again whatever happens.
            let _ = timeout(OUTAGE_KNOWN_AFTER, stored).await;
        }
    }
}

/// What goes to storage with one group.
#[derive(Default)]
pub(super) struct TakenHolds {
    pub changes: HoldChanges,
    /// Whose they are, with the requests whose holds have ended.
    workspaces: Vec<(Arc<WorkspaceHandle>, Vec<Arc<str>>)>,
}

impl Writer {
    /// Takes the holds that are to be stored, and what the records of a group end.
    pub(super) fn take_holds(&self, records: &[Record], entries: &[Entry]) -> TakenHolds {
        let mut taken = TakenHolds::default();
        for (record, entry) in records.iter().zip(entries) {
            if entry.ends_stored_hold {
                let ended = (entry.workspace.id().clone(), record.request_id.clone());
                taken.changes.ended.push(ended);
            }
        }
        for workspace in self.shared.writer.holds.take() {
            workspace.end_waiting();
            let unstored = workspace.attempt(|ledger| {
                let (views, ended) = ledger.take_unstored(HOLDS_PER_GROUP_MAX);
                let views = views.into_iter();
                let holds: Vec<_> = views.map(|view| stored_hold(ledger, view)).collect();
                let durability = ledger.workspace().hold_durability;
                (holds, ended, ledger.has_unstored_holds().then_some(durability))
            });
            let Some((holds, ended, more)) = unstored else { continue };
            if let Some(durability) = more {
                self.shared.writer.store_holds(&workspace, durability);
            }
            taken.changes.taken.extend(holds);
            let of_workspace =
                ended.iter().map(|request| (workspace.id().clone(), request.clone()));
            taken.changes.ended.extend(of_workspace);
            taken.workspaces.push((workspace, ended));
        }
        taken
    }

    /// Stores what is left when the server stops.
    pub(super) async fn store_all_holds(&self) {
        loop {
            let mut workspaces = self.shared.workspaces.sound();
            workspaces.sort_by(|a, b| a.id().cmp(b.id()));
            for workspace in workspaces {
                if workspace.attempt(|ledger| ledger.has_unstored_holds()) == Some(true) {
                    self.shared.writer.store_holds(&workspace, HoldDurability::Committed);
                }
            }
            let taken = self.take_holds(&[], &[]);
            if taken.changes.is_empty() {
                return;
            }
            let stored = self.shared.append_with_holds(&[], &taken.changes).await;
            let is_stored = stored.is_ok();
            taken.end(is_stored);
            if !is_stored {
                return;
            }
        }
    }
}

impl TakenHolds {
    /// They are stored, or none of them: then they are with a later group.
    pub fn end(self, is_stored: bool) {
        for (workspace, ended) in self.workspaces {
            workspace.attempt(|ledger| ledger.end_storing(is_stored, ended));
            workspace.stored().notify_waiters();
        }
    }
}
