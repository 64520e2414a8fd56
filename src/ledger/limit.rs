//! A limit: an amount that the spend of a subject must not pass in a window.
//!
//! The envelope and a model's cap are two cases of it; a check visits all that apply.

use super::amount::Amount;
use super::calendar::Window;
use super::decision::{LimitFigures, LimitKind, Reason};
use super::meter::Totals;
use super::mutants::{self, Mutant};

/// One limit that applies to a request.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub kind: LimitKind,
    pub amount: Amount,
}

/// What a limit has against a request.
#[derive(Clone, Copy, Debug)]
pub struct Objection {
    pub reason: Reason,
    pub figures: LimitFigures,
}

impl Limit {
    /// Whether `need` fits: spent + held + need ≤ limit (I1). Zero always fits, also where the
    /// limit is passed already: a free model is never blocked for money.
    pub fn admit(&self, totals: Totals, need: Amount, window: Window) -> Result<(), Objection> {
        assert!(need >= Amount::ZERO, "a request never needs less than nothing");
        let is_free = need.is_zero() && !mutants::is(Mutant::FreeIsBlocked);
        let room = match mutants::is(Mutant::LimitItselfIsTooMuch) {
            true => self.amount - Amount::from_nanos(1),
            false => self.amount,
        };
        if is_free || totals.spent + totals.held + need <= room {
            return Ok(());
        }
        let reason = if need > self.amount {
            Reason::RequestTooLarge
        } else if totals.spent + need > self.amount {
            Reason::Exhausted
        } else {
            Reason::HeldInFlight
        };
        let figures = LimitFigures {
            kind: self.kind,
            limit: self.amount,
            spent: totals.spent,
            held: totals.held,
            need,
            reset_time: window.end,
        };
        Err(Objection { reason, figures })
    }
}
