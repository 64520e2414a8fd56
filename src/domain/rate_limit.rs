//! Rate limits: bounds on requests and tokens in sliding windows.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::domain::Time;
use crate::domain::quota::{Enforcement, Scope, Unit};
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_MINUTE, Micros};

coded_enum! {
    /// Window of a rate limit: it slides.
    pub enum RateWindow {
        Minute = 0,
        Day = 1,
    }
}

impl RateWindow {
    pub const fn micros(self) -> Micros {
        match self {
            RateWindow::Minute => MICROS_PER_MINUTE,
            RateWindow::Day => MICROS_PER_DAY,
        }
    }

    /// Length of the buckets in which it is counted: a sixtieth.
    pub const fn bucket(self) -> Micros {
        self.micros() / 60
    }
}

/// A bound on what a subject, or each subject of one kind, may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub id: Arc<str>,
    pub display_name: String,
    pub scope: Scope,
    pub requests_per_minute: Option<i64>,
    pub tokens_per_minute: Option<i64>,
    pub requests_per_day: Option<i64>,
    pub enforcement: Enforcement,
    pub create_time: Time,
    pub update_time: Time,
}

/// For the audit log: with its limits as a list.
impl Serialize for RateLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Limit {
            unit: Unit,
            window: RateWindow,
            limit: i64,
        }
        #[derive(Serialize)]
        struct Fields<'a> {
            id: &'a str,
            display_name: &'a str,
            scope: &'a Scope,
            limits: Vec<Limit>,
            enforcement: Enforcement,
        }
        let limits = self.limits().map(|(window, unit, limit)| Limit { unit, window, limit });
        let fields = Fields {
            id: &self.id,
            display_name: &self.display_name,
            scope: &self.scope,
            limits: limits.collect(),
            enforcement: self.enforcement,
        };
        fields.serialize(serializer)
    }
}

impl RateLimit {
    /// Its limits, one for each window and unit that it bounds.
    pub fn limits(&self) -> impl Iterator<Item = (RateWindow, Unit, i64)> {
        let of = |span, unit, limit: Option<i64>| limit.map(|limit| (span, unit, limit));
        [
            of(RateWindow::Minute, Unit::Requests, self.requests_per_minute),
            of(RateWindow::Minute, Unit::Tokens, self.tokens_per_minute),
            of(RateWindow::Day, Unit::Requests, self.requests_per_day),
        ]
        .into_iter()
        .flatten()
    }
}
