//! Display names of ids. They are not figures: a report reads them after its snapshot.

use std::collections::HashMap;

use super::batch::Batch;
use super::{Result, Scope};
use crate::domain::attribution::Dimension;

/// Display names by id. Ids without one are left out.
pub type Names = HashMap<String, String>;

/// The names of some ids of each dimension, in order.
///
/// # Errors
/// If storage fails.
pub async fn of_each(scope: &Scope<'_>, ids: Vec<(Dimension, Vec<String>)>) -> Result<Vec<Names>> {
    let mut batch = Batch::default();
    let ask = |(dimension, ids): (Dimension, Vec<String>)| {
        (!ids.is_empty()).then(|| batch.names(dimension, ids))
    };
    let pending: Vec<_> = ids.into_iter().map(ask).collect();
    let mut answers = batch.run(scope).await?;
    let mut names = Vec::with_capacity(pending.len());
    for pending in pending {
        let found = pending.map(|pending| answers.take(pending)).transpose()?;
        names.push(found.unwrap_or_default().into_iter().collect());
    }
    Ok(names)
}

/// Fills in the display names of items of one dimension. `fields` has the id and the name of one;
/// items with an empty id keep their name.
///
/// # Errors
/// If storage fails.
pub async fn fill<T>(
    scope: &Scope<'_>,
    dimension: Dimension,
    items: &mut [T],
    fields: fn(&mut T) -> (&String, &mut String),
) -> Result<()> {
    let ids = items.iter_mut().map(|item| fields(item).0.clone());
    let ids = ids.filter(|id| !id.is_empty()).collect();
    let names = of_each(scope, vec![(dimension, ids)]).await?;
    for item in items {
        let (id, display_name) = fields(item);
        if let Some(name) = names[0].get(id) {
            display_name.clone_from(name);
        }
    }
    Ok(())
}
