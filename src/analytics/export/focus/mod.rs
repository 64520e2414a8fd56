//! The usage log in the columns of FOCUS 1.2 (FinOps Open Cost and Usage Specification), so that
//! finance can put it beside the bills of others. What FOCUS has no column for is in columns that
//! begin with `x_`.
//!
//! The workspace is the billing account, its billing cycle the billing period, a department a sub
//! account. A model's token class in a tier is a SKU, priced per million tokens. The provider of
//! the model, as the catalogue has it now, stands for publisher, provider and issuer of invoices.
//!
//! Not every correction is a `Correction` of FOCUS, which is one of a billing period that was over.
//! Others, and charges of expired holds, are adjustments: they are for no tokens.

mod charge;
mod daily;
mod entries;
mod moments;
mod row;

pub use daily::{Daily, Day, GROUPS_MAX};
pub use entries::Entries;
