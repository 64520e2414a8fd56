//! The compact form of a list of models and prices with their history: what the built-in catalog
//! is kept in. Lines of JSON, compressed with gzip: first the header, then one line for each
//! model.
//!
//! Rates are integers, in nano-units for a million tokens. A field that is not there is empty, so
//! that a new one needs no new form.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::catalog::Model;
use crate::domain::catalog::bill::{Factor, Multiplier, UnitRates};
use crate::domain::catalog::price::{Price, Rates, Source, Variant};
use crate::domain::usage::{ServiceTier, TokenClass, UnitKind};
use crate::domain::{Currency, Time};

/// Why the bytes are no such list.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    #[error(transparent)]
    Gzip(#[from] io::Error),
    #[error("line {line}: {cause}")]
    Json { line: usize, cause: serde_json::Error },
    #[error("line {line}: {what}")]
    Fact { line: usize, what: String },
}

/// What a list says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// For people who look inside.
    #[serde(default)]
    pub note: String,
    /// When it was made: a date, midnight UTC.
    pub date: String,
    /// Where the facts come from; models refer to them by position.
    pub sources: Vec<String>,
    /// Names of capabilities; models refer to them by position.
    pub capabilities: Vec<String>,
}

/// A model of a list, with its prices, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub model: Model,
    pub prices: Vec<Price>,
    /// Position of the source in the header.
    pub source: usize,
}

#[derive(Serialize, Deserialize)]
struct ModelLine<'a> {
    id: &'a str,
    provider: &'a str,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_input: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_output: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    can: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    source: usize,
    prices: Vec<PriceLine<'a>>,
}

#[derive(Serialize, Deserialize)]
struct PriceLine<'a> {
    /// A date: midnight UTC.
    from: &'a str,
    #[serde(default = "usd", skip_serializing_if = "is_usd")]
    currency: &'a str,
    rates: RatesForm,
    #[serde(default, skip_serializing_if = "UnitsForm::is_empty")]
    units: UnitsForm,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    variants: Vec<VariantLine>,
    /// Multipliers of tokens by name, in nanos.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    factors: BTreeMap<String, i64>,
}

#[derive(Serialize, Deserialize)]
struct VariantLine {
    #[serde(default, skip_serializing_if = "is_standard")]
    tier: TierForm,
    #[serde(default, skip_serializing_if = "is_zero_tokens")]
    above: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    inclusive: bool,
    #[serde(default, skip_serializing_if = "RatesForm::is_empty")]
    rates: RatesForm,
    #[serde(default, skip_serializing_if = "UnitsForm::is_empty")]
    units: UnitsForm,
}

/// Rates by class.
#[derive(Default)]
struct RatesForm(Rates);

/// Rates for a thousand units, in nano-units, by kind.
#[derive(Default)]
struct UnitsForm(UnitRates);

struct TierForm(ServiceTier);

/// Decompresses and reads a list.
///
/// # Errors
/// If it is not one.
pub fn read(bytes: &[u8]) -> Result<(Header, Vec<Listed>), Invalid> {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text)?;
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    let header: Header =
        serde_json::from_str(header).map_err(|cause| Invalid::Json { line: 1, cause })?;
    let fact = |line: usize| move |what: String| Invalid::Fact { line, what };
    let made = midnight(&header.date).map_err(fact(1))?;
    let mut models = Vec::new();
    for (number, line) in (2..).zip(lines) {
        let form: ModelLine =
            serde_json::from_str(line).map_err(|cause| Invalid::Json { line: number, cause })?;
        models.push(form.into_listed(&header, made).map_err(fact(number))?);
    }
    Ok((header, models))
}

/// The compressed form.
///
/// # Errors
/// If a model names a source or capability that the header does not have, or compressing fails.
pub fn write(header: &Header, models: &[Listed]) -> io::Result<Vec<u8>> {
    let positions: BTreeMap<&str, usize> =
        header.capabilities.iter().map(String::as_str).zip(0..).collect();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    serde_json::to_writer(&mut encoder, header)?;
    for listed in models {
        let line = ModelLine::of(listed, &positions)?;
        encoder.write_all(b"\n")?;
        serde_json::to_writer(&mut encoder, &line)?;
    }
    encoder.finish()
}

/// The id of a built-in price: it never changes once released.
pub fn price_id(model_id: &str, date: &str) -> Arc<str> {
    Arc::from(format!("builtin:{model_id}:{date}"))
}

