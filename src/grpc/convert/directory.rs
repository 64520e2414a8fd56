//! What `DirectoryService` is asked and answers.

use std::collections::HashSet;

use prost_types::Timestamp;

use super::super::page::Page;
use super::text::{self, ATTRIBUTION_CHARS_MAX, DISPLAY_NAME_CHARS_MAX};
use super::time::{effective, to_timestamp};
use super::{Path, Violations};
use crate::domain::Time;
use crate::engine::NewEntry;
use crate::proto::v1;
use crate::storage::directory::{EntryKind, EntryState, Listed};

/// Most entries of one call.
pub const ENTRIES_MAX: usize = 1_000;

const ENTRIES: Path<'static> = Path::Field(&Path::Request, "entries");
const IDS: Path<'static> = Path::Field(&Path::Request, "ids");
const KIND: Path<'static> = Path::Field(&Path::Request, "kind");

/// Which entries are listed.
pub struct List<'a> {
    pub kind: EntryKind,
    pub state: EntryState,
    pub department_id: Option<&'a str>,
    pub page: Page,
}

/// Workspace and entries.
///
/// # Errors
/// If a field is out of its range, or two entries have the same kind and id.
pub fn upsert(request: v1::UpsertEntriesRequest) -> Result<(String, Vec<NewEntry>), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    check_count(request.entries.len(), ENTRIES, &mut violations);
    let mut entries = Vec::new();
    let mut seen = HashSet::new();
    for (index, entry) in request.entries.into_iter().take(ENTRIES_MAX).enumerate() {
        let path = ENTRIES.item(index);
        let Some(entry) = new_entry(entry, path, &mut violations) else { continue };
        if !seen.insert((entry.kind, entry.id.clone())) {
            violations.add(path.field("id"), "expected each kind and id once");
        }
        entries.push(entry);
    }
    violations.accept((request.workspace_id, entries))
}

fn new_entry(
    entry: v1::DirectoryEntry,
    path: Path<'_>,
    violations: &mut Violations,
) -> Option<NewEntry> {
    for (value, field, least, most) in [
        (&entry.id, "id", 1, ATTRIBUTION_CHARS_MAX),
        (&entry.display_name, "display_name", 0, DISPLAY_NAME_CHARS_MAX),
        (&entry.department_id, "department_id", 0, ATTRIBUTION_CHARS_MAX),
        (&entry.external_id, "external_id", 0, ATTRIBUTION_CHARS_MAX),
    ] {
        text::check(value, least..=most, path.field(field), violations);
    }
    let kind = kind(entry.kind, path.field("kind"), violations)?;
    let of_users = [
        ("department_id", !entry.department_id.is_empty()),
        ("sign_up_time", entry.sign_up_time.is_some()),
        ("first_value_time", entry.first_value_time.is_some()),
    ];
    for (field, is_said) in of_users {
        if is_said && kind != EntryKind::User {
            violations.add(path.field(field), "expected none: only users have it");
        }
    }
    let mut time = |at: Option<Timestamp>, field| {
        let at = at.map(|at| effective(Some(at), Time::default(), path.field(field), violations));
        at.filter(|_| kind == EntryKind::User)
    };
    Some(NewEntry {
        kind,
        sign_up_time: time(entry.sign_up_time, "sign_up_time"),
        first_value_time: time(entry.first_value_time, "first_value_time"),
        id: entry.id,
        display_name: entry.display_name,
        department_id: entry.department_id,
        external_id: entry.external_id,
    })
}

/// The kind and the only id.
///
/// # Errors
/// If a field is out of its range.
pub fn get(request: &v1::GetEntryRequest) -> Result<EntryKind, Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let kind = kind(request.kind, KIND, &mut violations);
    let path = Path::Request.field("id");
    text::check(&request.id, 1..=ATTRIBUTION_CHARS_MAX, path, &mut violations);
    accept_kind(kind, violations)
}

/// # Errors
/// If a field is out of its range.
pub fn list(request: &v1::ListEntriesRequest) -> Result<List<'_>, Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let department_id = Some(request.department_id.as_str()).filter(|id| !id.is_empty());
    let path = Path::Request.field("department_id");
    text::check(&request.department_id, 0..=ATTRIBUTION_CHARS_MAX, path, &mut violations);
    let kind = kind(request.kind, KIND, &mut violations);
    if department_id.is_some() && kind.is_some_and(|kind| kind != EntryKind::User) {
        violations.add(path, "expected none: only users have a department");
    }
    let state = state(request.state, &mut violations);
    let (kind_number, state_number) = (request.kind.to_string(), request.state.to_string());
    let filter =
        ["directory", &request.workspace_id, &kind_number, &state_number, &request.department_id];
    let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
    let kind = accept_kind(kind, violations)?;
    Ok(List { kind, state, department_id, page })
}

