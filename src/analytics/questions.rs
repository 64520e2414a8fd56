//! Builds questions to storage, each on the source that is fastest among those that can tell apart
//! what it asks for: rollups by day, by hour, by day and model, or the usage log itself.

use super::axis::{Restriction, UsageDimension, limit_of_text, model_axis};
use crate::domain::attribution::Dimension;
use crate::domain::time::calendar::Window;
use crate::storage::reports::{Axis, DistinctQuery, Filter, RefusalsQuery, Source, SumsQuery};

/// The windows that figures are computed over.
#[derive(Clone, Debug)]
pub struct WindowSet {
    windows: Vec<Window>,
    /// Whether each window has figures of its own.
    by_window: bool,
    /// Whether windows are local hours; whole local days if not.
    hourly: bool,
}

impl WindowSet {
    /// One window of whole days.
    pub fn whole(window: Window) -> WindowSet {
        WindowSet { windows: vec![window], by_window: false, hourly: false }
    }

    /// A series: each window by itself.
    pub fn series(windows: Vec<Window>, hourly: bool) -> WindowSet {
        WindowSet { windows, by_window: true, hourly }
    }
}

/// Sums by these axes.
pub fn sums(
    group_by: &[Axis],
    filters: &[Filter],
    windows: &WindowSet,
    latencies: bool,
) -> SumsQuery {
    let precision = Precision { hourly: windows.hourly, latencies };
    SumsQuery {
        source: source(group_by.iter().chain(axes_of(filters)), precision),
        group_by: group_by.to_vec(),
        filters: filters.to_vec(),
        windows: windows.windows.clone(),
        by_window: windows.by_window,
        top: None,
        latencies,
    }
}

/// Number of distinct values of a dimension, by at most one axis.
pub fn distinct(
    counted: Dimension,
    group_by: Option<&Axis>,
    filters: &[Filter],
    windows: &WindowSet,
) -> DistinctQuery {
    let own = Axis::Of(counted);
    let precision = Precision { hourly: windows.hourly, latencies: false };
    DistinctQuery {
        source: source(axes_of(filters).chain(group_by).chain([&own]), precision),
        counted,
        group_by: group_by.cloned(),
        filters: filters.to_vec(),
        windows: windows.windows.clone(),
        by_window: windows.by_window,
    }
}

/// Blocked and routed requests, by those of the dimensions that they are counted by. Restrictions
/// to other dimensions are ignored.
pub fn refusals(
    restrictions: &[Restriction],
    group_by: &[UsageDimension],
    windows: &WindowSet,
) -> RefusalsQuery {
    let values = |dimension: UsageDimension| {
        let found = restrictions.iter().find(|restriction| restriction.dimension == dimension);
        found.map(|restriction| restriction.values.clone()).unwrap_or_default()
    };
    let by = |dimension: UsageDimension| group_by.contains(&dimension);
    let limits = values(UsageDimension::Limit);
    RefusalsQuery {
        by_limit: by(UsageDimension::Limit),
        by_model: by(UsageDimension::Of(Dimension::Model)),
        by_user: by(UsageDimension::Of(Dimension::User)),
        models: values(UsageDimension::Of(Dimension::Model)),
        users: values(UsageDimension::Of(Dimension::User)),
        limits: limits.iter().filter_map(|text| limit_of_text(text)).collect(),
        windows: windows.windows.clone(),
        by_window: windows.by_window,
    }
}

/// What a source must be able to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    /// Whether windows are local hours.
    pub hourly: bool,
    /// Whether the distribution of latencies is needed.
    pub latencies: bool,
}

/// The fastest source that has these axes, some of which may be the same.
pub fn source<'a>(axes: impl IntoIterator<Item = &'a Axis>, precision: Precision) -> Source {
    let mut different: Vec<&Axis> = Vec::new();
    for axis in axes {
        if !different.contains(&axis) {
            different.push(axis);
        }
    }
    match (different.len(), precision) {
        (0 | 1, Precision { hourly: false, .. }) => Source::Days,
        (0 | 1, Precision { hourly: true, latencies: false }) => Source::Hours,
        (2, Precision { hourly: false, latencies: false })
            if different.contains(&&model_axis()) =>
        {
            Source::DaysByModel
        }
        _ => Source::Records,
    }
}

/// The axes that filters restrict.
pub fn axes_of(filters: &[Filter]) -> impl Iterator<Item = &Axis> {
    filters.iter().map(|filter| &filter.axis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAILY: Precision = Precision { hourly: false, latencies: false };

    #[test]
    fn the_source_is_the_fastest_that_can_tell() {
        let user = Axis::Of(Dimension::User);
        let tag = Axis::Tag("team".to_owned());
        let model = model_axis();
        let hourly = Precision { hourly: true, latencies: false };
        let latencies = Precision { hourly: false, latencies: true };
        let both = Precision { hourly: true, latencies: true };
        for (axes, precision, expected) in [
            (vec![], DAILY, Source::Days),
            (vec![&user], DAILY, Source::Days),
            (vec![&user, &user], DAILY, Source::Days),
            (vec![&tag], latencies, Source::Days),
            (vec![], hourly, Source::Hours),
            (vec![&model], hourly, Source::Hours),
            (vec![&model], both, Source::Records),
            (vec![&model, &user], DAILY, Source::DaysByModel),
            (vec![&tag, &model, &tag], DAILY, Source::DaysByModel),
            (vec![&model, &user], hourly, Source::Records),
            (vec![&model, &user], latencies, Source::Records),
            (vec![&tag, &user], DAILY, Source::Records),
            (vec![&tag, &user, &model], DAILY, Source::Records),
        ] {
            assert_eq!(source(axes.clone(), precision), expected, "{axes:?} {precision:?}");
        }
    }
}
