//! Boosts: temporary raises of the envelope and of quotas. They begin and end by the clock.

use std::sync::Arc;

use super::{Create, Edit, Find, Kind, Resource, Source, id_or_new, no_backfill, not_found};
use crate::domain::attribution::{SubjectKind, provider_subject_id};
use crate::domain::boost::{BOOST_SPAN_MAX, BOOSTS_MAX, Boost, BoostInUnit, BoostTarget};
use crate::domain::money::NANOS_PER_UNIT;
use crate::domain::quota::{COUNT_LIMIT_MAX, Quota, Unit};
use crate::domain::{Amount, Currency, Time};
use crate::engine::audit::{self, Actor};
use crate::engine::error::{Error, Result};
use crate::engine::{Engine, InCurrency};
use crate::ledger::Ledger;
use crate::storage::settings::{BoostFilter, Change};

/// A boost to be created.
#[derive(Clone, Debug)]
pub struct NewBoost {
    /// Generated if absent.
    pub id: Option<String>,
    pub target: BoostTarget,
    pub amount: BoostAmount,
    /// Now if absent.
    pub start_time: Option<Time>,
    pub end_time: Time,
    pub reason: String,
}

/// By how much a limit is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoostAmount {
    Money(Currency, Amount),
    /// Tokens or requests.
    Count(i64),
}

/// A boost and its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoostView {
    pub boost: Boost,
    /// Of its limit.
    pub unit: Unit,
    /// Whether it is in force now.
    pub active: bool,
}

/// Which limits the boosts of a call raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoostKind {
    Envelope,
    Quotas,
}

impl BoostKind {
    fn includes(self, target: &BoostTarget) -> bool {
        match target {
            BoostTarget::Envelope => self == BoostKind::Envelope,
            BoostTarget::Quota { .. } => self == BoostKind::Quotas,
        }
    }
}

impl Resource for Boost {
    const KIND: Kind<Boost> = Kind {
        name: "boost",
        id: |boost| &boost.id,
        set_update_time: |_, _| {},
        audit_state: |edit, boost| {
            let unit = unit_of(&edit.ledger(), &boost.target)?;
            let boost = BoostInUnit::new(boost.clone(), unit);
            Ok(match unit {
                Unit::Money => audit::state(&edit.in_currency(boost)),
                Unit::Tokens | Unit::Requests | Unit::UncachedTokens => audit::state(&boost),
            })
        },
        put: Change::PutBoost,
        backfill: no_backfill,
        install: Some(|ledger, now, boost, _| ledger.put_boost(now, boost)),
    };
}

/// In storage: the ledger has only those that are not over.
impl Find for Boost {
    const SOURCE: Source<Boost> =
        Source::Storage(|store, workspace_id, id| store.boost(workspace_id, id));

    type View = InCurrency<BoostView>;

    fn view(resource: Arc<Boost>, ledger: &Ledger, now: Time) -> Result<InCurrency<BoostView>> {
        let (currency, unit) = (ledger.workspace().currency, unit_of(ledger, &resource.target)?);
        Ok(InCurrency { currency, value: view(unit, now, Arc::unwrap_or_clone(resource)) })
    }
}

/// A repeat may come from another actor, and when the boost is over.
impl Create for Boost {
    type New = NewBoost;

    fn requested_id(new: &NewBoost) -> Option<&str> {
        new.id.as_deref()
    }

    fn build(edit: &Edit, new: NewBoost, existing: Option<&Boost>) -> Result<Boost> {
        let ledger = edit.ledger();
        let unit = unit_of(&ledger, &new.target)?;
        require_subject(&ledger, &new.target)?;
        let target = in_case(&ledger, new.target);
        let create_time = existing.map_or(edit.now, |existing| existing.create_time);
        Ok(Boost {
            amount: amount_of(&ledger, unit, new.amount)?,
            id: id_or_new(new.id),
            target,
            start_time: new.start_time.unwrap_or(create_time),
            end_time: new.end_time,
            reason: new.reason,
            actor: existing.map_or(&edit.actor.name, |existing| &existing.actor).clone(),
            create_time,
            cancel_time: existing.and_then(|existing| existing.cancel_time),
        })
    }

    async fn admit(&self, edit: &Edit) -> Result<()> {
        require_span(edit.now, self)?;
        let ledger = edit.ledger();
        require_room(&ledger, edit.now, unit_of(&ledger, &self.target)?, self)
    }
}

