//! Which model stands in.

use crate::script::check;

#[test]
fn the_dearest_of_the_cheaper_ones_comes_first() {
    check(
        "plan 100
         model a 1000/1000 cap 0
         model b 200/200
         model c 800/800
         model d 2000/2000
         model e 1000/1000
         check r1 a in=1k out=0           => routed c; held 0.8; no d says; no e says
         check r2 a in=1k out=0           => routed c
         cap c 1.6
         check r3 a in=1k out=0           => routed b",
    );
}

#[test]
fn cheaper_is_judged_by_the_tokens_of_the_request() {
    check(
        "plan 100
         model a 1000/1000 cap 0
         model input-heavy 2000/100
         model output-heavy 100/2000
         check r1 a in=1k out=10k         => routed input-heavy; held 3
         check r2 a in=10k out=1k         => routed output-heavy; held 3",
    );
}

#[test]
fn equally_dear_ones_are_asked_by_id() {
    check(
        "plan 100
         model a 1000/1000 cap 0
         model c 500/500
         model b 500/500
         check r1 a in=1k out=0           => routed b",
    );
}

#[test]
fn a_candidate_has_what_the_request_needs() {
    check(
        "plan 100
         model a 1000/1000 cap 0
         model b 900/900 can vision context 2k
         model c 800/800
         model d unpriced
         check r1 a in=1k out=1k needs=vision
         => routed b; c says CapabilityMissing; d says ModelUnpriced
         check r2 a in=1k out=1001 needs=vision
         => blocked; NoAllowedModel; b says ContextWindowExceeded
         check r3 a in=1k out=1001        => routed c",
    );
}

#[test]
fn the_largest_input_is_not_the_window() {
    check(
        "plan 9000
         model a 1000/1000 cap 0
         model b 900/900 context 400k max-in 272k
         check r1 a in=200k out=100k      => routed b
         check r2 a in=272k out=128k      => routed b
         check r3 a in=273k out=1k
         => blocked; NoAllowedModel; b says ContextWindowExceeded
         check r4 a in=272k out=129k
         => blocked; NoAllowedModel; b says ContextWindowExceeded",
    );
}

#[test]
fn a_candidates_own_maximum_bounds_it() {
    check(
        "plan 100
         model a 1000/1000 cap 0
         model b 900/900 context 2k max-out 500
         check r1 a in=1k out=9k          => routed b; held 1.35",
    );
}

#[test]
fn a_chain_comes_in_its_own_order() {
    check(
        "plan 100
         model a 1000/1000 cap 0
         model b 200/200
         model c 800/800
         model d 5000/5000
         model e 10/10 unset
         chain a nobody,e,a,d,b
         check r1 a in=1k out=0
         => routed d; held 5; nobody says ModelUnknown; e says ModelDisabled
         cap d 5
         check r2 a in=1k out=0           => routed b; no c says",
    );
}

#[test]
fn a_candidate_must_fit_the_envelope_as_well() {
    check(
        "plan 1
         model a 1000/1000 cap 0
         model d 5000/5000
         chain a d
         check r1 a in=1k out=0
         => blocked; NoAllowedModel; a says NoAllowedModel
       => envelope of acme says RequestTooLarge: limit 1 spent 0 held 0 need 5 \
           until 2026-02-01T00:00",
    );
}

#[test]
fn fallback_does_not_help_against_the_envelope() {
    check(
        "plan 1
         model a 1000/1000 cap 1
         model b 100/100
         check r1 a in=2k out=0           => blocked; RequestTooLarge; no routed
         record r0 b in=9k                => spent 0.9
         check r2 a in=1k out=0           => blocked; Exhausted",
    );
}

#[test]
fn the_switch_is_obeyed() {
    check(
        "plan 10
         fallback off
         model a 1000/1000 cap 1
         model b 100/100
         check r1 a in=1k out=0           => allowed
         check r2 a in=1k out=0           => blocked; ModelLimit; retry 1s
         fallback on
         check r2 a in=1k out=0           => routed b
         cap a 1 off
         check r3 a in=1k out=0           => allowed",
    );
}

#[test]
fn no_allowed_model_waits_for_the_model_that_was_asked() {
    check(
        "plan 10
         model a 1000/1000 cap 1
         check r1 a in=1k out=0           => allowed
         check r2 a in=1k out=0           => blocked; NoAllowedModel; retry 1s
         record r1 a in=1k                => spent 1
         check r2 a in=1k out=0           => blocked; NoAllowedModel; retry 1425600s
         check r3 a in=2k out=0           => blocked; NoAllowedModel; no retry",
    );
}

#[test]
fn a_free_model_can_stand_in() {
    check(
        "plan 10
         model a 1000/1000 cap 0
         model free 0/0 cap 0
         check r1 a in=1k out=0           => routed free; held 0",
    );
}

/// Each model has a cache of its own.
#[test]
fn the_cache_is_cold_on_another_model() {
    check(
        "plan 100
         model a 2/8 cap 0.001 cached=0.2
         model b 1/4 cap 0.05 cached=0.1
         check r1 a cached=100k out=0      => blocked; NoAllowedModel; no b says
         check r2 a in=10k cached=10k out=0 => routed b; held 0.02
         model c 0.1/0.1 cached=0.01
         check r3 a cached=100k out=0      => routed c; held 0.01
         chain a b
         check r4 a cached=100k out=0      => blocked; NoAllowedModel",
    );
}

/// A model with a warm cache may be the cheapest.
#[test]
fn a_cold_model_is_no_cheaper_one() {
    check(
        "plan 100
         model a 2/8 cached=0.2
         model b 1/4 cached=0.1
         model d 9/9
         quota q workspace 0 per day downgrade
         check r1 a cached=100k out=0      => allowed; held 0.02
         check r2 a in=100k out=0          => routed b; held 0.1",
    );
}
