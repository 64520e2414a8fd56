//! The index of names: what each canonical key may stand for. Kept up to date when a model
//! changes, so that a lookup never walks over the models.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use super::providers::{
    Maker, family_of, is_bedrock_name, maker_of, name_of, normal, order_of, without_bedrock_region,
    without_bedrock_vendor,
};
use super::spelling::{bedrock_version, canonical};
use crate::domain::catalog::model::Model;

/// Most characters from which two names must begin alike to be near.
const NEAR_CHARS_MIN: usize = 4;

/// How a key names its entry; the smaller one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// It is the id, or an alias.
    Id,
    /// The id without its provider.
    Name,
    /// The same without the version of Bedrock.
    Version,
    /// Without its maker: `gpt-oss-120b` of `openai/gpt-oss-120b`.
    Maker,
}

/// One thing that a key may stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRef {
    pub id: Arc<str>,
    pub rank: Rank,
    pub family: Arc<str>,
    /// As [`normal`] spells it.
    provider: Arc<str>,
    /// The place of the provider in its family.
    order: usize,
    /// Where the name begins in the id.
    name_start: usize,
}

pub type NameRefs = SmallVec<[NameRef; 1]>;

/// Names of models by canonical key.
#[derive(Clone, Debug, Default)]
pub struct NameIndex {
    refs: HashMap<Arc<str>, NameRefs>,
    /// Names and ids in order, to find what is near to an unknown one.
    sorted: BTreeSet<(Arc<str>, Arc<str>)>,
    /// Families of providers by their name, with the number of models.
    families: HashMap<Arc<str>, (Arc<str>, usize)>,
    ids: HashSet<Arc<str>>,
}

impl NameRef {
    /// Of refs of one family the smallest counts: one that leaves nothing out; then the provider
    /// that was named; then by rank, and in the order of the family; then an id that is spelt as
    /// the name, one with its provider, the shortest.
    pub fn preference<'a>(&'a self, name: &str, provider: &str) -> impl Ord + use<'a> {
        (
            self.rank.max(Rank::Name),
            *self.provider != *provider,
            self.rank,
            self.order,
            !self.is_spelt(name),
            self.name_start == 0,
            self.id.len(),
            &*self.id,
        )
    }

    /// Whether only case tells it from the id, or from the id without its provider.
    fn is_spelt(&self, name: &str) -> bool {
        let own = &self.id[self.name_start..];
        self.id.eq_ignore_ascii_case(name) || own.eq_ignore_ascii_case(name)
    }

    /// Whether two refs of one key are entries of the same model. A key that leaves nothing out
    /// says so by itself.
    pub fn is_same_model(&self, other: &NameRef) -> bool {
        if self.rank <= Rank::Name {
            return true;
        }
        let (a, b) = (self.canonical_name(), other.canonical_name());
        match (bedrock_version(&a), bedrock_version(&b)) {
            (Some(rest), None) => rest == b,
            (None, Some(rest)) => a == rest,
            _ => a == b,
        }
    }

    fn canonical_name(&self) -> String {
        canonical(&self.id[self.name_start..])
    }
}

impl NameIndex {
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    pub fn get(&self, key: &str) -> &[NameRef] {
        self.refs.get(key).map_or(&[], |refs| refs)
    }

    /// The family of a provider of the models, by its name in the spelling of [`normal`].
    pub fn family(&self, normal: &str) -> Option<&str> {
        self.families.get(normal).map(|(family, _)| &**family)
    }

    pub fn insert(&mut self, model: &Model) {
        let provider = model.provider.to_ascii_lowercase();
        let named = NameRef {
            id: model.id.clone(),
            rank: Rank::Id,
            family: Arc::from(family_of(&provider)),
            provider: Arc::from(normal(&provider)),
            order: order_of(&provider),
            name_start: model.id.len() - name_of(&model.id, &provider).len(),
        };
        let count = (named.family.clone(), 0);
        self.families.entry(named.provider.clone()).or_insert(count).1 += 1;
        for (key, rank) in keys(model, &provider) {
            let found = NameRef { rank, ..named.clone() };
            let refs = self.refs.entry(Arc::from(key)).or_default();
            if !refs.contains(&found) {
                refs.push(found);
            }
        }
        for key in sorted_keys(model, &provider) {
            self.sorted.insert((Arc::from(key), model.id.clone()));
        }
        self.ids.insert(model.id.clone());
    }

