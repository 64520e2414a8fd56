//! Turns the restrictions of a report into filters of storage.
//!
//! Providers are not stored with usage: a restriction to providers becomes one to the models that
//! they have in the current catalog.

use super::axis::{Restriction, UsageDimension, model_axis};
use super::batch::Batch;
use super::questions::{self, WindowSet};
use super::{Result, Scope};
use crate::domain::time::calendar::Window;
use crate::storage::reports::{Axis, Filter, SumsRow};

/// Matches nothing: values have no control characters.
const NO_VALUE: &str = "\u{1}";

/// Restrictions, resolved.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Each of another axis.
    pub of_usage: Vec<Filter>,
    /// The models that were used; loaded only where providers are grouped by or restricted to.
    pub used_models: Vec<String>,
}

/// Resolves restrictions. Only where providers are grouped by or restricted to, storage is asked
/// which models were used in the windows.
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

/// The filters, with this axis restricted to the intersection with these values.
pub fn narrowed(filters: &[Filter], axis: &Axis, values: &[String]) -> Vec<Filter> {
    let mut narrowed = filters.to_vec();
    let known = narrowed.iter().position(|filter| filter.axis == *axis);
    let values: Vec<String> = match known {
        Some(index) => {
            let known = narrowed.remove(index).values;
            values.iter().filter(|value| known.contains(value)).cloned().collect()
        }
        None => values.to_vec(),
    };
    let values = if values.is_empty() { vec![NO_VALUE.to_owned()] } else { values };
    narrowed.push(Filter { axis: axis.clone(), values });
    narrowed
}

/// Those of the models that belong to one of the providers.
pub fn models_of(scope: &Scope<'_>, models: &[String], providers: &[String]) -> Vec<String> {
    let has = |model: &&String| {
        let provider = provider_of(scope, model);
        providers.iter().any(|known| known == provider)
    };
    models.iter().filter(has).cloned().collect()
}

/// The provider of a model; empty if the catalog does not know it.
pub fn provider_of<'a>(scope: &Scope<'a>, model_id: &str) -> &'a str {
    scope.catalog.by_id_or_alias(model_id).map_or("", |entry| &entry.model().provider)
}

async fn used_models(scope: &Scope<'_>, windows: &[Window]) -> Result<Vec<String>> {
    let mut batch = Batch::default();
    let ask = |window: &Window| {
        batch.sums(questions::sums(&[model_axis()], &[], &WindowSet::whole(*window), false))
    };
    let pending: Vec<_> = windows.iter().map(ask).collect();
    let mut answers = batch.run(scope).await?;
    let mut models = Vec::new();
    for pending in pending {
        let rows = answers.take(pending)?.into_iter();
        models.extend(rows.filter_map(|SumsRow { mut values, .. }| values.pop()));
    }
    models.sort_unstable();
    models.dedup();
    Ok(models)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_one_axis_are_intersected() {
        let texts = |values: &[&str]| values.iter().map(|&text| text.to_owned()).collect();
        let values: Vec<String> = texts(&["a", "b"]);
        let filters = narrowed(&[], &model_axis(), &values);
        let both = narrowed(&filters, &model_axis(), &texts(&["b", "c"]));
        assert_eq!(both, [Filter { axis: model_axis(), values: texts(&["b"]) }]);
        let none = narrowed(&filters, &model_axis(), &texts(&["c"]));
        assert_eq!(none[0].values, [NO_VALUE]);
    }
}
