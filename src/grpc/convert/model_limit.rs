//! What `ModelLimitService` is asked and answers.

use std::sync::Arc;

use super::super::page::Page;
use super::shared::{capabilities, tier, tier_to_proto, tokens};
use super::text::{self, DISPLAY_NAME_CHARS_MAX, PROVIDER_CHARS_MAX, WORKSPACE_ID_CHARS_MAX};
use super::time::{effective, to_timestamp};
use super::{Path, Violations, at_most, money, required};
use crate::domain::catalog::price::{
    PER_MILLION_MAX, PerMillion, Price, Rate, Rates, Source, Variant,
};
use crate::domain::catalog::{ExchangeRate, Model, VARIANTS_MAX};
use crate::domain::usage::TokenClass;
use crate::domain::{Amount, Currency, Time};
use crate::engine::{InCurrency, ModelLimitChange};
use crate::ledger::ModelView;
use crate::proto::v1;

/// Most capabilities of a model.
pub const CAPABILITIES_MAX: usize = 32;
/// Most aliases of a model.
pub const ALIASES_MAX: usize = 32;
/// Longest fallback chain.
pub const FALLBACKS_MAX: usize = 32;

const MODEL: Path<'static> = Path::Field(&Path::Request, "model");
const PRICE: Path<'static> = Path::Field(&Path::Request, "price");
const EXCHANGE_RATE: Path<'static> = Path::Field(&Path::Request, "exchange_rate");

/// # Errors
/// If a field is out of its range.
pub fn model(request: v1::UpsertModelRequest) -> Result<Model, Violations> {
    let mut violations = Violations::default();
    let model = required(request.model, MODEL, &mut violations).unwrap_or_default();
    let path = |field| MODEL.field(field);
    text::check_new_model_id(&model.model_id, path("model_id"), &mut violations);
    text::check(&model.provider, 0..=PROVIDER_CHARS_MAX, path("provider"), &mut violations);
    let display_name = path("display_name");
    text::check(&model.display_name, 0..=DISPLAY_NAME_CHARS_MAX, display_name, &mut violations);
    let aliases = at_most(model.aliases, ALIASES_MAX, path("aliases"), &mut violations);
    for (index, alias) in aliases.iter().enumerate() {
        text::check_new_model_id(alias, path("aliases").item(index), &mut violations);
    }
    let context_window = path("context_window_token_count");
    let context_window = tokens(model.context_window_token_count, context_window, &mut violations);
    let max_output = path("max_output_token_count");
    let max_output = tokens(model.max_output_token_count, max_output, &mut violations);
    let capabilities =
        capabilities(model.capabilities, CAPABILITIES_MAX, path("capabilities"), &mut violations);
    violations.accept(Model {
        id: Arc::from(model.model_id),
        provider: model.provider,
        display_name: model.display_name,
        context_window: (context_window > 0).then_some(context_window),
        max_output: (max_output > 0).then_some(max_output),
        capabilities,
        aliases,
        source: Source::Operator,
        update_time: Time::default(),
    })
}

/// # Errors
/// If a field is out of its range.
pub fn price(request: v1::SetModelPriceRequest, now: Time) -> Result<Price, Violations> {
    let mut violations = Violations::default();
    let model_id = Path::Request.field("model_id");
    text::check_model_id(&request.model_id, model_id, &mut violations);
    let workspace_id = Path::Request.field("workspace_id");
    text::check(&request.workspace_id, 0..=WORKSPACE_ID_CHARS_MAX, workspace_id, &mut violations);
    let Some(price) = required(request.price, PRICE, &mut violations) else {
        return Err(violations);
    };
    let currency =
        money::currency(&price.currency_code, PRICE.field("currency_code"), &mut violations);
    for (text, field) in [
        (&price.input_per_million, "input_per_million"),
        (&price.output_per_million, "output_per_million"),
    ] {
        if text.is_empty() {
            violations.add(PRICE.field(field), "expected a rate: it is required");
        }
    }
    let base = rates(&rate_texts(&price), PRICE, &mut violations);
    let variants_path = PRICE.field("variants");
    let variants = at_most(price.variants, VARIANTS_MAX, variants_path, &mut violations);
    let variants = variants.iter().enumerate();
    let variants = variants
        .map(|(index, variant)| self::variant(variant, variants_path.item(index), &mut violations))
        .collect();
    let effective_time_path = PRICE.field("effective_time");
    let effective_time = effective(price.effective_time, now, effective_time_path, &mut violations);
    let workspace_id = (!request.workspace_id.is_empty()).then(|| Arc::from(request.workspace_id));
    violations.accept(Price {
        id: Arc::default(),
        model_id: Arc::from(request.model_id),
        workspace_id,
        currency,
        effective_time,
        create_time: now,
        source: Source::Operator,
        base,
        variants,
    })
}

