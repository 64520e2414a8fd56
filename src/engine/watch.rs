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
        let mut ledger = workspace.lock();
        let currency = ledger.workspace().currency;
        InCurrency { currency, value: ledger.budget(self.now()) }
    }

    pub async fn watch(&self, id: &str) -> Result<SpendWatch> {
        let workspace = self.workspace(id).await?;
        let changes = workspace.subscribe();
        Ok(SpendWatch { engine: self.clone(), workspace, changes, last: None })
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
