//! Attribution that a workspace requires, the first day of its week, and windows of an hour, a
//! quarter and a year.

use tollgate::proto::v1;
use tonic::{Code, Status};

use super::{Type, count_quota, create_quota, money_quota, quota_usage, subject};
use crate::fixtures::{ACME, acme, check, record, refused_fields};
use crate::server::Server;

async fn update(server: &Server, workspace: v1::Workspace) -> Result<v1::Workspace, Status> {
    let workspace = v1::Workspace { workspace_id: ACME.to_owned(), ..workspace };
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
    let updated = server.workspace().update_workspace(request).await?.into_inner();
    Ok(updated.workspace.unwrap())
}

fn named(fields: &[&str]) -> v1::Workspace {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    v1::Workspace { required_attribution_fields: fields, ..Default::default() }
}

#[tokio::test]
async fn a_check_without_required_attribution_is_blocked() {
    let server = acme().await;
    let updated = update(&server, named(&["investigation_id", "user_id"])).await.unwrap();
    assert_eq!(updated.required_attribution_fields, ["user_id", "investigation_id"]);

    let answer = server.usage().check_and_route(check("r-1", "big")).await.unwrap().into_inner();
    assert_eq!(answer.decision(), v1::Decision::Blocked);
    assert_eq!(answer.reason(), v1::Reason::AttributionMissing);
    let missing: Vec<_> = answer.verdicts.iter().map(|it| it.attribution_field.as_str()).collect();
    assert_eq!(missing, ["user_id", "investigation_id"]);
    assert_eq!(answer.verdicts[0].subject, subject(Type::User, ""));
    assert!(answer.verdicts.iter().all(|verdict| verdict.blocking));

    let attribution = v1::Attribution {
        user_id: "ada".to_owned(),
        investigation_id: "case-1".to_owned(),
        ..Default::default()
    };
    let whole = v1::CheckAndRouteRequest { attribution: Some(attribution), ..check("r-1", "big") };
    let answer = server.usage().check_and_route(whole).await.unwrap().into_inner();
    assert_eq!(answer.decision(), v1::Decision::Allowed);
    // What was used is charged whoever it was for.
    server.usage().record_usage(record("r-2", "big")).await.unwrap();

    for fields in [&["user"][..], &["user_id", "user_id"], &["tags"]] {
        let status = update(&server, named(fields)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(refused_fields(&status)[0].starts_with("workspace.required_attribution_fields["));
    }
}

#[tokio::test]
async fn quotas_count_by_the_hour_the_quarter_and_the_year() {
    let server = acme().await;
    for (id, period) in [
        ("hour", v1::LimitPeriod::Hour),
        ("quarter", v1::LimitPeriod::Quarter),
        ("year", v1::LimitPeriod::Year),
    ] {
        let quota = money_quota(id, Type::Workspace, "", "100");
        let quota = v1::Quota { period: period.into(), ..quota };
        let made = create_quota(&server, quota).await.unwrap();
        assert_eq!(made.period(), period);
    }
    server.usage().record_usage(record("r-1", "big")).await.unwrap();
    let usages = quota_usage(&server).await;
    let seconds = |usage: &v1::QuotaUsage| {
        let [start, end] = [&usage.window_start_time, &usage.reset_time];
        end.as_ref().unwrap().seconds - start.as_ref().unwrap().seconds
    };
    let lengths: Vec<_> = usages.iter().map(|it| (it.quota_id.as_str(), seconds(it))).collect();
    // The clock stands in March 2026.
    assert_eq!(lengths, [("hour", 3_600), ("quarter", 90 * 86_400), ("year", 365 * 86_400)]);
}

#[tokio::test]
async fn a_week_begins_on_the_day_that_is_set() {
    let server = acme().await;
    let quota = count_quota("week", Type::Workspace, "", v1::LimitUnit::Requests, 10);
    let quota = v1::Quota { period: v1::LimitPeriod::Week.into(), ..quota };
    create_quota(&server, quota).await.unwrap();
    let start = || async {
        quota_usage(&server).await[0].window_start_time.as_ref().unwrap().seconds / 86_400
    };
    let monday = start().await;
    // 1970-01-01 was a Thursday.
    assert_eq!((monday + 3) % 7, 0);
    let sunday = v1::DayOfWeek::Sunday.into();
    let updated =
        update(&server, v1::Workspace { first_day_of_week: sunday, ..Default::default() });
    assert_eq!(updated.await.unwrap().first_day_of_week(), v1::DayOfWeek::Sunday);
    assert_eq!((start().await + 4) % 7, 0);
    let status =
        update(&server, v1::Workspace { first_day_of_week: 8, ..Default::default() }).await;
    assert_eq!(refused_fields(&status.unwrap_err()), ["workspace.first_day_of_week"]);
}
