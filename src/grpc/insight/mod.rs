//! `InsightService`: what repeats in usage, what it will be, what stands out, and what would save
//! money.

mod anomalies;
mod convert;
mod forecast;
mod recommendations;
mod risks;
mod seasonality;
mod simulate;

pub use anomalies::member_to_proto;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::ServiceContext;
use super::access::{Stop, authorize, by};
use super::analytics::{Reports, scope};
use super::shared::stream::{BoxStream, stream};
use super::shared::text;
use super::shared::time::to_timestamp;
use crate::analytics::insight::forecast::forecast;
use crate::analytics::insight::risks::{Limit, outlooks};
use crate::analytics::insight::seasonality::seasonality;
use crate::analytics::insight::series::SeriesMetric;
use crate::engine::Engine;
use crate::proto::v1;
use crate::proto::v1::insight_service_server::InsightService;

pub struct Insight {
    engine: Engine,
    reports: Reports,
    stopping: CancellationToken,
}

impl Insight {
    pub fn new(context: &ServiceContext) -> Insight {
        Insight {
            engine: context.engine.clone(),
            reports: context.reports.clone(),
            stopping: context.stopping.clone(),
        }
    }
}

#[tonic::async_trait]
impl InsightService for Insight {
    async fn get_forecast(
        &self,
        request: Request<v1::GetForecastRequest>,
    ) -> Result<Response<v1::GetForecastResponse>, Status> {
        let (workspace_id, query) = forecast::query(authorize(request)?)?;
        let _place = self.reports.place(&workspace_id).await?;
        let basis = self.engine.report_basis(&workspace_id).await?;
        let scope = scope(&self.engine, &basis);
        let is_whole = query.subject.member.is_none();
        let budget = match query.subject.metric {
            SeriesMetric::Cost if is_whole => {
                risks::envelope(&self.engine.budget(&workspace_id).await?.value)
            }
            _ => None,
        };
        let found = self::forecast(&scope, &query, basis.as_of, budget).await?;
        Ok(Response::new(forecast::to_proto(&found, &basis, query.subject.metric)))
    }

    async fn list_budget_risks(
        &self,
        request: Request<v1::ListBudgetRisksRequest>,
    ) -> Result<Response<v1::ListBudgetRisksResponse>, Status> {
        let (workspace_id, top) = risks::request(authorize(request)?)?;
        let _place = self.reports.place(&workspace_id).await?;
        let basis = self.engine.report_basis(&workspace_id).await?;
        let named = risks::limits(&self.engine, &workspace_id, &basis.catalog).await?;
        let limits: Vec<Limit> = named.iter().map(|named| named.limit.clone()).collect();
        let scope = scope(&self.engine, &basis);
        let outlooks = outlooks(&scope, &limits, basis.as_of).await?;
        let considered_count = limits.len() as i32;
        let currency = basis.workspace.currency;
        let (risks, too_little) = risks::to_proto(named, outlooks, top, currency);
        Ok(Response::new(v1::ListBudgetRisksResponse {
            as_of_time: Some(to_timestamp(basis.as_of)),
            risks,
            too_little_count: too_little as i32,
            considered_count,
        }))
    }

    async fn get_seasonality(
        &self,
        request: Request<v1::GetSeasonalityRequest>,
    ) -> Result<Response<v1::GetSeasonalityResponse>, Status> {
        let (workspace_id, subject) = convert::seasonality(authorize(request)?)?;
        let _place = self.reports.place(&workspace_id).await?;
        let basis = self.engine.report_basis(&workspace_id).await?;
        let scope = scope(&self.engine, &basis);
        let found = seasonality(&scope, &subject).await?;
        Ok(Response::new(seasonality::to_proto(&found, &basis, subject.metric)))
    }

