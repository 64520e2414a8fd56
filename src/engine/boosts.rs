//! Boosts: temporary raises of the envelope and of quotas. They begin and end by the clock.

use std::sync::Arc;

use super::audit::By;
use super::error::{Error, Result};
use super::{Engine, InCurrency, Shared, WorkspaceHandle, described};
use crate::domain::attribution::SubjectKind;
use crate::domain::boost::{BOOST_SPAN_MAX, BOOSTS_MAX, Boost, BoostTarget};
use crate::domain::money::NANOS_PER_UNIT;
use crate::domain::quota::{COUNT_LIMIT_MAX, Quota, Unit};
use crate::domain::{Amount, Currency, Time};
use crate::ledger::Ledger;
use crate::storage::policy::{BoostFilter, Change};

/// A boost as it is asked for.
#[derive(Clone, Debug)]
pub struct NewBoost {
    /// Absent: made here.
    pub id: Option<String>,
    pub target: BoostTarget,
    pub amount: BoostAmount,
    /// Absent for now.
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

/// A boost as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoostView {
    pub boost: Boost,
    /// Of its limit.
    pub unit: Unit,
    /// Whether it is in force now.
    pub active: bool,
}

/// Whose boosts a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoostsOf {
    Envelope,
    Quotas,
}

impl BoostsOf {
    fn has(self, target: &BoostTarget) -> bool {
        match target {
            BoostTarget::Envelope => self == BoostsOf::Envelope,
            BoostTarget::Quota { .. } => self == BoostsOf::Quotas,
        }
    }
}

impl Engine {
    /// Raises a limit for a time. The same id with the same content answers with the boost that is
    /// there, also when its time is over.
    pub async fn create_boost(
        &self,
        by: By,
        workspace_id: &str,
        new: NewBoost,
    ) -> Result<InCurrency<BoostView>> {
        let handle = self.workspace(workspace_id).await?;
        self.in_writer(move |shared| async move { shared.create_boost(&by, &handle, new).await })
            .await
    }

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
        by: By,
        workspace_id: &str,
        of: BoostsOf,
        id: &str,
    ) -> Result<InCurrency<BoostView>> {
        let handle = self.workspace(workspace_id).await?;
        let id = id.to_owned();
        self.in_writer(move |shared| async move { shared.cancel_boost(&by, &handle, of, id).await })
            .await
    }
}

impl Shared {
    async fn create_boost(
        &self,
        by: &By,
        handle: &WorkspaceHandle,
        new: NewBoost,
    ) -> Result<InCurrency<BoostView>> {
        let there = match &new.id {
            Some(id) => self.store.boost(handle.id(), id).await?,
            None => None,
        };
        let (now, currency, unit, boost) = {
            let mut ledger = handle.lock();
            let now = ledger.advance(self.clock.now());
            let unit = unit_of(&ledger, &new.target)?;
            require_subject(&ledger, &new.target)?;
            let amount = amount_of(&ledger, unit, new.amount)?;
            let currency = ledger.workspace().currency;
            if let Some(there) = there {
                return match is_repeat(&new, amount, &there) {
                    true => Ok(InCurrency { currency, value: view(unit, now, there) }),
                    false => Err(exists(there.id)),
                };
            }
            let boost = made(by, now, new, amount);
            require_span(now, &boost)?;
            require_room(&ledger, now, unit, &boost)?;
            (now, currency, unit, boost)
        };
        let after = Some(described::boost(currency, unit, &boost));
        let event = by.event(now, handle.id(), "boost", &boost.id, None, after);
        let changes = vec![Change::PutBoost(boost.clone())];
        self.change(handle.id(), changes, event.into_iter().collect()).await?;
        handle.lock().put_boost(now, boost.clone());
        handle.announce();
        Ok(InCurrency { currency, value: view(unit, now, boost) })
    }

    async fn cancel_boost(
        &self,
        by: &By,
        handle: &WorkspaceHandle,
        of: BoostsOf,
        id: String,
    ) -> Result<InCurrency<BoostView>> {
        let boost = self.store.boost(handle.id(), &id).await?;
        let boost = boost.filter(|boost| of.has(&boost.target));
        let before = boost.ok_or(Error::ResourceNotFound { resource: "boost", id })?;
        let (now, currency, unit) = {
            let mut ledger = handle.lock();
            let now = ledger.advance(self.clock.now());
            (now, ledger.workspace().currency, unit_of(&ledger, &before.target)?)
        };
        if before.is_over(now) {
            return Ok(InCurrency { currency, value: view(unit, now, before) });
        }
        let boost = Boost { cancel_time: Some(now), ..before.clone() };
        let described = |boost: &Boost| Some(described::boost(currency, unit, boost));
        let event =
            by.event(now, handle.id(), "boost", &boost.id, described(&before), described(&boost));
        let changes = vec![Change::PutBoost(boost.clone())];
        self.change(handle.id(), changes, event.into_iter().collect()).await?;
        handle.lock().put_boost(now, boost.clone());
        handle.announce();
        Ok(InCurrency { currency, value: view(unit, now, boost) })
    }
}

fn view(unit: Unit, now: Time, boost: Boost) -> BoostView {
    BoostView { unit, active: boost.is_active(now), boost }
}

fn exists(id: Arc<str>) -> Error {
    Error::ResourceExists { resource: "boost", id: id.to_string() }
}

/// What the limit of a boost counts.
fn unit_of(ledger: &Ledger, target: &BoostTarget) -> Result<Unit> {
    match target {
        BoostTarget::Envelope => Ok(Unit::Money),
        BoostTarget::Quota { quota_id, .. } => match ledger.quota(quota_id) {
            Some(quota) => Ok(quota.unit),
            None => Err(Error::ResourceNotFound { resource: "quota", id: quota_id.to_string() }),
        },
    }
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
        (Unit::Tokens | Unit::Requests, BoostAmount::Count(count)) => Ok(count),
        (Unit::Tokens | Unit::Requests, BoostAmount::Money(..)) => {
            refuse("count", "a count: the limit is not in money".to_owned())
        }
    }
}

/// Whether `new` asks for the boost that is there. Who asks does not matter.
fn is_repeat(new: &NewBoost, amount: i64, there: &Boost) -> bool {
    new.target == there.target
        && amount == there.amount
        && new.start_time.unwrap_or(there.create_time) == there.start_time
        && new.end_time == there.end_time
        && new.reason == there.reason
}

fn made(by: &By, now: Time, new: NewBoost, amount: i64) -> Boost {
    let id = new.id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    Boost {
        id: id.into(),
        target: new.target,
        amount,
        start_time: new.start_time.unwrap_or(now),
        end_time: new.end_time,
        reason: new.reason,
        actor: by.actor.clone(),
        create_time: now,
        cancel_time: None,
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
    let (max, told) = match unit {
        Unit::Money => (Amount::LIMIT_MAX.nanos(), Amount::LIMIT_MAX.nanos() / NANOS_PER_UNIT),
        Unit::Tokens | Unit::Requests => (COUNT_LIMIT_MAX, COUNT_LIMIT_MAX),
    };
    if sum > max {
        return Err(Error::BoundReached { bound: "sum of the boosts of one limit", max: told });
    }
    Ok(())
}
