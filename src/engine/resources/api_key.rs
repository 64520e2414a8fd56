//! API keys and key groups: registered, changed, deleted. Keys are known by their ids, never by
//! their secrets.

use std::sync::Arc;

use super::{Create, Delete, Edit, Resource, bounded};
use crate::domain::Time;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::attribution::SubjectKind;
use crate::domain::backfill::BackfillResults;
use crate::engine::audit::Actor;
use crate::engine::error::{Error, Result};
use crate::engine::{Engine, Shared, WorkspaceHandle};
use crate::storage::policy::Change;

/// A key to be registered.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    pub id: String,
    pub display_name: String,
    pub key_group_id: Option<String>,
    /// Ids or aliases.
    pub allowed_model_ids: Vec<String>,
    pub disabled: bool,
    pub expire_time: Option<Time>,
}

/// Changes of a key; absent parts stay.
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

impl Resource for ApiKey {
    const KIND: &'static str = "api_key";

    fn id(&self) -> &Arc<str> {
        &self.id
    }

    async fn find(_: &Shared, handle: &WorkspaceHandle, id: &str) -> Result<Option<Arc<ApiKey>>> {
        Ok(handle.lock().api_key(id).cloned())
    }

    fn set_update_time(&mut self, now: Time) {
        self.update_time = now;
    }

    fn put_change(&self) -> Change {
        Change::PutApiKey(self.clone())
    }

    fn install(&self, edit: &Edit, _: BackfillResults) {
        edit.install(|ledger, now| ledger.put_api_key(now, self.clone()));
    }
}

impl Create for ApiKey {
    type New = NewApiKey;

    fn requested_id(new: &NewApiKey) -> Option<&str> {
        Some(&new.id)
    }

    fn build(edit: &Edit, new: NewApiKey, existing: Option<&ApiKey>) -> Result<ApiKey> {
        Ok(ApiKey {
            id: new.id.into(),
            display_name: new.display_name,
            key_group_id: edit.key_group_named(new.key_group_id)?,
            allowed_model_ids: edit.allowed_models(&new.allowed_model_ids)?,
            disabled: new.disabled,
            expire_time: new.expire_time,
            create_time: existing.map_or(edit.now, |existing| existing.create_time),
            update_time: existing.map_or(edit.now, |existing| existing.update_time),
        })
    }

    async fn admit(&self, edit: &Edit) -> Result<()> {
        bounded(edit.ledger().room_for_key())
    }
}

impl Delete for ApiKey {
    async fn check_unused(&self, edit: &Edit) -> Result<()> {
        edit.require_unlimited::<ApiKey>(SubjectKind::ApiKey, &self.id)
    }

    fn delete_change(&self) -> Change {
        Change::DeleteApiKey(self.id.clone())
    }

    fn uninstall(&self, edit: &Edit) {
        edit.install(|ledger, now| ledger.remove_api_key(now, &self.id));
    }
}

impl Resource for KeyGroup {
    const KIND: &'static str = "key_group";

    fn id(&self) -> &Arc<str> {
        &self.id
    }

    async fn find(_: &Shared, handle: &WorkspaceHandle, id: &str) -> Result<Option<Arc<KeyGroup>>> {
        Ok(handle.lock().key_group(id).cloned())
    }

    fn set_update_time(&mut self, now: Time) {
        self.update_time = now;
    }

    fn put_change(&self) -> Change {
        Change::PutKeyGroup(self.clone())
    }

    fn install(&self, edit: &Edit, _: BackfillResults) {
        edit.install(|ledger, now| ledger.put_key_group(now, self.clone()));
    }
}

impl Create for KeyGroup {
    type New = NewKeyGroup;

    fn requested_id(new: &NewKeyGroup) -> Option<&str> {
        Some(&new.id)
    }

    fn build(edit: &Edit, new: NewKeyGroup, existing: Option<&KeyGroup>) -> Result<KeyGroup> {
        Ok(KeyGroup {
            id: new.id.into(),
            display_name: new.display_name,
            create_time: existing.map_or(edit.now, |existing| existing.create_time),
            update_time: existing.map_or(edit.now, |existing| existing.update_time),
        })
    }

    async fn admit(&self, edit: &Edit) -> Result<()> {
        bounded(edit.ledger().room_for_group())
    }
}

impl Delete for KeyGroup {
    async fn check_unused(&self, edit: &Edit) -> Result<()> {
        edit.require_unlimited::<KeyGroup>(SubjectKind::KeyGroup, &self.id)?;
        let keys = edit.shared.store.api_keys(edit.handle.id(), Some(&self.id), "", 1).await?;
        let Some(key) = keys.first() else { return Ok(()) };
        let used_by = format!("{} \"{}\"", ApiKey::KIND, key.id);
        Err(Error::ResourceInUse { resource: KeyGroup::KIND, id: self.id.to_string(), used_by })
    }

    fn delete_change(&self) -> Change {
        Change::DeleteKeyGroup(self.id.clone())
    }

