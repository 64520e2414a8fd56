//! Administered resources: what administrators set, one kind in each file.
//!
//! [`Resource`] says what differs between kinds; [`Edit`] is the one way in which they change. An
//! edit runs in the writer. It stores the change and its entry of the audit log in one transaction,
//! and only then tells the ledger. A change that changes nothing is not written.

mod api_key;
mod boost;
mod catalog;
mod directory;
mod erasure;
mod quota;
mod rate_limit;
mod receiver;
mod workspace;

use std::future::Future;
use std::sync::{Arc, MutexGuard};

use serde_json::Value;

use super::audit::Actor;
use super::error::{Error, Result};
use super::workspace::WorkspaceHandle;
use super::{Engine, InCurrency, Shared};
use crate::domain::attribution::SubjectKind;
use crate::domain::backfill::{BackfillQueries, BackfillResults};
use crate::domain::quota::Scope;
use crate::domain::workspace::Workspace;
use crate::domain::{Amount, Currency, Time};
use crate::ledger::Ledger;
use crate::storage::policy::{AuditEvent, Change, RuleFilter};
use crate::storage::{self, Store};

pub use api_key::{ApiKeyChange, GroupView, NewApiKey, NewKeyGroup};
pub use boost::{BoostAmount, BoostKind, BoostView, NewBoost};
pub use catalog::{import as import_changes, load as load_catalogue};
pub use directory::NewEntry;
pub use erasure::Erased;
pub use quota::{LimitChange, NewQuota, QuotaChange, RequestedLimit, ThresholdChange};
pub use rate_limit::{NewRateLimit, RateLimitChange};
pub use receiver::{
    EMAIL_RECEIVERS_MAX, NewEmailReceiver, NewWebhook, SECRET_BYTES, SECRET_OVERLAP, WEBHOOKS_MAX,
    WebhookChange,
};
pub use workspace::{ModelLimitChange, NewWorkspace, PlanChange, WorkspaceChange};

/// A kind of resource that belongs to a workspace and has an id there.
pub trait Resource: Clone + PartialEq + Send + Sync + 'static {
    /// Its name in errors and in the audit log, for example `quota`.
    const KIND: &'static str;

    fn id(&self) -> &Arc<str>;

    fn set_update_time(&mut self, _now: Time) {}

    /// Its state for the audit log.
    ///
    /// # Errors
    /// If what it belongs to is gone.
    fn audit_state(&self, edit: &Edit) -> Result<Value>;

    /// What the usage log must be asked before it applies.
    fn backfill(&self, _edit: &Edit) -> BackfillQueries {
        BackfillQueries::default()
    }

    /// The change that stores it.
    fn put_change(&self) -> Change;

    /// Gives it to the ledger, once it is stored.
    fn install(&self, _edit: &Edit, _backfill: BackfillResults) {}
}

/// A resource that is found by its id.
pub trait Find: Resource {
    /// What callers get to see of it.
    type View: Send;

    /// The resource as it is set now.
    fn find(
        handle: &WorkspaceHandle,
        store: &dyn Store,
        id: &str,
    ) -> impl Future<Output = Result<Option<Arc<Self>>>> + Send;

    /// # Errors
    /// If what it belongs to is gone.
    fn view(resource: Arc<Self>, ledger: &Ledger, now: Time) -> Result<Self::View>;
}

/// A resource that is created by a call.
pub trait Create: Find {
    /// Whether a repeated create returns the resource that exists, if it has the same content.
    /// Otherwise it is refused.
    const IS_IDEMPOTENT: bool = true;

    /// As the caller describes it.
    type New: Send;

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
    type Change: Send;

    /// # Errors
    /// If it would not be valid.
    fn apply(&mut self, edit: &Edit, change: Self::Change) -> Result<()>;
}

/// A resource that is deleted by a call.
pub trait Delete: Find {
    /// # Errors
    /// If another resource refers to it.
    fn check_unused(&self, _edit: &Edit) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// The change that deletes it.
    fn delete_change(&self) -> Change;

    /// Takes it from the ledger, once it is deleted.
    fn uninstall(&self, edit: &Edit);
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
    ) -> Result<R::View>
    where
        R::New: 'static,
        R::View: 'static,
    {
        let create = |edit: Edit| async move { edit.view(edit.create::<R>(new).await?) };
        self.edit(actor, workspace_id, create).await
    }

    pub async fn get<R: Find>(&self, workspace_id: &str, id: &str) -> Result<R::View> {
        let handle = self.workspace(workspace_id).await?;
        let found = R::find(&handle, &**self.store(), id).await?;
        R::view(found.ok_or_else(|| not_found(R::KIND, id))?, &handle.lock(), self.now())
    }

    /// Changes a resource. Nothing is written if it stays as it is.
    pub async fn update<R: Update>(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: impl Into<String>,
        change: R::Change,
    ) -> Result<R::View>
    where
        R::Change: 'static,
        R::View: 'static,
    {
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
            Some(id) => R::find(&self.handle, &*self.shared.store, id).await?,
            None => None,
        };
        let resource = R::build(self, new, existing.as_deref())?;
        match existing {
            Some(existing) if R::IS_IDEMPOTENT && *existing == resource => Ok(existing),
            Some(existing) => Err(exists(R::KIND, existing.id())),
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
        let before = resource.audit_state(self)?;
        let event = self.event(R::KIND, resource.id(), Some(before), None);
        self.commit(vec![resource.delete_change()], event).await?;
        resource.uninstall(self);
        Ok(())
    }

    async fn find<R: Find>(&self, id: &str) -> Result<Arc<R>> {
        let found = R::find(&self.handle, &*self.shared.store, id).await?;
        found.ok_or_else(|| not_found(R::KIND, id))
    }

    fn view<R: Find>(&self, resource: Arc<R>) -> Result<R::View> {
        R::view(resource, &self.ledger(), self.now)
    }

    /// Stores a resource and gives it to the ledger. Nothing is written if it is as before.
    async fn put<R: Resource>(&self, before: Option<Arc<R>>, mut after: R) -> Result<Arc<R>> {
        if let Some(before) = &before {
            if **before == after {
                return Ok(before.clone());
            }
            after.set_update_time(self.now);
        }
        let state_before = match before {
            Some(before) => Some(before.audit_state(self)?),
            None => None,
        };
        let state_after = after.audit_state(self)?;
        let event = self.event(R::KIND, after.id(), state_before, Some(state_after));
        let backfill = self.shared.backfill(self.handle.id(), after.backfill(self)).await?;
        self.commit(vec![after.put_change()], event).await?;
        after.install(self, backfill);
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
    fn amount(&self, field: &str, (currency, amount): (Currency, Amount)) -> Result<Amount> {
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
                expected: "expected a model of the catalogue".to_owned(),
            })?),
            None => None,
        };
        Ok(Scope { kind: subject, subject_id: subject_id.map(Arc::from), model_id })
    }
}

impl Shared {
    /// The catalogue's id of a model, by its id or an alias.
    fn model_named(&self, name: &str) -> Option<Arc<str>> {
        self.catalogue.load().model(name).map(|entry| entry.model().id.clone())
    }

    /// The same filter by the catalogue's id of the model, where it is known there.
    fn rule_filter(&self, mut filter: RuleFilter) -> RuleFilter {
        let named = filter.model_id.as_deref().and_then(|name| self.model_named(name));
        if let Some(id) = named {
            filter.model_id = Some(id.to_string());
        }
        filter
    }
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
