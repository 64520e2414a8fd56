//! What every forecast keeps to, on series of all kinds, and five whose forecast is known.

use super::*;

/// A number from 0 to 1 that has nothing to do with its place.
fn noise(place: usize) -> f64 {
    let mixed = (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f64 / (1_u64 << 24) as f64
}

fn is_work(hour: usize) -> bool {
    hour / 24 % 7 < 5 && (9..17).contains(&(hour % 24))
}

/// Series of all kinds, each with its name.
fn kinds() -> Vec<(&'static str, Rhythm, Vec<f64>)> {
    let of = |count: usize, value: fn(usize) -> f64| (0..count).map(value).collect::<Vec<f64>>();
    let (hours, days) = (Rhythm::HOURS, Rhythm::DAYS);
    vec![
        ("zeros", hours, of(400, |_| 0.0)),
        ("constant", hours, of(400, |_| 7.0)),
        ("noise", hours, of(500, noise)),
        ("work", hours, of(700, |hour| if is_work(hour) { 5.0 + noise(hour) } else { 0.1 })),
        ("rare", hours, of(300, |hour| if noise(hour) > 0.97 { 40.0 } else { 0.0 })),
        ("one giant hour", hours, of(300, |hour| if hour == 200 { 1e15 } else { 1.0 })),
        ("giant last hour", hours, of(300, |hour| if hour == 299 { 1e15 } else { 1.0 })),
        ("growth", days, of(90, |day| 1.02_f64.powi(day as i32) * (1.0 + noise(day)))),
        ("decline to nothing", days, of(60, |day| (50.0 - day as f64).max(0.0))),
        ("short", hours, of(72, |hour| noise(hour) + (hour % 24) as f64)),
        ("three days", days, vec![3.0, 1.0, 2.0]),
        ("one step", hours, vec![4.0]),
        ("largest counts", hours, vec![i64::MAX as f64; 100]),
        ("small numbers", hours, of(100, |_| 1e-12)),
        ("credits", days, of(40, |day| if day % 9 == 0 { -5.0 } else { 3.0 })),
        ("gap", hours, of(400, |hour| if (100..300).contains(&hour) { 0.0 } else { 2.0 })),
    ]
}

fn found(series: &[f64], rhythm: Rhythm, horizon: usize) -> Forecast {
    forecast(series, rhythm, horizon).expect("the series is not empty")
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-6 * (one.abs() + other.abs()) + 1e-12
}

#[test]
fn nothing_is_forecast_that_cannot_be() {
    for (name, rhythm, series) in kinds() {
        let most = 3.0 * series.iter().copied().fold(0.0, f64::max) * (1.0 + 1e-9);
        for horizon in [1, 5, 24, 200] {
            let found = found(&series, rhythm, horizon);
            assert_eq!(found.points.len(), horizon);
            for Point { value, bands: [inner, outer] } in &found.points {
                let order = [outer.low, inner.low, *value, inner.high, outer.high];
                assert!(order.is_sorted(), "{name}: {order:?}");
                assert!(order[0] >= 0.0 && order[4] <= most, "{name}: {order:?}");
            }
            for steps in 0..=horizon {
                let total = found.totals.of_first(steps);
                let [inner, outer] = total.bands();
                let order = [outer.low, inner.low, total.median(), inner.high, outer.high];
                assert!(order.is_sorted(), "{name}: {order:?}");
                let most = (most * steps as f64).min(f64::INFINITY);
                assert!(order[0] >= 0.0 && order[4] <= most * (1.0 + 1e-9), "{name}: {order:?}");
                assert!(!order.iter().any(|value| value.is_nan()), "{name}: {order:?}");
            }
        }
    }
    assert!(forecast(&[], Rhythm::HOURS, 3).is_none());
    let broken = found(&[1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2.0], Rhythm::DAYS, 3);
    assert!(broken.points.iter().all(|point| point.value.is_finite()));
}

#[test]
fn a_factor_on_the_series_is_one_on_the_forecast() {
    for (name, rhythm, series) in kinds() {
        let one = found(&series, rhythm, 30);
        for factor in [1e-6, 3.0, 1e6] {
            let scaled: Vec<f64> = series.iter().map(|value| value * factor).collect();
            if scaled.iter().any(|value| !value.is_finite() || value.is_subnormal()) {
                continue;
            }
            let other = found(&scaled, rhythm, 30);
            for (one, other) in one.points.iter().zip(&other.points) {
                assert!(is_near(one.value * factor, other.value), "{name} {factor}");
                for (one, other) in one.bands.iter().zip(&other.bands) {
                    assert!(is_near(one.low * factor, other.low), "{name} {factor}");
                    assert!(is_near(one.high * factor, other.high), "{name} {factor}");
                }
            }
            let (one, other) = (one.totals.of_first(30), other.totals.of_first(30));
            assert!(is_near(one.median() * factor, other.median()), "{name} {factor}");
            let amount = one.median() * 1.1;
            let [one, other] =
                [one.probability_above(amount), other.probability_above(amount * factor)];
            assert!((one - other).abs() < 1e-6, "{name} {factor}: {one} {other}");
        }
    }
}

#[test]
fn the_probability_falls_as_the_amount_rises() {
    for (name, rhythm, series) in kinds() {
        let total = found(&series, rhythm, 50).totals.of_first(50);
        let top = total.bands()[1].high.min(1e300) * 1.5 + 1e-300;
        let mut last = 1.0;
        for step in -2..=200 {
            let probability = total.probability_above(top * f64::from(step) / 200.0);
            assert!((0.0..=1.0).contains(&probability), "{name}: {probability}");
            assert!(probability <= last + 1e-12, "{name}: {probability} after {last}");
            last = probability;
        }
        // A median that is kept above zero is passed by half of what may be, not more.
        let above = total.probability_above(total.median());
        assert!(above <= 0.5 + 1e-6, "{name}: {above}");
    }
}

#[test]
fn totals_grow_with_their_steps() {
    for (name, rhythm, series) in kinds() {
        let totals = found(&series, rhythm, 60).totals;
        let amount = totals.of_first(60).median() * 0.6;
        let mut last = 0.0;
        for steps in 0..=60 {
            let median = totals.of_first(steps).median();
            assert!(median >= last * (1.0 - 1e-6), "{name}: {median} after {last}");
            last = median;
        }
        let early = totals.of_first(10).probability_above(amount);
        assert!(early <= totals.of_first(60).probability_above(amount) + 1e-9, "{name}");
    }
}

/// What came after an origin is not looked at, and what was before it alone decides.
#[test]
fn a_forecast_follows_from_the_past_alone() {
    for (name, rhythm, series) in kinds().into_iter().filter(|(_, _, series)| series.len() > 80) {
        let cut = &series[..80];
        let mut other = cut.to_vec();
        other.extend(series[80..].iter().map(|value| value * 100.0 + 1.0));
        assert_eq!(forecast(cut, rhythm, 24), forecast(&other[..80], rhythm, 24), "{name}");
        let pool = pool::Pool::new(&series, rhythm, 24);
        for origin in &pool.origins {
            let said = members::forecast(&series[..origin.at], rhythm, origin.actual.len());
            assert_eq!(said, origin.members, "{name}");
            assert_eq!(origin.actual, series[origin.at..][..origin.actual.len()], "{name}");
        }
    }
}

#[test]
fn zeros_stay_zero_and_a_constant_stays_itself() {
    let zeros = found(&[0.0; 400], Rhythm::HOURS, 48);
    let nothing = [Interval { low: 0.0, high: 0.0 }; 2];
    for point in &zeros.points {
        assert_eq!(*point, Point { value: 0.0, bands: nothing });
    }
    let total = zeros.totals.of_first(48);
    assert_eq!((total.median(), total.bands()), (0.0, nothing));
    assert_eq!([0.0, 1e-9].map(|amount| total.probability_above(amount)), [0.0, 0.0]);
    let constant = found(&[7.0; 400], Rhythm::HOURS, 48);
    for Point { value, bands: [_, outer] } in constant.points {
        assert!(is_near(value, 7.0), "{value}");
        assert!(outer.high - outer.low < 1e-3, "{outer:?}");
    }
    let total = constant.totals.of_first(48);
    assert!((total.median() / (7.0 * 48.0) - 1.0).abs() < 0.02, "{total:?}");
}

/// Golden: the same hours every day come again, because every seasonal member agrees.
#[test]
fn hours_of_the_day_come_again() {
    let series: Vec<f64> = (0..336).map(|hour| f64::from(hour % 24)).collect();
    for (hour, point) in found(&series, Rhythm::HOURS, 48).points.iter().enumerate() {
        let expected = (hour % 24) as f64;
        assert!((point.value - expected).abs() < 0.3, "{hour}: {point:?}");
    }
}

/// Golden: five weeks of weekdays and weekends, from a Saturday on. The long season knows that no
/// work follows; the seasons of a day alone would forecast it.
#[test]
fn a_weekend_follows_five_days_of_work() {
    let value = |hour| if is_work(hour) { 10.0 } else { 1.0 };
    let series: Vec<f64> = (0..5 * 168 + 120).map(value).collect();
    let found = found(&series, Rhythm::HOURS, 72);
    let noon = |day: usize| found.points[24 * day + 12].value;
    assert!(noon(0) < 2.5 && noon(1) < 2.5, "{} {}", noon(0), noon(1));
    assert!((8.0..11.0).contains(&noon(2)), "{}", noon(2));
}

/// Golden: usage that ended two weeks ago is not forecast to come back.
#[test]
fn what_has_ended_stays_away() {
    let series: Vec<f64> = (0..60).map(|day| if day < 46 { 20.0 } else { 0.0 }).collect();
    let found = found(&series, Rhythm::DAYS, 7);
    assert!(found.points.iter().all(|point| point.value < 2.0), "{:?}", found.points);
}

/// Golden: a series that has doubled stays there; it neither falls back nor doubles again.
#[test]
fn a_new_level_is_kept() {
    let series: Vec<f64> = (0..84).map(|day| if day < 60 { 10.0 } else { 20.0 }).collect();
    for point in found(&series, Rhythm::DAYS, 14).points {
        assert!((18.0..22.0).contains(&point.value), "{point:?}");
    }
}

/// Golden: one giant hour among 300 is no reason to expect another.
#[test]
fn one_giant_hour_is_not_expected_again() {
    let value = |hour| if hour == 200 { 1_000.0 } else { 1.0 };
    let series: Vec<f64> = (0..300).map(value).collect();
    for point in found(&series, Rhythm::HOURS, 24).points {
        assert!((0.9..8.0).contains(&point.value), "{point:?}");
    }
}
