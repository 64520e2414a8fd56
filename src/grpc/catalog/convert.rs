//! Requests of `CatalogService`, and models, prices and exchange rates as protos.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::domain::catalog::bill::{
    Factor, Multiplier, PER_THOUSAND_MAX, PRICE_FACTORS_MAX, UnitRates,
};
use crate::domain::catalog::price::{
    PER_MILLION_MAX, PerMillion, Price, Rate, Rates, Source, Variant,
};
use crate::domain::catalog::withdrawal::Withdrawal;
use crate::domain::catalog::{ExchangeRate, Model, VARIANTS_MAX, is_factor_name};
use crate::domain::usage::{ServiceTier, TokenClass, UnitKind};
use crate::domain::{Amount, Time};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::ProtoEnum;
use crate::grpc::shared::page::{PAGE_SIZE_MAX, Page};
use crate::grpc::shared::text::{PROVIDER_CHARS_MAX, WORKSPACE_ID_CHARS_MAX};
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;
use crate::storage::search::Search;

/// Most capabilities of a model.
pub const CAPABILITIES_MAX: usize = 32;
/// Most aliases of a model.
pub const ALIASES_MAX: usize = 1_000;
/// Longest reason of a withdrawal.
const REASON_CHARS_MAX: usize = 500;

pub fn new_model(request: v1::UpsertModelRequest) -> Decoded<Model> {
    decode(|at| {
        let (at, model) = at.message_or_default("model", request.model);
        at.field("model_id").new_model_id(&model.model_id);
        at.field("provider").text(&model.provider, 0..=PROVIDER_CHARS_MAX);
        at.display_name(&model.display_name);
        let aliases = at.field("aliases");
        let aliases = aliases.each_of(model.aliases, ALIASES_MAX, |at, id| at.new_model_id(id));
        let context_window = model.context_window_token_count;
        let context_window = at.field("context_window_token_count").tokens(context_window);
        let max_input = at.field("max_input_token_count").tokens(model.max_input_token_count);
        let max_output = model.max_output_token_count;
        let max_output = at.field("max_output_token_count").tokens(max_output);
        let capabilities = at.field("capabilities");
        Some(Model {
            id: Arc::from(model.model_id),
            provider: model.provider,
            display_name: model.display_name,
            context_window: (context_window > 0).then_some(context_window),
            max_input: (max_input > 0).then_some(max_input),
            max_output: (max_output > 0).then_some(max_output),
            capabilities: capabilities.capabilities(model.capabilities, CAPABILITIES_MAX),
            aliases,
            source: Source::Operator,
            update_time: Time::default(),
        })
    })
}

pub fn new_price(request: v1::SetModelPriceRequest, now: Time) -> Decoded<Price> {
    decode(|at| {
        at.field("model_id").model_id(&request.model_id);
        at.field("workspace_id").text(&request.workspace_id, 0..=WORKSPACE_ID_CHARS_MAX);
        let (at, price) = at.message("price", request.price)?;
        let ids = (request.model_id.as_str(), request.workspace_id.as_str());
        Some(price_of(at, ids, price, now))
    })
}

/// A price to be set for a model, and for a workspace unless its id is empty; valid from `now` on
/// if it does not say from when.
pub fn price_of(
    at: Decoder<'_>,
    (model_id, workspace_id): (&str, &str),
    price: v1::Price,
    now: Time,
) -> Price {
    let currency = at.field("currency_code").new_currency(&price.currency_code);
    let is_of_units = !price.unit_prices.is_empty()
        && price.input_per_million.is_empty()
        && price.output_per_million.is_empty();
    for (text, field) in [
        (&price.input_per_million, "input_per_million"),
        (&price.output_per_million, "output_per_million"),
    ] {
        let is_there = is_of_units || !text.is_empty();
        at.field(field).ensure(is_there, "expected a rate: it is required");
    }
    let unit_rates = unit_rates(at, &price.unit_prices);
    let factors = factors(at, &price.factors);
    let base = rates(at, price.texts());
    let variants_at = at.field("variants");
    let given = variants_at.at_most(price.variants, VARIANTS_MAX);
    let variants = given.iter().enumerate();
    let variants = variants.map(|(index, given)| variant(variants_at.item(index), given));
    Price {
        id: Arc::default(),
        model_id: Arc::from(model_id),
        workspace_id: (!workspace_id.is_empty()).then(|| Arc::from(workspace_id)),
        currency,
        variants: variants.collect(),
        effective_time: effective_time(at, price.effective_time, now),
        create_time: now,
        source: Source::Operator,
        base,
        unit_rates,
        factors,
    }
}

