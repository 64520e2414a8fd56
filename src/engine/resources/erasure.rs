//! Erasure of a user, in parts: one transaction in which the user is gone from everything that
//! decides and counts, and then a part of the log, and of the audit log, at a time, with other
//! writes in between.
//!
//! What has begun is stored until it has ended: a call that goes away, or a server that crashes,
//! leaves the rest to `tasks/erasure.rs`. An id that was chosen to contain the user's id, for
//! example of a quota, is not found and stays.

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use uuid::Uuid;

use super::{Edit, not_found};
use crate::domain::attribution::{EntryKind, SubjectKind};
use crate::engine::Engine;
use crate::engine::audit::{self, Actor};
use crate::engine::error::Result;
use crate::ledger::{Ledger, PSEUDONYM_PREFIX};
use crate::storage::audit::AuditEvent;
use crate::storage::directory::{Erasure, ErasurePart};
use crate::storage::settings::Change;

/// Entries of the log that are renamed in one transaction: as many as are written about in the time
/// of a group of records.
pub const ERASED_AT_ONCE: usize = 500;
/// Audit events read, and rewritten in one transaction: their states may be long.
const EVENTS_PAGE: usize = 100;

/// What became of the history of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    pub pseudonym: String,
    /// Entries of the log that carry the pseudonym.
    pub record_count: i64,
}

/// Who finishes erasures.
#[derive(Default)]
pub struct Erasures {
    /// One at a time: two of them would rewrite the same audit event from what was there before.
    finishing: AsyncMutex<()>,
    begun: Notify,
}

impl Engine {
    /// Erases a user: deletes its entry of the directory and the limits that name it, and replaces
    /// its id by a pseudonym everywhere else. A request in flight is recorded under the pseudonym.
    /// One that has begun is finished, whoever began it.
    ///
    /// # Errors
    /// If nothing names the user, or storage fails: what has begun is finished later.
    pub async fn erase_user(
        &self,
        actor: Actor,
        workspace_id: &str,
        user_id: String,
    ) -> Result<Erased> {
        self.workspace(workspace_id).await?;
        // Usage that is folded is found by its hours; the rest has to be few.
        self.fold_now().await;
        // Counted here, because it takes long: the writer counts what has come since.
        let upto = self.last_committed();
        let counted = self.store().user_traces(workspace_id, &user_id, upto).await?;
        let begin = move |edit: Edit| async move {
            let later =
                edit.shared.store.user_entries_after(edit.handle.id(), &user_id, upto).await?;
            edit.begin_erasure(&user_id, counted.is_known, counted.record_count + later).await
        };
        let erasure = self.edit(actor, workspace_id, begin).await?;
        let _finishing = self.shared.erasures.finishing.lock().await;
        self.finish_erasure(workspace_id, &erasure).await?;
        let Erasure { pseudonym, record_count, .. } = erasure;
        Ok(Erased { pseudonym, record_count })
    }

    /// Waits until an erasure has begun.
    pub async fn erasure_begun(&self) {
        self.shared.erasures.begun.notified().await;
    }

    /// Finishes every erasure that has begun.
    ///
    /// # Errors
    /// If storage fails: the rest has to be tried again.
    pub async fn finish_erasures(&self) -> Result<()> {
        // Behind the call that began it, which may well do it by itself.
        let _finishing = self.shared.erasures.finishing.lock().await;
        for (workspace_id, erasure) in self.store().erasures().await? {
            self.finish_erasure(&workspace_id, &erasure).await?;
        }
        Ok(())
    }

    async fn finish_erasure(&self, workspace_id: &str, erasure: &Erasure) -> Result<()> {
        let (store, mut after) = (self.store(), None);
        loop {
            let page = store.entries_to_erase(workspace_id, erasure, after, ERASED_AT_ONCE).await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            let seqs = page.iter().map(|position| position.seq).collect();
            self.write_erasure(workspace_id, erasure.part(seqs, Vec::new())).await?;
        }
        let mut after = None;
        loop {
            let (user_id, pseudonym) = (&erasure.user_id, &erasure.pseudonym);
            let page = store.audit_events_naming(workspace_id, user_id, after, EVENTS_PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.time, last.id.clone()));
            let handle = self.workspace(workspace_id).await?;
            let events: Vec<AuditEvent> = {
                let ledger = handle.lock();
                let pseudonymizer = Pseudonymizer { user_id, pseudonym, ledger: &ledger };
                // Later ones are of another user.
                let before = page.into_iter().filter(|event| event.time <= erasure.begin_time);
                before.filter_map(|event| pseudonymizer.rewrite(event)).collect()
            };
            if !events.is_empty() {
                self.write_erasure(workspace_id, erasure.part(Vec::new(), events)).await?;
            }
        }
        self.write_erasure(workspace_id, Change::EndErasure(erasure.pseudonym.clone())).await
    }

    async fn write_erasure(&self, workspace_id: &str, change: Change) -> Result<()> {
        let id = workspace_id.to_owned();
        self.in_writer(|shared| async move { Ok(shared.change(&id, &[change], &[]).await?) }).await
    }
}

