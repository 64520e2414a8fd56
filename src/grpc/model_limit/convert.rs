//! Requests of `ModelLimitService`, and model limits as protos.

use crate::domain::workspace::ModelAlias;
use crate::domain::{Amount, Currency};
use crate::engine::{ModelLimitChange, ModelLimitSetting, ModelView};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::money;
use crate::grpc::shared::names::ModelNames;
use crate::grpc::shared::page::Page;
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;
use crate::storage::search::Search;

/// Longest fallback chain.
pub const FALLBACKS_MAX: usize = 32;
/// Most models that are set at once.
const SETTINGS_MAX: usize = 1_000;
const ETAG_CHARS_MAX: usize = 64;

/// A model in a workspace.
pub fn model(workspace_id: &str, model_id: &str) -> Decoded<()> {
    decode(|at| {
        at.workspace_id(workspace_id);
        at.field("model_id").model_id(model_id);
        Some(())
    })
}

/// Which models to list.
pub fn list(request: &v1::ListModelLimitsRequest) -> Decoded<(Page, Search)> {
    let v1::ListModelLimitsRequest { workspace_id, query, page_size, page_token } = request;
    decode(|at| {
        at.workspace_id(workspace_id);
        let search = at.search(query);
        Some((at.page(&["model_limits", workspace_id, query], *page_size, page_token), search))
    })
}

/// An alias in a workspace.
pub fn alias(workspace_id: &str, alias: &str) -> Decoded<()> {
    decode(|at| {
        at.workspace_id(workspace_id);
        at.field("alias").model_id(alias);
        Some(())
    })
}

pub fn set_alias(workspace_id: &str, alias: &str, model_id: &str) -> Decoded<()> {
    decode(|at| {
        at.workspace_id(workspace_id);
        at.field("alias").new_model_id(alias);
        at.field("model_id").model_id(model_id);
        Some(())
    })
}

pub fn alias_to_proto(alias: &ModelAlias) -> v1::ModelAlias {
    v1::ModelAlias {
        alias: alias.id.to_string(),
        model_id: alias.model_id.to_string(),
        update_time: Some(to_timestamp(alias.update_time)),
    }
}

pub fn set_limit(request: &mut v1::SetModelLimitRequest) -> Decoded<ModelLimitChange> {
    let fallbacks = std::mem::take(&mut request.fallback_model_ids);
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        at.field("model_id").model_id(&request.model_id);
        Some(change(at, request.limit.as_ref(), request.limit_enabled, fallbacks))
    })
}

/// The settings, and the etag if there is one.
pub fn set_limits(
    request: &mut v1::SetModelLimitsRequest,
) -> Decoded<(Vec<ModelLimitSetting>, Option<String>)> {
    let settings = std::mem::take(&mut request.settings);
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let etag = &request.etag;
        at.field("etag").text(etag, 0..=ETAG_CHARS_MAX);
        let settings_at = at.field("settings");
        settings_at.ensure(!settings.is_empty(), "expected 1 to 1000");
        let settings = new_settings(settings_at, settings);
        Some((settings, Some(etag.clone()).filter(|etag| !etag.is_empty())))
    })
}

/// What is to be set of models.
pub fn new_settings(
    at: Decoder<'_>,
    settings: Vec<v1::ModelLimitSetting>,
) -> Vec<ModelLimitSetting> {
    let settings = at.at_most(settings, SETTINGS_MAX);
    let settings = settings.into_iter().enumerate().map(|(row, setting)| {
        let at = at.item(row);
        at.field("model_id").model_id(&setting.model_id);
        let (limit, enabled) = (setting.limit.as_ref(), setting.limit_enabled);
        ModelLimitSetting {
            change: change(at, limit, enabled, setting.fallback_model_ids),
            model_id: setting.model_id,
            enabled: setting.model_enabled,
        }
    });
    settings.collect()
}

/// The cap and the chain of a model.
fn change(
    at: Decoder<'_>,
    limit: Option<&v1::Money>,
    limit_enabled: Option<bool>,
    fallbacks: Vec<String>,
) -> ModelLimitChange {
    let limit = limit.map(|limit| at.field("limit").limit(limit));
    let fallbacks_at = at.field("fallback_model_ids");
    let fallback_model_ids =
        fallbacks_at.each_of(fallbacks, FALLBACKS_MAX, |at, id| at.model_id(id));
    // Without a cap there is nothing to switch off.
    let enabled = limit.is_none() || limit_enabled.unwrap_or(true);
    ModelLimitChange { limit, enabled, fallback_model_ids }
}

pub fn to_proto(currency: Currency, view: ModelView, names: &ModelNames) -> v1::ModelLimit {
    let money = |amount: Amount| money::to_proto(currency, amount);
    let settings = view.settings.as_ref();
    let with_cap = settings.filter(|settings| settings.limit.is_some());
    let fallbacks = settings.map(|set| set.fallback_model_ids.as_slice()).unwrap_or_default();
    v1::ModelLimit {
        model_id: view.model_id.to_string(),
        model_enabled: settings.is_some_and(|set| set.enabled),
        limit: with_cap.and_then(|set| set.limit).map(money),
        limit_enabled: with_cap.map(|set| set.limit_enabled),
        fallback_model_ids: fallbacks.iter().map(ToString::to_string).collect(),
        spent: Some(money(view.spent)),
        held: Some(money(view.held)),
        reset_time: Some(to_timestamp(view.reset_time)),
        price_stale: view.price_stale,
        display_name: names.display_name(&view.model_id),
        provider: names.provider(&view.model_id),
        limit_state: limit_state(&view).into(),
    }
}

fn limit_state(view: &ModelView) -> v1::ModelLimitState {
    let settings = view.settings.as_ref();
    match settings.and_then(|set| Some((set.limit?, set.limit_enabled))) {
        None => v1::ModelLimitState::None,
        Some((_, false)) => v1::ModelLimitState::Off,
        Some((limit, true)) if view.spent + view.held >= limit => v1::ModelLimitState::Reached,
        Some((_, true)) => v1::ModelLimitState::InForce,
    }
}
