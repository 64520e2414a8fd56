//! Faults to be switched on by the test of the tests (`tests/mutants.rs`), each at the place where
//! it would be made. Without the feature `mutants` there are none: `is` is the constant `false`.

/// A fault, named after what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The decision is made under one lock and applied under another.
    CheckThenUpdate,
    LimitItselfIsTooMuch,
    FreeIsBlocked,
    ZeroMeansNoLimit,
    FallbackAtThePriceOfTheAsked,
    FallbackMayBeDearer,
    HoldInOneLimitOnly,
    ReleaseTwice,
    RefundIntoTheCurrentWindow,
    ExpiredHoldLeaks,
    SecondChargeLeaks,
    DropAboveTheHold,
    ChargeTheWindowOfTheRecord,
    BillAtThePriceOfNow,
    OtherContentIsARepeat,
    NewCutForgetsSpend,
    AnswerBeforeCommit,
    NoDedupe,
    UnknownIsFailure,
    FailureIsCharged,
    RepeatTakesChargeBack,
    StopForgetsHolds,
    AskTheOverruled,
    ChargeMoneyOnly,
    OneBucketTooFew,
    RetryOneBucketEarly,
    BoostAfterItsEnd,
    GroupOfNow,
    DowngradeIgnoresHardLimits,
    ThresholdJumpedOver,
    TokensAreNotCorrected,
    AlertAgainAfterALoad,
}

/// Whether a fault is switched on.
#[cfg(not(feature = "mutants"))]
pub const fn is(_: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
pub use switch::{is, with};

#[cfg(feature = "mutants")]
mod switch {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Whether a fault is switched on in this thread.
    pub fn is(mutant: Mutant) -> bool {
        ACTIVE.get() == Some(mutant)
    }

    /// Runs something with a fault switched on, in this thread.
    pub fn with<T>(mutant: Option<Mutant>, run: impl FnOnce() -> T) -> T {
        let before = ACTIVE.replace(mutant);
        let result = run();
        ACTIVE.set(before);
        result
    }
}
