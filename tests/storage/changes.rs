//! Changes of what is set, and the log of who changed it.

use std::sync::Arc;

use tollgate::domain::Time;
use tollgate::domain::boost::{Boost, BoostTarget};
use tollgate::domain::record::Record;
use tollgate::domain::usage::{TokenClass, Usage};
use tollgate::storage::audit::{AuditEvent, AuditFilter};
use tollgate::storage::log::Appended;
use tollgate::storage::settings::{BoostFilter, Change, LimitFilter};
use tollgate::storage::{Error, Store};

use crate::fixtures::{START, append_new, put_in, record, workspace};
use crate::limits::{api_key, boost, key_group, quota, rate_limit};
use crate::world::World;

fn event(id: &str) -> AuditEvent {
    AuditEvent {
        id: id.to_owned(),
        time: START,
        actor: "actor".to_owned(),
        on_behalf_of: "ada".to_owned(),
        action: "create".to_owned(),
        workspace_id: "w".to_owned(),
        resource_type: "quota".to_owned(),
        resource_id: "q".to_owned(),
        before: None,
        after: Some("{\"limit\":\"1.5\"}".to_owned()),
    }
}

async fn events(store: &dyn Store, filter: &AuditFilter) -> Vec<String> {
    let events = store.audit_events(filter, None, usize::MAX).await.unwrap();
    events.into_iter().map(|event| event.id).collect()
}

fn of_workspace(id: &str) -> AuditFilter {
    AuditFilter { workspace_id: id.to_owned(), ..AuditFilter::default() }
}

pub async fn a_change_writes_everything_with_its_events(world: &World) {
    let store = world.store().await;
    let changes = [
        Change::PutWorkspace(workspace("w")),
        Change::PutQuota(quota("q")),
        Change::PutRateLimit(rate_limit("r")),
        Change::PutApiKey(api_key("k")),
        Change::PutKeyGroup(key_group("g")),
        Change::PutBoost(boost("b")),
    ];
    let gone =
        AuditEvent { before: Some("{}".to_owned()), after: None, time: START + 1, ..event("e2") };
    for _again in 0..2 {
        store.change("w", &changes, &[event("e1"), gone.clone()]).await.unwrap();
    }
    assert_eq!(store.workspace("w").await.unwrap(), Some(workspace("w")));
    let policy = store.limit_config("w", START).await.unwrap();
    assert_eq!(policy.quotas, [quota("q")]);
    assert_eq!(policy.rate_limits, [rate_limit("r")]);
    assert_eq!(policy.api_keys, [api_key("k")]);
    assert_eq!(policy.key_groups, [key_group("g")]);
    assert_eq!(policy.boosts, [boost("b")]);
    let events = store.audit_events(&of_workspace("w"), None, 10).await.unwrap();
    assert_eq!(events, [gone, event("e1")]);

    // Changes alone, events alone, and nothing at all.
    put_in(&*store, "w", Change::DeleteApiKey("k".into())).await;
    assert_eq!(store.limit_config("w", START).await.unwrap().api_keys, []);
    store.change("w", &[], &[event("e3")]).await.unwrap();
    store.change("w", &[], &[]).await.unwrap();
    assert_eq!(store.audit_events(&of_workspace("w"), None, 10).await.unwrap().len(), 3);
}

pub async fn an_event_is_written_once(world: &World) {
    let store = world.store().await;
    store.change("w", &[], &[event("e")]).await.unwrap();
    let other = AuditEvent { actor: "other".to_owned(), ..event("e") };
    let twice = [other.clone(), event("f"), AuditEvent { id: "f".to_owned(), ..other }];
    store.change("w", &[], &twice).await.unwrap();
    let events = store.audit_events(&of_workspace("w"), None, 10).await.unwrap();
    assert_eq!(events, [event("f"), event("e")]);
}

