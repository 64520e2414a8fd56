//! Insight: reads the series of a subject from rollups, and says what `crate::insight` finds in it.

pub mod anomalies;
pub mod seasonality;
pub mod series;
