//! What repeats in a series: the profile of the hours of a day and of the days of a week, how much
//! of the variance each explains, and whether chance would explain as much.
//!
//! A profile is the mean of each part (an hour, a weekday). It explains the variance between its
//! parts of the variance of all values. Whether that is more than chance is tested by permutation:
//! the values are shuffled, hours within their day (so that days that differ prove nothing about
//! hours), days among each other, and the share of shuffles that explain as much is counted.

use super::random::Random;

pub const HOURS: usize = 24;
pub const WEEKDAYS: usize = 7;
/// Fewest whole days for a profile of hours, and for one of weekdays.
pub const HOUR_DAYS_MIN: usize = 3;
pub const WEEKDAY_DAYS_MIN: usize = 14;
/// Shuffles of a test.
pub const SHUFFLES: usize = 200;
/// Greatest share of shuffles, the series itself counted with them, that explain as much.
const SIGNIFICANCE: f64 = 0.01;
const SEED: u64 = 15;

/// One whole local day: its weekday (0 is Monday), and the values of its hours, each with its local
/// hour. A day has 23 to 25 hours where the clocks change.
#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    pub weekday: usize,
    pub hours: Vec<(usize, f64)>,
}

/// A profile and what it explains.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Mean of each part, in their order.
    pub means: Vec<f64>,
    /// Share of the variance that lies between the parts; 0 where nothing varies.
    pub explained: f64,
    /// Share of shuffles that explain as much, the series itself counted with them; 1 where nothing
    /// varies.
    pub p_value: f64,
}

impl Profile {
    pub fn is_significant(&self) -> bool {
        self.p_value <= SIGNIFICANCE
    }

    /// The part with the greatest mean, and that with the least, if chance does not explain them.
    pub fn extremes(&self) -> Option<(usize, usize)> {
        let by_mean = |a: &usize, b: &usize| self.means[*a].total_cmp(&self.means[*b]);
        let parts = 0..self.means.len();
        // The first of several that are equal.
        let peak = parts.clone().rev().max_by(by_mean)?;
        let low = parts.min_by(by_mean)?;
        self.is_significant().then_some((peak, low))
    }
}

/// The profile of the hours of the day; none below [`HOUR_DAYS_MIN`] days.
pub fn hours_of_day(days: &[Day]) -> Option<Profile> {
    if days.len() < HOUR_DAYS_MIN {
        return None;
    }
    let groups: Vec<Vec<(usize, f64)>> = days.iter().map(|day| day.hours.clone()).collect();
    Some(profile(groups, HOURS))
}

/// The profile of the days of the week, of daily totals; none below [`WEEKDAY_DAYS_MIN`] days.
pub fn days_of_week(days: &[Day]) -> Option<Profile> {
    if days.len() < WEEKDAY_DAYS_MIN {
        return None;
    }
    let total = |day: &Day| day.hours.iter().map(|(_, value)| value).sum();
    let totals = days.iter().map(|day| (day.weekday, total(day))).collect();
    Some(profile(vec![totals], WEEKDAYS))
}

/// The profile of values, each with its part. Shuffles move values within their group.
fn profile(mut groups: Vec<Vec<(usize, f64)>>, parts: usize) -> Profile {
    let (means, explained) = explained(&groups, parts);
    if explained <= 0.0 {
        return Profile { means, explained: 0.0, p_value: 1.0 };
    }
    let mut random = Random::new(SEED);
    let mut as_much = 0_usize;
    for _ in 0..SHUFFLES {
        for group in &mut groups {
            let mut values: Vec<f64> = group.iter().map(|(_, value)| *value).collect();
            random.shuffle(&mut values);
            for (place, value) in group.iter_mut().zip(values) {
                place.1 = value;
            }
        }
        // Sums in another order differ in their last digits.
        as_much += usize::from(self::explained(&groups, parts).1 >= explained * (1.0 - 1e-9));
    }
    let p_value = (1 + as_much) as f64 / (1 + SHUFFLES) as f64;
    Profile { means, explained, p_value }
}

