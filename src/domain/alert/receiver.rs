//! Receivers of alerts: webhooks and e-mail addresses.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use url::Url;
use xxhash_rust::xxh3::xxh3_64;

use super::secret::StoredSecret;
use crate::domain::Time;
use crate::domain::alert::AlertType;

/// Where alerts are sent over HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: Arc<str>,
    pub url: String,
    /// Empty for all.
    pub types: Vec<AlertType>,
    pub disabled: bool,
    pub display_name: String,
    /// What deliveries are signed with.
    pub secret: StoredSecret,
    /// The secret before, and until when deliveries are signed with it as well.
    pub old_secret: Option<(StoredSecret, Time)>,
    pub create_time: Time,
    pub update_time: Time,
}

impl Webhook {
    /// Host and port of its URL: all of it that may reach a log.
    pub fn host(&self) -> String {
        let Ok(url) = Url::parse(&self.url) else { return String::new() };
        match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => String::new(),
        }
    }
}

/// Without the secrets: they never reach a log.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).finish_non_exhaustive()
    }
}

/// For the audit log, without secrets. The path and query of a URL may be one: only its host is
/// shown, and a hash that changes with the URL. That a secret was rotated is seen by the time until
/// which the one before is used.
impl Serialize for Webhook {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            id: &'a str,
            host: String,
            url_hash: String,
            types: &'a [AlertType],
            disabled: bool,
            display_name: &'a str,
            old_secret_until: Option<Time>,
        }
        let fields = Fields {
            id: &self.id,
            host: self.host(),
            url_hash: format!("{:08x}", xxh3_64(self.url.as_bytes()) as u32),
            types: &self.types,
            disabled: self.disabled,
            display_name: &self.display_name,
            old_secret_until: self.old_secret.as_ref().map(|(_, until)| *until),
        };
        fields.serialize(serializer)
    }
}

/// Where alerts are sent by e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EmailReceiver {
    pub id: Arc<str>,
    pub address: String,
    /// Empty for all.
    pub types: Vec<AlertType>,
    #[serde(skip)]
    pub create_time: Time,
}
