//! Requests of `DirectoryService`, and entries as protos.

use std::collections::HashSet;

use crate::domain::attribution::EntryKind;
use crate::engine::NewEntry;
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::{ProtoEnum, named_enum};
use crate::grpc::shared::page::Page;
use crate::grpc::shared::text::{ATTRIBUTION_CHARS_MAX, DISPLAY_NAME_CHARS_MAX, non_empty};
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;
use crate::storage::directory::{EntryFilter, EntryState, Listed};

/// Most entries of one call.
pub const ENTRIES_MAX: usize = 1_000;

named_enum!(EntryKind as DirectoryKind, "DIRECTORY_KIND");

/// Workspace and entries; no two of the same kind and id.
pub fn upsert(request: v1::UpsertEntriesRequest) -> Decoded<(String, Vec<NewEntry>)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let at = at.field("entries");
        check_count(at, request.entries.len());
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        for (index, entry) in request.entries.into_iter().take(ENTRIES_MAX).enumerate() {
            let at = at.item(index);
            let Some(entry) = new_entry(at, entry) else { continue };
            let is_new = seen.insert((entry.kind, entry.id.clone()));
            at.field("id").ensure(is_new, "expected each kind and id once");
            entries.push(entry);
        }
        Some((request.workspace_id, entries))
    })
}

fn new_entry(at: Decoder<'_>, entry: v1::DirectoryEntry) -> Option<NewEntry> {
    for (text, field, least, most) in [
        (&entry.id, "id", 1, ATTRIBUTION_CHARS_MAX),
        (&entry.display_name, "display_name", 0, DISPLAY_NAME_CHARS_MAX),
        (&entry.department_id, "department_id", 0, ATTRIBUTION_CHARS_MAX),
        (&entry.external_id, "external_id", 0, ATTRIBUTION_CHARS_MAX),
    ] {
        at.field(field).text(text, least..=most);
    }
    let kind = at.field("kind").required_enum(entry.kind)?;
    for (field, is_set) in [
        ("department_id", !entry.department_id.is_empty()),
        ("sign_up_time", entry.sign_up_time.is_some()),
        ("first_value_time", entry.first_value_time.is_some()),
    ] {
        let is_allowed = !is_set || kind == EntryKind::User;
        at.field(field).ensure(is_allowed, "expected none: only users have it");
    }
    let (sign_up, first_value) = (entry.sign_up_time, entry.first_value_time);
    Some(NewEntry {
        kind,
        sign_up_time: sign_up.and_then(|time| at.field("sign_up_time").effective(time)),
        first_value_time: first_value.and_then(|time| at.field("first_value_time").effective(time)),
        id: entry.id,
        display_name: entry.display_name,
        department_id: entry.department_id,
        external_id: entry.external_id,
    })
}

/// The kind of the entry.
pub fn get(request: &v1::GetEntryRequest) -> Decoded<EntryKind> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let kind = at.field("kind").required_enum(request.kind);
        at.field("id").attribution_id(&request.id);
        kind
    })
}

/// Which entries are listed.
pub fn list(request: &v1::ListEntriesRequest) -> Decoded<(EntryFilter, Page)> {
    let v1::ListEntriesRequest { workspace_id, department_id, query, .. } = request;
    decode(|at| {
        at.workspace_id(workspace_id);
        at.field("department_id").optional_attribution_id(department_id);
        let kind = at.field("kind").required_enum(request.kind);
        let is_of_users = kind.is_none_or(|kind| kind == EntryKind::User);
        let expected = "expected none: only users have a department";
        at.field("department_id").ensure(department_id.is_empty() || is_of_users, expected);
        let state = state(at.field("state"), request.state);
        let search = at.search(query);
        let (kind_number, state_number) = (request.kind.to_string(), request.state.to_string());
        let filter = ["directory", workspace_id, &kind_number, &state_number, department_id, query];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let department_id = non_empty(department_id.clone());
        Some((EntryFilter { kind: kind?, state, department_id, search }, page))
    })
}

/// The kind of entries to archive or to restore, whose ids differ.
pub fn named(workspace_id: &str, kind: i32, ids: &[String]) -> Decoded<EntryKind> {
    decode(|at| {
        at.workspace_id(workspace_id);
        let kind = at.field("kind").required_enum(kind);
        let at = at.field("ids");
        check_count(at, ids.len());
        let mut seen = HashSet::new();
        for (index, id) in ids.iter().take(ENTRIES_MAX).enumerate() {
            at.item(index).attribution_id(id);
            at.item(index).ensure(seen.insert(id), "expected each id once");
        }
        kind
    })
}

pub fn erase(request: &v1::EraseUserRequest) -> Decoded<()> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        at.field("user_id").attribution_id(&request.user_id);
        Some(())
    })
}

fn check_count(at: Decoder<'_>, count: usize) {
    if count == 0 || count > ENTRIES_MAX {
        at.refuse(format!("expected 1 to {ENTRIES_MAX}"));
    }
}

fn state(at: Decoder<'_>, number: i32) -> EntryState {
    match v1::DirectoryState::try_from(number) {
        Ok(v1::DirectoryState::Unspecified) => EntryState::Current,
        Ok(v1::DirectoryState::Active) => EntryState::Active,
        Ok(v1::DirectoryState::Seen) => EntryState::SeenOnly,
        Ok(v1::DirectoryState::Archived) => EntryState::Archived,
        Err(_) => {
            at.refuse("expected a DirectoryState that is known");
            EntryState::Current
        }
    }
}

/// `kind` is of an entry that is not registered.
pub fn to_proto(kind: EntryKind, listed: Listed) -> v1::DirectoryEntry {
    let Listed { id, entry, seen } = listed;
    let mut shown = v1::DirectoryEntry {
        kind: kind.number(),
        id,
        first_use_time: seen.map(|seen| to_timestamp(seen.first_time)),
        last_use_time: seen.map(|seen| to_timestamp(seen.last_time)),
        first_success_time: seen.and_then(|seen| seen.first_success_time).map(to_timestamp),
        ..v1::DirectoryEntry::default()
    };
    if let Some(entry) = entry {
        shown.kind = entry.kind.number();
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
