//! The directory: what is registered and seen, and what is left of a user who is forgotten.

use tollgate::domain::Amount;
use tollgate::domain::alert::anomaly::{Anomaly, AnomalyFeedback};
use tollgate::domain::alert::{Alert, AlertKey, AlertRecord, AlertSubject, AlertType};
use tollgate::domain::attribution::directory::Entry;
use tollgate::domain::attribution::{Attribution, Dimension, EntryKind, SubjectKind};
use tollgate::domain::backfill::{ConsumptionQuery, RateCounts};
use tollgate::domain::boost::{Boost, BoostTarget};
use tollgate::domain::quota::{Scope, Unit};
use tollgate::domain::rate_limit::RateWindow;
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::time::calendar::Window;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use tollgate::domain::usage::Outcome;
use tollgate::domain::workspace::recommendation::Recommendation;
use tollgate::storage::Store;
use tollgate::storage::alerts::{AlertFilter, StoredAlert};
use tollgate::storage::audit::{AuditEvent, AuditFilter};
use tollgate::storage::directory::{
    EntryFilter, EntryState, Erasure, ErasurePart, Listed, Seen, UserTraces,
};
use tollgate::storage::log::{Order, RecordFilter, RecordPosition};
use tollgate::storage::rollup::FoldCursor;
use tollgate::storage::search::{COUNT_MAX, Search};
use tollgate::storage::settings::{BoostFilter, Change, LimitFilter};
use tollgate::storage::shutdown::{StoredHold, StoredRate};

use crate::fixtures::{
    START, append_new, at, day_of, folded, hold, hour_of, put_in, random_records, record, workspace,
};
use crate::insight::anomalies::anomaly;
use crate::insight::recommendations::{changed, recommendation};
use crate::limits::{quota, rate_limit};
use crate::world::World;

const GHOST: &str = "erased-00000000-0000-4000-8000-000000000000";

fn entry(kind: EntryKind, id: &str) -> Entry {
    Entry {
        kind,
        id: id.to_owned(),
        display_name: String::new(),
        department_id: String::new(),
        external_id: String::new(),
        sign_up_time: None,
        first_value_time: None,
        create_time: START,
        update_time: START,
        archive_time: None,
    }
}

fn user(id: &str, department: &str) -> Entry {
    Entry { department_id: department.to_owned(), ..entry(EntryKind::User, id) }
}

fn full(id: &str) -> Entry {
    Entry {
        display_name: "Ada \"L\" %_ü".to_owned(),
        department_id: "sales".to_owned(),
        external_id: "hr-17".to_owned(),
        sign_up_time: Some(START - 7),
        first_value_time: Some(START + 7),
        update_time: START + 1,
        archive_time: Some(START + 2),
        ..entry(EntryKind::User, id)
    }
}

async fn put(store: &dyn Store, entries: Vec<Entry>) {
    put_in(store, "w", Change::PutEntries(entries)).await;
}

/// Ids in a state, page by page.
async fn ids(
    store: &dyn Store,
    kind: EntryKind,
    state: EntryState,
    department: Option<&str>,
    page: usize,
) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let filter = EntryFilter {
            department_id: department.map(str::to_owned),
            ..EntryFilter::of(kind, state)
        };
        let listed = store.list_entries("w", &filter, &after, page).await.unwrap();
        let listed = listed.entries;
        assert!(listed.len() <= page);
        let Some(last) = listed.last() else { return all };
        after.clone_from(&last.id);
        all.extend(listed.into_iter().map(|listed| listed.id));
    }
}

/// A record of a user so many hours after the start.
fn by_user(seq: i64, user: &str, hours: i64) -> Record {
    let charge_time = START + hours * MICROS_PER_HOUR + seq;
    Record {
        charge_time,
        hour: hour_of(charge_time),
        day: day_of(charge_time),
        attribution: Attribution { user_id: user.to_owned(), ..Attribution::default() },
        ..record(seq)
    }
}

async fn fold(store: &dyn Store, log: &[Record]) {
    let from = store.fold_cursor().await.unwrap();
    let seq = log.last().unwrap().seq;
    let part: Vec<Record> = log.iter().filter(|record| record.seq > from.seq).cloned().collect();
    let to = FoldCursor { seq, batch: from.batch + 1 };
    store.fold(from, to, &folded(&part)).await.unwrap();
}

