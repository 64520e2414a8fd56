//! Figures by group and window: which questions they need, and what the answers add up to.
//!
//! Groups come from storage by the axes that it knows; here they get the values that were asked
//! for, and what is known of them from several questions is put together.

use hashbrown::HashMap;

use super::asking::{Answers, Asking};
use super::axis::{self, Filters, Restriction, UsageDimension, limit_of_text, limit_to_text};
use super::figures::{Figures, Refused};
use super::metric::Counted;
use super::plan::{self, Fineness, source};
use super::{Result, Scope};
use crate::domain::calendar::Window;
use crate::storage::reports::{
    Axis, DistinctQuestion, OrderBy, RefusalsQuestion, RefusalsRow, Source, SumsQuestion, SumsRow,
};
use crate::storage::rollup::Dimension;

/// Values of a group, in the order of what is grouped by; none of all together.
pub type Key = Vec<String>;

/// What is wanted of each group.
pub struct Wanted<'a> {
    pub scope: Scope<'a>,
    pub group_by: &'a [UsageDimension],
    pub restrictions: &'a [Restriction],
    pub filters: &'a Filters,
    pub usage: bool,
    pub latencies: bool,
    pub counted: Vec<Counted>,
    pub refusals: bool,
}

/// Which groups.
pub enum Groups<'a> {
    /// All usage as one.
    Together,
    /// The greatest, as storage orders them.
    Top(OrderBy, usize),
    /// These, and what of the rest does not follow from them and the total.
    Chosen(&'a [Key], Option<&'a [String]>),
}

/// Windows of time.
#[derive(Clone, Copy)]
pub struct Over<'a> {
    pub windows: &'a [Window],
    pub by_window: bool,
    pub hourly: bool,
}

/// Where the answers are.
pub struct Places {
    sums: Option<usize>,
    /// With the key of the group, where one question is of one group.
    counts: Vec<(Counted, CountOf, usize)>,
    unnamed: Vec<(Counted, usize)>,
    refusals: Option<usize>,
}

enum CountOf {
    /// Rows name their groups.
    Each,
    One(Key),
    Rest,
}

/// Figures by window and group.
#[derive(Default)]
pub struct Table {
    groups: HashMap<(usize, Key), Figures>,
    rest: HashMap<usize, Figures>,
}

