//! Reports about whoever the directory knows: names, users in all, how long they took to their
//! first value, and who has not got there.

use prost_types::Duration;
use tollgate::proto::v1;

use crate::analytics::setup::{Dimension, Metric, ask, attempt, days, instant, priced, query};
use crate::fixtures::{ACME, refused_fields};
use crate::server::Server;

fn user(id: &str, department_id: &str, sign_up_time: &str) -> v1::DirectoryEntry {
    v1::DirectoryEntry {
        kind: v1::DirectoryKind::User.into(),
        id: id.to_owned(),
        display_name: format!("User {id}"),
        department_id: department_id.to_owned(),
        external_id: format!("hr-{id}"),
        sign_up_time: Some(instant(sign_up_time)),
        ..Default::default()
    }
}

fn named(kind: v1::DirectoryKind, id: &str, display_name: &str) -> v1::DirectoryEntry {
    let (id, display_name) = (id.to_owned(), display_name.to_owned());
    v1::DirectoryEntry { kind: kind.into(), id, display_name, ..Default::default() }
}

async fn register(server: &Server, entries: Vec<v1::DirectoryEntry>) {
    let request = v1::UpsertEntriesRequest { workspace_id: ACME.to_owned(), entries };
    server.directory().upsert_entries(request).await.unwrap();
}

/// Six users of this month and one of long ago; ann, bob and cid got there.
async fn with_people() -> Server {
    let server = priced().await;
    let mut eve = user("eve", "ops", "2026-03-10T09:00:00Z");
    // Reported by the caller: another event.
    eve.first_value_time = Some(instant("2026-03-14T09:00:00Z"));
    let entries = vec![
        user("ann", "law", "2026-03-14T09:30:00Z"),
        user("bob", "law", "2026-03-14T00:00:00Z"),
        user("cid", "ops", "2026-03-15T11:00:00Z"),
        user("dan", "ops", "2026-03-10T09:00:00Z"),
        eve,
        user("fay", "law", "2026-03-10T09:00:00Z"),
        user("old", "law", "2026-01-10T09:00:00Z"),
        named(v1::DirectoryKind::Department, "law", "Legal"),
    ];
    register(&server, entries).await;
    // Half an hour after sign-up; before that it failed.
    let failed = attempt("r-1", "small").user("ann", "").at("2026-03-14T09:40:00Z");
    failed.outcome(v1::Outcome::Error).send(&server).await;
    attempt("r-2", "small").user("ann", "").at("2026-03-14T10:00:00Z").send(&server).await;
    // 12 hours.
    attempt("r-3", "small").user("bob", "").at("2026-03-14T12:00:00Z").send(&server).await;
    // Before the sign-up: at once.
    attempt("r-4", "small").user("cid", "").at("2026-03-15T10:00:00Z").send(&server).await;
    let failed = attempt("r-5", "small").user("dan", "").at("2026-03-11T10:00:00Z");
    failed.outcome(v1::Outcome::Error).send(&server).await;
    server
}

async fn first_value(server: &Server, department_id: &str) -> v1::TimeToFirstValue {
    let request = v1::GetTimeToFirstValueRequest {
        workspace_id: ACME.to_owned(),
        range: None,
        department_id: department_id.to_owned(),
    };
    let response = server.analytics().get_time_to_first_value(request).await.unwrap();
    response.into_inner().time_to_first_value.unwrap()
}

fn counts(found: &v1::TimeToFirstValue) -> Vec<i64> {
    found.buckets.iter().map(|bucket| bucket.user_count).collect()
}

#[tokio::test]
async fn times_to_first_value_are_spread_over_seven_parts() {
    let server = with_people().await;
    let found = first_value(&server, "").await;
    assert_eq!((found.user_count, found.reached_count), (6, 4));
    // At once, half an hour, 12 hours, 4 days, and two never.
    assert_eq!(counts(&found), [2, 0, 1, 0, 1, 0, 2]);
    assert_eq!(found.median, Some(Duration { seconds: (30 + 720) * 60 / 2, nanos: 0 }));
    let first = &found.buckets[0];
    assert_eq!(first.from, Some(Duration::default()));
    assert_eq!(first.to, Some(Duration { seconds: 3_600, nanos: 0 }));
    assert!((first.share_percent - 100.0 / 3.0).abs() < 1e-9);
    let never = found.buckets.last().unwrap();
    assert_eq!((never.from, never.to), (None, None));
    let of_law = first_value(&server, "law").await;
    assert_eq!((of_law.user_count, counts(&of_law)), (3, vec![1, 0, 1, 0, 0, 0, 1]));

    let request = v1::GetDashboardRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let page = server.analytics().get_dashboard(request).await.unwrap().into_inner();
    assert_eq!(page.time_to_first_value, Some(found));
    let total = page.overview.unwrap().total_users.unwrap();
    // Registered or seen before the end of each period.
    assert_eq!(total.value, 7);
}

#[tokio::test]
async fn users_without_value_are_listed_in_pages() {
    let server = with_people().await;
    let list = async |department_id: &str, page_token: &str| {
        let request = v1::ListNeverActiveUsersRequest {
            workspace_id: ACME.to_owned(),
            range: days("2026-01-01", "2026-03-15"),
            department_id: department_id.to_owned(),
            page_size: 2,
            page_token: page_token.to_owned(),
        };
        server.analytics().list_never_active_users(request).await.map(|ok| ok.into_inner())
    };
    let page = list("", "").await.unwrap();
    let ids = |page: &v1::ListNeverActiveUsersResponse| -> Vec<String> {
        page.users.iter().map(|user| user.user_id.clone()).collect()
    };
    assert_eq!(ids(&page), ["dan", "fay"]);
    let dan = &page.users[0];
    assert_eq!((dan.display_name.as_str(), dan.department_id.as_str()), ("User dan", "ops"));
    assert_eq!(dan.external_id, "hr-dan");
    assert_eq!(dan.sign_up_time, Some(instant("2026-03-10T09:00:00Z")));
    // It tried, without success.
    assert_eq!(dan.last_use_time, Some(instant("2026-03-11T10:00:00Z")));
    assert_eq!(page.users[1].last_use_time, None);
    let last = list("", &page.next_page_token).await.unwrap();
    assert_eq!((ids(&last), last.next_page_token.as_str()), (vec!["old".to_owned()], ""));
    assert_eq!(ids(&list("law", "").await.unwrap()), ["fay", "old"]);
    // A token is of its filter.
    let refused = list("law", &page.next_page_token).await.unwrap_err();
    assert_eq!(refused_fields(&refused), ["page_token"]);
}

#[tokio::test]
async fn what_is_registered_is_shown_by_its_name() {
    let server = with_people().await;
    let response = ask(&server, query(&[Metric::Requests], &[Dimension::Department])).await;
    let names: Vec<(String, String)> = response
        .groups
        .into_iter()
        .map(|mut group| group.keys.remove(0))
        .map(|key| (key.value, key.display_name))
        .collect();
    let pair = |id: &str, name: &str| (id.to_owned(), name.to_owned());
    // The department of a user is that of the directory; ops has no name.
    assert_eq!(names, [pair("law", "Legal"), pair("ops", "ops")]);
    let request =
        v1::GetTokenUsageByTeamRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let teams = server.analytics().get_token_usage_by_team(request).await.unwrap().into_inner();
    assert_eq!(teams.teams[0].display_name, "Legal");
    let response = ask(&server, query(&[Metric::Cost], &[Dimension::User])).await;
    assert_eq!(response.groups[0].keys[0].display_name, "User ann");
}
