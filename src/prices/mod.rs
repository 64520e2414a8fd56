//! Imports of models and prices: the built-in catalog and price lists.
//!
//! Parses texts and computes the changes to the catalog. Touches neither files nor storage.

pub mod builtin;
mod extras;
pub mod litellm;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::domain::Time;
use crate::domain::catalog::price::{PerMillion, Price, Source};
use crate::domain::catalog::{Catalog, Model, ModelEntry};

/// Rates above this, 1,000 units per million tokens, are reported: most are mistakes.
const UNUSUAL_PER_MILLION: PerMillion = 1_000 * 1_000_000_000;

/// Models and prices to add, with a report.
#[derive(Clone, Debug, Default)]
pub struct Import {
    pub models: Vec<Model>,
    pub prices: Vec<Price>,
    pub report: Report,
}

/// Report of an import. Accounts for every entry of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries of the list.
    pub read: usize,
    /// Models that are new or changed.
    pub models: usize,
    /// Prices that are new.
    pub prices: usize,
    /// Models of which nothing changed.
    pub unchanged: usize,
    /// Ids of skipped models, by reason.
    pub skipped: BTreeMap<Skipped, Vec<String>>,
    /// Models whose price of an operator or another list takes precedence.
    pub kept_prices: Vec<String>,
    /// Keys about costs that are not read, with their number, of imported models.
    pub other_keys: BTreeMap<String, usize>,
    /// Rates with more than 9 decimals per million tokens; rounded half to even.
    pub rounded: usize,
    /// Models without a rate for text output: the highest rate of their other outputs is used.
    pub output_from_other: Vec<String>,
    /// Imported models with a rate above 1,000 per million tokens: worth a look.
    pub unusual: Vec<String>,
}

/// Why an entry was skipped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skipped {
    /// It describes the format.
    Sample,
    /// Its id is empty, too long or has spaces.
    BadId,
    /// It has no price for input tokens.
    NotPricedByTokens,
    /// It has a price for input tokens but for no kind of output.
    NoOutputPrice,
    /// Its tokens are free but other units are not.
    PricedInOtherUnits,
    /// The value of this key is not a rate.
    BadRate(String),
    /// It has more tiers and sizes than a price may have.
    TooManyVariants,
    /// It is an alias of this model.
    AliasOf(String),
    /// It was set by an operator.
    SetByOperator,
}

impl Import {
    /// The difference to the catalog. Operators take precedence over lists, and lists over the
    /// built-in catalog. A list without aliases of a model keeps them.
    pub fn against(mut self, catalog: &Catalog) -> Import {
        let mut import = Import { report: std::mem::take(&mut self.report), ..Import::default() };
        let mut prices: BTreeMap<Arc<str>, Vec<Price>> = BTreeMap::new();
        for price in self.prices {
            prices.entry(Arc::clone(&price.model_id)).or_default().push(price);
        }
        for model in self.models {
            let prices = prices.remove(&model.id).unwrap_or_default();
            import.take(catalog, model, prices);
        }
        import.report.models = import.models.len();
        import.report.prices = import.prices.len();
        import
    }

    fn take(&mut self, catalog: &Catalog, model: Model, prices: Vec<Price>) {
        let before = catalog.by_id_or_alias(&model.id);
        if let Some(entry) = before
            && entry.model().id != model.id
        {
            let owner = entry.model().id.to_string();
            self.report.skip(Skipped::AliasOf(owner), &model.id);
            return;
        }
        if let Some(entry) = before
            && entry.model().source == Source::Operator
        {
            self.report.skip(Skipped::SetByOperator, &model.id);
            return;
        }
        let mut changed = false;
        let id = Arc::clone(&model.id);
        if let Some(model) = changed_model(catalog, before, model) {
            self.models.push(model);
            changed = true;
        }
        for price in prices {
            let valid = before.and_then(|entry| entry.price_at("", price.effective_time));
            let valid = valid.map(|card| card.price());
            if catalog.price_by_id(&price.id).is_some()
                || valid.is_some_and(|valid| same_rates(valid, &price))
            {
                continue;
            }
            if valid.is_some_and(|valid| rank(valid.source) > rank(price.source)) {
                self.report.kept_prices.push(id.to_string());
                continue;
            }
            self.prices.push(price);
            changed = true;
        }
        if !changed {
            self.report.unchanged += 1;
        }
    }
}

