//! The fixed reports against the oracle, each by itself and all of them in the dashboard.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use tollgate::domain::Time;
use tollgate::domain::time::{MICROS_PER_HOUR, MICROS_PER_MINUTE};
use tollgate::proto::v1;
use tollgate::proto::v1::{TimeGranularity, UsageDimension};

use crate::compare::{Month, months};
use crate::month::{self, timestamp};
use crate::naive::distinct;
use crate::server::Server;
use crate::usage_log::{Entry, nanos};
use crate::usage_query::{millionths, range};

/// The range of the reports; includes the change to winter time in Berlin and in New York.
fn days() -> (NaiveDate, NaiveDate) {
    let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    (day(10, 20), day(11, 3))
}

impl Month {
    /// Records of the range, or of the previous period.
    fn in_range(&self, previous: bool) -> Vec<&Entry> {
        let (mut first, mut last) = days();
        if previous {
            let count = (last - first).num_days() as u64 + 1;
            (first, last) = (first - Days::new(count), last - Days::new(count));
        }
        let is_in = |entry: &&Entry| (first..=last).contains(&entry.date(self.zone));
        self.entries.iter().filter(is_in).collect()
    }

    fn check_overview(&self, overview: &v1::Overview, registered: &BTreeSet<String>) {
        let count = |figure: &Option<v1::CountFigure>| {
            let figure = figure.as_ref().expect("a figure");
            let change = figure.change_percent.map(millionths);
            let expected = (figure.previous != 0).then(|| {
                let grown = (figure.value - figure.previous) as f64;
                millionths(grown / figure.previous as f64 * 100.0)
            });
            assert_eq!(change, expected);
            (figure.value, figure.previous)
        };
        let both =
            |of: &dyn Fn(&[&Entry]) -> i64| (of(&self.in_range(false)), of(&self.in_range(true)));
        let requests = |entries: &[&Entry]| entries.iter().filter(|e| e.is_request).count() as i64;
        let tokens =
            |entries: &[&Entry]| entries.iter().flat_map(|entry| entry.tokens).sum::<i64>();
        let of = |dimension| both(&move |entries| distinct(entries, dimension));
        assert_eq!(count(&overview.active_users), of(UsageDimension::User));
        assert_eq!(count(&overview.workflows), of(UsageDimension::Workflow));
        assert_eq!(count(&overview.assistants), of(UsageDimension::Assistant));
        assert_eq!(count(&overview.requests), both(&requests));
        assert_eq!(count(&overview.tokens), both(&tokens));
        let spend = overview.spend.as_ref().expect("spend");
        let amount = |money: &Option<v1::Money>| nanos(&money.as_ref().expect("money").amount);
        let cost = |entries: Vec<&Entry>| entries.iter().map(|e| e.cost_nanos).sum::<i128>();
        assert_eq!(amount(&spend.value), cost(self.in_range(false)));
        assert_eq!(amount(&spend.previous), cost(self.in_range(true)));
        let rate = overview.error_rate.as_ref().expect("a rate");
        let failed = |entries: &[&Entry]| {
            entries.iter().filter(|e| e.is_request && e.outcome == v1::Outcome::Error).count()
        };
        for (reported, entries) in
            [(rate.value, self.in_range(false)), (rate.previous, self.in_range(true))]
        {
            let exact = failed(&entries) as f64 / requests(&entries) as f64 * 100.0;
            assert_eq!(reported.map(millionths), Some(millionths(exact)));
        }
        assert_eq!(count(&overview.total_users).0, self.known_users(registered));
    }

    /// Users that are registered, or seen in usage before the end of the range.
    fn known_users(&self, registered: &BTreeSet<String>) -> i64 {
        let before = |entry: &&Entry| entry.is_request && entry.date(self.zone) <= days().1;
        let seen = self.entries.iter().filter(before).map(|e| e.attribution.user_id.clone());
        let mut users: BTreeSet<String> = seen.filter(|user| !user.is_empty()).collect();
        users.extend(registered.iter().cloned());
        users.len() as i64
    }

    fn check_active_users(&self, points: &[v1::ActiveUsersPoint], granularity: TimeGranularity) {
        let (first, last) = days();
        let mut expected: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
        for day in first.iter_days().take_while(|day| *day <= last) {
            // Empty buckets are reported, too.
            let noon = day.and_hms_opt(12, 0, 0).unwrap().and_local_timezone(self.zone).unwrap();
            let any = &self.entries[0];
            let time = noon.with_timezone(&chrono::Utc);
            let bucket = Entry { time, ..plain(any) }.bucket(self.zone, granularity, first);
            expected.entry(bucket).or_default();
        }
        for entry in self.in_range(false) {
            let bucket = entry.bucket(self.zone, granularity, first);
            expected.get_mut(&bucket).expect("a bucket of the range").push(entry);
        }
        let expected: Vec<(String, i64)> = expected
            .into_iter()
            .map(|(bucket, entries)| (bucket, distinct(&entries, UsageDimension::User)))
            .collect();
        let reported: Vec<(String, i64)> =
            points.iter().map(|point| (point.first_date.clone(), point.user_count)).collect();
        assert_eq!(reported, expected, "{} {granularity:?}", self.workspace);
    }

