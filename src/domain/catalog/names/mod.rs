//! Names of models: what callers ask for, what providers answer, what SDKs, gateways and price
//! lists write, resolved to one entry of the catalog, or to none.
//!
//! A name is resolved in this order; the first that fits counts:
//!
//! 1. the id or an alias, as it is spelt;
//! 2. a form that says who serves the model (`parse.rs`): within that provider;
//! 3. the provider that the caller names or the answer is of (the hint), if it has the model; one
//!    that is inferred from the answer rules out no other, see [`Hint`];
//! 4. the maker before the slash, if it sells the model itself (`providers.rs`);
//! 5. the maker of models that begin so, or else the only provider that has the name.
//!
//! A name is looked up in its canonical form, and then with parts cut off in the order of the
//! table in `spelling.rs`: a snapshot stands for its family only where the catalog has no entry of
//! its own. Nothing is guessed: what fits several entries is not resolved, but named as near.

mod index;
mod parse;
pub mod providers;
mod spelling;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use hashbrown::HashSet;

use crate::domain::catalog::model::{Model, ModelEntry};
use index::{NameIndex, NameRef, Rank, by_maker};
use parse::{Parsed, Place, parse};
use providers::{Families, families_named, is_dialect, is_gateway, normal, vendor, without_vendor};
pub use spelling::Reach;
use spelling::{candidates, canonical};

/// Most entries that are named as near to an unknown one.
pub const NEAR_MAX: usize = 5;

/// The names of a catalog: those that are built in, and over them those of its own models.
#[derive(Clone, Debug, Default)]
pub struct Names {
    builtin: Arc<BuiltinNames>,
    /// Shared by catalogs until the names of one change.
    own: Arc<NameIndex>,
    /// Models whose place in the built-in layer is taken.
    hidden: HashSet<Arc<str>>,
}

/// The built-in layer: it never changes, and its index is made when it is needed first.
#[derive(Debug, Default)]
struct BuiltinNames {
    models: Vec<Arc<ModelEntry>>,
    index: OnceLock<NameIndex>,
}

impl BuiltinNames {
    fn index(&self) -> &NameIndex {
        self.index.get_or_init(|| {
            let mut index = NameIndex::default();
            for entry in &self.models {
                index.insert(entry.model());
            }
            index
        })
    }
}

/// The provider whose model a name is taken for; empty for unknown.
#[derive(Clone, Copy, Debug)]
pub enum Hint<'a> {
    /// As the caller names it: the model of another provider is not meant.
    Named(&'a str),
    /// By the form of its answer: others may offer the same API, so it only decides between models
    /// of the same name.
    Inferred(&'a str),
}

impl<'a> Hint<'a> {
    pub fn provider(self) -> &'a str {
        match self {
            Hint::Named(provider) | Hint::Inferred(provider) => provider,
        }
    }

    fn is_inferred(self) -> bool {
        matches!(self, Hint::Inferred(_))
    }
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    pub name: &'a str,
    pub hint: Hint<'a>,
    pub reach: Reach,
    /// Id and provider of the model that has this id or alias.
    pub exact: Option<(&'a Arc<str>, &'a str)>,
}

/// Whose model is looked for.
#[derive(Clone, Copy)]
enum Whose<'a> {
    /// Of these families, one after the other; of members of one rather of the provider that is
    /// named, as [`normal`] spells it.
    Of(&'a [&'a str], &'a str),
    /// Of any provider, if that is certain.
    Anyone,
}

/// Models without a provider: what operators serve themselves, behind the API of a provider.
const OWN_SERVER: Whose = Whose::Of(&[""], "");

impl Names {
    /// The names of built-in models.
    pub fn builtin(models: Vec<Arc<ModelEntry>>) -> Names {
        let builtin = BuiltinNames { models, index: OnceLock::new() };
        Names { builtin: Arc::new(builtin), ..Names::default() }
    }

    /// Makes the index of the built-in layer, so that no lookup has to.
    pub fn prepare(&self) {
        self.builtin.index();
    }

