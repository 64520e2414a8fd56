//! The gRPC client of a replay. Knows the server by its protos alone, as any caller does.

use std::time::Duration;

use chrono::DateTime;
use rust_decimal::Decimal;
use tollgate::proto::v1::budget_service_client::BudgetServiceClient;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::proto::v1::{
    self, Attribution, BudgetState, CheckAndRouteRequest, CheckAndRouteResponse, GetBudgetRequest,
    Money, Outcome, RecordUsageRequest, Usage, UsageSource,
};
use tollgate::telemetry::code_name;
use tollgate_lab::replay::tally::{Decision, Failure};
use tollgate_lab::replay::trace::Row;
use tollgate_lab::replay::{Budget, Recorded, Server};
use tonic::Request;

use super::Replay;
use crate::cli::client::{Authorized, CallError};

/// Longest wait for one answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What the replayed requests are attributed to.
const WORKFLOW_ID: &str = "replay";

#[derive(Clone)]
pub struct Client {
    usage: UsageServiceClient<Authorized>,
    budget: BudgetServiceClient<Authorized>,
    workspace_id: String,
    model_id: String,
    max_output_token_count: Option<i64>,
}

impl Client {
    pub async fn connect(arguments: &Replay) -> Result<Client, CallError> {
        let channel = arguments.connection.open().await?;
        Ok(Client {
            usage: UsageServiceClient::new(channel.clone()),
            budget: BudgetServiceClient::new(channel),
            workspace_id: arguments.workspace.clone(),
            model_id: arguments.model.clone(),
            max_output_token_count: arguments.max_output_tokens,
        })
    }
}

impl Server for Client {
    async fn check(&mut self, request_id: &str, row: Row) -> Result<Decision, Failure> {
        let request = CheckAndRouteRequest {
            workspace_id: self.workspace_id.clone(),
            request_id: request_id.to_owned(),
            model_id: self.model_id.clone(),
            input_token_count: row.input_token_count,
            max_output_token_count: self.max_output_token_count,
            attribution: Some(attribution()),
            ..CheckAndRouteRequest::default()
        };
        let answer = self.usage.check_and_route(timed(request)).await;
        let answer = answer.map_err(|status| failed("CheckAndRoute", &status))?;
        Ok(decision(answer.into_inner()))
    }

    async fn record(
        &mut self,
        request_id: &str,
        model_id: &str,
        row: Row,
    ) -> Result<Recorded, Failure> {
        let request = RecordUsageRequest {
            workspace_id: self.workspace_id.clone(),
            request_id: request_id.to_owned(),
            model_id: model_id.to_owned(),
            usage: Some(Usage {
                input_token_count: row.input_token_count,
                output_token_count: row.output_token_count,
                ..Usage::default()
            }),
            outcome: Outcome::Success.into(),
            usage_source: UsageSource::Provider.into(),
            attribution: Some(attribution()),
            ..RecordUsageRequest::default()
        };
        let answer = self.usage.record_usage(timed(request)).await;
        let answer = answer.map_err(|status| failed("RecordUsage", &status))?.into_inner();
        Ok(Recorded { cost: amount(answer.cost), unpriced: answer.unpriced })
    }

    async fn budget(&mut self) -> Result<Budget, String> {
        let workspace_id = self.workspace_id.clone();
        let error = |message: &str| format!("workspace {workspace_id:?}: {message}");
        let request = GetBudgetRequest { workspace_id: workspace_id.clone() };
        let answer = self.budget.get_budget(timed(request)).await;
        let answer = answer.map_err(|status| error(status.message()))?.into_inner();
        let budget = answer.budget.ok_or_else(|| error("the server answered without a budget"))?;
        let state = BudgetState::try_from(budget.state).unwrap_or_default().as_str_name();
        let cycle_start = budget.cycle_start_time.as_ref().and_then(|time| {
            DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos).ok()?)
        });
        Ok(Budget {
            state: state.trim_start_matches("BUDGET_STATE_").to_owned(),
            currency: budget.spent.as_ref().map(|m| m.currency_code.clone()).unwrap_or_default(),
            plan_budget: amount(budget.plan_budget),
            overage_limit: amount(budget.overage_limit),
            spent: amount(budget.spent),
            held: amount(budget.held),
            remaining: amount(budget.remaining),
            cycle_start,
        })
    }
}

/// A request that is not waited for without end.
fn timed<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

fn attribution() -> Attribution {
    Attribution { workflow_id: WORKFLOW_ID.to_owned(), ..Attribution::default() }
}

fn decision(response: CheckAndRouteResponse) -> Decision {
    match response.decision() {
        v1::Decision::Allowed => Decision::Allowed(response.model_id),
        v1::Decision::Routed => Decision::Routed(response.model_id),
        v1::Decision::Blocked | v1::Decision::Unspecified => {
            let reason = response.reason().as_str_name();
            Decision::Blocked(reason.trim_start_matches("REASON_").to_owned())
        }
    }
}

fn amount(money: Option<Money>) -> Option<Decimal> {
    money?.amount.parse().ok()
}

fn failed(call: &'static str, status: &tonic::Status) -> Failure {
    Failure {
        call,
        code: code_name(status.code()).to_owned(),
        message: status.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_named_as_grpc_names_them() {
        assert_eq!(code_name(tonic::Code::Unavailable), "UNAVAILABLE");
        assert_eq!(code_name(tonic::Code::InvalidArgument), "INVALID_ARGUMENT");
    }
}