impl Engine {
    /// Boosts that match, latest (`start_time`, id) first, before `after`.
    pub async fn boosts(
        &self,
        workspace_id: &str,
        filter: &BoostFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<InCurrency<Vec<BoostView>>> {
        let handle = self.workspace(workspace_id).await?;
        loop {
            let after = after.clone();
            let boosts = self.store().boosts(workspace_id, filter, after, limit).await?;
            let mut ledger = handle.lock();
            let now = ledger.advance(self.now());
            let with_unit =
                |boost: Boost| Some(view(unit_of(&ledger, &boost.target).ok()?, now, boost));
            let views: Option<Vec<BoostView>> = boosts.into_iter().map(with_unit).collect();
            if let Some(value) = views {
                return Ok(InCurrency { currency: ledger.workspace().currency, value });
            }
            // A quota was deleted after storage was read: its boosts went with it.
        }
    }

    /// Ends a boost now. One that is over already stays as it is.
    pub async fn cancel_boost(
        &self,
        actor: Actor,
        workspace_id: &str,
        kind: BoostKind,
        id: &str,
    ) -> Result<InCurrency<BoostView>> {
        let id = id.to_owned();
        let cancel = move |edit: Edit| async move {
            let cancel = |boost: &mut Boost| {
                if !kind.includes(&boost.target) {
                    return Err(not_found(Boost::KIND.name, &id));
                }
                if !boost.is_over(edit.now) {
                    boost.cancel_time = Some(edit.now);
                }
                Ok(())
            };
            edit.view(edit.update(&id, cancel).await?)
        };
        self.edit(actor, workspace_id, cancel).await
    }
}

fn view(unit: Unit, now: Time, boost: Boost) -> BoostView {
    BoostView { unit, active: boost.is_active(now), boost }
}

/// The unit of the limit that a boost raises.
fn unit_of(ledger: &Ledger, target: &BoostTarget) -> Result<Unit> {
    match target {
        BoostTarget::Envelope => Ok(Unit::Money),
        BoostTarget::Quota { quota_id, .. } => match ledger.quota(quota_id) {
            Some(quota) => Ok(quota.unit),
            None => Err(not_found(Quota::KIND.name, quota_id)),
        },
    }
}

/// The same target: of a quota for each provider with the id that the provider has as a subject.
fn in_case(ledger: &Ledger, mut target: BoostTarget) -> BoostTarget {
    if let BoostTarget::Quota { quota_id, subject_id: Some(id) } = &mut target
        && ledger.quota(quota_id).is_some_and(|it| it.scope.kind == SubjectKind::Provider)
    {
        *id = provider_subject_id(id).into();
    }
    target
}

/// Only a quota for each subject can be raised for one of them.
fn require_subject(ledger: &Ledger, target: &BoostTarget) -> Result<()> {
    let BoostTarget::Quota { quota_id, subject_id: Some(_) } = target else { return Ok(()) };
    let is_each = |quota: &Arc<Quota>| {
        quota.scope.subject_id.is_none() && quota.scope.kind != SubjectKind::Workspace
    };
    if ledger.quota(quota_id).is_some_and(is_each) {
        return Ok(());
    }
    let expected = "expected none: the quota is not for each subject".to_owned();
    Err(Error::Field { field: "subject_id".to_owned(), expected })
}

/// In the unit of the limit.
fn amount_of(ledger: &Ledger, unit: Unit, amount: BoostAmount) -> Result<i64> {
    let refuse = |field: &str, expected: String| {
        Err(Error::Field { field: field.to_owned(), expected: format!("expected {expected}") })
    };
    let own = ledger.workspace().currency;
    match (unit, amount) {
        (Unit::Money, BoostAmount::Money(currency, amount)) if currency == own => {
            Ok(amount.nanos())
        }
        (Unit::Money, BoostAmount::Money(..)) => {
            refuse("amount.currency_code", format!("{own}, the currency of the workspace"))
        }
        (Unit::Money, BoostAmount::Count(_)) => {
            refuse("amount", "an amount: the limit is in money".to_owned())
        }
        (Unit::Tokens | Unit::Requests | Unit::UncachedTokens, BoostAmount::Count(count)) => {
            Ok(count)
        }
        (Unit::Tokens | Unit::Requests | Unit::UncachedTokens, BoostAmount::Money(..)) => {
            refuse("count", "a count: the limit is not in money".to_owned())
        }
    }
}

fn require_span(now: Time, boost: &Boost) -> Result<()> {
    let (field, expected) = if boost.start_time > now + BOOST_SPAN_MAX {
        ("start_time", "expected at most 366 days ahead")
    } else if boost.end_time <= boost.start_time || boost.end_time <= now {
        ("end_time", "expected a time after start_time and now")
    } else if boost.end_time > boost.start_time + BOOST_SPAN_MAX {
        ("end_time", "expected at most 366 days after start_time")
    } else {
        return Ok(());
    };
    Err(Error::Field { field: field.to_owned(), expected: expected.to_owned() })
}

/// The boosts of one limit that are not over are bounded in number, and in sum by what one may be:
/// a limit with all its boosts stays far inside 64 bits.
fn require_room(ledger: &Ledger, now: Time, unit: Unit, boost: &Boost) -> Result<()> {
    let (mut count, mut sum) = (1, boost.amount);
    for other in ledger.boosts_of(&boost.target).filter(|other| !other.is_over(now)) {
        count += 1;
        sum += other.amount;
    }
    if count > BOOSTS_MAX {
        let max = i64::try_from(BOOSTS_MAX).expect("a small number");
        return Err(Error::BoundReached { bound: "boosts of one limit", max });
    }
    let (max, shown) = match unit {
        Unit::Money => (Amount::LIMIT_MAX.nanos(), Amount::LIMIT_MAX.nanos() / NANOS_PER_UNIT),
        Unit::Tokens | Unit::Requests | Unit::UncachedTokens => (COUNT_LIMIT_MAX, COUNT_LIMIT_MAX),
    };
    if sum > max {
        return Err(Error::BoundReached { bound: "sum of the boosts of one limit", max: shown });
    }
    Ok(())
}