pub async fn entries_come_back_as_they_were_put(world: &World) {
    let store = world.store().await;
    let kinds = [
        EntryKind::User,
        EntryKind::Department,
        EntryKind::Assistant,
        EntryKind::Workflow,
        EntryKind::Feature,
        EntryKind::Project,
        EntryKind::Investigation,
    ];
    put(&*store, kinds.map(|kind| entry(kind, "x")).to_vec()).await;
    put(&*store, vec![full("y"), user("z", "")]).await;
    put_in(&*store, "other", Change::PutEntries(vec![user("x", "theirs")])).await;
    for kind in kinds {
        let listed = store.entries("w", kind, &["x".to_owned()]).await.unwrap();
        let entry = Some(entry(kind, "x"));
        assert_eq!(listed, [Listed { id: "x".to_owned(), entry, seen: None }]);
    }
    // In the order of the question, and what nobody knows too.
    let asked = ["z", "nobody", "y", "X"].map(str::to_owned);
    let listed = store.entries("w", EntryKind::User, &asked).await.unwrap();
    let found: Vec<Option<Entry>> = listed.iter().map(|listed| listed.entry.clone()).collect();
    assert_eq!(found, [Some(user("z", "")), None, Some(full("y")), None]);
    let found: Vec<&str> = listed.iter().map(|listed| listed.id.as_str()).collect();
    assert_eq!(found, asked.each_ref().map(String::as_str));
    // Replaced whole.
    put(&*store, vec![user("y", "law")]).await;
    let listed = store.entries("w", EntryKind::User, &["y".to_owned()]).await.unwrap();
    assert_eq!(listed[0].entry, Some(user("y", "law")));
    let departments = store.departments("w").await.unwrap();
    assert_eq!(departments, [("y".to_owned(), "law".to_owned())]);
    assert_eq!(store.departments("nobody").await.unwrap(), []);
}

pub async fn many_entries_at_once(world: &World) {
    let store = world.store().await;
    let many: Vec<Entry> = (0..1_000).map(|n| user(&format!("u{n:04}"), "sales")).collect();
    let names: Vec<String> = many.iter().map(|entry| entry.id.clone()).collect();
    put(&*store, many.clone()).await;
    let listed = store.entries("w", EntryKind::User, &names).await.unwrap();
    let found: Vec<Entry> = listed.into_iter().filter_map(|listed| listed.entry).collect();
    assert_eq!(found, many);
    assert_eq!(store.departments("w").await.unwrap().len(), 1_000);
    for page in [1_000, 999, 333] {
        assert_eq!(ids(&*store, EntryKind::User, EntryState::Current, None, page).await, names);
    }
}

pub async fn registered_and_seen_are_listed_together(world: &World) {
    let store = world.store().await;
    let archived = |id: &str| Entry { archive_time: Some(START), ..user(id, "sales") };
    let entries = vec![user("b", "sales"), user("d", ""), archived("c"), archived("g")];
    put(&*store, entries).await;
    put(&*store, vec![entry(EntryKind::Assistant, "e")]).await;
    let mut log: Vec<Record> = Vec::new();
    for (seq, user) in (1..).zip(["a", "b", "c", "e", "f", "é", ""]) {
        log.push(by_user(seq, user, 0));
    }
    append_new(&*store, &log).await;
    let all = |state, department| {
        let store = store.clone();
        async move {
            let whole = ids(&*store, EntryKind::User, state, department, 100).await;
            for page in 1..8 {
                let paged = ids(&*store, EntryKind::User, state, department, page).await;
                assert_eq!(paged, whole, "{state:?} in pages of {page}");
            }
            whole
        }
    };
    // What is not folded is not seen yet.
    assert_eq!(all(EntryState::Current, None).await, ["b", "d"]);
    fold(&*store, &log).await;
    assert_eq!(all(EntryState::Current, None).await, ["a", "b", "d", "e", "f", "é"]);
    assert_eq!(all(EntryState::Active, None).await, ["b", "d"]);
    assert_eq!(all(EntryState::SeenOnly, None).await, ["a", "e", "f", "é"]);
    assert_eq!(all(EntryState::Archived, None).await, ["c", "g"]);
    assert_eq!(all(EntryState::Current, Some("sales")).await, ["b"]);
    assert_eq!(all(EntryState::Archived, Some("sales")).await, ["c", "g"]);
    assert!(all(EntryState::SeenOnly, Some("sales")).await.is_empty());
    let assistants = ids(&*store, EntryKind::Assistant, EntryState::Current, None, 2).await;
    assert_eq!(assistants, ["e"]);
    let filter = EntryFilter::of(EntryKind::User, EntryState::Current);
    assert_eq!(store.list_entries("x", &filter, "", 9).await.unwrap().entries, []);
}