impl Wanted<'_> {
    /// What storage groups by.
    pub fn axes(&self) -> Vec<Axis> {
        let mut axes = Vec::new();
        for axis in self.group_by.iter().filter_map(UsageDimension::axis) {
            if !axes.contains(&axis) {
                axes.push(axis);
            }
        }
        axes
    }

    /// Whether groups are providers, not their models.
    pub fn is_by_provider(&self) -> bool {
        let model = UsageDimension::Of(Dimension::Model);
        self.group_by.contains(&UsageDimension::Provider) && !self.group_by.contains(&model)
    }

    /// Whether each group has at most one of the values that are counted.
    pub fn groups_by(&self, counted: Counted) -> bool {
        self.group_by.contains(&UsageDimension::Of(counted.dimension()))
    }

    /// Whether counts of a rest do not follow from the total and the groups.
    pub fn counts_rest_apart(&self) -> bool {
        self.counted.iter().any(|counted| !self.groups_by(*counted))
    }

    /// All sources that may be asked by these windows.
    pub fn sources(&self, hourly: bool) -> Vec<Source> {
        let axes = self.axes();
        let filters = &self.filters.of_usage;
        let mut sources = Vec::new();
        if self.usage {
            let fineness = Fineness { hourly, latencies: self.latencies };
            sources.push(source(axes.iter().chain(plan::axes(filters)), fineness));
        }
        for counted in &self.counted {
            let own = Axis::Of(counted.dimension());
            let all = axes.iter().chain(plan::axes(filters)).chain([&own]);
            sources.push(source(all, Fineness { hourly, latencies: false }));
        }
        sources
    }

    /// Asks for the figures of groups.
    pub fn ask(&self, asking: &mut Asking, groups: &Groups<'_>, over: Over<'_>) -> Places {
        let axes = match groups {
            Groups::Together => Vec::new(),
            _ => self.axes(),
        };
        let mut filters = Filters { of_usage: self.filters.of_usage.clone(), ..Filters::default() };
        if let Groups::Chosen(keys, _) = groups {
            for axis in &axes {
                let values = self.values_on(axis, keys);
                filters.of_usage = axis::narrowed(&filters.of_usage, axis, &values);
            }
        }
        let mut places =
            Places { sums: None, counts: Vec::new(), unnamed: Vec::new(), refusals: None };
        if self.usage {
            let top = match groups {
                Groups::Top(order_by, count) => Some((*order_by, *count)),
                _ => None,
            };
            let question = self.sums_question(&axes, &filters, over, self.latencies, top);
            places.sums = Some(asking.sums(question));
        }
        for counted in &self.counted {
            if axes.is_empty() || !self.groups_by(*counted) {
                self.ask_counted(asking, *counted, groups, &axes, &filters, over, &mut places);
            }
        }
        if self.refusals {
            places.refusals = Some(asking.refusals(self.refusals_question(groups, over)));
        }
        places
    }

    #[allow(clippy::too_many_arguments, reason = "each is a part of one question")]
    fn ask_counted(
        &self,
        asking: &mut Asking,
        counted: Counted,
        groups: &Groups<'_>,
        axes: &[Axis],
        filters: &Filters,
        over: Over<'_>,
        places: &mut Places,
    ) {
        if self.is_by_provider() && !axes.is_empty() {
            for key in self.provider_keys(groups) {
                let models = axis::models_of(&self.scope, &self.filters.used_models, &key);
                let of_usage = axis::narrowed(&filters.of_usage, &axis::model_axis(), &models);
                let filters = Filters { of_usage, ..Filters::default() };
                let place = asking.distinct(self.distinct_question(counted, None, &filters, over));
                places.counts.push((counted, CountOf::One(key), place));
            }
        } else {
            let question = self.distinct_question(counted, axes.first(), filters, over);
            places.counts.push((counted, CountOf::Each, asking.distinct(question)));
        }
        if let (Groups::Chosen(_, Some(rest)), Some(axis)) = (groups, axes.first()) {
            let of_usage = axis::narrowed(&self.filters.of_usage, axis, rest);
            let filters = Filters { of_usage, ..Filters::default() };
            let place = asking.distinct(self.distinct_question(counted, None, &filters, over));
            places.counts.push((counted, CountOf::Rest, place));
        }
        if counted.leaves_out_unnamed() {
            let own = Axis::Of(counted.dimension());
            let of_usage = axis::narrowed(&filters.of_usage, &own, &[String::new()]);
            let filters = Filters { of_usage, ..Filters::default() };
            let question = self.sums_question(axes, &filters, over, false, None);
            places.unnamed.push((counted, asking.sums(question)));
        }
    }

    /// Providers that counts are asked of one by one.
    fn provider_keys(&self, groups: &Groups<'_>) -> Vec<Key> {
        if let Groups::Chosen(keys, _) = groups {
            return keys.to_vec();
        }
        let models = self.filters.used_models.iter();
        let of = |model: &String| vec![axis::provider_of(&self.scope, model).to_owned()];
        let mut keys: Vec<Key> = models.map(of).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn sums_question(
        &self,
        axes: &[Axis],
        filters: &Filters,
        over: Over<'_>,
        latencies: bool,
        top: Option<(OrderBy, usize)>,
    ) -> SumsQuestion {
        let fineness = Fineness { hourly: over.hourly, latencies };
        SumsQuestion {
            source: source(axes.iter().chain(plan::axes(&filters.of_usage)), fineness),
            group_by: axes.to_vec(),
            filters: filters.of_usage.clone(),
            windows: over.windows.to_vec(),
            by_window: over.by_window,
            top,
            latencies,
        }
    }

    fn distinct_question(
        &self,
        counted: Counted,
        group_by: Option<&Axis>,
        filters: &Filters,
        over: Over<'_>,
    ) -> DistinctQuestion {
        let own = Axis::Of(counted.dimension());
        let axes = plan::axes(&filters.of_usage).chain(group_by).chain([&own]);
        DistinctQuestion {
            source: source(axes, Fineness { hourly: over.hourly, latencies: false }),
            counted: counted.dimension(),
            group_by: group_by.cloned(),
            filters: filters.of_usage.clone(),
            windows: over.windows.to_vec(),
            by_window: over.by_window,
        }
    }

    fn refusals_question(&self, groups: &Groups<'_>, over: Over<'_>) -> RefusalsQuestion {
        let by = |dimension: UsageDimension| {
            !matches!(groups, Groups::Together) && self.group_by.contains(&dimension)
        };
        refusals_question(
            self.restrictions,
            over,
            by(UsageDimension::Limit),
            by(UsageDimension::Of(Dimension::Model)),
            by(UsageDimension::Of(Dimension::User)),
        )
    }

    /// Values of an axis that groups have.
    fn values_on(&self, axis: &Axis, keys: &[Key]) -> Vec<String> {
        let mut values = Vec::new();
        let own = |dimension: &UsageDimension| dimension.axis().as_ref() == Some(axis);
        let place = match self.is_by_provider() && *axis == axis::model_axis() {
            true => self.group_by.iter().position(|by| *by == UsageDimension::Provider),
            false => {
                let is_plain = |by: &UsageDimension| own(by) && *by != UsageDimension::Provider;
                self.group_by.iter().position(is_plain)
            }
        };
        let Some(place) = place else { return values };
        values.extend(keys.iter().map(|key| key[place].clone()));
        values.sort_unstable();
        values.dedup();
        if self.group_by[place] == UsageDimension::Provider {
            return axis::models_of(&self.scope, &self.filters.used_models, &values);
        }
        values
    }

    /// Reads the answers.
    ///
    /// # Errors
    /// If a cost is more than an amount can say.
    pub fn read(
        &self,
        answers: &mut Answers,
        places: Places,
        groups: &Groups<'_>,
    ) -> Result<Table> {
        let mut table = Table::default();
        let axes = match groups {
            Groups::Together => Vec::new(),
            _ => self.axes(),
        };
        if let Some(place) = places.sums {
            for row in answers.sums(place)? {
                self.add_sums(&mut table, &axes, row)?;
            }
        }
        for (counted, place) in places.unnamed {
            for row in answers.sums(place)? {
                let key = self.key(&axes, &row.values);
                let figures = table.group(row.window, key);
                let nanos = &mut figures.unnamed_nanos[counted as usize];
                *nanos = nanos.checked_add(row.sums.cost_nanos).ok_or(super::Error::TooLarge)?;
            }
        }
        if let Groups::Chosen(keys, _) = groups {
            table.groups.retain(|(_, key), _| keys.contains(key));
        }
        for (counted, of, place) in places.counts {
            for row in answers.distinct(place)? {
                let figures = match &of {
                    CountOf::Rest => table.rest.entry(row.window).or_default(),
                    CountOf::One(key) => table.group(row.window, key.clone()),
                    CountOf::Each if axes.is_empty() => table.group(row.window, Key::new()),
                    CountOf::Each => {
                        let key = self.key(&axes, std::slice::from_ref(&row.value));
                        table.group(row.window, key)
                    }
                };
                figures.counts[counted as usize] = Some(row.count);
            }
        }
        if let Some(place) = places.refusals {
            for row in answers.refusals(place)? {
                self.add_refusals(&mut table, groups, &row);
            }
        }
        self.fill_counts(&mut table, groups);
        Ok(table)
    }

    fn add_sums(&self, table: &mut Table, axes: &[Axis], row: SumsRow) -> Result<()> {
        let key = self.key(axes, &row.values);
        let mut figures = Figures { sums: row.sums, ..Figures::default() };
        figures.latencies = row.latencies.unwrap_or_default();
        for counted in &self.counted {
            let own = Axis::Of(counted.dimension());
            if let Some(place) = axes.iter().position(|axis| *axis == own)
                && row.values[place].is_empty()
            {
                figures.unnamed_nanos[*counted as usize] = row.sums.cost_nanos;
            }
        }
        table.group(row.window, key).add(&figures)
    }

    fn add_refusals(&self, table: &mut Table, groups: &Groups<'_>, row: &RefusalsRow) {
        let value = |dimension: &UsageDimension| match dimension {
            UsageDimension::Limit => limit_to_text(&row.limit),
            UsageDimension::Of(Dimension::User) => row.user_id.clone(),
            _ => row.model_id.clone(),
        };
        let key: Key = match groups {
            Groups::Together => Key::new(),
            _ => self.group_by.iter().map(value).collect(),
        };
        let figures = match groups {
            Groups::Chosen(keys, _) if !keys.contains(&key) => {
                table.rest.entry(row.window).or_default()
            }
            _ => table.group(row.window, key),
        };
        figures.refused.add(row);
    }

    /// Nothing was counted where storage said nothing.
    fn fill_counts(&self, table: &mut Table, groups: &Groups<'_>) {
        let Table { groups: by_group, rest } = table;
        let rest_counts = matches!(groups, Groups::Chosen(_, Some(_)));
        for counted in &self.counted {
            let index = *counted as usize;
            for ((_, key), figures) in by_group.iter_mut() {
                let own = UsageDimension::Of(counted.dimension());
                let place = self.group_by.iter().position(|by| *by == own);
                let count = match place.filter(|_| !key.is_empty()) {
                    Some(place) => {
                        i64::from(figures.sums.record_count > 0 && !key[place].is_empty())
                    }
                    None => figures.counts[index].unwrap_or(0),
                };
                figures.counts[index] = Some(count);
            }
            for figures in rest.values_mut().filter(|_| rest_counts) {
                figures.counts[index].get_or_insert(0);
            }
        }
    }

    /// What is asked for of the values that storage grouped by.
    fn key(&self, axes: &[Axis], values: &[String]) -> Key {
        if axes.is_empty() {
            return Key::new();
        }
        let value = |dimension: &UsageDimension| {
            let axis = dimension.axis();
            let place = axes.iter().position(|own| Some(own) == axis.as_ref());
            let value = place.map_or("", |place| &values[place]);
            match dimension {
                UsageDimension::Provider => axis::provider_of(&self.scope, value).to_owned(),
                _ => value.to_owned(),
            }
        };
        self.group_by.iter().map(value).collect()
    }
}

