//! API keys and their groups.

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, optional_shared, optional_time, time, to_json};
use super::session::Write;
use super::table::Table;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::storage::Result;

pub(super) const API_KEYS: Table = Table {
    name: "api_keys",
    columns: "workspace_id, id, display_name, key_group_id, allowed_model_ids, disabled, \
              expire_time, create_time, update_time",
    key: 2,
};

pub(super) const KEY_GROUPS: Table = Table {
    name: "key_groups",
    columns: "workspace_id, id, display_name, create_time, update_time",
    key: 2,
};

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn list_api_keys(
        &self,
        workspace_id: &str,
        key_group_id: Option<&str>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<ApiKey>> {
        let select = API_KEYS
            .of(workspace_id)
            .with_any("key_group_id =", key_group_id.map(Value::Text))
            .by_id(after_id, limit);
        self.select(select).await?.iter().map(api_key::<DB>).collect()
    }

    pub(super) async fn list_key_groups(
        &self,
        workspace_id: &str,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<KeyGroup>> {
        let select = KEY_GROUPS.of(workspace_id).by_id(after_id, limit);
        self.select(select).await?.iter().map(key_group::<DB>).collect()
    }
}

pub(super) async fn put_api_key<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    key: &ApiKey,
) -> Result<()> {
    let models: Vec<&str> = key.allowed_model_ids.iter().map(AsRef::as_ref).collect();
    let models = to_json(&models);
    let values = [
        Value::Text(workspace_id),
        Value::Shared(&key.id),
        Value::Text(&key.display_name),
        optional_shared(&key.key_group_id),
        Value::Text(&models),
        Value::Flag(key.disabled),
        optional_time(key.expire_time),
        time(key.create_time),
        time(key.update_time),
    ];
    API_KEYS.put(write, &values).await
}

pub(super) async fn put_key_group<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    group: &KeyGroup,
) -> Result<()> {
    let values = [
        Value::Text(workspace_id),
        Value::Shared(&group.id),
        Value::Text(&group.display_name),
        time(group.create_time),
        time(group.update_time),
    ];
    KEY_GROUPS.put(write, &values).await
}

pub(super) fn api_key<DB: Backend>(row: &DB::Row) -> Result<ApiKey> {
    let mut reader = Reader::<DB>::new(row);
    let _workspace_id = reader.text()?;
    Ok(ApiKey {
        id: reader.shared()?,
        display_name: reader.string()?,
        key_group_id: reader.optional_shared()?,
        allowed_model_ids: {
            let ids: Vec<String> = reader.json()?;
            ids.into_iter().map(Into::into).collect()
        },
        disabled: reader.flag()?,
        expire_time: reader.optional_time()?,
        create_time: reader.time()?,
        update_time: reader.time()?,
    })
}

pub(super) fn key_group<DB: Backend>(row: &DB::Row) -> Result<KeyGroup> {
    let mut reader = Reader::<DB>::new(row);
    let _workspace_id = reader.text()?;
    Ok(KeyGroup {
        id: reader.shared()?,
        display_name: reader.string()?,
        create_time: reader.time()?,
        update_time: reader.time()?,
    })
}