fn variant(variant: &v1::PriceVariant, path: Path<'_>, violations: &mut Violations) -> Variant {
    let above = path.field("above_input_token_count");
    Variant {
        tier: tier(variant.service_tier, path.field("service_tier"), violations),
        above_input_tokens: tokens(variant.above_input_token_count, above, violations),
        inclusive: variant.threshold_inclusive,
        rates: rates(&variant_texts(variant), path, violations),
    }
}

/// Rates as they are written, by class.
type RateTexts<'a> = [(TokenClass, &'static str, &'a String); TokenClass::COUNT];

/// Pairs the rates of a message with their classes; both messages name them alike.
macro_rules! texts_of {
    ($message:expr) => {
        [
            (TokenClass::Input, "input_per_million", &$message.input_per_million),
            (TokenClass::CacheRead, "cache_read_per_million", &$message.cache_read_per_million),
            (
                TokenClass::CacheWrite5m,
                "cache_write_5m_per_million",
                &$message.cache_write_5m_per_million,
            ),
            (
                TokenClass::CacheWrite1h,
                "cache_write_1h_per_million",
                &$message.cache_write_1h_per_million,
            ),
            (TokenClass::Output, "output_per_million", &$message.output_per_million),
            (TokenClass::Reasoning, "reasoning_per_million", &$message.reasoning_per_million),
            (TokenClass::AudioInput, "audio_input_per_million", &$message.audio_input_per_million),
            (
                TokenClass::AudioOutput,
                "audio_output_per_million",
                &$message.audio_output_per_million,
            ),
            (TokenClass::ImageInput, "image_input_per_million", &$message.image_input_per_million),
            (
                TokenClass::ImageOutput,
                "image_output_per_million",
                &$message.image_output_per_million,
            ),
        ]
    };
}

fn rate_texts(price: &v1::Price) -> RateTexts<'_> {
    texts_of!(price)
}

fn variant_texts(variant: &v1::PriceVariant) -> RateTexts<'_> {
    texts_of!(variant)
}

fn rates(texts: &RateTexts<'_>, path: Path<'_>, violations: &mut Violations) -> Rates {
    let mut rates = Rates::default();
    for (class, field, text) in texts {
        if !text.is_empty() {
            let nanos = money::decimal(text, 0..=PER_MILLION_MAX, path.field(field), violations);
            rates[*class as usize] = Some(nanos);
        }
    }
    rates
}

/// # Errors
/// If a field is out of its range.
pub fn exchange_rate(
    request: v1::SetExchangeRateRequest,
    now: Time,
) -> Result<ExchangeRate, Violations> {
    let mut violations = Violations::default();
    let rate = required(request.exchange_rate, EXCHANGE_RATE, &mut violations).unwrap_or_default();
    let path = |field| EXCHANGE_RATE.field(field);
    let from_path = path("from_currency_code");
    let from = money::currency(&rate.from_currency_code, from_path, &mut violations);
    let to = money::currency(&rate.to_currency_code, path("to_currency_code"), &mut violations);
    let nanos = money::decimal(&rate.rate, 1..=Rate::MAX.nanos(), path("rate"), &mut violations);
    let effective_time =
        effective(rate.effective_time, now, path("effective_time"), &mut violations);
    let rate = Rate::from_nanos(nanos);
    violations.accept(ExchangeRate { from, to, effective_time, rate, create_time: now })
}

/// # Errors
/// If an id cannot be one.
pub fn workspace_model(workspace_id: &str, model_id: &str) -> Result<(), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(workspace_id, &mut violations);
    text::check_model_id(model_id, Path::Request.field("model_id"), &mut violations);
    violations.accept(())
}

/// # Errors
/// If a field is out of its range.
pub fn limit(request: &mut v1::SetModelLimitRequest) -> Result<ModelLimitChange, Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    text::check_model_id(&request.model_id, Path::Request.field("model_id"), &mut violations);
    let limit = request.limit.as_ref();
    let limit =
        limit.map(|limit| money::limit(limit, Path::Request.field("limit"), &mut violations));
    let path = Path::Request.field("fallback_model_ids");
    let fallbacks = std::mem::take(&mut request.fallback_model_ids);
    let fallbacks = at_most(fallbacks, FALLBACKS_MAX, path, &mut violations);
    for (index, id) in fallbacks.iter().enumerate() {
        text::check_model_id(id, path.item(index), &mut violations);
    }
    let enabled = request.enabled.unwrap_or(true);
    violations.accept(ModelLimitChange { limit, enabled, fallback_model_ids: fallbacks })
}