/// A boost of nothing is refused by the database, after other changes of the same transaction.
pub async fn an_entry_made_by_hand_comes_with_its_events(world: &World) {
    let store = world.store().await;
    let [first, second] = [record(1), record(2)];
    for _again in 0..2 {
        let batch = [first.clone(), second.clone()];
        let appended = store.append_audited(&batch, &[event("e1"), event("e2")]).await.unwrap();
        assert_eq!(appended, Appended::New);
    }
    // One whose key is taken takes the others and their events with it, wherever it comes.
    let taken = |seq| Record { seq, fingerprint: 99, ..record(2) };
    for batch in [[record(3), taken(4)], [taken(3), record(4)]] {
        let appended = store.append_audited(&batch, &[event("e3")]).await.unwrap();
        assert_eq!(appended, Appended::Existing(Box::new(second.clone())));
    }
    assert_eq!(store.records_after(0, 10).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(events(&*store, &of_workspace("w")).await, ["e2", "e1"]);
    // And the store goes on, also without events.
    let appended = store.append_audited(&[record(5)], &[]).await.unwrap();
    assert_eq!(appended, Appended::New);
    assert_eq!(store.records_after(0, 10).await.unwrap(), [first, second, record(5)]);
}

pub async fn a_refused_entry_leaves_no_events(world: &World) {
    let store = world.store().await;
    append_new(&*store, &[record(1)]).await;
    let foreign = Record { request_id: "foreign".into(), ..record(1) };
    let negative = Record { usage: Usage::default().with(TokenClass::Output, -1), ..record(3) };
    for batch in [[foreign, record(2)], [record(2), negative]] {
        let refused = store.append_audited(&batch, &[event("e")]).await;
        assert!(matches!(refused, Err(Error::Corrupt(_))), "{refused:?}");
    }
    assert_eq!(store.records_after(0, 10).await.unwrap(), [record(1)]);
    assert_eq!(events(&*store, &of_workspace("w")).await, Vec::<String>::new());
}

pub async fn a_refused_change_leaves_nothing(world: &World) {
    let store = world.store().await;
    put_in(&*store, "w", Change::PutQuota(quota("before"))).await;
    let changes = [
        Change::PutQuota(quota("after")),
        Change::DeleteQuota("before".into()),
        Change::PutBoost(Boost { amount: 0, ..boost("b") }),
    ];
    let refused = store.change("w", &changes, &[event("e")]).await;
    assert!(matches!(refused, Err(Error::Corrupt(_))), "{refused:?}");
    let policy = store.limit_config("w", START).await.unwrap();
    assert_eq!(policy.quotas, [quota("before")]);
    assert_eq!(policy.boosts, []);
    assert_eq!(events(&*store, &of_workspace("w")).await, [""; 0]);
    // The next one is not held up by it.
    put_in(&*store, "w", Change::PutQuota(quota("after"))).await;
    assert_eq!(store.limit_config("w", START).await.unwrap().quotas.len(), 2);
}

pub async fn a_policy_is_read_from_one_state(world: &World) {
    let store = world.store().await;
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..60 {
                let name = format!("state {number}");
                let mut pair = (quota("q"), api_key("k"));
                pair.0.display_name.clone_from(&name);
                pair.1.display_name = name;
                let changes = [Change::PutQuota(pair.0), Change::PutApiKey(pair.1)];
                store.change("w", &changes, &[]).await.unwrap();
            }
        })
    };
    let mut seen = 0;
    while !writer.is_finished() || seen == 0 {
        let policy = store.limit_config("w", START).await.unwrap();
        let quotas: Vec<&String> = policy.quotas.iter().map(|q| &q.display_name).collect();
        let keys: Vec<&String> = policy.api_keys.iter().map(|k| &k.display_name).collect();
        assert_eq!(quotas, keys);
        seen += 1;
    }
    writer.await.unwrap();
}

pub async fn everything_is_replaced_and_deleted_within_its_workspace(world: &World) {
    let store = world.store().await;
    let all = |name: &str| {
        let mut values = (quota("x"), rate_limit("x"), api_key("x"), key_group("x"), boost("x"));
        values.0.display_name = name.to_owned();
        values.1.display_name = name.to_owned();
        values.2.display_name = name.to_owned();
        values.3.display_name = name.to_owned();
        values.4.reason = name.to_owned();
        [
            Change::PutQuota(values.0),
            Change::PutRateLimit(values.1),
            Change::PutApiKey(values.2),
            Change::PutKeyGroup(values.3),
            Change::PutBoost(values.4),
        ]
    };
    let names = async |workspace_id: &str| {
        let policy = store.limit_config(workspace_id, START).await.unwrap();
        let mut names: Vec<String> = Vec::new();
        names.extend(policy.quotas.into_iter().map(|quota| quota.display_name));
        names.extend(policy.rate_limits.into_iter().map(|limit| limit.display_name));
        names.extend(policy.api_keys.into_iter().map(|key| key.display_name));
        names.extend(policy.key_groups.into_iter().map(|group| group.display_name));
        names.extend(policy.boosts.into_iter().map(|boost| boost.reason));
        names
    };
    store.change("w", &all("first"), &[]).await.unwrap();
    store.change("v", &all("foreign"), &[]).await.unwrap();
    store.change("w", &all("second"), &[]).await.unwrap();
    assert_eq!(names("w").await, ["second"; 5]);
    assert_eq!(names("v").await, ["foreign"; 5]);
    for _again in 0..2 {
        let gone = [
            Change::DeleteRateLimit("x".into()),
            Change::DeleteApiKey("x".into()),
            Change::DeleteKeyGroup("x".into()),
        ];
        store.change("w", &gone, &[]).await.unwrap();
        assert_eq!(names("w").await, ["second"; 2]);
    }
    assert_eq!(names("v").await, ["foreign"; 5]);
}