fn unit_rates(at: Decoder<'_>, prices: &[v1::UnitPrice]) -> UnitRates {
    let at = at.field("unit_prices");
    let mut rates = UnitRates::default();
    if prices.len() > UnitKind::COUNT {
        at.refuse(format!("expected at most {}", UnitKind::COUNT));
        return rates;
    }
    for (index, price) in prices.iter().enumerate() {
        let at = at.item(index);
        let per_thousand = at.field("per_thousand");
        let rate = per_thousand.decimal(&price.per_thousand, 0..=PER_THOUSAND_MAX);
        let Some(kind) = at.field("kind").required_enum::<UnitKind>(price.kind) else { continue };
        let before = rates[kind as usize].replace(rate);
        at.field("kind").ensure(before.is_none(), "expected each kind once");
    }
    rates
}

fn factors(at: Decoder<'_>, factors: &[v1::PriceFactor]) -> Vec<Factor> {
    let at = at.field("factors");
    if factors.len() > PRICE_FACTORS_MAX {
        at.refuse(format!("expected at most {PRICE_FACTORS_MAX}"));
        return Vec::new();
    }
    let factor = |(index, factor): (usize, &v1::PriceFactor)| {
        let at = at.item(index);
        let expected = "expected 1 to 64 lower-case letters, digits and underscores";
        at.field("name").ensure(is_factor_name(&factor.name), expected);
        let is_new = factors[..index].iter().all(|other| other.name != factor.name);
        at.field("name").ensure(is_new, "expected each name once");
        let multiplier = at.field("multiplier");
        let nanos = multiplier.decimal(&factor.multiplier, 1..=Multiplier::MAX.nanos());
        Factor {
            name: Arc::from(factor.name.as_str()),
            multiplier: Multiplier::from_nanos(nanos).unwrap_or(Multiplier::ONE),
            of_units: factor.applies_to_units,
        }
    };
    factors.iter().enumerate().map(factor).collect()
}

fn variant(at: Decoder<'_>, variant: &v1::PriceVariant) -> Variant {
    let tier = at.field("service_tier").optional_enum(variant.service_tier);
    Variant {
        tier: tier.unwrap_or(ServiceTier::Standard),
        above_input_tokens: at
            .field("above_input_token_count")
            .tokens(variant.above_input_token_count),
        inclusive: variant.threshold_inclusive,
        rates: rates(at, variant.texts()),
        unit_rates: unit_rates(at, &variant.unit_prices),
    }
}

/// Rates as they are written, by class.
type RateTexts<'a> = [(TokenClass, &'static str, &'a str); TokenClass::COUNT];

/// Implements the rates of a message; all that have rates name them alike.
macro_rules! rate_fields {
    ($message:ident) => {
        rate_fields!($message:
            Input input_per_million,
            CacheRead cache_read_per_million,
            CacheWrite5m cache_write_5m_per_million,
            CacheWrite1h cache_write_1h_per_million,
            Output output_per_million,
            Reasoning reasoning_per_million,
            AudioInput audio_input_per_million,
            AudioOutput audio_output_per_million,
            ImageInput image_input_per_million,
            ImageOutput image_output_per_million,
        );
    };
    ($message:ident: $($class:ident $field:ident,)+) => {
        impl v1::$message {
            fn texts(&self) -> RateTexts<'_> {
                [$((TokenClass::$class, stringify!($field), &self.$field)),+]
            }

            fn with_rates(self, rates: &Rates) -> v1::$message {
                let text = |class: TokenClass| rates[class as usize].map_or_else(String::new, text);
                v1::$message { $($field: text(TokenClass::$class),)+ ..self }
            }
        }
    };
}

rate_fields!(Price);
rate_fields!(PriceVariant);

fn text(rate: PerMillion) -> String {
    Amount::from_nanos(rate).to_text()
}