    /// Adds a model in the place of the one with its id.
    pub fn insert(&mut self, before: Option<&Model>, model: &Model) {
        self.remove(before.unwrap_or(model));
        Arc::make_mut(&mut self.own).insert(model);
    }

    pub fn remove(&mut self, model: &Model) {
        if !self.builtin.models.is_empty() {
            self.hidden.insert(model.id.clone());
        }
        if self.own.has(&model.id) {
            Arc::make_mut(&mut self.own).remove(model);
        }
    }

    /// The id of the model that a name stands for.
    pub fn find<'a>(&'a self, query: Query<'a>) -> Option<&'a Arc<str>> {
        let Query { name, reach, hint: given, .. } = query;
        let exact = query.exact.or_else(|| self.in_another_case(name));
        let hint = normal(given.provider());
        let hinted = self.families(&hint);
        if let Some((id, provider)) = exact
            && (hinted.is_empty() || self.is_of(provider, &hint, &hinted))
        {
            return Some(id);
        }
        let parsed = self.parse(name);
        // The family of a name is no reason to leave the model of that very id.
        let is_open = given.is_inferred() && exact.is_some();
        let hinted_reach = if is_open { Reach::Same } else { reach };
        if !hinted.is_empty()
            && let Some(id) = self.search_name(name, Whose::Of(&hinted, &hint), hinted_reach)
        {
            return Some(id);
        }
        if let Place::Provider(provider) = parsed.place {
            let provider = normal(provider);
            let families = self.families(&provider);
            let found = self.search(&parsed, Whose::Of(&families, &provider), reach);
            let found = found.or_else(|| self.search(&parsed, OWN_SERVER, reach));
            return found.or(exact.map(|(id, _)| id));
        }
        if !hinted.is_empty() {
            // Some forms are unlike the name: paths, and what a gateway passes on.
            let found = self.search(&parsed, Whose::Of(&hinted, &hint), hinted_reach);
            if found.is_some() || !(given.is_inferred() || is_dialect(&hint)) {
                return found;
            }
        }
        if let Some((id, _)) = exact {
            return Some(id);
        }
        if let Place::Maker { head, rest } = parsed.place {
            let own = self.provider_family(&normal(head));
            let families: Families = match vendor(head).unwrap_or_default() {
                [] => own.into_iter().collect(),
                families => families.iter().copied().collect(),
            };
            let found = self.search_name(rest, Whose::Of(&families, ""), reach);
            let found = found.or_else(|| self.search_name(rest, OWN_SERVER, reach));
            if found.is_some() || own.is_some() {
                return found;
            }
        }
        self.search(&parsed, Whose::Anyone, reach)
    }

    /// Ids of the models that are left when parts of a model's name are cut off, of the same
    /// provider.
    pub fn families_of(&self, model: &Model) -> impl Iterator<Item = &Arc<str>> {
        let provider = normal(&model.provider);
        let families = self.families(&provider);
        let key = canonical(model.name());
        let shorter = candidates(&key, Reach::Family);
        let found = shorter.iter().filter_map(|key| self.pick(key, &families, key, &provider));
        found.collect::<Vec<_>>().into_iter()
    }

    /// Ids of entries that are near to a name that was not resolved, the nearest first.
    pub fn near(&self, name: &str) -> Vec<Arc<str>> {
        let mut near: Vec<Arc<str>> = Vec::new();
        let mut add = |id: &Arc<str>| {
            if near.len() < NEAR_MAX && !near.contains(id) {
                near.push(id.clone());
            }
            near.len() < NEAR_MAX
        };
        let parsed = self.parse(name);
        for name in &parsed.names {
            let key = canonical(name);
            for key in candidates(&key, Reach::Family) {
                let names = [Some(key), without_vendor(key)];
                for found in names.into_iter().flatten().flat_map(|key| self.refs(key)) {
                    add(&found.id);
                }
            }
        }
        for name in &parsed.names {
            let key = canonical(name);
            let key = key.rsplit_once('/').map_or(&*key, |(_, last)| last);
            let is_shown = |id: &&Arc<str>| !self.hidden.contains(*id);
            let mut all = self.own.near(key).chain(self.builtin.index().near(key).filter(is_shown));
            let _ = all.all(&mut add);
        }
        near
    }