impl Report {
    fn skip(&mut self, reason: Skipped, model_id: &str) {
        self.skipped.entry(reason).or_default().push(model_id.to_owned());
    }
}

/// The merged model; none if nothing changes.
fn changed_model(
    catalog: &Catalog,
    before: Option<&Arc<ModelEntry>>,
    mut model: Model,
) -> Option<Model> {
    if let Some(before) = before.map(|entry| entry.model()) {
        if rank(before.source) > rank(model.source) {
            return None;
        }
        if model.aliases.is_empty() {
            model.aliases = before.aliases.clone();
        }
        if model.display_name.is_empty() {
            model.display_name = before.display_name.clone();
        }
    }
    let id = Arc::clone(&model.id);
    model.aliases.retain(|alias| {
        let owner = catalog.by_id_or_alias(alias);
        owner.is_none_or(|owner| owner.model().id == id && **alias != *id)
    });
    if let Some(before) = before.map(|entry| entry.model()) {
        let same =
            Model { source: before.source, update_time: before.update_time, ..model.clone() };
        if same == *before {
            return None;
        }
    }
    Some(model)
}

fn same_rates(a: &Price, b: &Price) -> bool {
    a.currency == b.currency
        && a.base == b.base
        && a.unit_rates == b.unit_rates
        && a.variants == b.variants
        && a.factors == b.factors
}

fn rank(source: Source) -> u8 {
    match source {
        Source::Builtin => 0,
        Source::Import => 1,
        Source::Operator => 2,
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Skipped::Sample => f.write_str("describes the format"),
            Skipped::BadId => f.write_str("not usable as a model id"),
            Skipped::NotPricedByTokens => f.write_str("no price for input tokens"),
            Skipped::NoOutputPrice => f.write_str("no price for output tokens"),
            Skipped::PricedInOtherUnits => f.write_str("priced in other units than tokens"),
            Skipped::BadRate(key) => write!(f, "{key} is not a price from 0 to 10000 per million"),
            Skipped::TooManyVariants => f.write_str("more tiers and sizes than a price may have"),
            Skipped::AliasOf(model_id) => write!(f, "another name of {model_id}"),
            Skipped::SetByOperator => f.write_str("set by an operator"),
        }
    }
}

/// For terminals.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} entries read", self.read)?;
        writeln!(f, "{} models and {} prices taken", self.models, self.prices)?;
        writeln!(f, "{} models unchanged", self.unchanged)?;
        for (reason, ids) in &self.skipped {
            writeln!(f, "{} skipped: {reason}{}", ids.len(), examples(ids))?;
        }
        let lists = [
            (&self.kept_prices, "prices kept that an operator or a list set"),
            (&self.output_from_other, "models with the rate of other output for text output"),
            (&self.unusual, "models dearer than 1000 per million tokens: check them"),
        ];
        for (ids, what) in lists {
            if !ids.is_empty() {
                writeln!(f, "{} {what}{}", ids.len(), examples(ids))?;
            }
        }
        if self.rounded > 0 {
            writeln!(f, "{} rates rounded to 9 decimals per million tokens", self.rounded)?;
        }
        if !self.other_keys.is_empty() {
            writeln!(
                f,
                "not priced, because they are not counted in tokens or units of a known kind:"
            )?;
        }
        for (key, count) in &self.other_keys {
            writeln!(f, "{count:6} {key}")?;
        }
        Ok(())
    }
}