/// Midnight UTC of a date.
///
/// # Errors
/// If it is not one.
pub fn midnight(date: &str) -> Result<Time, String> {
    let day: chrono::NaiveDate = date.parse().map_err(|_| format!("{date} is not a date"))?;
    Ok(Time::from_utc(day.and_time(chrono::NaiveTime::MIN).and_utc()))
}

impl<'a> ModelLine<'a> {
    fn of(listed: &'a Listed, positions: &BTreeMap<&str, usize>) -> io::Result<ModelLine<'a>> {
        let Listed { model, prices, source } = listed;
        let position = |name: &String| {
            let unknown = || io::Error::other(format!("{name} is not a capability of the header"));
            positions.get(name.as_str()).copied().ok_or_else(unknown)
        };
        Ok(ModelLine {
            id: &model.id,
            provider: &model.provider,
            window: model.context_window,
            max_input: model.max_input,
            max_output: model.max_output,
            can: model.capabilities.iter().map(position).collect::<io::Result<_>>()?,
            aliases: model.aliases.clone(),
            source: *source,
            prices: prices.iter().map(PriceLine::of).collect(),
        })
    }

    fn into_listed(self, header: &Header, made: Time) -> Result<Listed, String> {
        let id: Arc<str> = Arc::from(self.id);
        let capability = |position: usize| {
            let name = header.capabilities.get(position);
            name.cloned().ok_or_else(|| format!("there is no capability {position}"))
        };
        let model = Model {
            provider: self.provider.to_owned(),
            display_name: String::new(),
            context_window: self.window,
            max_input: self.max_input,
            max_output: self.max_output,
            capabilities: self.can.into_iter().map(capability).collect::<Result<_, _>>()?,
            aliases: self.aliases,
            source: Source::Builtin,
            update_time: made,
            id: id.clone(),
        };
        let price = |line: PriceLine| line.into_price(&id, made);
        let prices = self.prices.into_iter().map(price).collect::<Result<_, _>>()?;
        Ok(Listed { model, prices, source: self.source })
    }
}

impl<'a> PriceLine<'a> {
    /// The date is that in the id of the price.
    fn of(price: &'a Price) -> PriceLine<'a> {
        let variant = |variant: &Variant| VariantLine {
            tier: TierForm(variant.tier),
            above: variant.above_input_tokens,
            inclusive: variant.inclusive,
            rates: RatesForm(variant.rates),
            units: UnitsForm(variant.unit_rates),
        };
        let factor = |factor: &Factor| (factor.name.to_string(), factor.multiplier.nanos());
        PriceLine {
            from: price.id.rsplit_once(':').map_or("", |(_, date)| date),
            currency: price.currency.as_str(),
            rates: RatesForm(price.base),
            units: UnitsForm(price.unit_rates),
            variants: price.variants.iter().map(variant).collect(),
            factors: price.factors.iter().map(factor).collect(),
        }
    }

    fn into_price(self, model_id: &Arc<str>, made: Time) -> Result<Price, String> {
        let currency: Currency =
            self.currency.parse().map_err(|_| format!("{} is not a currency", self.currency))?;
        let variant = |line: VariantLine| Variant {
            tier: line.tier.0,
            above_input_tokens: line.above,
            inclusive: line.inclusive,
            rates: line.rates.0,
            unit_rates: line.units.0,
        };
        let factor = |(name, nanos): (String, i64)| {
            let multiplier = Multiplier::from_nanos(nanos)
                .ok_or_else(|| format!("{nanos} is not a multiplier in nanos"))?;
            Ok::<_, String>(Factor { name: Arc::from(name), multiplier, of_units: false })
        };
        Ok(Price {
            id: price_id(model_id, self.from),
            model_id: model_id.clone(),
            workspace_id: None,
            currency,
            effective_time: midnight(self.from)?,
            create_time: made,
            source: Source::Builtin,
            base: self.rates.0,
            unit_rates: self.units.0,
            variants: self.variants.into_iter().map(variant).collect(),
            factors: self.factors.into_iter().map(factor).collect::<Result<_, _>>()?,
        })
    }
}

impl RatesForm {
    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

impl UnitsForm {
    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

impl Serialize for RatesForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let present = TokenClass::ALL.into_iter();
        let present = present.filter_map(|class| Some((class, self.0[class as usize]?)));
        serializer.collect_map(present.map(|(class, rate)| (class.as_str(), rate)))
    }
}

impl Serialize for UnitsForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let present = UnitKind::ALL.into_iter();
        let present = present.filter_map(|kind| Some((kind, self.0[kind as usize]?)));
        serializer.collect_map(present.map(|(kind, rate)| (kind.as_str(), rate)))
    }
}

