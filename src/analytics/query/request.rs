//! A usage query, and which of its parts go together.

use crate::analytics::axis::{Restriction, UsageDimension};
use crate::analytics::metric::Metric;
use crate::analytics::range::{Granularity, HOUR_DAYS_MAX, Range, ReportPeriod};
use crate::analytics::{Error, Result};

/// Most groups of a report.
pub const TOP_MAX: usize = 1_000;
pub const TOP_DEFAULT: usize = 10;
/// Most dimensions to group by.
pub const GROUP_BY_MAX: usize = 2;

/// A usage query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub range: Range,
    /// At least one, each once.
    pub metrics: Vec<Metric>,
    /// At most [`GROUP_BY_MAX`], each once.
    pub group_by: Vec<UsageDimension>,
    pub restrictions: Vec<Restriction>,
    pub granularity: Option<Granularity>,
    /// One of `metrics` except latency; the first such metric if absent.
    pub order_by: Option<Metric>,
    /// 1 to [`TOP_MAX`].
    pub top: usize,
    pub compare_previous: bool,
}

impl Query {
    /// # Errors
    /// If parts of the query do not fit together.
    pub(super) fn validate(&self, period: &ReportPeriod) -> Result<()> {
        let restricted = || self.restrictions.iter().map(|restriction| &restriction.dimension);
        let has_limit =
            self.group_by.iter().chain(restricted()).any(|it| *it == UsageDimension::Limit);
        if has_limit && !self.metrics.iter().all(|metric| metric.is_of_refusals()) {
            let expected = "expected blocked and routed alone with the dimension limit";
            return Err(Error::field("metrics", expected));
        }
        if self.metrics.iter().any(|metric| metric.is_of_refusals()) {
            check_refusal_dimensions("group_by", self.group_by.iter())?;
            check_refusal_dimensions("filters", restricted())?;
        }
        if let Some(order_by) = self.order_by
            && (!self.metrics.contains(&order_by) || order_by == Metric::Latency)
        {
            return Err(Error::field("order_by", "expected one of metrics that is not a latency"));
        }
        if self.granularity == Some(Granularity::Hour) && period.days.count() > HOUR_DAYS_MAX {
            let expected = format!(
                "expected days, weeks or months: hours are told of at most {HOUR_DAYS_MAX} days"
            );
            return Err(Error::field("granularity", expected));
        }
        Ok(())
    }
}

/// Refusals are counted by few dimensions.
fn check_refusal_dimensions<'a>(
    field: &str,
    dimensions: impl Iterator<Item = &'a UsageDimension>,
) -> Result<()> {
    for (index, dimension) in dimensions.enumerate() {
        if !dimension.is_of_refusals() {
            let expected = "expected model, user or limit: blocked and routed requests are \
                            counted by these alone";
            return Err(Error::field(format!("{field}[{index}].dimension"), expected));
        }
    }
    Ok(())
}