    /// (tokens, requests, cost) by value, most tokens first.
    fn ranked(&self, dimension: UsageDimension) -> Vec<(String, i64, i64, i128)> {
        let mut by_value: BTreeMap<String, (i64, i64, i128)> = BTreeMap::new();
        for entry in self.in_range(false) {
            let sums = by_value.entry(entry.value(dimension, "")).or_default();
            sums.0 += entry.tokens.iter().sum::<i64>();
            sums.1 += i64::from(entry.is_request);
            sums.2 += entry.cost_nanos;
        }
        let mut ranked: Vec<_> =
            by_value.into_iter().map(|(value, (t, r, c))| (value, t, r, c)).collect();
        ranked.sort_by_key(|(_, tokens, ..)| -tokens);
        ranked
    }

    fn check_ranking(&self, reported: &[v1::RankedUsage], dimension: UsageDimension, top: usize) {
        let mut expected = self.ranked(dimension);
        expected.retain(|(value, ..)| !value.is_empty());
        expected.truncate(top);
        assert_eq!(reported.len(), expected.len());
        for ((place, reported), (value, tokens, requests, cost)) in
            (1..).zip(reported).zip(expected)
        {
            assert_eq!((reported.rank, &reported.id), (place, &value));
            assert_eq!((reported.token_count, reported.request_count), (tokens, requests));
            assert_eq!(nanos(&reported.cost.as_ref().unwrap().amount), cost);
            let each = tokens as f64 / requests as f64;
            assert!((reported.tokens_per_request - each).abs() < 1e-6);
        }
    }

    fn check_teams(&self, reported: &[v1::TeamUsage]) {
        let expected = self.ranked(UsageDimension::Department);
        let all: i64 = expected.iter().map(|(_, tokens, ..)| tokens).sum();
        assert_eq!(reported.len(), expected.len());
        for (reported, (value, tokens, requests, cost)) in reported.iter().zip(expected) {
            assert_eq!((&reported.department_id, reported.others), (&value, false));
            assert_eq!((reported.token_count, reported.request_count), (tokens, requests));
            assert_eq!(nanos(&reported.cost.as_ref().unwrap().amount), cost);
            let share = millionths(tokens as f64 / all as f64 * 100.0);
            assert_eq!(millionths(reported.token_share_percent), share);
            if value.is_empty() {
                assert_eq!(reported.display_name, "No department");
            }
        }
    }
}

/// A record of which only the time matters.
fn plain(entry: &Entry) -> Entry {
    Entry {
        time: entry.time,
        is_request: true,
        model: String::new(),
        attribution: v1::Attribution::default(),
        key_group: String::new(),
        outcome: v1::Outcome::Success,
        cost_nanos: 0,
        tokens: [0; 10],
        latency_micros: None,
    }
}

#[tokio::test]
async fn the_dashboard_is_exact_and_consistent_with_each_report() {
    let server = month::server().await;
    for month in months(&server).await {
        let registered = sign_up(&server, &month).await;
        let workspace_id = month.workspace.to_owned();
        let (first, last) = days();
        let range = || Some(range(first, last));
        let request = v1::GetDashboardRequest {
            workspace_id: workspace_id.clone(),
            range: range(),
            top: 4,
            ..Default::default()
        };
        let page = server.analytics().get_dashboard(request).await.unwrap().into_inner();
        let overview = page.overview.as_ref().expect("key figures");
        month.check_overview(overview, &registered);
        month.check_active_users(&page.active_users, TimeGranularity::Day);
        month.check_teams(&page.teams);
        month.check_ranking(&page.top_workflows, UsageDimension::Workflow, 4);
        month.check_ranking(&page.top_assistants, UsageDimension::Assistant, 4);
        let of_dashboard = page.time_to_first_value.expect("times to first value");

        let request = v1::GetOverviewRequest {
            workspace_id: workspace_id.clone(),
            range: range(),
            ..Default::default()
        };
        let alone = server.analytics().get_overview(request).await.unwrap().into_inner();
        assert_eq!(alone.overview, page.overview);
        for granularity in [TimeGranularity::Day, TimeGranularity::Week, TimeGranularity::Month] {
            let request = v1::GetActiveUsersRequest {
                workspace_id: workspace_id.clone(),
                range: range(),
                granularity: granularity.into(),
                ..Default::default()
            };
            let alone = server.analytics().get_active_users(request).await.unwrap().into_inner();
            month.check_active_users(&alone.points, granularity);
            assert_eq!(alone.total, distinct(&month.in_range(false), UsageDimension::User));
        }
        let request =
            v1::GetTimeToFirstValueRequest { workspace_id, range: range(), ..Default::default() };
        let alone = server.analytics().get_time_to_first_value(request).await.unwrap().into_inner();
        assert_eq!(alone.time_to_first_value.as_ref(), Some(&of_dashboard));
        check_first_value(&server, &month, &of_dashboard).await;
    }
    server.stop().await.unwrap();
}

