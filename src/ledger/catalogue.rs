//! Models, prices and exchange rates, as facts with dates. Immutable: a change makes a new one.
//!
//! Checks what one fact must agree on with the others. Lengths and forms of texts are checked
//! where they come in.

use std::cmp::Reverse;
use std::sync::Arc;

use hashbrown::HashMap;

use super::currency::Currency;
use super::price::{
    CONVERTED_PER_MILLION_MAX, PER_MILLION_MAX, PerMillion, Price, Rate, RateCard, Rates, Source,
};
use super::time::Time;
use super::usage::{TOKENS_MAX, TokenClass};

/// Most variants of one price.
pub const VARIANTS_MAX: usize = 32;

/// An LLM as the catalogue knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub id: Arc<str>,
    pub provider: String,
    pub display_name: String,
    /// Most tokens, input and output together; absent where it is not known.
    pub context_window: Option<i64>,
    /// Most output tokens; absent where it is not known.
    pub max_output: Option<i64>,
    /// Sorted, without repeats.
    pub capabilities: Vec<String>,
    /// Other names that providers answer with.
    pub aliases: Vec<String>,
    pub source: Source,
    pub update_time: Time,
}

/// What one unit of `from` is worth in `to`, from `effective_time` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeRate {
    pub from: Currency,
    pub to: Currency,
    pub effective_time: Time,
    pub rate: Rate,
    pub create_time: Time,
}

/// Why a change was refused. Fields are named as in the API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("model {model_id:?} is not in the catalogue")]
    UnknownModel { model_id: Arc<str> },
    #[error("{field}: {name:?} is a name of model {model_id:?} already")]
    NameTaken { field: &'static str, name: String, model_id: Arc<str> },
    #[error("price {price_id:?} exists already")]
    PriceExists { price_id: Arc<str> },
    #[error("{field}: must be {expected}")]
    Invalid { field: String, expected: String },
}

/// A model with its prices.
#[derive(Clone, Debug)]
pub struct ModelEntry {
    model: Model,
    /// The catalogue's own prices, the one to prefer first (see `preference`).
    prices: Vec<Arc<RateCard>>,
    /// Prices of single workspaces, in the same order.
    prices_of_workspaces: HashMap<Arc<str>, Vec<Arc<RateCard>>>,
}

/// All that is known of models and what they cost.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    entries: HashMap<Arc<str>, Arc<ModelEntry>>,
    /// The same entries by id.
    sorted: Vec<Arc<ModelEntry>>,
    /// Model ids by alias.
    aliases: HashMap<Arc<str>, Arc<str>>,
    prices: HashMap<Arc<str>, Arc<RateCard>>,
    /// By currencies; of the same, the one to prefer first.
    exchange_rates: Vec<ExchangeRate>,
}

impl ModelEntry {
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The price that a workspace pays at a time: its own if one is valid, else the catalogue's.
    /// The latest effective time counts; of the same, the one that was made last.
    pub fn price_at(&self, workspace_id: &str, time: Time) -> Option<&Arc<RateCard>> {
        if !self.prices_of_workspaces.is_empty()
            && let Some(prices) = self.prices_of_workspaces.get(workspace_id)
            && let Some(price) = valid_at(prices, time)
        {
            return Some(price);
        }
        valid_at(&self.prices, time)
    }

    /// The catalogue's prices and those of the workspace that is named, latest effective time
    /// first.
    pub fn prices(&self, workspace_id: Option<&str>) -> Vec<Arc<RateCard>> {
        let mut prices = self.prices.clone();
        let own = workspace_id.and_then(|id| self.prices_of_workspaces.get(id));
        if let Some(own) = own {
            prices.extend(own.iter().cloned());
            prices.sort_by_cached_key(|card| preference(card.price()));
        }
        prices
    }

    fn list_of(&mut self, workspace_id: Option<&Arc<str>>) -> &mut Vec<Arc<RateCard>> {
        match workspace_id {
            Some(id) => self.prices_of_workspaces.entry(Arc::clone(id)).or_default(),
            None => &mut self.prices,
        }
    }
}

