//! The difference between a list and the catalog: what of the list is taken.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::report::{CHANGES_MAX, Change, Changed, Report, Skipped};
use crate::domain::Time;
use crate::domain::catalog::bill::{Multiplier, UnitRates, is_without_units};
use crate::domain::catalog::price::{Price, RateCard, Source};
use crate::domain::catalog::{Catalog, Confirmation, Model, ModelEntry};
use crate::domain::usage::{ServiceTier, TokenClass, UnitKind, Usage};

/// What changes by more than this factor, up or down, is mostly a mistake.
const JUMP_FACTOR: i128 = 10;

/// Longest id of a model that is taken.
const ID_BYTES_MAX: usize = 256;

/// Models and prices to add, with a report.
#[derive(Clone, Debug, Default)]
pub struct Import {
    pub models: Vec<Model>,
    pub prices: Vec<Price>,
    /// Of prices that are there and bill as the list says, each once.
    pub confirmations: Vec<Confirmation>,
    pub report: Report,
}

/// The names that a list gives.
struct ListedNames {
    /// Ids by alias.
    aliases: HashMap<String, Arc<str>>,
    ids: HashSet<Arc<str>>,
}

/// Times of an import: from when its prices are effective, and when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub effective_time: Time,
    pub now: Time,
}

/// What happens to prices that change more than tenfold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jumps {
    #[default]
    HoldBack,
    Take,
}

impl Import {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty() && self.prices.is_empty() && self.confirmations.is_empty()
    }

    /// The difference to the catalog. Operators take precedence over lists, and lists over the
    /// built-in catalog. What a list does not say of a model stays as it is.
    pub fn against(self, catalog: &Catalog) -> Import {
        self.against_with(catalog, Jumps::HoldBack)
    }

    /// The same, with or without the prices that jump.
    pub fn against_with(mut self, catalog: &Catalog, jumps: Jumps) -> Import {
        let mut import = Import { report: std::mem::take(&mut self.report), ..Import::default() };
        let mut prices: BTreeMap<Arc<str>, Vec<Price>> = BTreeMap::new();
        for price in self.prices {
            prices.entry(Arc::clone(&price.model_id)).or_default().push(price);
        }
        let names = ListedNames::of(&self.models);
        for model in self.models {
            let prices = prices.remove(&model.id).unwrap_or_default();
            import.take((catalog, &names), jumps, model, prices);
        }
        import.confirmations.sort_by(|a, b| a.price_id.cmp(&b.price_id));
        import.confirmations.dedup_by(|a, b| a.price_id == b.price_id);
        let report = &mut import.report;
        report.models = import.models.len();
        report.prices = import.prices.len();
        report.changes.sort_by_key(|change| !change.held_back);
        report.changes.truncate(CHANGES_MAX);
        import
    }

    fn take(
        &mut self,
        (catalog, names): (&Catalog, &ListedNames),
        jumps: Jumps,
        model: Model,
        prices: Vec<Price>,
    ) {
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
            for mut price in prices {
                self.confirms(catalog, before, &mut price);
            }
            return;
        }
        let mut changed = false;
        if let Some(model) = changed_model(catalog, names, before, model) {
            self.models.push(model);
            changed = true;
        }
        for price in prices {
            changed |= self.take_price(catalog, before, jumps, price);
        }
        if !changed {
            self.report.unchanged += 1;
        }
    }

    /// Whether the price that counts bills as this one, which then has its units and factors where
    /// it says nothing of them. It is confirmed, unless it is known to be right until later.
    fn confirms(
        &mut self,
        catalog: &Catalog,
        before: Option<&Arc<ModelEntry>>,
        price: &mut Price,
    ) -> bool {
        let valid = before.and_then(|entry| entry.price_at("", price.effective_time));
        let Some(valid) = valid.map(|valid| valid.price()) else { return false };
        keep_extras(price, valid);
        if !valid.bills_as(price) {
            return false;
        }
        self.report.confirmed += 1;
        if price.create_time > catalog.confirm_time(valid) {
            let (price_id, confirm_time) = (Arc::clone(&valid.id), price.create_time);
            self.confirmations.push(Confirmation { price_id, confirm_time });
        }
        true
    }

    /// Whether the price is taken.
    fn take_price(
        &mut self,
        catalog: &Catalog,
        before: Option<&Arc<ModelEntry>>,
        jumps: Jumps,
        mut price: Price,
    ) -> bool {
        if self.confirms(catalog, before, &mut price) || catalog.price_by_id(&price.id).is_some() {
            return false;
        }
        let valid = before.and_then(|entry| entry.price_at("", price.effective_time));
        let Some(valid) = valid else {
            self.prices.push(price);
            return true;
        };
        if rank(valid.price().source) > rank(price.source) {
            self.report.kept_prices.push(price.model_id.to_string());
            return false;
        }
        let mut changes = changes_of(valid, &price);
        let held_back = jumps == Jumps::HoldBack && changes.iter().any(is_jump);
        for change in &mut changes {
            change.held_back = held_back;
        }
        self.report.change_count += changes.len();
        if held_back || self.report.changes.len() < CHANGES_MAX {
            self.report.changes.append(&mut changes);
        }
        if held_back {
            self.report.jumps.push(price.model_id.to_string());
            return false;
        }
        self.prices.push(price);
        true
    }
}

