//! The directory: what is registered, what was only seen, and the department of a user.

use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_SECOND};
use tollgate::proto::v1;
use tonic::{Code, Status};

use crate::fixtures::{
    ACME, acme, assert_failed, audit_events, by, create_workspace, record, refused_fields,
};
use crate::limits::{Type, ask, check_for, create_quota, money_quota, of, spend, user};
use crate::server::Server;
use crate::transport::bad_input::{Row, after_start, chars, refuse};

use v1::Decision::{Allowed, Blocked};
use v1::DirectoryKind as Kind;
use v1::DirectoryState as State;

pub fn entry(kind: Kind, id: &str) -> v1::DirectoryEntry {
    v1::DirectoryEntry { kind: kind.into(), id: id.to_owned(), ..Default::default() }
}

pub fn in_department(id: &str, department: &str) -> v1::DirectoryEntry {
    v1::DirectoryEntry { department_id: department.to_owned(), ..entry(Kind::User, id) }
}

pub async fn upsert(
    server: &Server,
    entries: Vec<v1::DirectoryEntry>,
) -> Result<Vec<v1::DirectoryEntry>, Status> {
    let request = v1::UpsertEntriesRequest { workspace_id: ACME.to_owned(), entries };
    Ok(server.directory().upsert_entries(by("eve", request)).await?.into_inner().entries)
}

pub async fn get(server: &Server, kind: Kind, id: &str) -> Result<v1::DirectoryEntry, Status> {
    let request =
        v1::GetEntryRequest { workspace_id: ACME.to_owned(), kind: kind.into(), id: id.to_owned() };
    Ok(server.directory().get_entry(request).await?.into_inner().entry.unwrap())
}

fn listing(kind: Kind, state: State) -> v1::ListEntriesRequest {
    v1::ListEntriesRequest {
        workspace_id: ACME.to_owned(),
        kind: kind.into(),
        state: state.into(),
        ..Default::default()
    }
}

/// All ids, read in pages of two.
async fn list(server: &Server, request: v1::ListEntriesRequest) -> Vec<String> {
    let mut ids = Vec::new();
    let mut request = v1::ListEntriesRequest { page_size: 2, ..request };
    loop {
        let listed = server.directory().list_entries(request.clone()).await.unwrap().into_inner();
        assert!(listed.entries.len() <= 2);
        ids.extend(listed.entries.into_iter().map(|entry| entry.id));
        if listed.next_page_token.is_empty() {
            return ids;
        }
        request.page_token = listed.next_page_token;
    }
}

#[tokio::test]
async fn entries_are_found_by_words_of_ids_and_names_and_counted() {
    let server = acme().await;
    let named = |id: &str, name: &str| v1::DirectoryEntry {
        kind: Kind::User.into(),
        id: id.to_owned(),
        display_name: name.to_owned(),
        ..Default::default()
    };
    let entries = vec![named("u-1", "Ada Lovelace"), named("u-2", "Bob"), named("u-3", "Ada B.")];
    let request = v1::UpsertEntriesRequest { workspace_id: ACME.to_owned(), entries };
    server.directory().upsert_entries(request).await.unwrap();
    spend(&server, "r-1", "big", user("ada@example.com")).await;
    let found = async |query: &str, state: State, page_size: i32| {
        let query = query.to_owned();
        let request = v1::ListEntriesRequest { query, page_size, ..listing(Kind::User, state) };
        let listed = server.directory().list_entries(request).await.unwrap().into_inner();
        let ids: Vec<String> = listed.entries.into_iter().map(|entry| entry.id).collect();
        (ids.join(" "), listed.total_count, listed.next_page_token)
    };
    for (query, state, ids, count) in [
        ("", State::Unspecified, "ada@example.com u-1 u-2 u-3", 4),
        ("ADA", State::Unspecified, "ada@example.com u-1 u-3", 3),
        ("ada", State::Active, "u-1 u-3", 2),
        ("b ada", State::Unspecified, "u-3", 1),
        ("example", State::Seen, "ada@example.com", 1),
        ("da", State::Unspecified, "", 0),
    ] {
        let (found, total, _) = found(query, state, 9).await;
        assert_eq!((found.as_str(), total), (ids, count), "{query}");
    }
    let (first, total, page_token) = found("ada", State::Unspecified, 2).await;
    assert_eq!((first.as_str(), total), ("ada@example.com u-1", 3));
    let request = v1::ListEntriesRequest {
        query: "ada".to_owned(),
        page_token,
        ..listing(Kind::User, State::Unspecified)
    };
    let listed = server.directory().list_entries(request.clone()).await.unwrap().into_inner();
    assert_eq!((listed.entries[0].id.as_str(), listed.total_count), ("u-3", 3));
    let other = v1::ListEntriesRequest { query: "bob".to_owned(), ..request };
    let status = server.directory().list_entries(other).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["page_token"]);
}

