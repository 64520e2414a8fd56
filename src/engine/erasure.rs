//! Forgetting a user: one transaction in the writer, and then the ledger.
//!
//! What nobody can find by the id of the user stays: an id of a quota or a tag that was chosen to
//! contain it is not known here.

use serde_json::{Value, json};
use uuid::Uuid;

use super::audit::By;
use super::directory::resource;
use super::error::{Error, Result};
use super::{Engine, Shared, WorkspaceHandle};
use crate::domain::attribution::SubjectKind;
use crate::ledger::{Ledger, PSEUDONYM_PREFIX, UserTraces};
use crate::storage;
use crate::storage::directory::{EntryKind, Erasure};
use crate::storage::policy::{AuditEvent, Change};

/// Audit events that are looked at at once.
const EVENTS_PAGE: usize = 1_000;

/// What became of the history of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    pub pseudonym: String,
    /// Entries of the log that carry the pseudonym.
    pub record_count: i64,
}

impl Engine {
    /// Forgets a user: deletes its entry and the rules that name it, and puts a pseudonym in the
    /// place of its id everywhere else. A request in flight is recorded under the pseudonym.
    ///
    /// # Errors
    /// If nothing names the user, or storage fails.
    pub async fn erase_user(&self, by: By, workspace_id: &str, user_id: String) -> Result<Erased> {
        let handle = self.workspace(workspace_id).await?;
        // What is folded is found by its hours; so what is not is little.
        self.fold_now().await;
        self.in_writer(move |shared| async move { shared.erase_user(&handle, by, &user_id).await })
            .await
    }
}

impl Shared {
    async fn erase_user(
        &self,
        handle: &WorkspaceHandle,
        mut by: By,
        user_id: &str,
    ) -> Result<Erased> {
        let (_, now) = handle.settings(self);
        let stored = self.store.user_traces(handle.id(), user_id).await?;
        let live = handle.lock().traces_of_user(user_id);
        if !stored.is_known && !live.is_known {
            let (resource, id) = (resource(EntryKind::User), user_id.to_owned());
            return Err(Error::ResourceNotFound { resource, id });
        }
        let pseudonym = format!("{PSEUDONYM_PREFIX}{}", Uuid::new_v4());
        let events = self.events_without(handle, user_id, &pseudonym).await?;
        if by.actor == user_id {
            by.actor.clone_from(&pseudonym);
        }
        let (user_type, after) = (resource(EntryKind::User), described(&live, stored.record_count));
        let event = by.event(now, handle.id(), user_type, &pseudonym, None, Some(after));
        let erasure = Erasure { user_id: user_id.to_owned(), pseudonym: pseudonym.clone(), events };
        let changes = vec![Change::EraseUser(erasure)];
        self.change(handle.id(), changes, event.into_iter().collect()).await?;
        self.note_erasure();
        self.rename_refused(handle.id(), user_id, &pseudonym);
        handle.lock().erase_user(now, user_id, &pseudonym.as_str().into());
        handle.announce();
        Ok(Erased { pseudonym, record_count: stored.record_count })
    }

    /// The entries of the audit log that name a user, without it.
    async fn events_without(
        &self,
        handle: &WorkspaceHandle,
        user_id: &str,
        pseudonym: &str,
    ) -> storage::Result<Vec<AuditEvent>> {
        let mut rewritten = Vec::new();
        let mut after = None;
        loop {
            let id = handle.id();
            let page = self.store.audit_events_naming(id, user_id, after, EVENTS_PAGE).await?;
            let Some(last) = page.last() else { return Ok(rewritten) };
            after = Some((last.time, last.id.clone()));
            let ledger = handle.lock();
            let name = Name { user_id, pseudonym, ledger: &ledger };
            rewritten.extend(page.into_iter().filter_map(|event| name.out_of(event)));
        }
    }
}

/// The entry of the audit log about an erasure. It does not say who was erased: neither do ids of
/// rules, which may contain it.
fn described(live: &UserTraces, record_count: i64) -> Value {
    json!({
        "record_count": record_count,
        "deleted_quota_count": live.quotas,
        "deleted_rate_limit_count": live.rate_limits,
        "deleted_boost_count": live.boosts,
    })
}

/// Whom to take out of an entry of the audit log, and what to put there.
#[derive(Clone, Copy)]
struct Name<'a> {
    user_id: &'a str,
    pseudonym: &'a str,
    ledger: &'a Ledger,
}

impl Name<'_> {
    /// The entry without the user; none if it does not name it.
    fn out_of(self, event: AuditEvent) -> Option<AuditEvent> {
        let mut changed = event.clone();
        if event.actor == self.user_id {
            self.pseudonym.clone_into(&mut changed.actor);
        }
        let mut is_about_user = false;
        for state in [&mut changed.before, &mut changed.after] {
            let Some(text) = state else { continue };
            let Ok(mut json) = serde_json::from_str(text) else { continue };
            is_about_user |= self.out_of_state(&event.resource_type, &mut json);
            *text = json.to_string();
        }
        let is_user = event.resource_type == resource(EntryKind::User);
        if (is_user || is_about_user) && event.resource_id == self.user_id {
            self.pseudonym.clone_into(&mut changed.resource_id);
        }
        (changed != event).then_some(changed)
    }

    /// Answers whether the thing is about the user alone.
    fn out_of_state(self, resource_type: &str, state: &mut Value) -> bool {
        for field in ["create_actor", "acknowledge_actor"] {
            self.out_of_field(state, field);
        }
        let is_about_user = match resource_type {
            "user" => self.out_of_field(state, "id"),
            "boost" => self.may_be_of_users(state) && self.out_of_field(state, "subject_id"),
            _ => {
                let is_of_user = state["subject"]["type"] == "SUBJECT_TYPE_USER";
                is_of_user && self.out_of_field(&mut state["subject"], "id")
            }
        };
        if is_about_user {
            // Its id and what people wrote about it.
            for field in ["quota_id", "rate_limit_id", "boost_id"] {
                self.out_of_field(state, field);
            }
            for field in ["display_name", "external_id", "reason"] {
                if state.get(field).is_some() {
                    state[field] = json!("");
                }
            }
        }
        is_about_user
    }

    /// Whether the quota of a boost bounds users; also where it is gone.
    fn may_be_of_users(self, boost: &Value) -> bool {
        let quota = boost["quota_id"].as_str().and_then(|id| self.ledger.quota(id));
        quota.is_none_or(|quota| quota.scope.kind == SubjectKind::User)
    }

    fn out_of_field(self, state: &mut Value, field: &str) -> bool {
        let is_it = state.get(field).and_then(Value::as_str) == Some(self.user_id);
        if is_it {
            state[field] = json!(self.pseudonym);
        }
        is_it
    }
}
