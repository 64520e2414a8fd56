//! Tests of what is stored, numbers of enums and columns; and query plans for the tests of others.

use sqlx::{AssertSqlSafe, Sqlite};
use tempfile::TempDir;

use super::log::RECORDS;
use super::log::record::TOKEN_COLUMNS;
use super::rollups::refusals::LimitKind;
use super::tables::alert::Subject;
use super::tables::alert::delivery::ReceiverKind;
use super::{Ownership, SqlStore};
use crate::domain::Coded;
use crate::domain::alert::AlertType;
use crate::domain::attribution::{AttributionField, Dimension, EntryKind, SubjectKind};
use crate::domain::catalog::price::Source;
use crate::domain::quota::{Enforcement, Period, Unit};
use crate::domain::rate_limit::RateWindow;
use crate::domain::record::RecordKind;
use crate::domain::usage::{Outcome, ServiceTier, TokenClass, UnitKind, UsageSource};
use crate::domain::workspace::{HoldExpiryPolicy, UnknownKeyPolicy, UnpricedModelPolicy};
use crate::storage::PreviousOwner;
use crate::storage::alerts::DeliveryState;

/// A database without rows, to look at the plans of statements.
pub struct Planner {
    store: SqlStore<Sqlite>,
    _folder: TempDir,
}

impl Planner {
    pub async fn new() -> Planner {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        Planner {
            store: SqlStore::serve(&url, Ownership::default()).await.unwrap(),
            _folder: folder,
        }
    }

    /// The steps that SQLite takes for a statement.
    pub async fn plan(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let steps: Vec<(i64, i64, i64, String)> = self.store.rows(sql, &[]).await.unwrap();
        steps.into_iter().map(|(_, _, _, detail)| detail).collect()
    }
}

/// The variants of an enum in the order of their numbers, which are counted from 0.
fn stored<T: Coded>() -> Vec<&'static str> {
    for (code, value) in (0..).zip(T::VARIANTS) {
        assert_eq!(value.code(), code, "{}", T::NAME);
        assert!(T::from_code(code) == Some(*value), "{}", T::NAME);
    }
    T::VARIANTS.iter().map(|value| value.as_str()).collect()
}

/// A change of any of these would read what is stored as something else. New ones are appended.
#[test]
fn numbers_of_enums_stay_what_they_are() {
    assert_eq!(stored::<RecordKind>(), ["usage", "correction", "expiry_charge", "credit", "void"]);
    assert_eq!(stored::<Outcome>(), ["success", "error", "cancelled"]);
    assert_eq!(stored::<UsageSource>(), ["provider", "estimated"]);
    let tiers = ["standard", "batch", "flex", "priority", "balanced", "ultrafast", "decisions"];
    assert_eq!(stored::<ServiceTier>(), tiers);
    let units = ["web_search", "tool_call", "image", "page", "second", "character", "request"];
    assert_eq!(stored::<UnitKind>()[..7], units);
    assert_eq!(stored::<UnitKind>()[7..], ["cache_storage_hour", "citation_token"]);
    assert_eq!(stored::<Source>(), ["builtin", "operator", "import"]);
    assert_eq!(stored::<UnpricedModelPolicy>(), ["deny", "allow"]);
    assert_eq!(stored::<HoldExpiryPolicy>(), ["release", "charge_estimate"]);
    assert_eq!(stored::<UnknownKeyPolicy>(), ["accept", "deny"]);
    let subjects =
        ["workspace", "department", "user", "api_key", "key_group", "project", "assistant"];
    assert_eq!(stored::<SubjectKind>()[..7], subjects);
    assert_eq!(stored::<Unit>(), ["money", "tokens", "requests", "uncached_tokens"]);
    assert_eq!(
        stored::<Period>(),
        [
            "day",
            "week",
            "month",
            "cycle",
            "until_reset",
            "hour",
            "quarter",
            "year",
            "in_flight",
            "request",
        ]
    );
    assert_eq!(stored::<RateWindow>(), ["minute", "day", "hour"]);
    assert_eq!(stored::<Enforcement>(), ["hard", "soft", "downgrade", "shadow"]);
    let alerts = ["threshold", "in_overage", "exhausted", "fallback_began", "unpriced_model"];
    assert_eq!(stored::<AlertType>()[..5], alerts);
    let alerts = ["holds_expired", "cost_differs", "answer_unread", "large_record", "anomaly"];
    assert_eq!(stored::<AlertType>()[5..10], alerts);
    assert_eq!(stored::<AlertType>()[10..], ["storage_outage"]);
    let dimensions = [
        "workspace",
        "user",
        "department",
        "api_key",
        "key_group",
        "assistant",
        "workflow",
        "feature",
        "project",
        "model",
        "investigation",
        "session",
        "tag",
        "outcome",
    ];
    assert_eq!(stored::<Dimension>()[..14], dimensions);
    let entries =
        ["user", "department", "assistant", "workflow", "feature", "project", "investigation"];
    assert_eq!(stored::<EntryKind>()[..7], entries);
    assert_eq!(stored::<DeliveryState>(), ["pending", "delivered", "dead"]);
    assert_eq!(stored::<ReceiverKind>(), ["webhook", "email"]);
    assert_eq!(stored::<Subject>(), ["workspace", "model", "quota"]);
    let limits = ["request", "envelope", "model_limit", "quota", "rate_limit", "rule"];
    assert_eq!(stored::<LimitKind>(), limits);
    assert_eq!(stored::<PreviousOwner>(), ["none", "stopped", "crashed"]);
}

/// Each field of an attribution has the column that is named after it.
#[test]
fn a_record_has_a_column_for_each_field_and_class() {
    let columns: Vec<&str> = RECORDS.columns().iter().map(|column| column.name).collect();
    for field in AttributionField::ALL {
        assert!(columns.contains(&field.name()), "{}", field.name());
    }
    for (class, column) in TokenClass::ALL.into_iter().zip(TOKEN_COLUMNS) {
        // "cache_write5m" is told apart from "cache_write_5m" by its underscore alone.
        assert_eq!(column.replace('_', ""), class.as_str().replace('_', ""));
        assert!(columns.contains(&column), "{column}");
    }
    let mut once = columns.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), columns.len());
}