async fn archive(
    server: &Server,
    kind: Kind,
    ids: &[&str],
) -> Result<Vec<v1::DirectoryEntry>, Status> {
    let request = v1::ArchiveEntriesRequest {
        workspace_id: ACME.to_owned(),
        kind: kind.into(),
        ids: ids.iter().map(ToString::to_string).collect(),
    };
    Ok(server.directory().archive_entries(by("eve", request)).await?.into_inner().entries)
}

async fn restore(
    server: &Server,
    kind: Kind,
    ids: &[&str],
) -> Result<Vec<v1::DirectoryEntry>, Status> {
    let request = v1::RestoreEntriesRequest {
        workspace_id: ACME.to_owned(),
        kind: kind.into(),
        ids: ids.iter().map(ToString::to_string).collect(),
    };
    Ok(server.directory().restore_entries(by("eve", request)).await?.into_inner().entries)
}

fn full(id: &str) -> v1::DirectoryEntry {
    v1::DirectoryEntry {
        display_name: "Ada Lovelace".to_owned(),
        department_id: "engines".to_owned(),
        external_id: "hr-1815".to_owned(),
        sign_up_time: after_start(-3_600),
        first_value_time: after_start(-60),
        ..entry(Kind::User, id)
    }
}

// -- What is registered.

#[tokio::test]
async fn entries_come_back_as_they_were_registered() {
    let server = acme().await;
    let kinds = [
        Kind::User,
        Kind::Department,
        Kind::Assistant,
        Kind::Workflow,
        Kind::Feature,
        Kind::Project,
        Kind::Investigation,
    ];
    let all: Vec<v1::DirectoryEntry> = kinds.map(|kind| entry(kind, "x ü")).to_vec();
    let made = upsert(&server, all.clone()).await.unwrap();
    for (made, given) in made.iter().zip(all) {
        let (create_time, update_time) = (after_start(0), after_start(0));
        let expected = v1::DirectoryEntry { registered: true, create_time, update_time, ..given };
        assert_eq!(*made, expected);
        assert_eq!(get(&server, made.kind(), "x ü").await.unwrap(), expected);
    }
    // What is output only is ignored.
    let given = v1::DirectoryEntry {
        first_use_time: after_start(9),
        last_use_time: after_start(9),
        first_success_time: after_start(9),
        create_time: after_start(9),
        update_time: after_start(9),
        archive_time: after_start(9),
        ..full("ada")
    };
    let made = upsert(&server, vec![given]).await.unwrap().remove(0);
    let (create_time, update_time) = (after_start(0), after_start(0));
    let expected = v1::DirectoryEntry { registered: true, create_time, update_time, ..full("ada") };
    assert_eq!(made, expected);
    // The same once more changes nothing; anything else replaces all of it.
    server.clock.advance(MICROS_PER_SECOND);
    let again = upsert(&server, vec![full("ada")]).await.unwrap().remove(0);
    assert_eq!(again, expected);
    let made = upsert(&server, vec![entry(Kind::User, "ada")]).await.unwrap().remove(0);
    let update_time = after_start(1);
    let expected = v1::DirectoryEntry {
        registered: true,
        create_time,
        update_time,
        ..entry(Kind::User, "ada")
    };
    assert_eq!(made, expected);
    let status = get(&server, Kind::Assistant, "ada").await.unwrap_err();
    let facts = [("resource", "assistant"), ("id", "ada")];
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &facts);
}