/// How refusals are asked for; restrictions that they are not counted by are left out.
pub fn refusals_question(
    restrictions: &[Restriction],
    over: Over<'_>,
    by_limit: bool,
    by_model: bool,
    by_user: bool,
) -> RefusalsQuestion {
    let values = |dimension: UsageDimension| {
        let found = restrictions.iter().find(|restriction| restriction.dimension == dimension);
        found.map(|restriction| restriction.values.clone()).unwrap_or_default()
    };
    let limits = values(UsageDimension::Limit);
    RefusalsQuestion {
        by_limit,
        by_model,
        by_user,
        models: values(UsageDimension::Of(Dimension::Model)),
        users: values(UsageDimension::Of(Dimension::User)),
        limits: limits.iter().filter_map(|text| limit_of_text(text)).collect(),
        windows: over.windows.to_vec(),
        by_window: over.by_window,
    }
}

impl Table {
    fn group(&mut self, window: usize, key: Key) -> &mut Figures {
        self.groups.entry((window, key)).or_default()
    }

    /// What is known of a group; nothing if nothing was used.
    pub fn get(&self, window: usize, key: &Key, wanted: &Wanted<'_>) -> Figures {
        let found = self.groups.get(&(window, key.clone())).cloned();
        found.unwrap_or_else(|| {
            let mut nothing = Figures::default();
            for counted in &wanted.counted {
                nothing.counts[*counted as usize] = Some(0);
            }
            nothing
        })
    }

    /// All groups of the first window.
    pub fn groups(&self) -> Vec<(Key, Figures)> {
        let first = self.groups.iter().filter(|((window, _), _)| *window == 0);
        first.map(|((_, key), figures)| (key.clone(), figures.clone())).collect()
    }

    /// What is known of the rest of a window beside what follows from the total.
    pub fn rest(&self, window: usize) -> (Refused, [Option<i64>; Counted::COUNT]) {
        self.rest.get(&window).map_or_else(Default::default, |rest| (rest.refused, rest.counts))
    }
}
