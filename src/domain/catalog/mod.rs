//! Models, prices and exchange rates, as facts with dates. Immutable: a change makes a new one.
//!
//! Checks what one fact must agree on with the others. Lengths and forms of texts are checked
//! where they come in.

pub mod bill;
mod checks;
mod confirmation;
mod model;
pub mod names;
pub mod price;
mod sums;
mod wide;
pub mod withdrawal;

use std::cmp::Reverse;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use serde::Serialize;

use crate::domain::catalog::names::{Hint, Names, Query, Reach};
use crate::domain::catalog::price::{Price, Rate, RateCard, Source};
use crate::domain::{Currency, Time};
use checks::{check_names, check_price, converts_within_bounds, highest_exchange_rate};
use confirmation::Confirmations;
use withdrawal::{Withdrawal, Withdrawn};

pub use checks::{is_factor_name, rate_field};
pub use confirmation::Confirmation;
pub use model::{Model, ModelEntry};

/// Most variants of one price.
pub const VARIANTS_MAX: usize = 32;

/// What one unit of `from` is worth in `to`, from `effective_time` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ExchangeRate {
    pub from: Currency,
    pub to: Currency,
    pub effective_time: Time,
    pub rate: Rate,
    #[serde(skip)]
    pub create_time: Time,
}

/// Why a change was refused. Fields are named as in the API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("model {model_id:?} is not in the catalog")]
    UnknownModel { model_id: Arc<str> },
    #[error("{field}: {name:?} is a name of model {model_id:?} already")]
    NameTaken { field: &'static str, name: String, model_id: Arc<str> },
    #[error("price {price_id:?} exists already")]
    PriceExists { price_id: Arc<str> },
    #[error("{field}: must be {expected}")]
    Invalid { field: String, expected: String },
}

/// A name that stands for no model, or for more than one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unresolved {
    /// Ids of entries that it may have meant, at most [`names::NEAR_MAX`].
    pub near: Vec<Arc<str>>,
}

/// All that is known of models and what they cost.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    entries: HashMap<Arc<str>, Arc<ModelEntry>>,
    /// The same entries by id.
    sorted: Vec<Arc<ModelEntry>>,
    /// Model ids by alias.
    aliases: HashMap<Arc<str>, Arc<str>>,
    names: Names,
    prices: HashMap<Arc<str>, Arc<RateCard>>,
    confirmations: Confirmations,
    /// By currencies; of the same, the one to prefer first.
    exchange_rates: Vec<ExchangeRate>,
    withdrawn: Withdrawn,
}

impl Catalog {
    /// The catalog of facts that were accepted before: nothing is refused. Of two models with
    /// the same id or alias the later one counts; a price of no model is found by its id alone.
    pub fn new(models: Vec<Model>, prices: Vec<Price>, rates: Vec<ExchangeRate>) -> Catalog {
        Catalog::over(&Catalog::default(), models, prices, rates)
    }

    /// Facts that are built in, to be put under those of databases, see [`Catalog::over`].
    pub fn builtin(models: Vec<Model>, prices: Vec<Price>) -> Catalog {
        let mut catalog = Catalog::default();
        for model in models {
            catalog.insert_entry(model);
        }
        for price in prices {
            catalog.insert_price(price);
        }
        catalog.sort();
        catalog.names = Names::builtin(catalog.sorted.clone());
        catalog
    }

    /// Makes the index of built-in names, which otherwise the first name does that is no id.
    pub fn prepare(&self) {
        self.names.prepare();
    }