/// The first few ids in brackets.
fn examples(ids: &[String]) -> String {
    const EXAMPLES_MAX: usize = 3;
    let shown = ids[..ids.len().min(EXAMPLES_MAX)].join(", ");
    let more = if ids.len() > EXAMPLES_MAX { ", …" } else { "" };
    format!(" ({shown}{more})")
}

/// Times of an import: from when its prices are effective, and when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub effective_time: Time,
    pub now: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        r#"{"gpt-4o": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}}"#;

    fn later() -> Moment {
        let time = Time::from_micros(1_790_000_000_000_000);
        Moment { effective_time: time, now: time }
    }

    fn with(catalog: &Catalog, import: &Import) -> Catalog {
        let (models, prices) = (import.models.clone(), import.prices.clone());
        catalog.with_models_and_prices(models, prices).unwrap()
    }

    fn input_rate(catalog: &Catalog) -> Option<PerMillion> {
        let price = catalog.price_at("gpt-4o", "", later().effective_time).unwrap();
        price.price().base[0]
    }

    #[test]
    fn a_list_takes_precedence_over_the_built_in_catalog() {
        let builtin = builtin::read(Time::EARLIEST);
        let catalog = with(&Catalog::default(), &builtin);
        let import = litellm::read(TEXT, later()).unwrap().against(&catalog);
        let catalog = with(&catalog, &import);
        assert_eq!(input_rate(&catalog), Some(1_000_000_000));
        let model = catalog.model("gpt-4o-2024-08-06").unwrap().model();
        assert_eq!((&*model.id, &*model.display_name), ("gpt-4o", "GPT-4o"), "names stay");
        assert_eq!(model.source, Source::Import);
        assert_eq!(builtin::read(later().now).against(&catalog).models, []);
        assert_eq!(builtin::read(later().now).against(&catalog).prices, []);
    }

    #[test]
    fn operators_take_precedence_over_lists() {
        let mut set = builtin::read(Time::EARLIEST);
        set.prices.iter_mut().for_each(|price| price.source = Source::Operator);
        let catalog = with(&Catalog::default(), &set);
        let import = litellm::read(TEXT, later()).unwrap().against(&catalog);
        assert_eq!(import.prices, []);
        assert_eq!(import.report.kept_prices, ["gpt-4o"]);

        set.models.iter_mut().for_each(|model| model.source = Source::Operator);
        let catalog = with(&Catalog::default(), &set);
        let import = litellm::read(TEXT, later()).unwrap().against(&catalog);
        assert_eq!((import.models.len(), import.prices.len()), (0, 0));
        assert_eq!(import.report.skipped[&Skipped::SetByOperator], ["gpt-4o"]);
        assert!(import.report.to_string().contains("1 skipped: set by an operator (gpt-4o)"));
    }

    #[test]
    fn an_alias_of_the_catalog_is_not_imported_as_a_model() {
        let catalog = with(&Catalog::default(), &builtin::read(Time::EARLIEST));
        let text = TEXT.replace("gpt-4o", "gpt-4o-2024-08-06");
        let import = litellm::read(&text, later()).unwrap().against(&catalog);
        assert_eq!(import.models, []);
        let reason = Skipped::AliasOf("gpt-4o".to_owned());
        assert_eq!(import.report.skipped[&reason], ["gpt-4o-2024-08-06"]);
    }

    #[test]
    fn a_price_that_returns_to_an_earlier_one_is_new() {
        let day = crate::domain::time::MICROS_PER_DAY;
        let mut catalog = Catalog::default();
        let other = TEXT.replace("1e-6", "5e-6");
        for (days, text) in [(0, TEXT), (1, &other), (2, TEXT)] {
            let time = later().now - (2 - days) * day;
            let import = litellm::read(text, Moment { effective_time: time, now: time }).unwrap();
            let import = import.against(&catalog);
            assert_eq!(import.prices.len(), 1);
            catalog = with(&catalog, &import);
        }
        assert_eq!(input_rate(&catalog), Some(1_000_000_000));
        assert_eq!(catalog.prices_of("gpt-4o", None).len(), 3);
    }
}