impl Edit {
    /// Begins an erasure, or returns the one that has begun.
    async fn begin_erasure(
        mut self,
        user_id: &str,
        is_known: bool,
        record_count: i64,
    ) -> Result<Erasure> {
        let kind = EntryKind::User.as_str();
        let (id, shared) = (self.handle.id().clone(), self.shared.clone());
        let begun = shared.store.erasures().await?.into_iter();
        let mut of_user =
            begun.filter(|(workspace, it)| **workspace == *id && it.user_id == user_id);
        if let Some((_, erasure)) = of_user.next() {
            return Ok(erasure);
        }
        let live = self.ledger().traces_of_user(user_id);
        if !is_known && record_count == 0 && !live.is_known {
            return Err(not_found(kind, user_id));
        }
        let pseudonym = format!("{PSEUDONYM_PREFIX}{}", Uuid::new_v4());
        for name in [&mut self.actor.name, &mut self.actor.on_behalf_of] {
            if name == user_id {
                name.clone_from(&pseudonym);
            }
        }
        let after = Summary {
            record_count,
            deleted_quota_count: live.quotas,
            deleted_rate_limit_count: live.rate_limits,
            deleted_boost_count: live.boosts,
            deleted_freeze_count: usize::from(live.is_frozen),
        };
        let event = self.event(kind, &pseudonym, None, Some(audit::state(&after)));
        let erasure = Erasure {
            user_id: user_id.to_owned(),
            pseudonym: pseudonym.clone(),
            seq: shared.writer.last_committed(),
            record_count,
            begin_time: self.now,
        };
        self.commit(vec![Change::EraseUser(erasure.clone())], event).await?;
        shared.note_erasure();
        shared.rename_refused(&id, user_id, &pseudonym);
        self.handle.refusals().forget_user(user_id);
        self.install(|ledger, now| ledger.erase_user(now, user_id, &pseudonym.as_str().into()));
        // Whatever becomes of the call.
        shared.erasures.begun.notify_one();
        Ok(erasure)
    }
}

impl Erasure {
    fn part(&self, seqs: Vec<i64>, events: Vec<AuditEvent>) -> Change {
        let (user_id, pseudonym) = (self.user_id.clone(), self.pseudonym.clone());
        Change::EraseUserPart(ErasurePart { user_id, pseudonym, seqs, events })
    }
}

/// What the audit log keeps of an erasure. It does not name the user; neither may ids of limits,
/// which may contain its id.
#[derive(Serialize)]
struct Summary {
    record_count: i64,
    deleted_quota_count: usize,
    deleted_rate_limit_count: usize,
    deleted_boost_count: usize,
    deleted_freeze_count: usize,
}

/// Replaces a user by a pseudonym in entries of the audit log.
#[derive(Clone, Copy)]
struct Pseudonymizer<'a> {
    user_id: &'a str,
    pseudonym: &'a str,
    ledger: &'a Ledger,
}

impl Pseudonymizer<'_> {
    /// The entry without the user; none if it does not name it.
    fn rewrite(self, event: AuditEvent) -> Option<AuditEvent> {
        let mut changed = event.clone();
        for name in [&mut changed.actor, &mut changed.on_behalf_of] {
            if *name == self.user_id {
                self.pseudonym.clone_into(name);
            }
        }
        let mut is_about_user = false;
        for state in [&mut changed.before, &mut changed.after] {
            let Some(text) = state else { continue };
            let Ok(mut json) = serde_json::from_str(text) else { continue };
            is_about_user |= self.rewrite_state(&event.resource_type, &mut json);
            *text = json.to_string();
        }
        let is_user = event.resource_type == EntryKind::User.as_str();
        if (is_user || is_about_user) && event.resource_id == self.user_id {
            self.pseudonym.clone_into(&mut changed.resource_id);
        }
        (changed != event).then_some(changed)
    }

    /// Whether the resource is about the user alone.
    fn rewrite_state(self, resource_type: &str, state: &mut Value) -> bool {
        for path in ["/actor", "/create_actor", "/acknowledge_actor"] {
            self.replace(state, path);
        }
        let is_about_user = match resource_type {
            "user" => self.replace(state, "/id"),
            "boost" => {
                let may_be_of_user = self.may_be_of_users(state);
                BOOST_SUBJECT.into_iter().any(|path| may_be_of_user && self.replace(state, path))
            }
            _ => SCOPES.into_iter().any(|(kind, subject_id)| {
                is_user_kind(state.pointer(kind)) && self.replace(state, subject_id)
            }),
        };
        if is_about_user {
            for path in IDS {
                self.replace(state, path);
            }
            for path in TEXTS {
                if let Some(text) = state.pointer_mut(path) {
                    *text = json!("");
                }
            }
        }
        is_about_user
    }

    /// Whether the quota of a boost applies to users; also if it was deleted.
    fn may_be_of_users(self, boost: &Value) -> bool {
        let quota_id = BOOST_QUOTA.into_iter().find_map(|path| boost.pointer(path)?.as_str());
        let quota = quota_id.and_then(|id| self.ledger.quota(id));
        quota.is_none_or(|quota| quota.scope.kind == SubjectKind::User)
    }

    /// Replaces the value at a path if it is the user.
    fn replace(self, state: &mut Value, path: &str) -> bool {
        match state.pointer_mut(path) {
            Some(value) if value.as_str() == Some(self.user_id) => {
                *value = json!(self.pseudonym);
                true
            }
            Some(_) | None => false,
        }
    }
}

