//! API keys and key groups: registered, changed, deleted. Keys are known by their ids, never by
//! their secrets.

use std::sync::Arc;

use super::listing::list;
use super::{
    Create, Delete, Deletion, Edit, Find, Kind, Resource, Source, Update, bounded, no_backfill,
    plain_state,
};
use crate::domain::Time;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::attribution::{Dimension, SubjectKind};
use crate::domain::backfill::ConsumptionQuery;
use crate::domain::quota::{Consumption, Scope};
use crate::domain::time::calendar::Window;
use crate::engine::error::{Error, Result};
use crate::engine::{Engine, InCurrency};
use crate::ledger::Ledger;
use crate::storage::search::{Counted, Listing};
use crate::storage::settings::Change;

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

/// Usage of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyUsage {
    /// Latest time that usage of it is charged to.
    pub last_use_time: Option<Time>,
    pub cycle_usage: Consumption,
}

impl Resource for ApiKey {
    const KIND: Kind<ApiKey> = Kind {
        name: "api_key",
        id: |key| &key.id,
        set_update_time: |key, now| key.update_time = now,
        audit_state: plain_state,
        put: Change::PutApiKey,
        backfill: no_backfill,
        install: Some(|ledger, now, key, _| ledger.put_api_key(now, key)),
    };
}

impl Find for ApiKey {
    const SOURCE: Source<ApiKey> = Source::Ledger(|ledger, id| ledger.api_key(id).cloned());

    type View = ApiKey;