impl ListedNames {
    fn of(models: &[Model]) -> ListedNames {
        let aliases = models.iter().flat_map(|model| {
            model.aliases.iter().map(|alias| (alias.clone(), Arc::clone(&model.id)))
        });
        let ids = models.iter().map(|model| Arc::clone(&model.id));
        ListedNames { aliases: aliases.collect(), ids: ids.collect() }
    }

    /// Whether a model may have an alias: no model has it, or itself, or the list moves it to it
    /// from another of its models.
    fn may_have(&self, catalog: &Catalog, model: &Model, alias: &str) -> bool {
        let listed = self.aliases.get(alias);
        if *alias == *model.id || listed.is_some_and(|listed| *listed != model.id) {
            return false;
        }
        let Some(owner) = catalog.by_id_or_alias(alias).map(|entry| entry.model()) else {
            return true;
        };
        let moves = || {
            *owner.id != *alias
                && listed.is_some()
                && self.ids.contains(&owner.id)
                && rank(owner.source) <= rank(model.source)
        };
        owner.id == model.id || moves()
    }
}

/// Whether a text of a list can be the id of a model.
pub fn is_id(text: &str) -> bool {
    let usable = |character: char| !character.is_whitespace() && !character.is_control();
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.chars().all(usable)
}

/// The merged model; none if nothing changes.
fn changed_model(
    catalog: &Catalog,
    names: &ListedNames,
    before: Option<&Arc<ModelEntry>>,
    mut model: Model,
) -> Option<Model> {
    let before = before.map(|entry| entry.model());
    if let Some(before) = before {
        if rank(before.source) > rank(model.source) {
            return None;
        }
        model.complete_from(before);
    }
    let aliases = std::mem::take(&mut model.aliases);
    let is_kept = |alias: &String| names.may_have(catalog, &model, alias);
    model.aliases = aliases.into_iter().filter(is_kept).collect();
    if let Some(before) = before {
        let same =
            Model { source: before.source, update_time: before.update_time, ..model.clone() };
        if same == *before {
            return None;
        }
    }
    Some(model)
}

fn rank(source: Source) -> u8 {
    match source {
        Source::Builtin => 0,
        Source::Import => 1,
        Source::Operator => 2,
    }
}

/// Keeps the units and factors of the price before where a list says nothing of them: some formats
/// have tokens alone.
fn keep_extras(price: &mut Price, before: &Price) {
    let mut unit_rates = price.variants.iter().map(|variant| &variant.unit_rates);
    if price.currency != before.currency
        || unit_rates.any(|rates| !is_without_units(rates))
        || !is_without_units(&price.unit_rates)
        || !price.factors.is_empty()
    {
        return;
    }
    price.unit_rates = before.unit_rates;
    price.factors.clone_from(&before.factors);
}

