//! Requests of `ApiKeyService`, and keys and groups as protos.

use crate::domain::api_key::ApiKey;
use crate::domain::{Currency, Time};
use crate::engine::{ApiKeyChange, ApiKeyUsage, GroupView, NewApiKey, NewKeyGroup};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::money;
use crate::grpc::shared::page::Page;
use crate::grpc::shared::text::non_empty;
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;
use crate::storage::search::Search;

/// Most models that a key may be restricted to.
pub const ALLOWED_MODELS_MAX: usize = 64;

/// Most keys of a page that has their usage.
const USED_KEYS_MAX: i32 = 100;

const KEY_FIELDS: [&str; 5] =
    ["display_name", "key_group_id", "allowed_model_ids", "disabled", "expire_time"];

/// Workspace and key.
pub fn register(request: v1::RegisterApiKeyRequest) -> Decoded<(String, NewApiKey)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let (at, key) = at.message("api_key", request.api_key)?;
        at.field("api_key_id").new_resource_id(&key.api_key_id);
        at.display_name(&key.display_name);
        let new = NewApiKey {
            key_group_id: key_group(at, &key),
            allowed_model_ids: allowed_models(at, &key),
            disabled: key.disabled,
            expire_time: expire_time(at, &key),
            id: key.api_key_id,
            display_name: key.display_name,
        };
        Some((request.workspace_id, new))
    })
}

/// Workspace, id and changes of a key.
pub fn update_key(request: v1::UpdateApiKeyRequest) -> Decoded<(String, String, ApiKeyChange)> {
    decode(|root| {
        root.workspace_id(&request.workspace_id);
        let (at, key) = root.message_or_default("api_key", request.api_key);
        at.field("api_key_id").resource_id(&key.api_key_id);
        let mask = root.mask(request.update_mask, &KEY_FIELDS);
        let is_limited = !key.allowed_model_ids.is_empty();
        let change = ApiKeyChange {
            display_name: mask.display_name(at, &key.display_name),
            key_group_id: mask
                .change("key_group_id", !key.key_group_id.is_empty(), || key_group(at, &key)),
            allowed_model_ids: mask
                .change("allowed_model_ids", is_limited, || allowed_models(at, &key)),
            disabled: mask.change("disabled", key.disabled, || key.disabled),
            expire_time: mask
                .change("expire_time", key.expire_time.is_some(), || expire_time(at, &key)),
        };
        Some((request.workspace_id, key.api_key_id, change))
    })
}

fn key_group(at: Decoder<'_>, key: &v1::ApiKey) -> Option<String> {
    at.field("key_group_id").optional_resource_id(&key.key_group_id);
    non_empty(key.key_group_id.clone())
}

fn allowed_models(at: Decoder<'_>, key: &v1::ApiKey) -> Vec<String> {
    let (at, ids) = (at.field("allowed_model_ids"), key.allowed_model_ids.clone());
    at.each_of(ids, ALLOWED_MODELS_MAX, |at, id| at.model_id(id))
}

/// Absent for never.
fn expire_time(at: Decoder<'_>, key: &v1::ApiKey) -> Option<Time> {
    key.expire_time.and_then(|time| at.field("expire_time").effective(time))
}

/// Which keys to list: of which group, if of one.
pub fn list_keys(request: &v1::ListApiKeysRequest) -> Decoded<(Option<&str>, Page, Search)> {
    let v1::ListApiKeysRequest { workspace_id, key_group_id: group, query, .. } = request;
    decode(|at| {
        at.workspace_id(workspace_id);
        at.field("key_group_id").optional_resource_id(group);
        let search = at.search(query);
        let usage = if request.with_usage { "usage" } else { "" };
        let filter = ["api_keys", workspace_id, group, query, usage];
        let most = if request.with_usage { USED_KEYS_MAX } else { i32::MAX };
        let page = at.page(&filter, request.page_size.min(most), &request.page_token);
        Some(((!group.is_empty()).then_some(group.as_str()), page, search))
    })
}

/// Which groups to list.
pub fn list_groups(request: &v1::ListKeyGroupsRequest) -> Decoded<(Page, Search)> {
    let v1::ListKeyGroupsRequest { workspace_id, query, page_size, page_token } = request;
    decode(|at| {
        at.workspace_id(workspace_id);
        let search = at.search(query);
        Some((at.page(&["key_groups", workspace_id, query], *page_size, page_token), search))
    })
}

/// Workspace and group.
pub fn create_group(request: v1::CreateKeyGroupRequest) -> Decoded<(String, NewKeyGroup)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let (at, group) = at.message_or_default("key_group", request.key_group);
        at.field("key_group_id").new_resource_id(&group.key_group_id);
        at.display_name(&group.display_name);
        let new = NewKeyGroup { id: group.key_group_id, display_name: group.display_name };
        Some((request.workspace_id, new))
    })
}

/// Workspace, id and, if it is to change, the name of a group.
pub fn update_group(
    request: v1::UpdateKeyGroupRequest,
) -> Decoded<(String, String, Option<String>)> {
    decode(|root| {
        root.workspace_id(&request.workspace_id);
        let (at, group) = root.message_or_default("key_group", request.key_group);
        at.field("key_group_id").resource_id(&group.key_group_id);
        let mask = root.mask(request.update_mask, &["display_name"]);
        let display_name = mask.display_name(at, &group.display_name);
        Some((request.workspace_id, group.key_group_id, display_name))
    })
}

/// The key with its usage.
pub fn with_usage(key: v1::ApiKey, currency: Currency, usage: &ApiKeyUsage) -> v1::ApiKey {
    let used = &usage.cycle_usage;
    v1::ApiKey {
        last_use_time: usage.last_use_time.map(to_timestamp),
        cycle_usage: Some(v1::ApiKeyUsage {
            cost: Some(money::to_proto(currency, used.money)),
            request_count: used.requests,
            token_count: used.tokens,
        }),
        ..key
    }
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
        ..Default::default()
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
