//! Access tokens: created, rotated, revoked, and who calls with their secrets.
//!
//! Tokens are kept in memory by the hashes of their secrets. Another process may write them, so
//! [`Engine::refresh_access`] looks for changes, twice a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use siphasher::sip128::SipHasher13;
use tokio_util::sync::CancellationToken;

use super::{exists, not_found};
use crate::domain::Time;
use crate::domain::access::{AccessToken, Holder, Identity, Role, Secret, SecretHash};
use crate::domain::time::{MICROS_PER_MINUTE, Micros};
use crate::engine::audit::{self, Actor};
use crate::engine::error::{Error, Result};
use crate::engine::{Engine, Shared};
use crate::storage::Store;
use crate::storage::audit::AuditEvent;
use crate::storage::settings::Change;

/// Most tokens, also those that have ended.
const TOKENS_MAX: usize = 10_000;
/// In errors and in the audit log.
const TOKEN: &str = "token";

/// Tokens as they were read last.
pub struct AccessState {
    read: ArcSwap<Read>,
    /// With a key of the process, which nobody knows.
    hasher: SipHasher13,
}

/// A keyed hash (SipHash-1-3, 128 bits) of a secret: nobody can make another secret of the same,
/// and it takes a tenth of the instructions of SHA-256.
type Fingerprint = u128;

struct Read {
    index: Arc<Index>,
    /// Grants of it whose secrets were used.
    used: HashMap<Fingerprint, Grant>,
}

#[derive(Default)]
struct Index {
    /// As storage said when it was read.
    revision: i64,
    tokens: BTreeMap<Arc<str>, Arc<KnownToken>>,
    grants: HashMap<SecretHash, Grant>,
}

struct KnownToken {
    token: AccessToken,
    /// Time of the latest call, in microseconds, and what of it is stored; 0 for none.
    used: AtomicI64,
    stored_use: AtomicI64,
}

/// What a valid secret stands for. A clone counts one reference, because each call has one.
#[derive(Clone)]
pub struct Grant(Arc<Granted>);

struct Granted {
    identity: Identity,
    /// Cancelled once it is valid no longer.
    ended: CancellationToken,
    token: Option<Arc<KnownToken>>,
}

/// A token to be created.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Generated if absent.
    pub id: Option<String>,
    pub display_name: String,
    pub role: Role,
    pub workspace_ids: Vec<Arc<str>>,
    pub holder: Option<Holder>,
    pub expire_time: Option<Time>,
}

impl AccessState {
    /// # Errors
    /// If storage fails.
    pub async fn load(store: &dyn Store, now: Time) -> Result<AccessState> {
        let index = Index::read(store, &Index::default(), now).await?;
        let hasher = SipHasher13::new_with_key(&rand::random());
        Ok(AccessState { read: ArcSwap::from_pointee(Read::new(index)), hasher })
    }

    fn index(&self) -> Arc<Index> {
        self.read.load().index.clone()
    }

    fn replace(&self, index: Index) {
        self.read.store(Arc::new(Read::new(index)));
    }

    /// What this secret stands for, valid or not; none where there is none.
    fn grant(&self, secret: &[u8]) -> Option<Grant> {
        let fingerprint = self.hasher.hash(secret).into();
        let read = self.read.load();
        if let Some(grant) = read.used.get(&fingerprint) {
            return Some(grant.clone());
        }
        let secret = str::from_utf8(secret).ok().filter(|text| Secret::is_well_formed(text))?;
        // Found by a hash that a caller cannot choose: how long that takes says nothing.
        let grant = read.index.grants.get(&SecretHash::of(secret))?;
        self.read.rcu(|now| {
            // Of tokens that were read again meanwhile it may be none.
            if !Arc::ptr_eq(&now.index, &read.index) {
                return now.clone();
            }
            let mut used = now.used.clone();
            used.insert(fingerprint, grant.clone());
            Arc::new(Read { index: now.index.clone(), used })
        });
        Some(grant.clone())
    }
}

impl Read {
    fn new(index: Index) -> Read {
        Read { index: Arc::new(index), used: HashMap::new() }
    }
}

impl Grant {
    /// Of everybody, where authentication is not required.
    pub fn anonymous() -> Grant {
        Grant::of(Identity::anonymous())
    }

    /// Of other credentials than an access token.
    pub fn of(identity: Identity) -> Grant {
        Grant(Arc::new(Granted { identity, ended: CancellationToken::new(), token: None }))
    }

    /// Makes it valid no longer for streams that it has opened.
    pub fn end(&self) {
        self.0.ended.cancel();
    }

    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Cancelled once it is valid no longer, within a second.
    pub fn ended(&self) -> &CancellationToken {
        &self.0.ended
    }

    /// Whether it allows this caller what it did before, and has not ended.
    fn goes_on_as(&self, identity: &Identity) -> bool {
        let before = self.identity();
        let is_same = (before.role, &before.workspace_ids, &before.holder)
            == (identity.role, &identity.workspace_ids, &identity.holder);
        is_same && !self.ended().is_cancelled()
    }

