//! The pure core: it decides everything and touches nothing.
//!
//! No async, clock, log, database or transport in here; time, ids and randomness are arguments.

pub mod amount;
pub mod calendar;
pub mod catalogue;
pub mod currency;
pub mod price;
pub mod record;
pub mod time;
pub mod usage;
pub mod workspace;

pub use amount::Amount;
pub use currency::Currency;
pub use time::Time;
