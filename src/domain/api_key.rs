//! API keys and key groups: ids that callers present, never secrets.

use std::sync::Arc;

use serde::Serialize;

use crate::domain::Time;

/// A key that callers present: its id, never its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    pub id: Arc<str>,
    pub display_name: String,
    pub key_group_id: Option<Arc<str>>,
    /// The only models it may use, by the catalog's ids; empty for all.
    pub allowed_model_ids: Vec<Arc<str>>,
    pub disabled: bool,
    pub expire_time: Option<Time>,
    #[serde(skip)]
    pub create_time: Time,
    #[serde(skip)]
    pub update_time: Time,
}

/// A group of keys, which limits apply to as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyGroup {
    pub id: Arc<str>,
    pub display_name: String,
    #[serde(skip)]
    pub create_time: Time,
    #[serde(skip)]
    pub update_time: Time,
}