/// What bills differently: rates of tokens and units by tier and size, then factors. None of
/// another currency: it cannot be compared.
fn changes_of(before: &RateCard, price: &Price) -> Vec<Change> {
    if before.price().currency != price.currency {
        return Vec::new();
    }
    let after = RateCard::new(Arc::new(price.clone()));
    let variants = before.price().variants.iter().chain(&price.variants);
    let mut sizes: Vec<i64> = variants.map(|variant| variant.min_input_tokens()).collect();
    sizes.push(0);
    sizes.sort_unstable();
    sizes.dedup();
    let mut changes = Changes { model_id: &price.model_id, list: Vec::new() };
    for tier in ServiceTier::ALL {
        for size in &sizes {
            let usage = Usage::default().with(TokenClass::Input, *size);
            let (rates, _) = before.rates(&usage, tier);
            let (new_rates, _) = after.rates(&usage, tier);
            for class in TokenClass::ALL {
                let rates = [rates, new_rates].map(|rates| Some(rates[class as usize]));
                changes.add(Changed::Tokens(class), (tier, *size), rates);
            }
            let rates = [before, &after].map(|card| card.unit_rates(*size, tier));
            for kind in UnitKind::ALL {
                let of_kind = |rates: Option<&UnitRates>| rates.and_then(|it| it[kind as usize]);
                changes.add(Changed::Units(kind), (tier, *size), rates.map(of_kind));
            }
        }
    }
    for factor in before.price().factors.iter().chain(&price.factors) {
        let multiplier = |price: &Price| Some(price.factor(&factor.name)?.multiplier.nanos());
        let multipliers = [before.price(), price].map(multiplier);
        let changed = Changed::Factor(Arc::clone(&factor.name));
        changes.add(changed, (ServiceTier::Standard, 0), multipliers);
    }
    changes.list
}

/// The changes of one price while they are found.
struct Changes<'a> {
    model_id: &'a Arc<str>,
    list: Vec<Change>,
}

impl Changes<'_> {
    /// Adds what differs, unless it follows from a change of another class, size or tier.
    fn add(
        &mut self,
        changed: Changed,
        (tier, min_input_tokens): (ServiceTier, i64),
        [before, after]: [Option<i64>; 2],
    ) {
        let is_followed = |other: &Change| {
            (other.before, other.after) == (before, after) && is_alike(&other.changed, &changed)
        };
        if before == after || self.list.iter().any(is_followed) {
            return;
        }
        let model_id = Arc::clone(self.model_id);
        let held_back = false;
        let change = Change { model_id, changed, tier, min_input_tokens, before, after, held_back };
        self.list.push(change);
    }
}

/// Whether both are the same, or of classes of tokens that follow one another.
fn is_alike(one: &Changed, other: &Changed) -> bool {
    match (one, other) {
        (Changed::Tokens(one), Changed::Tokens(other)) => is_output(*one) == is_output(*other),
        _ => one == other,
    }
}

fn is_output(class: TokenClass) -> bool {
    class as usize >= TokenClass::Output as usize
        && !matches!(class, TokenClass::AudioInput | TokenClass::ImageInput)
}

/// A rate that falls to nothing is one, too; one that was nothing before is not: it was unknown. A
/// factor that is taken away is one of 1.
fn is_jump(change: &Change) -> bool {
    let nothing = match change.changed {
        Changed::Tokens(_) | Changed::Units(_) => 0,
        Changed::Factor(_) => Multiplier::ONE.nanos(),
    };
    let before = i128::from(change.before.unwrap_or(0));
    let after = i128::from(change.after.unwrap_or(nothing));
    let is_more = |a: i128, b: i128| a > b * JUMP_FACTOR;
    before > 0 && (is_more(after, before) || is_more(before, after))
}
