//! Values of the domain as columns, and back. Refuses what it would not have written.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::backend::{Backend, Value};
use super::errors::not_applied;
use crate::domain::alert::AlertType;
use crate::domain::attribution::{Attribution, SubjectKind};
use crate::domain::catalog::ExchangeRate;
use crate::domain::catalog::price::{Rate, Source};
use crate::domain::quota::{Enforcement, Period, Unit};
use crate::domain::rate_limit::RateWindow;
use crate::domain::record::RecordKind;
use crate::domain::usage::{Outcome, ServiceTier, UsageSource};
use crate::domain::workspace::{HoldExpiryPolicy, UnknownKeyPolicy, UnpricedModelPolicy};
use crate::domain::{Amount, Currency, Time};
use crate::storage::alerts::DeliveryState;
use crate::storage::directory::EntryKind;
use crate::storage::rollup::Dimension;
use crate::storage::{Before, Error, Result};

/// An enum that is stored as a number. Numbers stay what they are for ever.
pub trait Code: Copy + PartialEq + 'static {
    const NAME: &'static str;
    const CODES: &'static [(Self, i64)];

    fn code(self) -> i64 {
        for (value, code) in Self::CODES {
            if *value == self {
                return *code;
            }
        }
        unreachable!("every variant has a code");
    }

    fn from_code(code: i64) -> Result<Self> {
        for (value, known) in Self::CODES {
            if *known == code {
                return Ok(*value);
            }
        }
        Err(Error::Corrupt(format!("no {} has the code {code}", Self::NAME)))
    }
}

impl Code for RecordKind {
    const NAME: &'static str = "kind of record";
    const CODES: &'static [(RecordKind, i64)] =
        &[(RecordKind::Usage, 0), (RecordKind::Correction, 1), (RecordKind::ExpiryCharge, 2)];
}

impl Code for Outcome {
    const NAME: &'static str = "outcome";
    const CODES: &'static [(Outcome, i64)] =
        &[(Outcome::Success, 0), (Outcome::Error, 1), (Outcome::Cancelled, 2)];
}

impl Code for UsageSource {
    const NAME: &'static str = "source of usage";
    const CODES: &'static [(UsageSource, i64)] =
        &[(UsageSource::Provider, 0), (UsageSource::Estimated, 1)];
}

impl Code for ServiceTier {
    const NAME: &'static str = "service tier";
    const CODES: &'static [(ServiceTier, i64)] = &[
        (ServiceTier::Standard, 0),
        (ServiceTier::Batch, 1),
        (ServiceTier::Flex, 2),
        (ServiceTier::Priority, 3),
    ];
}

impl Code for Source {
    const NAME: &'static str = "source of a price";
    const CODES: &'static [(Source, i64)] =
        &[(Source::Builtin, 0), (Source::Operator, 1), (Source::Import, 2)];
}

impl Code for UnpricedModelPolicy {
    const NAME: &'static str = "policy for unpriced models";
    const CODES: &'static [(UnpricedModelPolicy, i64)] =
        &[(UnpricedModelPolicy::Deny, 0), (UnpricedModelPolicy::Allow, 1)];
}

impl Code for HoldExpiryPolicy {
    const NAME: &'static str = "policy for expired holds";
    const CODES: &'static [(HoldExpiryPolicy, i64)] =
        &[(HoldExpiryPolicy::Release, 0), (HoldExpiryPolicy::ChargeEstimate, 1)];
}

impl Code for UnknownKeyPolicy {
    const NAME: &'static str = "policy for unknown keys";
    const CODES: &'static [(UnknownKeyPolicy, i64)] =
        &[(UnknownKeyPolicy::Accept, 0), (UnknownKeyPolicy::Deny, 1)];
}

impl Code for SubjectKind {
    const NAME: &'static str = "kind of subject";
    const CODES: &'static [(SubjectKind, i64)] = &[
        (SubjectKind::Workspace, 0),
        (SubjectKind::Department, 1),
        (SubjectKind::User, 2),
        (SubjectKind::ApiKey, 3),
        (SubjectKind::KeyGroup, 4),
        (SubjectKind::Project, 5),
        (SubjectKind::Assistant, 6),
    ];
}

impl Code for Unit {
    const NAME: &'static str = "unit";
    const CODES: &'static [(Unit, i64)] =
        &[(Unit::Money, 0), (Unit::Tokens, 1), (Unit::Requests, 2)];
}

impl Code for Period {
    const NAME: &'static str = "period";
    const CODES: &'static [(Period, i64)] = &[
        (Period::Day, 0),
        (Period::Week, 1),
        (Period::Month, 2),
        (Period::Cycle, 3),
        (Period::UntilReset, 4),
    ];
}

