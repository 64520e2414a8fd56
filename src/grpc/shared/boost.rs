//! Boosts, of the envelope and of quotas.

use prost_types::Timestamp;

use super::decode::Decoder;
use super::money;
use super::page::time_position;
use super::text::non_empty;
use super::time::to_timestamp;
use crate::domain::boost::BoostTarget;
use crate::domain::quota::{COUNT_LIMIT_MAX, Unit};
use crate::domain::{Amount, Currency};
use crate::engine::{BoostAmount, BoostView, InCurrency, NewBoost};
use crate::proto::v1;

pub const BOOST_REASON_CHARS_MAX: usize = 500;

/// The fields that the requests of all boosts have.
pub struct BoostFields {
    pub boost_id: String,
    pub start_time: Option<Timestamp>,
    pub end_time: Option<Timestamp>,
    pub reason: String,
}

impl Decoder<'_> {
    pub fn boost(self, fields: BoostFields, target: BoostTarget, amount: BoostAmount) -> NewBoost {
        let BoostFields { boost_id, start_time, end_time, reason } = fields;
        self.field("boost_id").optional_new_id(&boost_id);
        self.field("reason").text(&reason, 1..=BOOST_REASON_CHARS_MAX);
        let start_time = start_time.and_then(|time| self.field("start_time").instant(time));
        let at = self.field("end_time");
        let end_time = at.required(end_time).and_then(|time| at.instant(time));
        NewBoost {
            id: non_empty(boost_id),
            target,
            amount,
            start_time,
            end_time: end_time.unwrap_or_default(),
            reason,
        }
    }

    /// The field `amount`: by how much a limit in money is raised.
    pub fn boost_amount(self, amount: &v1::Money) -> BoostAmount {
        let (currency, amount) = self.field("amount").money(amount, 1..=Amount::LIMIT_MAX.nanos());
        BoostAmount::Money(currency, amount)
    }

    /// The field `count`: by how much a limit in tokens or requests is raised.
    pub fn boost_count(self, count: i64) -> BoostAmount {
        BoostAmount::Count(self.field("count").number(count, 1..=COUNT_LIMIT_MAX))
    }
}

/// Position in a list of boosts.
pub fn position(last: &BoostView) -> String {
    time_position(last.boost.start_time, &last.boost.id)
}

/// Entries of a list, whose amounts are in this currency.
pub fn in_currency(currency: Currency) -> impl Fn(BoostView) -> v1::Boost {
    move |value| to_proto(InCurrency { currency, value })
}

pub fn to_proto(boost: InCurrency<BoostView>) -> v1::Boost {
    let InCurrency { currency, value: BoostView { boost, unit, active } } = boost;
    let (amount, count) = match unit {
        Unit::Money => (Some(money::to_proto(currency, Amount::from_nanos(boost.amount))), 0),
        Unit::Tokens | Unit::Requests | Unit::UncachedTokens => (None, boost.amount),
    };
    let (quota_id, subject_id) = match boost.target {
        BoostTarget::Envelope => (String::new(), String::new()),
        BoostTarget::Quota { quota_id, subject_id } => {
            (quota_id.to_string(), subject_id.as_deref().unwrap_or_default().to_owned())
        }
    };
    v1::Boost {
        boost_id: boost.id.to_string(),
        quota_id,
        subject_id,
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