pub async fn entries_are_found_by_their_words_and_counted(world: &World) {
    let store = world.store().await;
    let named = |id: &str, name: &str, department: &str| Entry {
        display_name: name.to_owned(),
        ..user(id, department)
    };
    let mut old = named("old", "Ada Elder", "sales");
    old.archive_time = Some(START);
    let external = Entry { external_id: "HR-17".to_owned(), ..named("x", "", "") };
    put(
        &*store,
        vec![named("u-1", "Ada Lovelace", "sales"), named("u-2", "Bob Ada", ""), old, external],
    )
    .await;
    put(&*store, vec![entry(EntryKind::Assistant, "ada")]).await;
    let log = [by_user(1, "ada.seen", 1), by_user(2, "u-1", 2), by_user(3, "bob", 3)];
    append_new(&*store, &log).await;
    fold(&*store, &log).await;
    // Seen again, and seen first: words are there once.
    let more = [by_user(4, "ada.seen", 4), by_user(5, "x", 5)];
    append_new(&*store, &more).await;
    fold(&*store, &more).await;
    let found =
        async |text: &str, state: EntryState, department: &str, after: &str, limit: usize| {
            let filter = EntryFilter {
                department_id: (!department.is_empty()).then(|| department.to_owned()),
                search: Search::new(text),
                ..EntryFilter::of(EntryKind::User, state)
            };
            let listed = store.list_entries("w", &filter, after, limit).await.unwrap();
            let ids: Vec<String> = listed.entries.into_iter().map(|listed| listed.id).collect();
            (ids.join(" "), listed.total_count)
        };
    use EntryState::{Active, Archived, Current, SeenOnly};
    for (text, state, department, after, limit, expected) in [
        ("", Current, "", "", 9, ("ada.seen bob u-1 u-2 x", 5)),
        ("", Current, "", "bob", 1, ("u-1", 5)),
        ("", Active, "sales", "", 9, ("u-1", 1)),
        ("", SeenOnly, "", "", 9, ("ada.seen bob", 2)),
        ("ada", Current, "", "", 9, ("ada.seen u-1 u-2", 3)),
        ("ada", Current, "", "", 2, ("ada.seen u-1", 3)),
        ("ada", Current, "", "ada.seen", 1, ("u-1", 3)),
        ("ADA lo", Current, "", "", 9, ("u-1", 1)),
        ("ada", Current, "sales", "", 9, ("u-1", 1)),
        ("ada", Archived, "", "", 9, ("old", 1)),
        ("ada", SeenOnly, "", "", 9, ("ada.seen", 1)),
        ("hr 17", Current, "", "", 9, ("x", 1)),
        ("u", Active, "", "", 9, ("u-1 u-2", 2)),
        ("lace", Current, "", "", 9, ("", 0)),
    ] {
        let (ids, count) = found(text, state, department, after, limit).await;
        assert_eq!((ids.as_str(), count), expected, "{text} {state:?} {department} {after}");
    }
    // A new name replaces the words of the old one; one that is erased is found no more.
    put(&*store, vec![named("u-1", "Countess", "sales")]).await;
    assert_eq!(found("lovelace", Current, "", "", 9).await, (String::new(), 0));
    assert_eq!(found("count", Current, "", "", 9).await, ("u-1".to_owned(), 1));
    erase(&*store, "w", "u-1").await;
    assert_eq!(found("countess", Current, "", "", 9).await, (String::new(), 0));
    assert_eq!(found("u", Current, "", "", 9).await, ("u-2".to_owned(), 1));
    assert_eq!(found("erased", Current, "", "", 9).await, (GHOST.to_owned(), 1));
}

/// More than are looked up one by one: the list is gone through, and counted to its bound.
pub async fn a_search_that_finds_many_is_a_page_and_a_bounded_count(world: &World) {
    let store = world.store().await;
    let count = COUNT_MAX + 1;
    for part in (0..count).collect::<Vec<_>>().chunks(1_000) {
        let of = |number: &usize| Entry {
            display_name: format!("Person {} {}", number % 2, number % 3),
            ..user(&format!("u{number:06}"), "")
        };
        put(&*store, part.iter().map(of).collect()).await;
    }
    for (text, after, first, total) in [
        ("pers", "", "u000000", COUNT_MAX),
        ("pers", "u009998", "u009999", COUNT_MAX),
        ("", "u000002", "u000003", COUNT_MAX),
        ("person u0000", "", "u000000", 100),
        ("person 2", "u000002", "u000005", 3_333),
    ] {
        let filter = EntryFilter {
            search: Search::new(text),
            ..EntryFilter::of(EntryKind::User, EntryState::Current)
        };
        let listed = store.list_entries("w", &filter, after, 2).await.unwrap();
        assert_eq!((listed.entries[0].id.as_str(), listed.total_count), (first, total), "{text}");
    }
}

