//! Models of a workspace: whether they are allowed, their caps and chains; one at a time, or
//! several at once, all or none, and against a second administrator.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Edit, Kind, Resource, no_backfill};
use crate::domain::workspace::WorkspaceModel;
use crate::domain::{Amount, Currency};
use crate::engine::audit::{self, Actor};
use crate::engine::error::{Error, Result};
use crate::engine::{Engine, InCurrency};
use crate::ledger::{Ledger, ModelView};
use crate::storage::settings::Change;

/// Of the hash that is an etag.
const ETAG_BYTES: usize = 12;

/// Cap and fallback chain to be set.
#[derive(Clone, Debug)]
pub struct ModelLimitChange {
    pub limit: Option<(Currency, Amount)>,
    pub enabled: bool,
    pub fallback_model_ids: Vec<String>,
}

/// What is to be set of one model.
#[derive(Clone, Debug)]
pub struct ModelLimitSetting {
    /// An id or an alias.
    pub model_id: String,
    /// Whether the model is allowed; absent: as before.
    pub enabled: Option<bool>,
    pub change: ModelLimitChange,
}

/// A model in a workspace: whether it is allowed, its cap, its fallback chain.
impl Resource for WorkspaceModel {
    const KIND: Kind<WorkspaceModel> = Kind {
        name: "model_limit",
        id: |model| &model.model_id,
        set_update_time: |_, _| {},
        audit_state: |edit, model| Ok(audit::state(&edit.in_currency(model))),
        put: Change::PutWorkspaceModel,
        backfill: no_backfill,
        install: Some(|ledger, now, model, _| ledger.set_model(now, model)),
    };
}

impl Engine {
    /// Allows a model in a workspace, or disallows it. Its cap stays as it is.
    pub async fn enable_model(
        &self,
        actor: Actor,
        workspace_id: &str,
        model_id: &str,
        enabled: bool,
    ) -> Result<InCurrency<ModelView>> {
        self.change_model(actor, workspace_id, model_id, move |_, model| {
            model.enabled = enabled;
            Ok(())
        })
        .await
    }

    /// Sets cap and fallback chain of a model in a workspace.
    pub async fn set_model_limit(
        &self,
        actor: Actor,
        workspace_id: &str,
        model_id: &str,
        change: ModelLimitChange,
    ) -> Result<InCurrency<ModelView>> {
        self.change_model(actor, workspace_id, model_id, move |edit, model| {
            model.limit = change.limit.map(|limit| edit.amount("limit", limit)).transpose()?;
            model.limit_enabled = change.enabled;
            model.fallback_model_ids = edit.fallback_chain(model, &change.fallback_model_ids)?;
            Ok(())
        })
        .await
    }

    /// Every model of a workspace that is enabled, capped or has spend, by id.
    pub async fn model_limits(&self, workspace_id: &str) -> Result<InCurrency<Vec<ModelView>>> {
        let workspace = self.workspace(workspace_id).await?;
        let mut ledger = workspace.lock();
        let currency = ledger.workspace().currency;
        Ok(InCurrency { currency, value: ledger.model_views(self.now()) })
    }

    async fn change_model<C>(
        &self,
        actor: Actor,
        workspace_id: &str,
        model_id: &str,
        change: C,
    ) -> Result<InCurrency<ModelView>>
    where
        C: FnOnce(&Edit, &mut WorkspaceModel) -> Result<()> + Send + 'static,
    {
        let model_id = model_id.to_owned();
        let change = |edit: Edit| async move {
            let catalog = edit.shared.catalog.load_full();
            let named = catalog.named(&model_id).map(|entry| entry.model().id.clone());
            let id = named.ok_or_else(|| Error::model_not_found(&catalog, &model_id))?;
            let set = edit.ledger().model_view_of(edit.now, &id).settings;
            let before = set.clone().unwrap_or_else(|| unset(id.clone()));
            let mut model = before.clone();
            change(&edit, &mut model)?;
            if model != before {
                edit.put(set.map(Arc::new), model).await?;
            }
            let view = edit.ledger().model_view_of(edit.now, &id);
            Ok(edit.in_currency(view))
        };
        self.edit(actor, workspace_id, change).await
    }

    /// Sets several models, all or none; with an etag if nobody else has changed one since.
    /// Returns them in their order, and the etag of the state after the change.
    pub async fn set_model_limits(
        &self,
        actor: Actor,
        workspace_id: &str,
        settings: Vec<ModelLimitSetting>,
        etag: Option<String>,
    ) -> Result<(InCurrency<Vec<ModelView>>, String)> {
        let set = |edit: Edit| async move { edit.set_model_limits(settings, etag).await };
        self.edit(actor, workspace_id, set).await
    }

    /// Names what is set of all models of a workspace.
    pub async fn model_limits_etag(&self, workspace_id: &str) -> Result<String> {
        let workspace = self.workspace(workspace_id).await?;
        Ok(etag_of(&workspace.lock()))
    }
}

