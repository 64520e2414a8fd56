//! A provider answer reduced to what is kept of it, as a flat list of nodes.
//!
//! A node is followed by all that is inside of it, so one allocation holds a whole answer, and
//! names and texts are borrowed from it. Knows names by number, never what they mean.

use std::borrow::Cow;

use super::name_set::NameSet;

/// Number of a name that the table of shapes knows; 0 for all others.
pub(super) type NameId = u16;

/// Index of a node.
pub(super) type NodeId = usize;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Object,
    List,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
}

#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub name: NameId,
    /// Whether it is on the way to the usage beside content.
    pub is_narrow: bool,
    /// The node behind this one and all that is inside of it.
    pub end: u32,
    /// Its name as it is spelt; empty for an element of a list.
    pub key: Cow<'a, str>,
    pub value: Value<'a>,
}

/// The events of an answer: objects, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    pub nodes: Vec<Node<'a>>,
    pub events: Vec<Event>,
}

/// One JSON object of an answer: the whole, or one event of a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub node: NodeId,
    /// Which of the parts it is in.
    pub part: usize,
    /// Names of its members.
    pub names: NameSet,
}

/// Nodes that most answers have room in.
const NODES: usize = 48;

impl<'a> Tree<'a> {
    pub fn with_room() -> Tree<'a> {
        Tree { nodes: Vec::with_capacity(NODES), events: Vec::with_capacity(1) }
    }

    /// What is directly inside of a node, in the order of the answer.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let end = self.nodes[node].end as usize;
        let mut next = node + 1;
        std::iter::from_fn(move || {
            let child = next;
            (child < end).then(|| {
                next = self.nodes[child].end as usize;
                child
            })
        })
    }

    /// The member of this name, if the node is an object that has it.
    pub fn member(&self, node: NodeId, name: NameId) -> Option<NodeId> {
        self.children(node).find(|child| self.nodes[*child].name == name)
    }

    pub fn value(&self, node: NodeId) -> &Value<'a> {
        &self.nodes[node].value
    }

    pub fn text(&self, node: NodeId) -> Option<&str> {
        match self.value(node) {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub fn is_object(&self, node: NodeId) -> bool {
        matches!(self.value(node), Value::Object)
    }

    /// These events as JSON: one object, or a list of them.
    pub fn to_json(&self, events: &[NodeId], content: Content<'_>) -> String {
        let mut writer = Writer { tree: self, content, json: String::with_capacity(JSON_BYTES) };
        match events {
            [one] => writer.write(*one),
            several => writer.between(b"[]", several.iter().copied(), Writer::write),
        }
        writer.json
    }
}

/// Bytes that most answers have room in.
const JSON_BYTES: usize = 512;

/// Which members are written that were entered although they have content, too.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'n> {
    All,
    /// Those alone that one of these nodes is in.
    Around(&'n [NodeId]),
}

/// Writes nodes as JSON.
struct Writer<'t, 'a> {
    tree: &'t Tree<'a>,
    content: Content<'t>,
    json: String,
}

impl Writer<'_, '_> {
    fn write(&mut self, node: NodeId) {
        let (tree, content) = (self.tree, self.content);
        match tree.value(node) {
            Value::Object => self.between(b"{}", inside(tree, content, node), Writer::write_member),
            Value::List => self.between(b"[]", inside(tree, content, node), Writer::write),
            Value::Bool(bool) => self.json.push_str(if *bool { "true" } else { "false" }),
            Value::Int(int) => self.write_int(*int),
            Value::Float(float) => self.write_by_serde(float),
            Value::Text(text) => self.write_text(text),
        }
    }

    /// Writes nodes in brackets, with commas between them.
    fn between(
        &mut self,
        brackets: &[u8; 2],
        nodes: impl Iterator<Item = NodeId>,
        write: impl Fn(&mut Self, NodeId),
    ) {
        self.json.push(char::from(brackets[0]));
        let first = self.json.len();
        for node in nodes {
            if self.json.len() > first {
                self.json.push(',');
            }
            write(self, node);
        }
        self.json.push(char::from(brackets[1]));
    }

    fn write_member(&mut self, node: NodeId) {
        // Nothing in it has to be escaped: other names are left out when an answer is parsed.
        self.json.push('"');
        self.json.push_str(&self.tree.nodes[node].key);
        self.json.push_str("\":");
        self.write(node);
    }

    /// From the last digit to the first: what formats anything takes several times as long.
    fn write_int(&mut self, int: i64) {
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut rest = int.unsigned_abs();
        loop {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if int < 0 {
            self.json.push('-');
        }
        let digits = std::str::from_utf8(&digits[start..]).expect("digits are ASCII");
        self.json.push_str(digits);
    }

    fn write_text(&mut self, text: &str) {
        // Control characters are left out when an answer is parsed.
        if text.contains(['"', '\\']) {
            return self.write_by_serde(text);
        }
        self.json.push('"');
        self.json.push_str(text);
        self.json.push('"');
    }

    fn write_by_serde(&mut self, value: impl serde::Serialize) {
        let json = serde_json::to_string(&value).expect("texts and finite numbers are JSON");
        self.json.push_str(&json);
    }
}

/// The nodes inside of one that are written.
fn inside<'t>(
    tree: &'t Tree<'_>,
    content: Content<'t>,
    node: NodeId,
) -> impl Iterator<Item = NodeId> {
    tree.children(node).filter(move |child| match content {
        Content::Around(kept) if tree.nodes[*child].is_narrow => {
            let inside = *child..tree.nodes[*child].end as usize;
            kept.iter().any(|node| inside.contains(node))
        }
        _ => true,
    })
}
