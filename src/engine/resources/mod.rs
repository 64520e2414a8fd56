//! Administered resources: what administrators set, one kind in each file.
//!
//! [`Kind`] and the traits around it say what differs between kinds; [`Edit`] is the one way in
//! which resources change. An edit runs in the writer. It stores the change and its entry of the
//! audit log in one transaction, and only then gives it to the ledger. What stays as it is is not
//! written.

mod access;
mod api_key;
mod boost;
mod catalog;
mod cycle;
mod directory;
mod erasure;
mod freeze;
mod listing;
mod model_alias;
mod model_limit;
mod quota;
mod rate_limit;
mod receiver;
mod workspace;

use std::future::Future;
use std::sync::{Arc, MutexGuard};

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

use super::audit::{self, Actor};
use super::error::{Error, Result};
use super::workspace::WorkspaceHandle;
use super::{Engine, InCurrency, Shared};
use crate::domain::attribution::SubjectKind;
use crate::domain::backfill::{BackfillQueries, BackfillResults};
use crate::domain::quota::Scope;
use crate::domain::workspace::Workspace;
use crate::domain::{Amount, Currency, Time};
use crate::ledger::Ledger;
use crate::storage::audit::AuditEvent;
use crate::storage::settings::{Change, LimitFilter};
use crate::storage::{self, Store};

pub use access::{AccessState, Grant, NewToken, put_token, revoked, rotated};
pub use api_key::{ApiKeyChange, ApiKeyUsage, GroupView, NewApiKey, NewKeyGroup};
pub use boost::{BoostAmount, BoostKind, BoostView, NewBoost};
pub use catalog::{
    ImportRequest, import as import_changes, import_list as import_list_changes,
    load as load_catalog, with_price,
};
pub use cycle::{CycleView, Cycles};
pub use directory::{NewEntry, SubjectNames};
pub use erasure::{ERASED_AT_ONCE, Erased, Erasures};
pub use freeze::NewFreeze;
pub use model_limit::{ModelLimitChange, ModelLimitSetting};
pub use quota::{LimitChange, NewQuota, QuotaChange, RequestedLimit, ThresholdChange};
pub use rate_limit::{NewRateLimit, RateLimitChange, RatePosition};
pub use receiver::{
    EMAIL_RECEIVERS_MAX, NewEmailReceiver, NewWebhook, SECRET_BYTES, SECRET_OVERLAP, WEBHOOKS_MAX,
    WebhookChange,
};
pub use workspace::{AlertPolicyChange, NewWorkspace, PlanChange, WorkspaceChange};

/// What all kinds of resources have. They belong to a workspace and have an id there.
pub struct Kind<R: 'static> {
    /// In errors and in the audit log, for example `quota`.
    pub name: &'static str,
    pub id: fn(&R) -> &Arc<str>,
    pub set_update_time: fn(&mut R, Time),
    /// The state for the audit log.
    pub audit_state: fn(&Edit, &R) -> Result<Value>,
    /// The change that stores it.
    pub put: fn(R) -> Change,
    /// What the usage log must be queried for before it applies.
    pub backfill: fn(&mut Ledger, Time, &R) -> BackfillQueries,
    /// Gives it to the ledger, once it is stored; none if it is in storage alone.
    pub install: Option<fn(&mut Ledger, Time, R, BackfillResults)>,
}

pub trait Resource: Clone + PartialEq + Send + Sync + 'static {
    const KIND: Kind<Self>;
}

/// A resource that is found by its id.
pub trait Find: Resource {
    const SOURCE: Source<Self>;

    /// What callers get to see of it.
    type View: Send + 'static;

    /// # Errors
    /// If what it belongs to is gone.
    fn view(resource: Arc<Self>, ledger: &Ledger, now: Time) -> Result<Self::View>;
}