impl Edit {
    /// The models of a chain by their catalog's ids.
    fn fallback_chain(&self, model: &WorkspaceModel, ids: &[String]) -> Result<Vec<Arc<str>>> {
        let catalog = self.shared.catalog.load();
        let mut chain = Vec::with_capacity(ids.len());
        for (index, id) in ids.iter().enumerate() {
            let refuse = |expected: &str| {
                let field = format!("fallback_model_ids[{index}]");
                Err(Error::Field { field, expected: expected.to_owned() })
            };
            let Some(entry) = catalog.named(id) else {
                return refuse("expected a model of the catalog");
            };
            let id = entry.model().id.clone();
            if id == model.model_id {
                return refuse("expected another model than the one that is limited");
            }
            if chain.contains(&id) {
                return refuse("expected each model once");
            }
            chain.push(id);
        }
        Ok(chain)
    }

    async fn set_model_limits(
        &self,
        settings: Vec<ModelLimitSetting>,
        etag: Option<String>,
    ) -> Result<(InCurrency<Vec<ModelView>>, String)> {
        if etag.is_some_and(|etag| etag != etag_of(&self.ledger())) {
            return Err(Error::EtagMismatch);
        }
        let models = self.models_after(settings)?;
        let (mut changes, mut events) = (Vec::new(), Vec::new());
        for (before, after) in &models {
            let old = before.clone().unwrap_or_else(|| unset(after.model_id.clone()));
            if old == *after {
                continue;
            }
            let state = |model: &WorkspaceModel| audit::state(&self.in_currency(model));
            let before = before.as_ref().map(&state);
            let kind = WorkspaceModel::KIND.name;
            events.extend(self.event(kind, &after.model_id, before, Some(state(after))));
            changes.push(Change::PutWorkspaceModel(after.clone()));
        }
        if !changes.is_empty() {
            let changed: Vec<WorkspaceModel> = changes.iter().filter_map(model_of).collect();
            self.commit(changes, events).await?;
            self.install(|ledger, now| {
                changed.into_iter().for_each(|model| ledger.set_model(now, model));
            });
        }
        let mut ledger = self.ledger();
        let views = models.iter();
        let views = views.map(|(_, model)| ledger.model_view_of(self.now, &model.model_id));
        let views = self.in_currency(views.collect());
        Ok((views, etag_of(&ledger)))
    }

    /// Each model before and after the change.
    ///
    /// # Errors
    /// If any row is wrong: what is wrong with each.
    pub(in crate::engine) fn models_after(
        &self,
        settings: Vec<ModelLimitSetting>,
    ) -> Result<Vec<(Option<WorkspaceModel>, WorkspaceModel)>> {
        let mut models: Vec<(Option<WorkspaceModel>, WorkspaceModel)> = Vec::new();
        let mut wrong = Vec::new();
        for (row, setting) in settings.into_iter().enumerate() {
            let at = |field: &str| format!("settings[{row}].{field}");
            let Some(id) = self.shared.model_named(&setting.model_id) else {
                wrong.push((at("model_id"), "expected a model of the catalog".to_owned()));
                continue;
            };
            if models.iter().any(|(_, model)| model.model_id == id) {
                wrong.push((at("model_id"), "expected each model once".to_owned()));
                continue;
            }
            let before = self.ledger().model_view_of(self.now, &id).settings;
            let mut model = before.clone().unwrap_or_else(|| unset(id));
            model.enabled = setting.enabled.unwrap_or(model.enabled);
            model.limit_enabled = setting.change.enabled;
            let limit = setting.change.limit;
            let limit = limit.map(|limit| self.amount("limit", limit)).transpose();
            let chain = self.fallback_chain(&model, &setting.change.fallback_model_ids);
            for refused in [limit.as_ref().err(), chain.as_ref().err()].into_iter().flatten() {
                if let Error::Field { field, expected } = refused {
                    wrong.push((at(field), expected.clone()));
                }
            }
            if let (Ok(limit), Ok(chain)) = (limit, chain) {
                model.limit = limit;
                model.fallback_model_ids = chain;
                models.push((before, model));
            }
        }
        if wrong.is_empty() { Ok(models) } else { Err(Error::Fields(wrong)) }
    }
}

fn model_of(change: &Change) -> Option<WorkspaceModel> {
    match change {
        Change::PutWorkspaceModel(model) => Some(model.clone()),
        _ => None,
    }
}

/// Names what is set of all models: another text after every change, and after a restart the same.
fn etag_of(ledger: &Ledger) -> String {
    let mut hasher = Sha256::new();
    for set in ledger.model_settings() {
        // What is as if it had never been set says nothing.
        if *set != unset(set.model_id.clone()) {
            hasher.update(audit::state(set).to_string());
        }
    }
    hasher.finalize().iter().take(ETAG_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// A model of which nothing was ever set.
fn unset(model_id: Arc<str>) -> WorkspaceModel {
    WorkspaceModel {
        model_id,
        enabled: false,
        limit: None,
        limit_enabled: true,
        fallback_model_ids: Vec::new(),
    }
}
