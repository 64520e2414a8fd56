//! What `QuotaService` is asked and answers about API keys and their groups.

use super::super::page::Page;
use super::mask::Mask;
use super::quota::check_id;
use super::text::{self, DISPLAY_NAME_CHARS_MAX, RESOURCE_ID_CHARS_MAX};
use super::time::{effective, to_timestamp};
use super::{Path, Violations, at_most, required};
use crate::domain::Time;
use crate::domain::api_key::ApiKey;
use crate::engine::{ApiKeyChange, GroupView, NewApiKey, NewKeyGroup};
use crate::proto::v1;

/// Most models that a key may be kept to.
pub const ALLOWED_MODELS_MAX: usize = 64;

const API_KEY: Path<'static> = Path::Field(&Path::Request, "api_key");
const KEY_GROUP: Path<'static> = Path::Field(&Path::Request, "key_group");
const KEY_FIELDS: [&str; 5] =
    ["display_name", "key_group_id", "allowed_model_ids", "disabled", "expire_time"];

/// Workspace and key.
///
/// # Errors
/// If a field is out of its range.
pub fn register(request: v1::RegisterApiKeyRequest) -> Result<(String, NewApiKey), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let key = required(request.api_key, API_KEY, &mut violations);
    let Some(mut key) = key else { return Err(violations) };
    check_id(&key.api_key_id, API_KEY.field("api_key_id"), &mut violations);
    check_display_name(&key.display_name, API_KEY, &mut violations);
    let new = NewApiKey {
        key_group_id: key_group(&mut key, &mut violations),
        allowed_model_ids: allowed_models(&mut key, &mut violations),
        disabled: key.disabled,
        expire_time: expire_time(&key, &mut violations),
        id: key.api_key_id,
        display_name: key.display_name,
    };
    violations.accept((request.workspace_id, new))
}

/// Workspace, id and changes of a key.
///
/// # Errors
/// If a field is out of its range, or the mask names one that cannot be changed.
pub fn update_key(
    request: v1::UpdateApiKeyRequest,
) -> Result<(String, String, ApiKeyChange), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let mut key = required(request.api_key, API_KEY, &mut violations).unwrap_or_default();
    check_id(&key.api_key_id, API_KEY.field("api_key_id"), &mut violations);
    let mask = Mask::read(request.update_mask, &KEY_FIELDS, &mut violations);
    let mut change = ApiKeyChange::default();
    if mask.asks("display_name", !key.display_name.is_empty()) {
        check_display_name(&key.display_name, API_KEY, &mut violations);
        change.display_name = Some(std::mem::take(&mut key.display_name));
    }
    if mask.asks("key_group_id", !key.key_group_id.is_empty()) {
        change.key_group_id = Some(key_group(&mut key, &mut violations));
    }
    if mask.asks("allowed_model_ids", !key.allowed_model_ids.is_empty()) {
        change.allowed_model_ids = Some(allowed_models(&mut key, &mut violations));
    }
    if mask.asks("disabled", key.disabled) {
        change.disabled = Some(key.disabled);
    }
    if mask.asks("expire_time", key.expire_time.is_some()) {
        change.expire_time = Some(expire_time(&key, &mut violations));
    }
    violations.accept((request.workspace_id, key.api_key_id, change))
}

fn key_group(key: &mut v1::ApiKey, violations: &mut Violations) -> Option<String> {
    let id = std::mem::take(&mut key.key_group_id);
    text::check(&id, 0..=RESOURCE_ID_CHARS_MAX, API_KEY.field("key_group_id"), violations);
    (!id.is_empty()).then_some(id)
}

fn allowed_models(key: &mut v1::ApiKey, violations: &mut Violations) -> Vec<String> {
    let path = API_KEY.field("allowed_model_ids");
    let ids = std::mem::take(&mut key.allowed_model_ids);
    let ids = at_most(ids, ALLOWED_MODELS_MAX, path, violations);
    for (index, id) in ids.iter().enumerate() {
        text::check_model_id(id, path.item(index), violations);
    }
    ids
}