pub async fn boosts_go_with_their_quota(world: &World) {
    let store = world.store().await;
    let of = |id: &str, quota_id: &str| {
        let quota_id: Arc<str> = quota_id.into();
        let target = BoostTarget::Quota { quota_id, subject_id: Some("u".into()) };
        Change::PutBoost(Boost { target, ..boost(id) })
    };
    let changes = [
        Change::PutQuota(quota("q")),
        Change::PutQuota(quota("p")),
        of("1", "q"),
        of("2", "p"),
        of("3", "q"),
        Change::PutBoost(Boost { target: BoostTarget::Envelope, ..boost("4") }),
    ];
    store.change("w", &changes, &[]).await.unwrap();
    store.change("v", &changes, &[]).await.unwrap();
    for _again in 0..2 {
        put_in(&*store, "w", Change::DeleteQuota("q".into())).await;
        let left = store.limit_config("w", START).await.unwrap();
        let ids: Vec<&str> = left.boosts.iter().map(|boost| &*boost.id).collect();
        assert_eq!(ids, ["2", "4"]);
        assert_eq!(left.quotas, [quota("p")]);
    }
    assert_eq!(store.limit_config("v", START).await.unwrap().boosts.len(), 4);
    let of_quota = BoostFilter::Quota("q".to_owned());
    assert_eq!(store.boosts("w", &of_quota, None, 10).await.unwrap(), []);
    assert_eq!(store.boost("w", "1").await.unwrap(), None);
    let quotas = store.quotas("w", &LimitFilter::default(), "", 10).await.unwrap();
    assert_eq!(quotas, [quota("p")]);
}

pub async fn events_are_listed_and_filtered(world: &World) {
    let store = world.store().await;
    let at = |id: &str, seconds: i64| AuditEvent { time: START + seconds, ..event(id) };
    let log = [
        at("a", 1),
        AuditEvent { actor: "else".to_owned(), ..at("b", 2) },
        AuditEvent { resource_type: "plan".to_owned(), ..at("c", 2) },
        AuditEvent { resource_id: "other".to_owned(), ..at("d", 3) },
        AuditEvent { workspace_id: "v".to_owned(), ..at("e", 4) },
        AuditEvent { workspace_id: String::new(), ..at("f", 5) },
        at("g", 0),
    ];
    store.change("w", &[], &log).await.unwrap();
    let all = of_workspace("w");
    assert_eq!(events(&*store, &all).await, ["d", "c", "b", "a", "g"]);
    assert_eq!(events(&*store, &of_workspace("v")).await, ["e"]);
    assert_eq!(events(&*store, &AuditFilter::default()).await, ["f"], "of the catalog");
    let text = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (AuditFilter { actor: text("actor"), ..all.clone() }, "dcag"),
        (AuditFilter { resource_type: text("quota"), ..all.clone() }, "dbag"),
        (AuditFilter { resource_id: text("q"), ..all.clone() }, "cbag"),
        (
            AuditFilter { resource_type: text("quota"), resource_id: text("other"), ..all.clone() },
            "d",
        ),
        (AuditFilter { from: Some(START + 2), ..all.clone() }, "dcb"),
        (AuditFilter { to: Some(START + 2), ..all.clone() }, "ag"),
        (AuditFilter { from: Some(START + 1), to: Some(START + 2), ..all.clone() }, "a"),
        (AuditFilter { actor: text("nobody"), ..all.clone() }, ""),
    ] {
        assert_eq!(events(&*store, &filter).await.concat(), expected, "{filter:?}");
        // Page by page the same.
        let mut after: Option<(Time, String)> = None;
        let mut paged = String::new();
        loop {
            let page = store.audit_events(&filter, after, 2).await.unwrap();
            assert!(page.len() <= 2);
            let Some(last) = page.last() else { break };
            after = Some((last.time, last.id.clone()));
            paged.extend(page.iter().map(|event| event.id.as_str()));
        }
        assert_eq!(paged, expected);
    }
    assert_eq!(store.audit_events(&all, None, 0).await.unwrap(), []);
}
