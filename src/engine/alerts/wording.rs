//! Messages of alerts, for people: one sentence, and what they can do about it.
//!
//! The same for lists, webhooks and mail. With dates and never "today": it is read later, too.

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::domain::alert::anomaly::{AnomalyMember, AnomalyMetric};
use crate::domain::alert::{AlertSubject, AlertType};
use crate::domain::attribution::{Dimension, SubjectKind};
use crate::domain::quota::Unit;
use crate::domain::time::Micros;
use crate::domain::workspace::Workspace;
use crate::domain::{Amount, Currency, Time};
use crate::storage::alerts::StoredAlert;

/// The currency and time zone of messages.
#[derive(Clone, Copy, Debug)]
pub struct Wording {
    pub currency: Currency,
    pub time_zone: Tz,
}

const PERCENT: i128 = 100;
const LAST_MICRO: Micros = 1;

impl Wording {
    pub fn of(workspace: &Workspace) -> Wording {
        Wording { currency: workspace.currency, time_zone: workspace.time_zone }
    }

    /// One sentence, without a full stop.
    pub fn sentence(&self, stored: &StoredAlert) -> String {
        let alert = &stored.alert;
        let subject = subject(stored);
        let window = self.window(stored);
        match alert.key.alert_type {
            AlertType::Threshold => {
                let percent = percent(alert.spent, alert.limit);
                let used = verb(alert.unit);
                let limit = self.figure(alert.unit, alert.limit);
                format!("{subject} has {used} {percent} % of {limit} {window}")
            }
            AlertType::InOverage => {
                let spent = self.figure(alert.unit, alert.spent);
                let budget = self.figure(alert.unit, alert.limit);
                format!("{subject} has spent {spent}, more than its plan of {budget} {window}")
            }
            AlertType::Exhausted => {
                let limit = self.figure(alert.unit, alert.limit);
                format!("{subject} has used up its envelope of {limit} {window}")
            }
            AlertType::FallbackBegan => {
                format!("requests for {subject} were routed to other models {window}")
            }
            AlertType::UnpricedModel if is_about_workspace(stored) => {
                format!(
                    "usage of many more models without a price was recorded in {subject} {window}"
                )
            }
            AlertType::UnpricedModel => {
                format!("usage of {subject}, which has no price, was recorded {window}")
            }
            AlertType::CostDiffers if is_about_workspace(stored) => {
                format!(
                    "what providers report and what was computed differ for many more models in \
                     {subject} {window}"
                )
            }
            AlertType::CostDiffers => {
                format!(
                    "what the provider of {subject} reports and what was computed differ {window}"
                )
            }
            AlertType::AnswerUnread if is_about_workspace(stored) => {
                format!("no usage was found in answers of many more models in {subject} {window}")
            }
            AlertType::AnswerUnread => {
                format!("no usage was found in an answer of {subject} {window}")
            }
            AlertType::HoldsExpired => {
                format!("holds of {subject} expired unsettled {window}")
            }
            AlertType::LargeRecord => self.large_record(stored, &subject),
            AlertType::Anomaly => self.anomaly(stored, &subject),
            AlertType::StorageOutage => {
                let held = self.figure(alert.unit, alert.spent);
                let limit = self.figure(alert.unit, alert.limit);
                let what = if alert.key.base_limit == 0 { "went on" } else { "were refused" };
                format!(
                    "checks of {subject} {what} while storage took no writes {window}: they held \
                     {held} of {limit}"
                )
            }
        }
    }

    /// "cost of API key k was 12.00 EUR from 2026-03-15 14:00, when 1.00 EUR was expected: …".
    fn anomaly(&self, stored: &StoredAlert, subject: &str) -> String {
        let alert = &stored.alert;
        let Some(anomaly) = &alert.anomaly else { return format!("{subject} stands out") };
        let what = match anomaly.metric {
            AnomalyMetric::Cost => "cost",
            AnomalyMetric::Requests => "number of requests",
            AnomalyMetric::FailedRequests => "number of failed requests",
            AnomalyMetric::CostPerRequest => "cost of a request",
        };
        let [actual, expected] =
            [alert.spent, alert.limit].map(|count| self.figure(alert.unit, count));
        let start = self.minute(alert.key.window_start);
        let span = match alert.window_end {
            Some(end) => format!("from {start} to {}", self.minute(end)),
            None => format!("since {start}"),
        };
        let over = if anomaly.is_over { "an anomaly is over: " } else { "" };
        let mut sentence =
            format!("{over}the {what} of {subject} was {actual} {span}, {expected} was expected");
        if !anomaly.explained_by.is_empty() {
            let members: Vec<String> = anomaly.explained_by.iter().map(member_in_words).collect();
            sentence += &format!("; explained by {}", members.join(", "));
        }
        sentence
    }

