//! Insight: reads the series of a subject from rollups, and says what `crate::insight` finds in it.

pub mod seasonality;
pub mod series;
