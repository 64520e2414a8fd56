//! Reads JSON into a tree, and leaves out on the way what is not kept.
//!
//! Texts and lists that are left out are passed over without being built. How deep it goes is
//! bounded, for what is entered; what is passed over takes no stack.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::Unreadable;
use super::name_set::NameSet;
use super::rule::{self, Kinds, Region};
use super::table::Table;
use super::tree::{Event, NameId, Node, NodeId, Tree, Value};
use super::{DEPTH_MAX, PARTS_MAX};

/// Adds the events of one part to the tree.
///
/// # Errors
/// If it is not JSON, nested too deeply, or names one thing twice.
pub(super) fn parse<'a>(
    tree: &mut Tree<'a>,
    table: &Table,
    part: usize,
    json: &'a str,
) -> Result<(), Unreadable> {
    debug_assert!(part < PARTS_MAX, "checked before");
    let mut builder = Builder { tree, table, part, failure: None };
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let place = Place { region: Region::Open, kinds: Kinds::default(), name: 0, depth: 0 };
    let root = At { builder: &mut builder, place, key: Cow::Borrowed(""), is_root: true };
    let result = root.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    let failure = builder.failure.take();
    match (result, failure) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(failure)) => Err(failure),
        (Err(error), None) => Err(Unreadable::NotJson { part, message: error.to_string() }),
    }
}

struct Builder<'t, 'a> {
    tree: &'t mut Tree<'a>,
    table: &'t Table,
    part: usize,
    /// Why parsing was ended from in here.
    failure: Option<Unreadable>,
}

impl<'a> Builder<'_, 'a> {
    fn push(&mut self, place: &Place, key: Cow<'a, str>, value: Value<'a>) -> NodeId {
        let node = self.tree.nodes.len();
        let is_narrow = place.kinds.is_narrow && place.region != Region::Usage;
        let end = u32::try_from(node + 1).expect("parts are bounded");
        self.tree.nodes.push(Node { name: place.name, is_narrow, end, key, value });
        node
    }

    /// Ends a node at what was pushed last.
    fn close(&mut self, node: NodeId) {
        let end = self.tree.nodes.len();
        self.tree.nodes[node].end = u32::try_from(end).expect("parts are bounded");
    }

    fn fail<E: Error>(&mut self, failure: Unreadable) -> E {
        let error = E::custom(&failure);
        self.failure = Some(failure);
        error
    }
}

/// Where a value is.
#[derive(Clone, Copy)]
struct Place {
    /// What it is in.
    region: Region,
    kinds: Kinds,
    name: NameId,
    /// Objects and lists that it is in.
    depth: usize,
}

/// A value that is about to be read.
struct At<'b, 't, 'a> {
    builder: &'b mut Builder<'t, 'a>,
    place: Place,
    key: Cow<'a, str>,
    /// Whether it is an event, or a list of events.
    is_root: bool,
}

impl<'a> DeserializeSeed<'a> for At<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> At<'_, '_, 'a> {
    fn number(self, value: Value<'a>) {
        let is_element = self.key.is_empty();
        if !is_element && self.place.kinds.keeps_number(self.place.region) {
            self.builder.push(&self.place, self.key, value);
        }
    }

    fn text<E: Error>(self, text: Cow<'a, str>) -> Result<(), E> {
        let Place { region, kinds, name, .. } = self.place;
        if self.key.is_empty() {
            return Ok(());
        }
        let is_numeric = kinds.keeps_numeric_text(region) && rule::is_number(&text);
        if is_numeric || (kinds.keeps_text(region) && rule::is_short_text(&text)) {
            self.builder.push(&self.place, self.key, Value::Text(text));
        } else if region == Region::Usage && self.builder.table.is_token_figure(name) {
            let name = self.key.into_owned();
            let part = self.builder.part;
            return Err(self.builder.fail(Unreadable::NotANumber { part, name }));
        }
        Ok(())
    }

    fn check_depth<E: Error>(&mut self) -> Result<(), E> {
        if self.place.depth < DEPTH_MAX {
            return Ok(());
        }
        let part = self.builder.part;
        Err(self.builder.fail(Unreadable::TooDeep { part }))
    }
}