    fn large_record(&self, stored: &StoredAlert, subject: &str) -> String {
        let alert = &stored.alert;
        let cost = self.figure(alert.unit, alert.spent);
        let named = self.figure(alert.unit, alert.limit);
        let mut of = String::new();
        if let Some(record) = &alert.record {
            of = format!(" of model {}", record.model_id);
            for (kind, id) in [("user", &record.user_id), ("API key", &record.api_key_id)] {
                if !id.is_empty() {
                    of += &format!(", {kind} {id}");
                }
            }
            of += &format!(", request {},", record.request_id);
        }
        format!("a record{of} cost {cost} in {subject}, more than {named}")
    }

    /// What can be done about it, in whole sentences.
    pub fn advice(&self, stored: &StoredAlert) -> &'static str {
        let is_quota = stored.quota_id().is_some();
        match stored.alert.key.alert_type {
            AlertType::Threshold if is_quota => {
                "Raise the quota or give it a boost if that is more than was expected; \
                 QuotaService.ListQuotaUsage tells who used how much."
            }
            AlertType::Threshold => {
                "Raise the limit or give it a boost if that is more than was expected; \
                 BudgetService.GetBudget tells which models it was spent on."
            }
            AlertType::InOverage => {
                "Requests still run, out of the overage. BudgetService.GetBudget tells which \
                 models it was spent on."
            }
            AlertType::Exhausted => {
                "Requests that cost anything are blocked until the cycle ends. Raise the plan or \
                 the overage, or give the envelope a boost, to let them run."
            }
            AlertType::FallbackBegan => {
                "Its limit is reached, so cheaper models answer. Raise the limit to go back to it."
            }
            AlertType::UnpricedModel => {
                "It was not charged in full. Set a price with CatalogService.SetModelPrice, \
                 then charge it with UsageService.RepriceUsage."
            }
            AlertType::CostDiffers => {
                "Compare the two costs in UsageService.ListUsageRecords: the price may be out of \
                 date, or something that is billed is not counted."
            }
            AlertType::AnswerUnread => {
                "The estimate of the hold was charged. UsageService.ListUsageRecords shows what \
                 was kept of the answer; a version that reads it charges it with \
                 UsageService.RepriceUsage."
            }
            AlertType::LargeRecord => {
                "If it is wrong, take its cost back with UsageService.VoidUsage. \
                 UsageService.ListUsageRecords with large_only lists all of them; after the tenth \
                 of a day only the 100th, the 1,000th and so on raise an alert."
            }
            AlertType::Anomaly => {
                "InsightService.ListAnomalies says who explains it. If it was planned, or nothing \
                 was odd, say so with InsightService.AcknowledgeAnomaly; a mute in \
                 InsightService.SetAnomalyPolicy keeps it quiet for a while."
            }
            AlertType::StorageOutage => {
                "Usage of these requests may be missing: clients send it again. For how long and \
                 how much checks go on is outage_duration_limit and outage_held_limit of the \
                 workspace."
            }
            AlertType::HoldsExpired => {
                "Somebody checks requests and does not record their usage. UsageService.ListHolds \
                 tells which."
            }
        }
    }

    /// A count with its unit: for example "1.62 EUR" or "40 requests".
    pub fn figure(&self, unit: Option<Unit>, count: i64) -> String {
        match unit {
            Some(Unit::Money) => {
                format!("{} {}", Amount::from_nanos(count).to_text(), self.currency)
            }
            Some(Unit::Tokens | Unit::UncachedTokens) => counted(count, "token"),
            Some(Unit::Requests) => counted(count, "request"),
            None => grouped(count),
        }
    }

    /// The window of an alert, by its first and last day: "on 2026-03-15", "from 2026-03-01 to
    /// 2026-03-31".
    pub fn window(&self, stored: &StoredAlert) -> String {
        let start = self.day(stored.alert.key.window_start);
        let Some(end) = stored.alert.window_end else { return format!("since {start}") };
        let last = self.day(end - LAST_MICRO);
        if last <= start { format!("on {start}") } else { format!("from {start} to {last}") }
    }

    fn minute(&self, time: Time) -> String {
        let local = time.to_utc().with_timezone(&self.time_zone);
        local.format("%Y-%m-%d %H:%M").to_string()
    }

    fn day(&self, time: Time) -> NaiveDate {
        time.to_utc().with_timezone(&self.time_zone).date_naive()
    }
}

