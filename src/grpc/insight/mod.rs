//! `InsightService`: what repeats in usage.

mod convert;
mod seasonality;

use tonic::{Request, Response, Status};

use super::ServiceContext;
use super::access::authorize;
use super::analytics::{Reports, scope};
use crate::analytics::insight::seasonality::seasonality;
use crate::engine::Engine;
use crate::proto::v1;
use crate::proto::v1::insight_service_server::InsightService;

pub struct Insight {
    engine: Engine,
    reports: Reports,
}

impl Insight {
    pub fn new(context: &ServiceContext) -> Insight {
        Insight { engine: context.engine.clone(), reports: context.reports.clone() }
    }
}

#[tonic::async_trait]
impl InsightService for Insight {
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
}
