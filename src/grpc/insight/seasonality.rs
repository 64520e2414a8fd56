//! Answers of `GetSeasonality`.

use super::convert::quantity;
use crate::analytics::insight::seasonality::Seasonality;
use crate::analytics::insight::series::SeriesMetric;
use crate::domain::Currency;
use crate::engine::ReportBasis;
use crate::grpc::shared::time::to_timestamp;
use crate::insight::seasonality::Profile;
use crate::proto::v1;

pub fn to_proto(
    found: &Seasonality,
    basis: &ReportBasis,
    metric: SeriesMetric,
) -> v1::GetSeasonalityResponse {
    let profile = |profile: &Option<Profile>| {
        profile.as_ref().map(|profile| profile_to_proto(profile, metric, basis.workspace.currency))
    };
    v1::GetSeasonalityResponse {
        as_of_time: Some(to_timestamp(basis.as_of)),
        time_zone: basis.workspace.time_zone.name().to_owned(),
        seasonality: kind(found).into(),
        history_days: found.history_days as i32,
        hour_of_day: profile(&found.hour_of_day),
        day_of_week: profile(&found.day_of_week),
    }
}

fn kind(found: &Seasonality) -> v1::Seasonality {
    let is_significant =
        |profile: &Option<Profile>| profile.as_ref().is_some_and(Profile::is_significant);
    match (is_significant(&found.hour_of_day), is_significant(&found.day_of_week)) {
        (true, true) => v1::Seasonality::DailyAndWeekly,
        (true, false) => v1::Seasonality::Daily,
        (false, true) => v1::Seasonality::Weekly,
        (false, false) if found.hour_of_day.is_none() => v1::Seasonality::TooLittle,
        (false, false) => v1::Seasonality::None,
    }
}

fn profile_to_proto(
    profile: &Profile,
    metric: SeriesMetric,
    currency: Currency,
) -> v1::SeasonalProfile {
    let part = |index: usize| v1::SeasonalPart {
        index: index as i32,
        mean: Some(quantity(metric, profile.means[index], currency)),
    };
    let extremes = profile.extremes();
    v1::SeasonalProfile {
        parts: (0..profile.means.len()).map(part).collect(),
        explained_percent: profile.explained * 100.0,
        p_value: profile.p_value,
        significant: profile.is_significant(),
        peak: extremes.map(|(peak, _)| part(peak)),
        low: extremes.map(|(_, low)| part(low)),
    }
}