/// Where resources of a kind are looked up, by id.
pub enum Source<R> {
    Ledger(fn(&Ledger, &str) -> Option<Arc<R>>),
    /// By workspace and id.
    Storage(for<'a> fn(&'a dyn Store, &'a str, &'a str) -> BoxFuture<'a, Found<R>>),
}

pub type Found<R> = storage::Result<Option<R>>;

/// A resource that is created by a call.
pub trait Create: Find {
    /// Whether a repeated create returns the resource that exists, if it has the same content.
    /// Otherwise it is refused.
    const IS_IDEMPOTENT: bool = true;

    /// As the caller describes it.
    type New: Send + 'static;

    /// None if an id is to be generated.
    fn requested_id(new: &Self::New) -> Option<&str>;

    /// Resolves and validates. What a create does not name, such as its times, is taken from
    /// `existing`, the resource of the requested id.
    ///
    /// # Errors
    /// If it is not valid.
    fn build(edit: &Edit, new: Self::New, existing: Option<&Self>) -> Result<Self>;

    /// Checks it against the other resources of the workspace.
    ///
    /// # Errors
    /// If another one is in its place, or there are too many.
    fn admit(&self, edit: &Edit) -> impl Future<Output = Result<()>> + Send;
}

/// A resource that is changed by a call.
pub trait Update: Find {
    /// The parts that change.
    type Change: Send + 'static;

    /// # Errors
    /// If it would not be valid.
    fn apply(&mut self, edit: &Edit, change: Self::Change) -> Result<()>;
}

/// A resource that is deleted by a call.
pub trait Delete: Find {
    const DELETION: Deletion<Self>;

    /// # Errors
    /// If another resource refers to it.
    fn check_unused(&self, _edit: &Edit) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }
}

pub struct Deletion<R> {
    /// The change that deletes it.
    pub delete: fn(Arc<str>) -> Change,
    /// Takes it from where it was installed, once it is deleted.
    pub uninstall: fn(&Edit, &R),
}

/// One administrative call on a workspace, in the writer.
pub struct Edit {
    pub(super) shared: Arc<Shared>,
    pub(super) handle: Arc<WorkspaceHandle>,
    pub(super) actor: Actor,
    /// Its settings when the call began.
    pub(super) workspace: Workspace,
    /// The ledger's time when the call began: its clock never steps back.
    pub(super) now: Time,
}

impl Engine {
    /// Creates a resource, see [`Create`].
    pub async fn create<R: Create>(
        &self,
        actor: Actor,
        workspace_id: &str,
        new: R::New,
    ) -> Result<R::View> {
        let create = |edit: Edit| async move { edit.view(edit.create::<R>(new).await?) };
        self.edit(actor, workspace_id, create).await
    }

    pub async fn get<R: Find>(&self, workspace_id: &str, id: &str) -> Result<R::View> {
        let handle = self.workspace(workspace_id).await?;
        let found = find::<R>(&handle, &**self.store(), id).await?;
        R::view(found, &handle.lock(), self.now())
    }

    /// Changes a resource. Nothing is written if it stays as it is.
    pub async fn update<R: Update>(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: impl Into<String>,
        change: R::Change,
    ) -> Result<R::View> {
        let id = id.into();
        let update = |edit: Edit| async move {
            edit.view(edit.update::<R>(&id, |resource| resource.apply(&edit, change)).await?)
        };
        self.edit(actor, workspace_id, update).await
    }

    /// Deletes a resource that nothing refers to.
    pub async fn delete<R: Delete>(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: impl Into<String>,
    ) -> Result<()> {
        let id = id.into();
        let delete = |edit: Edit| async move { edit.delete::<R>(&id).await };
        self.edit(actor, workspace_id, delete).await
    }

    /// Runs an edit of a workspace in the writer.
    pub(super) async fn edit<T, F>(
        &self,
        actor: Actor,
        workspace_id: &str,
        change: impl FnOnce(Edit) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(|shared| change(Edit::begin(shared, handle, actor))).await
    }
}

