//! Time to first value: how long users took from sign-up to their first successful use, as a
//! histogram, and the users who have none.

use crate::analytics::batch::{Answers, Batch, Pending};
use crate::analytics::figures::share_percent;
use crate::analytics::range::{Range, ReportPeriod};
use crate::analytics::{Result, Scope};
use crate::domain::Time;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, Micros};
use crate::storage::reports::SignUp;

/// Buckets of the histogram: label and lower bound; each ends where the next begins.
const BUCKETS: [(&str, Micros); 6] = [
    ("<1h", 0),
    ("1-6h", MICROS_PER_HOUR),
    ("6-24h", 6 * MICROS_PER_HOUR),
    ("1-3d", MICROS_PER_DAY),
    ("3-7d", 3 * MICROS_PER_DAY),
    ("7+d", 7 * MICROS_PER_DAY),
];
const NEVER: &str = "never";

#[derive(Clone, Debug, PartialEq)]
pub struct FirstValueReport {
    pub period: ReportPeriod,
    pub first_value: TimeToFirstValue,
}

/// The histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeToFirstValue {
    pub user_count: i64,
    pub reached_count: i64,
    /// Of users with a first value; absent if there are none.
    pub median: Option<Micros>,
    /// Always seven.
    pub buckets: Vec<FirstValueBucket>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FirstValueBucket {
    pub label: &'static str,
    /// Inclusive; absent for never.
    pub from: Option<Micros>,
    /// Exclusive; absent of the last two.
    pub to: Option<Micros>,
    pub user_count: i64,
    pub share_percent: f64,
}

/// Position in the list of users without a first value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeverActivePosition {
    pub sign_up_time: Time,
    pub user_id: String,
}

/// The histogram of the users who signed up in a range, of one department if given.
///
/// # Errors
/// If storage fails.
pub async fn time_to_first_value(
    scope: &Scope<'_>,
    range: Range,
    department_id: Option<String>,
) -> Result<FirstValueReport> {
    let period = scope.period(range);
    let sign_ups = sign_ups(scope, &period, department_id).await?;
    Ok(FirstValueReport { period, first_value: histogram(&sign_ups) })
}

/// Users without a first value who signed up in a range: the latest sign-up first, then by id; at
/// most `limit`, after the position `after`.
///
/// # Errors
/// If storage fails.
pub async fn never_active(
    scope: &Scope<'_>,
    range: Range,
    department_id: Option<String>,
    after: Option<&NeverActivePosition>,
    limit: usize,
) -> Result<Vec<SignUp>> {
    let period = scope.period(range);
    let mut users = sign_ups(scope, &period, department_id).await?;
    users.retain(|user| {
        let is_after = after.is_none_or(|after| {
            let position = (std::cmp::Reverse(user.sign_up_time), &user.user_id);
            position > (std::cmp::Reverse(after.sign_up_time), &after.user_id)
        });
        user.first_value_time.is_none() && is_after
    });
    users.sort_by(|a, b| {
        b.sign_up_time.cmp(&a.sign_up_time).then_with(|| a.user_id.cmp(&b.user_id))
    });
    users.truncate(limit);
    Ok(users)
}

async fn sign_ups(
    scope: &Scope<'_>,
    period: &ReportPeriod,
    department_id: Option<String>,
) -> Result<Vec<SignUp>> {
    let mut batch = Batch::default();
    let sign_ups = batch.sign_ups(period.days.window, department_id);
    batch.run(scope).await?.take(sign_ups)
}

pub(super) struct PendingFirstValue(Pending<Vec<SignUp>>);

impl PendingFirstValue {
    pub fn ask(batch: &mut Batch, period: &ReportPeriod) -> PendingFirstValue {
        PendingFirstValue(batch.sign_ups(period.days.window, None))
    }

    pub fn read(self, answers: &mut Answers) -> Result<TimeToFirstValue> {
        Ok(histogram(&answers.take(self.0)?))
    }
}

/// A first value before the sign-up counts as a time of zero.
fn histogram(sign_ups: &[SignUp]) -> TimeToFirstValue {
    let took = |user: &SignUp| Some((user.first_value_time? - user.sign_up_time).max(0));
    let mut times: Vec<Micros> = sign_ups.iter().filter_map(took).collect();
    times.sort_unstable();
    let user_count = sign_ups.len() as i64;
    let reached_count = times.len() as i64;
    let bucket = |label, from, to, count: i64| FirstValueBucket {
        label,
        from,
        to,
        user_count: count,
        share_percent: share_percent(count, user_count).unwrap_or(0.0),
    };
    let mut buckets = Vec::with_capacity(BUCKETS.len() + 1);
    for (index, (label, from)) in BUCKETS.into_iter().enumerate() {
        let to = BUCKETS.get(index + 1).map(|(_, from)| *from);
        let below = |end: Micros| times.partition_point(|time| *time < end);
        let count = to.map_or(times.len(), below) - below(from);
        buckets.push(bucket(label, Some(from), to, count as i64));
    }
    buckets.push(bucket(NEVER, None, None, user_count - reached_count));
    TimeToFirstValue { user_count, reached_count, median: median(&times), buckets }
}

/// Of sorted times; of an even number of them, the mean of the middle two.
fn median(times: &[Micros]) -> Option<Micros> {
    let middle = times.len() / 2;
    let upper = *times.get(middle)?;
    if times.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = times[middle - 1];
    Some(lower + (upper - lower) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(took: Option<Micros>) -> SignUp {
        let sign_up_time = Time::from_micros(1_000);
        SignUp {
            user_id: "u".to_owned(),
            display_name: String::new(),
            department_id: String::new(),
            external_id: String::new(),
            sign_up_time,
            first_value_time: took.map(|took| sign_up_time + took),
            last_use_time: None,
        }
    }

    #[test]
    fn each_user_is_in_one_bucket() {
        let hour = MICROS_PER_HOUR;
        let users: Vec<SignUp> = [
            Some(-5),
            Some(0),
            Some(hour - 1),
            Some(hour),
            Some(6 * hour),
            Some(24 * hour),
            Some(72 * hour),
            Some(168 * hour),
            Some(10_000 * hour),
            None,
        ]
        .map(user)
        .into();
        let found = histogram(&users);
        let counts: Vec<i64> = found.buckets.iter().map(|bucket| bucket.user_count).collect();
        assert_eq!(counts, [3, 1, 1, 1, 1, 2, 1]);
        assert_eq!((found.user_count, found.reached_count), (10, 9));
        assert_eq!(found.median, Some(6 * hour));
        assert_eq!(found.buckets[0].share_percent, 30.0);
        assert_eq!(found.buckets[5].to, None);
        assert_eq!(found.buckets[6].from, None);
    }

    #[test]
    fn the_median_of_no_users_is_absent() {
        let found = histogram(&[]);
        assert_eq!((found.user_count, found.median), (0, None));
        assert!(found.buckets.iter().all(|bucket| bucket.share_percent == 0.0));
        assert_eq!(median(&[2, 5]), Some(3));
        assert_eq!(median(&[7]), Some(7));
    }
}
