//! The usage log in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification.
//! Additional columns begin with `x_`.
//!
//! The workspace is the billing account, its billing cycle the billing period, a department a sub
//! account. A token class of a model in a tier is a SKU, priced per million tokens, and so is a
//! kind of units, priced per thousand; prices are with the factors that applied. Publisher,
//! provider and invoice issuer are the provider of the model in the current catalog.
//!
//! A `Correction` of FOCUS is one of a closed billing period. Other corrections, and charges of
//! expired holds, are adjustments without tokens. A credit is a credit; a void is a correction.

mod cached_calendar;
mod charge;
mod columns;
mod daily;
mod by_record;
mod row;

pub use by_record::ByRecord;
pub use daily::{Daily, Day, GROUPS_MAX};
