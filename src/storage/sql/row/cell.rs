//! Types that are stored in one column. Refuses what it would not have written.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Kind, Reader, Value};
use crate::domain::access::SecretHash;
use crate::domain::alert::secret::StoredSecret;
use crate::domain::catalog::price::{Rate, Rates};
use crate::domain::{Amount, Coded, Currency, Time};
use crate::storage::rollup::latency::Latencies;
use crate::storage::{Error, Result};

/// A type that is stored in one column.
pub trait Cell: Sized {
    const KIND: Kind;

    fn value(&self) -> Value<'_>;

    /// Absent where the column is NULL.
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Self>>;
}

/// The value of a column that may be NULL.
pub fn optional<T: Cell>(value: Option<&T>) -> Value<'_> {
    value.map_or(Value::Null(T::KIND), T::value)
}

/// Declares types that are stored as whole numbers: how the number is made, and how it is read.
macro_rules! int_cells {
    ($($type:ty: $to:expr, $from:expr;)*) => {$(
        impl Cell for $type {
            const KIND: Kind = Kind::Int;

            fn value(&self) -> Value<'_> {
                let to: fn(&$type) -> i64 = $to;
                Value::Int(to(self))
            }

            fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<$type>> {
                let from: fn(i64) -> Result<$type> = $from;
                reader.int()?.map(from).transpose()
            }
        }
    )*};
}

int_cells! {
    i64: |int| *int, Ok;
    i32: |int| i64::from(*int), narrow;
    u16: |int| i64::from(*int), narrow;
    usize: |int| i64::try_from(*int).unwrap_or(i64::MAX), narrow;
    Amount: |amount| amount.nanos(), |nanos| Ok(Amount::from_nanos(nanos));
    Rate: |rate| rate.nanos(), exchange_rate;
    Time: |time| time.micros(), |micros| Ok(Time::from_micros(micros));
}

/// Declares types that are stored as text, likewise.
macro_rules! text_cells {
    ($($type:ty: $to:expr, $from:expr;)*) => {$(
        impl Cell for $type {
            const KIND: Kind = Kind::Text;

            fn value(&self) -> Value<'_> {
                let to: fn(&$type) -> Value<'_> = $to;
                to(self)
            }

            fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<$type>> {
                let from: fn(&str) -> Result<$type> = $from;
                reader.text()?.map(from).transpose()
            }
        }
    )*};
}

text_cells! {
    String: |text| Value::Text(text), |text| Ok(text.to_owned());
    Currency: |currency| Value::Text(currency.as_str()), |text| parsed(text, "currency");
    Tz: |zone| Value::Text(zone.name()), |text| parsed(text, "time zone");
    NaiveDate: |date| Value::Owned(date.to_string()), |text| parsed(text, "date");
    SecretHash: |hash| Value::Owned(hash.to_hex()), secret_hash;
    StoredSecret: |secret| Value::Owned(secret.to_text()), stored_secret;
    Vec<u16>: json, from_json;
    Vec<String>: json, from_json;
    Vec<(i64, i64)>: json, from_json;
    Vec<Arc<str>>: |list| ids(list), |text| from_json(text).map(|ids: Vec<String>| shared(ids));
    Rates: json, from_json;
    Latencies: |latencies| Value::Owned(latencies.to_text()), Latencies::from_text;
    Tags: |tags| Tags::of(&tags.0), |text| read_tags(text).map(Tags);
}

impl Cell for bool {
    const KIND: Kind = Kind::Flag;

    fn value(&self) -> Value<'_> {
        Value::Flag(*self)
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<bool>> {
        reader.flag()
    }
}

impl Cell for Arc<str> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        Value::Shared(self)
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Arc<str>>> {
        reader.shared()
    }
}

/// An enum, as its number.
impl<T: Coded> Cell for T {
    const KIND: Kind = Kind::Int;

    fn value(&self) -> Value<'_> {
        Value::Int(self.code())
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<T>> {
        reader.int()?.map(decoded).transpose()
    }
}

/// Several values of an enum, as a list of their numbers.
impl<T: Coded> Cell for Vec<T> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        let codes: Vec<i64> = self.iter().map(|value| value.code()).collect();
        Value::Owned(to_json(&codes))
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Vec<T>>> {
        let Some(text) = reader.text()? else { return Ok(None) };
        let codes: Vec<i64> = from_json(text)?;
        codes.into_iter().map(decoded).collect::<Result<_>>().map(Some)
    }
}

/// The tags of an attribution: JSON, or the empty text where there are none, as mostly.
pub struct Tags(pub BTreeMap<String, String>);

impl Tags {
    pub fn of(tags: &BTreeMap<String, String>) -> Value<'static> {
        if tags.is_empty() { Value::Text("") } else { Value::Owned(to_json(tags)) }
    }
}

fn read_tags(text: &str) -> Result<BTreeMap<String, String>> {
    if text.is_empty() { Ok(BTreeMap::new()) } else { from_json(text) }
}

/// The value of an enum that has this number.
pub fn decoded<T: Coded>(code: i64) -> Result<T> {
    T::from_code(code).ok_or_else(|| Error::Corrupt(format!("no {} has the code {code}", T::NAME)))
}

fn narrow<T: TryFrom<i64>>(int: i64) -> Result<T> {
    T::try_from(int).map_err(|_| Error::Corrupt(format!("{int} is out of range")))
}

fn exchange_rate(nanos: i64) -> Result<Rate> {
    if nanos <= 0 || nanos > Rate::MAX.nanos() {
        return Err(Error::Corrupt(format!("{nanos} is no exchange rate")));
    }
    Ok(Rate::from_nanos(nanos))
}

fn parsed<T: FromStr>(text: &str, name: &str) -> Result<T> {
    text.parse().map_err(|_| Error::Corrupt(format!("\"{text}\" is no {name}")))
}

fn secret_hash(text: &str) -> Result<SecretHash> {
    SecretHash::from_hex(text).ok_or_else(|| Error::Corrupt("a hash is not in hex".to_owned()))
}

/// The error does not quote the text: it may be most of a secret.
fn stored_secret(text: &str) -> Result<StoredSecret> {
    StoredSecret::from_text(text).map_err(|fault| Error::Corrupt(fault.to_owned()))
}

fn ids(ids: &[Arc<str>]) -> Value<'_> {
    let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
    json(&ids)
}

fn shared(ids: Vec<String>) -> Vec<Arc<str>> {
    ids.into_iter().map(Into::into).collect()
}

fn json<T: Serialize>(value: &T) -> Value<'static> {
    Value::Owned(to_json(value))
}

pub fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("lists and maps of texts and numbers have a JSON form")
}

pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("{error} in {text}")))
}
