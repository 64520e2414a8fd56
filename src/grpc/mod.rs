//! Thin adapters between gRPC and the engine: decode, call, encode. Knows protos; nothing else
//! does.
//!
//! Decides nothing about requests: it refuses what is not well formed, and passes on the rest.

mod actor;
mod analytics;
mod audit;
mod alert;
mod budget;
mod check_stream;
mod directory;
pub mod convert;
mod export;
pub mod health;
mod model_limit;
pub mod page;
mod quota;
pub mod router;
pub mod status;
mod usage;

use std::pin::Pin;

use futures_util::Stream;
use tonic::Status;

pub use alert::Alert;
pub use analytics::Analytics;
pub use audit::Audit;
pub use budget::Budget;
pub use directory::Directory;
pub use model_limit::ModelLimit;
pub use quota::Quota;
pub use usage::Usage;

/// What a streaming call answers with.
type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