/// The kind of entries to archive or to restore.
///
/// # Errors
/// If a field is out of its range, or an id is there twice.
pub fn named(
    workspace_id: &str,
    kind_number: i32,
    ids: &[String],
) -> Result<EntryKind, Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(workspace_id, &mut violations);
    let kind = kind(kind_number, KIND, &mut violations);
    check_count(ids.len(), IDS, &mut violations);
    let mut seen = HashSet::new();
    for (index, id) in ids.iter().take(ENTRIES_MAX).enumerate() {
        let path = IDS.item(index);
        text::check(id, 1..=ATTRIBUTION_CHARS_MAX, path, &mut violations);
        if !seen.insert(id) {
            violations.add(path, "expected each id once");
        }
    }
    accept_kind(kind, violations)
}

/// # Errors
/// If a field is out of its range.
pub fn erase(request: &v1::EraseUserRequest) -> Result<(), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let path = Path::Request.field("user_id");
    text::check(&request.user_id, 1..=ATTRIBUTION_CHARS_MAX, path, &mut violations);
    violations.accept(())
}

fn check_count(count: usize, path: Path<'_>, violations: &mut Violations) {
    if count == 0 || count > ENTRIES_MAX {
        violations.add(path, format!("expected 1 to {ENTRIES_MAX}"));
    }
}

/// A kind that is missing is a violation.
fn accept_kind(kind: Option<EntryKind>, violations: Violations) -> Result<EntryKind, Violations> {
    match kind {
        Some(kind) => violations.accept(kind),
        None => Err(violations),
    }
}

fn kind(value: i32, path: Path<'_>, violations: &mut Violations) -> Option<EntryKind> {
    let kind = match v1::DirectoryKind::try_from(value) {
        Ok(v1::DirectoryKind::User) => EntryKind::User,
        Ok(v1::DirectoryKind::Department) => EntryKind::Department,
        Ok(v1::DirectoryKind::Assistant) => EntryKind::Assistant,
        Ok(v1::DirectoryKind::Workflow) => EntryKind::Workflow,
        Ok(v1::DirectoryKind::Feature) => EntryKind::Feature,
        Ok(v1::DirectoryKind::Project) => EntryKind::Project,
        Ok(v1::DirectoryKind::Investigation) => EntryKind::Investigation,
        Ok(v1::DirectoryKind::Unspecified) | Err(_) => {
            violations.add(path, "expected a DirectoryKind that is known, and not unspecified");
            return None;
        }
    };
    Some(kind)
}

fn state(value: i32, violations: &mut Violations) -> EntryState {
    match v1::DirectoryState::try_from(value) {
        Ok(v1::DirectoryState::Unspecified) => EntryState::Current,
        Ok(v1::DirectoryState::Active) => EntryState::Active,
        Ok(v1::DirectoryState::Seen) => EntryState::SeenOnly,
        Ok(v1::DirectoryState::Archived) => EntryState::Archived,
        Err(_) => {
            violations.add("state", "expected a DirectoryState that is known");
            EntryState::Current
        }
    }
}

fn kind_to_proto(kind: EntryKind) -> v1::DirectoryKind {
    match kind {
        EntryKind::User => v1::DirectoryKind::User,
        EntryKind::Department => v1::DirectoryKind::Department,
        EntryKind::Assistant => v1::DirectoryKind::Assistant,
        EntryKind::Workflow => v1::DirectoryKind::Workflow,
        EntryKind::Feature => v1::DirectoryKind::Feature,
        EntryKind::Project => v1::DirectoryKind::Project,
        EntryKind::Investigation => v1::DirectoryKind::Investigation,
    }
}

/// `kind` is of an entry that is not registered.
pub fn to_proto(kind: EntryKind, listed: Listed) -> v1::DirectoryEntry {
    let Listed { id, entry, seen } = listed;
    let mut shown = v1::DirectoryEntry {
        kind: kind_to_proto(kind).into(),
        id,
        first_use_time: seen.map(|seen| to_timestamp(seen.first_time)),
        last_use_time: seen.map(|seen| to_timestamp(seen.last_time)),
        first_success_time: seen.and_then(|seen| seen.first_success_time).map(to_timestamp),
        ..v1::DirectoryEntry::default()
    };
    if let Some(entry) = entry {
        shown.kind = kind_to_proto(entry.kind).into();
        shown.registered = true;
        shown.display_name = entry.display_name;
        shown.department_id = entry.department_id;
        shown.external_id = entry.external_id;
        shown.sign_up_time = entry.sign_up_time.map(to_timestamp);
        shown.first_value_time = entry.first_value_time.map(to_timestamp);
        shown.create_time = Some(to_timestamp(entry.create_time));
        shown.update_time = Some(to_timestamp(entry.update_time));
        shown.archive_time = entry.archive_time.map(to_timestamp);
    }
    shown
}

/// Of a list of entries that are all registered, or all of one kind.
pub fn all_to_proto(kind: EntryKind, listed: Vec<Listed>) -> Vec<v1::DirectoryEntry> {
    listed.into_iter().map(|listed| to_proto(kind, listed)).collect()
}
