//! Requests of `InsightService`, and amounts of a metric.

use crate::analytics::axis::{Restriction, UsageDimension};
use crate::analytics::insight::series::{SeriesMetric, Subject};
use crate::domain::{Amount, Currency};
use crate::grpc::analytics::convert::read_restriction;
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::{ProtoEnum, proto_enum};
use crate::grpc::shared::money;
use crate::proto::v1;

proto_enum!(SeriesMetric as UsageMetric { Cost, Tokens, Requests }
    "expected USAGE_METRIC_COST, USAGE_METRIC_TOKENS or USAGE_METRIC_REQUESTS");

pub fn seasonality(request: v1::GetSeasonalityRequest) -> Decoded<(String, Subject)> {
    let v1::GetSeasonalityRequest { workspace_id, metric, member } = request;
    decode(|at| {
        at.workspace_id(&workspace_id);
        let subject = read_subject(at, metric, member)?;
        Some((workspace_id, subject))
    })
}

/// The fields `metric` and `member`.
pub fn read_subject(
    at: Decoder<'_>,
    metric: i32,
    member: Option<v1::UsageFilter>,
) -> Option<Subject> {
    let found = SeriesMetric::from_number(metric);
    at.field("metric").ensure(found.is_some(), &SeriesMetric::expected());
    let member = member.map(|member| read_member(at.field("member"), member));
    let member = match member {
        Some(None) => return None,
        Some(member) => member,
        None => None,
    };
    Some(Subject { metric: found?, member })
}

fn read_member(at: Decoder<'_>, member: v1::UsageFilter) -> Option<Restriction> {
    let count = member.values.len();
    let member = read_restriction(at, member)?;
    if count > 1 {
        at.field("values").refuse("expected one value: a member is one");
    }
    let is_limit = member.dimension == UsageDimension::Limit;
    at.field("dimension").ensure(!is_limit, "expected a dimension of usage");
    Some(member)
}

/// An amount of a metric, which counts or has nano-units; rounded, and bounded to what an amount
/// can say.
pub fn quantity(metric: SeriesMetric, value: f64, currency: Currency) -> v1::Quantity {
    // Beyond the bounds the conversion saturates.
    let value = value.round() as i64;
    let quantity = match metric {
        SeriesMetric::Cost => {
            let cost = money::to_proto(currency, Amount::from_nanos(value));
            v1::quantity::Quantity::Cost(cost)
        }
        SeriesMetric::Tokens | SeriesMetric::Requests => v1::quantity::Quantity::Count(value),
    };
    v1::Quantity { quantity: Some(quantity) }
}