#[tokio::test]
async fn a_full_batch_is_taken_and_workspaces_are_apart() {
    let server = acme().await;
    create_workspace(&server, "other").await;
    let many: Vec<v1::DirectoryEntry> =
        (0..1_000).map(|n| in_department(&format!("u{n:04}"), "sales")).collect();
    let made = upsert(&server, many.clone()).await.unwrap();
    assert_eq!(made.len(), 1_000);
    assert!(made.iter().zip(&many).all(|(made, given)| made.id == given.id && made.registered));
    let request = v1::ListEntriesRequest { page_size: 5_000, ..listing(Kind::User, State::Active) };
    let listed = server.directory().list_entries(request.clone()).await.unwrap().into_inner();
    assert_eq!((listed.entries, listed.next_page_token.as_str()), (made, ""));
    let request = v1::ListEntriesRequest { workspace_id: "other".to_owned(), ..request };
    let listed = server.directory().list_entries(request).await.unwrap().into_inner();
    assert!(listed.entries.is_empty());
}

#[tokio::test]
async fn ids_that_were_only_seen_are_listed_with_their_times() {
    let server = acme().await;
    let whom = v1::Attribution {
        assistant_id: "writer".to_owned(),
        workflow_id: "mail".to_owned(),
        feature_id: "draft".to_owned(),
        project_id: "p".to_owned(),
        investigation_id: "case".to_owned(),
        department_id: "sales".to_owned(),
        ..user("bob")
    };
    let failed = v1::RecordUsageRequest {
        attribution: Some(whom.clone()),
        outcome: v1::Outcome::Error.into(),
        ..record("r-1", "big")
    };
    server.usage().record_usage(failed).await.unwrap();
    server.clock.advance(MICROS_PER_SECOND);
    spend(&server, "r-2", "big", whom.clone()).await;
    server.clock.advance(MICROS_PER_SECOND);
    spend(&server, "r-3", "big", whom).await;
    for (kind, id) in [
        (Kind::User, "bob"),
        (Kind::Department, "sales"),
        (Kind::Assistant, "writer"),
        (Kind::Workflow, "mail"),
        (Kind::Feature, "draft"),
        (Kind::Project, "p"),
        (Kind::Investigation, "case"),
    ] {
        let expected = v1::DirectoryEntry {
            first_use_time: after_start(0),
            last_use_time: after_start(2),
            first_success_time: after_start(1),
            ..entry(kind, id)
        };
        assert_eq!(get(&server, kind, id).await.unwrap(), expected);
        assert_eq!(list(&server, listing(kind, State::Unspecified)).await, [id]);
        assert_eq!(list(&server, listing(kind, State::Seen)).await, [id]);
        assert!(list(&server, listing(kind, State::Active)).await.is_empty());
    }
    // Registered afterwards, it keeps when it was seen.
    let made = upsert(&server, vec![entry(Kind::User, "bob")]).await.unwrap().remove(0);
    assert!(made.registered);
    assert_eq!((made.first_use_time, made.last_use_time), (after_start(0), after_start(2)));
    assert!(list(&server, listing(Kind::User, State::Seen)).await.is_empty());
    assert_eq!(list(&server, listing(Kind::User, State::Active)).await, ["bob"]);
}

