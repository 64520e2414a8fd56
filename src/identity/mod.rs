//! Identities beside access tokens: client certificates and the tokens (JWT) of identity providers,
//! mapped to roles and workspaces by the rules of the identity file.
//!
//! What is accepted is remembered until it expires, so that a signature is verified once and not
//! with each call. Rules that change, and keys that are withdrawn, end what they let in.

mod certificate;
mod claims;
mod crypto;
mod jwks;
mod jwt;
mod known;
mod rules;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::domain::Time;
use crate::domain::access::Identity;
use crate::engine::Grant;
use jwks::{Issuer, KeySet};
use known::{Fingerprint, Known, Origin};
use rules::Rules;

/// How often keys are fetched again without need.
pub const KEYS_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// How soon they are fetched again after a failure, or for a token with an unknown key.
pub const KEYS_RETRY_INTERVAL: Duration = Duration::from_secs(15);
/// Longest token of an identity provider, in bytes.
pub const JWT_BYTES_MAX: usize = 16 * 1024;

/// Why the identity file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("{}: {message}", path.display())]
    NotToml { path: PathBuf, message: String },
    #[error("{}: {field}: {expected}", path.display())]
    BadRule { path: PathBuf, field: String, expected: String },
}

/// Whom the identity file lets in.
pub struct Identities {
    path: PathBuf,
    /// Whether certificates of clients are verified at all.
    has_client_ca: bool,
    accepted: ArcSwap<Accepted>,
    known: Known,
    /// Held while the file is read again: rules in use are never older than what was in use.
    reloading: Mutex<()>,
    /// Told where a token has a key that is not in the set of its issuer.
    wanted: Notify,
}

/// Rules as they were read last.
struct Accepted {
    text: String,
    rules: Rules,
    issuers: Vec<Issuer>,
}

impl Identities {
    /// # Errors
    /// If the file cannot be used.
    pub fn load(path: &Path, has_client_ca: bool) -> Result<Identities, Error> {
        let accepted = Accepted::read(path, has_client_ca)?;
        Ok(Identities {
            path: path.to_owned(),
            has_client_ca,
            accepted: ArcSwap::from_pointee(accepted),
            known: Known::default(),
            reloading: Mutex::new(()),
            wanted: Notify::new(),
        })
    }

    /// Who has a client certificate, in DER, which the transport has verified.
    ///
    /// # Errors
    /// Why it is refused, for the log.
    pub fn of_certificate(
        &self,
        der: &[u8],
        fingerprint: Fingerprint,
        now: Time,
    ) -> Result<Grant, String> {
        if let Some(grant) = self.known.get(&fingerprint, now) {
            return Ok(grant);
        }
        let accepted = self.accepted.load_full();
        let identity = certificate::identity(der, &accepted.rules.certificates)
            .map_err(|reason| format!("client certificate: {reason}"))?;
        self.remember(&accepted, fingerprint, Origin::Certificate, identity, now)
    }

    /// Who has a token of an identity provider.
    ///
    /// # Errors
    /// Why it is refused, for the log.
    pub fn of_jwt(&self, token: &str, now: Time) -> Result<Grant, String> {
        if token.len() > JWT_BYTES_MAX {
            return Err(format!("bearer token: it has more than {JWT_BYTES_MAX} bytes"));
        }
        let fingerprint = Sha256::digest(token.as_bytes()).into();
        if let Some(grant) = self.known.get(&fingerprint, now) {
            return Ok(grant);
        }
        let accepted = self.accepted.load_full();
        let verified = jwt::verify(token, &accepted.issuers, now).map_err(|refused| {
            if refused == jwt::Refused::UnknownKey {
                self.want_keys();
            }
            format!("bearer token: {refused}")
        })?;
        let origin = Origin::Key(verified.key);
        self.remember(&accepted, fingerprint, origin, verified.identity, now)
    }

    fn remember(
        &self,
        accepted: &Arc<Accepted>,
        fingerprint: Fingerprint,
        origin: Origin,
        identity: Identity,
        now: Time,
    ) -> Result<Grant, String> {
        let grant = Grant::of(identity);
        if !grant.is_valid(now) {
            return Err("it has expired".to_owned());
        }
        self.known.insert(fingerprint, origin, grant.clone());
        // Rules that were replaced meanwhile did not end it.
        if !Arc::ptr_eq(accepted, &self.accepted.load()) {
            self.known.end_all();
            return Err("the identity file has changed".to_owned());
        }
        Ok(grant)
    }

    /// Ends what has expired.
    pub fn end_expired(&self, now: Time) {
        self.known.end_expired(now);
    }

    /// Takes the file if it has changed. One that cannot be used changes nothing.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn reload(&self) -> Result<bool, Error> {
        let _reloading = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.accepted.load_full();
        let read = std::fs::read_to_string(&self.path);
        if read.is_ok_and(|text| text == before.text) {
            return Ok(false);
        }
        let mut accepted = Accepted::read(&self.path, self.has_client_ca)?;
        for issuer in &mut accepted.issuers {
            issuer.take_keys(&before.issuers);
        }
        self.accepted.store(Arc::new(accepted));
        self.known.end_all();
        Ok(true)
    }

    /// Has the keys fetched soon.
    pub fn want_keys(&self) {
        self.wanted.notify_one();
    }

    /// Returns once a token asked for keys that are not known.
    pub async fn keys_are_wanted(&self) {
        self.wanted.notified().await;
    }

    /// Reads and fetches the keys of all issuers; whether that succeeded for all. The keys before
    /// stay in use where it did not.
    pub async fn refresh_keys(&self) -> bool {
        let accepted = self.accepted.load_full();
        let mut are_fetched = true;
        for issuer in &accepted.issuers {
            match issuer.rules.keys.fetch(&issuer.rules).await {
                Ok(keys) => self.replace_keys(issuer, keys),
                Err(error) => {
                    warn!(issuer = issuer.rules.issuer, %error, "the keys before stay in use");
                    are_fetched = false;
                }
            }
        }
        are_fetched
    }

    fn replace_keys(&self, issuer: &Issuer, keys: KeySet) {
        let before = issuer.keys.swap(Arc::new(keys));
        let now = issuer.keys.load();
        let withdrawn = before.without(&now);
        if !withdrawn.is_empty() {
            self.known.end_keys(&withdrawn);
        }
        if *before != **now {
            info!(issuer = issuer.rules.issuer, keys = now.len(), "its keys were read");
        }
    }
}

impl Accepted {
    fn read(path: &Path, has_client_ca: bool) -> Result<Accepted, Error> {
        let unreadable = |cause| Error::Unreadable { path: path.to_owned(), cause };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let rules = Rules::parse(path, &text)?;
        if !has_client_ca && !rules.certificates.is_empty() {
            return Err(Error::BadRule {
                path: path.to_owned(),
                field: "certificates".to_owned(),
                expected: "expected none without the setting tls_client_ca".to_owned(),
            });
        }
        let issuers = rules.issuers.iter().cloned().map(Issuer::new).collect();
        Ok(Accepted { text, rules, issuers })
    }
}
