//! Requests of `QuotaService` about boosts. Whether amount or count is needed depends on the unit
//! of the quota, which the engine knows.

use crate::domain::boost::BoostTarget;
use crate::engine::{BoostAmount, NewBoost};
use crate::grpc::shared::boost::BoostFields;
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::page::{Page, TimePosition, parse_time_position};
use crate::grpc::shared::text::non_empty;
use crate::proto::v1;
use crate::storage::settings::BoostFilter;

/// Workspace and boost of a quota.
pub fn create(request: v1::CreateQuotaBoostRequest) -> Decoded<(String, NewBoost)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        at.field("quota_id").resource_id(&request.quota_id);
        at.field("subject_id").optional_attribution_id(&request.subject_id);
        let amount = amount(at, request.amount.as_ref(), request.count);
        let target = BoostTarget::Quota {
            quota_id: request.quota_id.into(),
            subject_id: non_empty(request.subject_id).map(Into::into),
        };
        let fields = BoostFields {
            boost_id: request.boost_id,
            start_time: request.start_time,
            end_time: request.end_time,
            reason: request.reason,
        };
        Some((request.workspace_id, at.boost(fields, target, amount)))
    })
}

fn amount(at: Decoder<'_>, amount: Option<&v1::Money>, count: i64) -> BoostAmount {
    match (amount, count) {
        (Some(amount), 0) => return at.boost_amount(amount),
        (None, 1.. | ..=-1) => return at.boost_count(count),
        (Some(_), _) => at.field("count").refuse("expected none beside amount"),
        (None, 0) => {
            let expected = "expected an amount, or a count if the quota is not in money";
            at.field("amount").refuse(expected);
        }
    }
    BoostAmount::Count(0)
}

/// Which boosts of quotas to list, and after which one.
pub fn list(
    request: &v1::ListQuotaBoostsRequest,
) -> Decoded<(BoostFilter, Option<TimePosition>, Page)> {
    let (workspace_id, quota_id) = (&request.workspace_id, &request.quota_id);
    decode(|at| {
        at.workspace_id(workspace_id);
        at.field("quota_id").optional_resource_id(quota_id);
        let filter = ["quota_boosts", workspace_id, quota_id];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let after = page.after_parsed(at, parse_time_position);
        let filter = match quota_id.as_str() {
            "" => BoostFilter::Quotas,
            id => BoostFilter::Quota(id.to_owned()),
        };
        Some((filter, after, page))
    })
}
