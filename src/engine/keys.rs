//! API keys and their groups: ids that callers name, never secrets.

use std::sync::Arc;

use super::audit::By;
use super::error::{Error, Result};
use super::{Engine, Shared, WorkspaceHandle, described};
use crate::domain::Time;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::attribution::SubjectKind;
use crate::storage::policy::Change;

const KEY: &str = "api_key";
const GROUP: &str = "key_group";

/// A key to be registered.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    pub id: String,
    pub display_name: String,
    pub key_group_id: Option<String>,
    /// As the caller spells them: ids or aliases.
    pub allowed_model_ids: Vec<String>,
    pub disabled: bool,
    pub expire_time: Option<Time>,
}

/// What is to be changed of a key; absent parts stay.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyChange {
    pub display_name: Option<String>,
    pub key_group_id: Option<Option<String>>,
    pub allowed_model_ids: Option<Vec<String>>,
    pub disabled: Option<bool>,
    pub expire_time: Option<Option<Time>>,
}

/// A group to be created.
#[derive(Clone, Debug)]
pub struct NewKeyGroup {
    pub id: String,
    pub display_name: String,
}

/// A group, and how many keys are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    pub group: KeyGroup,
    pub key_count: i64,
}

impl Engine {
    pub async fn register_api_key(
        &self,
        by: By,
        workspace_id: &str,
        new: NewApiKey,
    ) -> Result<ApiKey> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let (_, now) = handle.settings(&shared);
            let key = ApiKey {
                id: new.id.into(),
                display_name: new.display_name,
                key_group_id: handle.group_named(new.key_group_id)?,
                allowed_model_ids: shared.allowed_models(&new.allowed_model_ids)?,
                disabled: new.disabled,
                expire_time: new.expire_time,
                create_time: now,
                update_time: now,
            };
            let existing = handle.lock().api_key(&key.id).cloned();
            let Some(existing) = existing else {
                let room = handle.lock().room_for_key();
                room.map_err(|error| Error::of_ledger(error, ""))?;
                return shared.put_api_key(&handle, None, key, now, by).await;
            };
            let (create_time, update_time) = (existing.create_time, existing.update_time);
            match (ApiKey { create_time, update_time, ..key }) == *existing {
                true => Ok(ApiKey::clone(&existing)),
                false => Err(Error::ResourceExists { resource: KEY, id: existing.id.to_string() }),
            }
        })
        .await
    }

    pub async fn api_key(&self, workspace_id: &str, id: &str) -> Result<ApiKey> {
        let key = self.workspace(workspace_id).await?.api_key(id)?;
        Ok(ApiKey::clone(&key))
    }

    /// Keys, of one group if it is named, whose id is greater than `after_id`, by id.
    pub async fn list_api_keys(
        &self,
        workspace_id: &str,
        key_group_id: Option<&str>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<ApiKey>> {
        self.workspace(workspace_id).await?;
        Ok(self.store().api_keys(workspace_id, key_group_id, after_id, limit).await?)
    }

    pub async fn update_api_key(
        &self,
        by: By,
        workspace_id: &str,
        id: String,
        change: ApiKeyChange,
    ) -> Result<ApiKey> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let before = handle.api_key(&id)?;
            let (_, now) = handle.settings(&shared);
            let mut key = ApiKey::clone(&before);
            key.display_name = change.display_name.unwrap_or(key.display_name);
            if let Some(group) = change.key_group_id {
                key.key_group_id = handle.group_named(group)?;
            }
            if let Some(models) = change.allowed_model_ids {
                key.allowed_model_ids = shared.allowed_models(&models)?;
            }
            key.disabled = change.disabled.unwrap_or(key.disabled);
            key.expire_time = change.expire_time.unwrap_or(key.expire_time);
            key.update_time = now;
            shared.put_api_key(&handle, Some(before), key, now, by).await
        })
        .await
    }

    /// Forgets that a key was registered, unless a rule names it.
    pub async fn delete_api_key(&self, by: By, workspace_id: &str, id: String) -> Result<()> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let before = handle.api_key(&id)?;
            let (_, now) = handle.settings(&shared);
            handle.require_unnamed(KEY, SubjectKind::ApiKey, &before.id)?;
            let changes = vec![Change::DeleteApiKey(before.id.clone())];
            let described = Some(described::api_key(&before));
            let event = by.event(now, handle.id(), KEY, &id, described, None);
            shared.change(handle.id(), changes, event.into_iter().collect()).await?;
            handle.lock().remove_api_key(now, &before.id);
            handle.announce();
            Ok(())
        })
        .await
    }

    pub async fn create_key_group(
        &self,
        by: By,
        workspace_id: &str,
        new: NewKeyGroup,
    ) -> Result<GroupView> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let (_, now) = handle.settings(&shared);
            let (id, display_name) = (new.id.into(), new.display_name);
            let group = KeyGroup { id, display_name, create_time: now, update_time: now };
            let existing = handle.lock().key_group(&group.id).cloned();
            match existing {
                None => {
                    let room = handle.lock().room_for_group();
                    room.map_err(|error| Error::of_ledger(error, ""))?;
                    shared.put_key_group(&handle, None, group, now, by).await
                }
                Some(existing) if existing.display_name == group.display_name => {
                    Ok(handle.group_view(KeyGroup::clone(&existing)))
                }
                Some(existing) => {
                    Err(Error::ResourceExists { resource: GROUP, id: existing.id.to_string() })
                }
            }
        })
        .await
    }

    pub async fn key_group(&self, workspace_id: &str, id: &str) -> Result<GroupView> {
        let handle = self.workspace(workspace_id).await?;
        let group = handle.key_group(id)?;
        Ok(handle.group_view(KeyGroup::clone(&group)))
    }

    /// Groups whose id is greater than `after_id`, by id.
    pub async fn list_key_groups(
        &self,
        workspace_id: &str,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<GroupView>> {
        let handle = self.workspace(workspace_id).await?;
        let groups = self.store().key_groups(workspace_id, after_id, limit).await?;
        Ok(groups.into_iter().map(|group| handle.group_view(group)).collect())
    }

    /// Gives a group another name, if there is one.
    pub async fn update_key_group(
        &self,
        by: By,
        workspace_id: &str,
        id: String,
        display_name: Option<String>,
    ) -> Result<GroupView> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let before = handle.key_group(&id)?;
            let (_, now) = handle.settings(&shared);
            let mut group = KeyGroup::clone(&before);
            group.display_name = display_name.unwrap_or(group.display_name);
            group.update_time = now;
            shared.put_key_group(&handle, Some(before), group, now, by).await
        })
        .await
    }

    /// Deletes a group, unless a key is in it or a rule names it.
    pub async fn delete_key_group(&self, by: By, workspace_id: &str, id: String) -> Result<()> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move {
            let before = handle.key_group(&id)?;
            let (_, now) = handle.settings(&shared);
            handle.require_unnamed(GROUP, SubjectKind::KeyGroup, &before.id)?;
            let keys = shared.store.api_keys(handle.id(), Some(&before.id), "", 1).await?;
            if let Some(key) = keys.first() {
                let used_by = format!("{KEY} \"{}\"", key.id);
                return Err(Error::ResourceInUse { resource: GROUP, id, used_by });
            }
            let changes = vec![Change::DeleteKeyGroup(before.id.clone())];
            let described = Some(described::key_group(&before));
            let event = by.event(now, handle.id(), GROUP, &id, described, None);
            shared.change(handle.id(), changes, event.into_iter().collect()).await?;
            handle.lock().remove_key_group(now, &before.id);
            handle.announce();
            Ok(())
        })
        .await
    }
}