fn rates(at: Decoder<'_>, texts: RateTexts<'_>) -> Rates {
    let mut rates = Rates::default();
    for (class, field, text) in texts {
        if !text.is_empty() {
            rates[class as usize] = Some(at.field(field).decimal(text, 0..=PER_MILLION_MAX));
        }
    }
    rates
}

fn effective_time(at: Decoder<'_>, given: Option<prost_types::Timestamp>, now: Time) -> Time {
    let Some(given) = given else { return now };
    at.field("effective_time").effective(given).unwrap_or(now)
}

pub fn new_rate(request: v1::SetExchangeRateRequest, now: Time) -> Decoded<ExchangeRate> {
    decode(|at| {
        let (at, rate) = at.message_or_default("exchange_rate", request.exchange_rate);
        Some(ExchangeRate {
            from: at.field("from_currency_code").new_currency(&rate.from_currency_code),
            to: at.field("to_currency_code").new_currency(&rate.to_currency_code),
            rate: Rate::from_nanos(at.field("rate").decimal(&rate.rate, 1..=Rate::MAX.nanos())),
            effective_time: effective_time(at, rate.effective_time, now),
            create_time: now,
        })
    })
}

pub fn withdraw_price(request: v1::WithdrawModelPriceRequest) -> Decoded<(String, String)> {
    decode(|at| {
        at.field("price_id").resource_id(&request.price_id);
        at.field("reason").text(&request.reason, 1..=REASON_CHARS_MAX);
        Some((request.price_id, request.reason))
    })
}

/// The rate that is named, of which the number is not known, and the reason.
pub fn withdraw_rate(request: v1::WithdrawExchangeRateRequest) -> Decoded<(ExchangeRate, String)> {
    decode(|at| {
        let from = at.field("from_currency_code").new_currency(&request.from_currency_code);
        let to = at.field("to_currency_code").new_currency(&request.to_currency_code);
        at.field("reason").text(&request.reason, 1..=REASON_CHARS_MAX);
        let (time_at, time) = at.message("effective_time", request.effective_time)?;
        let effective_time = time_at.instant(time)?;
        let create_time = effective_time;
        Some((
            ExchangeRate { from, to, rate: Rate::ONE, effective_time, create_time },
            request.reason,
        ))
    })
}

pub fn list_models(request: &v1::ListModelsRequest) -> Decoded<(Page, Search)> {
    let v1::ListModelsRequest { provider, model_ids, query, .. } = request;
    decode(|at| {
        at.field("provider").text(provider, 0..=PROVIDER_CHARS_MAX);
        let ids_at = at.field("model_ids");
        ids_at.each_of(model_ids.iter().collect(), PAGE_SIZE_MAX, |at, id| at.model_id(id));
        let search = at.search(query);
        let mut filter = vec!["models", provider, query];
        filter.extend(model_ids.iter().map(String::as_str));
        Some((at.page(&filter, request.page_size, &request.page_token), search))
    })
}

/// What a model is found by.
pub fn searched(model: &Model) -> impl Iterator<Item = &str> {
    let texts = [&*model.id, &model.display_name, &model.provider];
    texts.into_iter().chain(model.aliases.iter().map(|alias| &**alias))
}

pub fn list_prices(request: &v1::ListModelPricesRequest) -> Decoded<Page> {
    let (model_id, workspace_id) = (&request.model_id, &request.workspace_id);
    decode(|at| {
        at.field("model_id").model_id(model_id);
        at.field("workspace_id").text(workspace_id, 0..=WORKSPACE_ID_CHARS_MAX);
        let filter = ["prices", model_id, workspace_id];
        Some(at.page(&filter, request.page_size, &request.page_token))
    })
}

/// Which exchange rates to list, and after which one.
pub fn list_rates(request: &v1::ListExchangeRatesRequest) -> Decoded<(Page, Option<RatePosition>)> {
    decode(|at| {
        let page = at.page(&["exchange_rates"], request.page_size, &request.page_token);
        let after = page.after_parsed(at, parse_position);
        Some((page, after))
    })
}

/// By currencies, latest effective time first.
type RatePosition = (String, String, Reverse<Time>);

pub fn position(rate: &ExchangeRate) -> RatePosition {
    (rate.from.to_string(), rate.to.to_string(), Reverse(rate.effective_time))
}

