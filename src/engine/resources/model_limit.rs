//! Several models of a workspace at once: all or none, and against a second administrator.

use sha2::{Digest, Sha256};

use super::workspace::unset;
use super::{Edit, ModelLimitChange, Resource};
use crate::domain::workspace::WorkspaceModel;
use crate::engine::audit::{self, Actor};
use crate::engine::error::{Error, Result};
use crate::engine::{Engine, InCurrency};
use crate::ledger::{Ledger, ModelView};
use crate::storage::settings::Change;

/// Of the hash that is an etag.
const ETAG_BYTES: usize = 12;

/// What is to be set of one model.
#[derive(Clone, Debug)]
pub struct ModelLimitSetting {
    /// An id or an alias.
    pub model_id: String,
    /// Whether the model is allowed; absent: as before.
    pub enabled: Option<bool>,
    pub change: ModelLimitChange,
}

impl Engine {
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
    fn models_after(
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
