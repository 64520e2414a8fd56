//! Messages that are made by their descriptors: bytes choose fields and values that mean something,
//! and some that are just out of bounds.
//!
//! Two bytes are one field of the message that is open: which one, and its value. A message as a
//! value is opened, a field 255 closes it.

use std::collections::HashMap;

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use tollgate::proto::DESCRIPTORS;

const CLOSE: u8 = 255;
const DEPTH_MAX: usize = 8;

/// Texts for any field, many of them wrong.
const TEXTS: [&str; 32] = [
    "acme",
    "other",
    "a",
    "b",
    "unpriced",
    "alias-of-b",
    "r1",
    "r2",
    "x",
    "ada",
    "team",
    "search",
    "team=search",
    "fast",
    "us",
    "vision",
    "1",
    "0.5",
    "-1",
    "1000000000",
    "1000000000.000000001",
    "EUR",
    "USD",
    "Europe/Berlin",
    "2026-01-31",
    "https://hooks.example.com/a?b=c",
    "ada@example.com",
    "*",
    "litellm",
    "line\nbreak",
    "\u{202e}hidden\u{200b}",
    "é日本語🦀",
];
const IDS: [&str; 8] = ["x", "y", "z", "a", "b", "ada", "eve", "k"];
const REQUESTS: [&str; 4] = ["r1", "r2", "r3", "r4"];
const MODELS: [&str; 8] = ["a", "b", "c", "free", "unpriced", "alias-of-b", "nobody", "new"];
const AMOUNTS: [&str; 16] = [
    "0",
    "0.01",
    "1",
    "12.50",
    "100",
    "0.000000001",
    "0.0000000001",
    "1000000000",
    "1000000000.000000001",
    "9223372036.854775807",
    "9223372036.854775808",
    "-1",
    "1e3",
    ".",
    "1.",
    "00000000000000000000000000001.0",
];
const CURRENCIES: [&str; 5] = ["EUR", "USD", "JPY", "eur", "EURO"];
const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Mars/Olympus"];
const PATHS: [&str; 16] = [
    "display_name",
    "limit",
    "limit_count",
    "exempt",
    "enforcement",
    "alert_threshold_percents",
    "no_alerts",
    "bounds",
    "time_zone",
    "currency_code",
    "disabled",
    "expire_time",
    "allowed_model_ids",
    "key_group_id",
    "plan.budget",
    "*",
];
const ANSWERS: [&str; 6] = [
    r#"{"model":"a","usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#,
    r#"{"id":"c","usage":{"input_tokens":3,"output_tokens":4,"cache_read_input_tokens":100}}"#,
    r#"{"usageMetadata":{"promptTokenCount":7,"totalTokenCount":9}}"#,
    r#"{"usage":{"cost":0.5}}"#,
    r#"{"choices":[]}"#,
    "{",
];
const LISTS: [&str; 3] = [
    r#"{"a":{"litellm_provider":"x","input_cost_per_token":1e-6,"output_cost_per_token":2e-6}}"#,
    r#"{"p":{"id":"p","models":{"n":{"id":"n","cost":{"input":1,"output":2},"limit":{}}}}}"#,
    r#"[{"id":"p","models":[{"id":"n","match":{"equals":"n"},"prices":{"input_mtok":1}}]}]"#,
];
const NUMBERS: [i64; 24] = [
    0,
    1,
    2,
    3,
    10,
    50,
    100,
    101,
    1_000,
    1_001,
    3_650,
    5_000,
    1_000_000,
    100_000_000,
    100_000_001,
    1_000_000_000,
    1_000_000_000_000,
    1_000_000_000_000_001,
    i32::MAX as i64,
    i64::MAX,
    -1,
    -1_000,
    i32::MIN as i64,
    i64::MIN,
];
/// Seconds from the start.
const TIMES: [i64; 16] = [
    0,
    1,
    -1,
    60,
    -60,
    3_600,
    -3_600,
    86_400,
    -86_400,
    -35 * 86_400,
    -36 * 86_400,
    366 * 86_400,
    367 * 86_400,
    40_000_000_000,
    -40_000_000_000,
    300_000_000_000,
];
const SPANS: [i64; 8] = [0, 1, 60, 3_600, 86_400, 86_401, -1, 315_576_000_001];
const NANOS: [i32; 4] = [0, 1_000, 999_999_999, -1];

/// All messages of the protos.
pub struct Recipes {
    messages: HashMap<String, DescriptorProto>,
    /// What times are counted from, in seconds since 1970.
    start: i64,
}

/// A message that is open: the number of its field in the one around it, and its bytes.
struct Open<'a> {
    number: u32,
    message: &'a DescriptorProto,
    bytes: Vec<u8>,
}

impl Recipes {
    pub fn new(start: i64) -> Recipes {
        let descriptors = FileDescriptorSet::decode(DESCRIPTORS).expect("descriptors");
        let mut messages = HashMap::new();
        for file in descriptors.file {
            let package = format!(".{}", file.package());
            file.message_type.into_iter().for_each(|it| register(&mut messages, &package, it));
        }
        Recipes { messages, start }
    }