impl Catalogue {
    /// The catalogue of facts that were accepted before: nothing is refused. Of two models with
    /// the same id or alias the later one counts; a price of no model is found by its id alone.
    pub fn new(models: Vec<Model>, prices: Vec<Price>, rates: Vec<ExchangeRate>) -> Catalogue {
        let mut catalogue = Catalogue::default();
        let mut entries = HashMap::with_capacity(models.len());
        for model in models {
            insert_model(&mut entries, &mut catalogue.aliases, model, None);
        }
        for price in prices {
            catalogue.insert_price(&mut entries, price);
        }
        catalogue.put(entries);
        for rate in rates {
            catalogue.insert_exchange_rate(rate);
        }
        catalogue
    }

    /// The model of that id; else the one with that alias.
    pub fn model(&self, id_or_alias: &str) -> Option<&Arc<ModelEntry>> {
        if let Some(entry) = self.entries.get(id_or_alias) {
            return Some(entry);
        }
        self.entries.get(self.aliases.get(id_or_alias)?)
    }

    /// See [`ModelEntry::price_at`].
    pub fn price_at(
        &self,
        model_id: &str,
        workspace_id: &str,
        time: Time,
    ) -> Option<&Arc<RateCard>> {
        self.entries.get(model_id)?.price_at(workspace_id, time)
    }

    pub fn price_by_id(&self, id: &str) -> Option<&Arc<RateCard>> {
        self.prices.get(id)
    }

    /// Exactly that direction is looked for: the opposite says nothing.
    pub fn exchange_rate(&self, from: Currency, to: Currency, time: Time) -> Option<Rate> {
        if from == to {
            return Some(Rate::ONE);
        }
        let index = self.exchange_rates.partition_point(|rate| {
            (rate.from, rate.to) < (from, to)
                || ((rate.from, rate.to) == (from, to) && rate.effective_time > time)
        });
        let rate = self.exchange_rates.get(index)?;
        ((rate.from, rate.to) == (from, to)).then_some(rate.rate)
    }

    /// By id.
    pub fn models(&self) -> &[Arc<ModelEntry>] {
        &self.sorted
    }

    /// See [`ModelEntry::prices`]; empty without such a model.
    pub fn prices_of(&self, model_id: &str, workspace_id: Option<&str>) -> Vec<Arc<RateCard>> {
        self.entries.get(model_id).map_or_else(Vec::new, |entry| entry.prices(workspace_id))
    }

    /// By currencies, latest effective time first.
    pub fn exchange_rates(&self) -> &[ExchangeRate] {
        &self.exchange_rates
    }

    /// With a model added, or changed if its id is known.
    ///
    /// # Errors
    /// If a name of it is one of another model.
    pub fn with_model(&self, model: Model) -> Result<Catalogue, Refusal> {
        self.with_models_and_prices(vec![model], Vec::new())
    }

    /// With a price added.
    ///
    /// # Errors
    /// If its model is unknown, its id taken, or a rate missing or out of bounds.
    pub fn with_price(&self, price: Price) -> Result<Catalogue, Refusal> {
        self.with_models_and_prices(Vec::new(), vec![price])
    }

    /// With many at once, for about the cost of one; models come before prices.
    ///
    /// # Errors
    /// As [`Catalogue::with_model`] and [`Catalogue::with_price`]; then nothing is taken.
    pub fn with_models_and_prices(
        &self,
        models: Vec<Model>,
        prices: Vec<Price>,
    ) -> Result<Catalogue, Refusal> {
        let mut changed = self.clone();
        let mut entries = std::mem::take(&mut changed.entries);
        // Ids first, so that an alias cannot be the id of a model that comes after it.
        let before: Vec<_> = models
            .iter()
            .map(|model| forget_aliases(&entries, &mut changed.aliases, model))
            .collect();
        let new_ids: hashbrown::HashSet<Arc<str>> =
            models.iter().map(|model| Arc::clone(&model.id)).collect();
        for (model, before) in models.into_iter().zip(before) {
            let is_model = |name: &str| entries.contains_key(name) || new_ids.contains(name);
            check_names(&model, is_model, &changed.aliases)?;
            insert_model(&mut entries, &mut changed.aliases, model, before);
        }
        for price in prices {
            if changed.prices.contains_key(&price.id) {
                return Err(Refusal::PriceExists { price_id: price.id });
            }
            if !entries.contains_key(&price.model_id) {
                return Err(Refusal::UnknownModel { model_id: price.model_id });
            }
            check_price(&price, highest_exchange_rate(&self.exchange_rates, price.currency))?;
            changed.insert_price(&mut entries, price);
        }
        changed.put(entries);
        Ok(changed)
    }

