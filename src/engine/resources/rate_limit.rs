//! Rate limits: created, changed, deleted.

use std::cmp::Reverse;
use std::sync::Arc;

use super::listing::list;
use super::{
    Create, Delete, Deletion, Edit, Find, Kind, Resource, Source, Update, bounded, exists,
    id_or_new, plain_state,
};
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::Enforcement;
use crate::domain::rate_limit::{RateBound, RateLimit};
use crate::domain::{Coded, Time};
use crate::engine::Engine;
use crate::engine::error::Result;
use crate::ledger::{Ledger, RateUsage, UsageFilter};
use crate::storage::search::{COUNT_MAX, Counted, Listing};
use crate::storage::settings::{Change, LimitFilter};

/// A rate limit to be created.
#[derive(Clone, Debug)]
pub struct NewRateLimit {
    /// Generated if absent.
    pub id: Option<String>,
    pub display_name: String,
    pub kind: SubjectKind,
    /// Absent for each subject; of the workspace empty.
    pub subject_id: Option<String>,
    /// An id or an alias.
    pub model_id: Option<String>,
    /// At least one, and at most one of each unit and window.
    pub bounds: Vec<RateBound>,
    pub enforcement: Enforcement,
}

/// Changes of a rate limit; absent parts stay.
#[derive(Clone, Debug, Default)]
pub struct RateLimitChange {
    pub display_name: Option<String>,
    /// Replaces all bounds: at least one.
    pub bounds: Option<Vec<RateBound>>,
    pub enforcement: Option<Enforcement>,
}

impl Resource for RateLimit {
    const KIND: Kind<RateLimit> = Kind {
        name: "rate_limit",
        id: |limit| &limit.id,
        set_update_time: |limit, now| limit.update_time = now,
        audit_state: plain_state,
        put: Change::PutRateLimit,
        backfill: Ledger::backfill_for_rate_limit,
        install: Some(Ledger::put_rate_limit),
    };
}

impl Find for RateLimit {
    const SOURCE: Source<RateLimit> = Source::Ledger(|ledger, id| ledger.rate_limit(id).cloned());

    type View = Arc<RateLimit>;

    fn view(limit: Arc<RateLimit>, _: &Ledger, _: Time) -> Result<Arc<RateLimit>> {
        Ok(limit)
    }
}

impl Create for RateLimit {
    type New = NewRateLimit;

    fn requested_id(new: &NewRateLimit) -> Option<&str> {
        new.id.as_deref()
    }

    fn build(edit: &Edit, new: NewRateLimit, existing: Option<&RateLimit>) -> Result<RateLimit> {
        Ok(RateLimit {
            id: id_or_new(new.id),
            display_name: new.display_name,
            scope: edit.scope(RateLimit::KIND.name, new.kind, new.subject_id, new.model_id)?,
            bounds: RateBound::sorted(new.bounds),
            enforcement: new.enforcement,
            create_time: existing.map_or(edit.now, |existing| existing.create_time),
            update_time: existing.map_or(edit.now, |existing| existing.update_time),
        })
    }

    async fn admit(&self, edit: &Edit) -> Result<()> {
        let ledger = edit.ledger();
        match ledger.conflicting_rate_limit(self) {
            Some(rival) => Err(exists(RateLimit::KIND.name, &rival)),
            None => bounded(ledger.room_for_rule(&self.scope)),
        }
    }
}

impl Update for RateLimit {
    type Change = RateLimitChange;

    fn apply(&mut self, _: &Edit, change: RateLimitChange) -> Result<()> {
        if let Some(display_name) = change.display_name {
            self.display_name = display_name;
        }
        if let Some(bounds) = change.bounds {
            self.bounds = RateBound::sorted(bounds);
        }
        self.enforcement = change.enforcement.unwrap_or(self.enforcement);
        Ok(())
    }
}

impl Delete for RateLimit {
    const DELETION: Deletion<RateLimit> = Deletion {
        delete: Change::DeleteRateLimit,
        uninstall: |edit, limit| {
            edit.install(|ledger, now| ledger.remove_rate_limit(now, &limit.id));
        },
    };
}

/// Subjects visited at once; few, because the ledger is locked meanwhile.
const SUBJECTS_AT_ONCE: usize = 5_000;

/// Position in the order by (utilization, largest first; rate limit; subject; bound).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RatePosition {
    utilization: Reverse<u64>,
    limit_id: String,
    subject_id: String,
    /// Codes of window and unit.
    bound: (i64, i64),
}

impl RatePosition {
    pub fn of(usage: &RateUsage) -> RatePosition {
        RatePosition {
            utilization: Reverse(usage.utilization()),
            limit_id: usage.limit.id.to_string(),
            subject_id: usage.subject_id.to_string(),
            bound: (usage.bound.window.code(), usage.bound.unit.code()),
        }
    }

    pub fn to_text(&self) -> String {
        let ((window, unit), Reverse(utilization)) = (self.bound, self.utilization);
        let (limit_id, subject_id) = (&self.limit_id, &self.subject_id);
        format!("{utilization}.{window}.{unit}.{}.{limit_id}{subject_id}", limit_id.len())
    }

    pub fn from_text(text: &str) -> Option<RatePosition> {
        let mut parts = text.splitn(5, '.');
        let utilization = Reverse(parts.next()?.parse().ok()?);
        let bound = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let length = parts.next()?.parse().ok()?;
        let (limit_id, subject_id) = parts.next()?.split_at_checked(length)?;
        let (limit_id, subject_id) = (limit_id.to_owned(), subject_id.to_owned());
        Some(RatePosition { utilization, limit_id, subject_id, bound })
    }
}

impl Engine {
    /// How much of rate limits is used now, most utilised first, beyond `after`. Not of one moment:
    /// subjects are visited a few at a time.
    pub async fn rate_usage(
        &self,
        workspace_id: &str,
        filter: &UsageFilter,
        after: Option<&RatePosition>,
        limit: usize,
    ) -> Result<Counted<RateUsage>> {
        let handle = self.workspace(workspace_id).await?;
        let (mut page, mut total_count) = (Vec::new(), 0);
        let mut cursor = Some(0);
        while let Some(from) = cursor {
            let mut found = Vec::new();
            let part = (from, SUBJECTS_AT_ONCE);
            cursor = handle.lock().rate_usage(self.now(), filter, part, &mut found);
            total_count += found.len();
            let keyed = found.into_iter().map(|usage| (RatePosition::of(&usage), usage));
            page.extend(keyed.filter(|(at, _)| after.is_none_or(|after| at > after)));
            page.sort_by(|(a, _), (b, _)| a.cmp(b));
            page.truncate(limit);
            tokio::task::yield_now().await;
        }
        let entries = page.into_iter().map(|(_, usage)| usage).collect();
        Ok(Counted { entries, total_count: total_count.min(COUNT_MAX) })
    }

    /// Rate limits that match, by id.
    pub async fn list_rate_limits(
        &self,
        workspace_id: &str,
        filter: LimitFilter,
        listing: Listing<'_>,
    ) -> Result<Counted<RateLimit>> {
        self.workspace(workspace_id).await?;
        let filter = &self.shared.rule_filter(filter);
        let read = |after: String, limit: usize| async move {
            self.store().rate_limits(workspace_id, filter, &after, limit).await
        };
        Ok(list(listing, read).await?)
    }
}
