//! `SimulatePolicy`: its request, its stream, and comparisons of policies as protos.

use tokio::time::{Duration, Instant};

use crate::analytics::axis::limit_to_text;
use crate::domain::time::calendar::Window;
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::domain::{Amount, Currency, Time};
use crate::engine::{
    BacktestRun, Comparison, PolicyChange, RefusedCounts, RefusedRow, ReplayTotals,
};
use crate::grpc::analytics::Place;
use crate::grpc::budget::plan_change;
use crate::grpc::catalog::price_of;
use crate::grpc::model_limit::new_settings;
use crate::grpc::quota::{new_quota, new_rate_limit};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::money;
use crate::grpc::shared::status::Failure;
use crate::grpc::shared::stream::Source;
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;

/// Longest window.
const WINDOW_MAX: Micros = 92 * MICROS_PER_DAY;
/// Most quotas, rate limits and prices, and most that are taken away, each.
const CHANGES_MAX: usize = 100;
/// How long a caller waits for news.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

const REQUIRED_ID: &str = "expected an id: the answer names it";

pub struct Call {
    pub workspace_id: String,
    pub window: Window,
    pub change: PolicyChange,
}

pub fn request(request: v1::SimulatePolicyRequest, now: Time) -> Decoded<Call> {
    let v1::SimulatePolicyRequest { workspace_id, start_time, end_time, change } = request;
    decode(|at| {
        at.workspace_id(&workspace_id);
        let start_at = at.field("start_time");
        let start = start_at.required(start_time).and_then(|time| start_at.instant(time));
        let end_at = at.field("end_time");
        let end = end_time.map_or(Some(now), |time| end_at.instant(time));
        let window = Window { start: start?, end: end? };
        check_window(at, window, now);
        let change_at = at.field("change");
        let change = change.unwrap_or_default();
        let change = policy(change_at, &workspace_id, change, (window.start, now));
        Some(Call { workspace_id, window, change })
    })
}

fn check_window(at: Decoder<'_>, Window { start, end }: Window, now: Time) {
    let (start_at, end_at) = (at.field("start_time"), at.field("end_time"));
    start_at.ensure(start < now, "expected a time in the past");
    end_at.ensure(end <= now, "expected a time that is not in the future");
    if start < now {
        end_at.ensure(start < end, "expected a time after start_time");
    }
    end_at.ensure(end - start <= WINDOW_MAX, "expected at most 92 days after start_time");
}

fn policy(
    at: Decoder<'_>,
    workspace_id: &str,
    change: v1::PolicyChange,
    (start, now): (Time, Time),
) -> PolicyChange {
    let v1::PolicyChange { plan, automatic_fallback, model_limits, prices, .. } = change;
    let v1::PolicyChange { quotas, rate_limits, .. } = change;
    let quotas_at = at.field("quotas");
    let quotas = quotas_at.at_most(quotas, CHANGES_MAX).into_iter().enumerate();
    let quotas = quotas.filter_map(|(index, quota)| {
        let at = quotas_at.item(index);
        at.field("quota_id").ensure(!quota.quota_id.is_empty(), REQUIRED_ID);
        new_quota(at, workspace_id, quota, now)
    });
    let limits_at = at.field("rate_limits");
    let rate_limits = limits_at.at_most(rate_limits, CHANGES_MAX).into_iter().enumerate();
    let rate_limits = rate_limits.filter_map(|(index, limit)| {
        let at = limits_at.item(index);
        at.field("rate_limit_id").ensure(!limit.rate_limit_id.is_empty(), REQUIRED_ID);
        new_rate_limit(at, workspace_id, limit)
    });
    let prices_at = at.field("prices");
    let prices = prices_at.at_most(prices, CHANGES_MAX).into_iter().enumerate();
    let prices = prices.filter_map(|(index, simulated)| {
        let at = prices_at.item(index);
        at.field("model_id").model_id(&simulated.model_id);
        let (at, price) = at.message("price", simulated.price)?;
        Some(price_of(at, (&simulated.model_id, workspace_id), price, start))
    });
    let ids = |field, ids| {
        at.field(field).each_of(ids, CHANGES_MAX, |at, id: &String| at.resource_id(id))
    };
    PolicyChange {
        plan: plan.map(|plan| plan_change(at.field("plan"), &plan)),
        automatic_fallback,
        model_limits: new_settings(at.field("model_limits"), model_limits),
        quotas: quotas.collect(),
        removed_quota_ids: ids("removed_quota_ids", change.removed_quota_ids),
        rate_limits: rate_limits.collect(),
        removed_rate_limit_ids: ids("removed_rate_limit_ids", change.removed_rate_limit_ids),
        prices: prices.collect(),
    }
}

