//! Models, prices and exchange rates.

use crate::domain::Coded;
use crate::domain::catalog::price::{Price, Rates, Variant};
use crate::domain::catalog::{ExchangeRate, Model};
use crate::storage::Result;
use crate::storage::sql::row::{Cell, Kind, Reader, Value, decoded, from_json, row, to_json};
use crate::storage::sql::table::Table;

pub static MODELS: Table<Model> = Table::new("models", &["id"]);
pub static PRICES: Table<Price> = Table::new("prices", &["id"]);
pub static EXCHANGE_RATES: Table<ExchangeRate> =
    Table::new("exchange_rates", &["from_currency", "to_currency", "effective_time"]);

row! {
    Model {
        id,
        provider,
        display_name,
        context_window,
        max_input,
        max_output,
        capabilities,
        aliases,
        source,
        update_time,
    }
}

row! {
    Price {
        id,
        model_id,
        workspace_id,
        currency,
        effective_time,
        create_time,
        source,
        base = "base_rates",
        variants,
    }
}

row! {
    ExchangeRate {
        from = "from_currency",
        to = "to_currency",
        effective_time,
        rate = "rate_nanos",
        create_time,
    }
}

/// JSON of a [`Variant`]: code of the tier, threshold, whether it is inclusive, rates.
type VariantForm = (i64, i64, bool, Rates);

impl Cell for Vec<Variant> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        let form = |variant: &Variant| {
            let Variant { tier, above_input_tokens, inclusive, rates } = variant;
            (tier.code(), *above_input_tokens, *inclusive, *rates)
        };
        let forms: Vec<VariantForm> = self.iter().map(form).collect();
        Value::Owned(to_json(&forms))
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Vec<Variant>>> {
        let Some(text) = reader.text()? else { return Ok(None) };
        let forms: Vec<VariantForm> = from_json(text)?;
        let variant = |(tier, above_input_tokens, inclusive, rates)| {
            Ok(Variant { tier: decoded(tier)?, above_input_tokens, inclusive, rates })
        };
        forms.into_iter().map(variant).collect::<Result<_>>().map(Some)
    }
}