pub fn position_to_text(rate: &ExchangeRate) -> String {
    format!("{}.{}.{}", rate.from, rate.to, rate.effective_time.micros())
}

fn parse_position(text: &str) -> Option<RatePosition> {
    let (from, rest) = text.split_once('.')?;
    let (to, micros) = rest.split_once('.')?;
    let effective_time = Time::from_micros(micros.parse().ok()?);
    Some((from.to_owned(), to.to_owned(), Reverse(effective_time)))
}

pub fn model_to_proto(model: &Model) -> v1::Model {
    v1::Model {
        model_id: model.id.to_string(),
        provider: model.provider.clone(),
        name: model.name().to_owned(),
        context_window_token_count: model.context_window.unwrap_or(0),
        max_input_token_count: model.max_input.unwrap_or(0),
        max_output_token_count: model.max_output.unwrap_or(0),
        capabilities: model.capabilities.clone(),
        aliases: model.aliases.clone(),
        display_name: model.display_name.clone(),
        source: source_text(model.source),
        update_time: Some(to_timestamp(model.update_time)),
    }
}

pub fn price_to_proto(price: &Price, confirm_time: Time) -> v1::Price {
    let proto = v1::Price {
        price_id: price.id.to_string(),
        model_id: price.model_id.to_string(),
        currency_code: price.currency.to_string(),
        variants: price.variants.iter().map(variant_to_proto).collect(),
        effective_time: Some(to_timestamp(price.effective_time)),
        create_time: Some(to_timestamp(price.create_time)),
        workspace_id: price.workspace_id.as_deref().unwrap_or_default().to_owned(),
        source: source_text(price.source),
        confirm_time: Some(to_timestamp(confirm_time)),
        unit_prices: unit_rates_to_proto(&price.unit_rates),
        factors: price.factors.iter().map(factor_to_proto).collect(),
        ..Default::default()
    };
    proto.with_rates(&price.base)
}

fn unit_rates_to_proto(rates: &UnitRates) -> Vec<v1::UnitPrice> {
    let price = |kind: UnitKind| {
        let rate = rates[kind as usize]?;
        Some(v1::UnitPrice { kind: kind.number(), per_thousand: text(rate) })
    };
    UnitKind::ALL.into_iter().filter_map(price).collect()
}

fn factor_to_proto(factor: &Factor) -> v1::PriceFactor {
    v1::PriceFactor {
        name: factor.name.to_string(),
        multiplier: text(factor.multiplier.nanos()),
        applies_to_units: factor.of_units,
    }
}

fn variant_to_proto(variant: &Variant) -> v1::PriceVariant {
    let proto = v1::PriceVariant {
        service_tier: variant.tier.number(),
        above_input_token_count: variant.above_input_tokens,
        threshold_inclusive: variant.inclusive,
        unit_prices: unit_rates_to_proto(&variant.unit_rates),
        ..Default::default()
    };
    proto.with_rates(&variant.rates)
}

fn source_text(source: Source) -> String {
    let text = match source {
        Source::Builtin => "builtin",
        Source::Operator => "operator",
        Source::Import => "import",
    };
    text.to_owned()
}

pub fn withdrawn_price(price: v1::Price, withdrawal: &Withdrawal) -> v1::Price {
    v1::Price {
        withdraw_time: Some(to_timestamp(withdrawal.withdraw_time)),
        withdraw_reason: withdrawal.reason.clone(),
        ..price
    }
}

pub fn withdrawn_rate(rate: &ExchangeRate, withdrawal: &Withdrawal) -> v1::ExchangeRate {
    v1::ExchangeRate {
        withdraw_time: Some(to_timestamp(withdrawal.withdraw_time)),
        withdraw_reason: withdrawal.reason.clone(),
        ..rate_to_proto(rate)
    }
}

pub fn rate_to_proto(rate: &ExchangeRate) -> v1::ExchangeRate {
    v1::ExchangeRate {
        withdraw_time: None,
        withdraw_reason: String::new(),
        from_currency_code: rate.from.to_string(),
        to_currency_code: rate.to.to_string(),
        rate: Amount::from_nanos(rate.rate.nanos()).to_text(),
        effective_time: Some(to_timestamp(rate.effective_time)),
    }
}