fn is_about_workspace(stored: &StoredAlert) -> bool {
    stored.alert.key.subject == AlertSubject::Workspace
}

fn subject(stored: &StoredAlert) -> String {
    match &stored.alert.key.subject {
        AlertSubject::Workspace => format!("workspace {}", stored.workspace_id),
        AlertSubject::Model(id) => format!("model {id}"),
        AlertSubject::Quota { kind: SubjectKind::Workspace, quota_id, .. } => {
            format!("workspace {} (quota {quota_id})", stored.workspace_id)
        }
        AlertSubject::Quota { kind, subject_id, .. }
        | AlertSubject::Member { kind, subject_id } => {
            format!("{} {subject_id}", kind_in_words(*kind))
        }
    }
}

fn member_in_words(member: &AnomalyMember) -> String {
    let kind = match member.dimension {
        Dimension::ApiKey => "API key",
        other => other.as_str(),
    };
    format!("{kind} {}", member.id)
}

/// The kind of a subject in words: "key group".
fn kind_in_words(kind: SubjectKind) -> String {
    match kind {
        SubjectKind::ApiKey => "API key".to_owned(),
        kind => kind.as_str().replace('_', " "),
    }
}

fn verb(unit: Option<Unit>) -> &'static str {
    match unit {
        Some(Unit::Money) => "spent",
        Some(Unit::Requests) => "sent",
        Some(Unit::Tokens | Unit::UncachedTokens) | None => "used",
    }
}

/// Rounded down, so that 100 means used up. 100 of a limit of zero.
fn percent(spent: i64, limit: i64) -> i128 {
    match limit {
        0 => PERCENT,
        limit => i128::from(spent) * PERCENT / i128::from(limit),
    }
}

fn counted(count: i64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{} {what}s", grouped(count)) }
}