impl<'de> Deserialize<'de> for RatesForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RatesForm, D::Error> {
        let mut rates = Rates::default();
        for (name, rate) in BTreeMap::<&str, i64>::deserialize(deserializer)? {
            let class: TokenClass = name
                .parse()
                .map_err(|_| D::Error::custom(format!("{name} is not a class of tokens")))?;
            rates[class as usize] = Some(rate);
        }
        Ok(RatesForm(rates))
    }
}

impl<'de> Deserialize<'de> for UnitsForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UnitsForm, D::Error> {
        let mut rates = UnitRates::default();
        for (name, rate) in BTreeMap::<&str, i64>::deserialize(deserializer)? {
            let kind: UnitKind = name
                .parse()
                .map_err(|_| D::Error::custom(format!("{name} is not a kind of units")))?;
            rates[kind as usize] = Some(rate);
        }
        Ok(UnitsForm(rates))
    }
}

impl Default for TierForm {
    fn default() -> TierForm {
        TierForm(ServiceTier::Standard)
    }
}

impl Serialize for TierForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for TierForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TierForm, D::Error> {
        let name = <&str>::deserialize(deserializer)?;
        let tier = name.parse().map_err(|_| D::Error::custom(format!("{name} is not a tier")))?;
        Ok(TierForm(tier))
    }
}

fn usd() -> &'static str {
    "USD"
}

fn is_usd(currency: &str) -> bool {
    currency == usd()
}

fn is_standard(tier: &TierForm) -> bool {
    tier.0 == ServiceTier::Standard
}

fn is_zero(position: &usize) -> bool {
    *position == 0
}

fn is_zero_tokens(tokens: &i64) -> bool {
    *tokens == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compressed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    const HEADER: &str = r#"{"date":"2026-03-01","sources":["a","b"],"capabilities":["vision"]}"#;

    #[test]
    fn what_is_written_is_read() {
        let first = r#"{"from":"2026-01-01","rates":{"input":1,"output":0}}"#;
        let variants = r#"[{"rates":{"cache_write_1h":4},"tier":"batch"},
            {"units":{"page":2},"tier":"flex"},
            {"above":5,"inclusive":true,"rates":{"image_output":6}}]"#;
        let extras = r#""units":{"web_search":10},"factors":{"us":1100000000}"#;
        let second = r#"{"from":"2026-02-01","currency":"EUR","rates":{"input":2,"output":3}"#;
        let facts = r#""window":9,"max_input":8,"max_output":7,"can":[0],"aliases":["x"]"#;
        let line = format!(
            r#"{{"id":"m","provider":"p",{facts},"source":1,
            "prices":[{first},{second},{extras},"variants":{variants}}}]}}"#
        );
        let plain = line.replace('\n', "");
        let (header, models) = read(&compressed(&format!("{HEADER}\n{plain}\n"))).unwrap();
        assert_eq!(models[0].model.capabilities, ["vision"]);
        assert_eq!(&*models[0].prices[1].id, "builtin:m:2026-02-01");
        let price = &models[0].prices[1];
        assert_eq!(price.variants[2].rates[TokenClass::ImageOutput as usize], Some(6));
        assert_eq!(price.variants[1].unit_rates[UnitKind::Page as usize], Some(2));
        assert_eq!(price.unit_rates[UnitKind::WebSearch as usize], Some(10));
        assert_eq!(&*price.factors[0].name, "us");
        assert_eq!(models[0].prices[0].variants, []);
        let again = write(&header, &models).unwrap();
        assert_eq!(read(&again).unwrap(), (header, models));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |text: &str, expected: &str| {
            let error = read(&compressed(text)).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("", "line 1: ");
        check(r#"{"date":"soon","sources":[],"capabilities":[]}"#, "line 1: soon is not a date");
        let model = |rest: &str| format!("{HEADER}\n{{\"id\":\"m\",\"provider\":\"p\",{rest}}}");
        check(&model(r#""prices":[],"can":[1]"#), "line 2: there is no capability 1");
        let price = |rest: &str| model(&format!(r#""prices":[{{{rest}}}]"#));
        check(&price(r#""from":"x","rates":{}"#), "line 2: x is not a date");
        check(&price(r#""from":"2026-01-01","rates":{"in":1}"#), "in is not a class of tokens");
        check(&price(r#""from":"2026-01-01","currency":"E","rates":{}"#), "E is not a currency");
        assert!(matches!(read(b"no gzip"), Err(Invalid::Gzip(_))));
    }
}
