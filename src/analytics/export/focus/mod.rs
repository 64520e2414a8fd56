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

use super::{Export, Format, LogScope, Result};
use daily::Daily;
use entries::Entries;

pub use daily::{Day, GROUPS_MAX};

impl Export {
    /// A row for each token class of each entry.
    ///
    /// # Errors
    /// As [`Export::new`].
    pub fn focus(name: &str, format: Format, scope: LogScope) -> Result<Export> {
        Export::new(name, format, Box::new(Entries::new(scope)))
    }

    /// A row for each token class of each day, model, tier, price and attribution to department,
    /// project, API key and user. `days` are those of the window, in order.
    ///
    /// # Errors
    /// As [`Export::new`].
    pub fn focus_daily(
        name: &str,
        format: Format,
        scope: LogScope,
        days: Vec<Day>,
    ) -> Result<Export> {
        Export::new(name, format, Box::new(Daily::new(scope, days)))
    }
}
