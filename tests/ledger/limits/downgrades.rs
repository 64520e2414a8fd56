//! Limits that lead to a cheaper model.

use crate::script::check;

#[test]
fn a_downgrade_leads_to_a_cheaper_model() {
    check(
        "plan 100
         model a 1000/1000
         model b 500/500
         quota q user each 1 per day downgrade
         check r1 a in=1k out=0 user=ada   => allowed
         check r2 a in=1k out=0 user=ada
         => routed b; Downgrade; held 0.5
         => q of user ada says HeldInFlight: limit 1 spent 0 held 1 need 1 until 2026-01-16T00:00
         check r3 a in=9k out=0 user=ada   => routed b; Downgrade
         check r4 a in=9k out=0 user=bob   => routed b
         check r5 a in=1k out=0            => allowed",
    );
}

#[test]
fn the_cheapest_model_runs_on() {
    check(
        "plan 100
         model a 1000/1000
         model b 500/500
         quota q user each 1 per day downgrade
         check r1 b in=9k out=0 user=ada
         => allowed; no Downgrade; no retry
         => q of user ada says RequestTooLarge: limit 1 spent 0 held 0 need 4.5 \
            until 2026-01-16T00:00, and lets it pass
         disable a
         check r2 b in=9k out=0 user=ada   => blocked; NoAllowedModel; no retry",
    );
}

#[test]
fn with_fallback_off_it_blocks() {
    check(
        "plan 100
         fallback off
         model a 1000/1000 cap 3
         model b 500/500
         quota q user each 1 per day downgrade
         check r1 a in=2k out=0 user=ada   => blocked; Downgrade; no retry
         check r2 b in=9k out=0 user=ada   => blocked; Downgrade
         check r3 a in=4k out=0 user=ada   => blocked; ModelLimit",
    );
}

#[test]
fn a_cap_and_a_downgrade_are_a_model_limit() {
    check(
        "plan 100
         model a 1000/1000 cap 1
         model b 500/500
         quota q user each 1 per day downgrade
         check r1 a in=2k out=0 user=ada   => routed b; ModelLimit
         check r2 a in=2k out=0            => routed b; ModelLimit",
    );
}

#[test]
fn a_candidate_must_keep_its_hard_limits() {
    check(
        "plan 100
         model a 1000/1000
         model b 500/500
         model c 200/200
         quota away user each 1 per day downgrade
         quota hard user each 0.5 per day only=b
         quota own workspace 1 per day only=c downgrade
         check r1 a in=2k out=0 user=ada
         => routed c; held 0.4
         => hard of user ada says RequestTooLarge: limit 0.5 spent 0 held 0 need 1 \
            until 2026-01-16T00:00
         check r2 a in=4k out=0 user=ada
         => blocked; NoAllowedModel; a says NoAllowedModel
         => own of acme says HeldInFlight: limit 1 spent 0 held 0.4 need 0.8 \
            until 2026-01-16T00:00",
    );
}

#[test]
fn a_hard_limit_blocks_before_any_downgrade() {
    check(
        "plan 100
         model a 1000/1000
         model b 500/500
         quota away user each 1 per day downgrade
         quota hard user each 2 per day only=a
         check r1 a in=2k out=0 user=ada   => routed b
         check r2 a in=3k out=0 user=ada
         => blocked; RequestTooLarge
         => away of user ada says RequestTooLarge: limit 1 spent 0 held 1 need 3 \
            until 2026-01-16T00:00
         => hard of user ada says RequestTooLarge: limit 2 spent 0 held 0 need 3 \
            until 2026-01-16T00:00",
    );
}

#[test]
fn a_chain_is_kept_to() {
    check(
        "plan 100
         model a 1000/1000
         model b 500/500
         model c 200/200
         chain a c
         quota q user each 1 per day downgrade
         check r1 a in=2k out=0 user=ada   => routed c; held 0.4
         check r2 b in=3k out=0 user=ada   => routed c",
    );
}

#[test]
fn a_rate_limit_may_lead_away_as_well() {
    check(
        "plan 100
         model a 1000/1000
         model b 500/500
         rate-limit l user each rpm=1 only=a downgrade
         check r1 a in=1k out=0 user=ada   => allowed
         check r2 a in=1k out=0 user=ada   => routed b; Downgrade
         wait 61s
         check r3 a in=1k out=0 user=ada   => allowed",
    );
}

#[test]
fn the_same_request_again_gets_the_same_reason() {
    check(
        "plan 100
         model a 1000/1000
         model b 500/500
         quota q user each 1 per day downgrade
         check r1 a in=2k out=0 user=ada   => routed b; Downgrade
         check r1 a in=2k out=0 user=ada   => routed b; Downgrade",
    );
}

#[test]
fn a_model_that_costs_the_same_is_not_cheaper() {
    check(
        "plan 100
         model a 500/500
         model b 500/500
         model c 1000/1000
         quota q user each 1 per day downgrade
         check r1 a in=9k out=0 user=ada   => allowed; no Downgrade; held 4.5
         disable c
         check r2 a in=9k out=0 user=ada   => blocked; NoAllowedModel",
    );
}