#[tokio::test]
async fn entries_are_listed_by_id_in_pages_and_filtered() {
    let server = acme().await;
    let sales = ["b", "d", "f", "h"].map(|id| in_department(id, "sales"));
    upsert(&server, [sales.to_vec(), vec![entry(Kind::User, "c")]].concat()).await.unwrap();
    for (number, id) in ["a", "b", "e", "z", "é"].into_iter().enumerate() {
        spend(&server, &format!("r-{number}"), "small", user(id)).await;
    }
    archive(&server, Kind::User, &["d"]).await.unwrap();
    let all = ["a", "b", "c", "e", "f", "h", "z", "é"];
    assert_eq!(list(&server, listing(Kind::User, State::Unspecified)).await, all);
    assert_eq!(list(&server, listing(Kind::User, State::Active)).await, ["b", "c", "f", "h"]);
    assert_eq!(list(&server, listing(Kind::User, State::Seen)).await, ["a", "e", "z", "é"]);
    assert_eq!(list(&server, listing(Kind::User, State::Archived)).await, ["d"]);
    let of_sales = |state| v1::ListEntriesRequest {
        department_id: "sales".to_owned(),
        ..listing(Kind::User, state)
    };
    assert_eq!(list(&server, of_sales(State::Unspecified)).await, ["b", "f", "h"]);
    assert_eq!(list(&server, of_sales(State::Archived)).await, ["d"]);
    assert!(list(&server, of_sales(State::Seen)).await.is_empty());

    // A token belongs to its filter.
    let first = v1::ListEntriesRequest { page_size: 1, ..of_sales(State::Active) };
    let listed = server.directory().list_entries(first.clone()).await.unwrap().into_inner();
    let with_token = v1::ListEntriesRequest { page_token: listed.next_page_token, ..first.clone() };
    for other in [
        v1::ListEntriesRequest { department_id: String::new(), ..with_token.clone() },
        v1::ListEntriesRequest { state: State::Seen.into(), ..with_token.clone() },
    ] {
        let status = server.directory().list_entries(other).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["page_token"]);
    }
    server.directory().list_entries(with_token).await.unwrap();
}

#[tokio::test]
async fn archived_entries_are_kept_and_come_back() {
    let server = acme().await;
    upsert(&server, vec![full("ada"), entry(Kind::User, "bob")]).await.unwrap();
    server.clock.advance(MICROS_PER_SECOND);
    // All or none.
    let status = archive(&server, Kind::User, &["ada", "nobody"]).await.unwrap_err();
    let facts = [("resource", "user"), ("id", "nobody")];
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &facts);
    assert_eq!(list(&server, listing(Kind::User, State::Active)).await, ["ada", "bob"]);
    let archived = archive(&server, Kind::User, &["bob", "ada"]).await.unwrap();
    let ids: Vec<&str> = archived.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["bob", "ada"]);
    assert!(archived.iter().all(|entry| entry.archive_time == after_start(1)));
    assert!(list(&server, listing(Kind::User, State::Unspecified)).await.is_empty());
    // Usage may still name them, and their department is known.
    spend(&server, "r-1", "big", user("ada")).await;
    assert_eq!(department_of(&server, "r-1").await, "engines");
    assert!(list(&server, listing(Kind::User, State::Unspecified)).await.is_empty());
    assert!(list(&server, listing(Kind::User, State::Seen)).await.is_empty());
    // Once more stays as it is; what is replaced stays archived.
    server.clock.advance(MICROS_PER_SECOND);
    assert_eq!(archive(&server, Kind::User, &["bob"]).await.unwrap(), archived[..1]);
    let replaced = upsert(&server, vec![entry(Kind::User, "ada")]).await.unwrap().remove(0);
    assert_eq!((replaced.archive_time, replaced.update_time), (after_start(1), after_start(2)));
    let restored = restore(&server, Kind::User, &["ada"]).await.unwrap().remove(0);
    assert_eq!((restored.archive_time, restored.create_time), (None, after_start(0)));
    assert_eq!(restore(&server, Kind::User, &["ada"]).await.unwrap(), [restored]);
    assert_eq!(list(&server, listing(Kind::User, State::Unspecified)).await, ["ada"]);
    let status = restore(&server, Kind::Project, &["ada"]).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &[("resource", "project")]);
}

// -- The department of a user.

