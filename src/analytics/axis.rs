//! What usage is grouped by and restricted to, and how storage is asked for it: providers are not
//! kept with usage, so they become the models that the catalogue gives them now.

use super::asking::Asking;
use super::{Result, Scope};
use crate::domain::calendar::Window;
use crate::storage::reports::{Axis, Filter, Source, SumsQuestion, SumsRow};
use crate::storage::rollup::{Dimension, LimitKey};

/// Texts have no control characters: matches no value.
const NOTHING: &str = "\u{1}";

/// What usage is grouped by and restricted in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UsageDimension {
    /// Any but [`Dimension::Workspace`] and [`Dimension::Tag`].
    Of(Dimension),
    /// Of the model, as the catalogue has it now; empty for models that it does not know.
    Provider,
    /// The value of the tag with this key.
    Tag(String),
    /// What was in the way, of blocked and routed requests alone.
    Limit,
}

/// Only usage with one of these values counts; an empty one stands for usage that does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    pub dimension: UsageDimension,
    pub values: Vec<String>,
}

impl UsageDimension {
    /// What storage groups by or restricts in for it; absent for what usage does not have.
    pub fn axis(&self) -> Option<Axis> {
        match self {
            UsageDimension::Of(dimension) => Some(Axis::Of(*dimension)),
            UsageDimension::Provider => Some(model_axis()),
            UsageDimension::Tag(key) => Some(Axis::Tag(key.clone())),
            UsageDimension::Limit => None,
        }
    }

    /// Whether blocked and routed requests are counted by it.
    pub fn is_of_refusals(&self) -> bool {
        matches!(
            self,
            UsageDimension::Of(Dimension::Model | Dimension::User) | UsageDimension::Limit
        )
    }
}

pub fn model_axis() -> Axis {
    Axis::Of(Dimension::Model)
}

/// Restrictions as storage takes them.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Of different axes.
    pub of_usage: Vec<Filter>,
    /// Models that were used, where it matters which there are.
    pub used_models: Vec<String>,
}

/// Restrictions of usage as storage takes them. Where providers play a part, storage is asked
/// first which models were used in the windows.
///
/// # Errors
/// If storage fails.
pub async fn resolve(
    scope: &Scope<'_>,
    restrictions: &[Restriction],
    group_by: &[UsageDimension],
    windows: &[Window],
) -> Result<Filters> {
    let mut filters = Filters::default();
    let by_provider = restrictions.iter().map(|restriction| &restriction.dimension);
    if by_provider.chain(group_by).any(|dimension| *dimension == UsageDimension::Provider) {
        filters.used_models = used_models(scope, windows).await?;
    }
    for restriction in restrictions {
        let Some(axis) = restriction.dimension.axis() else { continue };
        let values = match restriction.dimension {
            UsageDimension::Provider => models_of(scope, &filters.used_models, &restriction.values),
            _ => restriction.values.clone(),
        };
        filters.of_usage = narrowed(&filters.of_usage, &axis, &values);
    }
    Ok(filters)
}

/// The filters, and on this axis these values alone, of those that they let through.
pub fn narrowed(filters: &[Filter], axis: &Axis, values: &[String]) -> Vec<Filter> {
    let mut narrowed = filters.to_vec();
    let place = narrowed.iter().position(|filter| filter.axis == *axis);
    let values: Vec<String> = match place {
        Some(place) => {
            let known = narrowed.remove(place).values;
            values.iter().filter(|value| known.contains(value)).cloned().collect()
        }
        None => values.to_vec(),
    };
    let values = if values.is_empty() { vec![NOTHING.to_owned()] } else { values };
    narrowed.push(Filter { axis: axis.clone(), values });
    narrowed
}

/// Those of the models that one of the providers has.
pub fn models_of(scope: &Scope<'_>, models: &[String], providers: &[String]) -> Vec<String> {
    let has = |model: &&String| {
        let provider = provider_of(scope, model);
        providers.iter().any(|known| known == provider)
    };
    models.iter().filter(has).cloned().collect()
}

