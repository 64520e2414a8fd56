//! Insight: reads the series of a subject from rollups, and says what `crate::insight` finds in it.

pub mod anomalies;
pub mod forecast;
pub mod history;
pub mod outlook;
pub mod price_changes;
pub mod recommendations;
pub mod risks;
pub mod seasonality;
pub mod series;
pub mod subjects;