impl<'a> Visitor<'a> for At<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.number(Value::Bool(value));
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.number(Value::Int(value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        // Above 2^63 no count is accepted, so what is lost in a float does not matter.
        self.number(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int));
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.number(Value::Float(value));
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, value: &'a str) -> Result<(), E> {
        self.text(Cow::Borrowed(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.text(Cow::Owned(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut list: A) -> Result<(), A::Error> {
        self.check_depth()?;
        if self.is_root {
            return self.events(list);
        }
        let Place { region, kinds, depth, .. } = self.place;
        if kinds.is_counted && region != Region::Usage {
            let mut count = 0;
            while list.next_element::<IgnoredAny>()?.is_some() {
                count += 1;
            }
            self.builder.push(&self.place, self.key, Value::Int(count));
            return Ok(());
        }
        let inside = if self.key.is_empty() { None } else { kinds.list(region) };
        let Some(inside) = inside else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        let place = Place { region: inside, kinds: Kinds::default(), name: 0, depth: depth + 1 };
        let builder = self.builder;
        let node = builder.push(&self.place, self.key, Value::List);
        while list
            .next_element_seed(At { builder, place, key: Cow::Borrowed(""), is_root: false })?
            .is_some()
        {}
        end_or_drop(builder, node);
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(mut self, map: A) -> Result<(), A::Error> {
        self.check_depth()?;
        let Place { region, kinds, depth, .. } = self.place;
        let is_element = self.key.is_empty();
        let inside = if is_element { Some(region) } else { kinds.object(region) };
        let Some(inside) = inside else {
            return pass_over(map);
        };
        let builder = self.builder;
        let node = builder.push(&self.place, self.key, Value::Object);
        let names = members(builder, map, inside, depth + 1)?;
        if self.is_root {
            builder.close(node);
            let part = builder.part;
            builder.tree.events.push(Event { node, part, names });
        } else {
            end_or_drop(builder, node);
        }
        Ok(())
    }
}

impl<'a> At<'_, '_, 'a> {
    /// Reads a list of events, or of lists of events.
    fn events<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        let place = Place { depth: self.place.depth + 1, ..self.place };
        let builder = self.builder;
        while list
            .next_element_seed(At { builder, place, key: Cow::Borrowed(""), is_root: true })?
            .is_some()
        {}
        Ok(())
    }
}

/// Ends an object or a list, or takes it back if it is empty.
fn end_or_drop(builder: &mut Builder<'_, '_>, node: NodeId) {
    if builder.tree.nodes.len() == node + 1 {
        builder.tree.nodes.truncate(node);
    } else {
        builder.close(node);
    }
}

fn pass_over<'a, A: MapAccess<'a>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads the members of an object, and returns the names of those that were kept.
fn members<'a, A: MapAccess<'a>>(
    builder: &mut Builder<'_, 'a>,
    mut map: A,
    region: Region,
    depth: usize,
) -> Result<NameSet, A::Error> {
    let mut seen = NameSet::default();
    while let Some(key) = map.next_key_seed(Key)? {
        let Some((name, kinds)) = builder.table.look_up(&key, region) else {
            map.next_value::<IgnoredAny>()?;
            continue;
        };
        let before = builder.tree.nodes.len();
        if name != 0 && seen.has(name) {
            let part = builder.part;
            return Err(builder.fail(Unreadable::Twice { part, name: key.into_owned() }));
        }
        let place = Place { region, kinds, name, depth };
        map.next_value_seed(At { builder, place, key, is_root: false })?;
        if builder.tree.nodes.len() > before {
            seen.add(name);
        }
    }
    Ok(seen)
}

/// The name of a member.
struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Cow<'a, str>, D::Error> {
        deserializer.deserialize_str(Key)
    }
}

impl<'a> Visitor<'a> for Key {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, value: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}
