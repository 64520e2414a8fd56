//! Limits of a provider: of all models that the catalog says are its.

use crate::script::check;

#[test]
fn all_models_of_a_provider_count_together() {
    check(
        "plan 100
         model a 1000/1000 by Acme
         model b 500/500 by ACME
         model c 200/200 by other
         quota q provider acme 3 per day
         check r1 a in=2k out=0            => allowed
         check r2 b in=1k out=0            => allowed
         check r3 b in=2k out=0
         => blocked; HeldInFlight; no routed
         => q of provider acme says HeldInFlight: limit 3 spent 0 held 2.5 need 1 \
            until 2026-01-16T00:00
         check r4 c in=9k out=0            => allowed
         record r1 a in=2k                 => cost 2
         record r2 b in=1k                 => cost 0.5
         check r3 b in=2k out=0            => blocked; Exhausted; retry 43200s
         check r5 a in=4k out=0            => blocked; RequestTooLarge
         usage => 1. q of provider acme: 2.5 of 3, held 0, 833333 ppm; 1 entries
         usage provider=acme => 1. q of provider acme: 2.5 of 3, held 0, 833333 ppm
         usage provider=other => 0 entries
         at 2026-01-16T00:00
         check r3 b in=2k out=0            => allowed",
    );
}

#[test]
fn each_provider_has_a_limit_of_its_own() {
    check(
        "plan 100
         model a 1000/1000 by x
         model b 1000/1000 by y
         quota each provider each 2 per day alerts=50
         quota named provider y none per day
         check r1 a in=2k out=0            => allowed
         check r2 a in=1k out=0
         => blocked; each of provider x says HeldInFlight: limit 2 spent 0 held 2 need 1 \
            until 2026-01-16T00:00
         check r3 b in=9k out=0            => allowed
         boost more each +1 for=1d subject_id=x
         check r2 a in=1k out=0            => allowed
         record r1 a in=2k                 => cost 2
         alerts => 1 alerts; 1. 50% of each for provider x: 2 of 3",
    );
}

#[test]
fn what_is_exhausted_leads_to_another_provider() {
    check(
        "plan 100
         model a 1000/1000 by x
         model b 900/900 by x
         model c 500/500 by y
         quota q provider x 2 per day downgrade
         check r1 a in=2k out=0            => allowed; held 2
         check r2 a in=1k out=0
         => routed c; Downgrade; held 0.5
         => q of provider x says HeldInFlight: limit 2 spent 0 held 2 need 1 until 2026-01-16T00:00
         => q of provider x says HeldInFlight: limit 2 spent 0 held 2 need 0.9 \
            until 2026-01-16T00:00
         usage => 1. q of provider x: 0 of 2, held 2, 0 ppm
         quota other provider y 0.6 per day downgrade
         check r3 a in=1k out=0
         => blocked; NoAllowedModel; a says NoAllowedModel
         => other of provider y says HeldInFlight: limit 0.6 spent 0 held 0.5 need 0.5 \
            until 2026-01-16T00:00
         fallback off
         check r4 a in=1k out=0            => blocked; Downgrade
         fallback on
         check r5 c in=1k out=0            => blocked; NoAllowedModel
         no-quota other
         chain c a
         quota big provider y 0.1 per day downgrade
         release r1                        => released 2
         check r6 c in=1k out=0            => routed a; Downgrade; held 1",
    );
}

#[test]
fn a_hard_limit_of_a_provider_blocks_and_holds_on_candidates() {
    check(
        "plan 100
         model a 1000/1000 cap 1 by x
         model b 500/500 by y
         model c 400/400 by z
         quota y provider y 0.1 per day
         check r1 a in=2k out=0
         => routed c; ModelLimit; held 0.8
         => y of provider y says RequestTooLarge: limit 0.1 spent 0 held 0 need 1 \
            until 2026-01-16T00:00
         check r2 b in=2k out=0            => blocked; RequestTooLarge",
    );
}