impl Edit {
    fn begin(shared: Arc<Shared>, handle: Arc<WorkspaceHandle>, actor: Actor) -> Edit {
        let (workspace, now) = {
            let mut ledger = handle.lock();
            let now = ledger.advance(shared.clock.now());
            (ledger.workspace().clone(), now)
        };
        Edit { shared, handle, actor, workspace, now }
    }

    /// Creates a resource; repeated, see [`Create::IS_IDEMPOTENT`].
    async fn create<R: Create>(&self, new: R::New) -> Result<Arc<R>> {
        let existing = match R::requested_id(&new) {
            Some(id) => lookup::<R>(&self.handle, &*self.shared.store, id).await?,
            None => None,
        };
        let resource = R::build(self, new, existing.as_deref())?;
        match existing {
            Some(existing) if R::IS_IDEMPOTENT && *existing == resource => Ok(existing),
            Some(existing) => Err(exists(R::KIND.name, (R::KIND.id)(&existing))),
            None => {
                resource.admit(self).await?;
                self.put(None, resource).await
            }
        }
    }

    async fn update<R: Find>(
        &self,
        id: &str,
        change: impl FnOnce(&mut R) -> Result<()> + Send,
    ) -> Result<Arc<R>> {
        let before = self.find::<R>(id).await?;
        let mut after = R::clone(&before);
        change(&mut after)?;
        self.put(Some(before), after).await
    }

    async fn delete<R: Delete>(&self, id: &str) -> Result<()> {
        let resource = self.find::<R>(id).await?;
        resource.check_unused(self).await?;
        let before = (R::KIND.audit_state)(self, &resource)?;
        let id = (R::KIND.id)(&resource);
        let event = self.event(R::KIND.name, id, Some(before), None);
        self.commit(vec![(R::DELETION.delete)(id.clone())], event).await?;
        (R::DELETION.uninstall)(self, &resource);
        Ok(())
    }

    async fn find<R: Find>(&self, id: &str) -> Result<Arc<R>> {
        find(&self.handle, &*self.shared.store, id).await
    }

    fn view<R: Find>(&self, resource: Arc<R>) -> Result<R::View> {
        R::view(resource, &self.ledger(), self.now)
    }

    /// Stores a resource and gives it to the ledger. Nothing is written if it is as before.
    async fn put<R: Resource>(&self, before: Option<Arc<R>>, mut after: R) -> Result<Arc<R>> {
        let kind = R::KIND;
        if let Some(before) = &before {
            if **before == after {
                return Ok(before.clone());
            }
            (kind.set_update_time)(&mut after, self.now);
        }
        let state_before = match &before {
            Some(before) => Some((kind.audit_state)(self, before)?),
            None => None,
        };
        let state_after = (kind.audit_state)(self, &after)?;
        let event = self.event(kind.name, (kind.id)(&after), state_before, Some(state_after));
        let queries = (kind.backfill)(&mut self.ledger(), self.now, &after);
        let backfill = self.shared.backfill(self.handle.id(), queries).await?;
        self.commit(vec![(kind.put)(after.clone())], event).await?;
        if let Some(install) = kind.install {
            self.install(|ledger, now| install(ledger, now, after.clone(), backfill));
        }
        Ok(Arc::new(after))
    }

