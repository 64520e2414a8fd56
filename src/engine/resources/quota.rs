//! Quotas: created, changed, reset, deleted, and how far each is used.

use std::sync::Arc;

use super::listing::list;
use super::{
    Create, Delete, Deletion, Edit, Find, Kind, Resource, Source, Update, bounded, exists,
    id_or_new,
};
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::{Enforcement, Period, Quota, THRESHOLDS_DEFAULT, Unit};
use crate::domain::{Amount, Currency, Time};
use crate::engine::audit::{self, Actor};
use crate::engine::error::{Error, Result};
use crate::engine::{Engine, InCurrency};
use crate::ledger::{Ledger, QuotaUsage, UsageFilter, UsagePosition};
use crate::storage::search::{COUNT_MAX, Counted, Listing};
use crate::storage::settings::{Change, LimitFilter};

/// A quota to be created.
#[derive(Clone, Debug)]
pub struct NewQuota {
    /// Generated if absent.
    pub id: Option<String>,
    pub display_name: String,
    pub kind: SubjectKind,
    /// Absent for each subject; of the workspace empty.
    pub subject_id: Option<String>,
    /// An id or an alias.
    pub model_id: Option<String>,
    pub unit: Unit,
    pub period: Period,
    pub limit: RequestedLimit,
    pub enforcement: Enforcement,
    pub thresholds: Vec<u16>,
    /// Of one that is reset by hand; now if absent.
    pub window_start: Option<Time>,
}

/// A limit in the unit of its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedLimit {
    Money(Currency, Amount),
    Count(i64),
    /// This subject has none.
    Exempt,
}

/// Changes of a quota; absent parts stay.
#[derive(Clone, Debug, Default)]
pub struct QuotaChange {
    pub display_name: Option<String>,
    pub limit: LimitChange,
    pub enforcement: Option<Enforcement>,
    pub thresholds: Option<ThresholdChange>,
}

/// A change of a limit: the outer `Option` is whether the field is changed, the inner one its
/// value. Which of them must have a value depends on the quota's unit.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimitChange {
    pub money: Option<Option<(Currency, Amount)>>,
    pub count: Option<Option<i64>>,
    pub exempt: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThresholdChange {
    Set(Vec<u16>),
    /// The default, if there are none.
    SomeAtLeast,
}

impl Resource for Quota {
    const KIND: Kind<Quota> = Kind {
        name: "quota",
        id: |quota| &quota.id,
        set_update_time: |quota, now| quota.update_time = now,
        audit_state: |edit, quota| match quota.unit {
            Unit::Money => Ok(audit::state(&edit.in_currency(quota))),
            Unit::Tokens | Unit::Requests | Unit::UncachedTokens => Ok(audit::state(quota)),
        },
        put: Change::PutQuota,
        backfill: Ledger::backfill_for_quota,
        install: Some(Ledger::put_quota),
    };
}

impl Find for Quota {
    const SOURCE: Source<Quota> = Source::Ledger(|ledger, id| ledger.quota(id).cloned());

    type View = InCurrency<Arc<Quota>>;

    fn view(quota: Arc<Quota>, ledger: &Ledger, _: Time) -> Result<InCurrency<Arc<Quota>>> {
        Ok(InCurrency { currency: ledger.workspace().currency, value: quota })
    }
}

impl Create for Quota {
    type New = NewQuota;

    fn requested_id(new: &NewQuota) -> Option<&str> {
        new.id.as_deref()
    }

    fn build(edit: &Edit, new: NewQuota, existing: Option<&Quota>) -> Result<Quota> {
        let scope = edit.scope(Quota::KIND.name, new.kind, new.subject_id, new.model_id)?;
        let limit = match new.limit {
            RequestedLimit::Money(currency, limit) => {
                Some(edit.amount("quota.limit", (currency, limit))?.nanos())
            }
            RequestedLimit::Count(count) => Some(count),
            RequestedLimit::Exempt => None,
        };
        let window_start = new.window_start.unwrap_or(edit.now);
        Ok(Quota {
            id: id_or_new(new.id),
            display_name: new.display_name,
            scope,
            unit: new.unit,
            period: new.period,
            limit,
            enforcement: new.enforcement,
            thresholds: new.thresholds,
            window_start: existing.map_or(window_start, |existing| existing.window_start),
            create_time: existing.map_or(edit.now, |existing| existing.create_time),
            update_time: existing.map_or(edit.now, |existing| existing.update_time),
        })
    }

    async fn admit(&self, edit: &Edit) -> Result<()> {
        let ledger = edit.ledger();
        match ledger.conflicting_quota(self) {
            Some(rival) => Err(exists(Quota::KIND.name, &rival)),
            None => bounded(ledger.room_for_rule(&self.scope)),
        }
    }
}

impl Update for Quota {
    type Change = QuotaChange;

