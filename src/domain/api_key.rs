//! API keys and key groups: ids that callers present, never secrets.

use std::sync::Arc;

use crate::domain::Time;

/// A key that callers present: its id, never its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: Arc<str>,
    pub display_name: String,
    pub key_group_id: Option<Arc<str>>,
    /// The only models it may use, by the catalogue's ids; empty for all.
    pub allowed_model_ids: Vec<Arc<str>>,
    pub disabled: bool,
    pub expire_time: Option<Time>,
    pub create_time: Time,
    pub update_time: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGroup {
    pub id: Arc<str>,
    pub display_name: String,
    pub create_time: Time,
    pub update_time: Time,
}