pub async fn what_was_seen_comes_with_its_times(world: &World) {
    let store = world.store().await;
    put(&*store, vec![user("a", "")]).await;
    let mut log = vec![by_user(1, "a", 5), by_user(2, "a", 9), by_user(3, "b", 2)];
    log[0].outcome = Outcome::Error;
    log[2].outcome = Outcome::Cancelled;
    let mut correction = by_user(4, "a", 1);
    correction.kind = RecordKind::Correction;
    log.push(correction);
    append_new(&*store, &log).await;
    fold(&*store, &log).await;
    let seen = |first: usize, last: usize, success: Option<usize>| {
        Some(Seen {
            first_time: log[first].charge_time,
            last_time: log[last].charge_time,
            first_success_time: success.map(|index| log[index].charge_time),
        })
    };
    let asked = ["a", "b", "c"].map(str::to_owned);
    let listed = store.entries("w", EntryKind::User, &asked).await.unwrap();
    let found: Vec<Option<Seen>> = listed.iter().map(|listed| listed.seen).collect();
    assert_eq!(found, [seen(0, 1, Some(1)), seen(2, 2, None), None]);
    let filter = EntryFilter::of(EntryKind::User, EntryState::Current);
    let paged = store.list_entries("w", &filter, "", 9).await.unwrap();
    assert_eq!(paged.entries, listed[..2]);
    let found_seen = store.seen("w", Dimension::User, &asked).await.unwrap();
    assert_eq!(found_seen.len(), 2);
    assert_eq!(found_seen.get("a").copied(), seen(0, 1, Some(1)));
    assert!(store.seen("w", Dimension::ApiKey, &asked).await.unwrap().is_empty());
    // Corrections count, too.
    let first = store.first_charge_time("w").await.unwrap();
    assert_eq!(first, log.iter().map(|record| record.charge_time).min());
    assert_eq!(store.first_charge_time("v").await.unwrap(), None);
}

/// Everything that can be summed up of a workspace, with the name of a user replaced.
async fn sums(store: &dyn Store, user: &str, by: &str) -> Vec<String> {
    let mut sums = Vec::new();
    for kind in [SubjectKind::Workspace, SubjectKind::User, SubjectKind::Project] {
        let subject_id = (kind == SubjectKind::Workspace).then(|| "".into());
        let scope = Scope { kind, subject_id, model_id: None };
        for (from, to) in [(0, 72), (0, 24), (5, 9), (24, 48)] {
            let [from, to] = [from, to].map(|hours| START + hours * MICROS_PER_HOUR);
            let query = ConsumptionQuery { scope: scope.clone(), from, to };
            let mut used = store.consumption("w-1", &query).await.unwrap();
            for (subject_id, _) in &mut used {
                if subject_id == user {
                    by.clone_into(subject_id);
                }
            }
            used.sort_by(|a, b| a.0.cmp(&b.0));
            sums.push(format!("{kind:?} {from:?} {used:?}"));
        }
    }
    let mut spent: Vec<_> = store
        .spent_by_model("w-1", START, START + 3 * MICROS_PER_DAY)
        .await
        .unwrap()
        .into_iter()
        .collect();
    spent.sort_by(|a, b| a.0.cmp(&b.0));
    sums.push(format!("{spent:?}"));
    sums
}

/// Entries that are renamed at once.
const PART: usize = 10;

async fn begin(store: &dyn Store, workspace_id: &str, user_id: &str) -> Erasure {
    let seq = store.last_seq().await.unwrap();
    let erasure = Erasure {
        user_id: user_id.to_owned(),
        pseudonym: GHOST.to_owned(),
        seq,
        record_count: store.user_traces(workspace_id, user_id, seq).await.unwrap().record_count,
        begin_time: START,
    };
    put_in(store, workspace_id, Change::EraseUser(erasure.clone())).await;
    erasure
}

/// Renames the next entries. Returns how many.
async fn go_on(
    store: &dyn Store,
    workspace_id: &str,
    erasure: &Erasure,
    after: &mut Option<RecordPosition>,
) -> usize {
    let page = store.entries_to_erase(workspace_id, erasure, *after, PART).await.unwrap();
    *after = page.last().copied();
    let part = ErasurePart {
        user_id: erasure.user_id.clone(),
        pseudonym: erasure.pseudonym.clone(),
        seqs: page.iter().map(|position| position.seq).collect(),
        events: Vec::new(),
    };
    put_in(store, workspace_id, Change::EraseUserPart(part)).await;
    page.len()
}

async fn erase(store: &dyn Store, workspace_id: &str, user_id: &str) {
    let erasure = begin(store, workspace_id, user_id).await;
    let mut after = None;
    while go_on(store, workspace_id, &erasure, &mut after).await > 0 {}
    put_in(store, workspace_id, Change::EndErasure(GHOST.to_owned())).await;
}