/// Which prices to list.
pub fn price_page(request: &v1::ListModelPricesRequest, violations: &mut Violations) -> Page {
    let (model_id, workspace_id) = (&request.model_id, &request.workspace_id);
    text::check_model_id(model_id, Path::Request.field("model_id"), violations);
    let path = Path::Request.field("workspace_id");
    text::check(workspace_id, 0..=WORKSPACE_ID_CHARS_MAX, path, violations);
    let filter = ["prices", model_id, workspace_id];
    Page::read(&filter, request.page_size, &request.page_token, violations)
}

pub fn model_to_proto(model: &Model) -> v1::Model {
    v1::Model {
        model_id: model.id.to_string(),
        provider: model.provider.clone(),
        context_window_token_count: model.context_window.unwrap_or(0),
        max_output_token_count: model.max_output.unwrap_or(0),
        capabilities: model.capabilities.clone(),
        aliases: model.aliases.clone(),
        display_name: model.display_name.clone(),
        source: source_text(model.source),
        update_time: Some(to_timestamp(model.update_time)),
    }
}

pub fn price_to_proto(price: &Price) -> v1::Price {
    let rate = |class: TokenClass| rate_text(price.base[class as usize]);
    v1::Price {
        price_id: price.id.to_string(),
        model_id: price.model_id.to_string(),
        currency_code: price.currency.to_string(),
        input_per_million: rate(TokenClass::Input),
        cache_read_per_million: rate(TokenClass::CacheRead),
        cache_write_5m_per_million: rate(TokenClass::CacheWrite5m),
        cache_write_1h_per_million: rate(TokenClass::CacheWrite1h),
        output_per_million: rate(TokenClass::Output),
        reasoning_per_million: rate(TokenClass::Reasoning),
        audio_input_per_million: rate(TokenClass::AudioInput),
        audio_output_per_million: rate(TokenClass::AudioOutput),
        image_input_per_million: rate(TokenClass::ImageInput),
        image_output_per_million: rate(TokenClass::ImageOutput),
        variants: price.variants.iter().map(variant_to_proto).collect(),
        effective_time: Some(to_timestamp(price.effective_time)),
        create_time: Some(to_timestamp(price.create_time)),
        workspace_id: price.workspace_id.as_deref().unwrap_or_default().to_owned(),
        source: source_text(price.source),
    }
}

fn variant_to_proto(variant: &Variant) -> v1::PriceVariant {
    let rate = |class: TokenClass| rate_text(variant.rates[class as usize]);
    v1::PriceVariant {
        service_tier: tier_to_proto(variant.tier).into(),
        above_input_token_count: variant.above_input_tokens,
        threshold_inclusive: variant.inclusive,
        input_per_million: rate(TokenClass::Input),
        cache_read_per_million: rate(TokenClass::CacheRead),
        cache_write_5m_per_million: rate(TokenClass::CacheWrite5m),
        cache_write_1h_per_million: rate(TokenClass::CacheWrite1h),
        output_per_million: rate(TokenClass::Output),
        reasoning_per_million: rate(TokenClass::Reasoning),
        audio_input_per_million: rate(TokenClass::AudioInput),
        audio_output_per_million: rate(TokenClass::AudioOutput),
        image_input_per_million: rate(TokenClass::ImageInput),
        image_output_per_million: rate(TokenClass::ImageOutput),
    }
}

fn rate_text(rate: Option<PerMillion>) -> String {
    rate.map_or_else(String::new, |nanos| Amount::from_nanos(nanos).to_text())
}

fn source_text(source: Source) -> String {
    let text = match source {
        Source::Builtin => "builtin",
        Source::Operator => "operator",
        Source::Import => "import",
    };
    text.to_owned()
}

pub fn exchange_rate_to_proto(rate: &ExchangeRate) -> v1::ExchangeRate {
    v1::ExchangeRate {
        from_currency_code: rate.from.to_string(),
        to_currency_code: rate.to.to_string(),
        rate: Amount::from_nanos(rate.rate.nanos()).to_text(),
        effective_time: Some(to_timestamp(rate.effective_time)),
    }
}

pub fn view_to_proto(view: InCurrency<ModelView>) -> v1::ModelLimit {
    limit_to_proto(view.currency, view.value)
}

pub fn limit_to_proto(currency: Currency, view: ModelView) -> v1::ModelLimit {
    let money = |amount: Amount| money::to_proto(currency, amount);
    let settings = view.settings.as_ref();
    let fallbacks = settings.map(|set| set.fallback_model_ids.as_slice()).unwrap_or_default();
    v1::ModelLimit {
        model_id: view.model_id.to_string(),
        model_enabled: settings.is_some_and(|set| set.enabled),
        limit: settings.and_then(|set| set.limit).map(money),
        enabled: settings.is_none_or(|set| set.limit_enabled),
        fallback_model_ids: fallbacks.iter().map(ToString::to_string).collect(),
        spent: Some(money(view.spent)),
        held: Some(money(view.held)),
        reset_time: Some(to_timestamp(view.reset_time)),
    }
}