    fn apply(&mut self, edit: &Edit, change: QuotaChange) -> Result<()> {
        self.limit = change.limit.apply(edit, self)?;
        if let Some(display_name) = change.display_name {
            self.display_name = display_name;
        }
        self.enforcement = change.enforcement.unwrap_or(self.enforcement);
        match change.thresholds {
            Some(ThresholdChange::Set(thresholds)) => self.thresholds = thresholds,
            Some(ThresholdChange::SomeAtLeast) if self.thresholds.is_empty() => {
                self.thresholds = THRESHOLDS_DEFAULT.to_vec();
            }
            Some(ThresholdChange::SomeAtLeast) | None => {}
        }
        if !self.period.counts_spent() && !self.thresholds.is_empty() {
            return Err(Error::NotAllowed(
                "a quota of what is in flight, or of one request, has no alerts: nothing is spent"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// With a quota go its boosts.
impl Delete for Quota {
    const DELETION: Deletion<Quota> = Deletion {
        delete: Change::DeleteQuota,
        uninstall: |edit, quota| edit.install(|ledger, now| ledger.remove_quota(now, &quota.id)),
    };
}

impl Engine {
    /// Quotas that match, by id.
    pub async fn list_quotas(
        &self,
        workspace_id: &str,
        filter: LimitFilter,
        listing: Listing<'_>,
    ) -> Result<InCurrency<Counted<Quota>>> {
        let currency = self.workspace(workspace_id).await?.lock().workspace().currency;
        let filter = &self.shared.rule_filter(filter);
        let read = |after: String, limit: usize| async move {
            self.store().quotas(workspace_id, filter, &after, limit).await
        };
        Ok(InCurrency { currency, value: list(listing, read).await? })
    }

    /// Begins a new window of a quota that is reset by hand.
    pub async fn reset_quota(
        &self,
        actor: Actor,
        workspace_id: &str,
        id: String,
    ) -> Result<InCurrency<Arc<Quota>>> {
        let reset = |edit: Edit| async move {
            let reset = |quota: &mut Quota| {
                if quota.period != Period::UntilReset {
                    return Err(Error::NotAllowed(
                        "only a quota whose period lasts until it is reset can be reset: the \
                         windows of the others begin by the clock"
                            .to_owned(),
                    ));
                }
                quota.window_start = edit.now;
                Ok(())
            };
            Ok(edit.in_currency(edit.update(&id, reset).await?))
        };
        self.edit(actor, workspace_id, reset).await
    }

    /// How far quotas are used, most utilised first, beyond `after`.
    pub async fn quota_usage(
        &self,
        workspace_id: &str,
        filter: &UsageFilter,
        after: Option<&UsagePosition>,
        limit: usize,
    ) -> Result<InCurrency<Counted<QuotaUsage>>> {
        let handle = self.workspace(workspace_id).await?;
        let mut ledger = handle.lock();
        let currency = ledger.workspace().currency;
        let entries = ledger.quota_usage(self.now(), filter, after, limit);
        let total_count = ledger.count_quota_usage(filter, COUNT_MAX);
        Ok(InCurrency { currency, value: Counted { entries, total_count } })
    }
}

impl LimitChange {
    /// The limit that a quota has after the change.
    fn apply(self, edit: &Edit, quota: &Quota) -> Result<Option<i64>> {
        let refuse = |field: &str, expected: &str| {
            let field = format!("quota.{field}");
            Err(Error::Field { field, expected: expected.to_owned() })
        };
        let is_money = quota.unit == Unit::Money;
        if self.count.flatten().is_some() && is_money {
            return refuse("limit_count", "expected none: the unit is money");
        }
        if self.money.flatten().is_some() && !is_money {
            return refuse("limit", "expected none: the unit is not money");
        }
        let money = match self.money.flatten() {
            Some(limit) => Some(edit.amount("quota.limit", limit)?.nanos()),
            None => None,
        };
        let given = money.or(self.count.flatten());
        let is_named =
            quota.scope.subject_id.as_deref().is_some_and(|subject_id| !subject_id.is_empty());
        match self.exempt {
            Some(true) if !is_named => {
                return refuse(
                    "exempt",
                    "expected false: only a member that is named can be excepted",
                );
            }
            Some(true) => return Ok(None),
            Some(false) | None => {}
        }
        let is_changed = if is_money { self.money.is_some() } else { self.count.is_some() };
        let kept = quota.limit.filter(|_| !is_changed);
        let stays_exempt = quota.limit.is_none() && self.exempt.is_none() && !is_changed;
        match given.or(kept) {
            None if !stays_exempt => {
                let field = if is_money { "limit" } else { "limit_count" };
                refuse(field, "expected a value: the quota would have no limit")
            }
            limit => Ok(limit),
        }
    }
}
