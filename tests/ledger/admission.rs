//! Limits and reasons.

use crate::script::check;

#[test]
fn the_limit_itself_still_fits() {
    check(
        "plan 3 + 1
         model a 1000/1000
         check r1 a in=4k out=0           => allowed; held 4
         release r1                       => released 4
         check r2 a in=4001 out=0         => blocked; RequestTooLarge; no retry",
    );
}

#[test]
fn states_follow_what_is_spent() {
    check(
        "plan 2 + 2
         model a 1000/1000
         budget                           => within plan
         record r1 a in=2k                => within plan
         record r2 a in=1                 => in overage
         record r3 a in=1999              => exhausted; spent 4
         plan 5
         budget                           => within plan; remaining 1",
    );
}

#[test]
fn reasons_say_what_helps() {
    check(
        "model a 1000/1000
         check r0 a in=1k out=0
         => blocked; PlanNotSet
         => envelope of acme says PlanNotSet: limit 0 spent 0 held 0 need 1 until 2026-02-01T00:00
         => no retry
         plan 10
         check r1 a in=6k out=0           => allowed
         check r2 a in=6k out=0           => blocked; HeldInFlight; retry 1s
         check r2 a in=11k out=0          => blocked; RequestTooLarge; no retry
         record r1 a in=6k                => spent 6
         check r2 a in=6k out=0           => blocked; Exhausted; retry 1425600s
         disable a
         check r2 a in=1 out=0            => blocked; ModelDisabled; no retry
         model b 1000/1000 unset
         check r2 b in=1 out=0            => blocked; ModelDisabled",
    );
}

#[test]
fn the_longest_wait_counts() {
    check(
        "plan 10
         model a 1000/1000 cap 6
         check r1 a in=5k out=0           => allowed
         record r0 a in=4k                => spent 4
         fallback off
         check r2 a in=3k out=0           => blocked; HeldInFlight; retry 1425600s",
    );
}

#[test]
fn unpriced_models_as_the_policy_says() {
    check(
        "plan 10
         model b unpriced
         check r1 b in=1k out=0           => blocked; ModelUnpriced
         unpriced allow
         check r1 b in=1k out=0           => allowed; held 0; b says ModelUnpriced, and lets it pass
         price b 1000/1000
         record r1 b in=1k                => cost 1; priced
         check r2 b in=1k out=0           => allowed; held 1; no b says",
    );
}

#[test]
fn a_missing_exchange_rate_is_an_error() {
    check(
        "plan 10
         model a 1000/1000 usd
         check r1 a in=1k out=0           => error no exchange rate from USD to EUR
         rate EUR USD 2
         check r1 a in=1k out=0           => error no exchange rate from USD to EUR
         record r0 a in=1k                => cost 0; unpriced
         rate USD EUR 0.5
         check r1 a in=1k out=0 hold=23h  => allowed; held 0.5
         rate USD EUR 0.9 from 2026-01-16T00:00
         at 2026-01-16T00:00
         check r2 a in=1k out=0           => allowed; held 0.9
         record r1 a in=2k                => cost 1",
    );
}

#[test]
fn estimates_without_a_maximum_follow_history() {
    let mut script = "plan 1000
         model a 0/1000
         check r1 a in=0                  => allowed; held 1.024
         model b 0/1000 max-out 500
         check r2 b in=0                  => allowed; held 0.5
         check r3 b in=0 out=9k           => allowed; held 0.5\n"
        .to_owned();
    for index in 0..20 {
        script += &format!("record s{index} a out=100\n");
    }
    script += "check r4 a in=0            => allowed; held 0.111
               record f1 a out=90k failed
               check r5 a in=0            => allowed; held 0.111
               crash
               check r6 a in=0            => allowed; held 0.111";
    check(&script);
}

#[test]
fn an_estimate_never_passes_the_bound_of_tokens() {
    check(
        "plan 1000000
         model a 1000/1000
         check r1 a in=100m               => allowed; held 100000",
    );
}

#[test]
fn a_dry_run_holds_nothing() {
    check(
        "plan 10
         model a 1000/1000 cap 4
         model b 500/500
         check r1 a in=4k out=0 dry       => allowed; held 4; no expires
         check r1 a in=6k out=0 dry       => routed b; held 3
         check r1 a in=11k out=0 dry      => blocked
         budget                           => held 0
         check r1 a in=4k out=0           => allowed
         check r1 a in=3k out=0 dry       => routed b
         holds                            => 1 live",
    );
}

#[test]
fn the_same_request_again_holds_nothing_more() {
    check(
        "plan 10
         model a 1000/1000 cap 4
         model b 500/500
         check r1 a in=4k out=0           => allowed; expires 2026-01-15T12:10
         wait 5m
         check r1 a in=4k out=0           => allowed; held 4; expires 2026-01-15T12:10
         check r1 a in=3k out=0           => error request_id is in use with other content
         check r2 a in=4k out=0           => routed b; held 2
         check r2 a in=4k out=0           => routed b; ModelLimit; held 2
         budget                           => held 6
         restart
         check r2 a in=4k out=0           => routed b; held 2
         check r2 a in=3k out=0           => error request_id is in use with other content
         wait 10m
         check r1 a in=3k out=0           => allowed; held 3",
    );
}

/// Four billion units, with what is on the way to the log. A token costs one.
#[test]
fn the_spend_of_a_cycle_is_bounded() {
    let mut script = String::from("plan 100\nrate USD EUR 100\nmodel a 10000/0 usd\n");
    for number in 1..40 {
        script += &format!("record r{number} a in=100m => cost 100000000\n");
    }
    script += "send s1 a in=90m
         record s2 a in=9999998            => cost 9999998
         record s3 a in=3                  => error spend of a cycle is at most 4000000000
         send s4 a in=1
         record s5 a in=2                  => error spend of a cycle is at most 4000000000
         record s6 a in=1                  => cost 1; spent 3909999999
         record s7 a in=1                  => error spend of a cycle is at most 4000000000
         lost s1
         record s8 a in=90m                => cost 90000000
         record s9 a in=1                  => error spend of a cycle is at most 4000000000
         arrives s4                        => cost 1; spent 4000000000
         record s9 a in=1                  => error spend of a cycle is at most 4000000000
         at 2026-02-01T00:00
         record s9 a in=1                  => cost 1; spent 1";
    check(&script);
}

#[test]
fn a_model_without_a_price_is_let_pass_and_named() {
    check(
        "plan 100
         unpriced allow
         model a unpriced
         model b 1000/1000 cap 1
         check r1 a in=1k out=0            => allowed; held 0; no retry
         => a says ModelUnpriced, and lets it pass
         refusals                          => 0 keys
         quota q user each 1 requests per day
         check r2 a in=1k out=0 user=ada   => allowed
         check r3 a in=1k out=0 user=ada
         => blocked; HeldInFlight; retry 1s; a says ModelUnpriced, and lets it pass",
    );
}