    /// Facts that were accepted before, over built-in ones: what a list does not say of a built-in
    /// model is that of the built-in one, and a built-in price does not count from the time on from
    /// which another price of the model does. Every built-in price is still found by its id.
    pub fn over(
        builtin: &Catalog,
        models: Vec<Model>,
        prices: Vec<Price>,
        rates: Vec<ExchangeRate>,
    ) -> Catalog {
        let mut catalog = builtin.clone();
        let mut touched = HashSet::new();
        for mut model in models {
            if let Some(known) = builtin.by_id(&model.id) {
                match model.source {
                    // A row of an older version.
                    Source::Builtin => continue,
                    Source::Import => model.complete_from(known.model()),
                    Source::Operator => {}
                }
            }
            catalog.forget_aliases(&model.id);
            for alias in &model.aliases {
                if catalog.is_builtin(alias) {
                    catalog.hide(alias);
                    touched.insert(Arc::from(alias.as_str()));
                }
            }
            touched.insert(model.id.clone());
            catalog.insert_model(model);
        }
        for price in prices {
            if !builtin.prices.contains_key(&price.id) {
                touched.insert(price.model_id.clone());
                catalog.insert_price(price);
            }
        }
        // Many at once: in an empty catalog all of them.
        match touched.len() > catalog.sorted.len() {
            true => catalog.sort(),
            false => touched.iter().for_each(|id| catalog.put_in_order(id)),
        }
        for rate in rates {
            catalog.insert_exchange_rate(rate);
        }
        catalog
    }

    /// The model of exactly that id.
    pub fn by_id(&self, id: &str) -> Option<&Arc<ModelEntry>> {
        self.entries.get(id)
    }

    /// The model of exactly that id; else the one with exactly that alias.
    pub fn by_id_or_alias(&self, name: &str) -> Option<&Arc<ModelEntry>> {
        self.entries.get(name).or_else(|| self.entries.get(self.aliases.get(name)?))
    }

    /// The model that a name stands for, see [`names`]. `provider` is what the caller calls the
    /// one who serves it; empty if that is not known.
    ///
    /// # Errors
    /// If it is not certain which model is meant.
    pub fn resolve(&self, name: &str, provider: &str) -> Result<&Arc<ModelEntry>, Unresolved> {
        let found = self.find(name, Hint::Named(provider), Reach::Family);
        found.ok_or_else(|| Unresolved { near: self.near(name) })
    }

    /// Ids of entries that a name may have meant, at most [`names::NEAR_MAX`].
    pub fn near(&self, name: &str) -> Vec<Arc<str>> {
        self.names.near(name)
    }

    /// The same without a provider, and without what would be near.
    pub fn model(&self, name: &str) -> Option<&Arc<ModelEntry>> {
        self.find(name, Hint::Named(""), Reach::Family)
    }

    /// The model that an administrator names: never the family of a name, because what is set
    /// for one would be set for all.
    pub fn named(&self, name: &str) -> Option<&Arc<ModelEntry>> {
        self.find(name, Hint::Named(""), Reach::Same)
    }

    /// The model that a name stands for, as [`Catalog::resolve`] finds it.
    pub fn model_of(&self, name: &str, hint: Hint<'_>) -> Option<&Arc<ModelEntry>> {
        self.find(name, hint, Reach::Family)
    }

    /// The same, of the provider that a list names.
    pub fn named_of(&self, name: &str, provider: &str) -> Option<&Arc<ModelEntry>> {
        self.find(name, Hint::Named(provider), Reach::Same)
    }

    /// Whether a model is the one of the id `of`, or a snapshot, version or region of it, of the
    /// same provider.
    pub fn is_of_family(&self, model: &Model, of: &str) -> bool {
        *model.id == *of || self.names.families_of(model).any(|id| **id == *of)
    }

