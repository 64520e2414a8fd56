//! Models, prices and exchange rates.

use std::sync::Arc;

use crate::domain::Coded;
use crate::domain::catalog::bill::{Factor, Multiplier, UnitRates};
use crate::domain::catalog::price::{Price, Rates, Variant};
use crate::domain::catalog::withdrawal::{Withdrawal, WithdrawnKind, id_of_rate};
use crate::domain::catalog::{Confirmation, ExchangeRate, Model};
use crate::domain::usage::UnitKind;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{Cell, Kind, Reader, Value, code, decoded, from_json, row, to_json};
use crate::storage::sql::table::Table;
use crate::storage::{Error, Result};

pub static MODELS: Table<Model> = Table::new("models", &["id"]);
pub static PRICES: Table<Price> = Table::new("prices", &["id"]);
pub static PRICE_CONFIRMATIONS: Table<Confirmation> =
    Table::new("price_confirmations", &["price_id"]);
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
        unit_rates,
        factors,
    }
}

row! {
    Confirmation {
        price_id,
        confirm_time,
    }
}

pub static WITHDRAWALS: Table<Withdrawal> = Table::new("withdrawals", &["kind", "id"]);

row! { Withdrawal { kind, id, reason, actor, withdraw_time } }

const RESTORE: &str = "DELETE FROM withdrawals WHERE kind = $1 AND id = $2";

pub async fn restore_rate<DB: Backend>(
    write: &mut Write<'_, DB>,
    rate: &ExchangeRate,
) -> Result<()> {
    let id = id_of_rate(rate);
    let key = [code(WithdrawnKind::ExchangeRate), Value::Text(&id)];
    write.execute(RESTORE, &key).await.map(drop)
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

/// JSON of a [`Variant`]: code of the tier, threshold, whether it is inclusive, rates of tokens;
/// and those of units where it has any.
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(untagged)]
enum VariantForm {
    Tokens(i64, i64, bool, Rates),
    Both(i64, i64, bool, Rates, UnitRatesForm),
}

/// JSON of [`UnitRates`]: code of the kind and rate, of the kinds that have one.
type UnitRatesForm = Vec<(i64, i64)>;

fn unit_rates_form(rates: &UnitRates) -> UnitRatesForm {
    let rate = |kind: UnitKind| rates[kind as usize].map(|rate| (kind.code(), rate));
    UnitKind::ALL.into_iter().filter_map(rate).collect()
}

fn unit_rates_of(form: UnitRatesForm) -> Result<UnitRates> {
    let mut rates = UnitRates::default();
    for (code, rate) in form {
        rates[decoded::<UnitKind>(code)? as usize] = Some(rate);
    }
    Ok(rates)
}

impl Cell for UnitRates {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        Value::Owned(to_json(&unit_rates_form(self)))
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<UnitRates>> {
        let Some(text) = reader.text()? else { return Ok(None) };
        unit_rates_of(from_json(text)?).map(Some)
    }
}

impl Cell for Vec<Factor> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        let form = |factor: &Factor| {
            (Arc::clone(&factor.name), factor.multiplier.nanos(), factor.of_units)
        };
        let forms: Vec<(Arc<str>, i64, bool)> = self.iter().map(form).collect();
        Value::Owned(to_json(&forms))
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Vec<Factor>>> {
        let Some(text) = reader.text()? else { return Ok(None) };
        let forms: Vec<(Arc<str>, i64, bool)> = from_json(text)?;
        let factor = |(name, nanos, of_units)| {
            let multiplier = Multiplier::from_nanos(nanos)
                .ok_or_else(|| Error::Corrupt(format!("{nanos} is no multiplier")))?;
            Ok(Factor { name, multiplier, of_units })
        };
        forms.into_iter().map(factor).collect::<Result<_>>().map(Some)
    }
}

impl Cell for Vec<Variant> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        let form = |variant: &Variant| {
            let (tier, above) = (variant.tier.code(), variant.above_input_tokens);
            let units = unit_rates_form(&variant.unit_rates);
            match units.is_empty() {
                true => VariantForm::Tokens(tier, above, variant.inclusive, variant.rates),
                false => VariantForm::Both(tier, above, variant.inclusive, variant.rates, units),
            }
        };
        let forms: Vec<VariantForm> = self.iter().map(form).collect();
        Value::Owned(to_json(&forms))
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Vec<Variant>>> {
        let Some(text) = reader.text()? else { return Ok(None) };
        let forms: Vec<VariantForm> = from_json(text)?;
        let variant = |form| {
            let (tier, above_input_tokens, inclusive, rates, units) = match form {
                VariantForm::Tokens(tier, above, inclusive, rates) => {
                    (tier, above, inclusive, rates, Vec::new())
                }
                VariantForm::Both(tier, above, inclusive, rates, units) => {
                    (tier, above, inclusive, rates, units)
                }
            };
            let (tier, unit_rates) = (decoded(tier)?, unit_rates_of(units)?);
            Ok(Variant { tier, above_input_tokens, inclusive, rates, unit_rates })
        };
        forms.into_iter().map(variant).collect::<Result<_>>().map(Some)
    }
}
