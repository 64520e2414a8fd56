//! Boosts of the envelope and of quotas, as they are asked for and shown.

use prost_types::Timestamp;

use super::super::page::Page;
use super::text::{self, ATTRIBUTION_CHARS_MAX, BOOST_REASON_CHARS_MAX, RESOURCE_ID_CHARS_MAX};
use super::time::{instant, to_timestamp};
use super::{Path, Violations, money, number, required};
use crate::domain::boost::BoostTarget;
use crate::domain::quota::{COUNT_LIMIT_MAX, Unit};
use crate::domain::{Amount, Currency, Time};
use crate::engine::{BoostAmount, BoostView, InCurrency, NewBoost};
use crate::proto::v1;
use crate::storage::policy::BoostFilter;

/// What all boosts are asked for with.
pub struct Asked {
    pub boost_id: String,
    pub start_time: Option<Timestamp>,
    pub end_time: Option<Timestamp>,
    pub reason: String,
}

impl Asked {
    pub fn read(
        self,
        target: BoostTarget,
        amount: BoostAmount,
        violations: &mut Violations,
    ) -> NewBoost {
        let path = |field| Path::Request.field(field);
        text::check(&self.boost_id, 0..=RESOURCE_ID_CHARS_MAX, path("boost_id"), violations);
        text::check(&self.reason, 1..=BOOST_REASON_CHARS_MAX, path("reason"), violations);
        let start_time = self.start_time.map(|time| instant(time, path("start_time"), violations));
        let end_time = required(self.end_time, path("end_time"), violations);
        let end_time = end_time.map(|time| instant(time, path("end_time"), violations));
        NewBoost {
            id: Some(self.boost_id).filter(|id| !id.is_empty()),
            target,
            amount,
            start_time,
            end_time: end_time.unwrap_or_default(),
            reason: self.reason,
        }
    }
}

/// Workspace and boost of an envelope.
///
/// # Errors
/// If a field is out of its range.
pub fn of_budget(request: v1::CreateBudgetBoostRequest) -> Result<(String, NewBoost), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let path = Path::Request.field("amount");
    let given = required(request.amount.as_ref(), path, &mut violations);
    let amount = given.map(|given| amount(given, &mut violations));
    let amount = amount.unwrap_or(BoostAmount::Count(0));
    let asked = Asked {
        boost_id: request.boost_id,
        start_time: request.start_time,
        end_time: request.end_time,
        reason: request.reason,
    };
    let new = asked.read(BoostTarget::Envelope, amount, &mut violations);
    violations.accept((request.workspace_id, new))
}

/// Workspace and boost of a quota. Which of amount and count is needed is up to the quota's unit.
///
/// # Errors
/// If a field is out of its range.
pub fn of_quota(request: v1::CreateQuotaBoostRequest) -> Result<(String, NewBoost), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let path = |field| Path::Request.field(field);
    let (quota_id, subject_id) = (&request.quota_id, &request.member_id);
    text::check(quota_id, 1..=RESOURCE_ID_CHARS_MAX, path("quota_id"), &mut violations);
    text::check(subject_id, 0..=ATTRIBUTION_CHARS_MAX, path("member_id"), &mut violations);
    let amount = match (&request.amount, request.count) {
        (Some(given), 0) => amount(given, &mut violations),
        (Some(_), _) => {
            violations.add(path("count"), "expected none beside amount");
            BoostAmount::Count(0)
        }
        (None, 0) => {
            let expected = "expected an amount, or a count if the quota is not in money";
            violations.add(path("amount"), expected);
            BoostAmount::Count(0)
        }
        (None, given) => count(given, &mut violations),
    };
    let target = BoostTarget::Quota {
        quota_id: request.quota_id.into(),
        subject_id: Some(request.member_id)
            .filter(|subject_id| !subject_id.is_empty())
            .map(Into::into),
    };
    let asked = Asked {
        boost_id: request.boost_id,
        start_time: request.start_time,
        end_time: request.end_time,
        reason: request.reason,
    };
    let new = asked.read(target, amount, &mut violations);
    violations.accept((request.workspace_id, new))
}

/// By how much a limit in money is raised.
pub fn amount(amount: &v1::Money, violations: &mut Violations) -> BoostAmount {
    let path = Path::Request.field("amount");
    let currency: Currency =
        money::currency(&amount.currency_code, path.field("currency_code"), violations);
    let range = 1..=Amount::LIMIT_MAX.nanos();
    let nanos = money::decimal(&amount.amount, range, path.field("amount"), violations);
    BoostAmount::Money(currency, Amount::from_nanos(nanos))
}

/// By how much a limit of tokens or requests is raised.
pub fn count(count: i64, violations: &mut Violations) -> BoostAmount {
    let path = Path::Request.field("count");
    BoostAmount::Count(number(count, 1..=COUNT_LIMIT_MAX, path, violations))
}

/// # Errors
/// If an id cannot be one.
pub fn check_ids(workspace_id: &str, boost_id: &str) -> Result<(), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(workspace_id, &mut violations);
    let path = Path::Request.field("boost_id");
    text::check(boost_id, 1..=RESOURCE_ID_CHARS_MAX, path, &mut violations);
    violations.accept(())
}

/// Which boosts of quotas to list, from where on.
///
/// # Errors
/// If a field is out of its range.
pub fn list_of_quotas(
    request: &v1::ListQuotaBoostsRequest,
) -> Result<(BoostFilter, Option<Position>, Page), Violations> {
    let mut violations = Violations::default();
    let (workspace_id, quota_id) = (&request.workspace_id, &request.quota_id);
    text::check_workspace_id(workspace_id, &mut violations);
    let path = Path::Request.field("quota_id");
    text::check(quota_id, 0..=RESOURCE_ID_CHARS_MAX, path, &mut violations);
    let filter = ["quota_boosts", workspace_id, quota_id];
    let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
    let after = page.after_parsed(read_position, &mut violations);
    let filter = match quota_id.as_str() {
        "" => BoostFilter::Quotas,
        id => BoostFilter::Quota(id.to_owned()),
    };
    violations.accept((filter, after, page))
}

/// Position in a list of boosts: start and id.
type Position = (Time, String);

pub fn position(last: &BoostView) -> String {
    format!("{}.{}", last.boost.start_time.micros(), last.boost.id)
}

pub fn read_position(text: &str) -> Option<Position> {
    let (micros, id) = text.split_once('.')?;
    Some((Time::from_micros(micros.parse().ok()?), id.to_owned()))
}

pub fn to_proto(boost: InCurrency<BoostView>) -> v1::Boost {
    let InCurrency { currency, value: BoostView { boost, unit, active } } = boost;
    let (amount, count) = match unit {
        Unit::Money => (Some(money::to_proto(currency, Amount::from_nanos(boost.amount))), 0),
        Unit::Tokens | Unit::Requests => (None, boost.amount),
    };
    let (quota_id, member_id) = match boost.target {
        BoostTarget::Envelope => (String::new(), String::new()),
        BoostTarget::Quota { quota_id, subject_id } => {
            (quota_id.to_string(), subject_id.as_deref().unwrap_or_default().to_owned())
        }
    };
    v1::Boost {
        boost_id: boost.id.to_string(),
        quota_id,
        member_id,
        amount,
        count,
        start_time: Some(to_timestamp(boost.start_time)),
        end_time: Some(to_timestamp(boost.end_time)),
        reason: boost.reason,
        create_actor: boost.actor,
        create_time: Some(to_timestamp(boost.create_time)),
        cancel_time: boost.cancel_time.map(to_timestamp),
        active,
    }
}