#[test]
fn a_record_counts_for_the_provider_of_its_metered_model() {
    check(
        "plan 100
         model a 1000/1000 by x
         model b 500/500 by y
         quota x provider x 10 per day
         quota y provider y 10 per day
         quota each provider each 9k tokens per day
         check r1 a in=2k out=0            => allowed
         record r1 b in=2k                 => cost 1; counts as b
         => spent 1
         usage of x => 1. x of provider x: 0 of 10, held 0, 0 ppm
         usage of y => 1. y of provider y: 1 of 10, held 0, 100000 ppm
         record r2 unknown in=2k           => unpriced; counts as unknown
         usage of each => 1. each of provider y: 2000 of 9000, held 0, 222222 ppm; 1 entries",
    );
}

#[test]
fn a_new_limit_counts_what_the_log_and_the_holds_say() {
    check(
        "plan 100
         model a 1000/1000 by X
         model b 500/500 by x
         model c 100/100 by y
         record r0 a in=9k start=2026-01-14T23:59 => cost 9
         record r1 a in=1k                 => cost 1
         record r2 b in=1k                 => cost 0.5
         record r3 c in=1k                 => cost 0.1
         check r4 b in=1k out=0            => allowed
         quota x provider x 4 per day
         quota only provider x 4 per month only=a
         quota each provider each 5 per week
         usage of x => 1. x of provider x: 1.5 of 4, held 0.5, 375000 ppm
         usage of only => 1. only of provider x: 10 of 4, held 0, 2500000 ppm
         usage of each => 1. each of provider x: 10.5 of 5, held 0.5, 2100000 ppm
         => 2. each of provider y: 0.1 of 5, held 0, 20000 ppm; 2 entries
         restart
         usage of x => 1. x of provider x: 1.5 of 4, held 0.5, 375000 ppm
         record r4 b in=1k                 => cost 0.5
         crash
         usage of x => 1. x of provider x: 2 of 4, held 0, 500000 ppm
         usage of only => 1. only of provider x: 10 of 4, held 0, 2500000 ppm
         usage of each => 1. each of provider x: 11 of 5, held 0, 2200000 ppm; 2 entries",
    );
}

#[test]
fn a_model_that_moves_takes_what_it_used_along() {
    check(
        "plan 100
         model a 1000/1000 by x
         model b 500/500 by x
         quota x provider x 10 per day alerts=10
         quota y provider y 10 per day alerts=10
         record r1 a in=2k                 => cost 2
         record r2 b in=1k                 => cost 0.5
         alerts => 1. 10% of x for provider x: 2 of 10; 1 alerts
         check r3 a in=1k out=0            => allowed
         model a unpriced by y unset
         usage of x => 1. x of provider x: 0.5 of 10, held 1, 50000 ppm
         usage of y => 1. y of provider y: 2 of 10, held 0, 200000 ppm
         alerts => 1. 10% of y for provider y: 2 of 10; 1 alerts
         record r3 a in=1k                 => cost 1
         usage of x => 1. x of provider x: 0.5 of 10, held 0, 50000 ppm
         usage of y => 1. y of provider y: 3 of 10, held 0, 300000 ppm
         record r4 late in=1k              => unpriced
         price late 1000/1000
         model late 1000/1000 by y
         usage of y => 1. y of provider y: 3 of 10, held 0, 300000 ppm
         crash
         usage of x => 1. x of provider x: 0.5 of 10, held 0, 50000 ppm
         usage of y => 1. y of provider y: 3 of 10, held 0, 300000 ppm",
    );
}

#[test]
fn rates_of_a_provider_are_those_of_its_models() {
    check(
        "plan 100
         model a 1000/1000 by x
         model b 500/500 by x
         model c 500/500 by y
         rate-limit l provider x rpm=2
         check r1 a in=1 out=0             => allowed
         check r2 b in=1 out=0             => allowed
         check r3 b in=1 out=0             => blocked; RateLimited; retry 61s
         check r4 c in=1 out=0             => allowed
         rate-limit m provider each tpm=10
         check r5 c in=9 out=0
         => allowed
         check r6 c in=1 out=0
         => blocked; m of provider y says RateLimited: limit 10 spent 10 held 0 need 1 for 61s",
    );
}
