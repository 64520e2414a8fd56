//! Rate limits.

use crate::domain::Coded;
use crate::domain::quota::Unit;
use crate::domain::rate_limit::{RateBound, RateLimit, RateWindow};
use crate::storage::Result;
use crate::storage::sql::row::{Cell, Kind, Reader, Value, decoded, from_json, row, to_json};
use crate::storage::sql::table::Table;

pub static RATE_LIMITS: Table<RateLimit> = Table::owned("rate_limits", &["workspace_id", "id"]);

row! {
    RateLimit { id, display_name, scope, bounds, enforcement, create_time, update_time }
}

/// JSON of a bound: codes of unit and window, amount.
type BoundForm = (i64, i64, i64);

impl Cell for Vec<RateBound> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        let form = |bound: &RateBound| (bound.unit.code(), bound.window.code(), bound.amount);
        let forms: Vec<BoundForm> = self.iter().map(form).collect();
        Value::Owned(to_json(&forms))
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Vec<RateBound>>> {
        let Some(text) = reader.text()? else { return Ok(None) };
        let forms: Vec<BoundForm> = from_json(text)?;
        let bound = |(unit, window, amount)| {
            let (unit, window) = (decoded::<Unit>(unit)?, decoded::<RateWindow>(window)?);
            Ok(RateBound { unit, window, amount })
        };
        forms.into_iter().map(bound).collect::<Result<_>>().map(Some)
    }
}
