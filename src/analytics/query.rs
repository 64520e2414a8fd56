//! Metrics by up to two dimensions over time: checks what is asked, finds the greatest groups, then
//! asks for their figures at once, so that total, groups and others fit one another.

use super::asking::Asking;
use super::axis::{self, Filters, Restriction, UsageDimension};
use super::figures::{Figures, Values, change_percent, share_percent};
use super::metric::{Counted, Metric};
use super::range::{Bucket, Days, Granularity, HOUR_DAYS_MAX, Range, ReportPeriod};
use super::table::{Groups, Key, Over, Table, Wanted};
use super::{Error, Result, Scope, plan, rank, ranking};
use crate::domain::calendar::Window;
use crate::storage::reports::{OrderBy, Source};

/// Most groups that are told apart in an answer.
pub const TOP_MAX: usize = 1_000;
pub const TOP_DEFAULT: usize = 10;
/// Most dimensions to group by.
pub const GROUP_BY_MAX: usize = 2;
/// Most groups that are looked at where storage cannot find the greatest by itself.
pub const GROUPS_MAX: usize = 100_000;
/// Most points of one answer, so that it fits into a message.
pub const POINTS_MAX: usize = 100_000;
/// Most values of groups that are summed up as others whose users, investigations or sessions are
/// still counted; beyond, others have no such count.
pub const OTHERS_VALUES_MAX: usize = 10_000;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub range: Range,
    /// At least one, different.
    pub metrics: Vec<Metric>,
    pub group_by: Vec<UsageDimension>,
    pub restrictions: Vec<Restriction>,
    pub granularity: Option<Granularity>,
    /// One of `metrics`, not a latency; absent for the first that is none.
    pub order_by: Option<Metric>,
    /// 1 to [`TOP_MAX`].
    pub top: usize,
    pub compare_previous: bool,
}

/// Metrics by group and over time.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageReport {
    pub period: ReportPeriod,
    pub total: Group,
    /// The greatest first; the last may be all others.
    pub groups: Vec<Group>,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// In the order of what is grouped by; none of the total and of others.
    pub keys: Vec<GroupKey>,
    pub others: bool,
    pub values: Values,
    pub share_percent: Option<f64>,
    pub previous: Option<Values>,
    pub change_percent: Option<f64>,
    pub points: Vec<Point>,
}

/// Value of one dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupKey {
    pub value: String,
    pub display_name: String,
}

/// Metrics of one bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub bucket: Bucket,
    pub values: Values,
}

/// Answers a query.
///
/// # Errors
/// If what is asked does not fit together, would read too much, or storage fails.
pub async fn usage(scope: &Scope<'_>, query: &Query) -> Result<UsageReport> {
    let period = scope.period(query.range);
    check(query, &period)?;
    let mut windows = vec![period.days.window];
    if query.compare_previous {
        windows.push(period.previous.window);
    }
    let filters = axis::resolve(scope, &query.restrictions, &query.group_by, &windows).await?;
    let run = Run::new(scope, query, period, &filters);
    if run.reads_records() {
        plan::check_record_count(scope, &windows).await?;
    }
    let chosen = match query.group_by.is_empty() {
        true => Chosen::default(),
        false => run.choose().await?,
    };
    run.check_points(&chosen)?;
    let mut report = run.figures(&chosen).await?;
    ranking::name(scope, &query.group_by, &mut report.groups).await?;
    Ok(report)
}

/// What does not fit together.
fn check(query: &Query, period: &ReportPeriod) -> Result<()> {
    let by_limit = |by: &UsageDimension| *by == UsageDimension::Limit;
    let restricted = query.restrictions.iter().map(|restriction| &restriction.dimension);
    let has_limit = query.group_by.iter().chain(restricted).any(by_limit);
    let has_refusals = query.metrics.iter().any(|metric| metric.is_of_refusals());
    if has_limit && !query.metrics.iter().all(|metric| metric.is_of_refusals()) {
        let expected = "expected USAGE_METRIC_BLOCKED and USAGE_METRIC_ROUTED alone with \
                        USAGE_DIMENSION_LIMIT";
        return Err(Error::field("metrics", expected));
    }
    let expected = "expected model, user or limit: blocked and routed requests are counted by \
                    these alone";
    for (index, by) in query.group_by.iter().enumerate() {
        if has_refusals && !by.is_of_refusals() {
            return Err(Error::field(format!("group_by[{index}].dimension"), expected));
        }
    }
    for (index, restriction) in query.restrictions.iter().enumerate() {
        if has_refusals && !restriction.dimension.is_of_refusals() {
            return Err(Error::field(format!("filters[{index}].dimension"), expected));
        }
    }
    if let Some(order_by) = query.order_by
        && (!query.metrics.contains(&order_by) || order_by == Metric::Latency)
    {
        return Err(Error::field("order_by", "expected one of metrics that is not a latency"));
    }
    if query.granularity == Some(Granularity::Hour) && period.days.count() > HOUR_DAYS_MAX {
        let expected = format!(
            "expected days, weeks or months: hours are told of at most {HOUR_DAYS_MAX} days"
        );
        return Err(Error::field("granularity", expected));
    }
    Ok(())
}

