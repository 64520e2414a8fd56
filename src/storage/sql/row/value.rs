//! Values that statements are run with.

use std::sync::Arc;

use crate::domain::{Coded, Time};

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Int,
    Flag,
    Text,
}

/// A value for a placeholder.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    Int(i64),
    Flag(bool),
    Text(&'a str),
    /// A text that can be shared with the driver instead of being copied.
    Shared(&'a Arc<str>),
    /// A text that was made for the statement.
    Owned(String),
    Null(Kind),
}

pub fn time(time: Time) -> Value<'static> {
    Value::Int(time.micros())
}

pub fn code<T: Coded>(value: T) -> Value<'static> {
    Value::Int(value.code())
}

pub fn limit_value(limit: usize) -> Value<'static> {
    Value::Int(i64::try_from(limit).unwrap_or(i64::MAX))
}
