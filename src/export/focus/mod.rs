//! The usage log in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification.
//! Additional columns begin with `x_`.
//!
//! The workspace is the billing account, its billing cycle the billing period, a department a sub
//! account. A token class of a model in a tier is a SKU, priced per million tokens, and so is a
//! kind of units, priced per thousand; prices are with the factors that applied. Publisher,
//! provider and invoice issuer are the provider of the model in the current catalog.
//!
//! What is recorded after its billing period has ended, a correction or a late record, is billed in
//! the period in which it is recorded, as a `Correction` with its own charge period. Other
//! corrections, and charges of expired holds, are adjustments without tokens. A credit is a credit;
//! a void is a correction.

mod cached_calendar;
mod charge;
mod columns;
mod daily;
mod by_record;
mod row;

pub use by_record::ByRecord;
pub use daily::{Daily, Day, GROUPS_MAX};