/// One query under way.
struct Run<'a> {
    scope: Scope<'a>,
    query: &'a Query,
    period: ReportPeriod,
    buckets: Vec<Bucket>,
    bucket_windows: Vec<Window>,
    /// What groups are ordered by.
    order: Metric,
    wanted: Wanted<'a>,
}

/// The groups that are told apart.
#[derive(Default)]
struct Chosen {
    /// The greatest first.
    keys: Vec<Key>,
    has_others: bool,
    /// Values of the others, where counts of theirs are asked for.
    rest: Option<Vec<String>>,
    /// All figures that are asked for, where finding the groups told them already.
    whole: Option<Part>,
}

/// Answers for some windows.
struct Part {
    total: Table,
    groups: Table,
}

impl<'a> Run<'a> {
    fn new(
        scope: &Scope<'a>,
        query: &'a Query,
        period: ReportPeriod,
        filters: &'a Filters,
    ) -> Run<'a> {
        let mut metrics = query.metrics.iter();
        let first = metrics.find(|metric| **metric != Metric::Latency);
        let order = query.order_by.or(first.copied()).unwrap_or(Metric::Latency);
        let has = |is: fn(Metric) -> bool| query.metrics.iter().any(|metric| is(*metric));
        let mut counted: Vec<Counted> = Vec::new();
        for metric in query.metrics.iter().filter_map(|metric| metric.counted()) {
            if !counted.contains(&metric) {
                counted.push(metric);
            }
        }
        let wanted = Wanted {
            scope: *scope,
            group_by: &query.group_by,
            restrictions: &query.restrictions,
            filters,
            usage: has(|metric| !metric.is_of_refusals()),
            latencies: has(|metric| metric == Metric::Latency),
            counted,
            refusals: has(Metric::is_of_refusals),
        };
        let buckets = query.granularity.map_or_else(Vec::new, |granularity| {
            period.days.buckets(&scope.calendar(), granularity)
        });
        let bucket_windows = buckets.iter().map(|bucket| bucket.window).collect();
        Run { scope: *scope, query, period, buckets, bucket_windows, order, wanted }
    }

    fn is_hourly(&self) -> bool {
        self.query.granularity == Some(Granularity::Hour)
    }

    fn reads_records(&self) -> bool {
        let sources = self.wanted.sources(false).into_iter();
        let of_points = self.wanted.sources(self.is_hourly());
        sources.chain(of_points).any(|source| source == Source::Records)
    }

    /// Finds the greatest groups.
    async fn choose(&self) -> Result<Chosen> {
        if !self.wanted.counted.is_empty() && self.wanted.axes().len() > 1 {
            let expected = "expected at most one dimension with active users and costs per user, \
                            investigation or session";
            return Err(Error::field("group_by", expected));
        }
        let top = self.query.top;
        let by_storage = rank::order_by(self.order)
            .filter(|_| !self.wanted.refusals && !self.wanted.is_by_provider())
            .filter(|_| !self.wanted.counts_rest_apart());
        let asked = match by_storage {
            // One more, to see whether there are others.
            Some(order_by) => Groups::Top(order_by, top + 1),
            None => Groups::Top(OrderBy::Requests, GROUPS_MAX + 1),
        };
        let mut asking = Asking::default();
        let only_ordered = self.ordering_alone();
        let places = only_ordered.ask(&mut asking, &asked, over(&self.period.days));
        let total = self
            .is_answered_by_order()
            .then(|| only_ordered.ask(&mut asking, &Groups::Together, over(&self.period.days)));
        let previous = (self.wanted.counts_rest_apart() && self.query.compare_previous)
            .then(|| only_ordered.ask(&mut asking, &asked, over(&self.period.previous)));
        let mut answers = asking.ask(&self.scope).await?;
        let table = only_ordered.read(&mut answers, places, &asked)?;
        let mut groups = table.groups();
        let mut known: Vec<Key> = groups.iter().map(|(key, _)| key.clone()).collect();
        if let Some(places) = previous {
            let before = only_ordered.read(&mut answers, places, &asked)?.groups();
            known.extend(before.into_iter().map(|(key, _)| key));
        }
        if known.len() > GROUPS_MAX {
            return Err(Error::TooManyRows { row_count_max: GROUPS_MAX as i64 });
        }
        rank::rank(&mut groups, self.order);
        let has_others = groups.len() > top;
        groups.truncate(top);
        let keys: Vec<Key> = groups.into_iter().map(|(key, _)| key).collect();
        let rest = (has_others && self.wanted.counts_rest_apart())
            .then(|| self.rest_values(&known, &keys))
            .flatten();
        let whole = match total {
            Some(places) => {
                let total = only_ordered.read(&mut answers, places, &Groups::Together)?;
                Some(Part { total, groups: table })
            }
            None => None,
        };
        Ok(Chosen { keys, has_others, rest, whole })
    }

    /// Whether what groups are ordered by says everything that is asked of them.
    fn is_answered_by_order(&self) -> bool {
        let Wanted { latencies, counted, refusals, .. } = &self.wanted;
        let is_plain = !latencies && counted.is_empty() && !refusals;
        is_plain && self.buckets.is_empty() && !self.query.compare_previous
    }

    /// What is needed to order groups, and to find all that there are.
    fn ordering_alone(&self) -> Wanted<'a> {
        let counted = self.order.counted().into_iter().collect();
        let Wanted { scope, group_by, restrictions, filters, usage, refusals, .. } = self.wanted;
        Wanted {
            scope,
            group_by,
            restrictions,
            filters,
            usage,
            latencies: false,
            counted,
            refusals,
        }
    }

    /// The values, as storage has them, of the groups that were not chosen; absent if they are too
    /// many.
    fn rest_values(&self, known: &[Key], chosen: &[Key]) -> Option<Vec<String>> {
        let mut rest: Vec<String> = if self.wanted.is_by_provider() {
            let providers: Vec<String> = chosen.iter().flatten().cloned().collect();
            let models = &self.wanted.filters.used_models;
            let of_chosen = axis::models_of(&self.scope, models, &providers);
            models.iter().filter(|model| !of_chosen.contains(model)).cloned().collect()
        } else {
            let by = &self.query.group_by;
            let place = by.iter().position(|by| *by != UsageDimension::Provider)?;
            let others = known.iter().filter(|key| !chosen.contains(key));
            others.map(|key| key[place].clone()).collect()
        };
        rest.sort_unstable();
        rest.dedup();
        (rest.len() <= OTHERS_VALUES_MAX).then_some(rest)
    }

    /// # Errors
    /// If the answer would not fit into a message.
    fn check_points(&self, chosen: &Chosen) -> Result<()> {
        // With the total and the others.
        let count = (chosen.keys.len() + 2) * self.buckets.len();
        if count <= POINTS_MAX {
            return Ok(());
        }
        let expected = format!(
            "expected fewer groups, coarser buckets or a shorter range: at most {POINTS_MAX} \
             points in all, not {count}"
        );
        Err(Error::field("top", expected))
    }

    /// Asks for all figures at once, unless they are there.
    async fn figures(&self, chosen: &Chosen) -> Result<UsageReport> {
        if let Some(whole) = &chosen.whole {
            return self.report(chosen, whole, None, None);
        }
        let mut asking = Asking::default();
        let groups = Groups::Chosen(&chosen.keys, chosen.rest.as_deref());
        let mut ask = |over: Over<'_>| {
            let total = self.wanted.ask(&mut asking, &Groups::Together, over);
            let is_grouped = !self.query.group_by.is_empty();
            let each = is_grouped.then(|| self.wanted.ask(&mut asking, &groups, over));
            (total, each)
        };
        let whole = ask(over(&self.period.days));
        let previous = self.query.compare_previous.then(|| ask(over(&self.period.previous)));
        let points = (!self.buckets.is_empty()).then(|| {
            let hourly = self.is_hourly();
            ask(Over { windows: &self.bucket_windows, by_window: true, hourly })
        });
        let mut answers = asking.ask(&self.scope).await?;
        let mut read = |(total, each)| -> Result<Part> {
            let total = self.wanted.read(&mut answers, total, &Groups::Together)?;
            let groups = match each {
                Some(each) => self.wanted.read(&mut answers, each, &groups)?,
                None => Table::default(),
            };
            Ok(Part { total, groups })
        };
        let whole = read(whole)?;
        let previous = previous.map(&mut read).transpose()?;
        let points = points.map(&mut read).transpose()?;
        self.report(chosen, &whole, previous.as_ref(), points.as_ref())
    }

    fn report(
        &self,
        chosen: &Chosen,
        whole: &Part,
        previous: Option<&Part>,
        points: Option<&Part>,
    ) -> Result<UsageReport> {
        let total_value = whole.total.get(0, &Key::new(), &self.wanted).value(self.order);
        let group = |of: Of<'_>| -> Result<Group> {
            let figures = |part: &Part, window| self.figures_of(part, window, of, chosen);
            let current = figures(whole, 0)?;
            let previous = previous.map(|part| figures(part, 0)).transpose()?;
            let mut shown = Vec::new();
            for (window, bucket) in self.buckets.iter().enumerate() {
                let Some(points) = points else { break };
                let figures = figures(points, window)?;
                if !figures.is_empty() {
                    let values = figures.values(&self.query.metrics);
                    shown.push(Point { bucket: *bucket, values });
                }
            }
            let keys = match of {
                Of::Group(key) => key.iter().cloned().map(unnamed).collect(),
                Of::Total | Of::Others => Vec::new(),
            };
            let change = previous.as_ref().and_then(|previous| {
                change_percent(current.value(self.order)?, previous.value(self.order)?)
            });
            Ok(Group {
                keys,
                others: matches!(of, Of::Others),
                values: current.values(&self.query.metrics),
                share_percent: self.share(current.value(self.order), total_value),
                previous: previous.map(|previous| previous.values(&self.query.metrics)),
                change_percent: change.filter(|_| self.order != Metric::Latency),
                points: shown,
            })
        };
        let total = group(Of::Total)?;
        let mut groups = Vec::with_capacity(chosen.keys.len() + 1);
        for key in &chosen.keys {
            groups.push(group(Of::Group(key))?);
        }
        if chosen.has_others {
            groups.push(group(Of::Others)?);
        }
        Ok(UsageReport { period: self.period, total, groups })
    }

    fn share(&self, part: Option<i64>, total: Option<i64>) -> Option<f64> {
        share_percent(part?, total?).filter(|_| self.order.has_share())
    }

    fn figures_of(
        &self,
        part: &Part,
        window: usize,
        of: Of<'_>,
        chosen: &Chosen,
    ) -> Result<Figures> {
        let total = || part.total.get(window, &Key::new(), &self.wanted);
        match of {
            Of::Total => Ok(total()),
            Of::Group(key) => Ok(part.groups.get(window, key, &self.wanted)),
            Of::Others => {
                let mut others = total();
                let (refused, rest_counts) = part.groups.rest(window);
                others.refused = refused;
                for key in &chosen.keys {
                    let group = part.groups.get(window, key, &self.wanted);
                    others.subtract(&group)?;
                    for counted in &self.wanted.counted {
                        let index = *counted as usize;
                        let pair = others.counts[index].zip(group.counts[index]);
                        others.counts[index] = pair.map(|(total, count)| total - count);
                    }
                }
                for counted in &self.wanted.counted {
                    if !self.wanted.groups_by(*counted) {
                        let index = *counted as usize;
                        let known = chosen.rest.as_ref().map(|_| 0);
                        others.counts[index] = rest_counts[index].or(known);
                    }
                }
                Ok(others)
            }
        }
    }
}

/// Which figures.
#[derive(Clone, Copy)]
enum Of<'a> {
    Total,
    Group(&'a Key),
    Others,
}

fn over(days: &Days) -> Over<'_> {
    Over { windows: std::slice::from_ref(&days.window), by_window: false, hourly: false }
}

/// Named later.
fn unnamed(value: String) -> GroupKey {
    GroupKey { display_name: value.clone(), value }
}
