//! Windows of an hour, a quarter and a year, and the day on which weeks begin.

use crate::script::check;

#[test]
fn hours_quarters_and_years_begin_by_the_local_clock() {
    check(
        "plan 1000
         zone Asia/Kathmandu
         model a 1000/1000
         quota h workspace 2 per hour
         quota q workspace 100 per quarter soft
         quota y user each 200 per year soft
         record r1 a in=2k user=ada        => cost 2
         check r2 a in=1k out=0
         => blocked; h of acme says Exhausted: limit 2 spent 2 held 0 need 1 until 2026-01-15T12:15
         check r2 a in=1k out=0 user=ada explain dry
         => q of acme applies, says nothing: limit 100 spent 2 held 0 need 1 until 2026-03-31T18:15
         => y of user ada applies, says nothing: limit 200 spent 2 held 0 need 1 \
            until 2026-12-31T18:15
         at 2026-01-15T12:15
         check r2 a in=1k out=0            => allowed
         record r3 a in=3k start=2026-01-15T12:14 => cost 3
         check r4 a in=1k out=0            => allowed
         crash
         usage
         => 1. q of workspace: 5 of 100, held 0, 50000 ppm; 3. h of workspace: 0 of 2, held 0, 0 ppm
         at 2026-03-31T18:15
         usage of q                        => 1. q of workspace: 0 of 100, held 0, 0 ppm
         usage user=ada                    => 1. y of user ada: 2 of 200, held 0, 10000 ppm",
    );
}

#[test]
fn a_week_begins_on_the_day_that_is_set() {
    check(
        "plan 1000
         model a 1000/1000
         quota w workspace 10 per week
         record r1 a in=3k start=2026-01-13T10:00 => cost 3
         record r2 a in=2k start=2026-01-15T10:00 => cost 2
         usage                             => 1. w of workspace: 5 of 10, held 0, 500000 ppm
         week wednesday
         usage                             => 1. w of workspace: 2 of 10, held 0, 200000 ppm
         check r3 a in=9k out=0
         => blocked; w of acme says Exhausted: limit 10 spent 2 held 0 need 9 until 2026-01-21T00:00
         week monday
         usage                             => 1. w of workspace: 5 of 10, held 0, 500000 ppm",
    );
}

#[test]
fn a_check_has_the_attribution_that_is_required() {
    check(
        "plan 1000
         model a 1000/1000
         belongs ada sales
         require user,department
         check r1 a in=1k out=0
         => blocked; AttributionMissing; user_id says AttributionMissing
         => department_id says AttributionMissing; held 0
         check r1 a in=1k out=0 user=bob   => blocked; department_id says AttributionMissing
         check r1 a in=1k out=0 user=bob   => no user_id says
         check r1 a in=1k out=0 user=ada   => allowed
         check r2 x in=1k out=0            => AttributionMissing; no x says
         record r9 a in=1k                 => cost 1
         require none
         check r3 a in=1k out=0            => allowed
         refusals                          => 6 keys",
    );
}

#[test]
fn requests_in_flight_are_bounded() {
    check(
        "plan 1000
         model a 1000/1000
         model b 1000/1000
         quota f user each 2 requests per flight
         quota g workspace 5 per flight only=b
         check r1 a in=1k out=0 user=ada   => allowed
         check r2 a in=1k out=0 user=ada hold=1m => allowed
         check r3 a in=1k out=0 user=ada
         => blocked; HeldInFlight; f of user ada says HeldInFlight: limit 2 spent 0 held 2 need 1
         check r4 a in=1k out=0 user=bob   => allowed
         record r1 a in=1k                 => cost 1
         check r3 a in=1k out=0 user=ada   => allowed
         check r5 a in=1k out=0 user=ada   => blocked; HeldInFlight
         wait 1m
         check r5 a in=1k out=0 user=ada   => allowed
         release r5                        => released 1
         check r6 b in=5k out=0            => allowed
         check r7 b in=1 out=0             => blocked; HeldInFlight
         restart
         check r8 a in=1 out=0 user=ada    => allowed
         check r9 a in=1 out=0 user=ada    => blocked; HeldInFlight
         usage of f
         => 1. f of user ada: 0 of 2, held 2, 0 ppm; 2. f of user bob: 0 of 2, held 1, 0 ppm
         crash
         usage of f                        => 0 entries
         check r9 a in=1 out=0 user=ada    => allowed",
    );
}

#[test]
fn one_request_is_bounded() {
    check(
        "plan 1000
         model a 1000/1000
         model b 1/1
         quota m user each 2 per request downgrade
         quota t workspace 10k tokens per request
         check r1 a in=2k out=0 user=ada   => allowed
         check r2 a in=2k out=0 user=ada   => allowed
         check r3 a in=2k out=1 user=ada   => routed b
         check r4 a in=10k out=1 user=bob
         => blocked; RequestTooLarge; no retry
         check r5 b in=9k out=1k           => allowed
         quota none user bob none per request
         check r6 a in=10k out=0 user=bob  => allowed
         usage user=ada                    => 1. m of user ada: 0 of 2, held 0, 0 ppm",
    );
}
