//! Access tokens from the command line, on the database of a server that may be running: it sees
//! changes within a second.

use std::path::Path;
use std::sync::Arc;

use super::{ACTOR, Error};
use crate::domain::Time;
use crate::domain::access::{AccessToken, Role, Secret};
use crate::domain::time::Micros;
use crate::engine::{Actor, NewToken, put_token, revoked, rotated};
use crate::storage::Store;
use crate::storage::sql;

/// Id of the operator token that a server makes at its first start.
pub const FIRST: &str = "first";

/// A database that is opened for it.
pub struct Tokens {
    store: Arc<dyn Store>,
}

impl Tokens {
    /// With `create` also one that is not there yet.
    ///
    /// # Errors
    /// If the database does not open.
    pub async fn open(database: &str, create: bool) -> Result<Tokens, Error> {
        Ok(Tokens { store: sql::open_unfenced(database, create).await? })
    }

    pub async fn close(self) {
        self.store.close().await;
    }

    /// All by id, those that have ended among them.
    pub async fn list(&self) -> Result<Vec<AccessToken>, Error> {
        Ok(self.store.access_tokens().await?)
    }

    /// Those of the workspaces that do not exist.
    pub async fn unknown(&self, workspace_ids: &[Arc<str>]) -> Result<Vec<Arc<str>>, Error> {
        let mut unknown = Vec::new();
        for id in workspace_ids {
            if self.store.workspace(id).await?.is_none() {
                unknown.push(id.clone());
            }
        }
        Ok(unknown)
    }

    pub async fn create(&self, new: NewToken, now: Time) -> Result<(AccessToken, Secret), Error> {
        let secret = Secret::from_random(rand::random());
        self.add(new, &secret, now).await.map(|token| (token, secret))
    }

    /// A token whose secret is chosen.
    pub async fn add(
        &self,
        new: NewToken,
        secret: &Secret,
        now: Time,
    ) -> Result<AccessToken, Error> {
        let token = new.into_token(self.list().await?.iter(), secret, now)?;
        self.put("token create", None, &token, now).await?;
        Ok(token)
    }

    /// Makes the first operator token of a database that has none: with the secret of `file`, or
    /// one that is returned, to be shown once.
    pub async fn first(&self, file: Option<&Path>, now: Time) -> Result<Option<Secret>, Error> {
        if !self.list().await?.is_empty() {
            return Ok(None);
        }
        let new = NewToken {
            id: Some(FIRST.to_owned()),
            display_name: String::new(),
            role: Role::Operator,
            workspace_ids: Vec::new(),
            holder: None,
            expire_time: None,
        };
        let Some(file) = file else {
            return Ok(Some(self.create(new, now).await?.1));
        };
        let path = || file.display().to_string();
        let text = std::fs::read_to_string(file);
        let text = text.map_err(|cause| Error::File { path: path(), cause })?;
        let secret = Secret::parse(text.trim()).ok_or_else(|| Error::NotASecret(path()))?;
        self.add(new, &secret, now).await?;
        Ok(None)
    }

    pub async fn rotate(
        &self,
        id: &str,
        overlap: Micros,
        now: Time,
    ) -> Result<(AccessToken, Secret), Error> {
        let before = self.find(id).await?;
        let secret = Secret::from_random(rand::random());
        let token = rotated(&before, &secret, overlap, now)?;
        self.put("token rotate", Some(&before), &token, now).await?;
        Ok((token, secret))
    }

    pub async fn revoke(&self, id: &str, now: Time) -> Result<AccessToken, Error> {
        let before = self.find(id).await?;
        let token = revoked(&before, now);
        self.put("token revoke", Some(&before), &token, now).await?;
        Ok(token)
    }

    async fn find(&self, id: &str) -> Result<AccessToken, Error> {
        let found = self.list().await?.into_iter().find(|token| *token.id == *id);
        found.ok_or_else(|| Error::TokenNotFound(id.to_owned()))
    }

    async fn put(
        &self,
        action: &'static str,
        before: Option<&AccessToken>,
        token: &AccessToken,
        now: Time,
    ) -> Result<(), Error> {
        if before == Some(token) {
            return Ok(());
        }
        let (changes, events) = put_token(&Actor::new(ACTOR, action), before, token, now);
        Ok(self.store.change("", &changes, &events).await?)
    }
}