impl Code for RateWindow {
    const NAME: &'static str = "span";
    const CODES: &'static [(RateWindow, i64)] = &[(RateWindow::Minute, 0), (RateWindow::Day, 1)];
}

impl Code for Enforcement {
    const NAME: &'static str = "enforcement";
    const CODES: &'static [(Enforcement, i64)] = &[
        (Enforcement::Hard, 0),
        (Enforcement::Soft, 1),
        (Enforcement::Downgrade, 2),
        (Enforcement::Shadow, 3),
    ];
}

impl Code for AlertType {
    const NAME: &'static str = "type of alert";
    const CODES: &'static [(AlertType, i64)] = &[
        (AlertType::Threshold, 0),
        (AlertType::InOverage, 1),
        (AlertType::Exhausted, 2),
        (AlertType::FallbackBegan, 3),
        (AlertType::UnpricedModel, 4),
        (AlertType::HoldsExpired, 5),
    ];
}

/// The statements of `window.rs`, `spent.rs` and `used.rs` name some of these.
impl Code for Dimension {
    const NAME: &'static str = "dimension";
    const CODES: &'static [(Dimension, i64)] = &[
        (Dimension::Workspace, 0),
        (Dimension::User, 1),
        (Dimension::Department, 2),
        (Dimension::ApiKey, 3),
        (Dimension::KeyGroup, 4),
        (Dimension::Assistant, 5),
        (Dimension::Workflow, 6),
        (Dimension::Feature, 7),
        (Dimension::Project, 8),
        (Dimension::Model, 9),
        (Dimension::Investigation, 10),
        (Dimension::Session, 11),
        (Dimension::Tag, 12),
        (Dimension::Outcome, 13),
    ];
}

/// `deliveries_due` and the statement that goes by it name the code of `Pending`.
impl Code for DeliveryState {
    const NAME: &'static str = "state of a delivery";
    const CODES: &'static [(DeliveryState, i64)] =
        &[(DeliveryState::Pending, 0), (DeliveryState::Delivered, 1), (DeliveryState::Dead, 2)];
}

impl Code for EntryKind {
    const NAME: &'static str = "kind of entry";
    const CODES: &'static [(EntryKind, i64)] = &[
        (EntryKind::User, 0),
        (EntryKind::Department, 1),
        (EntryKind::Assistant, 2),
        (EntryKind::Workflow, 3),
        (EntryKind::Feature, 4),
        (EntryKind::Project, 5),
        (EntryKind::Investigation, 6),
    ];
}

/// The statement of a claim names these.
impl Code for Before {
    const NAME: &'static str = "end of the owner before";
    const CODES: &'static [(Before, i64)] =
        &[(Before::Nobody, 0), (Before::Stopped, 1), (Before::Crashed, 2)];
}

/// Reads the columns of a row from left to right.
pub struct Reader<'r, DB: Backend> {
    row: &'r DB::Row,
    next: usize,
}

impl<'r, DB: Backend> Reader<'r, DB> {
    pub fn new(row: &'r DB::Row) -> Reader<'r, DB> {
        Reader { row, next: 0 }
    }

    pub fn int(&mut self) -> Result<i64> {
        let column = self.advance();
        DB::int(self.row, column).map_err(not_applied)
    }

    pub fn small_int(&mut self) -> Result<i32> {
        small_int(self.int()?)
    }

    pub fn optional_int(&mut self) -> Result<Option<i64>> {
        let column = self.advance();
        DB::optional_int(self.row, column).map_err(not_applied)
    }

    pub fn flag(&mut self) -> Result<bool> {
        let column = self.advance();
        DB::flag(self.row, column).map_err(not_applied)
    }

    pub fn text(&mut self) -> Result<&'r str> {
        let column = self.advance();
        DB::text(self.row, column).map_err(not_applied)
    }