/// As the log says.
pub async fn department_of(server: &Server, request_id: &str) -> String {
    let request = v1::ListUsageRecordsRequest {
        workspace_id: ACME.to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    let listed = server.usage().list_usage_records(request).await.unwrap().into_inner();
    listed.records[0].attribution.clone().unwrap_or_default().department_id
}

#[tokio::test]
async fn requests_count_in_the_department_of_the_directory() {
    let server = acme().await;
    create_quota(&server, money_quota("q", Type::Department, "sales", "3")).await.unwrap();
    upsert(&server, vec![in_department("ada", "sales")]).await.unwrap();
    let answer = ask(&server, check_for("r-1", "big", user("ada"))).await;
    assert_eq!(answer.decision(), Allowed);
    let answer = ask(&server, check_for("r-2", "big", user("ada"))).await;
    assert_eq!(answer.decision(), Blocked);
    assert_eq!(answer.verdicts[0].limit_id, "q");
    // A department that is named is taken, and that of nobody else.
    let named = v1::Attribution { department_id: "law".to_owned(), ..user("ada") };
    assert_eq!(ask(&server, check_for("r-3", "big", named)).await.decision(), Allowed);
    let answer = ask(&server, check_for("r-4", "big", of(Type::Project, "ada"))).await;
    assert_eq!(answer.decision(), Allowed);
    for id in ["r-1", "r-3", "r-4"] {
        server.usage().record_usage(record(id, "big")).await.unwrap();
    }
    spend(&server, "r-5", "big", user("ada")).await;
    for (id, expected) in [("r-1", "sales"), ("r-3", "law"), ("r-4", ""), ("r-5", "sales")] {
        assert_eq!(department_of(&server, id).await, expected, "{id}");
    }
}

#[tokio::test]
async fn history_keeps_the_department_of_its_day() {
    let folder = tempfile::tempdir().unwrap();
    let config = tollgate::config::Config::default;
    let server = Server::start_in(folder.path(), std::sync::Arc::default(), config()).await;
    crate::fixtures::set_up(&server).await;
    upsert(&server, vec![in_department("ada", "sales")]).await.unwrap();
    spend(&server, "r-1", "big", user("ada")).await;
    ask(&server, check_for("r-2", "big", user("ada"))).await;
    upsert(&server, vec![in_department("ada", "law")]).await.unwrap();
    // A retry is the same request still, and what was checked stays where it is held.
    assert_eq!(ask(&server, check_for("r-2", "big", user("ada"))).await.decision(), Allowed);
    spend(&server, "r-2", "big", user("ada")).await;
    spend(&server, "r-2", "big", user("ada")).await;
    spend(&server, "r-3", "big", user("ada")).await;
    server.clock.advance(MICROS_PER_DAY);
    for (id, expected) in [("r-1", "sales"), ("r-2", "sales"), ("r-3", "law")] {
        assert_eq!(department_of(&server, id).await, expected, "{id}");
    }
    let departments = listing(Kind::Department, State::Unspecified);
    assert_eq!(list(&server, departments.clone()).await, ["law", "sales"]);
    // It is known to the next server as well.
    let clock = server.clock.clone();
    server.stop().await.unwrap();
    let server = Server::start_in(folder.path(), clock, config()).await;
    spend(&server, "r-4", "big", user("ada")).await;
    assert_eq!(department_of(&server, "r-4").await, "law");
    upsert(&server, vec![entry(Kind::User, "ada")]).await.unwrap();
    spend(&server, "r-5", "big", user("ada")).await;
    assert_eq!(department_of(&server, "r-5").await, "");
    server.stop().await.unwrap();
}

// -- Who changed what.

#[tokio::test]
async fn every_change_has_its_entry_in_the_audit_log() {
    let server = acme().await;
    let start = audit_events(&server, ACME).await.len();
    upsert(&server, vec![full("ada"), entry(Kind::Assistant, "writer")]).await.unwrap();
    upsert(&server, vec![full("ada"), entry(Kind::Assistant, "reader")]).await.unwrap();
    archive(&server, Kind::User, &["ada"]).await.unwrap();
    archive(&server, Kind::User, &["ada"]).await.unwrap();
    restore(&server, Kind::User, &["ada"]).await.unwrap();
    archive(&server, Kind::User, &["ada", "nobody"]).await.unwrap_err();
    let mut events = audit_events(&server, ACME).await;
    events.truncate(events.len() - start);
    let mut shown: Vec<String> = events
        .iter()
        .map(|event| format!("{} {} {}", event.action, event.resource_type, event.resource_id))
        .collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            "ArchiveEntries user ada",
            "RestoreEntries user ada",
            "UpsertEntries assistant reader",
            "UpsertEntries assistant writer",
            "UpsertEntries user ada",
        ]
    );
    assert!(events.iter().all(|event| event.actor == "eve" && event.workspace_id == ACME));
    let archived = events.iter().find(|event| event.action == "ArchiveEntries").unwrap();
    assert!(archived.before_json.contains("\"archive_time\":null"));
    assert!(archived.after_json.contains("\"archive_time\":\"2026-03-15T12:00:00Z\""));
    let made = events
        .iter()
        .find(|event| event.action == "UpsertEntries" && event.resource_type == "user");
    let made: serde_json::Value = serde_json::from_str(&made.unwrap().after_json).unwrap();
    let expected = serde_json::json!({
        "kind": "user",
        "id": "ada",
        "display_name": "Ada Lovelace",
        "department_id": "engines",
        "external_id": "hr-1815",
        "sign_up_time": "2026-03-15T11:00:00Z",
        "first_value_time": "2026-03-15T11:59:00Z",
        "archive_time": null,
    });
    assert_eq!(made, expected);
}

