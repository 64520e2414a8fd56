//! The requests that the generator sends, encoded once, and the answers that the echo gives.
//!
//! Only the request id differs from call to call; it is written over its place in the encoded
//! message, so that the generator spends next to nothing on making requests.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use rand::RngExt;
use rand::rngs::SmallRng;
use tollgate::proto::v1;

pub const WORKSPACE: &str = "bench";
pub const MODEL: &str = "bench-model";
pub const CURRENCY: &str = "USD";

/// What each request declares, and what each record says it used.
pub const INPUT_TOKENS: i64 = 1_000;
pub const MAX_OUTPUT_TOKENS: i64 = 500;
pub const OUTPUT_TOKENS: i64 = 200;

/// Length of a UUID in text.
pub const ID_LEN: usize = 36;
/// Length of what gRPC writes before each message: a flag and the length.
pub const PREFIX_LEN: usize = 5;

/// Stands where the request id goes; as long as a UUID and unlike anything else in a message.
const ID_PLACE: &str = "@@@@@@@@-@@@@-@@@@-@@@@-@@@@@@@@@@@@";

/// The text of a UUIDv7.
pub type Id = [u8; ID_LEN];

/// A new UUIDv7, greater than those that this thread made before. Without a system call, which is
/// what a random number from the kernel would cost.
pub fn new_id() -> Id {
    thread_local! {
        static IDS: RefCell<Ids> = RefCell::new(Ids::new());
    }
    IDS.with_borrow_mut(Ids::next)
}

/// Makes ids that grow: the 12 bits behind the time count up within a millisecond.
struct Ids {
    random: SmallRng,
    millis: u64,
    count: u16,
}

impl Ids {
    fn new() -> Ids {
        Ids { random: rand::make_rng(), millis: 0, count: 0 }
    }

    fn next(&mut self) -> Id {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(0);
        if millis > self.millis {
            (self.millis, self.count) = (millis, 0);
        } else if self.count == 0x0FFF {
            // More than 4,096 in a millisecond: borrow from the next one.
            (self.millis, self.count) = (self.millis + 1, 0);
        } else {
            self.count += 1;
        }
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&self.count.to_be_bytes());
        self.random.fill(&mut bytes[2..]);
        let uuid = uuid::Builder::from_unix_timestamp_millis(self.millis, &bytes).into_uuid();
        let mut id = [0; ID_LEN];
        uuid.hyphenated().encode_lower(&mut id);
        id
    }
}

/// An encoded message with its gRPC prefix, and where its request id stands.
pub struct Template {
    bytes: Vec<u8>,
    id_at: usize,
}

impl Template {
    fn new(message: &impl Message) -> Template {
        let mut bytes = Vec::with_capacity(PREFIX_LEN + message.encoded_len());
        bytes.put_u8(0);
        bytes.put_u32(u32::try_from(message.encoded_len()).expect("messages are small"));
        message.encode(&mut bytes).expect("a Vec grows");
        let id_at = bytes
            .windows(ID_LEN)
            .position(|window| window == ID_PLACE.as_bytes())
            .expect("every message has a request id");
        Template { bytes, id_at }
    }

    /// Appends the message with `id` to `out`.
    pub fn write(&self, id: &Id, out: &mut BytesMut) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        out[start + self.id_at..][..ID_LEN].copy_from_slice(id);
    }

    /// The message with `id`.
    pub fn fill(&self, id: &Id) -> Bytes {
        let mut out = BytesMut::with_capacity(self.bytes.len());
        self.write(id, &mut out);
        out.freeze()
    }
}

/// One encoded request of each kind for each user.
pub struct Templates {
    pub checks: Vec<Template>,
    pub stream_checks: Vec<Template>,
    /// Records of requests that were never checked: they say whom they are for.
    pub records: Vec<Template>,
    /// The same with the JSON that a provider answered.
    pub answers: Vec<Template>,
    /// Records of requests that were checked: the check has said it.
    pub settling_records: Vec<Template>,
}

impl Templates {
    pub fn new(users: usize, hold_seconds: i64) -> Templates {
        let checks = (0..users).map(|user| check(user, hold_seconds));
        let stream_checks = (0..users)
            .map(|user| v1::CheckAndRouteStreamRequest { check: Some(check(user, hold_seconds)) });
        let records = (0..users).map(|user| record(Some(attribution(user))));
        let answers = (0..users).map(|user| answer(Some(attribution(user))));
        Templates {
            checks: checks.map(|message| Template::new(&message)).collect(),
            stream_checks: stream_checks.map(|message| Template::new(&message)).collect(),
            records: records.map(|message| Template::new(&message)).collect(),
            answers: answers.map(|message| Template::new(&message)).collect(),
            settling_records: vec![Template::new(&record(None))],
        }
    }
}

