//! Models, prices and exchange rates.

use sqlx::SqlSafeStr;

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{self, Code, Reader, code, time, to_json};
use crate::ledger::catalogue::{ExchangeRate, Model};
use crate::ledger::price::{Price, Rates, Variant};
use crate::ledger::usage::ServiceTier;
use crate::storage::{CatalogueRows, Result};

/// JSON of a [`Variant`]: code of the tier, threshold, whether it is inclusive, rates.
type VariantForm = (i64, i64, bool, Rates);

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn read_catalogue(&self) -> Result<CatalogueRows> {
        let mut snapshot = self.snapshot().await?;
        let models = "SELECT id, provider, display_name, context_window, max_output, \
                      capabilities, aliases, source, update_time FROM models ORDER BY id";
        let models = snapshot.rows(models.into_sql_str(), &[]).await?;
        let prices = "SELECT id, model_id, workspace_id, currency, effective_time, create_time, \
                      source, base_rates, variants FROM prices ORDER BY create_time, id";
        let prices = snapshot.rows(prices.into_sql_str(), &[]).await?;
        let rates = "SELECT from_currency, to_currency, effective_time, rate_nanos, create_time \
                     FROM exchange_rates \
                     ORDER BY create_time, from_currency, to_currency, effective_time";
        let rates = snapshot.rows(rates.into_sql_str(), &[]).await?;
        snapshot.end().await?;
        Ok(CatalogueRows {
            models: models.iter().map(model::<DB>).collect::<Result<_>>()?,
            prices: prices.iter().map(price::<DB>).collect::<Result<_>>()?,
            exchange_rates: rates.iter().map(codec::exchange_rate::<DB>).collect::<Result<_>>()?,
        })
    }

    pub(super) async fn write_model(&self, model: &Model) -> Result<()> {
        let sql = "INSERT INTO models (id, provider, display_name, context_window, max_output, \
                   capabilities, aliases, source, update_time) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                   ON CONFLICT (id) DO UPDATE SET provider = excluded.provider, \
                   display_name = excluded.display_name, \
                   context_window = excluded.context_window, max_output = excluded.max_output, \
                   capabilities = excluded.capabilities, aliases = excluded.aliases, \
                   source = excluded.source, update_time = excluded.update_time";
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
        self.write_one(sql, &values).await
    }

    pub(super) async fn write_prices(&self, prices: &[Price]) -> Result<()> {
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
                Value::OptionalText(price.workspace_id.as_deref()),
                Value::Text(price.currency.as_str()),
                time(price.effective_time),
                time(price.create_time),
                code(price.source),
                Value::Text(base),
                Value::Text(variants),
            ]);
        }
        let mut write = self.session.begin().await?;
        let head = "INSERT INTO prices (id, model_id, workspace_id, currency, effective_time, \
                    create_time, source, base_rates, variants)";
        write.insert_many(head, 9, "ON CONFLICT (id) DO NOTHING", &values).await?;
        write.commit().await
    }

    pub(super) async fn write_exchange_rate(&self, rate: &ExchangeRate) -> Result<()> {
        let sql = "INSERT INTO exchange_rates \
                   (from_currency, to_currency, effective_time, rate_nanos, create_time) \
                   VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (from_currency, to_currency, effective_time) DO UPDATE SET \
                   rate_nanos = excluded.rate_nanos, create_time = excluded.create_time";
        let values = [
            Value::Text(rate.from.as_str()),
            Value::Text(rate.to.as_str()),
            time(rate.effective_time),
            Value::Int(rate.rate.nanos()),
            time(rate.create_time),
        ];
        self.write_one(sql, &values).await
    }
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
        workspace_id: reader.optional_text()?.map(Into::into),
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
