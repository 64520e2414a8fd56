//! Rate limits: created, changed, deleted.

use std::sync::Arc;

use serde_json::Value;

use super::{Create, Delete, Edit, Find, Resource, Update, bounded, exists, id_or_new};
use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::backfill::{BackfillQueries, BackfillResults};
use crate::domain::quota::Enforcement;
use crate::domain::rate_limit::{RateBound, RateLimit};
use crate::engine::audit;
use crate::engine::error::Result;
use crate::engine::{Engine, WorkspaceHandle};
use crate::ledger::Ledger;
use crate::storage::Store;
use crate::storage::policy::{Change, RuleFilter};

/// A rate limit to be created.
#[derive(Clone, Debug)]
pub struct NewRateLimit {
    /// Generated if absent.
    pub id: Option<String>,
    pub display_name: String,
    pub kind: SubjectKind,
    /// Absent for each subject; of the workspace empty.
    pub subject_id: Option<String>,
    /// An id or an alias.
    pub model_id: Option<String>,
    /// At least one, and at most one of each unit and window.
    pub bounds: Vec<RateBound>,
    pub enforcement: Enforcement,
}

/// Changes of a rate limit; absent parts stay.
#[derive(Clone, Debug, Default)]
pub struct RateLimitChange {
    pub display_name: Option<String>,
    /// Replaces all bounds: at least one.
    pub bounds: Option<Vec<RateBound>>,
    pub enforcement: Option<Enforcement>,
}

impl Resource for RateLimit {
    const KIND: &'static str = "rate_limit";

    fn id(&self) -> &Arc<str> {
        &self.id
    }

    fn set_update_time(&mut self, now: Time) {
        self.update_time = now;
    }

    fn audit_state(&self, _: &Edit) -> Result<Value> {
        Ok(audit::state(self))
    }

    fn backfill(&self, edit: &Edit) -> BackfillQueries {
        edit.ledger().questions_of_rate_limit(edit.now, self)
    }

    fn put_change(&self) -> Change {
        Change::PutRateLimit(self.clone())
    }

    fn install(&self, edit: &Edit, backfill: BackfillResults) {
        edit.install(|ledger, now| ledger.put_rate_limit(now, self.clone(), backfill));
    }
}

impl Find for RateLimit {
    type View = Arc<RateLimit>;

    async fn find(
        handle: &WorkspaceHandle,
        _: &dyn Store,
        id: &str,
    ) -> Result<Option<Arc<RateLimit>>> {
        Ok(handle.lock().rate_limit(id).cloned())
    }

    fn view(resource: Arc<RateLimit>, _: &Ledger, _: Time) -> Result<Arc<RateLimit>> {
        Ok(resource)
    }
}

impl Create for RateLimit {
    type New = NewRateLimit;

    fn requested_id(new: &NewRateLimit) -> Option<&str> {
        new.id.as_deref()
    }

    fn build(edit: &Edit, new: NewRateLimit, existing: Option<&RateLimit>) -> Result<RateLimit> {
        Ok(RateLimit {
            id: id_or_new(new.id),
            display_name: new.display_name,
            scope: edit.scope(RateLimit::KIND, new.kind, new.subject_id, new.model_id)?,
            bounds: RateBound::sorted(new.bounds),
            enforcement: new.enforcement,
            create_time: existing.map_or(edit.now, |existing| existing.create_time),
            update_time: existing.map_or(edit.now, |existing| existing.update_time),
        })
    }

    async fn admit(&self, edit: &Edit) -> Result<()> {
        let ledger = edit.ledger();
        match ledger.rival_rate_limit(self) {
            Some(rival) => Err(exists(RateLimit::KIND, &rival)),
            None => bounded(ledger.room_for_rule(&self.scope)),
        }
    }
}

impl Update for RateLimit {
    type Change = RateLimitChange;

    fn apply(&mut self, _: &Edit, change: RateLimitChange) -> Result<()> {
        if let Some(display_name) = change.display_name {
            self.display_name = display_name;
        }
        if let Some(bounds) = change.bounds {
            self.bounds = RateBound::sorted(bounds);
        }
        self.enforcement = change.enforcement.unwrap_or(self.enforcement);
        Ok(())
    }
}

impl Delete for RateLimit {
    fn delete_change(&self) -> Change {
        Change::DeleteRateLimit(self.id.clone())
    }

    fn uninstall(&self, edit: &Edit) {
        edit.install(|ledger, now| ledger.remove_rate_limit(now, &self.id));
    }
}

impl Engine {
    /// Rate limits that match and whose id is greater than `after_id`, by id.
    pub async fn list_rate_limits(
        &self,
        workspace_id: &str,
        filter: &RuleFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<RateLimit>> {
        self.workspace(workspace_id).await?;
        let filter = self.shared.rule_filter(filter.clone());
        Ok(self.store().rate_limits(workspace_id, &filter, after_id, limit).await?)
    }
}
