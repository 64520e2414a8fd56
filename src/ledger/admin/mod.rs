//! Changes that administrators make: settings, catalog, quotas, rate limits, boosts, API keys,
//! departments, and erasure of users. Nothing here changes what was spent (I9).

pub mod erasure;
mod limits;
mod registry;
mod workspace;