// -- What is refused.

fn spoil(r: &mut v1::UpsertEntriesRequest, spoil: impl FnOnce(&mut v1::DirectoryEntry)) {
    spoil(&mut r.entries[1]);
}

#[tokio::test]
async fn bad_entries_are_refused() {
    let server = acme().await;
    let good = v1::UpsertEntriesRequest {
        workspace_id: ACME.to_owned(),
        entries: vec![entry(Kind::User, "a"), full("b"), entry(Kind::Assistant, "a")],
    };
    let rows: &[Row<v1::UpsertEntriesRequest>] = &[
        ("workspace_id", |r| r.workspace_id = chars(64)),
        ("entries", |r| r.entries.clear()),
        ("entries", |r| {
            r.entries = (0..1_001).map(|n| entry(Kind::User, &n.to_string())).collect();
        }),
        ("entries[1].kind", |r| spoil(r, |e| e.kind = 0)),
        ("entries[1].kind", |r| spoil(r, |e| e.kind = 99)),
        ("entries[1].id", |r| spoil(r, |e| e.id = String::new())),
        ("entries[1].id", |r| spoil(r, |e| e.id = chars(129))),
        ("entries[1].id", |r| spoil(r, |e| e.id = "a\nb".to_owned())),
        ("entries[1].id", |r| spoil(r, |e| e.id = "a".to_owned())),
        ("entries[1].display_name", |r| spoil(r, |e| e.display_name = chars(201))),
        ("entries[1].department_id", |r| spoil(r, |e| e.department_id = chars(129))),
        ("entries[1].external_id", |r| spoil(r, |e| e.external_id = chars(129))),
        ("entries[1].sign_up_time", |r| spoil(r, |e| e.sign_up_time = after_start(1 << 50))),
        ("entries[1].first_value_time", |r| {
            spoil(r, |e| e.first_value_time = after_start(-(1 << 40)));
        }),
        ("entries[2].department_id", |r| r.entries[2].department_id = "d".to_owned()),
        ("entries[2].sign_up_time", |r| r.entries[2].sign_up_time = after_start(0)),
        ("entries[2].first_value_time", |r| r.entries[2].first_value_time = after_start(0)),
    ];
    let client = server.directory();
    refuse(good, rows, async |r| client.clone().upsert_entries(r).await).await;
    // Not one of them was taken.
    assert!(list(&server, listing(Kind::User, State::Unspecified)).await.is_empty());
}

