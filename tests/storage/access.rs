//! Access tokens, and writing them beside a server.

use tollgate::domain::access::{AccessToken, Holder, Role, SecretHash};
use tollgate::domain::attribution::SubjectKind;
use tollgate::storage::settings::Change;
use tollgate::storage::{Error, PreviousOwner, Store, sql};

use crate::fixtures::{START, put_in};
use crate::world::World;

fn token(id: &str) -> AccessToken {
    AccessToken {
        id: id.into(),
        display_name: "Build".to_owned(),
        role: Role::Service,
        workspace_ids: vec!["acme".into(), "beta".into()],
        holder: Some(Holder { kind: SubjectKind::User, id: "ada".into() }),
        secret_hash: SecretHash::of(id),
        secret_time: START + 1,
        old_secret: Some((SecretHash::of("before"), START + 2)),
        expire_time: Some(START + 3),
        create_time: START,
        revoke_time: Some(START + 4),
        last_use_time: Some(START + 5),
    }
}

async fn put(store: &dyn Store, token: &AccessToken) {
    put_in(store, "", Change::PutAccessToken(token.clone())).await;
}

pub async fn tokens_come_back_as_they_were_put(world: &World) {
    let store = world.store().await;
    assert_eq!(store.access_tokens().await.unwrap(), []);
    let plain = AccessToken {
        role: Role::Operator,
        workspace_ids: Vec::new(),
        holder: None,
        old_secret: None,
        expire_time: None,
        revoke_time: None,
        last_use_time: None,
        ..token("a")
    };
    put(&*store, &token("b")).await;
    put(&*store, &plain).await;
    assert_eq!(store.access_tokens().await.unwrap(), [plain, token("b")]);
    let changed = AccessToken { display_name: String::new(), old_secret: None, ..token("b") };
    put(&*store, &changed).await;
    assert_eq!(store.access_tokens().await.unwrap()[1], changed);
}

pub async fn every_change_of_a_token_is_another_revision(world: &World) {
    let store = world.store().await;
    let mut seen = vec![store.access_revision().await.unwrap()];
    for id in ["a", "b", "a", "b", "b"] {
        put(&*store, &token(id)).await;
        let revision = store.access_revision().await.unwrap();
        assert!(!seen.contains(&revision), "{revision} after {seen:?}");
        seen.push(revision);
    }
}

pub async fn the_latest_use_of_a_token_is_kept(world: &World) {
    let store = world.store().await;
    put(&*store, &AccessToken { last_use_time: None, ..token("a") }).await;
    let revision = store.access_revision().await.unwrap();
    for (time, latest) in [(7, 7), (6, 7), (8, 8)] {
        let time = START + time;
        put_in(&*store, "", Change::UseAccessToken { id: "a".into(), time }).await;
        let found = store.access_tokens().await.unwrap();
        assert_eq!(found[0].last_use_time, Some(START + latest));
    }
    put_in(&*store, "", Change::UseAccessToken { id: "ghost".into(), time: START }).await;
    assert_eq!(store.access_tokens().await.unwrap().len(), 1);
    assert_eq!(store.access_revision().await.unwrap(), revision);
}

/// The server goes on writing: it is not fenced, and sees what was written.
pub async fn tokens_are_written_beside_a_server(world: &World) {
    let server = world.store().await;
    let beside = sql::open_unfenced(&world.url, true).await.unwrap();
    assert!(matches!(beside.claim().await, Err(Error::NotApplied(_))));
    for id in ["a", "b"] {
        put(&*beside, &token(id)).await;
        put(&*server, &token(&format!("{id}{id}"))).await;
    }
    beside.close().await;
    let found = server.access_tokens().await.unwrap().into_iter();
    let ids: Vec<String> = found.map(|token| token.id.to_string()).collect();
    assert_eq!(ids, ["a", "aa", "b", "bb"]);
    put(&*server, &token("c")).await;
}

/// A server that starts later takes over what is there, and no crash is seen.
pub async fn a_database_without_a_server_is_migrated_for_its_first_token(world: &World) {
    let beside = sql::open_unfenced(&world.url, true).await.unwrap();
    put(&*beside, &token("a")).await;
    beside.close().await;
    let (server, before) = world.claimed().await;
    assert_eq!(before, PreviousOwner::None);
    assert_eq!(server.access_tokens().await.unwrap(), [token("a")]);
}
