//! The budget of a workspace, once or as live updates. Updates are pulled by the reader: a slow one
//! gets the newest state, and nothing queues up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::error::Result;
use super::{Engine, InCurrency, WorkspaceHandle};
use crate::ledger::BudgetView;

/// Shortest time between two updates: at most 10 a second.
pub const UPDATE_INTERVAL: Duration = Duration::from_millis(100);

pub struct SpendWatch {
    engine: Engine,
    workspace: Arc<WorkspaceHandle>,
    changes: watch::Receiver<()>,
    /// When the last update was returned; absent before the first.
    last: Option<Instant>,
}

impl Engine {
    /// The running cycle.
    pub async fn budget(&self, id: &str) -> Result<InCurrency<BudgetView>> {
        let workspace = self.workspace(id).await?;
        Ok(self.budget_of(&workspace))
    }

    fn budget_of(&self, workspace: &WorkspaceHandle) -> InCurrency<BudgetView> {
        let (now, unwritten_since) = (self.now(), self.shared.writer.unwritten_since());
        let mut ledger = workspace.lock();
        ledger.note_outage(now, unwritten_since);
        let currency = ledger.workspace().currency;
        InCurrency { currency, value: ledger.budget(now) }
    }

    /// A watch of all that changes in a workspace. All of it counts as changed at first.
    pub async fn watch_workspace(&self, id: &str) -> Result<WorkspaceWatch> {
        let workspace = self.workspace(id).await?;
        let (mut figures, mut alerts) = (workspace.subscribe(), workspace.subscribe_alerts());
        figures.mark_changed();
        alerts.mark_changed();
        Ok(WorkspaceWatch { figures, alerts, _workspace: workspace })
    }

    pub async fn watch(&self, id: &str) -> Result<SpendWatch> {
        let workspace = self.workspace(id).await?;
        let changes = workspace.subscribe();
        Ok(SpendWatch { engine: self.clone(), workspace, changes, last: None })
    }
}

/// Tells that something of a workspace has changed. What it is now is asked elsewhere.
pub struct WorkspaceWatch {
    figures: watch::Receiver<()>,
    alerts: watch::Receiver<()>,
    /// Whose signals these are.
    _workspace: Arc<WorkspaceHandle>,
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Spend, limits and settings.
    pub figures: bool,
    pub alerts: bool,
}

impl WorkspaceWatch {
    /// Waits until something has changed that was not taken. Cancel safe.
    pub async fn changed(&self) {
        // The senders live as long as the workspace, which is held here.
        let (mut figures, mut alerts) = (self.figures.clone(), self.alerts.clone());
        tokio::select! {
            _ = figures.changed() => {}
            _ = alerts.changed() => {}
        }
    }

    /// What has changed since this was asked last. Ask for the state after it.
    pub fn take(&mut self) -> Changed {
        let is_changed = |signal: &mut watch::Receiver<()>| {
            let is_changed = signal.has_changed().unwrap_or_default();
            signal.mark_unchanged();
            is_changed
        };
        Changed { figures: is_changed(&mut self.figures), alerts: is_changed(&mut self.alerts) }
    }
}

impl SpendWatch {
    /// The current state at first; then the state after further committed changes. Cancel safe:
    /// nothing is missed.
    pub async fn next(&mut self) -> InCurrency<BudgetView> {
        if let Some(last) = self.last {
            // On a clone, so that the change is not taken as seen if this future is dropped
            // before it is handed out. The sender lives as long as the workspace, held here.
            let _ = self.changes.clone().changed().await;
            tokio::time::sleep_until(last + UPDATE_INTERVAL).await;
        }
        self.changes.mark_unchanged();
        self.last = Some(Instant::now());
        self.engine.budget_of(&self.workspace)
    }
}
