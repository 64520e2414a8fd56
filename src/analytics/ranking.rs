//! Workflows and assistants by the tokens that they used; names of what was ranked.

use std::collections::HashMap;

use super::asking::{Answers, Asking};
use super::axis::{self, Filters, Restriction, UsageDimension};
use super::figures::token_count;
use super::plan::{self, DAILY, source};
use super::query::Group;
use super::range::{Range, ReportPeriod};
use super::{Result, Scope};
use crate::domain::Amount;
use crate::storage::reports::{Axis, OrderBy, Question, Source, SumsQuestion, SumsRow};
use crate::storage::rollup::{Dimension, Sums};

/// What is ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranked {
    Workflows,
    Assistants,
}

/// What to rank.
#[derive(Clone, Debug)]
pub struct RankingQuery {
    pub range: Range,
    pub restrictions: Vec<Restriction>,
    pub ranked: Ranked,
    /// Most places.
    pub top: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RankingReport {
    pub period: ReportPeriod,
    pub places: Vec<RankedUsage>,
}

/// One place of a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedUsage {
    /// From 1.
    pub rank: usize,
    pub id: String,
    pub display_name: String,
    pub token_count: i64,
    pub request_count: i64,
    /// 0 without requests.
    pub tokens_per_request: f64,
    pub cost: Amount,
}

impl Ranked {
    pub fn dimension(self) -> Dimension {
        match self {
            Ranked::Workflows => Dimension::Workflow,
            Ranked::Assistants => Dimension::Assistant,
        }
    }
}

/// Ranks by tokens.
///
/// # Errors
/// If it would read too much, or storage fails.
pub async fn ranking(scope: &Scope<'_>, query: &RankingQuery) -> Result<RankingReport> {
    let period = scope.period(query.range);
    let windows = [period.days.window];
    let filters = axis::resolve(scope, &query.restrictions, &[], &windows).await?;
    let mut asking = Asking::default();
    let (place, source) = ask(&mut asking, &period, &filters, query.ranked, query.top);
    if source == Source::Records {
        plan::check_record_count(scope, &windows).await?;
    }
    let mut answers = asking.ask(scope).await?;
    let mut places = read(&mut answers, place, query.top)?;
    name_places(scope, query.ranked, &mut places).await?;
    Ok(RankingReport { period, places })
}

/// Asks for the groups with most tokens, one more for usage without any.
pub(super) fn ask(
    asking: &mut Asking,
    period: &ReportPeriod,
    filters: &Filters,
    ranked: Ranked,
    top: usize,
) -> (usize, Source) {
    let question = top_question(period, filters, ranked.dimension(), top + 1);
    let source = question.source;
    (asking.sums(question), source)
}

/// Sums of the groups with most tokens.
pub(super) fn top_question(
    period: &ReportPeriod,
    filters: &Filters,
    dimension: Dimension,
    top: usize,
) -> SumsQuestion {
    let axis = Axis::Of(dimension);
    SumsQuestion {
        source: source(plan::axes(&filters.of_usage).chain([&axis]), DAILY),
        group_by: vec![axis],
        filters: filters.of_usage.clone(),
        windows: vec![period.days.window],
        by_window: false,
        top: Some((OrderBy::Tokens, top)),
        latencies: false,
    }
}

pub(super) fn read(answers: &mut Answers, place: usize, top: usize) -> Result<Vec<RankedUsage>> {
    let mut groups = most_tokens_first(answers.sums(place)?);
    groups.retain(|(id, _)| !id.is_empty());
    groups.truncate(top);
    let places = groups.into_iter().enumerate().map(|(index, (id, sums))| {
        let (tokens, requests) = (token_count(&sums), sums.record_count);
        let per_request = if requests == 0 { 0.0 } else { tokens as f64 / requests as f64 };
        RankedUsage {
            rank: index + 1,
            display_name: id.clone(),
            id,
            token_count: tokens,
            request_count: requests,
            tokens_per_request: per_request,
            cost: Amount::from_nanos(sums.cost_nanos),
        }
    });
    Ok(places.collect())
}

/// Groups by one axis, then by value.
pub(super) fn most_tokens_first(rows: Vec<SumsRow>) -> Vec<(String, Sums)> {
    let group = |mut row: SumsRow| (row.values.pop().unwrap_or_default(), row.sums);
    let mut groups: Vec<(String, Sums)> = rows.into_iter().map(group).collect();
    groups.sort_by(|(a, a_sums), (b, b_sums)| {
        token_count(b_sums).cmp(&token_count(a_sums)).then_with(|| a.cmp(b))
    });
    groups
}

pub(super) async fn name_places(
    scope: &Scope<'_>,
    ranked: Ranked,
    places: &mut [RankedUsage],
) -> Result<()> {
    let ids = places.iter().map(|place| place.id.clone()).collect();
    let mut names = names(scope, vec![(ranked.dimension(), ids)]).await?;
    let names = names.pop().unwrap_or_default();
    for place in places {
        if let Some(name) = names.get(&place.id) {
            place.display_name.clone_from(name);
        }
    }
    Ok(())
}

/// Display names, by id, for each of the dimensions in order. They are no figures: they may be
/// read after these.
pub(super) async fn names(
    scope: &Scope<'_>,
    asked: Vec<(Dimension, Vec<String>)>,
) -> Result<Vec<HashMap<String, String>>> {
    let mut asking = Asking::default();
    let places: Vec<Option<usize>> = asked
        .into_iter()
        .map(|(dimension, ids)| {
            (!ids.is_empty()).then(|| asking.add(Question::Names(dimension, ids)))
        })
        .collect();
    let mut answers = asking.ask(scope).await?;
    let mut names = Vec::with_capacity(places.len());
    for place in places {
        let found = place.map(|place| answers.names(place)).transpose()?;
        names.push(found.unwrap_or_default().into_iter().collect());
    }
    Ok(names)
}

/// Gives the keys of groups their names.
pub(super) async fn name(
    scope: &Scope<'_>,
    group_by: &[UsageDimension],
    groups: &mut [Group],
) -> Result<()> {
    let mut asked = Vec::new();
    let mut asked_places = Vec::new();
    for (place, by) in group_by.iter().enumerate() {
        let UsageDimension::Of(dimension) = by else { continue };
        let keys = groups.iter().filter_map(|group| group.keys.get(place));
        let values = keys.map(|key| key.value.clone()).filter(|value| !value.is_empty());
        asked.push((*dimension, values.collect()));
        asked_places.push(place);
    }
    let names = names(scope, asked).await?;
    for (place, names) in asked_places.into_iter().zip(names) {
        for key in groups.iter_mut().filter_map(|group| group.keys.get_mut(place)) {
            if let Some(name) = names.get(&key.value) {
                key.display_name.clone_from(name);
            }
        }
    }
    Ok(())
}
