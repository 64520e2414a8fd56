//! The reports of the dashboard.

use super::*;
use crate::analytics::reports::dashboard::{Rankings, dashboard};
use crate::analytics::reports::first_value::{NeverActivePosition, never_active};
use crate::analytics::reports::live::live;
use crate::analytics::reports::overview::CountFigure;
use crate::analytics::reports::teams::{TEAMS_MAX, teams};
use crate::storage::reports::{OrderBy, SignUp};

const RANKINGS: Rankings =
    Rankings { workflows: OrderBy::Tokens, assistants: OrderBy::Tokens, top: 10 };

fn of(user: &'static str, department: &'static str) -> Vec<(Dimension, &'static str)> {
    vec![
        (Dimension::User, user),
        (Dimension::Department, department),
        (Dimension::Workflow, "triage"),
    ]
}

fn store() -> FakeStore {
    let mut failed = entry("2026-03-15", 20, &of("bob", "law"));
    failed.sums.error_count = 1;
    let entries = vec![
        entry("2026-03-14", 100, &of("ann", "law")),
        failed,
        entry("2026-03-15", 5, &of("ann", "")),
        entry("2026-02-01", 50, &of("ann", "law")),
    ];
    let sign_up = |id: &str, day, first_value_time| SignUp {
        user_id: id.to_owned(),
        display_name: String::new(),
        department_id: "law".to_owned(),
        external_id: String::new(),
        sign_up_time: on(day, 9),
        first_value_time,
        last_use_time: None,
    };
    let sign_ups = vec![
        sign_up("ann", "2026-03-14", Some(on("2026-03-14", 11))),
        sign_up("cid", "2026-03-10", None),
        sign_up("bob", "2026-03-10", None),
        sign_up("eve", "2026-03-12", None),
        sign_up("old", "2026-01-10", None),
    ];
    let names = vec![(Dimension::Department, "law", "Legal")];
    FakeStore { entries, sign_ups, names, ..FakeStore::default() }
}

#[tokio::test]
async fn the_dashboard_has_all_reports() {
    let page =
        run_report!(&store(), |scope| dashboard(&scope, Range::default(), &[], RANKINGS)).unwrap();
    let overview = &page.overview;
    assert_eq!(overview.total_users, CountFigure { value: 2, previous: 1 });
    assert_eq!(overview.active_users, CountFigure { value: 2, previous: 1 });
    assert_eq!(overview.requests, CountFigure { value: 3, previous: 1 });
    assert_eq!(overview.tokens.change_percent(), Some(200.0));
    assert_eq!(overview.spend.value.nanos(), 125);
    assert_eq!(overview.spend.change_percent(), Some(150.0));
    assert_eq!(overview.workflows, CountFigure { value: 1, previous: 1 });
    assert_eq!(overview.assistants, CountFigure { value: 0, previous: 0 });
    assert_eq!(overview.blocked, Some(CountFigure { value: 0, previous: 0 }));
    assert!((overview.error_rate.value.unwrap() - 100.0 / 3.0).abs() < 1e-9);
    assert_eq!(overview.error_rate.previous, Some(0.0));
    assert_eq!(page.active_users.len(), 30);
    let last: Vec<i64> = page.active_users[27..].iter().map(|point| point.user_count).collect();
    assert_eq!(last, [0, 1, 2]);
    let teams: Vec<(&str, i64)> =
        page.teams.iter().map(|team| (team.display_name.as_str(), team.token_count)).collect();
    assert_eq!(teams, [("Legal", 20), ("No department", 10)]);
    assert_eq!(page.top_workflows.len(), 1);
    assert_eq!((page.top_workflows[0].rank, page.top_workflows[0].tokens_per_request), (1, 10.0));
    // Usage without one is not ranked.
    assert!(page.top_assistants.is_empty());
    assert_eq!((page.first_value.user_count, page.first_value.reached_count), (4, 1));
    assert_eq!(page.first_value.median, Some(2 * crate::domain::time::MICROS_PER_HOUR));
}

#[tokio::test]
async fn refusals_are_absent_with_a_filter_that_they_are_not_counted_by() {
    let filters = [only(UsageDimension::Of(Dimension::Department), &["law"])];
    let page =
        run_report!(&store(), |scope| dashboard(&scope, Range::default(), &filters, RANKINGS))
            .unwrap();
    assert_eq!(page.overview.blocked, None);
    assert_eq!(page.overview.requests.value, 2);
    assert_eq!(page.overview.active_users.value, 2);
    assert_eq!(page.teams.len(), 1);
    assert_eq!(page.teams[0].token_share_percent, 100.0);
}

#[tokio::test]
async fn departments_beyond_the_bound_are_one_row() {
    let department = |index: usize| {
        let mut entry = entry("2026-03-14", 1, &[]);
        entry.values.insert(Dimension::Department.as_str(), format!("d-{index:04}"));
        entry
    };
    let entries = (0..TEAMS_MAX).map(department).collect();
    let mut store = FakeStore { entries, ..FakeStore::default() };
    let found = run_report!(&store, |scope| teams(&scope, Range::default(), &[])).unwrap();
    assert_eq!(found.teams.len(), TEAMS_MAX);
    assert!(!found.teams[TEAMS_MAX - 1].others);
    store.entries.push(department(TEAMS_MAX));
    let found = run_report!(&store, |scope| teams(&scope, Range::default(), &[])).unwrap();
    assert_eq!(found.teams.len(), TEAMS_MAX);
    let last = found.teams.last().unwrap();
    assert!(last.others);
    assert_eq!((last.department_id.as_str(), last.token_count), ("", 20));
    let shares: f64 = found.teams.iter().map(|team| team.token_share_percent).sum();
    assert!((shares - 100.0).abs() < 1e-6, "{shares}");
}

#[tokio::test]
async fn users_without_a_first_value_are_paged_from_the_latest_sign_up() {
    let ids = |users: Vec<SignUp>| -> Vec<String> {
        users.into_iter().map(|user| user.user_id).collect()
    };
    let range = Range::default();
    let page = run_report!(&store(), |scope| never_active(&scope, range, None, None, 2)).unwrap();
    let last = page.last().unwrap();
    let after =
        NeverActivePosition { sign_up_time: last.sign_up_time, user_id: last.user_id.clone() };
    assert_eq!(ids(page), ["eve", "bob"]);
    let rest =
        run_report!(&store(), |scope| never_active(&scope, range, None, Some(&after), 2)).unwrap();
    assert_eq!(ids(rest), ["cid"]);
    let other = Some("sales".to_owned());
    let none = run_report!(&store(), |scope| never_active(&scope, range, other, None, 2)).unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn live_metrics_are_of_each_span() {
    let as_of = on(TODAY, 10) - 1;
    let found = run_report!(&store(), |scope| live(&scope, as_of)).unwrap();
    assert_eq!((found.today.cost.nanos(), found.today.error_count), (25, 1));
    assert_eq!(found.last_hour.request_count, 2);
    assert_eq!(found.month.cost.nanos(), 125);
    // Half past noon of the 15th: 348.5 of 744 hours.
    assert_eq!(found.month_run_rate.unwrap().nanos(), 267);
    assert_eq!(found.cycle, found.month);
}