    async fn list_anomalies(
        &self,
        request: Request<v1::ListAnomaliesRequest>,
    ) -> Result<Response<v1::ListAnomaliesResponse>, Status> {
        let (filter, page, after) = anomalies::list(authorize(request)?)?;
        let found = self.engine.anomalies(&filter, after, page.fetch()).await?;
        let id = &filter.workspace_id;
        let currency = self.engine.wording(id).await?.currency;
        Ok(Response::new(anomalies::page_to_proto(found, &page, id, currency)))
    }

    async fn acknowledge_anomaly(
        &self,
        request: Request<v1::AcknowledgeAnomalyRequest>,
    ) -> Result<Response<v1::AcknowledgeAnomalyResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, id, feedback) = anomalies::acknowledge(authorize(request)?)?;
        let acknowledged = self.engine.acknowledge_anomaly(by, &workspace_id, id, feedback);
        let (anomaly, until) = acknowledged.await?;
        let currency = self.engine.wording(&workspace_id).await?.currency;
        Ok(Response::new(v1::AcknowledgeAnomalyResponse {
            anomaly: Some(anomalies::anomaly_to_proto(&anomaly, &workspace_id, currency)),
            bar_raised_until_time: until.map(to_timestamp),
        }))
    }

    async fn get_anomaly_policy(
        &self,
        request: Request<v1::GetAnomalyPolicyRequest>,
    ) -> Result<Response<v1::GetAnomalyPolicyResponse>, Status> {
        let id = authorize(request)?.workspace_id;
        text::workspace(&id)?;
        let policy = self.engine.anomaly_policy(&id).await?;
        let anomaly_policy = Some(anomalies::policy_to_proto(&policy, &id));
        Ok(Response::new(v1::GetAnomalyPolicyResponse { anomaly_policy }))
    }

    async fn set_anomaly_policy(
        &self,
        request: Request<v1::SetAnomalyPolicyRequest>,
    ) -> Result<Response<v1::SetAnomalyPolicyResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, change) = anomalies::policy(authorize(request)?)?;
        let policy = self.engine.set_anomaly_policy(by, &workspace_id, change).await?;
        let anomaly_policy = Some(anomalies::policy_to_proto(&policy, &workspace_id));
        Ok(Response::new(v1::SetAnomalyPolicyResponse { anomaly_policy }))
    }

    type SimulatePolicyStream = BoxStream<v1::SimulatePolicyResponse>;

    async fn simulate_policy(
        &self,
        request: Request<v1::SimulatePolicyRequest>,
    ) -> Result<Response<Self::SimulatePolicyStream>, Status> {
        let stop = Stop::of(&self.stopping, &request)?;
        let call = simulate::request(authorize(request)?, self.engine.now())?;
        let place = self.reports.place(&call.workspace_id).await?;
        let (id, window) = (&call.workspace_id, call.window);
        let run = self.engine.begin_backtest(id, window, call.change).await?;
        Ok(Response::new(stream(simulate::Simulation::new(run, place), stop)))
    }

    async fn list_recommendations(
        &self,
        request: Request<v1::ListRecommendationsRequest>,
    ) -> Result<Response<v1::ListRecommendationsResponse>, Status> {
        let now = self.engine.now();
        let (filter, page, after) = recommendations::list(authorize(request)?, now)?;
        let found = self.engine.recommendations(&filter, after, page.fetch()).await?;
        let id = &filter.workspace_id;
        Ok(Response::new(recommendations::page_to_proto(found, &page, id, now)))
    }

    async fn update_recommendation(
        &self,
        request: Request<v1::UpdateRecommendationRequest>,
    ) -> Result<Response<v1::UpdateRecommendationResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, id, state) = recommendations::update(authorize(request)?)?;
        let set = self.engine.set_recommendation_state(by, &workspace_id, id, state).await?;
        let (currency, now) = (set.currency, self.engine.now());
        let recommendation = recommendations::to_proto(&set.value, &workspace_id, currency, now);
        Ok(Response::new(v1::UpdateRecommendationResponse { recommendation: Some(recommendation) }))
    }
}