fn expire_time(key: &v1::ApiKey, violations: &mut Violations) -> Option<Time> {
    let path = API_KEY.field("expire_time");
    // One that is absent is never.
    key.expire_time.map(|time| effective(Some(time), Time::default(), path, violations))
}

fn check_display_name(name: &str, path: Path<'_>, violations: &mut Violations) {
    text::check(name, 0..=DISPLAY_NAME_CHARS_MAX, path.field("display_name"), violations);
}

/// Of which group keys are listed, if of one.
///
/// # Errors
/// If a field is out of its range.
pub fn list_keys(request: &v1::ListApiKeysRequest) -> Result<(Option<&str>, Page), Violations> {
    let mut violations = Violations::default();
    let (workspace_id, group) = (&request.workspace_id, &request.key_group_id);
    text::check_workspace_id(workspace_id, &mut violations);
    let path = Path::Request.field("key_group_id");
    text::check(group, 0..=RESOURCE_ID_CHARS_MAX, path, &mut violations);
    let filter = ["api_keys", workspace_id, group];
    let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
    violations.accept(((!group.is_empty()).then_some(group.as_str()), page))
}

/// # Errors
/// If a field is out of its range.
pub fn list_groups(request: &v1::ListKeyGroupsRequest) -> Result<Page, Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let filter = ["key_groups", &request.workspace_id];
    let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
    violations.accept(page)
}

/// Workspace and group.
///
/// # Errors
/// If a field is out of its range.
pub fn create_group(
    request: v1::CreateKeyGroupRequest,
) -> Result<(String, NewKeyGroup), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let group = required(request.key_group, KEY_GROUP, &mut violations).unwrap_or_default();
    check_id(&group.key_group_id, KEY_GROUP.field("key_group_id"), &mut violations);
    check_display_name(&group.display_name, KEY_GROUP, &mut violations);
    let new = NewKeyGroup { id: group.key_group_id, display_name: group.display_name };
    violations.accept((request.workspace_id, new))
}

/// Workspace, id and, if it is to change, the name of a group.
///
/// # Errors
/// If a field is out of its range, or the mask names one that cannot be changed.
pub fn update_group(
    request: v1::UpdateKeyGroupRequest,
) -> Result<(String, String, Option<String>), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let group = required(request.key_group, KEY_GROUP, &mut violations).unwrap_or_default();
    check_id(&group.key_group_id, KEY_GROUP.field("key_group_id"), &mut violations);
    let mask = Mask::read(request.update_mask, &["display_name"], &mut violations);
    let display_name = mask.asks("display_name", !group.display_name.is_empty()).then(|| {
        check_display_name(&group.display_name, KEY_GROUP, &mut violations);
        group.display_name
    });
    violations.accept((request.workspace_id, group.key_group_id, display_name))
}

pub fn key_to_proto(key: &ApiKey) -> v1::ApiKey {
    v1::ApiKey {
        api_key_id: key.id.to_string(),
        display_name: key.display_name.clone(),
        key_group_id: key.key_group_id.as_deref().unwrap_or_default().to_owned(),
        allowed_model_ids: key.allowed_model_ids.iter().map(ToString::to_string).collect(),
        disabled: key.disabled,
        expire_time: key.expire_time.map(to_timestamp),
        create_time: Some(to_timestamp(key.create_time)),
        update_time: Some(to_timestamp(key.update_time)),
    }
}

pub fn group_to_proto(view: GroupView) -> v1::KeyGroup {
    let GroupView { group, key_count } = view;
    v1::KeyGroup {
        key_group_id: group.id.to_string(),
        display_name: group.display_name,
        key_count,
        create_time: Some(to_timestamp(group.create_time)),
        update_time: Some(to_timestamp(group.update_time)),
    }
}