/// The provider of a model; empty if the catalogue does not know it.
pub fn provider_of<'a>(scope: &Scope<'a>, model_id: &str) -> &'a str {
    scope.catalogue.model(model_id).map_or("", |entry| &entry.model().provider)
}

async fn used_models(scope: &Scope<'_>, windows: &[Window]) -> Result<Vec<String>> {
    let mut asking = Asking::default();
    let ask = |window: &Window| {
        asking.sums(SumsQuestion {
            source: Source::Days,
            group_by: vec![model_axis()],
            filters: Vec::new(),
            windows: vec![*window],
            by_window: false,
            top: None,
            latencies: false,
        })
    };
    let places: Vec<usize> = windows.iter().map(ask).collect();
    let mut answers = asking.ask(scope).await?;
    let mut models = Vec::new();
    for place in places {
        let rows = answers.sums(place)?.into_iter();
        models.extend(rows.filter_map(|SumsRow { mut values, .. }| values.pop()));
    }
    models.sort_unstable();
    models.dedup();
    Ok(models)
}

/// What was in the way, as text: "quota:team-month".
pub fn limit_to_text(limit: &LimitKey) -> String {
    match limit {
        LimitKey::Request => String::new(),
        LimitKey::Envelope => ENVELOPE.to_owned(),
        LimitKey::ModelLimit(model_id) => format!("{MODEL_LIMIT}{model_id}"),
        LimitKey::Quota(id) => format!("{QUOTA}{id}"),
        LimitKey::RateLimit(id) => format!("{RATE_LIMIT}{id}"),
        LimitKey::Rule(reason) => format!("{RULE}{reason}"),
    }
}

/// The same read back; absent for any other text.
pub fn limit_of_text(text: &str) -> Option<LimitKey> {
    if text == ENVELOPE {
        return Some(LimitKey::Envelope);
    }
    let after = |prefix| text.strip_prefix(prefix).filter(|id| !id.is_empty()).map(str::to_owned);
    after(MODEL_LIMIT)
        .map(LimitKey::ModelLimit)
        .or_else(|| after(QUOTA).map(LimitKey::Quota))
        .or_else(|| after(RATE_LIMIT).map(LimitKey::RateLimit))
        .or_else(|| after(RULE).map(LimitKey::Rule))
}

const ENVELOPE: &str = "envelope";
const MODEL_LIMIT: &str = "model_limit:";
const QUOTA: &str = "quota:";
const RATE_LIMIT: &str = "rate_limit:";
const RULE: &str = "rule:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_back_as_they_were_written() {
        for limit in [
            LimitKey::Envelope,
            LimitKey::ModelLimit("vendor/model:1".to_owned()),
            LimitKey::Quota("team-month".to_owned()),
            LimitKey::RateLimit("r".to_owned()),
            LimitKey::Rule("MODEL_DISABLED".to_owned()),
        ] {
            assert_eq!(limit_of_text(&limit_to_text(&limit)), Some(limit));
        }
        for text in ["", "envelope:", "quota:", "other:x", "quota"] {
            assert_eq!(limit_of_text(text), None, "{text}");
        }
    }

    #[test]
    fn filters_of_one_axis_let_through_what_both_do() {
        let texts = |values: &[&str]| values.iter().map(|&text| text.to_owned()).collect();
        let values: Vec<String> = texts(&["a", "b"]);
        let filters = narrowed(&[], &model_axis(), &values);
        let both = narrowed(&filters, &model_axis(), &texts(&["b", "c"]));
        assert_eq!(both, [Filter { axis: model_axis(), values: texts(&["b"]) }]);
        let none = narrowed(&filters, &model_axis(), &texts(&["c"]));
        assert_eq!(none[0].values, [NOTHING]);
    }
}
