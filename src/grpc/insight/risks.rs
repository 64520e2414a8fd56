//! Limits in force, and answers of `ListBudgetRisks`.

use super::forecast::{Amounts, outlook_to_proto};
use crate::analytics::axis::model_axis;
use crate::analytics::insight::outlook::{LimitInForce, Outlook};
use crate::analytics::insight::risks::{Limit, order};
use crate::analytics::insight::series::SeriesMetric;
use crate::analytics::insight::subjects::counted;
use crate::domain::Currency;
use crate::domain::catalog::Catalog;
use crate::domain::quota::{Period, Unit};
use crate::domain::time::calendar::Window;
use crate::engine::{BudgetView, Engine, ModelView, QuotaUsage, Result, UsageFilter};
use crate::grpc::analytics::convert::read_top;
use crate::grpc::shared::decode::{Decoded, decode};
use crate::grpc::shared::enums::ProtoEnum;
use crate::grpc::shared::subject::subject_to_proto;
use crate::proto::v1;

/// Most quotas that are looked at, the most utilised first.
const QUOTAS_MAX: usize = 1_000;
/// Most limits of an answer.
const TOP_MAX: usize = 1_000;

pub fn request(request: v1::ListBudgetRisksRequest) -> Decoded<(String, usize)> {
    let v1::ListBudgetRisksRequest { workspace_id, top } = request;
    decode(|at| {
        at.workspace_id(&workspace_id);
        let top = read_top(at, top, TOP_MAX);
        Some((workspace_id, top))
    })
}

/// A limit, and what an answer says of it beside its outlook.
pub struct NamedLimit {
    pub limit: Limit,
    risk: v1::BudgetRisk,
}

/// The envelope of the running cycle, with a plan.
pub fn envelope(budget: &BudgetView) -> Option<LimitInForce> {
    let (limit, used) = (budget.envelope().nanos(), budget.spent.nanos());
    budget.plan_set.then_some(LimitInForce { limit, used, window: budget.cycle })
}

/// The limits in force that reset by the clock.
///
/// # Errors
/// If there is no such workspace.
pub async fn limits(
    engine: &Engine,
    workspace_id: &str,
    catalog: &Catalog,
) -> Result<Vec<NamedLimit>> {
    let budget = engine.budget(workspace_id).await?.value;
    let models = engine.model_limits(workspace_id).await?.value;
    let all = UsageFilter::default();
    let quotas = engine.quota_usage(workspace_id, &all, None, QUOTAS_MAX).await?.value;
    let of_envelope = envelope(&budget).map(|in_force| NamedLimit {
        limit: Limit { metric: SeriesMetric::Cost, of: Vec::new(), in_force },
        risk: v1::BudgetRisk { kind: v1::LimitKind::Envelope.into(), ..Default::default() },
    });
    let of_models = models.iter().filter_map(|model| of_model(model, budget.cycle));
    let of_quotas =
        quotas.entries.iter().filter_map(|usage| of_quota(workspace_id, usage, catalog));
    Ok(of_envelope.into_iter().chain(of_models).chain(of_quotas).collect())
}

fn of_model(model: &ModelView, cycle: Window) -> Option<NamedLimit> {
    let settings = model.settings.as_ref().filter(|settings| settings.limit_enabled)?;
    let limit = settings.limit?.nanos();
    let model_id = model.model_id.to_string();
    let in_force = LimitInForce { limit, used: model.spent.nanos(), window: cycle };
    let of = vec![(model_axis(), vec![model_id.clone()])];
    let kind = v1::LimitKind::ModelLimit.into();
    Some(NamedLimit {
        limit: Limit { metric: SeriesMetric::Cost, of, in_force },
        risk: v1::BudgetRisk { kind, model_id, ..Default::default() },
    })
}

fn of_quota(workspace_id: &str, usage: &QuotaUsage, catalog: &Catalog) -> Option<NamedLimit> {
    let quota = &usage.quota;
    let metric = match quota.unit {
        Unit::Money => SeriesMetric::Cost,
        Unit::Tokens => SeriesMetric::Tokens,
        Unit::Requests => SeriesMetric::Requests,
        Unit::UncachedTokens => return None,
    };
    if matches!(quota.period, Period::Hour | Period::InFlight | Period::Request) {
        return None;
    }
    let window = Window { start: usage.window_start, end: usage.window_end? };
    let in_force = LimitInForce { limit: usage.limit?, used: usage.spent, window };
    let of = counted(&quota.scope, &usage.subject_id, catalog)?;
    let model_id = quota.scope.model_id.as_deref().unwrap_or_default();
    let subject = subject_to_proto(workspace_id, quota.scope.kind, &usage.subject_id);
    Some(NamedLimit {
        limit: Limit { metric, of, in_force },
        risk: v1::BudgetRisk {
            kind: v1::LimitKind::Quota.into(),
            model_id: model_id.to_owned(),
            quota_id: quota.id.to_string(),
            subject: Some(subject),
            enforcement: quota.enforcement.number(),
            outlook: None,
        },
    })
}

/// The most likely ones, and of how many limits nothing can be said.
pub fn to_proto(
    limits: Vec<NamedLimit>,
    outlooks: Vec<Option<Outlook>>,
    top: usize,
    currency: Currency,
) -> (Vec<v1::BudgetRisk>, usize) {
    let count = limits.len();
    let pairs = limits.into_iter().zip(outlooks);
    let mut known: Vec<(NamedLimit, Outlook)> =
        pairs.filter_map(|(limit, outlook)| Some((limit, outlook?))).collect();
    let too_little = count - known.len();
    known.sort_by_cached_key(|(NamedLimit { risk, .. }, outlook)| {
        let subject = risk.subject.as_ref().map(|subject| subject.id.clone());
        (order(outlook), risk.kind, risk.model_id.clone(), risk.quota_id.clone(), subject)
    });
    known.truncate(top);
    let risk = |(NamedLimit { limit, risk }, outlook): (NamedLimit, Outlook)| {
        let amounts = Amounts { metric: limit.metric, currency };
        v1::BudgetRisk { outlook: Some(outlook_to_proto(&outlook, amounts)), ..risk }
    };
    (known.into_iter().map(risk).collect(), too_little)
}
