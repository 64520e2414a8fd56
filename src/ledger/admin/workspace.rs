//! Changes of settings, plan, models and catalog.

use std::sync::Arc;

use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::backfill::{BackfillQueries, BackfillResults};
use crate::domain::catalog::{Catalog, ModelEntry};
use crate::domain::time::calendar::Windows;
use crate::domain::workspace::{MODEL_ALIASES_MAX, ModelAlias, Workspace, WorkspaceModel};
use crate::ledger::context::calendar_of;
use crate::ledger::error::Error;
use crate::ledger::limits::backfill::{merged, query_quota};
use crate::ledger::models::{WindowSpend, provider_id_of};
use crate::ledger::state::Ledger;

impl Ledger {
    /// The backfill that [`Ledger::set_workspace`] needs: nothing if windows keep their bounds.
    pub fn backfill_for_workspace(&self, workspace: &Workspace, now: Time) -> BackfillQueries {
        let calendar = calendar_of(workspace);
        let mut queries = BackfillQueries::default();
        if calendar != *self.context.calendar() {
            let windows = Windows::at(&calendar, now.max(self.context.now()));
            for quota in self.limits.quotas() {
                query_quota(&mut queries, quota, &calendar, &windows);
            }
        }
        merged(queries)
    }

    /// Sets the settings or the plan. Another start day or time zone gives windows other bounds, so
    /// that all counters are filled again from the log, read in one order with this change: `spend`
    /// of the windows that [`Ledger::windows_to_load`] names for the new settings, and `backfill`
    /// for [`Ledger::backfill_for_workspace`].
    pub fn set_workspace(
        &mut self,
        now: Time,
        workspace: Workspace,
        spend: Vec<WindowSpend>,
        backfill: &BackfillResults,
    ) {
        self.advance(now);
        let has_other_windows = self.context.set_workspace(workspace);
        self.keep_holds();
        self.replace_spend(spend);
        if has_other_windows {
            self.limits.clear_counters();
            self.limits.backfill(&self.context, backfill, None);
            self.count_holds(None);
        }
        self.limits.reset_utilization();
        self.raise_all();
        self.revision += 1;
    }

    /// Sets what is spent from the log, and what is held from the live holds.
    fn replace_spend(&mut self, spend: Vec<WindowSpend>) {
        self.models.replace_spend(spend, self.context.catalog());
        for hold in self.holds.iter() {
            let window_start = self.context.calendar().cycle(hold.check_time).start;
            self.models.hold(hold.model, window_start, hold.held);
        }
    }

    /// Sets the settings of one model.
    pub fn set_model(&mut self, now: Time, model: WorkspaceModel) {
        self.advance(now);
        let index = self.models.find_or_add(&model.model_id, self.context.catalog());
        self.models.set_settings(index, model);
        self.raise_cap(index);
        self.revision += 1;
    }

    /// Sets an alias of a model, for the next check and record.
    pub fn put_model_alias(&mut self, now: Time, alias: ModelAlias) {
        self.advance(now);
        self.models.put_alias(alias);
        self.revision += 1;
    }

    pub fn remove_model_alias(&mut self, now: Time, id: &str) {
        self.advance(now);
        self.models.remove_alias(id);
        self.revision += 1;
    }

    pub fn model_alias(&self, id: &str) -> Option<Arc<ModelAlias>> {
        self.models.alias(id).cloned()
    }

    /// By alias.
    pub fn model_aliases(&self) -> Vec<Arc<ModelAlias>> {
        let mut aliases: Vec<_> = self.models.aliases().cloned().collect();
        aliases.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        aliases
    }

    /// # Errors
    /// If the workspace has as many aliases as it may have.
    pub fn room_for_model_alias(&self) -> Result<(), Error> {
        let count = self.models.aliases().len();
        Error::check_bound(count, "aliases of models of a workspace", MODEL_ALIASES_MAX)
    }

    /// The backfill that [`Ledger::set_catalog`] needs: nothing, unless there are quotas for
    /// providers and a model has another one from now on.
    pub fn backfill_for_catalog(&mut self, now: Time, catalog: &Catalog) -> BackfillQueries {
        self.advance(now);
        let mut queries = BackfillQueries::default();
        let mut quotas = self.limits.quotas_of(SubjectKind::Provider).peekable();
        if quotas.peek().is_some() && moves_models(self.context.catalog(), catalog) {
            let (calendar, windows) = (self.context.calendar(), self.context.windows());
            quotas.for_each(|quota| query_quota(&mut queries, quota, calendar, windows));
        }
        merged(queries)
    }

    /// Sets the catalog. Holds keep the price that they were taken at, and the provider: what is
    /// recorded counts for the provider that its model has now.
    pub fn set_catalog(&mut self, catalog: Arc<Catalog>, backfill: &BackfillResults) {
        self.models.set_catalog(&catalog);
        self.context.set_catalog(catalog);
        if !backfill.used.is_empty() {
            self.limits.clear_spent(SubjectKind::Provider);
            self.limits.backfill(&self.context, backfill, None);
            self.raise_all();
            self.revision += 1;
        }
    }

    /// Adds the output of a recent request to the history of a model, when a ledger is loaded.
    pub fn add_output_sample(&mut self, model_id: &str, tokens: i64) {
        let index = self.models.find_or_add(model_id, self.context.catalog());
        self.models.add_output(index, tokens);
    }
}

/// Whether a model has another provider in one catalog than in the other, or is in one alone.
fn moves_models(before: &Catalog, after: &Catalog) -> bool {
    let provider = |entry: &Arc<ModelEntry>| provider_id_of(Some(&**entry));
    let is_moved = |entry: &Arc<ModelEntry>| {
        let old = before.by_id(&entry.model().id);
        old.is_none_or(|old| !Arc::ptr_eq(old, entry) && provider(old) != provider(entry))
    };
    before.models().len() != after.models().len() || after.models().iter().any(is_moved)
}