pub async fn an_erased_user_leaves_every_sum(world: &World) {
    let store = world.store().await;
    let log = random_records(7, 600);
    append_new(&*store, &log).await;
    fold(&*store, &log[..400]).await;
    let count = |user: &str| {
        let of_user =
            |record: &&Record| *record.workspace_id == *"w-1" && record.attribution.user_id == user;
        log.iter().filter(of_user).count() as i64
    };
    let traces = |record_count| UserTraces { is_known: true, record_count };
    let of_all = i64::MAX;
    assert_eq!(store.user_traces("w-1", "u-1", of_all).await.unwrap(), traces(count("u-1")));
    // Folded entries are counted apart from the others.
    for upto in [100, 400, 500] {
        let first = store.user_traces("w-1", "u-1", upto).await.unwrap().record_count;
        let later = store.user_entries_after("w-1", "u-1", upto).await.unwrap();
        assert!(first > 0 && later > 0 && first + later == count("u-1"), "{upto}");
    }
    let before = sums(&*store, "u-1", GHOST).await;
    let last = |records: Vec<Record>| {
        records.into_iter().map(|mut record| {
            if record.attribution.user_id == "u-1" && *record.workspace_id == *"w-1" {
                GHOST.clone_into(&mut record.attribution.user_id);
            }
            record
        })
    };
    let renamed: Vec<Record> = last(store.records_after(0, 1_000).await.unwrap()).collect();
    for _again in 0..2 {
        erase(&*store, "w-1", "u-1").await;
        assert_eq!(sums(&*store, "u-1", GHOST).await, before);
        assert_eq!(store.records_after(0, 1_000).await.unwrap(), renamed);
    }
    assert_eq!(store.user_traces("w-1", "u-1", of_all).await.unwrap(), UserTraces::default());
    assert_eq!(store.user_traces("w-1", GHOST, of_all).await.unwrap(), traces(count("u-1")));
    // The other workspace has a user of the same name, who stays.
    assert!(store.user_traces("w-2", "u-1", of_all).await.unwrap().is_known);
    if !world.is_model() {
        assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    }
    fold(&*store, &renamed).await;
    assert_eq!(sums(&*store, "u-1", GHOST).await, before);
    let seen = ids_of(&*store, "w-1").await;
    assert!(seen.contains(&GHOST.to_owned()) && !seen.contains(&"u-1".to_owned()), "{seen:?}");
    if !world.is_model() {
        assert_eq!(store.verify_rollups(10).await.unwrap(), []);
        store.rebuild_rollups().await.unwrap();
        assert_eq!(sums(&*store, "u-1", GHOST).await, before);
    }
}

async fn ids_of(store: &dyn Store, workspace_id: &str) -> Vec<String> {
    let filter = EntryFilter::of(EntryKind::User, EntryState::Current);
    let listed = store.list_entries(workspace_id, &filter, "", 100).await.unwrap().entries;
    listed.into_iter().map(|listed| listed.id).collect()
}

fn named(kind: SubjectKind, subject_id: &str) -> Scope {
    Scope { kind, subject_id: Some(subject_id.into()), model_id: None }
}

fn each(kind: SubjectKind) -> Scope {
    Scope { kind, subject_id: None, model_id: None }
}

fn boost(id: &str, quota: &str, subject_id: Option<&str>, actor: &str) -> Boost {
    Boost {
        id: id.into(),
        target: BoostTarget::Quota {
            quota_id: quota.into(),
            subject_id: subject_id.map(Into::into),
        },
        amount: 1,
        start_time: START,
        end_time: START + MICROS_PER_DAY,
        reason: "because".to_owned(),
        actor: actor.to_owned(),
        create_time: START,
        cancel_time: None,
    }
}

/// Rules of ada, of everybody, and of a department that has the same name.
async fn put_rules(store: &dyn Store, workspace_id: &str) {
    for (id, scope) in [
        ("own", named(SubjectKind::User, "ada")),
        ("each", each(SubjectKind::User)),
        ("bob", named(SubjectKind::User, "bob")),
        ("law", named(SubjectKind::Department, "ada")),
        ("each-law", each(SubjectKind::Department)),
    ] {
        let mut quota = quota(id);
        quota.scope = scope.clone();
        put_in(store, workspace_id, Change::PutQuota(quota)).await;
        let mut limit = rate_limit(id);
        limit.scope = scope;
        put_in(store, workspace_id, Change::PutRateLimit(limit)).await;
    }
    for boost in [
        boost("of-own", "own", None, "eve"),
        boost("for-ada", "each", Some("ada"), "eve"),
        boost("for-bob", "each", Some("bob"), "ada"),
        boost("for-all", "each", None, "eve"),
        boost("for-law", "each-law", Some("ada"), "eve"),
    ] {
        put_in(store, workspace_id, Change::PutBoost(boost)).await;
    }
}

