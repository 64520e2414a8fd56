//! Requests of every method, one after the other, to a server whose storage is a model.
//!
//! A call is a byte that chooses the method, the length of what follows in one byte, and so many
//! bytes: the message itself, or with the highest bit of the first byte set a recipe for it. Some
//! first bytes move the clock, or start the server again.

mod bounds;
mod recipe;

use std::sync::{Arc, OnceLock};

use prost::Message;
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::proto::v1;
use tonic::Code;

use super::server::{Server, StillClock, check_code};
use crate::machine::reference::{self, Reference};
use crate::store::faults::Faults;
use crate::store::{SimStore, Weather};
use crate::wire::{Method, methods};
use recipe::Recipes;

/// Most calls of one input.
const CALLS_MAX: usize = 16;
const IS_RECIPE: u8 = 128;
/// First bytes above the methods: the clock is moved, in seconds, and what repeats is done.
const WAITS: [i64; 6] = [1, 61, 3_600, 86_400, 31 * 86_400, -5];

struct Api {
    methods: Vec<Method>,
    recipes: Recipes,
}

fn api() -> &'static Api {
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| {
        let start = reference::START.micros() / MICROS_PER_SECOND;
        Api { methods: methods(), recipes: Recipes::new(start) }
    })
}

pub fn run(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime needs no resources here");
    runtime.block_on(async {
        let store = SimStore::new(0, Faults::default());
        prepare(&store);
        let clock = Arc::new(StillClock::new(reference::START));
        let mut server = Server::start(Arc::new(store.connect()), clock.clone()).await;
        let mut rest = bytes;
        for _ in 0..CALLS_MAX {
            let Some((choice, length, after)) = split(rest) else { break };
            let (payload, after) = after.split_at(length.min(after.len()));
            rest = after;
            let method = usize::from(choice & !IS_RECIPE);
            match api().methods.get(method) {
                Some(method) => {
                    let message = match choice & IS_RECIPE {
                        0 => payload.to_vec(),
                        _ => api().recipes.message(&method.input, payload),
                    };
                    call(&mut server, &method.path, message).await;
                }
                None if method - api().methods.len() < WAITS.len() => {
                    let seconds = WAITS[method - api().methods.len()];
                    clock.advance(seconds * MICROS_PER_SECOND);
                    repeat(&server).await;
                }
                None => {
                    server.engine.stop().await.expect("storage answers");
                    server = Server::start(Arc::new(store.connect()), clock.clone()).await;
                }
            }
            assert!(!server.engine.fatal().is_cancelled(), "the writer has failed");
            bounds::check(&store.disk());
        }
        repeat(&server).await;
        bounds::check(&store.disk());
        server.engine.stop().await.expect("storage answers");
    });
}

fn split(bytes: &[u8]) -> Option<(u8, usize, &[u8])> {
    let (choice, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    Some((*choice, usize::from(*length), rest))
}

/// What the server does by itself.
async fn repeat(server: &Server) {
    server.engine.expire_holds().await.expect("storage answers");
    server.engine.store_raised().await.expect("storage answers");
    server.engine.fold_now().await;
}

async fn call(server: &mut Server, path: &str, message: Vec<u8>) {
    let Ok(messages) = server.call(path, &[], message).await else { return };
    for message in &messages {
        check_items(path, message);
    }
}

/// Items of an answer have failures of their own.
fn check_items(path: &str, message: &[u8]) {
    let decoded = "an answer is what the protos say";
    let error = match path {
        "/tollgate.v1.UsageService/CheckAndRouteStream" => {
            let answer = v1::CheckAndRouteStreamResponse::decode(message).expect(decoded);
            match answer.result {
                Some(v1::check_and_route_stream_response::Result::Error(error)) => Some(error),
                _ => None,
            }
        }
        "/tollgate.v1.UsageService/RecordUsageBatch" => {
            let answer = v1::RecordUsageBatchResponse::decode(message).expect(decoded);
            answer.results.into_iter().find_map(|result| match result.result {
                Some(v1::record_usage_result::Result::Error(error)) => Some(error),
                _ => None,
            })
        }
        _ => None,
    };
    if let Some(error) = error {
        check_code(path, Code::from(error.code), &error.message);
    }
}

/// Two workspaces, with models and prices.
fn prepare(store: &SimStore) {
    store.set_weather(Weather::Still);
    let mut disk = store.disk();
    let oracle = Reference::new().oracle;
    disk.catalog.models = oracle.catalog.models;
    disk.catalog.prices = oracle.catalog.prices;
    for id in ["acme", "other"] {
        let mut workspace = reference::workspace();
        workspace.id = id.into();
        disk.workspaces.insert(id.to_owned(), workspace);
        for model in &oracle.models {
            disk.models.insert((id.to_owned(), model.model_id.to_string()), model.clone());
        }
    }
}
