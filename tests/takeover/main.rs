//! Two servers on one Postgres, as real processes: whatever becomes of the one that owns it, the
//! two never decide at the same time, and the other takes over in time.
//!
//! How long each takeover took is printed.

#[allow(dead_code, reason = "the suite that kills servers uses more of it")]
#[path = "../kill/client.rs"]
mod client;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod cases;
mod pair;
mod proxy;

use std::time::Duration;

/// As short as it can be set.
const LEASE: Duration = Duration::from_secs(2);
/// From the end of an owner to the first decision of the next one, at most.
const TAKEOVER_MAX: Duration = Duration::from_secs(5);
