//! The alerts of a workspace as they are stored, from a position on: pulled by the reader, so that
//! nothing queues up for a slow one.
//!
//! Everything is read from storage, also what is new: so there is no gap and no repeat between
//! the two. The writer stores alerts in the order of their positions.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use super::super::error::Result;
use super::super::{Engine, WorkspaceHandle};
use crate::storage::alerts::StoredAlert;

/// Alerts that are read at once.
const PAGE_ALERTS: usize = 100;

pub struct AlertWatch {
    engine: Engine,
    workspace: Arc<WorkspaceHandle>,
    changes: watch::Receiver<()>,
    /// Position up to which alerts were read.
    after: i64,
    /// Read and not handed out yet.
    read: VecDeque<StoredAlert>,
}

impl Engine {
    /// The alerts after a position; absent for those that are stored from now on.
    pub async fn watch_alerts(&self, workspace_id: &str, after: Option<i64>) -> Result<AlertWatch> {
        let workspace = self.workspace(workspace_id).await?;
        let changes = workspace.subscribe_alerts();
        let after = after.unwrap_or_else(|| self.shared.alert_positions.stored());
        let read = VecDeque::new();
        Ok(AlertWatch { engine: self.clone(), workspace, changes, after, read })
    }
}

impl AlertWatch {
    /// The next alert, once there is one. May be dropped and called again: nothing is missed.
    ///
    /// # Errors
    /// If storage fails; may be called again then, too.
    pub async fn next(&mut self) -> Result<StoredAlert> {
        loop {
            if let Some(alert) = self.read.pop_front() {
                return Ok(alert);
            }
            // Before reading, so that what is stored meanwhile wakes.
            self.changes.mark_unchanged();
            let store = self.engine.store();
            let page = store.alerts_after(self.workspace.id(), self.after, PAGE_ALERTS).await?;
            match page.last() {
                Some(last) => {
                    self.after = last.seq;
                    self.read = page.into();
                }
                // The sender lives as long as the workspace, which is held here. A future that is
                // dropped while it waits has taken nothing: the page is read again.
                None => drop(self.changes.changed().await),
            }
        }
    }
}
