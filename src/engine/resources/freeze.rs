//! Freezes: set, and taken back. The next check sees it.

use std::sync::Arc;

use super::Edit;
use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::workspace::freeze::{FREEZE_SPAN_MAX, Freeze, FrozenSubject};
use crate::engine::Engine;
use crate::engine::audit::{self, Actor};
use crate::engine::error::{Error, Result};
use crate::storage::settings::Change;

/// In errors and in the audit log.
const KIND: &str = "freeze";

/// A freeze to be set.
#[derive(Clone, Debug)]
pub struct NewFreeze {
    pub subject: FrozenSubject,
    pub reason: String,
    /// Absent: until it is taken back.
    pub end_time: Option<Time>,
}

impl Engine {
    /// Stops a subject, or changes reason and end of its stop.
    pub async fn freeze(&self, actor: Actor, workspace_id: &str, new: NewFreeze) -> Result<Freeze> {
        let freeze = |edit: Edit| async move { edit.freeze(new).await };
        self.edit(actor, workspace_id, freeze).await
    }

    /// Takes a freeze back. Returns it; none if the subject was not frozen: nothing has changed.
    pub async fn unfreeze(
        &self,
        actor: Actor,
        workspace_id: &str,
        subject: FrozenSubject,
    ) -> Result<Option<Freeze>> {
        let unfreeze = |edit: Edit| async move { edit.unfreeze(subject).await };
        self.edit(actor, workspace_id, unfreeze).await
    }

    /// Every freeze in force, by kind and id of their subjects.
    pub async fn freezes(&self, workspace_id: &str) -> Result<Vec<Arc<Freeze>>> {
        let workspace = self.workspace(workspace_id).await?;
        Ok(workspace.lock().freezes(self.now()))
    }
}

impl Edit {
    async fn freeze(&self, new: NewFreeze) -> Result<Freeze> {
        self.check_freeze(&new)?;
        let before = self.ledger().freeze(self.now, new.subject.kind, &new.subject.id);
        if before.is_none() {
            super::bounded(self.ledger().room_for_freeze(self.now))?;
        }
        let freeze = Freeze {
            subject: new.subject,
            reason: new.reason,
            end_time: new.end_time,
            actor: self.actor.name.clone(),
            create_time: before.as_ref().map_or(self.now, |before| before.create_time),
            update_time: self.now,
        };
        let state = |freeze: &Freeze| audit::state(freeze);
        let event = self.event_of(&freeze, before.as_deref().map(state), Some(state(&freeze)));
        let Some(event) = event else {
            return Ok(before.map_or(freeze, Arc::unwrap_or_clone));
        };
        self.commit(vec![Change::PutFreeze(freeze.clone())], [event]).await?;
        self.install(|ledger, now| ledger.put_freeze(now, freeze.clone()));
        Ok(freeze)
    }

    async fn unfreeze(&self, subject: FrozenSubject) -> Result<Option<Freeze>> {
        let FrozenSubject { kind, id } = &subject;
        let Some(before) = self.ledger().freeze(self.now, *kind, id) else { return Ok(None) };
        let event = self.event_of(&before, Some(audit::state(&*before)), None);
        self.commit(vec![Change::DeleteFreeze(subject.clone())], event).await?;
        self.install(|ledger, now| ledger.remove_freeze(now, *kind, id));
        Ok(Some(Arc::unwrap_or_clone(before)))
    }

    fn check_freeze(&self, new: &NewFreeze) -> Result<()> {
        let refuse =
            |field: &str, expected: String| Err(Error::Field { field: field.to_owned(), expected });
        let FrozenSubject { kind, id } = &new.subject;
        if *kind == SubjectKind::KeyGroup && self.ledger().key_group(id).is_none() {
            return refuse("subject.id", "expected a key group that exists".to_owned());
        }
        let latest = self.now + FREEZE_SPAN_MAX;
        match new.end_time {
            Some(end) if end <= self.now || end > latest => {
                refuse("end_time", "expected a time after now, at most 366 days ahead".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The entry of the audit log, under the id of the subject.
    fn event_of(
        &self,
        freeze: &Freeze,
        before: Option<serde_json::Value>,
        after: Option<serde_json::Value>,
    ) -> Option<crate::storage::audit::AuditEvent> {
        let id = match freeze.subject.kind {
            SubjectKind::Workspace => self.handle.id(),
            _ => &freeze.subject.id,
        };
        self.event(KIND, id, before, after)
    }
}
