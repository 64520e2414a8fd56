//! The API through a real server and real clients: what each call answers, and what it refuses.
//!
//! Each test has a server and a database of its own, and a clock that stands still. What the ledger
//! decides in every case is tested where the ledger is.

#[path = "support/outage.rs"]
mod outage;
#[path = "support/receiver.rs"]
mod receiver;
#[path = "support/server.rs"]
mod server;
#[path = "support/smtp.rs"]
mod smtp;
mod support;

#[path = "api/alerts.rs"]
mod alerts;
#[path = "api/analytics.rs"]
mod analytics;
#[path = "api/analytics_bad_input.rs"]
mod analytics_bad_input;
#[path = "api/analytics_people.rs"]
mod analytics_people;
#[path = "api/analytics_refusals.rs"]
mod analytics_refusals;
#[path = "api/analytics_setup.rs"]
mod analytics_setup;
#[path = "api/audit.rs"]
mod audit;
#[path = "api/bad_input.rs"]
mod bad_input;
#[path = "api/boosts.rs"]
mod boosts;
#[path = "api/budget.rs"]
mod budget;
#[path = "api/directory.rs"]
mod directory;
#[path = "api/erasure.rs"]
mod erasure;
#[path = "api/export.rs"]
mod export;
#[path = "api/fixtures.rs"]
mod fixtures;
#[path = "api/generate.rs"]
mod generate;
#[path = "api/keys.rs"]
mod keys;
#[path = "api/lifecycle.rs"]
mod lifecycle;
#[path = "api/limits.rs"]
mod limits;
#[path = "api/mail.rs"]
mod mail;
#[path = "api/model_limit.rs"]
mod model_limit;
#[path = "api/pages.rs"]
mod pages;
#[path = "api/quotas.rs"]
mod quotas;
#[path = "api/rate_limits.rs"]
mod rate_limits;
#[path = "api/retention.rs"]
mod retention;
#[path = "api/streams.rs"]
mod streams;
#[path = "api/usage.rs"]
mod usage;
#[path = "api/verdicts.rs"]
mod verdicts;
#[path = "api/web.rs"]
mod web;
#[path = "api/webhooks.rs"]
mod webhooks;