pub async fn rules_of_an_erased_user_go_with_it(world: &World) {
    let store = world.store().await;
    for workspace_id in ["w", "other"] {
        put_rules(&*store, workspace_id).await;
    }
    let known = UserTraces { is_known: true, record_count: 0 };
    assert_eq!(store.user_traces("w", "ada", 9).await.unwrap(), known);
    erase(&*store, "w", "ada").await;
    assert_eq!(store.user_traces("w", "ada", 9).await.unwrap(), UserTraces::default());
    let shown = |workspace_id: &'static str| {
        let store = store.clone();
        async move {
            let filter = LimitFilter::default();
            let quotas = store.quotas(workspace_id, &filter, "", 100).await.unwrap();
            let limits = store.rate_limits(workspace_id, &filter, "", 100).await.unwrap();
            let boosts = store.boosts(workspace_id, &BoostFilter::Quotas, None, 100).await.unwrap();
            let quotas: Vec<String> = quotas.iter().map(|quota| quota.id.to_string()).collect();
            let limits: Vec<String> = limits.iter().map(|limit| limit.id.to_string()).collect();
            assert_eq!(quotas, limits);
            let mut boosts: Vec<String> =
                boosts.iter().map(|boost| format!("{} by {}", boost.id, boost.actor)).collect();
            boosts.sort();
            (quotas, boosts)
        }
    };
    let (quotas, boosts) = shown("w").await;
    assert_eq!(quotas, ["bob", "each", "each-law", "law"]);
    let by_ghost = format!("for-bob by {GHOST}");
    assert_eq!(boosts, ["for-all by eve", by_ghost.as_str(), "for-law by eve"]);
    let (quotas, boosts) = shown("other").await;
    assert_eq!((quotas.len(), boosts.len()), (5, 5));
}

fn alert(seq: i64, kind: SubjectKind, subject_id: &str, acknowledged: Option<&str>) -> StoredAlert {
    let subject =
        AlertSubject::Quota { quota_id: "each".into(), kind, subject_id: subject_id.into() };
    StoredAlert {
        seq,
        workspace_id: "w".into(),
        alert: Alert {
            key: AlertKey {
                subject,
                alert_type: AlertType::Threshold,
                window_start: START,
                threshold: 50,
                base_limit: 10,
            },
            window_end: None,
            unit: Some(Unit::Tokens),
            limit: 10,
            spent: 5,
            time: START,
            record: None,
            anomaly: None,
        },
        acknowledged: acknowledged.map(|actor| (START, actor.to_owned())),
    }
}

/// One about a large record of a user.
fn alert_of_record(seq: i64, user_id: &str) -> StoredAlert {
    let mut stored = alert(seq, SubjectKind::Workspace, "", None);
    stored.alert.key.subject = AlertSubject::Workspace;
    stored.alert.key.alert_type = AlertType::LargeRecord;
    stored.alert.key.base_limit = seq;
    stored.alert.record = Some(Box::new(AlertRecord {
        seq: 7,
        request_id: "ada".into(),
        attempt: 0,
        model_id: "ada".into(),
        user_id: user_id.into(),
        api_key_id: "ada".into(),
    }));
    stored
}

/// An anomaly of a key that is called like a user, who explains it and has said what it was.
fn odd(user_id: &str) -> Anomaly {
    let mut odd = anomaly(user_id, 0);
    odd.contributors[0].member.id = user_id.into();
    odd.feedback = Some((AnomalyFeedback::Real, START, user_id.to_owned()));
    odd
}

/// A recommendation that somebody has dismissed.
fn judged(id: &str, actor: &str) -> Recommendation {
    Recommendation { change: changed(actor), ..recommendation(id, 1) }
}

/// What was found in usage, and what `ada` and `bob` have said of it.
async fn put_found(store: &dyn Store) {
    put_in(store, "w", Change::PutAnomalies(vec![odd("ada"), odd("bob")])).await;
    let judged = vec![judged("a", "ada"), judged("b", "bob")];
    put_in(store, "w", Change::PutRecommendations(judged)).await;
}

fn event(id: &str, actor: &str, resource: (&str, &str), state: Option<&str>) -> AuditEvent {
    AuditEvent {
        id: id.to_owned(),
        time: START,
        actor: actor.to_owned(),
        // It is erased there, too.
        on_behalf_of: actor.to_owned(),
        action: "Act".to_owned(),
        workspace_id: "w".to_owned(),
        resource_type: resource.0.to_owned(),
        resource_id: resource.1.to_owned(),
        before: None,
        after: state.map(str::to_owned),
    }
}

fn rate(id: &str, subject_id: &str) -> StoredRate {
    StoredRate {
        workspace_id: "w".into(),
        counts: RateCounts {
            rate_limit_id: id.into(),
            span: RateWindow::Minute,
            unit: Unit::Requests,
            subject_id: subject_id.into(),
            buckets: vec![(1, 2)],
        },
    }
}

