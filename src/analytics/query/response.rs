//! The report that answers a usage query.

use crate::analytics::axis::UsageDimension;
use crate::analytics::figures::Values;
use crate::analytics::range::{Bucket, ReportPeriod};
use crate::analytics::{Result, Scope, names};

/// Metrics by group and over time.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageReport {
    pub period: ReportPeriod,
    pub total: Group,
    /// In descending order; the last may be the sum of all others.
    pub groups: Vec<Group>,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// In the order of `group_by`; none of the total and of others.
    pub keys: Vec<GroupKey>,
    /// Whether it is the sum of the groups beyond the top.
    pub others: bool,
    pub values: Values,
    pub share_percent: Option<f64>,
    pub previous: Option<Values>,
    pub change_percent: Option<f64>,
    /// Empty buckets are left out.
    pub points: Vec<Point>,
}

/// Value of one dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupKey {
    pub value: String,
    /// The value itself where it has no name.
    pub display_name: String,
}

/// Metrics of one bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub bucket: Bucket,
    pub values: Values,
}

/// Fills in the display names of groups.
///
/// # Errors
/// If storage fails.
pub(super) async fn set_names(
    scope: &Scope<'_>,
    group_by: &[UsageDimension],
    groups: &mut [Group],
) -> Result<()> {
    let mut ids = Vec::new();
    let mut named = Vec::new();
    for (index, by) in group_by.iter().enumerate() {
        let UsageDimension::Of(dimension) = by else { continue };
        let keys = groups.iter().filter_map(|group| group.keys.get(index));
        let values = keys.map(|key| key.value.clone()).filter(|value| !value.is_empty());
        ids.push((*dimension, values.collect()));
        named.push(index);
    }
    let names = names::of_each(scope, ids).await?;
    for (index, names) in named.into_iter().zip(names) {
        for key in groups.iter_mut().filter_map(|group| group.keys.get_mut(index)) {
            if let Some(name) = names.get(&key.value) {
                key.display_name.clone_from(name);
            }
        }
    }
    Ok(())
}
