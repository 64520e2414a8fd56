//! What is found in usage: anomalies and recommendations.

pub mod anomalies;
pub mod recommendations;