    pub fn optional_text(&mut self) -> Result<Option<&'r str>> {
        let column = self.advance();
        DB::optional_text(self.row, column).map_err(not_applied)
    }

    pub fn string(&mut self) -> Result<String> {
        self.text().map(str::to_owned)
    }

    pub fn shared(&mut self) -> Result<Arc<str>> {
        self.text().map(Arc::from)
    }

    /// A text where the empty one means absent.
    pub fn shared_unless_empty(&mut self) -> Result<Option<Arc<str>>> {
        let text = self.text()?;
        Ok(if text.is_empty() { None } else { Some(Arc::from(text)) })
    }

    pub fn amount(&mut self) -> Result<Amount> {
        self.int().map(Amount::from_nanos)
    }

    pub fn time(&mut self) -> Result<Time> {
        self.int().map(Time::from_micros)
    }

    pub fn code<T: Code>(&mut self) -> Result<T> {
        T::from_code(self.int()?)
    }

    pub fn rate(&mut self) -> Result<Rate> {
        rate(self.int()?)
    }

    pub fn optional_shared(&mut self) -> Result<Option<Arc<str>>> {
        Ok(self.optional_text()?.map(Arc::from))
    }

    pub fn optional_time(&mut self) -> Result<Option<Time>> {
        Ok(self.optional_int()?.map(Time::from_micros))
    }

    pub fn optional_code<T: Code>(&mut self) -> Result<Option<T>> {
        self.optional_int()?.map(T::from_code).transpose()
    }

    /// A list of codes, as [`codes`] writes it.
    pub fn codes<T: Code>(&mut self) -> Result<Vec<T>> {
        let codes: Vec<i64> = self.json()?;
        codes.into_iter().map(T::from_code).collect()
    }

    pub fn currency(&mut self) -> Result<Currency> {
        self.parsed("currency")
    }

    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str) -> Result<T> {
        let text = self.text()?;
        text.parse().map_err(|_| Error::Corrupt(format!("\"{text}\" is no {name}")))
    }

    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        from_json(self.text()?)
    }

    /// The columns of [`attribution_values`].
    pub fn attribution(&mut self) -> Result<Attribution> {
        Ok(Attribution {
            user_id: self.string()?,
            department_id: self.string()?,
            api_key_id: self.string()?,
            assistant_id: self.string()?,
            workflow_id: self.string()?,
            feature_id: self.string()?,
            project_id: self.string()?,
            investigation_id: self.string()?,
            session_id: self.string()?,
            tags: self.tags()?,
        })
    }

    /// What [`tags`] writes.
    pub fn tags(&mut self) -> Result<BTreeMap<String, String>> {
        read_tags(self.text()?)
    }

    fn advance(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }
}

pub fn small_int(int: i64) -> Result<i32> {
    i32::try_from(int).map_err(|_| Error::Corrupt(format!("{int} is out of range")))
}

pub fn rate(nanos: i64) -> Result<Rate> {
    if nanos <= 0 || nanos > Rate::MAX.nanos() {
        return Err(Error::Corrupt(format!("{nanos} is no exchange rate")));
    }
    Ok(Rate::from_nanos(nanos))
}

/// What [`tags`] writes.
pub fn read_tags(text: &str) -> Result<BTreeMap<String, String>> {
    if text.is_empty() { Ok(BTreeMap::new()) } else { from_json(text) }
}

pub fn exchange_rate<DB: Backend>(row: &DB::Row) -> Result<ExchangeRate> {
    let mut reader = Reader::<DB>::new(row);
    Ok(ExchangeRate {
        from: reader.currency()?,
        to: reader.currency()?,
        effective_time: reader.time()?,
        rate: reader.rate()?,
        create_time: reader.time()?,
    })
}

pub fn time(time: Time) -> Value<'static> {
    Value::Int(time.micros())
}

pub fn amount(amount: Amount) -> Value<'static> {
    Value::Int(amount.nanos())
}

pub fn code<T: Code>(value: T) -> Value<'static> {
    Value::Int(value.code())
}

pub fn optional_time(time: Option<Time>) -> Value<'static> {
    Value::OptionalInt(time.map(Time::micros))
}

pub fn optional_shared(text: &Option<Arc<str>>) -> Value<'_> {
    text.as_ref().map_or(Value::OptionalText(None), Value::Shared)
}

/// JSON of a list of codes.
pub fn codes<T: Code>(values: &[T]) -> String {
    let codes: Vec<i64> = values.iter().map(|value| value.code()).collect();
    to_json(&codes)
}

/// The columns that both records and holds have for an attribution, last but for `tags`.
pub fn attribution_values<'a>(attribution: &'a Attribution, tags: &'a str) -> [Value<'a>; 10] {
    [
        Value::Text(&attribution.user_id),
        Value::Text(&attribution.department_id),
        Value::Text(&attribution.api_key_id),
        Value::Text(&attribution.assistant_id),
        Value::Text(&attribution.workflow_id),
        Value::Text(&attribution.feature_id),
        Value::Text(&attribution.project_id),
        Value::Text(&attribution.investigation_id),
        Value::Text(&attribution.session_id),
        Value::Text(tags),
    ]
}

/// JSON of the tags; empty where there are none, as mostly.
pub fn tags(attribution: &Attribution) -> String {
    if attribution.tags.is_empty() { String::new() } else { to_json(&attribution.tags) }
}

pub fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("lists and maps of texts and numbers have a JSON form")
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("{error} in {text}")))
}