/// A simulation under way; its place is free when it is dropped, as it is when its reader leaves.
pub struct Simulation {
    run: BacktestRun,
    is_over: bool,
    _place: Place,
}

impl Simulation {
    pub fn new(run: BacktestRun, place: Place) -> Simulation {
        Simulation { run, is_over: false, _place: place }
    }

    fn progress(&self) -> v1::SimulationProgress {
        let (entry_count, until) = self.run.progress();
        let Window { start, end } = self.run.window;
        v1::SimulationProgress {
            replayed_until_time: Some(to_timestamp(until)),
            entry_count,
            share: (until - start) as f64 / (end - start) as f64,
        }
    }
}

/// Nothing is replayed before the reader wants it.
impl Source for Simulation {
    type Item = v1::SimulatePolicyResponse;

    async fn next(&mut self) -> Result<Option<v1::SimulatePolicyResponse>, Failure> {
        use v1::simulate_policy_response::Message;
        if self.is_over {
            return Ok(None);
        }
        let begun = Instant::now();
        let message = loop {
            if let Some(comparison) = self.run.next().await? {
                self.is_over = true;
                break Message::Result(to_proto(&comparison, self.run.currency, self.run.window));
            }
            if begun.elapsed() >= PROGRESS_INTERVAL {
                break Message::Progress(self.progress());
            }
        };
        Ok(Some(v1::SimulatePolicyResponse { message: Some(message) }))
    }
}

fn to_proto(found: &Comparison, currency: Currency, window: Window) -> v1::SimulationResult {
    let text = |row: &RefusedRow<String>| value(row, row.key.clone(), currency);
    let limit = |row: &RefusedRow<_>| value(row, limit_to_text(&row.key), currency);
    v1::SimulationResult {
        start_time: Some(to_timestamp(window.start)),
        end_time: Some(to_timestamp(window.end)),
        entry_count: found.entry_count,
        left_out_count: found.left_out_count,
        today: Some(totals(&found.today, currency)),
        changed: Some(totals(&found.changed, currency)),
        limits: found.top.limits.iter().map(limit).collect(),
        models: found.top.models.iter().map(text).collect(),
        departments: found.top.departments.iter().map(text).collect(),
        users: found.top.users.iter().map(text).collect(),
        assumptions: assumptions(),
    }
}

/// All of them.
fn assumptions() -> Vec<i32> {
    let known = |number: &i32| v1::SimulationAssumption::try_from(*number).is_ok();
    (1..).take_while(known).collect()
}

fn totals(totals: &ReplayTotals, currency: Currency) -> v1::SimulatedTotals {
    let money = |amount: Amount| Some(money::to_proto(currency, amount));
    v1::SimulatedTotals {
        request_count: totals.request_count,
        allowed_count: totals.allowed_count,
        undecided_count: totals.undecided_count,
        cost: money(totals.cost),
        credits: money(totals.credits),
        refused: Some(refusals(&totals.refused, currency)),
    }
}

fn value<K>(row: &RefusedRow<K>, value: String, currency: Currency) -> v1::SimulatedValue {
    let [today, changed] = [&row.today, &row.changed].map(|it| Some(refusals(it, currency)));
    v1::SimulatedValue { value, today, changed }
}

fn refusals(counts: &RefusedCounts, currency: Currency) -> v1::SimulatedRefusals {
    let money = |amount: Amount| Some(money::to_proto(currency, amount));
    v1::SimulatedRefusals {
        blocked_count: counts.blocked_count,
        routed_count: counts.routed_count,
        saved: money(counts.saved),
        not_served: money(counts.not_served),
        first_blocked_time: counts.first_blocked.map(to_timestamp),
        first_routed_time: counts.first_routed.map(to_timestamp),
    }
}
