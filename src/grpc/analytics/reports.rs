//! Reports of `AnalyticsService` as protos.

use crate::analytics::range::ReportPeriod;
use crate::analytics::reports::active_users::ActiveUsersPoint;
use crate::analytics::reports::dashboard::Dashboard;
use crate::analytics::reports::first_value::{FirstValueBucket, TimeToFirstValue};
use crate::analytics::reports::live::{Live, UsageTotals};
use crate::analytics::reports::overview::{CountFigure, MoneyFigure, Overview, PercentFigure};
use crate::analytics::reports::ranking::RankedUsage;
use crate::analytics::reports::teams::TeamUsage;
use crate::domain::time::calendar::Calendar;
use crate::domain::workspace::Workspace;
use crate::domain::{Currency, Time};
use crate::engine::LimitStatus;
use crate::grpc::quota::usage_to_proto;
use crate::grpc::shared::money;
use crate::grpc::shared::names::Names;
use crate::grpc::shared::time::{to_duration, to_timestamp};
use crate::proto::v1;
use crate::storage::reports::SignUp;

pub fn period_to_proto(period: &ReportPeriod, calendar: &Calendar) -> v1::ReportPeriod {
    v1::ReportPeriod {
        first_date: period.days.first.to_string(),
        last_date: period.days.last.to_string(),
        start_time: Some(to_timestamp(period.days.window.start)),
        end_time: Some(to_timestamp(period.days.window.end)),
        time_zone: calendar.time_zone().name().to_owned(),
        previous_first_date: period.previous.first.to_string(),
        previous_last_date: period.previous.last.to_string(),
    }
}

pub fn dashboard_to_proto(
    dashboard: Dashboard,
    as_of_time: Time,
    calendar: &Calendar,
    currency: Currency,
) -> v1::GetDashboardResponse {
    let users = dashboard.active_users.iter().map(active_users_to_proto);
    let teams = dashboard.teams.into_iter().map(|team| team_to_proto(team, currency));
    v1::GetDashboardResponse {
        period: Some(period_to_proto(&dashboard.period, calendar)),
        as_of_time: Some(to_timestamp(as_of_time)),
        overview: Some(overview_to_proto(&dashboard.overview, currency)),
        active_users: users.collect(),
        teams: teams.collect(),
        top_workflows: ranked_to_proto(dashboard.top_workflows, currency),
        top_assistants: ranked_to_proto(dashboard.top_assistants, currency),
        time_to_first_value: Some(first_value_to_proto(&dashboard.first_value)),
    }
}

pub fn overview_to_proto(overview: &Overview, currency: Currency) -> v1::Overview {
    let count = |figure: CountFigure| v1::CountFigure {
        value: figure.value,
        previous: figure.previous,
        change_percent: figure.change_percent(),
    };
    let money = |figure: MoneyFigure| v1::MoneyFigure {
        value: Some(money::to_proto(currency, figure.value)),
        previous: Some(money::to_proto(currency, figure.previous)),
        change_percent: figure.change_percent(),
    };
    let PercentFigure { value, previous } = overview.error_rate;
    v1::Overview {
        total_users: Some(count(overview.total_users)),
        active_users: Some(count(overview.active_users)),
        tokens: Some(count(overview.tokens)),
        workflows: Some(count(overview.workflows)),
        assistants: Some(count(overview.assistants)),
        requests: Some(count(overview.requests)),
        spend: Some(money(overview.spend)),
        blocked: overview.blocked.map(count),
        routed: overview.routed.map(count),
        error_rate: Some(v1::PercentFigure { value, previous }),
        total_workflows: Some(count(overview.total_workflows)),
        total_assistants: Some(count(overview.total_assistants)),
    }
}

pub fn active_users_to_proto(point: &ActiveUsersPoint) -> v1::ActiveUsersPoint {
    v1::ActiveUsersPoint {
        first_date: point.bucket.first.to_string(),
        start_time: Some(to_timestamp(point.bucket.window.start)),
        user_count: point.user_count,
    }
}

pub fn team_to_proto(team: TeamUsage, currency: Currency) -> v1::TeamUsage {
    v1::TeamUsage {
        department_id: team.department_id,
        display_name: team.display_name,
        token_count: team.token_count,
        request_count: team.request_count,
        cost: Some(money::to_proto(currency, team.cost)),
        token_share_percent: team.token_share_percent,
        others: team.others,
    }
}

pub fn ranked_to_proto(places: Vec<RankedUsage>, currency: Currency) -> Vec<v1::RankedUsage> {
    let place = |place: RankedUsage| v1::RankedUsage {
        rank: i32::try_from(place.rank).unwrap_or(i32::MAX),
        id: place.id,
        display_name: place.display_name,
        token_count: place.token_count,
        request_count: place.request_count,
        tokens_per_request: place.tokens_per_request,
        cost: Some(money::to_proto(currency, place.cost)),
    };
    places.into_iter().map(place).collect()
}

pub fn first_value_to_proto(found: &TimeToFirstValue) -> v1::TimeToFirstValue {
    let bucket = |bucket: &FirstValueBucket| v1::TimeToFirstValueBucket {
        label: bucket.label.to_owned(),
        from: bucket.from.map(to_duration),
        to: bucket.to.map(to_duration),
        user_count: bucket.user_count,
        share_percent: bucket.share_percent,
    };
    v1::TimeToFirstValue {
        user_count: found.user_count,
        reached_count: found.reached_count,
        median: found.median.map(to_duration),
        buckets: found.buckets.iter().map(bucket).collect(),
    }
}

pub fn never_active_to_proto(user: SignUp) -> v1::NeverActiveUser {
    v1::NeverActiveUser {
        user_id: user.user_id,
        display_name: user.display_name,
        department_id: user.department_id,
        external_id: user.external_id,
        sign_up_time: Some(to_timestamp(user.sign_up_time)),
        last_use_time: user.last_use_time.map(to_timestamp),
    }
}

pub fn live_to_proto(
    workspace: &Workspace,
    as_of_time: Time,
    live: &Live,
    standing: &LimitStatus,
    names: &Names,
) -> v1::LiveMetrics {
    let currency = workspace.currency;
    let money = |amount| money::to_proto(currency, amount);
    let totals = |totals: &UsageTotals| v1::UsageTotals {
        cost: Some(money(totals.cost)),
        request_count: totals.request_count,
        token_count: totals.token_count,
        error_count: totals.error_count,
        start_time: Some(to_timestamp(totals.start_time)),
    };
    let quotas = standing.quotas.iter();
    v1::LiveMetrics {
        as_of_time: Some(to_timestamp(as_of_time)),
        today: Some(totals(&live.today)),
        last_hour: Some(totals(&live.last_hour)),
        month_to_date: Some(totals(&live.month)),
        cycle_to_date: Some(totals(&live.cycle)),
        month_run_rate: live.month_run_rate.map(money),
        cycle_run_rate: live.cycle_run_rate.map(money),
        month_end_time: Some(to_timestamp(live.month_end)),
        cycle_end_time: Some(to_timestamp(live.cycle_end)),
        envelope: standing.envelope.map(money),
        quotas: quotas.map(|usage| usage_to_proto(&workspace.id, currency, usage, names)).collect(),
    }
}