    pub fn remove(&mut self, model: &Model) {
        if !self.ids.remove(&model.id) {
            return;
        }
        let provider = model.provider.to_ascii_lowercase();
        for (key, _) in keys(model, &provider) {
            let Some(refs) = self.refs.get_mut(&*key) else { continue };
            refs.retain(|found| found.id != model.id);
            if refs.is_empty() {
                self.refs.remove(&*key);
            }
        }
        for key in sorted_keys(model, &provider) {
            self.sorted.remove(&(Arc::from(key), model.id.clone()));
        }
        let normal = normal(&provider);
        if let Some((_, count)) = self.families.get_mut(&*normal) {
            *count -= 1;
            if *count == 0 {
                self.families.remove(&*normal);
            }
        }
    }

    /// Ids whose names begin like `key`, the more alike first in either direction.
    pub fn near<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Arc<str>> {
        let enough = (key.chars().count() / 2).max(NEAR_CHARS_MIN);
        let is_near = move |(name, _): &&(Arc<str>, Arc<str>)| {
            let alike = name.chars().zip(key.chars()).take_while(|(a, b)| a == b);
            alike.count() >= enough
        };
        let from = (Arc::from(key), Arc::from(""));
        let after = self.sorted.range((Bound::Included(from.clone()), Bound::Unbounded));
        let before = self.sorted.range((Bound::Unbounded, Bound::Excluded(from))).rev();
        after.take_while(is_near).chain(before.take_while(is_near)).map(|(_, id)| id)
    }
}

/// The keys of a model, with what they are.
fn keys(model: &Model, provider: &str) -> Vec<(String, Rank)> {
    let id = canonical(&model.id);
    let name = canonical(name_of(&model.id, provider));
    let mut keys = Vec::with_capacity(4 + model.aliases.len());
    if let Some(rest) = bedrock_version(&name) {
        keys.push((rest.to_owned(), Rank::Version));
    }
    if let Some(rest) = without_maker(&name, provider) {
        keys.push((rest.to_owned(), Rank::Maker));
    }
    for alias in &model.aliases {
        let name = name_of(alias, provider);
        if name.len() < alias.len() {
            keys.push((canonical(name), Rank::Name));
        }
        keys.push((canonical(alias), Rank::Id));
    }
    if name != id {
        keys.push((name, Rank::Name));
    }
    keys.push((id, Rank::Id));
    keys
}

/// The keys under which a model may be near to an unknown name.
fn sorted_keys(model: &Model, provider: &str) -> [String; 2] {
    let name = canonical(name_of(&model.id, provider));
    let last = name.rsplit_once('/').map_or(&*name, |(_, last)| last).to_owned();
    [name, last]
}

/// A canonical name without its maker, where a provider has models of several makers.
fn without_maker<'a>(name: &'a str, provider: &str) -> Option<&'a str> {
    match family_of(provider) {
        // Not of inference profiles: their price may be that of the region.
        "bedrock" if without_bedrock_region(name).is_none() && is_bedrock_name(name) => {
            without_bedrock_vendor(bedrock_version(name).unwrap_or(name))
        }
        // What stands before a slash there is a region, a size or a quality.
        "bedrock" | "azure" | "openai" | "xai" => None,
        _ => {
            let (maker, rest) = name.split_once('/')?;
            let is_maker = !maker.is_empty() && !rest.is_empty() && !rest.contains('/');
            is_maker.then_some(rest)
        }
    }
}

/// Which of the families that have a name is meant, where neither the caller nor the name says:
/// that of the maker; of models that anyone may serve none; else the only one.
pub fn by_maker<'a>(key: &str, refs: impl Iterator<Item = &'a NameRef>) -> Option<&'a str> {
    let mut families: SmallVec<[&str; 4]> = SmallVec::new();
    for found in refs {
        if !families.contains(&&*found.family) {
            families.push(&found.family);
        }
    }
    let of_catalog =
        |maker: &&'static str| families.iter().find(|family| *family == maker).copied();
    match maker_of(key) {
        Maker::Sells(makers) => makers.iter().find_map(of_catalog),
        Maker::Open => None,
        Maker::Unknown => match families[..] {
            [only] => Some(only),
            _ => None,
        },
    }
}
