#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]

mod address;
mod answer;
mod authorization;
mod breaker;
mod client;
mod delivery;
mod errors;
mod estimate;
mod guard;
mod inner;
mod money;
mod names;
mod pages;
mod queue_file;
mod record_json;
mod recorded;
mod reduce;
mod report;
mod request;
mod resume;
mod rule;
pub mod testing;
mod transport;
mod webhook;

/// The messages and stubs of the API, generated from its protos.
#[allow(missing_docs, rustdoc::all, clippy::all, clippy::pedantic)]
pub mod v1 {
    tonic::include_proto!("tollgate.v1");
}

/// The README's example, with the addresses of the servers that tests/examples.rs runs it against.
#[cfg(all(doctest, tollgate_readme))]
#[doc = include_str!(env!("TOLLGATE_README"))]
pub struct Readme;

pub use answer::{AnswerError, ProviderAnswer};
pub use authorization::SourceError;
pub use client::{Client, ClientBuilder, Tls};
pub use delivery::Stats;
pub use errors::{Blocked, ConnectError, GuardError, Verdict, error_reason};
pub use estimate::{Tokenizer, estimate_tokens};
pub use guard::{Call, OpenCall};
pub use money::{Money, MoneyError};
pub use names::{ApiEnum, OpenEnum};
pub use pages::{List, Pages, Sending};
pub use recorded::Recorded;
pub use request::{Policy, Request, RequestTo, make_request_id};
pub use resume::Resume;
pub use transport::Transport;
pub use v1::{
    BudgetState, Decision, Enforcement, ErrorReason, LimitKind, LimitPeriod, LimitUnit, Outcome,
    Reason, ServiceTier, SubjectType, UnitKind, Usage, UsageUnit,
};
pub use webhook::{WebhookError, WebhookVerifier};