pub async fn nothing_else_names_an_erased_user(world: &World) {
    let store = world.store().await;
    put_in(&*store, "", Change::PutWorkspace(workspace("w"))).await;
    put_rules(&*store, "w").await;
    put(&*store, vec![full("ada"), entry(EntryKind::Department, "ada"), user("bob", "")]).await;
    let holds = [StoredHold { attribution: of_user("ada"), ..hold("r") }, hold("s")];
    let rates = [rate("each", "ada"), rate("each-law", "ada"), rate("each", "bob")];
    store.save_snapshot(&holds, &rates, &[]).await.unwrap();
    let alerts = [
        alert(1, SubjectKind::User, "ada", None),
        alert(2, SubjectKind::Department, "ada", Some("ada")),
        alert(3, SubjectKind::User, "bob", Some("bob")),
        alert_of_record(4, "ada"),
        alert_of_record(5, "bob"),
    ];
    store.put_alerts(&alerts, &[]).await.unwrap();
    put_found(&*store).await;
    let events = [
        event("1", "ada", ("plan", "w"), Some("{}")),
        event("2", "eve", ("user", "ada"), Some("{\"id\":\"ada\"}")),
    ];
    store.change("w", &[], &events).await.unwrap();
    let rewritten = event("2", "eve", ("user", GHOST), Some("{\"id\":\"ghost\"}"));
    let acted = event("1", GHOST, ("plan", "w"), Some("{}"));
    let part = ErasurePart {
        user_id: "ada".to_owned(),
        pseudonym: GHOST.to_owned(),
        seqs: Vec::new(),
        events: vec![rewritten.clone(), acted.clone()],
    };
    begin(&*store, "w", "ada").await;
    put_in(&*store, "w", Change::EraseUserPart(part)).await;
    put_in(&*store, "w", Change::EndErasure(GHOST.to_owned())).await;
    assert_eq!(store.user_traces("w", "ada", 9).await.unwrap(), UserTraces::default());

    assert_eq!(ids_of(&*store, "w").await, ["bob"]);
    let departments = ids(&*store, EntryKind::Department, EntryState::Active, None, 9).await;
    assert_eq!(departments, ["ada"]);
    let found = store.holds("w").await.unwrap();
    let users: Vec<&str> = found.iter().map(|hold| hold.attribution.user_id.as_str()).collect();
    assert_eq!(users, [GHOST, ""]);
    let mut subject_ids: Vec<String> = Vec::new();
    for rate in store.rate_counts("w").await.unwrap() {
        subject_ids.push(format!("{} {}", rate.counts.rate_limit_id, rate.counts.subject_id));
    }
    subject_ids.sort();
    assert_eq!(subject_ids, ["each bob", &format!("each {GHOST}"), "each-law ada"]);
    let filter = AlertFilter { workspace_id: "w".into(), ..AlertFilter::default() };
    let found = store.alerts(&filter, None, 10).await.unwrap();
    let expected = [
        alert_of_record(5, "bob"),
        alert_of_record(4, GHOST),
        alert(3, SubjectKind::User, "bob", Some("bob")),
        alert(2, SubjectKind::Department, "ada", Some(GHOST)),
        alert(1, SubjectKind::User, GHOST, None),
    ];
    assert_eq!(found, expected);
    for expected in [judged("a", GHOST), judged("b", "bob")] {
        assert_eq!(store.recommendation("w", &expected.id).await.unwrap(), Some(expected));
    }
    let mut of_ada = odd(GHOST);
    (of_ada.id, of_ada.start_time) = (odd("ada").id, odd("ada").start_time);
    of_ada.member = odd("ada").member;
    assert_eq!(store.anomaly("w", "ada").await.unwrap(), Some(of_ada));
    assert_eq!(store.anomaly("w", "bob").await.unwrap(), Some(odd("bob")));
    let filter = AuditFilter { workspace_id: "w".to_owned(), ..AuditFilter::default() };
    let found = store.audit_events(&filter, None, 10).await.unwrap();
    assert_eq!(found, [rewritten, acted]);
}

pub async fn events_that_name_a_text_are_found(world: &World) {
    let store = world.store().await;
    let tricky = ["50%_off!", "a\"b\\c", "ü", "ada"];
    let mut events = Vec::new();
    for (number, text) in tricky.into_iter().enumerate() {
        let json = serde_json::json!({ "subject": { "id": text } }).to_string();
        events.push(event(&format!("{number}-after"), "eve", ("quota", "q"), Some(&json)));
        let mut before = event(&format!("{number}-before"), "eve", ("quota", "q"), None);
        before.before = Some(json);
        events.push(before);
        events.push(event(&format!("{number}-id"), "eve", ("user", text), None));
        events.push(event(&format!("{number}-by"), text, ("plan", "w"), None));
        let mut on_behalf = event(&format!("{number}-for"), "eve", ("plan", "w"), None);
        text.clone_into(&mut on_behalf.on_behalf_of);
        events.push(on_behalf);
    }
    events.push(event("longer", "eve", ("quota", "q"), Some("{\"id\":\"50%_off!!\"}")));
    store.change("w", &[], &events).await.unwrap();
    for (number, text) in tricky.into_iter().enumerate() {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.audit_events_naming("w", text, after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.time, last.id.clone()));
            found.extend(page.into_iter().map(|event| event.id));
        }
        let expected =
            ["after", "before", "by", "for", "id"].map(|what| format!("{number}-{what}"));
        assert_eq!(found, expected, "{text}");
    }
    assert_eq!(store.audit_events_naming("other", "ada", None, 9).await.unwrap(), []);
    assert_eq!(store.audit_events_naming("w", "ad", None, 9).await.unwrap(), []);
}

