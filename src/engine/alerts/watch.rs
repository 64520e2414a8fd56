//! A watch of the alerts of a workspace, from a position on. Alerts are pulled by the reader:
//! nothing queues up for a slow one.
//!
//! All of them are read from storage, also new ones: so there is no gap and no repeat between
//! stored and live. The writer stores alerts in the order of their positions.

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
    /// Read and not returned yet.
    read: VecDeque<StoredAlert>,
}

impl Engine {
    /// The alerts after a position; without one those that are stored from now on.
    pub async fn watch_alerts(&self, workspace_id: &str, after: Option<i64>) -> Result<AlertWatch> {
        let workspace = self.workspace(workspace_id).await?;
        let changes = workspace.subscribe_alerts();
        let after = after.unwrap_or_else(|| self.shared.alerts.last_stored());
        let read = VecDeque::new();
        Ok(AlertWatch { engine: self.clone(), workspace, changes, after, read })
    }
}

impl AlertWatch {
    /// The next alert, once there is one. Cancel safe: nothing is missed.
    ///
    /// # Errors
    /// If storage fails; may be called again.
    pub async fn next(&mut self) -> Result<StoredAlert> {
        loop {
            if let Some(alert) = self.read.pop_front() {
                return Ok(alert);
            }
            // Before the read, so that an alert that is stored meanwhile wakes the watch.
            self.changes.mark_unchanged();
            let store = self.engine.store();
            let page = store.alerts_after(self.workspace.id(), self.after, PAGE_ALERTS).await?;
            match page.last() {
                Some(last) => {
                    self.after = last.seq;
                    self.read = page.into();
                }
                // The sender lives as long as the workspace, which is held here. A future that is
                // dropped while it waits loses nothing: the page is read again.
                None => drop(self.changes.changed().await),
            }
        }
    }
}