/// Sign-up time of each user, and the time to its first success by the records, if there is one.
fn sign_ups(month: &Month) -> BTreeMap<String, (Time, Option<i64>)> {
    let mut sign_ups = BTreeMap::new();
    let (first, _) = days();
    let midnight = first.and_hms_opt(0, 0, 0).unwrap().and_local_timezone(month.zone).unwrap();
    for place in 0..45_i64 {
        let user = format!("user-{place}");
        let successes = month.entries.iter().filter(|entry| {
            let is_success = entry.is_request && entry.outcome == v1::Outcome::Success;
            is_success && entry.attribution.user_id == user
        });
        let first_success = successes.map(|entry| entry.time.timestamp_micros()).min();
        let time = midnight.timestamp_micros() + place * 7 * MICROS_PER_HOUR;
        let taken = first_success.map(|success| (success - time).max(0));
        sign_ups.insert(user, (Time::from_micros(time), taken));
    }
    sign_ups
}

/// Registers users, some of which never use anything.
async fn sign_up(server: &Server, month: &Month) -> BTreeSet<String> {
    let mut entries = Vec::new();
    for (user, (time, _)) in sign_ups(month) {
        entries.push(v1::DirectoryEntry {
            kind: v1::DirectoryKind::User.into(),
            id: user,
            sign_up_time: Some(timestamp(time)),
            ..Default::default()
        });
    }
    let registered = entries.iter().map(|entry| entry.id.clone()).collect();
    let request = v1::UpsertEntriesRequest { workspace_id: month.workspace.to_owned(), entries };
    server.directory().upsert_entries(request).await.unwrap();
    registered
}

async fn check_first_value(server: &Server, month: &Month, reported: &v1::TimeToFirstValue) {
    let (_, last) = days();
    let within = |time: &Time| {
        let zone = month.zone;
        chrono::DateTime::from_timestamp_micros(time.micros())
            .is_some_and(|time| time.with_timezone(&zone).date_naive() <= last)
    };
    let mut included = sign_ups(month);
    included.retain(|_, (time, _)| within(time));
    let mut taken: Vec<i64> = included.values().filter_map(|(_, taken)| *taken).collect();
    taken.sort_unstable();
    assert_eq!(reported.user_count, included.len() as i64);
    assert_eq!(reported.reached_count, taken.len() as i64);
    let (left, right) = (taken[(taken.len() - 1) / 2], taken[taken.len() / 2]);
    let median = reported.median.as_ref().expect("a median");
    let median = median.seconds * 1_000_000 + i64::from(median.nanos) / 1_000;
    assert!((median - (left + right) / 2).abs() <= 1, "{median} {left} {right}");
    let hours = [0, 1, 6, 24, 72, 168].map(|hours| hours * 60 * MICROS_PER_MINUTE);
    for (place, bucket) in reported.buckets.iter().enumerate() {
        let expected = match hours.get(place) {
            Some(from) => {
                let to = hours.get(place + 1).copied().unwrap_or(i64::MAX);
                taken.iter().filter(|taken| (*from..to).contains(*taken)).count()
            }
            None => included.len() - taken.len(),
        };
        assert_eq!(bucket.user_count, expected as i64, "{bucket:?}");
    }
    assert_eq!(reported.buckets.len(), 7);
    let never: BTreeSet<String> = included
        .iter()
        .filter(|(_, (_, taken))| taken.is_none())
        .map(|(user, _)| user.clone())
        .collect();
    assert!(!never.is_empty());
    assert_eq!(never_active(server, month).await, never);
}

async fn never_active(server: &Server, month: &Month) -> BTreeSet<String> {
    let (first, last) = days();
    let (mut users, mut page_token) = (BTreeSet::new(), String::new());
    loop {
        let request = v1::ListNeverActiveUsersRequest {
            workspace_id: month.workspace.to_owned(),
            range: Some(range(first, last)),
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let page = server.analytics().list_never_active_users(request).await.unwrap().into_inner();
        assert!(page.users.len() <= 2);
        users.extend(page.users.into_iter().map(|user| user.user_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return users;
        }
    }
}
