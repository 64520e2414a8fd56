//! Load for Tollgate: synthetic usage histories, and the replay of recorded traces.
//!
//! Knows nothing of the service. It deals in plain values, and the command line (`src/cli/`)
//! connects them to storage and to gRPC: a package whose binary uses this library could not be a
//! dependency of it. So the service's own library has no random distributions, no histograms and
//! no progress bars.

#![forbid(unsafe_code)]

pub mod generate;
pub mod progress;
pub mod replay;