    /// Whether it has not expired.
    pub fn is_valid(&self, now: Time) -> bool {
        self.identity().expire_time.is_none_or(|end| now < end)
    }
}

impl Index {
    /// Keeps what `before` knows of grants that are still valid.
    async fn read(store: &dyn Store, before: &Index, now: Time) -> Result<Index> {
        // Asked first: what changes in between is read again.
        let revision = store.access_revision().await?;
        let mut index = Index { revision, ..Index::default() };
        for token in store.access_tokens().await? {
            index.add(token, before, now);
        }
        for (hash, grant) in &before.grants {
            let now = index.grants.get(hash);
            if !now.is_some_and(|now| grant.goes_on_as(now.identity())) {
                grant.end();
            }
        }
        Ok(index)
    }

    fn add(&mut self, token: AccessToken, before: &Index, now: Time) {
        let same = before.tokens.get(&token.id);
        let stored = token.last_use_time.map_or(0, Time::micros);
        let used = same.map_or(0, |known| known.used.load(Ordering::Relaxed)).max(stored);
        let old = token.old_secret.as_ref().map(|(hash, _)| *hash);
        let hashes = [Some(token.secret_hash), old];
        let known = Arc::new(KnownToken {
            used: AtomicI64::new(used),
            stored_use: AtomicI64::new(stored),
            token,
        });
        for hash in hashes.into_iter().flatten() {
            let Some(identity) = known.token.identity(&hash, now) else { continue };
            // Streams that were opened with the secret go on, and end with it, also where a
            // rotation has brought its end nearer.
            let same = before.grants.get(&hash).filter(|same| same.goes_on_as(&identity));
            let ended = same.map(|same| same.ended().clone()).unwrap_or_default();
            let granted = Granted { identity, ended, token: Some(known.clone()) };
            self.grants.insert(hash, Grant(Arc::new(granted)));
        }
        self.tokens.insert(known.token.id.clone(), known);
    }
}

impl Engine {
    /// Who calls with this secret. None if it is not valid.
    pub fn authenticate(&self, secret: &[u8]) -> Option<Grant> {
        let now = self.now();
        let grant = self.shared.access.grant(secret).filter(|grant| grant.is_valid(now))?;
        if let Some(token) = &grant.0.token {
            token.note_use(now);
        }
        Some(grant)
    }

    /// Whether any token could be used.
    pub fn has_tokens(&self) -> bool {
        !self.shared.access.index().grants.is_empty()
    }

    /// All tokens by id, those that have ended among them.
    pub fn access_tokens(&self) -> Vec<AccessToken> {
        let index = self.shared.access.index();
        index.tokens.values().map(|known| known.current()).collect()
    }

    /// Reads what another process has changed, and ends grants whose time has come.
    pub async fn refresh_access(&self) -> Result<()> {
        let before = self.shared.access.index();
        let now = self.now();
        for grant in before.grants.values().filter(|grant| !grant.is_valid(now)) {
            grant.end();
        }
        if self.store().access_revision().await? == before.revision {
            return Ok(());
        }
        self.in_writer(|shared| async move { shared.reload_access().await }).await
    }

    /// Stores when tokens were used.
    pub async fn store_token_uses(&self) -> Result<()> {
        let index = self.shared.access.index();
        let unstored = |known: &&Arc<KnownToken>| known.unstored_use().is_some();
        let used: Vec<Arc<KnownToken>> = index.tokens.values().filter(unstored).cloned().collect();
        if used.is_empty() {
            return Ok(());
        }
        self.in_writer(|shared| async move {
            let time = |known: &Arc<KnownToken>| Some((known.clone(), known.unstored_use()?));
            let uses: Vec<(Arc<KnownToken>, Time)> = used.iter().filter_map(time).collect();
            let change = |(known, time): &(Arc<KnownToken>, Time)| Change::UseAccessToken {
                id: known.token.id.clone(),
                time: *time,
            };
            let changes: Vec<Change> = uses.iter().map(change).collect();
            shared.change("", &changes, &[]).await?;
            for (known, time) in &uses {
                known.stored_use.store(time.micros(), Ordering::Relaxed);
            }
            Ok(())
        })
        .await
    }

    /// Creates a token. Its secret is returned once.
    pub async fn create_token(&self, actor: Actor, new: NewToken) -> Result<(AccessToken, Secret)> {
        self.in_writer(move |shared| async move {
            let now = shared.clock.now();
            shared.reload_access().await?;
            let index = shared.access.index();
            let secret = Secret::from_random(rand::random());
            let others = index.tokens.values().map(|known| &known.token);
            let token = new.into_token(others, &secret, now)?;
            shared.put_token(&actor, None, &token, now).await?;
            Ok((token, secret))
        })
        .await
    }