    /// With an exchange rate added.
    ///
    /// # Errors
    /// If the currencies are the same, or a price would convert to more than is accepted.
    pub fn with_exchange_rate(&self, rate: ExchangeRate) -> Result<Catalogue, Refusal> {
        if rate.from == rate.to {
            let expected = format!("another currency than {}", rate.from);
            let field = "exchange_rate.to_currency_code".to_owned();
            return Err(Refusal::Invalid { field, expected });
        }
        let cards = self.prices.values().filter(|card| card.price().currency == rate.from);
        let dearest = cards.map(|card| card.highest_rate()).max().unwrap_or(0);
        if !converts_within_bounds(dearest, rate.rate) {
            let expected = format!(
                "such that the dearest price in {} stays within 1000000 {} per million tokens",
                rate.from, rate.to
            );
            return Err(Refusal::Invalid { field: "exchange_rate.rate".to_owned(), expected });
        }
        let mut changed = self.clone();
        changed.insert_exchange_rate(rate);
        Ok(changed)
    }

    fn insert_price(&mut self, entries: &mut Entries, price: Price) {
        let card = Arc::new(RateCard::new(Arc::new(price)));
        let price = card.price();
        self.prices.insert(Arc::clone(&price.id), Arc::clone(&card));
        let Some(entry) = entries.get_mut(&price.model_id) else { return };
        let list = Arc::make_mut(entry).list_of(price.workspace_id.as_ref());
        let key = preference(price);
        let index = list.partition_point(|other| preference(other.price()) < key);
        list.insert(index, Arc::clone(&card));
    }

    fn insert_exchange_rate(&mut self, rate: ExchangeRate) {
        let key = |rate: &ExchangeRate| {
            (rate.from, rate.to, Reverse(rate.effective_time), Reverse(rate.create_time))
        };
        let index = self.exchange_rates.partition_point(|other| key(other) < key(&rate));
        self.exchange_rates.insert(index, rate);
    }

    fn put(&mut self, entries: Entries) {
        self.sorted = entries.values().cloned().collect();
        self.sorted.sort_unstable_by(|a, b| a.model.id.cmp(&b.model.id));
        self.entries = entries;
    }
}

type Entries = HashMap<Arc<str>, Arc<ModelEntry>>;

/// Which of two prices counts where both are valid: the smaller key. The id only decides where
/// both were made in the same microsecond, so that every replica prefers the same.
fn preference(price: &Price) -> (Reverse<Time>, Reverse<Time>, Reverse<Arc<str>>) {
    (Reverse(price.effective_time), Reverse(price.create_time), Reverse(Arc::clone(&price.id)))
}

/// `prices` are in the order of `preference`.
fn valid_at(prices: &[Arc<RateCard>], time: Time) -> Option<&Arc<RateCard>> {
    prices.iter().find(|card| card.price().effective_time <= time)
}

/// Takes the aliases of the entry that `model` replaces out; returns that entry.
fn forget_aliases(
    entries: &Entries,
    aliases: &mut HashMap<Arc<str>, Arc<str>>,
    model: &Model,
) -> Option<Arc<ModelEntry>> {
    let before = entries.get(&model.id)?;
    for alias in &before.model.aliases {
        if aliases.get(alias.as_str()).is_some_and(|id| *id == model.id) {
            aliases.remove(alias.as_str());
        }
    }
    Some(Arc::clone(before))
}

fn check_names(
    model: &Model,
    is_model: impl Fn(&str) -> bool,
    aliases: &HashMap<Arc<str>, Arc<str>>,
) -> Result<(), Refusal> {
    if let Some(owner) = aliases.get(&model.id) {
        let name = model.id.to_string();
        let model_id = Arc::clone(owner);
        return Err(Refusal::NameTaken { field: "model.model_id", name, model_id });
    }
    for alias in &model.aliases {
        let owner = if is_model(alias) {
            Some(Arc::from(alias.as_str()))
        } else {
            aliases.get(alias.as_str()).cloned()
        };
        // An alias repeats the model's own id, or a repeated entry of a batch put it there.
        if let Some(model_id) = owner
            && (model_id != model.id || **alias == *model.id)
        {
            let name = alias.clone();
            return Err(Refusal::NameTaken { field: "model.aliases", name, model_id });
        }
    }
    Ok(())
}