    fn find(&self, name: &str, hint: Hint<'_>, reach: Reach) -> Option<&Arc<ModelEntry>> {
        let exact = self.by_id_or_alias(name);
        if hint.provider().is_empty() && exact.is_some() {
            return exact;
        }
        let exact = exact.map(|entry| (&entry.model().id, entry.model().provider.as_str()));
        self.entries.get(self.names.find(Query { name, hint, reach, exact })?)
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

    /// When a price was last known to be right.
    pub fn confirm_time(&self, price: &Price) -> Time {
        self.confirmations.confirm_time(price)
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
    pub fn with_model(&self, model: Model) -> Result<Catalog, Refusal> {
        self.with_models_and_prices(vec![model], Vec::new())
    }

    /// With a price added.
    ///
    /// # Errors
    /// If its model is unknown, its id taken, or a rate missing or out of bounds.
    pub fn with_price(&self, price: Price) -> Result<Catalog, Refusal> {
        self.with_models_and_prices(Vec::new(), vec![price])
    }

    /// With many at once, for about the cost of one; models come before prices.
    ///
    /// # Errors
    /// As [`Catalog::with_model`] and [`Catalog::with_price`]; then nothing is taken.
    pub fn with_models_and_prices(
        &self,
        models: Vec<Model>,
        prices: Vec<Price>,
    ) -> Result<Catalog, Refusal> {
        let mut changed = self.clone();
        let mut touched = HashSet::new();
        // Ids first, so that an alias cannot be the id of a model that comes after it.
        for model in &models {
            changed.forget_aliases(&model.id);
        }
        let new_ids: HashSet<Arc<str>> = models.iter().map(|model| model.id.clone()).collect();
        for model in models {
            let is_model =
                |name: &str| changed.entries.contains_key(name) || new_ids.contains(name);
            check_names(&model, is_model, &changed.aliases)?;
            touched.insert(model.id.clone());
            changed.insert_model(model);
        }
        for price in prices {
            if changed.prices.contains_key(&price.id) {
                return Err(Refusal::PriceExists { price_id: price.id });
            }
            if !changed.entries.contains_key(&price.model_id) {
                return Err(Refusal::UnknownModel { model_id: price.model_id });
            }
            check_price(&price, highest_exchange_rate(&self.exchange_rates, price.currency))?;
            touched.insert(price.model_id.clone());
            changed.insert_price(price);
        }
        match touched.len() > changed.sorted.len() {
            true => changed.sort(),
            false => touched.iter().for_each(|id| changed.put_in_order(id)),
        }
        Ok(changed)
    }

    /// With prices confirmed; an earlier time than one that is known changes nothing.
    pub fn with_confirmations(
        mut self,
        confirmations: impl IntoIterator<Item = Confirmation>,
    ) -> Catalog {
        confirmations.into_iter().for_each(|confirmation| self.confirmations.add(confirmation));
        self
    }

    /// With prices and rates that count for nothing, and are still found.
    pub fn with_withdrawn(
        mut self,
        prices: impl IntoIterator<Item = (Price, Withdrawal)>,
        rates: impl IntoIterator<Item = (ExchangeRate, Withdrawal)>,
    ) -> Catalog {
        for (price, withdrawal) in prices {
            let card = Arc::new(RateCard::new(Arc::new(price)));
            self.prices.insert(withdrawal.id.clone(), card.clone());
            self.withdrawn.add_price(card, withdrawal);
        }
        rates.into_iter().for_each(|(rate, withdrawal)| self.withdrawn.add_rate(rate, withdrawal));
        self
    }

    /// Whether, and why, a price is withdrawn.
    pub fn withdrawal(&self, price_id: &str) -> Option<&Arc<Withdrawal>> {
        self.withdrawn.of_price(price_id)
    }

    /// The exchange rates that are withdrawn.
    pub fn withdrawn_rates(&self) -> &[(ExchangeRate, Arc<Withdrawal>)] {
        self.withdrawn.rates()
    }

    /// See [`ModelEntry::prices`], with those that are withdrawn.
    pub fn all_prices_of(&self, model_id: &str, workspace_id: Option<&str>) -> Vec<Arc<RateCard>> {
        let mut prices = self.prices_of(model_id, workspace_id);
        let count = prices.len();
        prices.extend(self.withdrawn.prices_of(model_id, workspace_id).cloned());
        if prices.len() > count {
            model::sort(&mut prices);
        }
        prices
    }

    /// With an exchange rate added.
    ///
    /// # Errors
    /// If the currencies are the same, or a price would convert to more than is accepted.
    pub fn with_exchange_rate(&self, rate: ExchangeRate) -> Result<Catalog, Refusal> {
        if rate.from == rate.to {
            let expected = format!("another currency than {}", rate.from);
            let field = "exchange_rate.to_currency_code".to_owned();
            return Err(Refusal::Invalid { field, expected });
        }
        let cards = self.prices.values().filter(|card| card.price().currency == rate.from);
        let dearest = cards.map(|card| card.highest_rate()).max().unwrap_or(0);
        if !converts_within_bounds(dearest, rate.rate) {
            let expected = format!(
                "such that the dearest price in {} stays within 20000000 {} per million tokens",
                rate.from, rate.to
            );
            return Err(Refusal::Invalid { field: "exchange_rate.rate".to_owned(), expected });
        }
        let mut changed = self.clone();
        changed.withdrawn.restore_rate(&rate);
        changed.insert_exchange_rate(rate);
        Ok(changed)
    }

    fn is_builtin(&self, id: &str) -> bool {
        self.by_id(id).is_some_and(|entry| entry.model().source == Source::Builtin)
    }

    /// Takes a built-in model out whose id is an alias of another model. Its prices are still found
    /// by their ids.
    fn hide(&mut self, id: &str) {
        self.forget_aliases(id);
        if let Some(entry) = self.entries.remove(id) {
            self.names.remove(entry.model());
        }
    }

    /// Takes the aliases of the model that is to be replaced.
    fn forget_aliases(&mut self, id: &str) {
        let Some(before) = self.entries.get(id) else { return };
        for alias in &before.model().aliases {
            if self.aliases.get(alias.as_str()).is_some_and(|owner| **owner == *id) {
                self.aliases.remove(alias.as_str());
            }
        }
    }

    /// Adds a model or replaces the one of its id, and keeps the prices of that.
    fn insert_model(&mut self, model: Model) {
        let before = self.entries.get(&model.id).map(|entry| entry.model());
        self.names.insert(before, &model);
        self.insert_entry(model);
    }

    /// The same without its names other than the aliases.
    fn insert_entry(&mut self, model: Model) {
        let id = Arc::clone(&model.id);
        for alias in &model.aliases {
            self.aliases.insert(Arc::from(alias.as_str()), Arc::clone(&id));
        }
        match self.entries.get_mut(&id) {
            Some(entry) => Arc::make_mut(entry).set_model(model),
            None => drop(self.entries.insert(id, Arc::new(ModelEntry::new(model)))),
        }
    }

    fn insert_price(&mut self, price: Price) {
        let card = Arc::new(RateCard::new(Arc::new(price)));
        let price = card.price();
        self.prices.insert(Arc::clone(&price.id), Arc::clone(&card));
        if let Some(entry) = self.entries.get_mut(&price.model_id) {
            Arc::make_mut(entry).insert_price(Arc::clone(&card));
        }
    }

    fn insert_exchange_rate(&mut self, rate: ExchangeRate) {
        let key = |rate: &ExchangeRate| {
            (rate.from, rate.to, Reverse(rate.effective_time), Reverse(rate.create_time))
        };
        let index = self.exchange_rates.partition_point(|other| key(other) < key(&rate));
        self.exchange_rates.insert(index, rate);
    }

    fn sort(&mut self) {
        self.sorted = self.entries.values().cloned().collect();
        self.sorted.sort_unstable_by(|a, b| a.model().id.cmp(&b.model().id));
    }

    /// Takes an entry that changed over into the order by id.
    fn put_in_order(&mut self, id: &str) {
        let place = self.sorted.binary_search_by(|other| (*other.model().id).cmp(id));
        match (place, self.entries.get(id)) {
            (Ok(index), Some(entry)) => self.sorted[index] = Arc::clone(entry),
            (Err(index), Some(entry)) => self.sorted.insert(index, Arc::clone(entry)),
            (Ok(index), None) => drop(self.sorted.remove(index)),
            (Err(_), None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalog::price::{PER_MILLION_MAX, Variant};
    use crate::domain::usage::{ServiceTier, TOKENS_MAX, TokenClass, UnitKind};

    const UNIT: i64 = 1_000_000_000;

    fn at(micros: i64) -> Time {
        Time::EARLIEST + micros
    }

    fn model(id: &str, aliases: &[&str]) -> Model {
        Model {
            id: Arc::from(id),
            provider: "provider".to_owned(),
            display_name: String::new(),
            context_window: None,
            max_input: None,
            max_output: None,
            capabilities: Vec::new(),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            source: Source::Operator,
            update_time: at(0),
        }
    }

    /// A price named `id`, valid from and made at the times given.
    fn price(id: &str, model_id: &str, effective: i64, created: i64) -> Price {
        let mut base = [None; TokenClass::COUNT];
        base[TokenClass::Input as usize] = Some(UNIT);
        base[TokenClass::Output as usize] = Some(2 * UNIT);
        Price {
            id: Arc::from(id),
            model_id: Arc::from(model_id),
            workspace_id: None,
            currency: Currency::USD,
            effective_time: at(effective),
            create_time: at(created),
            source: Source::Operator,
            base,
            unit_rates: [None; UnitKind::COUNT],
            variants: Vec::new(),
            factors: Vec::new(),
        }
    }

    fn own(workspace_id: &str, price: Price) -> Price {
        Price { workspace_id: Some(Arc::from(workspace_id)), ..price }
    }

    fn rate(from: &str, to: &str, effective: i64, created: i64, nanos: i64) -> ExchangeRate {
        ExchangeRate {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            effective_time: at(effective),
            rate: Rate::from_nanos(nanos),
            create_time: at(created),
        }
    }

    fn with(models: Vec<Model>, prices: Vec<Price>) -> Result<Catalog, Refusal> {
        Catalog::default().with_models_and_prices(models, prices)
    }

    /// The refusal of a price, as a text.
    fn refused(price: Price) -> String {
        with(vec![model("m", &[])], vec![price]).unwrap_err().to_string()
    }

    #[test]
    fn the_latest_price_that_is_valid_counts() {
        let prices = vec![
            price("second", "m", 20, 1),
            price("first", "m", 10, 5),
            price("second again", "m", 20, 2),
            own("w", price("own", "m", 15, 0)),
        ];
        let catalog = with(vec![model("m", &[])], prices.clone()).unwrap();
        let same = Catalog::new(vec![model("m", &[])], prices, Vec::new());
        let check = |workspace, time, expected: Option<&str>| {
            for catalog in [&catalog, &same] {
                let card = catalog.price_at("m", workspace, at(time));
                assert_eq!(card.map(|card| &*card.price().id), expected, "{workspace} {time}");
            }
        };
        check("other", 9, None);
        check("other", 10, Some("first"));
        check("other", 19, Some("first"));
        check("other", 20, Some("second again"));
        check("w", 14, Some("first"));
        check("w", 15, Some("own"));
        check("w", 99, Some("own"));

        let ids = |workspace| -> Vec<String> {
            let cards = catalog.prices_of("m", workspace);
            cards.iter().map(|card| card.price().id.to_string()).collect()
        };
        assert_eq!(ids(None), ["second again", "second", "first"]);
        assert_eq!(ids(Some("w")), ["second again", "second", "own", "first"]);
        assert_eq!(&*catalog.price_by_id("own").unwrap().price().id, "own");
        assert!(catalog.price_by_id("none").is_none());
    }

    #[test]
    fn models_are_found_by_id_and_by_alias() {
        let catalog = with(vec![model("b", &["b-1", "b-2"]), model("a", &[])], Vec::new());
        let catalog = catalog.unwrap();
        let find = |name: &str| catalog.model(name).map(|entry| entry.model().id.to_string());
        assert_eq!(find("b-2").as_deref(), Some("b"));
        assert_eq!(find("a").as_deref(), Some("a"));
        assert_eq!(find("c"), None);
        let ids: Vec<&str> = catalog.models().iter().map(|entry| &*entry.model().id).collect();
        assert_eq!(ids, ["a", "b"]);

        // Rows that were accepted once: an id wins over an alias.
        let rows = vec![model("a", &["b"]), model("b", &[])];
        let catalog = Catalog::new(rows, Vec::new(), Vec::new());
        assert_eq!(&*catalog.model("b").unwrap().model().id, "b");
    }

    #[test]
    fn a_change_leaves_the_catalog_before_as_it_was() {
        let before = with(vec![model("m", &["x"])], vec![price("p", "m", 0, 0)]).unwrap();
        let after = before.with_model(model("m", &["y"])).unwrap();
        assert!(before.model("x").is_some() && before.model("y").is_none());
        assert!(after.model("x").is_none() && after.model("y").is_some());
        assert!(after.price_at("m", "", at(0)).is_some(), "prices stay with the model");
        let after = after.with_price(price("q", "m", 0, 1)).unwrap();
        assert_eq!(&*after.price_at("m", "", at(0)).unwrap().price().id, "q");
        assert_eq!(&*before.price_at("m", "", at(0)).unwrap().price().id, "p");
        // An alias that was given up is free for another model.
        assert!(after.with_model(model("n", &["x"])).is_ok());
    }

    #[test]
    fn a_name_belongs_to_one_model() {
        let catalog = with(vec![model("a", &["x"])], Vec::new()).unwrap();
        let check = |refused: Model, expected: &str| {
            let refusal = catalog.with_model(refused).unwrap_err();
            assert_eq!(refusal.to_string(), expected);
        };
        check(model("b", &["x"]), r#"model.aliases: "x" is a name of model "a" already"#);
        check(model("b", &["a"]), r#"model.aliases: "a" is a name of model "a" already"#);
        check(model("b", &["b"]), r#"model.aliases: "b" is a name of model "b" already"#);
        check(model("x", &[]), r#"model.model_id: "x" is a name of model "a" already"#);
        assert!(catalog.with_model(model("a", &["x", "y"])).is_ok());
        // Within a batch, too, in either order.
        assert!(with(vec![model("a", &["b"]), model("b", &[])], Vec::new()).is_err());
        assert!(with(vec![model("b", &[]), model("a", &["b"])], Vec::new()).is_err());
        assert!(with(vec![model("a", &["x"]), model("b", &["x"])], Vec::new()).is_err());
        // An alias may move within a batch.
        let moved = vec![model("b", &["x"]), model("a", &[])];
        let catalog = catalog.with_models_and_prices(moved, Vec::new()).unwrap();
        assert_eq!(&*catalog.model("x").unwrap().model().id, "b");
    }

    #[test]
    fn a_bad_price_is_refused_by_field() {
        let mut no_output = price("p", "m", 0, 0);
        no_output.base[TokenClass::Output as usize] = None;
        assert_eq!(refused(no_output), "price.output_per_million: must be present");

        let mut dear = price("p", "m", 0, 0);
        dear.base[TokenClass::CacheWrite1h as usize] = Some(PER_MILLION_MAX + 1);
        assert_eq!(
            refused(dear),
            "price.cache_write_1h_per_million: must be from 0 to 10000 per million tokens"
        );

        let variant = |above| Variant {
            tier: ServiceTier::Batch,
            above_input_tokens: above,
            inclusive: false,
            rates: [Some(-1); TokenClass::COUNT],
            unit_rates: [None; UnitKind::COUNT],
        };
        let mut negative = price("p", "m", 0, 0);
        negative.variants = vec![variant(5)];
        assert_eq!(
            refused(negative),
            "price.variants[0].input_per_million: must be from 0 to 10000 per million tokens"
        );

        let good = |above| Variant { rates: [Some(1); TokenClass::COUNT], ..variant(above) };
        let mut twice = price("p", "m", 0, 0);
        twice.variants = vec![good(5), Variant { inclusive: true, ..good(6) }];
        assert_eq!(
            refused(twice),
            "price.variants[1]: must be the only one of its tier and threshold"
        );

        let mut many = price("p", "m", 0, 0);
        many.variants = (0..33).map(good).collect();
        assert_eq!(refused(many), "price.variants: must be at most 32");

        let mut far = price("p", "m", 0, 0);
        far.variants = vec![good(TOKENS_MAX + 1)];
        assert_eq!(
            refused(far),
            "price.variants[0].above_input_token_count: must be from 0 to 100000000"
        );

        assert_eq!(refused(price("p", "n", 0, 0)), r#"model "n" is not in the catalog"#);
        let twice = vec![price("p", "m", 0, 0), price("p", "m", 1, 0)];
        let refusal = with(vec![model("m", &[])], twice).unwrap_err();
        assert_eq!(refusal.to_string(), r#"price "p" exists already"#);
    }

    #[test]
    fn exchange_rates_have_a_direction_and_a_date() {
        let rates = [
            rate("USD", "EUR", 10, 0, 920_000_000),
            rate("USD", "EUR", 20, 0, 930_000_000),
            rate("USD", "EUR", 20, 1, 940_000_000),
            rate("USD", "GBP", 0, 0, 800_000_000),
            rate("CHF", "EUR", 0, 0, 1_050_000_000),
        ];
        let mut catalog = Catalog::default();
        for rate in rates {
            catalog = catalog.with_exchange_rate(rate).unwrap();
        }
        let same = Catalog::new(Vec::new(), Vec::new(), rates.to_vec());
        assert_eq!(catalog.exchange_rates(), same.exchange_rates());
        let check = |from: &str, to: &str, time, expected: Option<i64>| {
            let rate = catalog.exchange_rate(from.parse().unwrap(), to.parse().unwrap(), at(time));
            assert_eq!(rate.map(Rate::nanos), expected, "{from} {to} {time}");
        };
        check("USD", "EUR", 9, None);
        check("USD", "EUR", 10, Some(920_000_000));
        check("USD", "EUR", 19, Some(920_000_000));
        check("USD", "EUR", 20, Some(940_000_000));
        check("EUR", "USD", 20, None);
        check("USD", "GBP", 0, Some(800_000_000));
        check("USD", "CHF", 20, None);
        check("CHF", "CHF", -5, Some(UNIT));
        let refusal = catalog.with_exchange_rate(rate("EUR", "EUR", 0, 0, 1)).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "exchange_rate.to_currency_code: must be another currency than EUR"
        );
    }

    #[test]
    fn converted_prices_are_bounded_from_both_sides() {
        let mut dear = price("p", "m", 0, 0);
        dear.base[TokenClass::Output as usize] = Some(PER_MILLION_MAX);
        let catalog = with(vec![model("m", &[])], vec![dear.clone()]).unwrap();
        let highest = rate("USD", "JPY", 0, 0, 2_000 * UNIT);
        let more = rate("USD", "JPY", 0, 0, 2_000 * UNIT + 1);
        assert!(catalog.with_exchange_rate(highest).is_ok());
        assert_eq!(
            catalog.with_exchange_rate(more).unwrap_err().to_string(),
            "exchange_rate.rate: must be such that the dearest price in USD stays within \
             20000000 JPY per million tokens"
        );

        let empty = with(vec![model("m", &[])], Vec::new()).unwrap();
        let catalog = empty.with_exchange_rate(more).unwrap();
        assert_eq!(
            catalog.with_price(dear.clone()).unwrap_err().to_string(),
            "price.output_per_million: must be at most 20000000 per million tokens after every \
             exchange rate"
        );
        assert!(catalog.with_price(Price { currency: Currency::EUR, ..dear }).is_ok());
    }
}