impl WorkspaceHandle {
    fn api_key(&self, id: &str) -> Result<Arc<ApiKey>> {
        let key = self.lock().api_key(id).cloned();
        key.ok_or_else(|| Error::ResourceNotFound { resource: KEY, id: id.to_owned() })
    }

    fn key_group(&self, id: &str) -> Result<Arc<KeyGroup>> {
        let group = self.lock().key_group(id).cloned();
        group.ok_or_else(|| Error::ResourceNotFound { resource: GROUP, id: id.to_owned() })
    }

    /// The group that a key is to be in, which must be there.
    fn group_named(&self, id: Option<String>) -> Result<Option<Arc<str>>> {
        let Some(id) = id else { return Ok(None) };
        match self.lock().key_group(&id) {
            Some(group) => Ok(Some(group.id.clone())),
            None => Err(Error::Field {
                field: "api_key.key_group_id".to_owned(),
                expected: "expected a key group that exists".to_owned(),
            }),
        }
    }

    /// What a rule names stays: the rule would dangle.
    fn require_unnamed(&self, resource: &'static str, kind: SubjectKind, id: &str) -> Result<()> {
        match self.lock().names_subject(kind, id) {
            Some(used_by) => Err(Error::ResourceInUse { resource, id: id.to_owned(), used_by }),
            None => Ok(()),
        }
    }

    fn group_view(&self, group: KeyGroup) -> GroupView {
        let key_count = self.lock().keys_in_group(&group.id);
        GroupView { group, key_count }
    }
}

impl Shared {
    async fn put_api_key(
        &self,
        handle: &WorkspaceHandle,
        before: Option<Arc<ApiKey>>,
        key: ApiKey,
        now: Time,
        by: By,
    ) -> Result<ApiKey> {
        let described = before.as_deref().map(described::api_key);
        let after = Some(described::api_key(&key));
        let event = by.event(now, handle.id(), KEY, &key.id, described, after);
        if let (None, Some(before)) = (&event, before) {
            return Ok(ApiKey::clone(&before));
        }
        let changes = vec![Change::PutApiKey(key.clone())];
        self.change(handle.id(), changes, event.into_iter().collect()).await?;
        handle.lock().put_api_key(now, key.clone());
        handle.announce();
        Ok(key)
    }

    async fn put_key_group(
        &self,
        handle: &WorkspaceHandle,
        before: Option<Arc<KeyGroup>>,
        group: KeyGroup,
        now: Time,
        by: By,
    ) -> Result<GroupView> {
        let described = before.as_deref().map(described::key_group);
        let after = Some(described::key_group(&group));
        let event = by.event(now, handle.id(), GROUP, &group.id, described, after);
        if let (None, Some(before)) = (&event, before) {
            return Ok(handle.group_view(KeyGroup::clone(&before)));
        }
        let changes = vec![Change::PutKeyGroup(group.clone())];
        self.change(handle.id(), changes, event.into_iter().collect()).await?;
        handle.lock().put_key_group(now, group.clone());
        handle.announce();
        Ok(handle.group_view(group))
    }

    /// Models by the catalogue's ids, sorted, which must be there.
    fn allowed_models(&self, names: &[String]) -> Result<Vec<Arc<str>>> {
        let mut models = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            models.push(self.model_named(name).ok_or_else(|| Error::Field {
                field: format!("api_key.allowed_model_ids[{index}]"),
                expected: "expected a model of the catalogue".to_owned(),
            })?);
        }
        models.sort_unstable();
        models.dedup();
        Ok(models)
    }
}