/// Keeps the prices of the entry that it replaces.
fn insert_model(
    entries: &mut Entries,
    aliases: &mut HashMap<Arc<str>, Arc<str>>,
    model: Model,
    before: Option<Arc<ModelEntry>>,
) {
    for alias in &model.aliases {
        aliases.insert(Arc::from(alias.as_str()), Arc::clone(&model.id));
    }
    let id = Arc::clone(&model.id);
    let entry = match before {
        Some(before) => ModelEntry { model, ..ModelEntry::clone(&before) },
        None => ModelEntry { model, prices: Vec::new(), prices_of_workspaces: HashMap::new() },
    };
    entries.insert(id, Arc::new(entry));
}

fn check_price(price: &Price, highest_exchange_rate: Rate) -> Result<(), Refusal> {
    for class in [TokenClass::Input, TokenClass::Output] {
        if price.base[class as usize].is_none() {
            return invalid(format!("price.{}", rate_field(class)), "present");
        }
    }
    check_rates("price", &price.base, highest_exchange_rate)?;
    if price.variants.len() > VARIANTS_MAX {
        return invalid("price.variants".to_owned(), "at most 32");
    }
    for (index, variant) in price.variants.iter().enumerate() {
        let path = format!("price.variants[{index}]");
        if !(0..=TOKENS_MAX).contains(&variant.above_input_tokens) {
            let field = format!("{path}.above_input_token_count");
            return invalid(field, &format!("from 0 to {TOKENS_MAX}"));
        }
        let same = |other: &&super::price::Variant| {
            other.tier == variant.tier && other.min_input_tokens() == variant.min_input_tokens()
        };
        if price.variants[..index].iter().find(same).is_some() {
            return invalid(path, "the only one of its tier and threshold");
        }
        check_rates(&path, &variant.rates, highest_exchange_rate)?;
    }
    Ok(())
}

fn check_rates(path: &str, rates: &Rates, highest_exchange_rate: Rate) -> Result<(), Refusal> {
    for class in TokenClass::ALL {
        let Some(rate) = rates[class as usize] else { continue };
        let field = || format!("{path}.{}", rate_field(class));
        if !(0..=PER_MILLION_MAX).contains(&rate) {
            return invalid(field(), "from 0 to 10000 per million tokens");
        }
        if !converts_within_bounds(rate, highest_exchange_rate) {
            let expected = "at most 1000000 per million tokens after every exchange rate";
            return invalid(field(), expected);
        }
    }
    Ok(())
}

fn invalid(field: String, expected: &str) -> Result<(), Refusal> {
    Err(Refusal::Invalid { field, expected: expected.to_owned() })
}

fn converts_within_bounds(per_million: PerMillion, rate: Rate) -> bool {
    let converted = i128::from(per_million) * i128::from(rate.nanos());
    let highest = i128::from(CONVERTED_PER_MILLION_MAX) * i128::from(Rate::ONE.nanos());
    converted <= highest
}

fn highest_exchange_rate(rates: &[ExchangeRate], from: Currency) -> Rate {
    let rates = rates.iter().filter(|rate| rate.from == from);
    rates.map(|rate| rate.rate).max().unwrap_or(Rate::ONE)
}

/// Name of a rate's field in the API.
pub fn rate_field(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "input_per_million",
        TokenClass::CacheRead => "cache_read_per_million",
        TokenClass::CacheWrite5m => "cache_write_5m_per_million",
        TokenClass::CacheWrite1h => "cache_write_1h_per_million",
        TokenClass::Output => "output_per_million",
        TokenClass::Reasoning => "reasoning_per_million",
        TokenClass::AudioInput => "audio_input_per_million",
        TokenClass::AudioOutput => "audio_output_per_million",
        TokenClass::ImageInput => "image_input_per_million",
        TokenClass::ImageOutput => "image_output_per_million",
    }
}