    /// The entry of the audit log about a change of this call; none if nothing changed.
    pub(super) fn event(
        &self,
        kind: &'static str,
        id: &str,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Option<AuditEvent> {
        self.actor.event(self.now, self.handle.id(), kind, id, before, after)
    }

    /// Writes changes with their entries of the audit log, in one transaction.
    pub(super) async fn commit(
        &self,
        changes: Vec<Change>,
        events: impl IntoIterator<Item = AuditEvent>,
    ) -> storage::Result<()> {
        let events: Vec<AuditEvent> = events.into_iter().collect();
        self.shared.change(self.handle.id(), &changes, &events).await
    }

    /// Applies to the ledger what is stored, and wakes those who watch the workspace.
    fn install(&self, apply: impl FnOnce(&mut Ledger, Time)) {
        apply(&mut self.handle.lock(), self.now);
        self.handle.announce();
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.handle.lock()
    }

    fn currency(&self) -> Currency {
        self.workspace.currency
    }

    fn in_currency<T>(&self, value: T) -> InCurrency<T> {
        InCurrency { currency: self.currency(), value }
    }

    /// An amount, which must be in the currency of the workspace.
    pub(super) fn amount(
        &self,
        field: &str,
        (currency, amount): (Currency, Amount),
    ) -> Result<Amount> {
        if currency == self.currency() {
            return Ok(amount);
        }
        let expected = format!("expected {}, the currency of the workspace", self.currency());
        Err(Error::Field { field: format!("{field}.currency_code"), expected })
    }

    /// What a quota or a rate limit counts; `kind` is the name of the resource in field paths.
    fn scope(
        &self,
        kind: &str,
        subject: SubjectKind,
        subject_id: Option<String>,
        model_id: Option<String>,
    ) -> Result<Scope> {
        let group = subject_id.as_deref().filter(|_| subject == SubjectKind::KeyGroup);
        if group.is_some_and(|group| self.ledger().key_group(group).is_none()) {
            return Err(Error::Field {
                field: format!("{kind}.subject.id"),
                expected: "expected a key group that exists".to_owned(),
            });
        }
        let model_id = match model_id {
            Some(id) => Some(self.shared.model_named(&id).ok_or_else(|| Error::Field {
                field: format!("{kind}.model_id"),
                expected: "expected a model of the catalog".to_owned(),
            })?),
            None => None,
        };
        Ok(Scope { kind: subject, subject_id: subject_id.map(Arc::from), model_id })
    }
}

impl Shared {
    /// The catalog's id of a model that an administrator names.
    fn model_named(&self, name: &str) -> Option<Arc<str>> {
        self.catalog.load().named(name).map(|entry| entry.model().id.clone())
    }

    /// The same filter by the catalog's id of the model, where it is known there.
    fn rule_filter(&self, mut filter: LimitFilter) -> LimitFilter {
        let named = filter.model_id.as_deref().and_then(|name| self.model_named(name));
        if let Some(id) = named {
            filter.model_id = Some(id.to_string());
        }
        filter
    }
}

async fn lookup<R: Find>(
    handle: &WorkspaceHandle,
    store: &dyn Store,
    id: &str,
) -> Result<Option<Arc<R>>> {
    match R::SOURCE {
        Source::Ledger(find) => Ok(find(&handle.lock(), id)),
        Source::Storage(find) => Ok(find(store, handle.id(), id).await?.map(Arc::new)),
    }
}

async fn find<R: Find>(handle: &WorkspaceHandle, store: &dyn Store, id: &str) -> Result<Arc<R>> {
    lookup(handle, store, id).await?.ok_or_else(|| not_found(R::KIND.name, id))
}

fn no_backfill<R>(_: &mut Ledger, _: Time, _: &R) -> BackfillQueries {
    BackfillQueries::default()
}

/// The state of resources without amounts of money.
fn plain_state<R: Serialize>(_: &Edit, resource: &R) -> Result<Value> {
    Ok(audit::state(resource))
}

pub(super) fn not_found(resource: &'static str, id: impl ToString) -> Error {
    Error::ResourceNotFound { resource, id: id.to_string() }
}

fn exists(resource: &'static str, id: &str) -> Error {
    Error::ResourceExists { resource, id: id.to_owned() }
}

/// The requested id, or a new one.
fn id_or_new(requested: Option<String>) -> Arc<str> {
    requested.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()).into()
}

/// A bound that the ledger holds, for a call that has no request id.
fn bounded(room: std::result::Result<(), crate::ledger::Error>) -> Result<()> {
    room.map_err(|error| Error::of_ledger(error, ""))
}
