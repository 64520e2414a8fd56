//! What is limited besides the envelope, and for whom.

mod boosts;
mod departments;
mod downgrades;
mod keys;
mod periods;
mod providers;
mod quotas;
mod rate_limits;
mod tags;