/// Whatever part of it is done, entries have the pseudonym, and agree with what is derived.
pub async fn a_user_whose_erasure_has_begun_is_gone(world: &World) {
    let mut store = world.store().await;
    let log = random_records(8, 600);
    append_new(&*store, &log).await;
    fold(&*store, &log[..500]).await;
    let before = sums(&*store, "u-1", GHOST).await;
    let mut erasure = begin(&*store, "w-1", "u-1").await;
    erasure.record_count = log.iter().filter(|record| is_ghost_of(record)).count() as i64;
    let (mut renamed, mut after) = (0, None);
    for part in 0.. {
        // The server after a crash knows of it, and so does one that only reads.
        if part == 1 {
            store.close().await;
            store = world.store().await;
        }
        // From the log alone, which has some of it under the id.
        if part == 2 && !world.is_model() {
            store.rebuild_rollups().await.unwrap();
        }
        assert_eq!(store.erasures().await.unwrap(), [("w-1".to_owned(), erasure.clone())]);
        assert_eq!(sums(&*store, "u-1", GHOST).await, before);
        let read = store.records_after(0, 1_000).await.unwrap();
        let filter = RecordFilter::of("w-1");
        let listed = store.records(&filter, Order::OldestFirst, None, 1_000).await.unwrap();
        let window = Window { start: START - MICROS_PER_DAY, end: START + 99 * MICROS_PER_DAY };
        let exported = store.export_records("w-1", window, None, 1_000).await.unwrap();
        for found in [&read, &listed, &exported] {
            let ghosts = found.iter().filter(|record| record.attribution.user_id == GHOST);
            assert_eq!(ghosts.count() as i64, erasure.record_count, "part {part}");
        }
        if !world.is_model() {
            assert_eq!(store.verify_rollups(10).await.unwrap(), [], "part {part}");
        }
        match go_on(&*store, "w-1", &erasure, &mut after).await {
            0 => break,
            count => renamed += count,
        }
    }
    if !world.is_model() {
        assert!(renamed > 2 * PART, "it was done in parts");
    }
    // An entry of later is of another user.
    let later = Record { workspace_id: "w-1".into(), ..by_user(601, "u-1", 1) };
    append_new(&*store, std::slice::from_ref(&later)).await;
    assert_eq!(store.records_after(600, 9).await.unwrap()[0].attribution.user_id, "u-1");
    put_in(&*store, "w-1", Change::EndErasure(GHOST.to_owned())).await;
    let left = store.erasures().await.unwrap();
    assert!(left.iter().all(|(_, erasure)| erasure.user_id != "u-1"), "{left:?}");
    let of_it = store.user_traces("w-1", GHOST, 600).await.unwrap();
    assert!(of_it.record_count >= erasure.record_count);
}

fn of_user(user_id: &str) -> Attribution {
    Attribution { user_id: user_id.to_owned(), ..Attribution::default() }
}

fn is_ghost_of(record: &Record) -> bool {
    *record.workspace_id == *"w-1" && record.attribution.user_id == "u-1"
}

pub async fn entries_of_an_erased_user_are_found_by_their_hours(world: &World) {
    let store = world.store().await;
    let log: Vec<Record> =
        (1..=200).map(|seq| by_user(seq, ["ada", "bob"][seq as usize % 2], seq % 50)).collect();
    append_new(&*store, &log).await;
    fold(&*store, &log).await;
    erase(&*store, "w", "ada").await;
    let found =
        store.records(&RecordFilter::of("w"), Order::OldestFirst, None, 1_000).await.unwrap();
    assert_eq!(found.len(), 200);
    assert!(found.iter().all(|record| record.attribution.user_id != "ada"));
    let cost: Amount = found.iter().map(|record| record.cost).sum();
    assert_eq!(cost, log.iter().map(|record| record.cost).sum());
    assert_eq!(store.fold_cursor().await.unwrap(), at_batch(200));
}

fn at_batch(seq: i64) -> FoldCursor {
    FoldCursor { batch: 1, ..at(seq) }
}