#[tokio::test]
async fn bad_questions_are_refused() {
    let server = acme().await;
    upsert(&server, vec![entry(Kind::User, "a"), entry(Kind::User, "b")]).await.unwrap();
    let client = server.directory();
    let good =
        v1::GetEntryRequest { workspace_id: ACME.into(), kind: Kind::User.into(), id: "a".into() };
    let rows: &[Row<v1::GetEntryRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("kind", |r| r.kind = 0),
        ("kind", |r| r.kind = 8),
        ("id", |r| r.id = String::new()),
        ("id", |r| r.id = chars(129)),
    ];
    refuse(good, rows, async |r| client.clone().get_entry(r).await).await;
    let rows: &[Row<v1::ListEntriesRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("kind", |r| r.kind = 0),
        ("kind", |r| r.kind = -1),
        ("department_id", |r| r.department_id = chars(129)),
        ("department_id", |r| {
            r.kind = Kind::Project.into();
            r.department_id = "d".to_owned();
        }),
        ("state", |r| r.state = 4),
        ("page_size", |r| r.page_size = -1),
        ("page_token", |r| r.page_token = "x".to_owned()),
    ];
    let good = listing(Kind::User, State::Unspecified);
    refuse(good, rows, async |r| client.clone().list_entries(r).await).await;
    let good = v1::ArchiveEntriesRequest {
        workspace_id: ACME.into(),
        kind: Kind::User.into(),
        ids: vec!["a".into(), "b".into()],
    };
    let rows: &[Row<v1::ArchiveEntriesRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("kind", |r| r.kind = 0),
        ("ids", |r| r.ids.clear()),
        ("ids", |r| r.ids = (0..1_001).map(|n| n.to_string()).collect()),
        ("ids[1]", |r| r.ids[1] = String::new()),
        ("ids[1]", |r| r.ids[1] = "a".to_owned()),
    ];
    refuse(good.clone(), rows, async |r| client.clone().archive_entries(r).await).await;
    let good = v1::RestoreEntriesRequest {
        workspace_id: good.workspace_id,
        kind: good.kind,
        ids: good.ids,
    };
    let rows: &[Row<v1::RestoreEntriesRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("kind", |r| r.kind = 0),
        ("ids", |r| r.ids.clear()),
        ("ids[0]", |r| r.ids[0] = chars(129)),
    ];
    refuse(good, rows, async |r| client.clone().restore_entries(r).await).await;
    let good = v1::EraseUserRequest { workspace_id: ACME.into(), user_id: "a".into() };
    let rows: &[Row<v1::EraseUserRequest>] = &[
        ("workspace_id", |r| r.workspace_id = String::new()),
        ("user_id", |r| r.user_id = String::new()),
        ("user_id", |r| r.user_id = chars(129)),
    ];
    refuse(good, rows, async |r| client.clone().erase_user(r).await).await;
    assert_eq!(list(&server, listing(Kind::User, State::Active)).await, ["a", "b"]);
}

#[tokio::test]
async fn every_call_needs_its_workspace() {
    let server = acme().await;
    let id = || "nowhere".to_owned();
    let user = i32::from(Kind::User);
    let client = || server.directory();
    let upsert =
        v1::UpsertEntriesRequest { workspace_id: id(), entries: vec![entry(Kind::User, "a")] };
    let get = v1::GetEntryRequest { workspace_id: id(), kind: user, id: "a".into() };
    let list = v1::ListEntriesRequest { workspace_id: id(), kind: user, ..Default::default() };
    let ids = || vec!["a".to_owned()];
    let archive = v1::ArchiveEntriesRequest { workspace_id: id(), kind: user, ids: ids() };
    let restore = v1::RestoreEntriesRequest { workspace_id: id(), kind: user, ids: ids() };
    let erase = v1::EraseUserRequest { workspace_id: id(), user_id: "a".into() };
    for status in [
        client().upsert_entries(upsert).await.unwrap_err(),
        client().get_entry(get).await.unwrap_err(),
        client().list_entries(list).await.unwrap_err(),
        client().archive_entries(archive).await.unwrap_err(),
        client().restore_entries(restore).await.unwrap_err(),
        client().erase_user(erase).await.unwrap_err(),
    ] {
        let facts = [("workspace_id", "nowhere")];
        assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &facts);
    }
}