    /// The bytes of a message.
    pub fn message<'a>(&'a self, message: &'a DescriptorProto, recipe: &[u8]) -> Vec<u8> {
        let mut open = vec![Open { number: 0, message, bytes: Vec::new() }];
        for step in recipe.chunks_exact(2) {
            let inner = open.last_mut().expect("the outermost stays open");
            let fields = &inner.message.field;
            if step[0] == CLOSE || fields.is_empty() {
                close(&mut open);
                continue;
            }
            let field = &fields[usize::from(step[0]) % fields.len()];
            if self.put(&mut inner.bytes, field, step[1]) {
                continue;
            }
            let message = &self.messages[field.type_name()];
            if open.len() < DEPTH_MAX {
                let number = field.number().unsigned_abs();
                open.push(Open { number, message, bytes: Vec::new() });
            }
        }
        while open.len() > 1 {
            close(&mut open);
        }
        open.remove(0).bytes
    }

    /// Adds a field, unless it is a message that is to be opened.
    fn put(&self, bytes: &mut Vec<u8>, field: &FieldDescriptorProto, value: u8) -> bool {
        let number = field.number().unsigned_abs();
        let at = usize::from(value);
        match field.r#type() {
            Type::Message => match field.type_name() {
                ".google.protobuf.Timestamp" => {
                    let seconds = self.start + TIMES[at % 16];
                    put_bytes(bytes, number, &moment(seconds, NANOS[at / 16 % 4]));
                }
                ".google.protobuf.Duration" => {
                    put_bytes(bytes, number, &moment(SPANS[at % 8], NANOS[at / 8 % 4]));
                }
                ".google.protobuf.FieldMask" => {
                    let mut mask = Vec::new();
                    put_bytes(&mut mask, 1, PATHS[at % PATHS.len()].as_bytes());
                    put_bytes(bytes, number, &mask);
                }
                ".tollgate.v1.Money" => {
                    let mut money = Vec::new();
                    put_bytes(&mut money, 1, CURRENCIES[at / 16 % 5].as_bytes());
                    put_bytes(&mut money, 2, AMOUNTS[at % 16].as_bytes());
                    put_bytes(bytes, number, &money);
                }
                _ => return false,
            },
            Type::String | Type::Bytes => put_bytes(bytes, number, &text(field.name(), at)),
            Type::Enum => put_number(bytes, number, i64::from(value % 16)),
            Type::Bool => put_number(bytes, number, i64::from(value & 1)),
            _ => put_number(bytes, number, NUMBERS[at % NUMBERS.len()]),
        }
        true
    }
}

fn register(
    messages: &mut HashMap<String, DescriptorProto>,
    around: &str,
    message: DescriptorProto,
) {
    let name = format!("{around}.{}", message.name());
    let inner = message.nested_type.iter();
    inner.for_each(|inner| register(messages, &name, inner.clone()));
    messages.insert(name, message);
}

fn close(open: &mut Vec<Open<'_>>) {
    if open.len() > 1
        && let Some(closed) = open.pop()
        && let Some(around) = open.last_mut()
    {
        put_bytes(&mut around.bytes, closed.number, &closed.bytes);
    }
}

/// A text for a field of this name. High values are texts that may be anything.
fn text(name: &str, at: usize) -> Vec<u8> {
    let of = |list: &[&str]| list[at % list.len()].as_bytes().to_vec();
    match (at, name) {
        (250.., _) => "é".repeat([63, 64, 128, 129, 256, 257][at - 250]).into_bytes(),
        (200.., _) => of(&TEXTS),
        (_, "workspace_id") if at < 150 => b"acme".to_vec(),
        (_, "request_id") => of(&REQUESTS),
        (_, "page_token") => Vec::new(),
        (_, "currency_code" | "from_currency_code" | "to_currency_code") => of(&CURRENCIES),
        (_, "time_zone") => of(&ZONES),
        (_, "json") => of(&ANSWERS),
        (_, "content") => of(&LISTS),
        (_, "amount" | "rate" | "multiplier") => of(&AMOUNTS),
        _ if name.ends_with("per_million") || name.ends_with("per_thousand") => of(&AMOUNTS),
        _ if name.contains("model_id") => of(&MODELS),
        _ if name.ends_with("_id") || name.ends_with("_ids") => of(&IDS),
        _ => of(&TEXTS),
    }
}

fn moment(seconds: i64, nanos: i32) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_number(&mut bytes, 1, seconds);
    put_number(&mut bytes, 2, nanos.into());
    bytes
}

fn put_number(bytes: &mut Vec<u8>, number: u32, value: i64) {
    encode_key(number, WireType::Varint, bytes);
    encode_varint(value.cast_unsigned(), bytes);
}

fn put_bytes(bytes: &mut Vec<u8>, number: u32, value: &[u8]) {
    encode_key(number, WireType::LengthDelimited, bytes);
    encode_varint(value.len() as u64, bytes);
    bytes.extend_from_slice(value);
}
