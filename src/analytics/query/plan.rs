//! The plan of a usage query: what is computed for each group, over which windows, in which order.
//!
//! Asks nothing by itself.

use super::figure_table::Key;
use super::request::Query;
use crate::analytics::axis::{UsageDimension, model_axis};
use crate::analytics::filters::{Filters, models_of, provider_of};
use crate::analytics::metric::{Counted, Metric};
use crate::analytics::questions::{Precision, WindowSet, axes_of, source};
use crate::analytics::range::{Bucket, Granularity, ReportPeriod};
use crate::analytics::{Error, Result, Scope};
use crate::domain::attribution::Dimension;
use crate::storage::reports::{Axis, Source};

/// Most points of a report, so that it fits into a message.
const POINTS_MAX: usize = 100_000;

/// A planned query.
pub struct Plan<'a> {
    pub scope: Scope<'a>,
    pub query: &'a Query,
    pub period: ReportPeriod,
    pub filters: &'a Filters,
    /// What storage groups by.
    pub axes: Vec<Axis>,
    pub measures: Measures,
    /// The metric that groups are ordered by.
    pub order: Metric,
    /// The buckets of points; none without a granularity.
    pub buckets: Vec<Bucket>,
}

/// What is computed for each group.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    /// Sums of usage.
    pub usage: bool,
    /// The distribution of latencies.
    pub latencies: bool,
    /// Numbers of distinct values.
    pub counted: Vec<Counted>,
    pub refusals: bool,
}

impl Measures {
    fn new(metrics: &[Metric]) -> Measures {
        let mut counted = Vec::new();
        for one in metrics.iter().filter_map(|metric| metric.counted()) {
            if !counted.contains(&one) {
                counted.push(one);
            }
        }
        Measures {
            usage: metrics.iter().any(|metric| !metric.is_of_refusals()),
            latencies: metrics.contains(&Metric::Latency),
            counted,
            refusals: metrics.iter().any(|metric| metric.is_of_refusals()),
        }
    }
}

impl<'a> Plan<'a> {
    pub fn new(
        scope: &Scope<'a>,
        query: &'a Query,
        period: ReportPeriod,
        filters: &'a Filters,
    ) -> Plan<'a> {
        let mut axes = Vec::new();
        for axis in query.group_by.iter().filter_map(UsageDimension::axis) {
            if !axes.contains(&axis) {
                axes.push(axis);
            }
        }
        let first = query.metrics.iter().find(|metric| **metric != Metric::Latency);
        let buckets = query.granularity.map_or_else(Vec::new, |granularity| {
            period.days.buckets(&scope.calendar(), granularity)
        });
        Plan {
            scope: *scope,
            query,
            period,
            filters,
            axes,
            measures: Measures::new(&query.metrics),
            order: query.order_by.or(first.copied()).unwrap_or(Metric::Latency),
            buckets,
        }
    }

    /// The least measures that order groups, and that find all of them.
    pub fn order_measures(&self) -> Measures {
        let counted = self.order.counted().into_iter().collect();
        let Measures { usage, refusals, .. } = self.measures;
        Measures { usage, latencies: false, counted, refusals }
    }

    /// Whether the measures of the order over the whole period are everything that is queried.
    pub fn is_order_all(&self) -> bool {
        let Measures { latencies, counted, refusals, .. } = &self.measures;
        let is_plain = !latencies && counted.is_empty() && !refusals;
        is_plain && self.buckets.is_empty() && !self.query.compare_previous
    }

    /// Whether groups are providers and not their models.
    pub fn is_by_provider(&self) -> bool {
        let model = UsageDimension::Of(Dimension::Model);
        let group_by = &self.query.group_by;
        group_by.contains(&UsageDimension::Provider) && !group_by.contains(&model)
    }

    /// Place in keys of the dimension that is counted, where groups are by it: then each group has
    /// at most one of its values.
    pub fn counted_index(&self, counted: Counted) -> Option<usize> {
        let own = UsageDimension::Of(counted.dimension());
        self.query.group_by.iter().position(|by| *by == own)
    }

    /// Whether distinct values of the other groups must be counted by themselves: the same value
    /// may also be in a selected group.
    pub fn counts_others(&self) -> bool {
        self.measures.counted.iter().any(|counted| self.counted_index(*counted).is_none())
    }

    /// Whether any question of the query needs the records of the usage log.
    pub fn reads_records(&self) -> bool {
        let sources = [false, self.is_hourly()].map(|hourly| self.sources(hourly));
        sources.concat().contains(&Source::Records)
    }

    fn sources(&self, hourly: bool) -> Vec<Source> {
        let Measures { usage, latencies, counted, .. } = &self.measures;
        let axes: Vec<&Axis> = self.axes.iter().chain(axes_of(&self.filters.of_usage)).collect();
        let mut sources = Vec::new();
        if *usage {
            sources.push(source(axes.iter().copied(), Precision { hourly, latencies: *latencies }));
        }
        for counted in counted {
            let own = Axis::Of(counted.dimension());
            let axes = axes.iter().copied().chain([&own]);
            sources.push(source(axes, Precision { hourly, latencies: false }));
        }
        sources
    }

    /// The buckets as windows.
    pub fn bucket_windows(&self) -> WindowSet {
        let windows = self.buckets.iter().map(|bucket| bucket.window).collect();
        WindowSet::series(windows, self.is_hourly())
    }

    fn is_hourly(&self) -> bool {
        self.query.granularity == Some(Granularity::Hour)
    }

    /// The key of the group that has these values on the axes.
    pub fn key(&self, values: &[String]) -> Key {
        let value = |dimension: &UsageDimension| {
            let axis = dimension.axis();
            let index = self.axes.iter().position(|own| Some(own) == axis.as_ref());
            let value = index.map_or("", |index| &values[index]);
            match dimension {
                UsageDimension::Provider => provider_of(&self.scope, value).to_owned(),
                _ => value.to_owned(),
            }
        };
        self.query.group_by.iter().map(value).collect()
    }

    /// The values on an axis of the groups with these keys.
    pub fn values_on(&self, axis: &Axis, keys: &[Key]) -> Vec<String> {
        let are_providers = self.is_by_provider() && *axis == model_axis();
        let is_own = |by: &UsageDimension| match by {
            UsageDimension::Provider => are_providers,
            _ => by.axis().as_ref() == Some(axis),
        };
        let Some(index) = self.query.group_by.iter().position(is_own) else { return Vec::new() };
        let mut values: Vec<String> = keys.iter().map(|key| key[index].clone()).collect();
        values.sort_unstable();
        values.dedup();
        if are_providers {
            return models_of(&self.scope, &self.filters.used_models, &values);
        }
        values
    }

    /// # Errors
    /// If a report of so many groups would have too many points.
    pub fn check_point_count(&self, group_count: usize) -> Result<()> {
        // With the total and the others.
        let count = (group_count + 2) * self.buckets.len();
        if count <= POINTS_MAX {
            return Ok(());
        }
        let expected = format!(
            "expected fewer groups, coarser buckets or a shorter range: at most {POINTS_MAX} \
             points in all, not {count}"
        );
        Err(Error::field("top", expected))
    }
}
