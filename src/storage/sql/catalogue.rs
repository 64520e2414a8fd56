//! Models, prices and exchange rates.

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{self, Code, Reader, code, optional_shared, time, to_json};
use super::session::Write;
use super::table::Table;
use crate::domain::catalog::price::{Price, Rates, Variant};
use crate::domain::catalog::{ExchangeRate, Model};
use crate::domain::usage::ServiceTier;
use crate::storage::{CatalogueRows, Result};

const MODELS: Table = Table {
    name: "models",
    columns: "id, provider, display_name, context_window, max_output, capabilities, aliases, \
              source, update_time",
    key: 1,
};

const PRICES: Table = Table {
    name: "prices",
    columns: "id, model_id, workspace_id, currency, effective_time, create_time, source, \
              base_rates, variants",
    key: 1,
};

const EXCHANGE_RATES: Table = Table {
    name: "exchange_rates",
    columns: "from_currency, to_currency, effective_time, rate_nanos, create_time",
    key: 3,
};

/// JSON of a [`Variant`]: code of the tier, threshold, whether it is inclusive, rates.
type VariantForm = (i64, i64, bool, Rates);

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn read_catalogue(&self) -> Result<CatalogueRows> {
        let mut snapshot = self.snapshot().await?;
        let mut rows = async |table: &Table, order: &str| {
            let sql = format!("SELECT {} FROM {} ORDER BY {order}", table.columns, table.name);
            snapshot.rows(AssertSqlSafe(sql).into_sql_str(), &[]).await
        };
        let models = rows(&MODELS, "id").await?;
        let prices = rows(&PRICES, "create_time, id").await?;
        let order = "create_time, from_currency, to_currency, effective_time";
        let rates = rows(&EXCHANGE_RATES, order).await?;
        snapshot.end().await?;
        Ok(CatalogueRows {
            models: models.iter().map(model::<DB>).collect::<Result<_>>()?,
            prices: prices.iter().map(price::<DB>).collect::<Result<_>>()?,
            exchange_rates: rates.iter().map(codec::exchange_rate::<DB>).collect::<Result<_>>()?,
        })
    }
}

pub(super) async fn put_model<DB: Backend>(write: &mut Write<'_, DB>, model: &Model) -> Result<()> {
    let capabilities = to_json(&model.capabilities);
    let aliases = to_json(&model.aliases);
    let values = [
        Value::Shared(&model.id),
        Value::Text(&model.provider),
        Value::Text(&model.display_name),
        Value::OptionalInt(model.context_window),
        Value::OptionalInt(model.max_output),
        Value::Text(&capabilities),
        Value::Text(&aliases),
        code(model.source),
        time(model.update_time),
    ];
    MODELS.put(write, &values).await
}

/// Inserts those whose id is not there yet.
pub(super) async fn add_prices<DB: Backend>(
    write: &mut Write<'_, DB>,
    prices: &[Price],
) -> Result<()> {
    let mut forms = Vec::with_capacity(prices.len());
    for price in prices {
        let variants: Vec<VariantForm> = price.variants.iter().map(variant_form).collect();
        forms.push((to_json(&price.base), to_json(&variants)));
    }
    let mut values = Vec::new();
    for (price, (base, variants)) in prices.iter().zip(&forms) {
        values.extend([
            Value::Shared(&price.id),
            Value::Shared(&price.model_id),
            optional_shared(&price.workspace_id),
            Value::Text(price.currency.as_str()),
            time(price.effective_time),
            time(price.create_time),
            code(price.source),
            Value::Text(base),
            Value::Text(variants),
        ]);
    }
    PRICES.add(write, &values).await
}

pub(super) async fn put_exchange_rate<DB: Backend>(
    write: &mut Write<'_, DB>,
    rate: &ExchangeRate,
) -> Result<()> {
    let values = [
        Value::Text(rate.from.as_str()),
        Value::Text(rate.to.as_str()),
        time(rate.effective_time),
        Value::Int(rate.rate.nanos()),
        time(rate.create_time),
    ];
    EXCHANGE_RATES.put(write, &values).await
}

fn model<DB: Backend>(row: &DB::Row) -> Result<Model> {
    let mut reader = Reader::<DB>::new(row);
    Ok(Model {
        id: reader.shared()?,
        provider: reader.string()?,
        display_name: reader.string()?,
        context_window: reader.optional_int()?,
        max_output: reader.optional_int()?,
        capabilities: reader.json()?,
        aliases: reader.json()?,
        source: reader.code()?,
        update_time: reader.time()?,
    })
}

fn price<DB: Backend>(row: &DB::Row) -> Result<Price> {
    let mut reader = Reader::<DB>::new(row);
    Ok(Price {
        id: reader.shared()?,
        model_id: reader.shared()?,
        workspace_id: reader.optional_shared()?,
        currency: reader.currency()?,
        effective_time: reader.time()?,
        create_time: reader.time()?,
        source: reader.code()?,
        base: reader.json()?,
        variants: {
            let forms: Vec<VariantForm> = reader.json()?;
            forms.into_iter().map(variant).collect::<Result<_>>()?
        },
    })
}

fn variant_form(variant: &Variant) -> VariantForm {
    (variant.tier.code(), variant.above_input_tokens, variant.inclusive, variant.rates)
}

fn variant((tier, above_input_tokens, inclusive, rates): VariantForm) -> Result<Variant> {
    Ok(Variant { tier: ServiceTier::from_code(tier)?, above_input_tokens, inclusive, rates })
}