fn check(user: usize, hold_seconds: i64) -> v1::CheckAndRouteRequest {
    v1::CheckAndRouteRequest {
        workspace_id: WORKSPACE.into(),
        request_id: ID_PLACE.into(),
        model_id: MODEL.into(),
        input_token_count: INPUT_TOKENS,
        max_output_token_count: Some(MAX_OUTPUT_TOKENS),
        attribution: Some(attribution(user)),
        hold_duration: Some(prost_types::Duration { seconds: hold_seconds, nanos: 0 }),
        ..Default::default()
    }
}

fn record(attribution: Option<v1::Attribution>) -> v1::RecordUsageRequest {
    v1::RecordUsageRequest {
        workspace_id: WORKSPACE.into(),
        request_id: ID_PLACE.into(),
        model_id: MODEL.into(),
        usage: Some(v1::Usage {
            input_token_count: INPUT_TOKENS,
            output_token_count: OUTPUT_TOKENS,
            ..Default::default()
        }),
        outcome: v1::Outcome::Success as i32,
        usage_source: v1::UsageSource::Provider as i32,
        latency: Some(prost_types::Duration { seconds: 1, nanos: 250_000_000 }),
        attribution,
        ..Default::default()
    }
}

/// [`record`] with a chat completion as clients send it: without its content.
fn answer(attribution: Option<v1::Attribution>) -> v1::RecordUsageRequest {
    let json = serde_json::json!({
        "id": "chatcmpl-CgE1xq2pW3bVtN8sTfYkLm5RdHaQo",
        "object": "chat.completion",
        "created": 1_763_700_000,
        "model": MODEL,
        "choices": [{ "index": 0, "finish_reason": "stop" }],
        "usage": {
            "prompt_tokens": INPUT_TOKENS,
            "completion_tokens": OUTPUT_TOKENS,
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
            "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
    })
    .to_string();
    v1::RecordUsageRequest {
        model_id: String::new(),
        usage: None,
        provider_answer: Some(v1::ProviderAnswer { provider: "openai".into(), json: vec![json] }),
        ..record(attribution)
    }
}

fn attribution(user: usize) -> v1::Attribution {
    v1::Attribution {
        user_id: user_name(user),
        department_id: department_name(user),
        assistant_id: assistant_name(user),
        ..Default::default()
    }
}

pub fn user_name(user: usize) -> String {
    format!("user-{user:06}")
}

pub fn department_name(user: usize) -> String {
    format!("department-{:02}", user % 20)
}

pub fn assistant_name(user: usize) -> String {
    format!("assistant-{:03}", user % 200)
}

/// What a server that allows everything would answer: of the shape of Tollgate's answer.
pub fn canned_check(request: v1::CheckAndRouteRequest) -> v1::CheckAndRouteResponse {
    v1::CheckAndRouteResponse {
        decision: v1::Decision::Allowed as i32,
        model_id: request.model_id,
        request_id: request.request_id,
        held: Some(money("0.0075")),
        expire_time: Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 123_456_000 }),
        budget_state: v1::BudgetState::WithinPlan as i32,
        ..Default::default()
    }
}

/// What a server that takes everything and keeps nothing would answer.
pub fn canned_record() -> v1::RecordUsageResponse {
    v1::RecordUsageResponse {
        cost: Some(money("0.0045")),
        budget_state: v1::BudgetState::WithinPlan as i32,
        cycle_spent: Some(money("12345.6789")),
        ..Default::default()
    }
}

pub fn money(amount: &str) -> v1::Money {
    v1::Money { currency_code: CURRENCY.into(), amount: amount.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_and_are_uuids_of_version_7() {
        let ids: Vec<Id> = (0..20_000).map(|_| new_id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        for id in ids {
            let uuid = uuid::Uuid::try_parse_ascii(&id).expect("a UUID");
            assert_eq!(uuid.get_version_num(), 7);
        }
    }

    #[test]
    fn templates_carry_the_id_they_are_filled_with() {
        let templates = Templates::new(3, 2);
        let id = new_id();
        let message = templates.checks[2].fill(&id);
        let length = u32::from_be_bytes([message[1], message[2], message[3], message[4]]);
        assert_eq!(length as usize, message.len() - PREFIX_LEN);
        let check = v1::CheckAndRouteRequest::decode(message.slice(PREFIX_LEN..)).expect("whole");
        assert_eq!(check.request_id.as_bytes(), id);
        assert_eq!(check.attribution.expect("is there").user_id, user_name(2));
    }
}