// Where the states of resources name users. The second of each is that of entries from before
// states came from the domain types: such entries stay as they were written.

/// Kind and id of the subject of a limit.
const SCOPES: [(&str, &str); 2] =
    [("/scope/kind", "/scope/subject_id"), ("/subject/type", "/subject/id")];
const BOOST_SUBJECT: [&str; 2] = ["/target/subject_id", "/member_id"];
const BOOST_QUOTA: [&str; 2] = ["/target/quota_id", "/quota_id"];
/// Ids that may be that of the user.
const IDS: [&str; 5] = ["/id", "/target/quota_id", "/quota_id", "/rate_limit_id", "/boost_id"];
/// What people wrote about the user.
const TEXTS: [&str; 3] = ["/display_name", "/external_id", "/reason"];

/// Whether a kind of subject is that of users; formerly it had the prefix of an enum.
fn is_user_kind(kind: Option<&Value>) -> bool {
    let name = kind.and_then(Value::as_str).and_then(|name| name.rsplit('_').next());
    name.is_some_and(|name| name.eq_ignore_ascii_case(SubjectKind::User.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Time;
    use crate::engine::workspace::tests::ledger;

    /// The state of a resource named `ada` after user ada was erased.
    fn rewritten(resource_type: &str, state: Value) -> Option<(String, Value)> {
        let event = AuditEvent {
            id: "1".to_owned(),
            time: Time::EARLIEST,
            actor: "eve".to_owned(),
            on_behalf_of: String::new(),
            action: "Put".to_owned(),
            workspace_id: "acme".to_owned(),
            resource_type: resource_type.to_owned(),
            resource_id: "ada".to_owned(),
            before: None,
            after: Some(state.to_string()),
        };
        let ledger = ledger("acme");
        let pseudonymizer = Pseudonymizer { user_id: "ada", pseudonym: "ghost", ledger: &ledger };
        let event = pseudonymizer.rewrite(event)?;
        let after = event.after.as_deref().map(|text| serde_json::from_str(text).unwrap());
        Some((event.resource_id, after.unwrap()))
    }

    #[test]
    fn states_of_today_and_of_before_lose_the_user() {
        let enum_of = |kind: &str| format!("subject_type_{kind}").to_uppercase();
        for (resource_type, state, expected) in [
            (
                "quota",
                json!({ "id": "ada", "display_name": "Ada's",
                    "scope": { "kind": "user", "subject_id": "ada" } }),
                json!({ "id": "ghost", "display_name": "",
                    "scope": { "kind": "user", "subject_id": "ghost" } }),
            ),
            (
                "rate_limit",
                json!({ "rate_limit_id": "ada", "display_name": "Ada's",
                    "subject": { "type": enum_of("user"), "id": "ada" } }),
                json!({ "rate_limit_id": "ghost", "display_name": "",
                    "subject": { "type": enum_of("user"), "id": "ghost" } }),
            ),
            (
                "boost",
                json!({ "id": "ada", "reason": "for Ada", "actor": "ada",
                    "target": { "kind": "quota", "quota_id": "q", "subject_id": "ada" } }),
                json!({ "id": "ghost", "reason": "", "actor": "ghost",
                    "target": { "kind": "quota", "quota_id": "q", "subject_id": "ghost" } }),
            ),
            (
                "boost",
                json!({ "boost_id": "ada", "reason": "for Ada", "create_actor": "ada",
                    "quota_id": "ada", "member_id": "ada" }),
                json!({ "boost_id": "ghost", "reason": "", "create_actor": "ghost",
                    "quota_id": "ghost", "member_id": "ghost" }),
            ),
            (
                "user",
                json!({ "kind": "user", "id": "ada", "display_name": "Ada", "external_id": "7" }),
                json!({ "kind": "user", "id": "ghost", "display_name": "", "external_id": "" }),
            ),
        ] {
            assert_eq!(rewritten(resource_type, state), Some(("ghost".to_owned(), expected)));
        }
    }

    #[test]
    fn other_subjects_of_the_same_id_stay() {
        for kind in ["project", "PROJECT"] {
            let scope = json!({ "scope": { "kind": kind, "subject_id": "ada" } });
            assert_eq!(rewritten("quota", scope), None);
            let subject = json!({ "subject": { "type": kind, "id": "ada" } });
            assert_eq!(rewritten("quota", subject), None);
        }
        assert_eq!(rewritten("api_key", json!({ "id": "ada", "display_name": "Ada" })), None);
    }
}