    /// Gives a token another secret; the one before is valid for `overlap`.
    pub async fn rotate_token(
        &self,
        actor: Actor,
        id: String,
        overlap: Micros,
    ) -> Result<(AccessToken, Secret)> {
        self.in_writer(move |shared| async move {
            let (before, now) = shared.find_token(&id).await?;
            let secret = Secret::from_random(rand::random());
            let token = rotated(&before, &secret, overlap, now)?;
            shared.put_token(&actor, Some(&before), &token, now).await?;
            Ok((token, secret))
        })
        .await
    }

    /// Revokes a token; revoked before, it stays as it is.
    pub async fn revoke_token(&self, actor: Actor, id: String) -> Result<AccessToken> {
        self.in_writer(move |shared| async move {
            let (before, now) = shared.find_token(&id).await?;
            let token = revoked(&before, now);
            if token != before {
                shared.put_token(&actor, Some(&before), &token, now).await?;
            }
            Ok(token)
        })
        .await
    }
}

impl Shared {
    /// In the writer alone.
    async fn reload_access(&self) -> Result<()> {
        let before = self.access.index();
        let index = Index::read(&*self.store, &before, self.clock.now()).await?;
        self.access.replace(index);
        Ok(())
    }

    async fn find_token(&self, id: &str) -> Result<(AccessToken, Time)> {
        self.reload_access().await?;
        let index = self.access.index();
        let token = index.tokens.get(id).ok_or_else(|| not_found(TOKEN, id))?.current();
        Ok((token, self.clock.now()))
    }

    async fn put_token(
        &self,
        actor: &Actor,
        before: Option<&AccessToken>,
        token: &AccessToken,
        now: Time,
    ) -> Result<()> {
        let (changes, events) = put_token(actor, before, token, now);
        self.change("", &changes, &events).await?;
        self.reload_access().await
    }
}

/// A token with another secret; the one before is valid for `overlap`.
///
/// # Errors
/// If it is revoked.
pub fn rotated(
    before: &AccessToken,
    secret: &Secret,
    overlap: Micros,
    now: Time,
) -> Result<AccessToken> {
    if before.revoke_time.is_some() {
        let id = &before.id;
        return Err(Error::NotAllowed(format!("the token \"{id}\" is revoked: create another")));
    }
    Ok(AccessToken {
        secret_hash: secret.hash(),
        secret_time: now,
        old_secret: (overlap > 0).then(|| (before.secret_hash, now + overlap)),
        ..before.clone()
    })
}

/// A token that is revoked, since when it was first.
pub fn revoked(before: &AccessToken, now: Time) -> AccessToken {
    let revoke_time = Some(before.revoke_time.unwrap_or(now));
    AccessToken { revoke_time, old_secret: None, ..before.clone() }
}

/// The change that stores a token, with its entry of the audit log.
pub fn put_token(
    actor: &Actor,
    before: Option<&AccessToken>,
    token: &AccessToken,
    now: Time,
) -> ([Change; 1], Vec<AuditEvent>) {
    let (before, after) = (before.map(audit::state), audit::state(token));
    let event = actor.event(now, "", TOKEN, &token.id, before, Some(after));
    ([Change::PutAccessToken(token.clone())], event.into_iter().collect())
}

impl NewToken {
    /// The token beside the others that there are.
    ///
    /// # Errors
    /// If its id is taken, or there are too many.
    pub fn into_token<'a>(
        self,
        mut others: impl ExactSizeIterator<Item = &'a AccessToken>,
        secret: &Secret,
        now: Time,
    ) -> Result<AccessToken> {
        let id = self.id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        if others.len() >= TOKENS_MAX {
            let max = TOKENS_MAX as i64;
            return Err(Error::BoundReached { bound: "number of tokens", max });
        }
        if others.any(|other| *other.id == *id) {
            return Err(exists(TOKEN, &id));
        }
        Ok(AccessToken {
            id: id.into(),
            display_name: self.display_name,
            role: self.role,
            workspace_ids: self.workspace_ids,
            holder: self.holder,
            secret_hash: secret.hash(),
            secret_time: now,
            old_secret: None,
            expire_time: self.expire_time,
            create_time: now,
            revoke_time: None,
            last_use_time: None,
        })
    }
}

impl KnownToken {
    /// Remembered by the minute: most calls change nothing.
    fn note_use(&self, now: Time) {
        let minute = now.micros() - now.micros().rem_euclid(MICROS_PER_MINUTE);
        if self.used.load(Ordering::Relaxed) < minute {
            self.used.store(minute, Ordering::Relaxed);
        }
    }

    fn unstored_use(&self) -> Option<Time> {
        let used = self.used.load(Ordering::Relaxed);
        (used > self.stored_use.load(Ordering::Relaxed)).then(|| Time::from_micros(used))
    }

    /// With the time of its latest use.
    fn current(&self) -> AccessToken {
        let used = self.used.load(Ordering::Relaxed);
        let last_use_time = (used > 0).then(|| Time::from_micros(used));
        AccessToken { last_use_time, ..self.token.clone() }
    }
}