    fn view(key: Arc<ApiKey>, _: &Ledger, _: Time) -> Result<ApiKey> {
        Ok(Arc::unwrap_or_clone(key))
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

impl Update for ApiKey {
    type Change = ApiKeyChange;

    fn apply(&mut self, edit: &Edit, change: ApiKeyChange) -> Result<()> {
        if let Some(display_name) = change.display_name {
            self.display_name = display_name;
        }
        if let Some(group) = change.key_group_id {
            self.key_group_id = edit.key_group_named(group)?;
        }
        if let Some(models) = change.allowed_model_ids {
            self.allowed_model_ids = edit.allowed_models(&models)?;
        }
        self.disabled = change.disabled.unwrap_or(self.disabled);
        self.expire_time = change.expire_time.unwrap_or(self.expire_time);
        Ok(())
    }
}

impl Delete for ApiKey {
    const DELETION: Deletion<ApiKey> = Deletion {
        delete: Change::DeleteApiKey,
        uninstall: |edit, key| edit.install(|ledger, now| ledger.remove_api_key(now, &key.id)),
    };

    async fn check_unused(&self, edit: &Edit) -> Result<()> {
        edit.require_unlimited::<ApiKey>(SubjectKind::ApiKey, &self.id)
    }
}

impl Resource for KeyGroup {
    const KIND: Kind<KeyGroup> = Kind {
        name: "key_group",
        id: |group| &group.id,
        set_update_time: |group, now| group.update_time = now,
        audit_state: plain_state,
        put: Change::PutKeyGroup,
        backfill: no_backfill,
        install: Some(|ledger, now, group, _| ledger.put_key_group(now, group)),
    };
}

impl Find for KeyGroup {
    const SOURCE: Source<KeyGroup> = Source::Ledger(|ledger, id| ledger.key_group(id).cloned());

    type View = GroupView;

    fn view(group: Arc<KeyGroup>, ledger: &Ledger, _: Time) -> Result<GroupView> {
        Ok(group_view(group, ledger))
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

impl Update for KeyGroup {
    /// Another name, if there is one.
    type Change = Option<String>;

    fn apply(&mut self, _: &Edit, display_name: Option<String>) -> Result<()> {
        if let Some(display_name) = display_name {
            self.display_name = display_name;
        }
        Ok(())
    }
}

impl Delete for KeyGroup {
    const DELETION: Deletion<KeyGroup> = Deletion {
        delete: Change::DeleteKeyGroup,
        uninstall: |edit, group| {
            edit.install(|ledger, now| ledger.remove_key_group(now, &group.id));
        },
    };

    async fn check_unused(&self, edit: &Edit) -> Result<()> {
        edit.require_unlimited::<KeyGroup>(SubjectKind::KeyGroup, &self.id)?;
        let keys = edit.shared.store.api_keys(edit.handle.id(), Some(&self.id), "", 1).await?;
        let Some(key) = keys.first() else { return Ok(()) };
        let used_by = format!("{} \"{}\"", ApiKey::KIND.name, key.id);
        Err(Error::ResourceInUse {
            resource: KeyGroup::KIND.name,
            id: self.id.to_string(),
            used_by,
        })
    }
}

impl Engine {
    /// Keys, of one group if it is named, whose id is greater than `after_id`, by id.
    pub async fn list_api_keys(
        &self,
        workspace_id: &str,
        key_group_id: Option<&str>,
        listing: Listing<'_>,
    ) -> Result<Counted<ApiKey>> {
        self.workspace(workspace_id).await?;
        let read = |after: String, limit: usize| async move {
            self.store().api_keys(workspace_id, key_group_id, &after, limit).await
        };
        Ok(list(listing, read).await?)
    }

    /// When each of some keys was used last, and its usage in the running cycle.
    pub async fn api_key_usage(
        &self,
        workspace_id: &str,
        ids: &[String],
    ) -> Result<InCurrency<Vec<ApiKeyUsage>>> {
        let budget = self.budget(workspace_id).await?;
        self.fold_now().await;
        let (currency, cycle) = (budget.currency, budget.value.cycle);
        let seen = self.store().seen(workspace_id, Dimension::ApiKey, ids).await?;
        let mut usages = Vec::with_capacity(ids.len());
        for id in ids {
            let last_use_time = seen.get(id).map(|seen| seen.last_time);
            // A key that was not used in the cycle needs no sums.
            let is_used = last_use_time.is_some_and(|time| time >= cycle.start);
            let cycle_usage = match is_used {
                true => self.used_by_key(workspace_id, id, cycle).await?,
                false => Consumption::default(),
            };
            usages.push(ApiKeyUsage { last_use_time, cycle_usage });
        }
        Ok(InCurrency { currency, value: usages })
    }

    async fn used_by_key(
        &self,
        workspace_id: &str,
        id: &str,
        window: Window,
    ) -> Result<Consumption> {
        let (kind, subject_id) = (SubjectKind::ApiKey, Some(id.into()));
        let scope = Scope { kind, subject_id, model_id: None };
        let query = ConsumptionQuery { scope, from: window.start, to: window.end };
        let used = self.store().consumption(workspace_id, &query).await?;
        let mut sum = Consumption::default();
        used.iter().for_each(|(_, used)| sum.add(used));
        Ok(sum)
    }

    /// Groups whose id is greater than `after_id`, by id.
    pub async fn list_key_groups(
        &self,
        workspace_id: &str,
        listing: Listing<'_>,
    ) -> Result<Counted<GroupView>> {
        let handle = self.workspace(workspace_id).await?;
        let read = |after: String, limit: usize| async move {
            self.store().key_groups(workspace_id, &after, limit).await
        };
        let groups = list(listing, read).await?;
        let ledger = handle.lock();
        Ok(groups.map(|group| group_view(group.into(), &ledger)))
    }
}

fn group_view(group: Arc<KeyGroup>, ledger: &Ledger) -> GroupView {
    let key_count = ledger.keys_in_group(&group.id);
    GroupView { group: Arc::unwrap_or_clone(group), key_count }
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

    /// Models by the catalog's ids, sorted, which must exist.
    fn allowed_models(&self, names: &[String]) -> Result<Vec<Arc<str>>> {
        let mut models = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            models.push(self.shared.model_named(name).ok_or_else(|| Error::Field {
                field: format!("api_key.allowed_model_ids[{index}]"),
                expected: "expected a model of the catalog".to_owned(),
            })?);
        }
        models.sort_unstable();
        models.dedup();
        Ok(models)
    }

    /// No quota and no rate limit may name what is deleted.
    fn require_unlimited<R: Resource>(&self, kind: SubjectKind, id: &str) -> Result<()> {
        match self.ledger().limit_naming(kind, id) {
            Some(used_by) => {
                Err(Error::ResourceInUse { resource: R::KIND.name, id: id.to_owned(), used_by })
            }
            None => Ok(()),
        }
    }
}
