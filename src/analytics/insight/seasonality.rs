//! What repeats in the usage of a subject.

use chrono::Datelike;

use super::series::{self, Subject};
use crate::analytics::range::Granularity;
use crate::analytics::{Result, Scope};
use crate::insight::seasonality::{Day, Profile, days_of_week, hours_of_day};

/// Most whole days that are looked at.
pub const SEASON_DAYS_MAX: i64 = 56;

#[derive(Clone, Debug)]
pub struct Seasonality {
    /// Whole days, from the first with usage.
    pub history_days: usize,
    /// Absent with too few days.
    pub hour_of_day: Option<Profile>,
    pub day_of_week: Option<Profile>,
}

/// # Errors
/// If storage fails.
pub async fn seasonality(scope: &Scope<'_>, subject: &Subject) -> Result<Seasonality> {
    let days = series::past_days(scope, SEASON_DAYS_MAX).days;
    let hours = days.buckets(&scope.calendar(), Granularity::Hour);
    // A day is looked at whole, also the first one, which may begin with hours without usage.
    let steps = series::read(scope, subject, hours.clone(), Granularity::Hour).await?;
    let Some(first) = steps.first().map(|step| step.bucket.first) else {
        return Ok(Seasonality { history_days: 0, hour_of_day: None, day_of_week: None });
    };
    let mut values = vec![0; hours.len() - steps.len()];
    values.extend(steps.iter().map(|step| step.value));
    let mut days: Vec<(chrono::NaiveDate, Day)> = Vec::new();
    for (bucket, value) in hours.iter().zip(values).filter(|(bucket, _)| bucket.first >= first) {
        if days.last().is_none_or(|(date, _)| *date != bucket.first) {
            let weekday = bucket.first.weekday().num_days_from_monday() as usize;
            days.push((bucket.first, Day { weekday, hours: Vec::new() }));
        }
        let hour = (series::hour_of_day(scope, bucket.window.start), value as f64);
        days.last_mut().expect("one was pushed").1.hours.push(hour);
    }
    let days: Vec<Day> = days.into_iter().map(|(_, day)| day).collect();
    Ok(Seasonality {
        history_days: days.len(),
        hour_of_day: hours_of_day(&days),
        day_of_week: days_of_week(&days),
    })
}