/// Means of the parts, and the share of the variance between them.
fn explained(groups: &[Vec<(usize, f64)>], parts: usize) -> (Vec<f64>, f64) {
    let mut sums = vec![(0.0, 0.0); parts];
    let (mut sum, mut count) = (0.0, 0.0);
    for (part, value) in groups.iter().flatten() {
        sums[*part].0 += value;
        sums[*part].1 += 1.0;
        sum += value;
        count += 1.0;
    }
    let mean = if count > 0.0 { sum / count } else { 0.0 };
    let of_part = |(sum, count): &(f64, f64)| if *count > 0.0 { sum / count } else { 0.0 };
    let means: Vec<f64> = sums.iter().map(of_part).collect();
    let between: f64 =
        sums.iter().zip(&means).map(|((_, count), part)| count * (part - mean).powi(2)).sum();
    let all: f64 = groups.iter().flatten().map(|(_, value)| (value - mean).powi(2)).sum();
    // What rounding leaves of values that are all the same is no variance.
    let least = count * (mean * 1e-9).powi(2);
    (means, if all > least { (between / all).clamp(0.0, 1.0) } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days of 24 hours from a Monday.
    fn days(count: usize, value: impl Fn(usize, usize) -> f64) -> Vec<Day> {
        let hours = |day: usize| (0..HOURS).map(|hour| (hour, value(day, hour))).collect();
        (0..count).map(|day| Day { weekday: day % 7, hours: hours(day) }).collect()
    }

    /// A number from 0 to 1 that has nothing to do with its place.
    fn noise(day: usize, hour: usize) -> f64 {
        let mixed = ((day * 24 + hour + 1) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 40) as f64 / (1_u64 << 24) as f64
    }

    #[test]
    fn hours_of_work_are_found_and_weekends_are_not_taken_for_hours() {
        let is_work = |day: usize, hour: usize| day % 7 < 5 && (9..17).contains(&hour);
        let value = |day, hour| if is_work(day, hour) { 10.0 + hour as f64 } else { 1.0 };
        let days = days(28, value);
        let hours = hours_of_day(&days).unwrap();
        assert!(hours.is_significant() && hours.explained > 0.5, "{hours:?}");
        assert_eq!(hours.extremes(), Some((16, 0)));
        assert!((hours.means[9] - (19.0 * 5.0 + 2.0) / 7.0).abs() < 1e-9);
        let week = days_of_week(&days).unwrap();
        assert!(week.is_significant() && week.explained > 0.99);
        assert_eq!(week.extremes(), Some((0, 5)));
        // Weekdays that differ, with flat days, say nothing about hours.
        let flat = super::tests::days(28, |day, _| if day % 7 < 5 { 10.0 } else { 1.0 });
        let hours = hours_of_day(&flat).unwrap();
        assert_eq!((hours.explained, hours.extremes()), (0.0, None));
    }

    #[test]
    fn noise_has_no_season() {
        let days = days(56, noise);
        for profile in [hours_of_day(&days), days_of_week(&days)] {
            let profile = profile.unwrap();
            assert!(!profile.is_significant() && profile.extremes().is_none(), "{profile:?}");
            assert!(profile.explained < 0.25);
        }
    }

    #[test]
    fn a_season_stands_out_of_noise() {
        let value = |day, hour| noise(day, hour) + if hour == 3 { 1.0 } else { 0.0 };
        let profile = hours_of_day(&days(14, value)).unwrap();
        assert!(profile.is_significant());
        assert_eq!(profile.extremes().unwrap().0, 3);
    }

    #[test]
    fn what_does_not_vary_has_no_season() {
        for value in [0.0, 0.1, 1e15] {
            let days = days(21, |_, _| value);
            for profile in [hours_of_day(&days), days_of_week(&days)] {
                let profile = profile.unwrap();
                assert_eq!((profile.explained, profile.p_value), (0.0, 1.0), "{value}");
                assert_eq!(profile.extremes(), None);
            }
        }
    }

    #[test]
    fn one_giant_hour_is_no_season() {
        let days = days(28, |day, hour| if (day, hour) == (11, 7) { 1e12 } else { 1.0 });
        assert!(!hours_of_day(&days).unwrap().is_significant());
        assert!(!days_of_week(&days).unwrap().is_significant());
    }

    #[test]
    fn too_few_days_have_no_profile() {
        let days = days(14, noise);
        assert!(hours_of_day(&days[..2]).is_none() && hours_of_day(&days[..3]).is_some());
        assert!(days_of_week(&days[..13]).is_none() && days_of_week(&days).is_some());
    }

    #[test]
    fn hours_that_pass_twice_or_never_count_as_they_are() {
        let mut days = days(7, |_, hour| hour as f64);
        days[2].hours.remove(2);
        days[4].hours.insert(2, (2, 2.0));
        let profile = hours_of_day(&days).unwrap();
        assert_eq!(profile.means, (0..24).map(f64::from).collect::<Vec<_>>());
        assert!((profile.explained - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_unit_does_not_matter() {
        let value = |day, hour| noise(day, hour) + hour as f64 / 20.0;
        let (one, thousand) = (days(14, value), days(14, |day, hour| 1e3 * value(day, hour)));
        let [one, thousand] = [one, thousand].map(|days| hours_of_day(&days).unwrap());
        assert!((one.explained - thousand.explained).abs() < 1e-12);
        assert_eq!(one.p_value, thousand.p_value);
    }
}
