//! Which source answers: the one that is read fastest of those that can tell apart what is asked.

use super::asking::Asking;
use super::axis::model_axis;
use super::{Error, Result, Scope};
use crate::domain::calendar::Window;
use crate::storage::reports::{Axis, Filter, Question, RECORDS_MAX, Source};

/// What must be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fineness {
    /// Whether windows are hours.
    pub hourly: bool,
    /// Whether the spread of latencies is asked for.
    pub latencies: bool,
}

/// By days, without latencies.
pub const DAILY: Fineness = Fineness { hourly: false, latencies: false };

/// The source of a question by these axes, some of which may be the same.
pub fn source<'a>(axes: impl IntoIterator<Item = &'a Axis>, fineness: Fineness) -> Source {
    let mut different: Vec<&Axis> = Vec::new();
    for axis in axes {
        if !different.contains(&axis) {
            different.push(axis);
        }
    }
    match (different.len(), fineness) {
        (0 | 1, Fineness { hourly: false, .. }) => Source::Days,
        (0 | 1, Fineness { hourly: true, latencies: false }) => Source::Hours,
        (2, Fineness { hourly: false, latencies: false }) if different.contains(&&model_axis()) => {
            Source::DaysByModel
        }
        _ => Source::Records,
    }
}

/// The axes of filters.
pub fn axes(filters: &[Filter]) -> impl Iterator<Item = &Axis> {
    filters.iter().map(|filter| &filter.axis)
}

/// Refuses to go through the entries of windows that have too many, or that are not kept.
///
/// # Errors
/// If they have, or storage fails.
pub async fn check_record_count(scope: &Scope<'_>, windows: &[Window]) -> Result<()> {
    let mut asking = Asking::default();
    let places: Vec<usize> =
        windows.iter().map(|window| asking.add(Question::RecordCount(*window))).collect();
    let dropped_before = asking.add(Question::DroppedBefore);
    let mut answers = asking.ask(scope).await?;
    let first = windows.iter().map(|window| window.start).min();
    if let Some(kept_from) = answers.dropped_before(dropped_before)?
        && first.is_some_and(|first| first < kept_from)
    {
        return Err(Error::Dropped { kept_from: scope.calendar().date(kept_from) });
    }
    let mut record_count = 0_i64;
    for place in places {
        record_count = record_count.saturating_add(answers.record_count(place)?);
    }
    let record_count_max = RECORDS_MAX as i64;
    if record_count > record_count_max {
        return Err(Error::TooBroad { record_count_max });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::rollup::Dimension;

    #[test]
    fn the_source_is_the_fastest_that_can_tell() {
        let user = Axis::Of(Dimension::User);
        let tag = Axis::Tag("team".to_owned());
        let model = model_axis();
        let hourly = Fineness { hourly: true, latencies: false };
        let latencies = Fineness { hourly: false, latencies: true };
        let both = Fineness { hourly: true, latencies: true };
        for (axes, fineness, expected) in [
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
            assert_eq!(source(axes.clone(), fineness), expected, "{axes:?} {fineness:?}");
        }
    }
}