    fn uninstall(&self, edit: &Edit) {
        edit.install(|ledger, now| ledger.remove_key_group(now, &self.id));
    }
}

impl Engine {
    pub async fn register_api_key(
        &self,
        actor: Actor,
        workspace_id: &str,
        new: NewApiKey,
    ) -> Result<ApiKey> {
        let register = |edit: Edit| async move { edit.create::<ApiKey>(new).await };
        Ok(Arc::unwrap_or_clone(self.edit(actor, workspace_id, register).await?))
    }

    pub async fn api_key(&self, workspace_id: &str, id: &str) -> Result<ApiKey> {
        Ok(Arc::unwrap_or_clone(self.get(workspace_id, id).await?.value))
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
        actor: Actor,
        workspace_id: &str,
        id: String,
        change: ApiKeyChange,
    ) -> Result<ApiKey> {
        let update =
            |edit: Edit| async move { edit.update(&id, |key| change.apply(&edit, key)).await };
        Ok(Arc::unwrap_or_clone(self.edit(actor, workspace_id, update).await?))
    }

    /// Removes the registration of a key, unless a limit names it.
    pub async fn delete_api_key(&self, actor: Actor, workspace_id: &str, id: String) -> Result<()> {
        let delete = |edit: Edit| async move { edit.delete::<ApiKey>(&id).await };
        self.edit(actor, workspace_id, delete).await
    }

    pub async fn create_key_group(
        &self,
        actor: Actor,
        workspace_id: &str,
        new: NewKeyGroup,
    ) -> Result<GroupView> {
        let create =
            |edit: Edit| async move { Ok(edit.handle.group_view(edit.create(new).await?)) };
        self.edit(actor, workspace_id, create).await
    }

    pub async fn key_group(&self, workspace_id: &str, id: &str) -> Result<GroupView> {
        let group = self.get(workspace_id, id).await?.value;
        Ok(self.workspace(workspace_id).await?.group_view(group))
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
        Ok(groups.into_iter().map(|group| handle.group_view(group.into())).collect())
    }

    /// Renames a group; without a name it stays as it is.
    pub async fn update_key_group(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: String,
        display_name: Option<String>,
    ) -> Result<GroupView> {
        let update = |edit: Edit| async move {
            let rename = |group: &mut KeyGroup| {
                group.display_name = display_name.unwrap_or_else(|| group.display_name.clone());
                Ok(())
            };
            Ok(edit.handle.group_view(edit.update(&id, rename).await?))
        };
        self.edit(actor, workspace_id, update).await
    }

    /// Deletes a group, unless a key is in it or a limit names it.
    pub async fn delete_key_group(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: String,
    ) -> Result<()> {
        let delete = |edit: Edit| async move { edit.delete::<KeyGroup>(&id).await };
        self.edit(actor, workspace_id, delete).await
    }
}

impl ApiKeyChange {
    fn apply(self, edit: &Edit, key: &mut ApiKey) -> Result<()> {
        if let Some(display_name) = self.display_name {
            key.display_name = display_name;
        }
        if let Some(group) = self.key_group_id {
            key.key_group_id = edit.key_group_named(group)?;
        }
        if let Some(models) = self.allowed_model_ids {
            key.allowed_model_ids = edit.allowed_models(&models)?;
        }
        key.disabled = self.disabled.unwrap_or(key.disabled);
        key.expire_time = self.expire_time.unwrap_or(key.expire_time);
        Ok(())
    }
}

impl WorkspaceHandle {
    fn group_view(&self, group: Arc<KeyGroup>) -> GroupView {
        let key_count = self.lock().keys_in_group(&group.id);
        GroupView { group: Arc::unwrap_or_clone(group), key_count }
    }
}

impl Edit {
    /// The group of a key, which must exist.
    fn key_group_named(&self, id: Option<String>) -> Result<Option<Arc<str>>> {
        let Some(id) = id else { return Ok(None) };
        match self.ledger().key_group(&id) {
            Some(group) => Ok(Some(group.id.clone())),
            None => Err(Error::Field {
                field: "api_key.key_group_id".to_owned(),
                expected: "expected a key group that exists".to_owned(),
            }),
        }
    }

    /// Models by the catalogue's ids, sorted, which must exist.
    fn allowed_models(&self, names: &[String]) -> Result<Vec<Arc<str>>> {
        let mut models = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            models.push(self.shared.model_named(name).ok_or_else(|| Error::Field {
                field: format!("api_key.allowed_model_ids[{index}]"),
                expected: "expected a model of the catalogue".to_owned(),
            })?);
        }
        models.sort_unstable();
        models.dedup();
        Ok(models)
    }

    /// No quota and no rate limit may name what is deleted.
    fn require_unlimited<R: Resource>(&self, kind: SubjectKind, id: &str) -> Result<()> {
        match self.ledger().names_subject(kind, id) {
            Some(used_by) => {
                Err(Error::ResourceInUse { resource: R::KIND, id: id.to_owned(), used_by })
            }
            None => Ok(()),
        }
    }
}