/// With commas between thousands.
fn grouped(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    if count < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::anomaly::AnomalyKind;
    use crate::domain::alert::{Alert, AlertAnomaly, AlertKey, AlertRecord};

    fn at(text: &str) -> Time {
        Time::from_utc(text.parse().unwrap())
    }

    fn stored(
        subject: AlertSubject,
        alert_type: AlertType,
        figures: (Option<Unit>, i64, i64),
        window: (&str, Option<&str>),
    ) -> StoredAlert {
        let (unit, spent, limit) = figures;
        let window_start = at(window.0);
        let alert = Alert {
            key: AlertKey { subject, alert_type, window_start, threshold: 80, base_limit: 0 },
            window_end: window.1.map(at),
            unit,
            limit,
            spent,
            time: window_start,
            record: None,
            anomaly: None,
        };
        StoredAlert { seq: 1, workspace_id: "acme".into(), alert, acknowledged: None }
    }

    #[test]
    fn every_alert_is_one_readable_sentence() {
        let quota = |kind, subject_id: &str| AlertSubject::Quota {
            quota_id: "q".into(),
            kind,
            subject_id: subject_id.into(),
        };
        let model = || AlertSubject::Model("big".into());
        let euros =
            |spent: i64, limit: i64| (Some(Unit::Money), spent * 10_000_000, limit * 10_000_000);
        // Berlin: a day of 23 hours, and a month across the change.
        let day = ("2026-03-28T23:00:00Z", Some("2026-03-29T22:00:00Z"));
        let month = ("2026-02-28T23:00:00Z", Some("2026-03-31T22:00:00Z"));
        let workspace = AlertSubject::Workspace;
        let table = [
            (
                stored(quota(SubjectKind::User, "ada"), AlertType::Threshold, euros(162, 200), day),
                "user ada has spent 81 % of 2.00 EUR on 2026-03-29",
            ),
            (
                stored(
                    quota(SubjectKind::KeyGroup, "batch"),
                    AlertType::Threshold,
                    (Some(Unit::Tokens), 999_999, 1_000_000),
                    month,
                ),
                "key group batch has used 99 % of 1,000,000 tokens from 2026-03-01 to 2026-03-31",
            ),
            (
                stored(
                    quota(SubjectKind::Workspace, ""),
                    AlertType::Threshold,
                    (Some(Unit::Requests), 1, 0),
                    ("2026-02-28T23:00:00Z", None),
                ),
                "workspace acme (quota q) has sent 100 % of 0 requests since 2026-03-01",
            ),
            (
                stored(workspace.clone(), AlertType::Threshold, euros(9_700, 12_000), month),
                "workspace acme has spent 80 % of 120.00 EUR from 2026-03-01 to 2026-03-31",
            ),
            (
                stored(workspace.clone(), AlertType::InOverage, euros(10_100, 10_000), month),
                "workspace acme has spent 101.00 EUR, more than its plan of 100.00 EUR from \
                 2026-03-01 to 2026-03-31",
            ),
            (
                stored(workspace.clone(), AlertType::Exhausted, euros(12_000, 12_000), month),
                "workspace acme has used up its envelope of 120.00 EUR from 2026-03-01 to \
                 2026-03-31",
            ),
            (
                stored(model(), AlertType::FallbackBegan, (None, 0, 0), month),
                "requests for model big were routed to other models from 2026-03-01 to 2026-03-31",
            ),
            (
                stored(model(), AlertType::UnpricedModel, (None, 0, 0), day),
                "usage of model big, which has no price, was recorded on 2026-03-29",
            ),
            (
                stored(workspace, AlertType::HoldsExpired, (Some(Unit::Requests), 1, 0), day),
                "holds of workspace acme expired unsettled on 2026-03-29",
            ),
        ];
        let wording = Wording { currency: Currency::EUR, time_zone: Tz::Europe__Berlin };
        for (alert, expected) in table {
            assert_eq!(wording.sentence(&alert), expected);
            assert!(wording.advice(&alert).ends_with('.'));
        }
    }

    #[test]
    fn a_large_record_is_told_with_who_and_what() {
        let wording = Wording { currency: Currency::EUR, time_zone: Tz::Europe__Berlin };
        for (user_id, expected) in [
            ("ada", "a record of model big, user ada, request r, cost 9.70 EUR in workspace acme"),
            ("", "a record of model big, request r, cost 9.70 EUR in workspace acme"),
        ] {
            let figures = (Some(Unit::Money), 9_700_000_000, 5_000_000_000);
            let day = ("2026-03-29T00:00:00Z", Some("2026-03-30T00:00:00Z"));
            let mut alert = stored(AlertSubject::Workspace, AlertType::LargeRecord, figures, day);
            alert.alert.record = Some(Box::new(AlertRecord {
                seq: 7,
                request_id: "r".into(),
                attempt: 0,
                model_id: "big".into(),
                user_id: user_id.into(),
                api_key_id: "".into(),
            }));
            assert_eq!(wording.sentence(&alert), format!("{expected}, more than 5.00 EUR"));
            assert!(wording.advice(&alert).ends_with('.'));
        }
    }

    #[test]
    fn an_anomaly_is_told_with_who_explains_it() {
        let wording = Wording { currency: Currency::EUR, time_zone: Tz::Europe__Berlin };
        let figures = (Some(Unit::Money), 12_000_000_000, 1_500_000_000);
        let since = ("2026-03-15T13:00:00Z", None);
        let mut opened = stored(AlertSubject::Workspace, AlertType::Anomaly, figures, since);
        let member = |dimension, id: &str| AnomalyMember { dimension, id: id.into() };
        let anomaly = AlertAnomaly {
            anomaly_id: "a".into(),
            kind: AnomalyKind::Spike,
            metric: AnomalyMetric::Cost,
            is_over: false,
            explained_by: vec![member(Dimension::ApiKey, "k"), member(Dimension::Model, "big")],
        };
        opened.alert.anomaly = Some(Box::new(anomaly.clone()));
        assert_eq!(
            wording.sentence(&opened),
            "the cost of workspace acme was 12.00 EUR since 2026-03-15 14:00, 1.50 EUR was \
             expected; explained by API key k, model big"
        );
        assert!(wording.advice(&opened).ends_with('.'));
        let key = AlertSubject::Member { kind: SubjectKind::ApiKey, subject_id: "k".into() };
        let figures = (Some(Unit::Requests), 30, 1);
        let day = ("2026-03-14T23:00:00Z", Some("2026-03-15T23:00:00Z"));
        let mut closed = stored(key, AlertType::Anomaly, figures, day);
        let metric = AnomalyMetric::FailedRequests;
        let over = AlertAnomaly { is_over: true, metric, explained_by: Vec::new(), ..anomaly };
        closed.alert.anomaly = Some(Box::new(over));
        assert_eq!(
            wording.sentence(&closed),
            "an anomaly is over: the number of failed requests of API key k was 30 requests from \
             2026-03-15 00:00 to 2026-03-16 00:00, 1 request was expected"
        );
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (count, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")]
        {
            assert_eq!(grouped(count), expected);
        }
        assert_eq!(counted(1, "token"), "1 token");
        assert_eq!(counted(2_000, "token"), "2,000 tokens");
    }
}
