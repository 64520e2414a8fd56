//! What is counted of requests that were blocked or routed.

use crate::script::check;

#[test]
fn a_block_counts_once_for_the_request_and_once_for_each_limit() {
    check(
        "zone Asia/Kolkata
         plan 10
         model a 1000/1000 cap 2
         quota q user each 1 per month
         fallback off
         check r1 a in=500 out=0 user=u    => allowed
         refusals                         => 0 keys
         check r2 a in=3k out=0 user=u    => blocked
         check r2 a in=3k out=0 user=u    => blocked
         check r3 a in=11k out=0 user=u   => blocked
         check r4 a in=11k out=0 user=u dry  => blocked
         refusals                         => 4 keys
         => 2026-01-15T11:30 u Request a: blocked 3 for 17 routed 0 saved 0
         => 2026-01-15T11:30 u Envelope a: blocked 1 for 11 routed 0 saved 0
         => 2026-01-15T11:30 u ModelLimit(\"a\") a: blocked 3 for 17 routed 0 saved 0
         => 2026-01-15T11:30 u Quota(\"q\") a: blocked 3 for 17 routed 0 saved 0
         refusals                         => 0 keys",
    );
}

#[test]
fn a_route_counts_what_it_saves_and_once_however_often_it_is_asked_for() {
    check(
        "plan 100
         model a 1000/1000 cap 2 alias spelt
         model b 100/100
         check r1 spelt in=3k out=0       => routed b; held 0.3
         check r1 spelt in=3k out=0       => routed b
         refusals                         => 2 keys
         => 2026-01-15T12:00  Request a: blocked 0 for 0 routed 1 saved 2.7
         => 2026-01-15T12:00  ModelLimit(\"a\") a: blocked 0 for 0 routed 1 saved 2.7
         at 2026-01-15T13:59
         check r2 a in=3k out=0           => routed b
         refusals                         => 2 keys
         => 2026-01-15T13:00  Request a: blocked 0 for 0 routed 1 saved 2.7",
    );
}

#[test]
fn a_rule_is_counted_by_its_reason_and_the_model_as_it_was_spelt() {
    check(
        "plan 100
         model a 1000/1000 alias spelt unset
         model c unpriced
         check r1 nobody in=3k out=0      => blocked; ModelUnknown
         check r2 spelt in=3k out=0       => blocked; ModelDisabled
         check r3 c in=3k out=0           => blocked; ModelUnpriced
         refusals                         => 6 keys
         => 2026-01-15T12:00  Rule(\"MODEL_UNKNOWN\") nobody: blocked 1 for 0 routed 0 saved 0
         => 2026-01-15T12:00  Rule(\"MODEL_DISABLED\") a: blocked 1 for 3 routed 0 saved 0
         => 2026-01-15T12:00  Rule(\"MODEL_UNPRICED\") c: blocked 1 for 0 routed 0 saved 0
         => 2026-01-15T12:00  Request c: blocked 1 for 0 routed 0 saved 0",
    );
}

#[test]
fn names_that_nobody_knows_cannot_multiply_what_is_stored() {
    let checks: String = (0..150)
        .map(|number| format!("check r{number} made-up-{number} in=1k out=0 => blocked\n"))
        .collect();
    let again = "check r200 made-up-7 in=1k out=0 => blocked
        check r201 made-up-149 in=1k out=0 => blocked";
    check(&format!(
        "plan 100
         model a 1000/1000
         {checks}
         refusals                         => 202 keys
         => 2026-01-15T12:00  Request : blocked 50 for 0 routed 0 saved 0
         {again}
         refusals                         => 4 keys
         => 2026-01-15T12:00  Request made-up-7: blocked 1 for 0 routed 0 saved 0
         => 2026-01-15T12:00  Request : blocked 1 for 0 routed 0 saved 0"
    ));
}