    /// The model whose id only differs in case.
    fn in_another_case<'a>(&'a self, name: &str) -> Option<(&'a Arc<str>, &'a str)> {
        let is_it = |found: &&NameRef| found.id.eq_ignore_ascii_case(name);
        let key = canonical(name);
        let mut found = self.refs(&key).filter(is_it);
        match (found.next(), found.next()) {
            (Some(only), None) => Some((&only.id, only.provider())),
            _ => None,
        }
    }

    fn parse<'a>(&self, name: &'a str) -> Parsed<'a> {
        parse(name, |part| !self.families(&normal(part)).is_empty())
    }

    /// The families that a provider's name may mean, in the spelling of [`normal`]; nothing for a
    /// gateway, or if no table and no model names it.
    fn families<'a>(&'a self, normal: &str) -> Families<'a> {
        if normal.is_empty() || is_gateway(normal) {
            return Families::new();
        }
        if let Some(families) = families_named(normal) {
            return families.iter().copied().collect();
        }
        self.provider_family(normal).into_iter().collect()
    }

    /// Whether a provider is the one that was named: of its family, and itself if a member of the
    /// family was.
    fn is_of(&self, provider: &str, named: &str, families: &[&str]) -> bool {
        let is_member = self.provider_family(named).is_some_and(|family| normal(family) != named);
        if is_member && normal(provider) != named {
            return false;
        }
        let family = self.provider_family(&normal(provider)).unwrap_or_default();
        families.contains(&family)
    }

    fn provider_family(&self, normal: &str) -> Option<&str> {
        self.own.family(normal).or_else(|| self.builtin.index().family(normal))
    }

    fn refs<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a NameRef> {
        let is_shown = |found: &&NameRef| !self.hidden.contains(&found.id);
        self.own.get(key).iter().chain(self.builtin.index().get(key).iter().filter(is_shown))
    }

    fn search<'a>(
        &'a self,
        parsed: &Parsed<'_>,
        whose: Whose<'_>,
        reach: Reach,
    ) -> Option<&'a Arc<str>> {
        parsed.names.iter().find_map(|name| self.search_name(name, whose, reach))
    }

    fn search_name<'a>(
        &'a self,
        name: &str,
        whose: Whose<'_>,
        reach: Reach,
    ) -> Option<&'a Arc<str>> {
        let key = canonical(name);
        candidates(&key, reach).into_iter().find_map(|key| match whose {
            Whose::Anyone => self.pick_certain(key, name),
            Whose::Of(families, provider) => {
                // A host may have the model without its maker.
                let keys = [Some(key), without_vendor(key)];
                let pick = |key| self.pick(key, families, name, provider);
                keys.into_iter().flatten().find_map(pick)
            }
        })
    }

    /// The one model that a key may stand for, of any provider.
    fn pick_certain<'a>(&'a self, key: &str, name: &str) -> Option<&'a Arc<str>> {
        // In another case or spelling it is still the id.
        let mut ids = self.refs(key).filter(|found| found.rank == Rank::Id);
        if let (Some(found), None) = (ids.next(), ids.next()) {
            return Some(&found.id);
        }
        let family = by_maker(key, self.refs(key))?;
        self.pick(key, &[family], name, "")
    }

    fn pick<'a>(
        &'a self,
        key: &str,
        families: &[&str],
        name: &str,
        provider: &str,
    ) -> Option<&'a Arc<str>> {
        families.iter().find_map(|family| {
            let of_family = || self.refs(key).filter(|found| found.family() == *family);
            let order = |found: &&NameRef, other: &&NameRef| {
                found.preference(name, provider).cmp(&other.preference(name, provider))
            };
            let best = of_family().min_by(order)?;
            let mut same_rank = of_family().filter(|found| found.rank == best.rank);
            same_rank.all(|found| found.is_same_model(best)).then_some(&best.id)
        })
    }
}
