//! `BudgetService`: plan, spend and boosts of a workspace.

mod convert;

pub use convert::{budget_to_proto, plan_change};

use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::ServiceContext;
use super::access::{Stop, authorize, by};
use super::shared::names::ModelNames;
use super::shared::status::Failure;
use super::shared::stream::{BoxStream, Source, stream};
use super::shared::{boost, text};
use super::workspace::workspace_to_proto;
use crate::domain::boost::Boost;
use crate::engine::{BoostKind, CycleView, Cycles, Engine, InCurrency, SpendWatch};
use crate::proto::v1;
use crate::proto::v1::budget_service_server::BudgetService;
use crate::storage::settings::BoostFilter;

pub struct Budget {
    engine: Engine,
    /// Ends streams.
    stopping: CancellationToken,
}

impl Budget {
    pub fn new(context: &ServiceContext) -> Budget {
        Budget { engine: context.engine.clone(), stopping: context.stopping.clone() }
    }
}

#[tonic::async_trait]
impl BudgetService for Budget {
    async fn set_plan(
        &self,
        request: Request<v1::SetPlanRequest>,
    ) -> Result<Response<v1::SetPlanResponse>, Status> {
        let by = by(&request)?;
        let request = authorize(request)?;
        let plan = convert::plan(&request)?;
        let workspace = self.engine.set_plan(by, &request.workspace_id, plan).await?;
        let workspace = Some(workspace_to_proto(workspace));
        Ok(Response::new(v1::SetPlanResponse { workspace }))
    }

    async fn set_automatic_fallback(
        &self,
        request: Request<v1::SetAutomaticFallbackRequest>,
    ) -> Result<Response<v1::SetAutomaticFallbackResponse>, Status> {
        let by = by(&request)?;
        let v1::SetAutomaticFallbackRequest { workspace_id, enabled } = authorize(request)?;
        text::workspace(&workspace_id)?;
        let workspace = self.engine.set_automatic_fallback(by, &workspace_id, enabled).await?;
        let workspace = Some(workspace_to_proto(workspace));
        Ok(Response::new(v1::SetAutomaticFallbackResponse { workspace }))
    }

    async fn get_budget(
        &self,
        request: Request<v1::GetBudgetRequest>,
    ) -> Result<Response<v1::GetBudgetResponse>, Status> {
        let id = authorize(request)?.workspace_id;
        text::workspace(&id)?;
        let budget = self.engine.budget(&id).await?;
        let names = ModelNames::of(&self.engine);
        let budget = Some(budget_to_proto(id, budget, &names));
        Ok(Response::new(v1::GetBudgetResponse { budget }))
    }

    async fn list_cycles(
        &self,
        request: Request<v1::ListCyclesRequest>,
    ) -> Result<Response<v1::ListCyclesResponse>, Status> {
        let request = authorize(request)?;
        let (page, before) = convert::list_cycles(&request)?;
        let found = self.engine.cycles(&request.workspace_id, before, page.fetch()).await?;
        let InCurrency { currency, value: Cycles { calendar, cycles } } = found;
        let position = |last: &CycleView| last.window.start.micros().to_string();
        let to_proto = |cycle| convert::cycle_to_proto(currency, &calendar, &cycle);
        let (cycles, next_page_token) = page.cut(cycles, position, to_proto);
        Ok(Response::new(v1::ListCyclesResponse { cycles, next_page_token }))
    }

    type WatchSpendStream = BoxStream<v1::WatchSpendResponse>;

    async fn watch_spend(
        &self,
        request: Request<v1::WatchSpendRequest>,
    ) -> Result<Response<Self::WatchSpendStream>, Status> {
        let stop = Stop::of(&self.stopping, &request)?;
        let id = authorize(request)?.workspace_id;
        text::workspace(&id)?;
        let watch = self.engine.watch(&id).await?;
        let spend = Spend { engine: self.engine.clone(), workspace_id: id, watch };
        Ok(Response::new(stream(spend, stop)))
    }

    async fn create_budget_boost(
        &self,
        request: Request<v1::CreateBudgetBoostRequest>,
    ) -> Result<Response<v1::CreateBudgetBoostResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, new) = convert::create_boost(authorize(request)?)?;
        let made = self.engine.create::<Boost>(by, &workspace_id, new).await?;
        let boost = Some(boost::to_proto(made));
        Ok(Response::new(v1::CreateBudgetBoostResponse { boost }))
    }

    async fn list_budget_boosts(
        &self,
        request: Request<v1::ListBudgetBoostsRequest>,
    ) -> Result<Response<v1::ListBudgetBoostsResponse>, Status> {
        let request = authorize(request)?;
        let (page, after) = convert::list_boosts(&request)?;
        let (id, filter) = (&request.workspace_id, BoostFilter::Envelope);
        let listed = self.engine.boosts(id, &filter, after, page.fetch()).await?;
        let InCurrency { currency, value: boosts } = listed;
        let (boosts, next_page_token) =
            page.cut(boosts, boost::position, boost::in_currency(currency));
        Ok(Response::new(v1::ListBudgetBoostsResponse { boosts, next_page_token }))
    }

    async fn cancel_budget_boost(
        &self,
        request: Request<v1::CancelBudgetBoostRequest>,
    ) -> Result<Response<v1::CancelBudgetBoostResponse>, Status> {
        let by = by(&request)?;
        let v1::CancelBudgetBoostRequest { workspace_id, boost_id } = authorize(request)?;
        text::resource(&workspace_id, "boost_id", &boost_id)?;
        let envelope = BoostKind::Envelope;
        let ended = self.engine.cancel_boost(by, &workspace_id, envelope, &boost_id).await?;
        let boost = Some(boost::to_proto(ended));
        Ok(Response::new(v1::CancelBudgetBoostResponse { boost }))
    }
}

/// The spend of a workspace, as [`BudgetService::watch_spend`] streams it.
struct Spend {
    engine: Engine,
    workspace_id: String,
    watch: SpendWatch,
}

impl Source for Spend {
    type Item = v1::WatchSpendResponse;

    async fn next(&mut self) -> Result<Option<v1::WatchSpendResponse>, Failure> {
        let budget = self.watch.next().await;
        let sequence = budget.value.revision;
        let names = ModelNames::of(&self.engine);
        let budget = Some(budget_to_proto(self.workspace_id.clone(), budget, &names));
        Ok(Some(v1::WatchSpendResponse { budget, sequence }))
    }
}
