//! API keys and their groups.

use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::storage::sql::row::row;
use crate::storage::sql::table::Table;

pub static API_KEYS: Table<ApiKey> = Table::owned("api_keys", &["workspace_id", "id"]);
pub static KEY_GROUPS: Table<KeyGroup> = Table::owned("key_groups", &["workspace_id", "id"]);

row! {
    ApiKey {
        id,
        display_name,
        key_group_id,
        allowed_model_ids,
        disabled,
        expire_time,
        create_time,
        update_time,
    }
}

row! { KeyGroup { id, display_name, create_time, update_time } }
