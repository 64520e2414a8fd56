//! What can be said about a series of usage: what it will be, what repeats in it, and what
//! stands out of it.
//!
//! Pure: series are numbers, without a clock, storage, or currency; recommendations name prices, at
//! a time that is given. The same series always gives the same answer: what is random is drawn from
//! a generator with a fixed seed.

pub mod anomaly;
pub mod forecast;
mod random;
pub mod recommendation;
pub mod seasonality;
mod statistics;
